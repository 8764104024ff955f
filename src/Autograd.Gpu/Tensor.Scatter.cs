using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

/// <summary>How <see cref="Tensor.ScatterReduce"/> combines what falls on one element.</summary>
public enum ScatterReduction
{
    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The product.</summary>
    Prod,

    /// <summary>The mean.</summary>
    Mean,

    /// <summary>The largest.</summary>
    Amax,

    /// <summary>The smallest.</summary>
    Amin,
}

public sealed partial class Tensor
{
    /// <summary>
    /// This tensor with elements replaced: <c>result[index[i, j], j] = source[i, j]</c> for dimension 0. Where an index occurs more than once the last
    /// one stays, on every device; the gradient of <paramref name="source"/> is right only where they differ, as in PyTorch. On a GPU an index out of range is left out.
    /// </summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="index">int64 positions along it, of as many dimensions as this tensor and nowhere larger than the source.</param>
    /// <param name="source">The elements, of this tensor's dtype.</param>
    /// <exception cref="ShapeException">The shapes do not fit, or an index is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32, or the dtypes differ.</exception>
    public Tensor Scatter(int dim, Tensor index, Tensor source)
    {
        ArgumentNullException.ThrowIfNull(index);
        int d = Shape.WrapDim(dim, "Scatter");
        index = Placed("Scatter", d, index, source);
        return Inside(index, d, region => Structural.Apply(new Scattered("Scatter", d), [region, index, source.ClippedTo(index.Shape)]));
    }

    /// <summary>This tensor with one number at the places that an index names.</summary>
    /// <exception cref="ShapeException">The shapes do not fit, or an index is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32.</exception>
    public Tensor Scatter(int dim, Tensor index, Scalar value) => Scatter(dim, NotNull(index), Full(Shape.Scalar, value, DType, Device).Expand(index.Shape));

    /// <summary>
    /// This tensor with elements added: <c>result[index[i, j], j] += source[i, j]</c> for dimension 0. Sums are taken in the order of the index, so that
    /// they are the same at every run.
    /// </summary>
    /// <inheritdoc cref="Scatter(int, Tensor, Tensor)"/>
    public Tensor ScatterAdd(int dim, Tensor index, Tensor source)
    {
        int d = Shape.WrapDim(dim, "ScatterAdd");
        index = Placed("ScatterAdd", d, index, source);
        return Inside(index, d, region => Structural.Apply(new ScatteredOnto("ScatterAdd", d), [region, index, source.ClippedTo(index.Shape)]));
    }

    /// <summary>This tensor with elements combined with those that an index brings.</summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="index">int64 positions along it.</param>
    /// <param name="source">The elements, of this tensor's dtype.</param>
    /// <param name="reduce">How they are combined. Largest and smallest elements that tie share the gradient evenly.</param>
    /// <param name="includeSelf">Whether this tensor's elements count where others come.</param>
    /// <exception cref="ShapeException">The shapes do not fit, or an index is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32, or the dtypes differ.</exception>
    public Tensor ScatterReduce(int dim, Tensor index, Tensor source, ScatterReduction reduce, bool includeSelf = true)
    {
        Defined.Check("ScatterReduce", reduce);
        int d = Shape.WrapDim(dim, "ScatterReduce");
        index = Placed("ScatterReduce", d, index, source);
        if (Rank == 0)
        {
            return Reshape(1L).ScatterReduce(0, index.Flatten(), source.Flatten(), reduce, includeSelf).Reshape();
        }

        var places = index.Rank == Rank ? index : index.Flatten();
        return Inside(index, d, region => region.ReducedBy(d, places, source.ClippedTo(places.Shape), reduce, includeSelf));
    }

    /// <summary>
    /// This tensor with slices added along a dimension: <c>result[index[i]] += alpha * source[i]</c> for dimension 0, in the order of the index.
    /// </summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="index">int64 positions along it, one for each slice of the source.</param>
    /// <param name="source">The slices, of this tensor's dtype.</param>
    /// <param name="alpha">What they are multiplied by.</param>
    /// <exception cref="ShapeException">The shapes do not fit, or an index is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32, or the dtypes differ.</exception>
    public Tensor IndexAdd(int dim, Tensor index, Tensor source, Scalar? alpha = null)
    {
        int d = Shape.WrapDim(dim, "IndexAdd");
        var places = Slices("IndexAdd", d, index, source);
        return Structural.Apply(new ScatteredOnto("IndexAdd", d), [this, places, (alpha is { } a ? source * a : source).Reshape(places.Shape)]);
    }

    /// <summary>This tensor with slices along a dimension combined with those of <paramref name="source"/>: <see cref="ScatterReduce"/> of whole slices.</summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="index">int64 positions along it, one for each slice of the source.</param>
    /// <param name="source">The slices, of this tensor's dtype.</param>
    /// <param name="reduce">How they are combined.</param>
    /// <param name="includeSelf">Whether this tensor's slices count where others come.</param>
    /// <inheritdoc cref="IndexAdd"/>
    public Tensor IndexReduce(int dim, Tensor index, Tensor source, ScatterReduction reduce, bool includeSelf = true)
    {
        Defined.Check("IndexReduce", reduce);
        int d = Shape.WrapDim(dim, "IndexReduce");
        var places = Slices("IndexReduce", d, index, source);
        return Rank == 0
            ? Reshape(1L).ReducedBy(0, places.Reshape(1L), source.Reshape(1L), reduce, includeSelf).Reshape()
            : ReducedBy(d, places, source.Reshape(places.Shape), reduce, includeSelf);
    }

    /// <summary>This tensor with slices along a dimension replaced by those of <paramref name="source"/>; of slices for one place the last stays.</summary>
    /// <inheritdoc cref="IndexAdd"/>
    public Tensor IndexCopy(int dim, Tensor index, Tensor source)
    {
        int d = Shape.WrapDim(dim, "IndexCopy");
        var places = Slices("IndexCopy", d, index, source);
        return Structural.Apply(new Scattered("IndexCopy", d), [this, places, source.Reshape(places.Shape)]);
    }

    /// <summary>This tensor with one number in slices along a dimension. Negative positions count from the end.</summary>
    /// <exception cref="ShapeException">The index has more than one dimension, or a position is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32.</exception>
    public Tensor IndexFill(int dim, Tensor index, Scalar value) => IndexFill(dim, index, Full(Shape.Scalar, value, DType, Device));

    /// <summary>The same with the number in a 0-d tensor, which gets the sum of the slices' gradients.</summary>
    /// <inheritdoc cref="IndexFill(int, Tensor, Scalar)"/>
    public Tensor IndexFill(int dim, Tensor index, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        int d = Shape.WrapDim(dim, "IndexFill");
        if (value.Rank != 0)
        {
            throw new ShapeException($"IndexFill: index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.Rank} dimension(s) (shape {value.Shape}).");
        }

        CheckSameDevice("IndexFill", this, value);
        index = Vector("IndexFill", index);
        var places = Rank == 0 ? index : Places(index, WithSize(d, index.NumElements), d);
        return Structural.Apply(new Scattered("IndexFill", d, wraps: true), [this, places, value.To(DType).Expand(places.Shape)]);
    }

    /// <summary>
    /// This tensor with other elements at the places that index tensors (or masks) of its leading dimensions name together, as <c>x[indices] = values</c>
    /// writes them; with <paramref name="accumulate"/> they are added, also where a place is named more than once.
    /// </summary>
    /// <param name="indices">An index tensor for each leading dimension; a mask stands for as many as it has dimensions; null for a whole dimension.</param>
    /// <param name="values">The elements, of this tensor's dtype; they broadcast to the shape that indexing reads.</param>
    /// <param name="accumulate">Whether they are added.</param>
    /// <exception cref="ShapeException">The shapes do not fit, or an index is out of range.</exception>
    /// <exception cref="DTypeException">An index is of another dtype than int64, int32 or bool, or the dtypes differ.</exception>
    public Tensor IndexPut(IReadOnlyList<Tensor?> indices, Tensor values, bool accumulate = false)
    {
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentNullException.ThrowIfNull(values);
        var places = new TensorIndex[indices.Count];
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = indices[i] is { } index ? index : Range.All;
        }

        var part = BasicPart(places, out var tensors);
        return tensors is null
            ? throw new ShapeException("IndexPut: at least one index tensor is needed; to write everything use Copy_.")
            : part.Written(tensors, values, accumulate).Reshape(Shape);
    }

    /// <summary><see cref="Scatter(int, Tensor, Tensor)"/> in place.</summary>
    /// <inheritdoc cref="Scatter(int, Tensor, Tensor)"/>
    public Tensor Scatter_(int dim, Tensor index, Tensor source) => Copy_(Scatter(dim, index, source));

    /// <summary><see cref="Scatter(int, Tensor, Scalar)"/> in place.</summary>
    /// <inheritdoc cref="Scatter(int, Tensor, Scalar)"/>
    public Tensor Scatter_(int dim, Tensor index, Scalar value) => Copy_(Scatter(dim, index, value));

    /// <summary><see cref="ScatterAdd"/> in place.</summary>
    /// <inheritdoc cref="ScatterAdd"/>
    public Tensor ScatterAdd_(int dim, Tensor index, Tensor source) => Copy_(ScatterAdd(dim, index, source));

    /// <summary><see cref="ScatterReduce"/> in place.</summary>
    /// <inheritdoc cref="ScatterReduce"/>
    public Tensor ScatterReduce_(int dim, Tensor index, Tensor source, ScatterReduction reduce, bool includeSelf = true) =>
        Copy_(ShareWithHistory().ScatterReduce(dim, index, source, reduce, includeSelf));

    /// <summary><see cref="IndexAdd"/> in place.</summary>
    /// <inheritdoc cref="IndexAdd"/>
    public Tensor IndexAdd_(int dim, Tensor index, Tensor source, Scalar? alpha = null) => Copy_(IndexAdd(dim, index, source, alpha));

    /// <summary><see cref="IndexReduce"/> in place.</summary>
    /// <inheritdoc cref="IndexReduce"/>
    public Tensor IndexReduce_(int dim, Tensor index, Tensor source, ScatterReduction reduce, bool includeSelf = true) =>
        Copy_(ShareWithHistory().IndexReduce(dim, index, source, reduce, includeSelf));

    /// <summary><see cref="IndexCopy"/> in place.</summary>
    /// <inheritdoc cref="IndexAdd"/>
    public Tensor IndexCopy_(int dim, Tensor index, Tensor source) => Copy_(IndexCopy(dim, index, source));

    /// <summary><see cref="IndexFill(int, Tensor, Scalar)"/> in place.</summary>
    /// <inheritdoc cref="IndexFill(int, Tensor, Scalar)"/>
    public Tensor IndexFill_(int dim, Tensor index, Scalar value) => Copy_(IndexFill(dim, index, value));

    /// <summary><see cref="IndexPut"/> in place.</summary>
    /// <inheritdoc cref="IndexPut"/>
    public Tensor IndexPut_(IReadOnlyList<Tensor?> indices, Tensor values, bool accumulate = false) => Copy_(IndexPut(indices, values, accumulate));

    /// <summary><see cref="MaskedScatter"/> in place; the mask must broadcast to this tensor's shape.</summary>
    /// <inheritdoc cref="MaskedScatter"/>
    public Tensor MaskedScatter_(Tensor mask, Tensor source) => Copy_(MaskedScatter(mask, source));

    /// <summary>This tensor with other elements at the places that <paramref name="indices"/> name, or with these added there.</summary>
    internal Tensor Written(IReadOnlyList<(int Dim, Tensor Index)> indices, Tensor value, bool accumulate)
    {
        if (value.DType != DType && value.Rank > 0)
        {
            throw new DTypeException(
                $"IndexPut: Index put requires the source and destination dtypes match, got {DType.Name()} for the destination and {value.DType.Name()} for the source. "
                + $"Convert the source with To(DType.{DType}).");
        }

        if (value.Device != Device)
        {
            value = value.Rank == 0
                ? value.To(Device)
                : throw new DeviceMismatchException(
                    $"IndexPut: expected self and values to be on the same device, but got self on {Device} and values on {value.Device}. Move one with To(device).");
        }

        value = value.To(DType);

        // One number where a mask is true needs no positions, and so no wait for the device.
        return !accumulate && value.NumElements == 1 && AdvancedIndex.WholeMask(this, indices) is { } mask
            ? Where(mask.Detach() != 0, value.Reshape(), this)
            : new AdvancedIndex("IndexPut", this, indices).Write(this, value, accumulate);
    }

    private Tensor ReducedBy(int dim, Tensor index, Tensor source, ScatterReduction reduce, bool includeSelf)
    {
        switch (reduce)
        {
            case ScatterReduction.Sum:
                return (includeSelf ? this : Scatter(dim, index, 0)).ScatterAdd(dim, index, source);
            case ScatterReduction.Mean:
                var sum = ReducedBy(dim, index, source, ScatterReduction.Sum, includeSelf);
                var ones = Ones(Shape.Scalar, DType, Device).Expand(index.Shape);
                var count = Structural.Apply(new ScatteredSum(Shape, dim), ones, index);
                count = includeSelf ? count + 1 : count.Clamp(1);
                return DType.IsFloatingPoint() ? sum / count : FloorDivided(sum, count);
            case ScatterReduction.Prod:
                return Structural.Apply(new ScatteredProduct(dim, includeSelf), [this, index, source]);
            default:
                return Structural.Apply(new ScatteredExtreme(dim, reduce == ScatterReduction.Amax, includeSelf), [this, index, source]);
        }
    }

    /// <summary>The quotient of whole numbers, rounded down; exact in double for what counts and their sums are.</summary>
    private static Tensor FloorDivided(Tensor a, Tensor b)
    {
        var quotient = a.To(DType.Float64) / b.To(DType.Float64);
        var truncated = quotient.To(DType.Int64);
        return (truncated - (quotient < truncated.To(DType.Float64)).To(DType.Int64)).To(a.DType);
    }

    /// <summary>Applies a scatter to the part of this tensor that an index of smaller sizes reaches.</summary>
    private Tensor Inside(Tensor index, int dim, Func<Tensor, Tensor> scatter)
    {
        var region = Clipped(index.Shape, dim);
        var written = scatter(region);
        if (ReferenceEquals(region, this) || region.Shape == Shape)
        {
            return written;
        }

        Tensor? isInside = null;
        for (int d = 0; d < Rank; d++)
        {
            if (region.Shape[d] < Shape[d])
            {
                var strides = new long[Rank];
                strides[d] = 1;
                var inside = IndexSequence(Shape, strides, Device) < region.Shape[d];
                isInside = isInside is null ? inside : isInside * inside;
                written = Structural.Apply(new SliceBackward(written.WithSize(d, Shape[d]), d, 0, 1, region.Shape[d]), written);
            }
        }

        return Where(isInside!, written, this);
    }

    private Tensor Placed(string operation, int dim, Tensor index, Tensor source)
    {
        CheckSameDType(operation, source);
        index = IndexRange.Expect(operation, index, Device);
        CheckIndexShape(operation, index.Shape, Shape, dim);
        bool fits = Math.Max(index.Rank, 1) == Math.Max(source.Rank, 1);
        for (int d = 0; fits && d < index.Rank; d++)
        {
            fits = index.Shape[d] <= (source.Rank == 0 ? 1 : source.Shape[d]);
        }

        return fits ? index.Rank == 0 && source.Rank == 1 ? index.Reshape(1L) : index : throw new ShapeException(
            $"{operation}: Expected index {index.Shape} to be no larger than self {Shape} apart from dimension {dim} and to be no larger size than src {source.Shape}.");
    }

    /// <summary>The index of slices with the source's dimensions.</summary>
    private Tensor Slices(string operation, int dim, Tensor index, Tensor source)
    {
        CheckSameDType(operation, source);
        index = Vector(operation, index);
        if (Rank == 0)
        {
            return source.NumElements == 1 && index.NumElements == 1
                ? index.Reshape()
                : throw new ShapeException($"{operation}: a 0-d tensor takes one index and one element, but got {index.NumElements} and {source.NumElements}.");
        }

        long count = source.Rank == 0 ? 1 : source.Rank == Rank ? source.Shape[dim] : -1;
        if (count >= 0 && count != index.NumElements)
        {
            throw new ShapeException($"{operation}: Number of indices ({index.NumElements}) should be equal to source.size(dim) ({count}): shapes {Shape}, index {index.Shape}, source {source.Shape}.");
        }

        var shape = WithSize(dim, index.NumElements);
        return count >= 0 && source.NumElements == shape.NumElements && (source.Rank == 0 || source.Shape == shape)
            ? Places(index, shape, dim)
            : throw new ShapeException($"{operation}: Source/destination tensor must have same slice shapes. Destination slice shape: {Shape} at dimension {dim} and source slice shape: {source.Shape}.");
    }
}
