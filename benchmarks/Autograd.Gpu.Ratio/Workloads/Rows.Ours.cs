using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class Rows
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Softmax, () => OurRows(x => x.Softmax(1)));
        table.Ours(LogSoftmax, () => OurRows(x => x.LogSoftmax(1)));
        table.Ours(LayerNorm, OurLayerNorm);
        table.Ours(CrossEntropy, OurCrossEntropy);
    }

    private static Step OurRows(Func<Tensor, Tensor> apply)
    {
        var x = Tensor.FromArray(Elements(1), [Side, Side], requiresGrad: true);
        var g = Tensor.FromArray(Elements(2), [Side, Side]);
        return probe =>
        {
            var y = apply(x);
            var slope = Autodiff.Grad([y], [x], [g])[0]!;
            y.Materialize();
            slope.Materialize();
            probe?.Take(y);
            probe?.Take(slope);
        };
    }

    private static Step OurLayerNorm()
    {
        var x = Tensor.FromArray(Elements(1), [Side, Side], requiresGrad: true);
        var w = Tensor.FromArray(Data.Uniform(3, Side, 0.5f, 2), [Side], requiresGrad: true);
        var b = Tensor.FromArray(Data.Uniform(4, Side, -1, 1), [Side], requiresGrad: true);
        var g = Tensor.FromArray(Elements(2), [Side, Side]);
        return probe =>
        {
            var y = F.LayerNorm(x, [Side], w, b);
            var slopes = Autodiff.Grad([y], [x, w, b], [g]);
            y.Materialize();
            probe?.Take(y);
            foreach (var slope in slopes)
            {
                slope!.Materialize();
                probe?.Take(slope);
            }
        };
    }

    private static Step OurCrossEntropy()
    {
        var logits = Tensor.FromArray(Elements(1), [Side, Side], requiresGrad: true);
        var labels = Tensor.FromArray(Data.Labels(2, Side, Side), [Side]);
        return probe =>
        {
            var loss = F.CrossEntropy(logits, labels);
            var slope = Autodiff.Grad([loss], [logits])[0]!;
            loss.Materialize();
            slope.Materialize();
            probe?.Take(loss);
            probe?.Take(slope);
        };
    }
}
