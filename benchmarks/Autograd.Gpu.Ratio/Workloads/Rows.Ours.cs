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
            using var y = apply(x);
            Finish(probe, y, Autodiff.Grad([y], [x], [g]));
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
            using var y = F.LayerNorm(x, [Side], w, b);
            Finish(probe, y, Autodiff.Grad([y], [x, w, b], [g]));
        };
    }

    private static Step OurCrossEntropy()
    {
        var logits = Tensor.FromArray(Elements(1), [Side, Side], requiresGrad: true);
        var labels = Tensor.FromArray(Data.Labels(2, Side, Side), [Side]);
        return probe =>
        {
            using var loss = F.CrossEntropy(logits, labels);
            Finish(probe, loss, Autodiff.Grad([loss], [logits]));
        };
    }

    // Given back at once, as the peer's are: what is dropped comes back with a collection, and the next result is written into cold memory.
    private static void Finish(Probe? probe, Tensor y, IReadOnlyList<Tensor?> slopes)
    {
        y.Materialize();
        probe?.Take(y);
        foreach (var slope in slopes)
        {
            slope!.Materialize();
            probe?.Take(slope);
            slope.Dispose();
        }
    }
}
