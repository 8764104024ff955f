using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class ConvolutionNetworks
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Adam, () => OurStep(hidden: Hidden));
        table.Ours(Sgd, () => OurStep(hidden: 0));
    }

    private static Step OurStep(int hidden)
    {
        static Tensor Leaf(float[] data, params long[] shape) => Tensor.FromArray(data, shape, requiresGrad: true);
        var (k1, k2) = (Leaf(Data.Weights(1, First, 9), First, 1, 3, 3), Leaf(Data.Weights(2, Second, 9 * First), Second, First, 3, 3));
        var (c1, c2) = (Leaf(new float[First], First), Leaf(new float[Second], Second));
        int last = hidden > 0 ? hidden : Features;
        var (w, b) = (Leaf(Data.Weights(3, Classes, last), Classes, last), Leaf(new float[Classes], Classes));
        List<Tensor> parameters = [k1, c1, k2, c2, w, b];
        var (v, a) = (k1, k1);
        if (hidden > 0)
        {
            (v, a) = (Leaf(Data.Weights(4, hidden, Features), hidden, Features), Leaf(new float[hidden], hidden));
            parameters.AddRange([v, a]);
        }

        var x = Tensor.FromArray(Data.Uniform(5, Batch * Size * Size, 0, 1), [Batch, 1, Size, Size]);
        var labels = Tensor.FromArray(Data.Labels(6, Batch, Classes), [Batch]);
        Autograd.Gpu.Optim.Optimizer optimizer = hidden > 0 ? new Autograd.Gpu.Optim.Adam(parameters, lr: AdamRate) : new Autograd.Gpu.Optim.Sgd(parameters, lr: SgdRate);
        return probe =>
        {
            optimizer.ZeroGrad();
            var h = F.MaxPool2d(F.Conv2d(F.Conv2d(x, k1, c1).Relu(), k2, c2).Relu(), 2).Flatten(1);
            if (hidden > 0)
                h = F.Linear(h, v, a).Relu();
            var loss = F.CrossEntropy(F.Linear(h, w, b), labels);
            loss.Backward();
            optimizer.Step();
            loss.Materialize();
            foreach (var parameter in parameters)
                parameter.Materialize();
            probe?.Take(loss);
        };
    }
}
