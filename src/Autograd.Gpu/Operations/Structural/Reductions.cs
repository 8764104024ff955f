using System.Numerics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

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
            IsFull = true;
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

    private ReducedDims(Shape shape, ulong reduced, bool keepDim, bool isFull)
    {
        Shape = shape;
        _reduced = reduced;
        _keepDim = keepDim;
        IsFull = isFull;
        Count = 1;
        for (int d = 0; d < shape.Rank; d++)
        {
            Count *= IsReduced(d) ? shape[d] : 1;
        }

        Result = Without(keepDim);
    }

    /// <summary>The input's shape.</summary>
    public Shape Shape { get; }

    /// <summary>Whether all dimensions were meant.</summary>
    public bool IsFull { get; }

    /// <summary>The result's shape with reduced dimensions kept as 1.</summary>
    public Shape Kept => Without(keepDim: true);

    /// <summary>The result's shape.</summary>
    public Shape Result { get; }

    /// <summary>How many elements make one of the result's.</summary>
    public long Count { get; }

    /// <summary>The same dimensions, kept with size 1.</summary>
    public ReducedDims Keeping() => _keepDim ? this : new ReducedDims(Shape, _reduced, keepDim: true, IsFull);

    /// <summary>The same dimensions behind a new first one of <paramref name="size"/>, which is not reduced.</summary>
    public ReducedDims Behind(long size) => new(Shape.Own([size, .. Shape.AsSpan()]), _reduced << 1, _keepDim, isFull: false);

    /// <summary>A tensor of the result's shape, seen so that it broadcasts against the input.</summary>
    public Tensor Spread(Tensor result) => _keepDim || Result.Rank == 0 ? result : result.Reshape(Kept);

    /// <summary>Reduces <paramref name="input"/> over these dimensions; not recorded.</summary>
    public Tensor Run(Reduction reduction, Tensor input, DType dtype)
    {
        var device = input.Device;
        using (device.Gate.Enter())
        {
            var executor = Executor.Of(device);
            var expression = input.ReadForReduction(dtype);
            ApplyExpression.Claim(expression);
            var resultType = reduction is Reduction.ArgMax or Reduction.ArgMin ? DType.Int64 : dtype;
            var layout = Result.Rank == 0 ? Tensor.ScalarLayout : Layout.Contiguous(Result);
            var result = Count == Shape.NumElements && Result.NumElements == 1
                ? Pass(executor, reduction, expression, new ReductionShape(1, Count, 1), resultType, layout)
                : RunByRuns(executor, reduction, expression, resultType, layout);
            ApplyExpression.Release(expression);
            return Tensor.FromNewBuffer(device, result);
        }
    }

    /// <summary>A tensor of the input's shape with the reduced dimensions as one, the last.</summary>
    public Tensor AsLines(Tensor x)
    {
        var order = LineOrder();
        var kept = new List<long>();
        foreach (int d in order)
        {
            if (!IsReduced(d))
            {
                kept.Add(Shape[d]);
            }
        }

        return x.Permute(order).Reshape([.. kept, Count]);
    }

    /// <summary>The way back.</summary>
    public Tensor FromLines(Tensor lines)
    {
        var order = LineOrder();
        var inverse = new int[order.Length];
        for (int d = 0; d < order.Length; d++)
        {
            inverse[order[d]] = d;
        }

        return lines.Reshape([.. order.Select(d => Shape[d])]).Permute(inverse);
    }

    private int[] LineOrder() =>
        [.. Enumerable.Range(0, Shape.Rank).Where(d => !IsReduced(d)), .. Enumerable.Range(0, Shape.Rank).Where(IsReduced)];

    private bool IsReduced(int dim) => (_reduced >> dim & 1) != 0;

    private Shape Without(bool keepDim)
    {
        int rank = 0;
        for (int d = 0; d < Shape.Rank; d++)
        {
            rank += keepDim || !IsReduced(d) ? 1 : 0;
        }

        var sizes = new long[rank];
        for (int d = Shape.Rank - 1; d >= 0; d--)
        {
            if (keepDim || !IsReduced(d))
            {
                sizes[--rank] = IsReduced(d) ? 1 : Shape[d];
            }
        }

        return Shape.Own(sizes);
    }

    /// <summary>One pass for each run of neighbouring reduced dimensions, the last first; each sees [outer, reduced, inner] of what is left.</summary>
    private BufferExpression RunByRuns(Executor executor, Reduction reduction, Expression expression, DType resultType, Layout layout)
    {
        Span<long> sizes = stackalloc long[Shape.Rank];
        Shape.AsSpan().CopyTo(sizes);
        BufferExpression? result = null;
        ulong left = _reduced & (Shape.Rank == 64 ? ulong.MaxValue : (1UL << Shape.Rank) - 1);
        while (left != 0)
        {
            int end = BitOperations.Log2(left), start = end;
            while (start > 0 && (IsReduced(start - 1) || sizes[start - 1] == 1))
            {
                start--;
            }

            left &= (1UL << start) - 1;
            var shape = new ReductionShape(Product(sizes[..start]), Product(sizes[start..(end + 1)]), Product(sizes[(end + 1)..]));
            sizes[start..(end + 1)].Fill(1);
            var next = Pass(executor, reduction, expression, shape, resultType, left == 0 ? layout : Layout.Contiguous(Shape.Own(sizes.ToArray())));
            result?.Block.Release();
            expression = result = next;
        }

        return result ?? Pass(executor, reduction, expression, new ReductionShape(Shape.NumElements, 1, 1), resultType, layout);
    }

    private static BufferExpression Pass(
        Executor executor, Reduction reduction, Expression input, ReductionShape shape, DType dtype, Layout layout)
    {
        var result = Fuser.NewBuffer(executor.Device, dtype, layout);
        if (shape.Results > 0)
        {
            executor.Reduce(reduction, input, shape, result);
        }

        return result;
    }

    private static long Product(ReadOnlySpan<long> sizes)
    {
        long product = 1;
        foreach (long size in sizes)
        {
            product *= size;
        }

        return product;
    }
}

/// <summary>What reductions to one value of the input's elements have in common.</summary>
internal abstract class ReductionOperation(string name, ReducedDims dims) : StructuralOperation(name)
{
    public override string NodeName => NodeNames.Of(Name, dims.IsFull ? 0 : 1);

    protected ReducedDims Dims => dims;

    public sealed override Tensor Batch(BatchInputs inputs) => inputs.Samples[0].Rank == 0
        ? OfScalars(inputs[0])
        : Structural.Apply(Over(dims.Behind(inputs.Size)), Batches(inputs));

    /// <summary>The same reduction over other dimensions.</summary>
    protected abstract StructuralOperation Over(ReducedDims dims);

    /// <summary>What the reduction makes of a batch of single numbers.</summary>
    protected virtual Tensor OfScalars(Tensor batch) => batch.Clone();

    private static Tensor[] Batches(BatchInputs inputs)
    {
        var batches = new Tensor[inputs.Count];
        for (int i = 0; i < batches.Length; i++)
        {
            batches[i] = inputs.Repeated(i);
        }

        return batches;
    }
}

internal sealed class Sum(ReducedDims dims, DType dtype) : ReductionOperation("Sum", dims)
{
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Dims.Run(Reduction.Sum, inputs[0], dtype);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Dims.Spread(gradient).Expand(Dims.Shape);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent) : null;

    protected override StructuralOperation Over(ReducedDims dims) => new Sum(dims, dtype);

    protected override Tensor OfScalars(Tensor batch) => batch.DType == dtype ? batch.Clone() : batch.To(dtype);
}

internal sealed class Mean(ReducedDims dims) : ReductionOperation("Mean", dims)
{
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var input = inputs[0];

        // In a half type the sum, and the count too, would overflow where the mean does not.
        var sum = Dims.Run(Reduction.Sum, input, input.DType.ComputeType());
        return (sum.TryDivide(Dims.Count) ? sum : sum / (double)Dims.Count).To(input.DType);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Dims.Spread(gradient / (double)Dims.Count).Expand(Dims.Shape);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent) : null;

    protected override StructuralOperation Over(ReducedDims dims) => new Mean(dims);
}

/// <summary>The largest or smallest element over dimensions; elements that tie share the gradient evenly.</summary>
internal sealed class Extreme(string name, string nodeName, Reduction reduction, ReducedDims dims) : ReductionOperation(name, dims)
{
    public override string NodeName => nodeName;

    public override Saves Saves => Saves.Input0 | Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Dims.Run(reduction, inputs[0], inputs[0].DType);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Dims.Spread(gradient) * Shares(saved.Input0, saved.Output);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(new Sum(Dims, output.DType), tangent * Shares(inputs[0], output)) : null;

    protected override StructuralOperation Over(ReducedDims dims) => new Extreme(Name, nodeName, reduction, dims);

    /// <summary>What part of the result's gradient each element gets: those that tie share it.</summary>
    private Tensor Shares(Tensor input, Tensor output)
    {
        var (x, extreme) = (input.Detach(), Dims.Spread(output.Detach()));

        // Where the result is nan, the nans tie.
        var isExtreme = ((x == extreme) + (x.Ne(x) * extreme.Ne(extreme))).To(output.DType);
        return isExtreme / isExtreme.SumKeeping(Dims);
    }
}

/// <summary>The values of max or min over one dimension, beside their indices: the gradient goes to the one element that was selected.</summary>
internal sealed class Selected(string name, Reduction reduction, ReducedDims dims, int dim) : ReductionOperation(name, dims)
{
    public override string NodeName => NodeNames.Of(Name);

    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Dims.Run(reduction, inputs[0], inputs[0].DType);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Tensor.Where(IsSelected(saved.Input1), Dims.Spread(gradient), 0.0);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => tangents[0] is { } tangent
        ? Structural.Apply(new Sum(Dims, output.DType), Tensor.Where(IsSelected(inputs[1]), tangent, 0.0))
        : null;

    protected override StructuralOperation Over(ReducedDims dims) => new Selected(Name, reduction, dims, dim + 1);

    private Tensor IsSelected(Tensor indices) => Tensor.IsAt(Dims.Shape, dim, Dims.Spread(indices));
}

/// <summary>The index of the (first) largest or smallest element over a dimension.</summary>
internal sealed class ArgExtreme(string name, Reduction reduction, ReducedDims dims) : ReductionOperation(name, dims)
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Dims.Run(reduction, inputs[0], inputs[0].DType);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    protected override StructuralOperation Over(ReducedDims dims) => new ArgExtreme(Name, reduction, dims);

    protected override Tensor OfScalars(Tensor batch) => Tensor.Zeros(batch.Shape, DType.Int64, batch.Device);
}
