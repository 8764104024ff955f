using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// The elements along a dimension in ascending order (or descending) and the positions that they had. Equal elements keep their order on every device,
    /// nan counts as largest. The gradient goes back to where the elements came from.
    /// </summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="descending">Whether the largest come first.</param>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public (Tensor Values, Tensor Indices) Sort(int dim = -1, bool descending = false) => Ordered("Sort", dim, descending, null);

    /// <summary>The positions along a dimension that would sort it, as int64; see <see cref="Sort"/>.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor ArgSort(int dim = -1, bool descending = false)
    {
        int d = Shape.WrapDim(dim, "ArgSort");
        return Rank == 0 ? Zeros(Shape, DType.Int64, Device) : Structural.Apply(new SortedPlaces(d, descending), this);
    }

    /// <summary>
    /// The <paramref name="k"/> largest (or smallest) elements along a dimension, the most extreme first, and their positions; of equal elements the first.
    /// </summary>
    /// <param name="k">How many.</param>
    /// <param name="dim">The dimension.</param>
    /// <param name="largest">Whether the largest are meant.</param>
    /// <param name="sorted">Accepted for likeness with PyTorch; the result is sorted in any case.</param>
    /// <exception cref="ShapeException">There is no such dimension, or it has fewer elements.</exception>
    public (Tensor Values, Tensor Indices) TopK(long k, int dim = -1, bool largest = true, bool sorted = true)
    {
        int d = Shape.WrapDim(dim, "TopK");
        long size = Rank == 0 ? 1 : Shape[d];
        if (k < 0 || k > size)
        {
            throw new ShapeException($"TopK: selected index k out of range: k is {k}, and dimension {d} of shape {Shape} has size {size}.");
        }

        return Ordered("Topk", d, largest, k);
    }

    /// <summary>The <paramref name="k"/>-th smallest element along a dimension (from 1) and its position; of equal elements the first.</summary>
    /// <exception cref="ShapeException">There is no such dimension, or it has fewer elements.</exception>
    public (Tensor Values, Tensor Indices) KthValue(long k, int dim = -1, bool keepDim = false)
    {
        int d = Shape.WrapDim(dim, "KthValue");
        long size = Rank == 0 ? 1 : Shape[d];
        if (k < 1 || k > size)
        {
            throw new ShapeException($"KthValue: selected number k out of range for dimension {d}: k is {k}, and the size is {size} (shape {Shape}).");
        }

        return Rank == 0 ? Ordered("Kthvalue", 0, false, null) : AtPlace("Kthvalue", Structural.Apply(new SelectedPlaces(d, k - 1, 1, descending: false), this), d, keepDim);
    }

    /// <summary>The median along a dimension, the lower one of two, and its position; nan if there is one. The gradient goes to that element.</summary>
    /// <exception cref="ShapeException">There is no such dimension, or it is empty.</exception>
    public (Tensor Values, Tensor Indices) Median(int dim, bool keepDim = false)
    {
        int d = Shape.WrapDim(dim, "Median");
        if (Rank == 0)
        {
            return Ordered("Median", 0, false, null);
        }

        CheckNotEmpty("Median", Shape[d]);
        var middle = Structural.Apply(new SelectedPlaces(d, (Shape[d] - 1) / 2, 1, descending: false), this);
        if (DType.IsFloatingPoint())
        {
            using var mode = GradMode.Set(false);
            var isNaN = Detach().Ne(Detach());
            middle = Where(isNaN.Any(d, keepDim: true), isNaN.To(DType.Int32).ArgMax(d, keepDim: true), middle);
        }

        return AtPlace("Median", middle, d, keepDim);
    }

    /// <summary>The median of all elements, the lower one of two; nan if there is one. Elements equal to it share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There are no elements.</exception>
    public Tensor Median()
    {
        CheckNotEmpty("Median", NumElements);
        var flat = Flatten();
        Tensor value;
        using (GradMode.Set(false))
        {
            value = flat.Detach().Median(0).Values;
        }

        if (!DType.IsFloatingPoint())
        {
            return value;
        }

        // The mean of the elements that are the median: the same value, and the gradient that is wanted.
        var isMedian = (flat.Detach() == value) + (flat.Detach().Ne(flat.Detach()) * value.Ne(value));
        var share = isMedian.To(DType) / isMedian.To(DType).Sum();
        return Where(isMedian, flat, 0.0).Evenly(share, value);
    }

    /// <summary>The most frequent element along a dimension, the smallest of those that are equally frequent, and its last position.</summary>
    /// <exception cref="ShapeException">There is no such dimension, or it is empty.</exception>
    public (Tensor Values, Tensor Indices) Mode(int dim = -1, bool keepDim = false)
    {
        int d = Shape.WrapDim(dim, "Mode");
        if (Rank == 0)
        {
            return Ordered("Mode", 0, false, null);
        }

        CheckNotEmpty("Mode", Shape[d]);
        Tensor middle;
        using (GradMode.Set(false))
        {
            // In sorted order equal elements form runs; at each place, how long its run is up to there.
            var (sorted, places) = Detach().Sort(d);
            long size = Shape[d];
            var strides = new long[Rank];
            strides[d] = 1;
            var position = IndexSequence(Shape, strides, Device);
            var isStart = size == 1
                ? OnesLike(sorted).To(DType.Bool)
                : Cat([Ones(WithSize(d, 1), DType.Bool, Device), sorted.Narrow(d, 1, size - 1).Ne(sorted.Narrow(d, 0, size - 1))], d);
            var start = Where(isStart, position, 0).CumMax(d).Values;
            middle = places.TakeAlongDim((position - start).ArgMax(d, keepDim: true), d);
        }

        return AtPlace("Mode", middle, d, keepDim);
    }

    /// <summary>
    /// For each value the place where it belongs in a sorted sequence, this tensor: the number of elements that are less, or with <paramref name="right"/>
    /// not greater. Sequences lie along the last dimension, whose other sizes are those of <paramref name="values"/>; a 1-d sequence serves all values.
    /// </summary>
    /// <param name="values">What is searched for; dtypes promote.</param>
    /// <param name="right">Whether the place is behind equal elements.</param>
    /// <returns>int64, of the values' shape.</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor SearchSorted(Tensor values, bool right = false)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Device != Device)
        {
            throw new DeviceMismatchException(
                $"SearchSorted: Expected all tensors to be on the same device, but found at least two devices, {Device} and {values.Device}. Move one with To(device).");
        }

        bool fits = Rank == 1 || (Rank > 1 && values.Rank == Rank && Shape.AsSpan()[..^1].SequenceEqual(values.Shape.AsSpan()[..^1]));
        return fits
            ? Structural.Apply(new SearchedPlaces(right), this, values)
            : throw new ShapeException(
                "SearchSorted: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, "
                + $"but we got boundaries tensor {Shape} and input value tensor {values.Shape}.");
    }

    /// <summary>The bucket between sorted <paramref name="boundaries"/> (1-d) to which each element belongs: <see cref="SearchSorted"/> the other way round.</summary>
    /// <exception cref="ShapeException">The boundaries are not 1-d.</exception>
    public Tensor Bucketize(Tensor boundaries, bool right = false)
    {
        ArgumentNullException.ThrowIfNull(boundaries);
        return boundaries.Rank == 1
            ? boundaries.SearchSorted(this, right)
            : throw new ShapeException($"Bucketize: boundaries tensor must be 1 dimension, but got dim({boundaries.Rank}) (shape {boundaries.Shape}).");
    }

    /// <summary>The elements at one position of each line; the gradient goes to them.</summary>
    private (Tensor Values, Tensor Indices) AtPlace(string name, Tensor places, int dim, bool keepDim)
    {
        var shape = keepDim ? places.Shape : [.. Shape.AsSpan()[..dim], .. Shape.AsSpan()[(dim + 1)..]];
        var indices = keepDim ? places.Contiguous() : places.Squeeze(dim).Contiguous();
        return (Structural.Apply(new Gathered(name, Shape, dim, shape), this, places.ShareValue()), indices);
    }

    private (Tensor Values, Tensor Indices) Ordered(string name, int dim, bool descending, long? count)
    {
        int d = Shape.WrapDim(dim, name);
        if (Rank == 0)
        {
            var shape = count == 0 ? throw new ShapeException($"{name}: k is 0 for a 0-d tensor. Use Reshape(1).") : Shape;
            return (Structural.Apply(Aliased.Instance, this), Zeros(shape, DType.Int64, Device));
        }

        var indices = count is { } k ? Structural.Apply(new SelectedPlaces(d, 0, k, descending), this) : ArgSort(d, descending);

        // The node's own handle on the indices: the caller may write over them.
        var kept = RequiresGrad || Wrapper is not null ? indices.ShareValue() : indices;
        return (Structural.Apply(new Gathered(name, Shape, d, indices.Shape), this, kept), indices);
    }

    /// <summary>The sum of elements that are all one value, weighted so that it is that value exactly and each gets its share of the gradient.</summary>
    private Tensor Evenly(Tensor share, Tensor value)
    {
        var sum = (this * share).Sum();
        return Where(sum.Detach() == value, sum, sum + (value - sum.Detach()));
    }
}
