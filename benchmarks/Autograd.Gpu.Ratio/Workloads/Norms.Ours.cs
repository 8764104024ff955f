using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class Norms
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Softmax, () => OurRows(x => x.Softmax(1)));
        table.Ours(LogSoftmax, () => OurRows(x => x.LogSoftmax(1)));
        table.Ours(CrossEntropy, OurCrossEntropy);
        table.Ours(LayerNorm, () => OurLayerNorm(Batch, Classes));
        table.Ours(LayerNormForward, OurLayerNormForward);
        table.Ours(RmsNorm, OurRmsNorm);
        table.Ours(BatchNorm, () => OurBatchNorm(Image, isTrained: true));
        table.Ours(BatchNormForward, () => OurBatchNorm(Image, isTrained: false));
        table.Ours(BatchNormRows, () => OurBatchNorm([Side, Side], isTrained: true));
    }

    private static Step OurRows(Func<Tensor, Tensor> apply)
    {
        var x = Tensor.FromArray(Elements(1, Batch * Classes), [Batch, Classes], requiresGrad: true);
        var g = Tensor.FromArray(Elements(2, Batch * Classes), [Batch, Classes]);
        return probe =>
        {
            using var y = apply(x);
            Finish(probe, y, Autodiff.Grad([y], [x], [g]));
        };
    }

    private static Step OurCrossEntropy()
    {
        var logits = Tensor.FromArray(Elements(1, Batch * Classes), [Batch, Classes], requiresGrad: true);
        var labels = Tensor.FromArray(Data.Labels(2, Batch, Classes), [Batch]);
        return probe =>
        {
            logits.Grad = null;
            using var loss = F.CrossEntropy(logits, labels);
            loss.Backward();
            Finish(probe, loss, [logits.Grad]);
        };
    }

    private static Step OurLayerNorm(long rows, long length)
    {
        var x = Tensor.FromArray(Elements(1, rows * length), [rows, length], requiresGrad: true);
        var (w, b) = (Tensor.FromArray(Scales(length), [length], requiresGrad: true), Tensor.FromArray(Shifts(length), [length], requiresGrad: true));
        var g = Tensor.FromArray(Elements(2, rows * length), [rows, length]);
        return probe =>
        {
            using var y = F.LayerNorm(x, [length], w, b);
            Finish(probe, y, Autodiff.Grad([y], [x, w, b], [g]));
        };
    }

    private static Step OurLayerNormForward()
    {
        var x = Tensor.FromArray(Elements(1, Side * Side), [Side, Side]);
        var (w, b) = (Tensor.FromArray(Scales(Side), [Side]), Tensor.FromArray(Shifts(Side), [Side]));
        return probe =>
        {
            using var y = F.LayerNorm(x, [Side], w, b);
            Finish(probe, y, []);
        };
    }

    private static Step OurRmsNorm()
    {
        var x = Tensor.FromArray(Elements(1, Side * Side), [Side, Side], requiresGrad: true);
        var w = Tensor.FromArray(Scales(Side), [Side], requiresGrad: true);
        var g = Tensor.FromArray(Elements(2, Side * Side), [Side, Side]);
        return probe =>
        {
            using var y = F.RmsNorm(x, [Side], w, 1e-5);
            Finish(probe, y, Autodiff.Grad([y], [x, w], [g]));
        };
    }

    private static Step OurBatchNorm(long[] shape, bool isTrained)
    {
        var count = shape.Aggregate(1L, (a, b) => a * b);
        var x = Tensor.FromArray(Elements(1, count), [.. shape], requiresGrad: isTrained);
        var w = Tensor.FromArray(Scales(shape[1]), [shape[1]], requiresGrad: isTrained);
        var b = Tensor.FromArray(Shifts(shape[1]), [shape[1]], requiresGrad: isTrained);
        var (mean, variance) = (Tensor.Zeros([shape[1]]), Tensor.Ones([shape[1]]));
        var g = Tensor.FromArray(Elements(2, count), [.. shape]);
        return probe =>
        {
            using var y = F.BatchNorm(x, mean, variance, w, b, training: true);
            Finish(probe, y, isTrained ? Autodiff.Grad([y], [x, w, b], [g]) : []);
            mean.Materialize();
            variance.Materialize();
            probe?.Take(mean);
            probe?.Take(variance);
        };
    }

    // Given back at once, as the peer's are.
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
