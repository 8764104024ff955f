using Autograd.Gpu.Lazy;
using Autograd.Gpu.Printing;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>Prints as PyTorch prints: values, then what is not the default of dtype, device and history.</summary>
    public override string ToString() => ToString(null);

    private string ToString(string? tangent)
    {
        if (Wrapper is { } wrapper)
        {
            return wrapper switch
            {
                Transforms.BatchWrapper => $"BatchedTensor(shape={Shape}, value={wrapper.Inner})",
                Transforms.DualWrapper { Level.IsOpen: true } dual => wrapper.Inner.ToString(dual.Tangent.ToString()),
                _ => wrapper.Inner.ToString(tangent),
            };
        }

        if (_storage is null)
        {
            return "tensor(disposed)";
        }

        Storage.Materialize(CutReason.Read);
        string? suffix = HistoryText();
        string? device = Device.Kind == DeviceKind.Cuda ? Device.ToString() : null;
        using var mode = GradMode.Set(false);
        var shown = NumElements > TensorFormatter.Threshold ? Edges() : this;
        Func<long, double> floatAt = _ => 0;
        Func<long, long> integerAt = _ => 0;
        if (DType.IsFloatingPoint())
        {
            var values = shown.To(DType.Float64).ToArray<double>();
            floatAt = i => values[IndexIn(shown, i)];
        }
        else
        {
            var values = shown.To(DType.Int64).ToArray<long>();
            integerAt = i => values[IndexIn(shown, i)];
        }

        return TensorFormatter.Format(Shape.AsSpan(), DType, floatAt, integerAt, suffix, device, tangent);
    }

    private string? HistoryText()
    {
        try
        {
            return GradFn is { } node ? $"grad_fn={node}" : RequiresGrad ? "requires_grad=True" : null;
        }
        catch (GradientException)
        {
            // A view made under NoGrad and written since.
            return "grad_fn=<Invalid>";
        }
    }

    /// <summary>The first and the last elements of each dimension, as many as a summary shows.</summary>
    private Tensor Edges()
    {
        const int items = TensorFormatter.EdgeItems;
        var edges = this;
        for (int d = 0; d < Rank; d++)
        {
            if (Shape[d] > 2 * items)
            {
                edges = Cat([edges.Narrow(d, 0, items), edges.Narrow(d, Shape[d] - items, items)], d);
            }
        }

        return edges;
    }

    /// <summary>Where element <paramref name="index"/> of this tensor, in row-major order, stands in <paramref name="edges"/>.</summary>
    private long IndexIn(Tensor edges, long index)
    {
        long result = 0, step = 1;
        for (int d = Rank - 1; d >= 0; d--)
        {
            long at = index % Shape[d];
            index /= Shape[d];
            if (at >= TensorFormatter.EdgeItems)
            {
                at -= Shape[d] - edges.Shape[d];
            }

            result += at * step;
            step *= edges.Shape[d];
        }

        return result;
    }
}
