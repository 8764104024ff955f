namespace Autograd.Gpu.Lazy;

/// <summary>Where the elements of a tensor lie in its storage: shape, strides and offset, all in elements; immutable.</summary>
internal sealed class Layout
{
    private long[]? _strides;
    private Layout? _transposed;

    private Layout(Shape shape, long[]? strides, long offset, bool isContiguous)
    {
        Shape = shape;
        _strides = strides;
        Offset = offset;
        Count = shape.NumElements;
        IsContiguous = isContiguous;
    }

    public Shape Shape { get; }

    public long Offset { get; }

    public long Count { get; }

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous { get; }

    public long[] Strides => _strides ??= Shape.ContiguousStrides();

    public int Rank => Shape.Rank;

    /// <summary>The stride of one dimension, without an array of them all.</summary>
    public long Stride(int dim)
    {
        if (_strides is { } strides)
        {
            return strides[dim];
        }

        var sizes = Shape.AsSpan();
        long stride = 1;
        for (int d = sizes.Length - 1; d > dim; d--)
        {
            stride *= Math.Max(sizes[d], 1);
        }

        return stride;
    }

    public static Layout Contiguous(Shape shape) => new(shape, null, 0, true);

    /// <summary>The layout of a contiguous tensor of this shape: this one if it is that already.</summary>
    public Layout Compact => IsContiguous && Offset == 0 ? this : Contiguous(Shape);

    public static Layout Strided(Shape shape, long[] strides, long offset)
    {
        long expected = 1;
        bool contiguous = true;
        for (int d = shape.Rank - 1; d >= 0; d--)
        {
            long size = shape[d];
            if (size != 1 && strides[d] != expected)
            {
                contiguous = false;
            }

            expected *= size;
        }

        // No elements lie nowhere: an offset beyond the block's end must not reach those who copy from there.
        return expected == 0 ? new Layout(shape, strides, 0, true) : new Layout(shape, strides, offset, contiguous);
    }

    /// <summary>This layout with two dimensions exchanged. That of a matrix is made once, for weights are transposed at each step.</summary>
    public Layout Transpose(int a, int b)
    {
        if (Rank == 2 && a != b)
        {
            return _transposed ??= Exchange(0, 1);
        }

        return a == b ? this : Exchange(a, b);
    }

    private Layout Exchange(int a, int b)
    {
        var sizes = Shape.ToArray();
        var strides = Strides.ToArray();
        (sizes[a], sizes[b]) = (sizes[b], sizes[a]);
        (strides[a], strides[b]) = (strides[b], strides[a]);
        var result = Strided(Shape.Own(sizes), strides, Offset);
        if (Rank == 2)
        {
            result._transposed = this;
        }

        return result;
    }

    /// <summary>Whether this layout names every element of a storage of <paramref name="storageCount"/> elements, in order.</summary>
    public bool IsWhole(long storageCount) => IsContiguous && Offset == 0 && Count == storageCount;

    public bool SameAs(Layout other) => ReferenceEquals(this, other)
        || (Offset == other.Offset && Shape == other.Shape
            && ((IsContiguous && other.IsContiguous) || Strides.AsSpan().SequenceEqual(other.Strides)));

    /// <summary>This layout seen with <paramref name="shape"/>, which it broadcasts to: new and size-1 dimensions get stride 0.</summary>
    public Layout Expand(Shape shape)
    {
        if (shape == Shape)
        {
            return this;
        }

        var strides = new long[shape.Rank];
        int lead = shape.Rank - Rank;
        for (int d = 0; d < shape.Rank; d++)
        {
            strides[d] = d < lead || Shape[d - lead] != shape[d] ? 0 : Strides[d - lead];
        }

        return Strided(shape, strides, Offset);
    }

    /// <summary>
    /// This layout seen with another shape of as many elements, without moving any; null where the elements would have to be copied.
    /// </summary>
    public Layout? Reshape(Shape shape)
    {
        if (IsContiguous)
        {
            return Offset == 0 ? Contiguous(shape) : Strided(shape, shape.ContiguousStrides(), Offset);
        }

        // Size-1 dimensions have no stride of their own. A run of the others that lie one after the other can be cut up at will.
        Span<int> kept = Rank <= 16 ? stackalloc int[16] : new int[Rank];
        int count = 0;
        for (int d = 0; d < Rank; d++)
        {
            if (Shape[d] != 1)
            {
                kept[count++] = d;
            }
        }

        var strides = new long[shape.Rank];
        int target = shape.Rank - 1;
        for (int i = count - 1; i >= 0; i--)
        {
            long step = Strides[kept[i]], run = Shape[kept[i]];
            while (i > 0 && Strides[kept[i - 1]] == Strides[kept[i]] * Shape[kept[i]])
            {
                i--;
                run *= Shape[kept[i]];
            }

            long filled = 1;
            while (target >= 0 && (filled < run || shape[target] == 1))
            {
                strides[target] = step * filled;
                filled *= shape[target];
                target--;
            }

            if (filled != run)
            {
                return null;
            }
        }

        return Strided(shape, strides, Offset);
    }
}
