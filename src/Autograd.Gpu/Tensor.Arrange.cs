using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>Two dimensions exchanged, as <see cref="Transpose"/>; a view.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor SwapDims(int dim0, int dim1) => Transpose(dim0, dim1);

    /// <summary><paramref name="sections"/> parts along a dimension, the first ones longer by one where they cannot be equal; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions, or <paramref name="sections"/> is not positive.</exception>
    public Tensor[] TensorSplit(int sections, int dim = 0)
    {
        int d = SplitDim("TensorSplit", dim);
        if (sections <= 0)
        {
            throw new ShapeException($"TensorSplit: number of sections must be larger than 0, got {sections}.");
        }

        var lengths = new long[sections];
        for (int i = 0; i < sections; i++)
        {
            lengths[i] = Shape[d] / sections + (i < Shape[d] % sections ? 1 : 0);
        }

        return Parts("TensorSplit", d, lengths);
    }

    /// <summary>The parts of a dimension before, between and behind these positions, which may be negative or beyond the end as in a slice; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions.</exception>
    public Tensor[] TensorSplit(ReadOnlySpan<long> indices, int dim = 0)
    {
        int d = SplitDim("TensorSplit", dim);
        long size = Shape[d], start = 0;
        var parts = new Tensor[indices.Length + 1];
        for (int i = 0; i < parts.Length; i++)
        {
            long end = i == indices.Length ? size : Math.Clamp(indices[i] < 0 ? indices[i] + size : indices[i], 0, size);
            parts[i] = Sliced(d, start, 1, Math.Max(end - start, 0));
            start = end;
        }

        return parts;
    }

    /// <summary>Equal parts side by side: along dimension 1, of a vector along dimension 0; views.</summary>
    /// <exception cref="ShapeException">The tensor has no dimensions, or the size is not divisible.</exception>
    public Tensor[] HSplit(int sections) => EqualParts("HSplit", sections, Rank == 1 ? 0 : 1, 1);

    /// <summary>Equal parts one below the other, along dimension 0; views.</summary>
    /// <exception cref="ShapeException">The tensor has less than two dimensions, or the size is not divisible.</exception>
    public Tensor[] VSplit(int sections) => EqualParts("VSplit", sections, 0, 2);

    /// <summary>Equal parts one behind the other, along dimension 2; views.</summary>
    /// <exception cref="ShapeException">The tensor has less than three dimensions, or the size is not divisible.</exception>
    public Tensor[] DSplit(int sections) => EqualParts("DSplit", sections, 2, 3);

    /// <summary>The columns (dimension 1) in reverse order; a copy.</summary>
    /// <exception cref="ShapeException">The tensor has less than two dimensions.</exception>
    public Tensor FlipLR() => Rank >= 2 ? Flip(1) : throw new ShapeException($"FlipLR: Input must be >= 2-d, but got shape {Shape}.");

    /// <summary>The rows (dimension 0) in reverse order; a copy.</summary>
    /// <exception cref="ShapeException">The tensor is 0-d.</exception>
    public Tensor FlipUD() => Rank >= 1 ? Flip(0) : throw new ShapeException($"FlipUD: Input must be >= 1-d, but got shape {Shape}.");

    /// <summary>A matrix of zeros with all elements, in row-major order, on a diagonal.</summary>
    public Tensor DiagFlat(long offset = 0) => Flatten().DiagEmbed(offset);

    /// <summary>Vectors as columns beside each other, and beside matrices.</summary>
    /// <exception cref="ShapeException">There are none, or the numbers of rows differ.</exception>
    public static Tensor ColumnStack(params IReadOnlyList<Tensor> tensors) =>
        HStack([.. NotNull(tensors).Select(t => t.Rank < 2 ? t.Reshape(t.NumElements, 1L) : t)]);

    /// <summary>Tensors seen with the shape that they broadcast to together; views.</summary>
    /// <exception cref="ShapeException">They do not broadcast.</exception>
    public static Tensor[] BroadcastTensors(params IReadOnlyList<Tensor> tensors)
    {
        NotNull(tensors);
        var shape = tensors.Aggregate(Shape.Scalar, (s, t) => Shape.Broadcast(s, t.Shape, "BroadcastTensors"));
        return [.. tensors.Select(t => t.Expand(shape))];
    }

    /// <summary>The row and column numbers of the elements on and below a diagonal of a matrix, in row-major order: int64 [2, number].</summary>
    /// <exception cref="ShapeException">A size is negative.</exception>
    public static Tensor TrilIndices(long rows, long columns, long offset = 0, Device? device = null) =>
        PlacesWhere("TrilIndices", rows, columns, device, (i, j) => j - i <= offset);

    /// <summary>The row and column numbers of the elements on and above a diagonal of a matrix, in row-major order: int64 [2, number].</summary>
    /// <exception cref="ShapeException">A size is negative.</exception>
    public static Tensor TriuIndices(long rows, long columns, long offset = 0, Device? device = null) =>
        PlacesWhere("TriuIndices", rows, columns, device, (i, j) => j - i >= offset);

    /// <summary>All choices of <paramref name="r"/> elements of a 1-d tensor, in order, as the rows of a matrix.</summary>
    /// <param name="r">How many are chosen.</param>
    /// <param name="withReplacement">Whether one may be chosen again.</param>
    /// <exception cref="ShapeException">The tensor is not 1-d, or r is negative.</exception>
    public Tensor Combinations(int r = 2, bool withReplacement = false)
    {
        if (Rank != 1 || r < 0)
        {
            throw new ShapeException($"Combinations: Expect a 1D vector, but got shape {Shape}, and a non-negative number, but got {r}.");
        }

        if (r == 0)
        {
            return Sliced(0, 0, 1, 0);
        }

        var places = new List<long>();
        var chosen = new long[r];
        long rows = 0;
        void Choose(int at, long from)
        {
            if (at == r)
            {
                places.AddRange(chosen);
                rows++;
                return;
            }

            for (long i = from; i < NumElements; i++)
            {
                chosen[at] = i;
                Choose(at + 1, withReplacement ? i : i + 1);
            }
        }

        Choose(0, 0);
        return Take(FromArray(places.ToArray(), [rows, r], Device));
    }

    /// <summary>
    /// This tensor with other elements at positions in row-major order, negative ones counting from the end; with <paramref name="accumulate"/> they are added.
    /// </summary>
    /// <exception cref="ShapeException">There are not as many elements as positions, or a position is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32, or the dtypes differ.</exception>
    public Tensor Put(Tensor index, Tensor source, bool accumulate = false)
    {
        index = IndexRange.Expect("Put", index, Device);
        CheckSameDType("Put", source);
        return index.NumElements == source.NumElements
            ? Flatten().IndexPut([index.Flatten()], source.Flatten(), accumulate).Reshape(Shape)
            : throw new ShapeException($"Put: put_(): Expected source and index to have the same number of elements, but got source.numel() = {source.NumElements}, index.numel() = {index.NumElements}.");
    }

    /// <inheritdoc cref="Put"/>
    public Tensor Put_(Tensor index, Tensor source, bool accumulate = false) => Copy_(ShareWithHistory().Put(index, source, accumulate));

    /// <summary>This tensor with one index of a dimension replaced by <paramref name="source"/>; a copy.</summary>
    /// <exception cref="ShapeException">The index is out of range, or the source has not the shape of what it replaces.</exception>
    public Tensor SelectScatter(Tensor source, int dim, long index) => With("SelectScatter", source, x => x.Select(dim, index));

    /// <summary>This tensor with a part of a dimension, <paramref name="start"/>:<paramref name="end"/>:<paramref name="step"/>, replaced by <paramref name="source"/>; a copy.</summary>
    /// <exception cref="ShapeException">The source has not the shape of what it replaces.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive.</exception>
    public Tensor SliceScatter(Tensor source, int dim = 0, long? start = null, long? end = null, long step = 1)
    {
        int d = SplitDim("SliceScatter", dim);
        var places = new TensorIndex[d + 1];
        Array.Fill(places, Range.All);
        places[d] = TensorIndex.Slice(start, end, step);
        return With("SliceScatter", source, x => x[places]);
    }

    /// <summary>This tensor with a diagonal of two dimensions replaced by <paramref name="source"/>; a copy.</summary>
    /// <exception cref="ShapeException">The source has not the shape of the diagonal.</exception>
    public Tensor DiagonalScatter(Tensor source, long offset = 0, int dim1 = 0, int dim2 = 1) => With("DiagonalScatter", source, x => x.Diagonal(offset, dim1, dim2));

    /// <summary>The different slices along a dimension, in lexicographic order. Waits for the device: the number is data.</summary>
    /// <param name="dim">The dimension.</param>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor Unique(int dim) => Unique(dim, out _, out _);

    /// <summary>The different slices along a dimension, where in them each slice is found, and how often each occurs.</summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="inverse">int64: for each slice its position among the different ones.</param>
    /// <param name="counts">int64: how often each of the different ones occurs.</param>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor Unique(int dim, out Tensor inverse, out Tensor counts)
    {
        int d = SplitDim("Unique", dim);
        using var mode = GradMode.Set(false);
        var lines = Readable("Unique").Detach().MoveDim(d, 0).Reshape(Shape[d], LineLength(d));
        var order = Arange(Shape[d], DType.Int64, Device);
        for (long column = lines.Shape[1] - 1; column >= 0; column--)
        {
            // Sorting is stable: from the last column to the first the rows come into lexicographic order.
            order = order.Take(lines.Select(1, column).Take(order).ArgSort(0));
        }

        var sorted = IndexSelect(d, order).Detach();
        var unique = sorted.UniqueConsecutive(d, out var number, out counts);
        inverse = Zeros([Shape[d]], DType.Int64, Device).Scatter(0, order, number);
        return unique;
    }

    /// <summary>The elements in row-major order, or the slices along a dimension, without those that equal the one before. Waits for the device: the number is data.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor UniqueConsecutive(int? dim = null) => UniqueConsecutive(dim, out _, out _);

    /// <summary>The same, with the position of each element or slice among those that are left, and the length of each run.</summary>
    /// <param name="dim">The dimension; null for all elements.</param>
    /// <param name="inverse">int64: for each element (in this shape) or slice the number of its run.</param>
    /// <param name="counts">int64: the length of each run.</param>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor UniqueConsecutive(int? dim, out Tensor inverse, out Tensor counts)
    {
        using var mode = GradMode.Set(false);
        if (dim is null)
        {
            var flat = Readable("UniqueConsecutive").Detach().Flatten().UniqueConsecutive(0, out inverse, out counts);
            inverse = inverse.Reshape(Shape);
            return flat;
        }

        int d = SplitDim("UniqueConsecutive", dim.Value);
        long size = Shape[d];
        if (size == 0)
        {
            (inverse, counts) = (Zeros([0], DType.Int64, Device), Zeros([0], DType.Int64, Device));
            return Readable("UniqueConsecutive").Detach();
        }

        var x = Readable("UniqueConsecutive").Detach();
        var lines = x.MoveDim(d, 0).Reshape(size, LineLength(d));
        var first = Ones([1], DType.Bool, Device);
        var isNew = size == 1 ? first : Cat([first, lines[1..].Ne(lines[..^1]).Any(1)]);
        var starts = Operations.NonZero.Places(isNew);
        inverse = isNew.To(DType.Int64).CumSum(0) - 1;
        counts = Cat([starts[1..], Full([1], size, DType.Int64, Device)]) - starts;
        return x.IndexSelect(d, starts);
    }

    /// <summary>How many elements a slice along a dimension has.</summary>
    private long LineLength(int dim)
    {
        long length = 1;
        for (int d = 0; d < Rank; d++)
        {
            length *= d == dim ? 1 : Shape[d];
        }

        return length;
    }

    private Tensor[] EqualParts(string name, int sections, int dim, int least)
    {
        if (Rank < least)
        {
            throw new ShapeException($"{name}: torch.{name.ToLowerInvariant()} requires a tensor with at least {least} dimension, but got a tensor with {Rank} dimensions (shape {Shape}).");
        }

        return sections > 0 && Shape[dim] % sections == 0
            ? TensorSplit(sections, dim)
            : throw new ShapeException(
                $"{name}: torch.{name.ToLowerInvariant()} attempted to split along dimension {dim}, but the size of the dimension {Shape[dim]} is not divisible by the split_size {sections}!");
    }

    private static Tensor PlacesWhere(string name, long rows, long columns, Device? device, Func<long, long, bool> isMeant)
    {
        if (rows < 0 || columns < 0)
        {
            throw new ShapeException($"{name}: row and col must be non-negative, got {rows} and {columns}.");
        }

        var (row, column) = (new List<long>(), new List<long>());
        for (long i = 0; i < rows; i++)
        {
            for (long j = 0; j < columns; j++)
            {
                if (isMeant(i, j))
                {
                    row.Add(i);
                    column.Add(j);
                }
            }
        }

        return FromArray([.. row, .. column], [2, row.Count], device);
    }

    /// <summary>The elements at the places that <paramref name="part"/> selects replaced: by position, so that transforms and either side's gradient follow.</summary>
    private Tensor With(string name, Tensor source, Func<Tensor, Tensor> part)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Device != Device)
        {
            throw new DeviceMismatchException(
                $"{name}: Expected all tensors to be on the same device, but found at least two devices, {Device} and {source.Device}. Move one with To(device).");
        }

        var places = part(Arange(NumElements, DType.Int64, Device).Reshape(Shape));
        return places.Shape == source.Shape
            ? Flatten().IndexCopy(0, places.Flatten(), source.To(DType).Flatten()).Reshape(Shape)
            : throw new ShapeException($"{name}: expected src to have a size equal to the slice of self. src size = {source.Shape}, slice size = {places.Shape}.");
    }
}
