using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>The dimensions of one reduction, and how gradients of its result spread over them again.</summary>
internal sealed class ReducedDims
{
    private readonly ulong _reduced;
    private readonly bool _keepDim;

    public ReducedDims(string operation, Shape shape, ReadOnlySpan<int> dims, bool keepDim)
    {
        Shape = shape;
        _keepDim = keepDim;
        if (shape.Rank > 64)
        {
            throw new ShapeException($"{operation}: only tensors with up to 64 dims are supported, but got {shape.Rank}.");
        }

        if (dims.IsEmpty)
        {
            _reduced = ulong.MaxValue;
            Count = shape.NumElements;
            Result = keepDim ? Kept : Shape.Scalar;
            return;
        }

        Count = 1;
        foreach (int dim in dims)
        {
            int d = shape.WrapDim(dim, operation);
            if (shape.Rank == 0)
            {
                continue;
            }

            if (IsReduced(d))
            {
                throw new ShapeException($"{operation}: dim {d} appears multiple times in the list of dims.");
            }

            _reduced |= 1UL << d;
            Count *= shape[d];
        }

        Result = Without(keepDim);
    }

    /// <summary>The input's shape.</summary>
    public Shape Shape { get; }

    /// <summary>The result's shape with reduced dimensions kept as 1.</summary>
    public Shape Kept => Without(keepDim: true);

    /// <summary>The result's shape.</summary>
    public Shape Result { get; }

    /// <summary>How many elements make one of the result's.</summary>
    public long Count { get; }

    /// <summary>A tensor of the result's shape, seen so that it broadcasts against the input.</summary>
    public Tensor Spread(Tensor result) => _keepDim || Result.Rank == 0 ? result : result.Reshape(Kept);

    /// <summary>Reduces <paramref name="input"/> over these dimensions; not recorded.</summary>
    public Tensor Run(Reduction reduction, Tensor input, DType dtype)
    {
        var device = input.Device;
        lock (device.Gate)
        {
            var executor = Executor.Of(device);
            var expression = input.ReadForReduction(dtype);
            ApplyExpression.Claim(expression);
            var resultType = reduction is Reduction.ArgMax or Reduction.ArgMin ? DType.Int64 : dtype;
            var result = Count == Shape.NumElements && Result.NumElements == 1
                ? Pass(executor, reduction, expression, new ReductionShape(1, Count, 1), resultType)
                : RunByRuns(executor, reduction, expression, resultType);
            ApplyExpression.Release(expression);
            return Tensor.FromNewBuffer(device, result.WithLayout(Layout.Contiguous(Result)));
        }
    }

    private bool IsReduced(int dim) => (_reduced >> dim & 1) != 0;

    private Shape Without(bool keepDim)
    {
        var sizes = new long[Shape.Rank];
        int rank = 0;
        for (int d = 0; d < sizes.Length; d++)
        {
            if (keepDim || !IsReduced(d))
            {
                sizes[rank++] = IsReduced(d) ? 1 : Shape[d];
            }
        }

        return Shape.Own(rank == sizes.Length ? sizes : sizes[..rank]);
    }

    /// <summary>One pass for each run of neighbouring reduced dimensions, the last first; each sees [outer, reduced, inner] of what is left.</summary>
    private BufferExpression RunByRuns(Executor executor, Reduction reduction, Expression expression, DType resultType)
    {
        var sizes = Shape.ToArray();
        BufferExpression? result = null;
        for (int end = sizes.Length - 1; end >= 0; end--)
        {
            if (!IsReduced(end))
            {
                continue;
            }

            int start = end;
            while (start > 0 && (IsReduced(start - 1) || sizes[start - 1] == 1))
            {
                start--;
            }

            var shape = new ReductionShape(Product(sizes, 0, start), Product(sizes, start, end + 1), Product(sizes, end + 1, sizes.Length));
            Array.Fill(sizes, 1, start, end + 1 - start);
            var next = Pass(executor, reduction, expression, shape, resultType);
            result?.Block.Release();
            result = next;
            expression = result.WithLayout(Layout.Contiguous(Shape.Own(sizes.ToArray())));
            end = start;
        }

        return result ?? Pass(executor, reduction, expression, new ReductionShape(Shape.NumElements, 1, 1), resultType);
    }

    private static BufferExpression Pass(Executor executor, Reduction reduction, Expression input, ReductionShape shape, DType dtype)
    {
        var layout = shape.Results == 1 ? Tensor.ScalarLayout : Layout.Contiguous([shape.Outer, shape.Inner]);
        var result = new BufferExpression(executor.Device.Allocate(shape.Results * dtype.Size()), dtype, layout);
        if (shape.Results > 0)
        {
            executor.Reduce(reduction, input, shape, result);
        }

        return result;
    }

    private static long Product(long[] sizes, int start, int end)
    {
        long product = 1;
        for (int d = start; d < end; d++)
        {
            product *= sizes[d];
        }

        return product;
    }
}

internal sealed class Sum(ReducedDims dims, bool isFull) : IDifferentiable
{
    public string Name => "Sum";

    public string NodeName => isFull ? "SumBackward0" : "SumBackward1";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = dims.Spread(gradient).Expand(dims.Shape);
}

internal sealed class Mean(ReducedDims dims, bool isFull) : IDifferentiable
{
    public string Name => "Mean";

    public string NodeName => isFull ? "MeanBackward0" : "MeanBackward1";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = dims.Spread(gradient / (double)dims.Count).Expand(dims.Shape);
}

/// <summary>The largest or smallest element over dimensions; elements that tie share the gradient evenly.</summary>
internal sealed class Extreme(string name, string nodeName, ReducedDims dims) : IDifferentiable
{
    public string Name => name;

    public string NodeName => nodeName;

    public Saves Saves => Saves.Input0 | Saves.Output;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var (x, extreme) = (saved.Input0.Detach(), dims.Spread(saved.Output.Detach()));

        // Where the result is nan, the nans tie.
        var isExtreme = ((x == extreme) + (x.Ne(x) * extreme.Ne(extreme))).To(gradient.DType);
        inputGradients[0] = dims.Spread(gradient) * (isExtreme / isExtreme.SumKeeping(dims));
    }
}

/// <summary>The values of max or min over one dimension: the gradient goes to the one element that was selected.</summary>
internal sealed class Selected(string name, ReducedDims dims, int dim, Tensor indices) : IDifferentiable
{
    public string Name => name;

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var isSelected = Tensor.IsAt(dims.Shape, dim, dims.Spread(indices));
        inputGradients[0] = Tensor.Where(isSelected, dims.Spread(gradient), 0.0);
    }
}
