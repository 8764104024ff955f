using Autograd.Gpu;
namespace AutogradRatio.Workloads;

internal static partial class Reductions
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Sum, () => OurSum(x => x.Sum()));
        table.Ours(SumRows, () => OurSum(x => x.Sum([1])));
        table.Ours(SumColumns, () => OurSum(x => x.Sum([0])));
        table.Ours(CrossEntropy, OurCrossEntropy);
    }

    private static Step OurSum(Func<Tensor, Tensor> sum)
    {
        var x = Tensor.FromArray(Positive(), [Side, Side]);
        return probe =>
        {
            var result = sum(x);
            result.Materialize();
            probe?.Take(result);
        };
    }

    private static Step OurCrossEntropy()
    {
        var logits = Tensor.FromArray(Data.Uniform(1, Batch * Classes, -3, 3), [Batch, Classes], requiresGrad: true);
        var labels = Tensor.FromArray(Data.Labels(2, Batch, Classes), [Batch]);
        return probe =>
        {
            logits.Grad = null;
            var loss = Autograd.Gpu.Nn.Functional.CrossEntropy(logits, labels);
            loss.Backward();
            var grad = logits.Grad!;
            loss.Materialize();
            grad.Materialize();
            probe?.Take(loss);
            probe?.Take(grad);
        };
    }
}
