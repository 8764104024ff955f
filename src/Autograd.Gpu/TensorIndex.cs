namespace Autograd.Gpu;

/// <summary>
/// One place of an index expression: a number, a range (<c>1..3</c>, <c>..</c>), a range with a step, <see cref="NewAxis"/>, <see cref="Ellipsis"/>, or a
/// tensor: positions (int64), or a mask (bool) over as many dimensions as it has.
/// </summary>
public readonly struct TensorIndex
{
    private readonly long _stepBeyondOne;

    private TensorIndex(Kind kind, long? start = null, long? stop = null, long step = 1, Tensor? tensor = null)
    {
        What = kind;
        Tensor = tensor;
        Start = start;
        Stop = stop;
        _stepBeyondOne = step - 1;
    }

    internal enum Kind
    {
        Slice,
        Number,
        NewAxis,
        Ellipsis,
        Tensor,
    }

    /// <summary>A new dimension of size 1.</summary>
    public static TensorIndex NewAxis => new(Kind.NewAxis);

    /// <summary>As many whole dimensions as the other places leave.</summary>
    public static TensorIndex Ellipsis => new(Kind.Ellipsis);

    internal Kind What { get; }

    internal Tensor? Tensor { get; }

    internal long? Start { get; }

    internal long? Stop { get; }

    // The default value is the whole dimension.
    internal long Step => _stepBeyondOne + 1;

    /// <summary>PyTorch's <c>start:stop:step</c>: null bounds stand for the ends, negative ones count from the end, bounds beyond the ends are the ends.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive.</exception>
    public static TensorIndex Slice(long? start = null, long? stop = null, long step = 1) => step > 0
        ? new(Kind.Slice, start, stop, step)
        : throw new ArgumentOutOfRangeException(nameof(step), step, "Slice: step must be greater than zero.");

    /// <summary>The elements at one index, without the dimension; a negative number counts from the end.</summary>
    public static implicit operator TensorIndex(int index) => new(Kind.Number, index);

    /// <summary>The elements at one index, without the dimension; a negative number counts from the end.</summary>
    public static implicit operator TensorIndex(long index) => new(Kind.Number, index);

    /// <summary>The elements at one index, without the dimension.</summary>
    public static implicit operator TensorIndex(Index index) => new(Kind.Number, FromEnd(index));

    /// <summary>A range of the dimension.</summary>
    public static implicit operator TensorIndex(Range range) => new(
        Kind.Slice, FromEnd(range.Start), range.End.Equals(Index.End) ? null : FromEnd(range.End));

    /// <summary>The elements at these positions, negative ones counting from the end, or where a mask is true.</summary>
    public static implicit operator TensorIndex(Tensor index)
    {
        ArgumentNullException.ThrowIfNull(index);
        return new(Kind.Tensor, tensor: index);
    }

    private static long FromEnd(Index index) => index.IsFromEnd ? index.Value == 0 ? long.MaxValue : -(long)index.Value : index.Value;
}
