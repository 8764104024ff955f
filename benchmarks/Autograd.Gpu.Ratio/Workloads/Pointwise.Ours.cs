using Autograd.Gpu;
namespace AutogradRatio.Workloads;

internal static partial class Pointwise
{
    static partial void AddOurs(Table table)
    {
        table.Ours(TanhChain, OurTanhChain);
        table.Ours(SquaredError, OurSquaredError);
        table.Ours(Add16M, OurAdd);
        table.Ours(AddInPlace16M, OurAddInPlace);
    }

    private static Step OurTanhChain()
    {
        var x = Tensor.FromArray(Data.Uniform(1, Million), [Million], requiresGrad: true);
        var b = Tensor.FromArray(Data.Uniform(2, Million), [Million]);
        var c = Tensor.FromArray(Data.Uniform(3, Million), [Million]);
        return probe =>
        {
            x.Grad?.Dispose();
            x.Grad = null;
            using var result = ((x * b + c).Tanh() * x.Exp()).Mean();
            result.Backward();
            var grad = x.Grad!;
            result.Materialize();
            grad.Materialize();
            probe?.Take(result);
            probe?.Take(grad);
        };
    }

    private static Step OurSquaredError()
    {
        var x = Tensor.FromArray(Data.Uniform(1, Million), [Million], requiresGrad: true);
        var target = Tensor.FromArray(Data.Uniform(2, Million), [Million]);
        return probe =>
        {
            // As the peer's scope does with its gradient; without it the memory would come back with a collection.
            x.Grad?.Dispose();
            x.Grad = null;
            using var loss = Autograd.Gpu.Nn.Functional.MseLoss(x, target);
            loss.Backward();
            var grad = x.Grad!;
            loss.Materialize();
            grad.Materialize();
            probe?.Take(loss);
            probe?.Take(grad);
        };
    }

    private static Step OurAdd()
    {
        var x = Tensor.FromArray(Data.Uniform(1, Sixteen), [Sixteen]);
        var y = Tensor.FromArray(Data.Uniform(2, Sixteen), [Sixteen]);
        return probe =>
        {
            var z = x + y;
            z.Materialize();
            probe?.Take(z);
        };
    }

    private static Step OurAddInPlace()
    {
        var x = Tensor.FromArray(Data.Uniform(1, Sixteen), [Sixteen]);
        var y = Tensor.FromArray(Data.Uniform(2, Sixteen), [Sixteen]);
        return probe =>
        {
            x.Add_(y);
            x.Materialize();
            probe?.Take(x);
        };
    }
}
