using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The sum of all elements, a 0-d tensor; integers and bools sum to int64.</summary>
    public Tensor Sum() => Sum([]);

    /// <summary>The sum over dimensions (all, if none is named). Float32 sums are exact to about the last place, however long.</summary>
    /// <param name="dims">The dimensions to reduce; negative ones count from the last.</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <param name="dtype">The type to sum in; by default this tensor's, int64 for integers and bools.</param>
    public Tensor Sum(ReadOnlySpan<int> dims, bool keepDim = false, DType? dtype = null)
    {
        Defined.Check("Sum", dtype);
        var reduced = new ReducedDims("Sum", Shape, dims, keepDim);
        var type = dtype ?? (DType.IsFloatingPoint() ? DType : DType.Int64);
        return Structural.Apply(new Sum(reduced, type), this);
    }

    /// <summary>The sum over one dimension.</summary>
    public Tensor Sum(int dim, bool keepDim = false) => Sum([dim], keepDim);

    /// <summary>The mean of all elements, a 0-d tensor.</summary>
    public Tensor Mean() => Mean([]);

    /// <summary>The mean over dimensions (all, if none is named); nan where there is nothing to average.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor Mean(ReadOnlySpan<int> dims, bool keepDim = false)
    {
        if (!DType.IsFloatingPoint())
        {
            throw new DTypeException(
                $"Mean: could not infer output dtype. Input dtype must be a floating point dtype. Got: {DType.Name()}. Convert with To(DType.Float32).");
        }

        return Structural.Apply(new Mean(new ReducedDims("Mean", Shape, dims, keepDim)), this);
    }

    /// <summary>The mean over one dimension.</summary>
    public Tensor Mean(int dim, bool keepDim = false) => Mean([dim], keepDim);

    /// <summary>The largest element over dimensions (all, if none is named); nan if there is one. Elements that tie share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is nothing to choose from.</exception>
    public Tensor Amax(ReadOnlySpan<int> dims = default, bool keepDim = false) => ExtremeOver("Amax", "AmaxBackward0", Reduction.Max, dims, keepDim);

    /// <summary>The smallest element over dimensions (all, if none is named); nan if there is one. Elements that tie share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is nothing to choose from.</exception>
    public Tensor Amin(ReadOnlySpan<int> dims = default, bool keepDim = false) => ExtremeOver("Amin", "AminBackward0", Reduction.Min, dims, keepDim);

    /// <summary>The largest element, a 0-d tensor. Elements that tie share the gradient evenly.</summary>
    public Tensor Max() => ExtremeOver("Max", "MaxBackward1", Reduction.Max, [], false);

    /// <summary>The smallest element, a 0-d tensor. Elements that tie share the gradient evenly.</summary>
    public Tensor Min() => ExtremeOver("Min", "MinBackward1", Reduction.Min, [], false);

    /// <summary>The largest elements over a dimension and their (first) indices; the gradient goes to the selected elements.</summary>
    public (Tensor Values, Tensor Indices) Max(int dim, bool keepDim = false) => SelectOver("Max", Reduction.Max, Reduction.ArgMax, dim, keepDim);

    /// <summary>The smallest elements over a dimension and their (first) indices; the gradient goes to the selected elements.</summary>
    public (Tensor Values, Tensor Indices) Min(int dim, bool keepDim = false) => SelectOver("Min", Reduction.Min, Reduction.ArgMin, dim, keepDim);

    /// <summary>The index of the (first) largest element over a dimension, or in row-major order over all; int64.</summary>
    public Tensor ArgMax(int? dim = null, bool keepDim = false) => ArgOver("ArgMax", Reduction.ArgMax, dim, keepDim);

    /// <summary>The index of the (first) smallest element over a dimension, or in row-major order over all; int64.</summary>
    public Tensor ArgMin(int? dim = null, bool keepDim = false) => ArgOver("ArgMin", Reduction.ArgMin, dim, keepDim);

    /// <summary>The sum over the dimensions by which this shape is larger than <paramref name="shape"/>, which broadcasts to it.</summary>
    /// <exception cref="ShapeException">The shape does not broadcast to this tensor's.</exception>
    public Tensor SumToSize(Shape shape)
    {
        if (shape == Shape)
        {
            return this;
        }

        if (Shape.Rank < shape.Rank || Shape.Broadcast(Shape, shape, "SumToSize") != Shape)
        {
            throw new ShapeException($"SumToSize: size {shape} is not expandable to size {Shape}.");
        }

        int lead = Shape.Rank - shape.Rank, count = 0;
        Span<int> dims = Rank <= 64 ? stackalloc int[Rank] : new int[Rank];
        for (int d = 0; d < dims.Length; d++)
        {
            if (d < lead || (shape[d - lead] == 1 && Shape[d] != 1))
            {
                dims[count++] = d;
            }
        }

        // Where only leading dimensions go, the sum has the shape at once.
        return count == 0 ? Reshape(shape) : Sum(dims[..count], keepDim: count != lead).Reshape(shape);
    }

    /// <summary>
    /// Whether each element of a shape stands at the position along <paramref name="dim"/> that <paramref name="indices"/> (int64, broadcast) names.
    /// </summary>
    internal static Tensor IsAt(Shape shape, int dim, Tensor indices)
    {
        // Beside float32 elements, 32-bit positions keep a host kernel's vectors of one width.
        var dtype = shape.Rank == 0 || shape[dim] <= int.MaxValue ? DType.Int32 : DType.Int64;
        var sizes = new long[shape.Rank];
        Array.Fill(sizes, 1);
        var strides = new long[shape.Rank];
        if (sizes.Length > 0)
        {
            sizes[dim] = shape[dim];
            strides[dim] = 1;
        }

        // An index beyond the dimension stays beyond it.
        var narrow = indices.Clamp(-1, sizes.Length > 0 ? shape[dim] : 1).To(dtype);
        return IndexSequence(Shape.Own(sizes), strides, indices.Device, dtype) == narrow;
    }

    /// <summary>Divides the elements of a tensor that nobody knows of yet, where that takes no kernel.</summary>
    internal bool TryDivide(double divisor)
    {
        using (Device.Gate.Enter())
        {
            return Executor.Of(Device).TryDivide(Storage.Materialize(CutReason.Operand), divisor);
        }
    }

    /// <summary>The sum over dimensions, which stay with size 1.</summary>
    internal Tensor SumKeeping(ReducedDims dims) => Structural.Apply(new Sum(dims.Keeping(), DType), this);

    /// <summary>This tensor as the prologue of a reduction.</summary>
    internal Expression ReadForReduction(DType dtype) => ReadAs(dtype, ResultLayout(Shape) ?? Layout.Contiguous(Shape));

    private Tensor ExtremeOver(string name, string nodeName, Reduction reduction, ReadOnlySpan<int> dims, bool keepDim)
    {
        var reduced = new ReducedDims(name, Shape, dims, keepDim);
        CheckNotEmpty(name, reduced.Count);
        return Structural.Apply(new Extreme(name, nodeName, reduction, reduced), this);
    }

    private (Tensor Values, Tensor Indices) SelectOver(string name, Reduction value, Reduction index, int dim, bool keepDim)
    {
        var reduced = new ReducedDims(name, Shape, [dim], keepDim);
        CheckNotEmpty(name, reduced.Count);
        var indices = Structural.Apply(new ArgExtreme(name, index, reduced), this);

        // The node's own handle on the indices: the caller may write over them.
        return (Structural.Apply(new Selected(name, value, reduced, Shape.WrapDim(dim, name)), this, indices.ShareValue()), indices);
    }

    private Tensor ArgOver(string name, Reduction reduction, int? dim, bool keepDim)
    {
        using var mode = GradMode.Set(false);
        var reduced = new ReducedDims(name, Shape, dim is { } d ? [d] : [], keepDim);
        CheckNotEmpty(name, reduced.Count);
        if (dim is not null || Rank <= 1)
        {
            return Structural.Apply(new ArgExtreme(name, reduction, reduced), this);
        }

        var flat = new ReducedDims(name, [NumElements], [], false);
        return Structural.Apply(new ArgExtreme(name, reduction, flat), Reshape([NumElements])).Reshape(reduced.Result);
    }

    private void CheckNotEmpty(string operation, long count)
    {
        if (count == 0)
        {
            throw new ShapeException(
                $"{operation}: Expected reduction dim to have non-zero size, since the operation has no identity (shape {Shape}). Check NumElements first.");
        }
    }
}
