using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class Training
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Mlp, OurMlp);
        table.Ours(MlpLibrary, OurMlp);
        table.Ours(Tiny, OurTiny);
    }

    private static Step OurMlp()
    {
        var w1 = Tensor.FromArray(Data.Weights(1, Hidden, Inputs), [Hidden, Inputs], requiresGrad: true);
        var w2 = Tensor.FromArray(Data.Weights(2, Hidden, Hidden), [Hidden, Hidden], requiresGrad: true);
        var w3 = Tensor.FromArray(Data.Weights(3, Classes, Hidden), [Classes, Hidden], requiresGrad: true);
        var b1 = Tensor.FromArray(new float[Hidden], [Hidden], requiresGrad: true);
        var b2 = Tensor.FromArray(new float[Hidden], [Hidden], requiresGrad: true);
        var b3 = Tensor.FromArray(new float[Classes], [Classes], requiresGrad: true);
        Tensor[] parameters = [w1, b1, w2, b2, w3, b3];
        var x = Tensor.FromArray(Data.Uniform(4, Batch * Inputs, 0, 1), [Batch, Inputs]);
        var labels = Tensor.FromArray(Data.Labels(5, Batch, Classes), [Batch]);
        var adam = new Autograd.Gpu.Optim.Adam(parameters, lr: AdamRate);
        return probe =>
        {
            adam.ZeroGrad();
            var h1 = F.Linear(x, w1, b1).Relu();
            var h2 = F.Linear(h1, w2, b2).Relu();
            var loss = F.CrossEntropy(F.Linear(h2, w3, b3), labels);
            loss.Backward();
            adam.Step();
            loss.Materialize();
            foreach (var parameter in parameters)
                parameter.Materialize();
            probe?.Take(loss);
        };
    }

    private static Step OurTiny()
    {
        var w1 = Tensor.FromArray(Data.Weights(1, 16, 2), [16, 2], requiresGrad: true);
        var w2 = Tensor.FromArray(Data.Weights(2, 1, 16), [1, 16], requiresGrad: true);
        var b1 = Tensor.FromArray(new float[16], [16], requiresGrad: true);
        var b2 = Tensor.FromArray(new float[1], [1], requiresGrad: true);
        Tensor[] parameters = [w1, b1, w2, b2];
        var x = Tensor.FromArray(XorInputs, [4, 2]);
        var target = Tensor.FromArray(XorTargets, [4, 1]);
        var sgd = new Autograd.Gpu.Optim.Sgd(parameters, lr: SgdRate);
        return probe =>
        {
            sgd.ZeroGrad();
            var loss = F.MseLoss(F.Linear(F.Linear(x, w1, b1).Tanh(), w2, b2), target);
            loss.Backward();
            sgd.Step();
            loss.Materialize();
            foreach (var parameter in parameters)
                parameter.Materialize();
            probe?.Take(loss);
            probe?.Take(w1);
        };
    }
}
