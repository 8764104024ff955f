using System.Collections;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu;

/// <summary>
/// The sizes of a tensor, one per dimension; immutable. Written as a collection expression: <c>Tensor.Ones([2, 3])</c>.
/// A 0-d tensor has the empty shape <c>[]</c>.
/// </summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IReadOnlyList<long>, IEquatable<Shape>
{
    /// <summary>Elements of 8 bytes whose bytes a long can count: a size in bytes must not wrap around to a small one.</summary>
    private const long MaxElements = long.MaxValue / sizeof(long);

    private readonly long[]? _sizes;

    private Shape(long[] sizes) => _sizes = sizes;

    /// <summary>The shape <c>[]</c> of a 0-d tensor.</summary>
    public static Shape Scalar => default;

    /// <summary>Number of dimensions.</summary>
    public int Rank => _sizes?.Length ?? 0;

    /// <summary>Number of dimensions, as <see cref="IReadOnlyCollection{T}"/> names it.</summary>
    public int Count => Rank;

    /// <summary>The product of the sizes: 1 for a 0-d shape, 0 where a size is 0.</summary>
    /// <exception cref="ShapeException">There are more elements than 64 bits can count the bytes of.</exception>
    public long NumElements
    {
        get
        {
            long product = 1;
            foreach (long size in AsSpan())
            {
                if (Math.BigMul(product, size, out product) != 0 || product is < 0 or > MaxElements)
                {
                    throw new ShapeException($"Storage size calculation overflowed with sizes {this}: more than 2^60 elements.");
                }
            }

            return product;
        }
    }

    /// <summary>The size of dimension <paramref name="dim"/>; negative values count from the last dimension.</summary>
    /// <exception cref="ShapeException"><paramref name="dim"/> is outside <c>[-Rank, Rank)</c>.</exception>
    public long this[int dim] => AsSpan()[WrapDim(dim, "Shape")];

    /// <summary>A shape with these sizes.</summary>
    /// <exception cref="ShapeException">A size is negative.</exception>
    public static Shape Create(ReadOnlySpan<long> sizes)
    {
        foreach (long size in sizes)
        {
            if (size < 0)
            {
                throw new ShapeException($"Shape: a size cannot be negative, but got {Describe(sizes)}.");
            }
        }

        return sizes.IsEmpty ? default : new Shape(sizes.ToArray());
    }

    /// <summary>A shape with these sizes.</summary>
    public static implicit operator Shape(long[] sizes) => Create(sizes);

    /// <summary>A shape with these sizes.</summary>
    public static implicit operator Shape(int[] sizes) => Create(Array.ConvertAll(sizes, s => (long)s));

    /// <summary>The sizes.</summary>
    public ReadOnlySpan<long> AsSpan() => _sizes;

    /// <summary>The sizes as a new array.</summary>
    public long[] ToArray() => AsSpan().ToArray();

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)(_sizes ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Shape other) => ReferenceEquals(_sizes, other._sizes) || AsSpan().SequenceEqual(other.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (long size in AsSpan())
        {
            hash.Add(size);
        }

        return hash.ToHashCode();
    }

    /// <summary>Whether the sizes are the same.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether the sizes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>The sizes in brackets, as PyTorch writes them: <c>[2, 3]</c>.</summary>
    public override string ToString() => Describe(AsSpan());

    internal static string Describe(ReadOnlySpan<long> sizes) => $"[{string.Join(", ", sizes.ToArray())}]";

    /// <summary>Takes ownership of <paramref name="sizes"/>, whose sizes are known to be valid.</summary>
    internal static Shape Own(long[] sizes) => sizes.Length == 0 ? default : new Shape(sizes);

    /// <summary>Maps a dimension in <c>[-Rank, Rank)</c> to <c>[0, Rank)</c>; a 0-d shape takes 0 and -1.</summary>
    internal int WrapDim(int dim, string operation) => WrapDim(dim, Rank, operation);

    internal static int WrapDim(int dim, int rank, string operation)
    {
        int limit = Math.Max(rank, 1);
        if (dim < -limit || dim >= limit)
        {
            throw new ShapeException(
                $"{operation}: Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim}).");
        }

        return dim < 0 ? dim + limit : dim;
    }

    internal long[] ContiguousStrides()
    {
        var strides = new long[Rank];
        long step = 1;
        for (int d = Rank - 1; d >= 0; d--)
        {
            strides[d] = step;
            step *= Math.Max(_sizes![d], 1);
        }

        return strides;
    }

    /// <summary>Whether a tensor of this shape broadcasts to <paramref name="shape"/>.</summary>
    internal bool IsExpandableTo(Shape shape)
    {
        int lead = shape.Rank - Rank;
        for (int d = 0; lead >= 0 && d < Rank; d++)
        {
            if (AsSpan()[d] != 1 && AsSpan()[d] != shape.AsSpan()[lead + d])
            {
                return false;
            }
        }

        return lead >= 0;
    }

    /// <summary>The shape that <paramref name="a"/> and <paramref name="b"/> broadcast to.</summary>
    /// <exception cref="ShapeException">Two sizes differ and neither is 1.</exception>
    internal static Shape Broadcast(Shape a, Shape b, string operation)
    {
        if (a.Equals(b) || b.Rank == 0)
        {
            return a;
        }

        if (a.Rank == 0)
        {
            return b;
        }

        int rank = Math.Max(a.Rank, b.Rank);
        var sizes = new long[rank];
        for (int d = 0; d < rank; d++)
        {
            int da = d - (rank - a.Rank), db = d - (rank - b.Rank);
            long sa = da < 0 ? 1 : a._sizes![da], sb = db < 0 ? 1 : b._sizes![db];
            if (sa != sb && sa != 1 && sb != 1)
            {
                throw new ShapeException(
                    $"{operation}: The size of tensor a ({sa}) must match the size of tensor b ({sb}) at non-singleton dimension {d}: "
                    + $"the shapes {a} and {b} do not broadcast. Reshape or expand one of them so that each pair of sizes is equal or 1.");
            }

            sizes[d] = sa == 1 ? sb : sa;
        }

        return new Shape(sizes);
    }
}
