using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Nn;

/// <summary>
/// One number for each spatial dimension, or one for all of them: what PyTorch writes as <c>2</c> or <c>(3, 2)</c>, and here
/// <c>2</c>, <c>(3, 2)</c> or <c>[3, 2]</c>.
/// </summary>
[CollectionBuilder(typeof(Sizes), nameof(Create))]
public readonly struct Sizes : IEnumerable<long>
{
    private readonly long[]? _values;

    private Sizes(long[] values) => _values = values;

    private ReadOnlySpan<long> Values => _values;

    /// <summary>The numbers of a collection expression.</summary>
    public static Sizes Create(ReadOnlySpan<long> values) => new(values.ToArray());

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator Sizes(int value) => new([value]);

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator Sizes(long value) => new([value]);

    /// <summary>Height and width.</summary>
    public static implicit operator Sizes((int Height, int Width) values) => new([values.Height, values.Width]);

    /// <summary>Depth, height and width.</summary>
    public static implicit operator Sizes((int Depth, int Height, int Width) values) => new([values.Depth, values.Height, values.Width]);

    /// <summary>One number for each dimension.</summary>
    public static implicit operator Sizes(long[] values) => new([.. values]);

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)(_values ?? [])).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The numbers in brackets.</summary>
    public override string ToString() => Shape.Describe(Values);

    /// <summary>One number for each of <paramref name="rank"/> dimensions.</summary>
    /// <exception cref="ShapeException">There is neither one number nor one for each.</exception>
    internal long[] For(string operation, string what, int rank)
    {
        if (Values.Length == rank)
        {
            return Values.ToArray();
        }

        if (Values.Length != 1)
        {
            throw new ShapeException(
                $"{operation}: {what} must either be a single int, or a tuple of {(rank == 1 ? "one int" : rank == 2 ? "two ints" : "three ints")}, but got {this}.");
        }

        var all = new long[rank];
        Array.Fill(all, Values[0]);
        return all;
    }
}
