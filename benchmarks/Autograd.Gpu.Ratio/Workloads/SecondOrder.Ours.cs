using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class SecondOrder
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Rosenbrock, OurRosenbrock);
        table.Ours(Penalty, OurPenalty);
        table.Ours(Threads, OurThreads);
    }

    private static Step OurRosenbrock()
    {
        var x = Tensor.FromArray(Data.Uniform(1, Variables), [Variables], requiresGrad: true);
        static Tensor Function(Tensor x)
        {
            var head = x.Narrow(0, 0, Variables - 1);
            var tail = x.Narrow(0, 1, Variables - 1);
            var valley = tail - head * head;
            var slope = 1 - head;
            return (valley * valley * 100 + slope * slope).Sum();
        }

        return probe =>
        {
            var hessian = Autodiff.Hessian(Function, x).Materialize();
            probe?.Take(hessian);
        };
    }

    private static Step OurPenalty()
    {
        var w1 = Tensor.FromArray(Data.Weights(1, Hidden, Inputs), [Hidden, Inputs], requiresGrad: true);
        var w2 = Tensor.FromArray(Data.Weights(2, Hidden, Hidden), [Hidden, Hidden], requiresGrad: true);
        var w3 = Tensor.FromArray(Data.Weights(3, 1, Hidden), [1, Hidden], requiresGrad: true);
        var b1 = Tensor.FromArray(new float[Hidden], [Hidden], requiresGrad: true);
        var b2 = Tensor.FromArray(new float[Hidden], [Hidden], requiresGrad: true);
        Tensor[] parameters = [w1, b1, w2, b2, w3];
        var x = Tensor.FromArray(Data.Uniform(4, Batch * Inputs), [Batch, Inputs], requiresGrad: true);
        return probe =>
        {
            x.Grad = null;
            foreach (var parameter in parameters)
                parameter.Grad = null;
            var h1 = F.Linear(x, w1, b1).Tanh();
            var h2 = F.Linear(h1, w2, b2).Tanh();
            var value = F.Linear(h2, w3).Sum();
            var gradient = Autodiff.Grad(value, x, createGraph: true);
            var norm = (gradient * gradient).Sum().Sqrt();
            norm.Backward();
            norm.Materialize();
            probe?.Take(norm);
            foreach (var parameter in parameters)
            {
                var grad = parameter.Grad!.Materialize();
                probe?.Take(grad);
            }
        };
    }

    private static Step OurThreads()
    {
        var leaves = new Tensor[ThreadCount];
        for (var i = 0; i < ThreadCount; i++)
            leaves[i] = Tensor.FromArray(Data.Uniform(i, 4), [2, 2], requiresGrad: true);
        return probe =>
        {
            OnThreads(i =>
            {
                for (var pass = 0; pass < PassesPerThread; pass++)
                {
                    leaves[i].Grad = null;
                    var y = leaves[i] + 2;
                    (y * y * 3).Mean().Backward();
                    leaves[i].Grad!.Materialize();
                }
            });
            foreach (var leaf in leaves)
                probe?.Take(leaf.Grad!);
        };
    }
}
