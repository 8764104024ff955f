using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Nn;

/// <summary>
/// One number for each spatial dimension, or one for all of them: what PyTorch writes as <c>2</c> or <c>(3, 2)</c>, and here
/// <c>2</c>, <c>(3, 2)</c> or <c>[3, 2]</c>.
/// </summary>
[CollectionBuilder(typeof(Sizes), nameof(Create))]
public readonly struct Sizes : IEnumerable<long>
{
    private readonly Three _first;
    private readonly int _count;

    /// <summary>All numbers, if they are more than three.</summary>
    private readonly long[]? _many;

    private Sizes(ReadOnlySpan<long> values)
    {
        _count = values.Length;
        if (_count > 3)
        {
            _many = values.ToArray();
        }
        else
        {
            values.CopyTo(_first);
        }
    }

    [UnscopedRef]
    private ReadOnlySpan<long> Values => _many ?? ((ReadOnlySpan<long>)_first)[.._count];

    /// <summary>The numbers of a collection expression.</summary>
    public static Sizes Create(ReadOnlySpan<long> values) => new(values);

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator Sizes(int value) => new([value]);

    /// <summary>The same for all dimensions.</summary>
    public static implicit operator Sizes(long value) => new([value]);

    /// <summary>Height and width.</summary>
    public static implicit operator Sizes((int Height, int Width) values) => new([values.Height, values.Width]);

    /// <summary>Depth, height and width.</summary>
    public static implicit operator Sizes((int Depth, int Height, int Width) values) => new([values.Depth, values.Height, values.Width]);

    /// <summary>One number for each dimension.</summary>
    public static implicit operator Sizes(long[] values) => new(values);

    /// <inheritdoc/>
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)Values.ToArray()).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The numbers in brackets.</summary>
    public override string ToString() => Shape.Describe(Values);

    /// <summary>One number for each of <paramref name="rank"/> dimensions.</summary>
    /// <exception cref="ShapeException">There is neither one number nor one for each.</exception>
    internal long[] For(string operation, string what, int rank)
    {
        var all = new long[rank];
        For(operation, what, all);
        return all;
    }

    /// <summary>One number for each place of <paramref name="all"/>.</summary>
    /// <exception cref="ShapeException">There is neither one number nor one for each.</exception>
    internal void For(string operation, string what, Span<long> all)
    {
        if (_count == all.Length)
        {
            Values.CopyTo(all);
            return;
        }

        if (_count != 1)
        {
            throw new ShapeException(
                $"{operation}: {what} must either be a single int, or a tuple of {(all.Length == 1 ? "one int" : all.Length == 2 ? "two ints" : "three ints")}, but got {this}.");
        }

        all.Fill(_first[0]);
    }

    [InlineArray(3)]
    private struct Three
    {
        private long _value;
    }
}
