using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Kernels.Fused;

/// <summary>How elements are combined: an associative function of states, and its neutral state.</summary>
public interface IReduction<TValue, TState>
    where TValue : unmanaged
    where TState : unmanaged
{
    /// <summary>The state of no element.</summary>
    TState Empty { get; }

    /// <summary>The state of one element, the one at <paramref name="position"/> along the reduced dimension.</summary>
    TState Of(TValue value, int position);

    /// <summary>The state of the elements of both.</summary>
    TState Combine(TState left, TState right);
}

/// <summary>The sum; 0 of nothing.</summary>
public readonly struct SumReduction<T> : IReduction<T, T>
    where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    public T Empty => T.Zero;

    /// <inheritdoc/>
    public T Of(T value, int position) => value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Combine(T left, T right) => left + right;
}

/// <summary>The product; 1 of nothing.</summary>
public readonly struct ProductReduction<T> : IReduction<T, T>
    where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    public T Empty => T.One;

    /// <inheritdoc/>
    public T Of(T value, int position) => value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Combine(T left, T right) => left * right;
}

/// <summary>The largest element; nan if there is one.</summary>
public readonly struct MaxReduction<T, TRange> : IReduction<T, T>
    where T : unmanaged, INumber<T>
    where TRange : struct, IRange<T>
{
    /// <inheritdoc/>
    public T Empty => default(TRange).Lowest;

    /// <inheritdoc/>
    public T Of(T value, int position) => value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Combine(T left, T right) => left > right || T.IsNaN(left) ? left : right;
}

/// <summary>The smallest element; nan if there is one.</summary>
public readonly struct MinReduction<T, TRange> : IReduction<T, T>
    where T : unmanaged, INumber<T>
    where TRange : struct, IRange<T>
{
    /// <inheritdoc/>
    public T Empty => default(TRange).Highest;

    /// <inheritdoc/>
    public T Of(T value, int position) => value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Combine(T left, T right) => left < right || T.IsNaN(left) ? left : right;
}

/// <summary>An element and its position.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Positioned<T>
    where T : unmanaged
{
    /// <summary>The element.</summary>
    public T Value;

    /// <summary>Its position along the reduced dimension.</summary>
    public int Position;
}

/// <summary>The first largest element and its position; nan counts as largest.</summary>
public readonly struct ArgMaxReduction<T, TRange> : IReduction<T, Positioned<T>>
    where T : unmanaged, INumber<T>
    where TRange : struct, IRange<T>
{
    /// <inheritdoc/>
    public Positioned<T> Empty => new() { Value = default(TRange).Lowest, Position = int.MaxValue };

    /// <inheritdoc/>
    public Positioned<T> Of(T value, int position) => new() { Value = value, Position = position };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Positioned<T> Combine(Positioned<T> left, Positioned<T> right) =>
        PositionedOrder.IsFirst(left, right, left.Value > right.Value) ? left : right;
}

/// <summary>The first smallest element and its position; nan counts as smallest.</summary>
public readonly struct ArgMinReduction<T, TRange> : IReduction<T, Positioned<T>>
    where T : unmanaged, INumber<T>
    where TRange : struct, IRange<T>
{
    /// <inheritdoc/>
    public Positioned<T> Empty => new() { Value = default(TRange).Highest, Position = int.MaxValue };

    /// <inheritdoc/>
    public Positioned<T> Of(T value, int position) => new() { Value = value, Position = position };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Positioned<T> Combine(Positioned<T> left, Positioned<T> right) =>
        PositionedOrder.IsFirst(left, right, left.Value < right.Value) ? left : right;
}

/// <summary>Reduces states that are reductions already: the second pass.</summary>
public readonly struct MergeReduction<TReduction, TValue, TState> : IReduction<TState, TState>
    where TReduction : struct, IReduction<TValue, TState>
    where TValue : unmanaged
    where TState : unmanaged
{
    /// <inheritdoc/>
    public TState Empty => default(TReduction).Empty;

    /// <inheritdoc/>
    public TState Of(TState value, int position) => value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TState Combine(TState left, TState right) => default(TReduction).Combine(left, right);
}

/// <summary>Which of two positioned elements an index reduction keeps.</summary>
internal static class PositionedOrder
{
    /// <summary>Whether the left one stays: it is nan or <paramref name="isBeyond"/> the right one, and where they tie it comes first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFirst<T>(Positioned<T> left, Positioned<T> right, bool isBeyond)
        where T : unmanaged, INumber<T>
    {
        bool leftIsNaN = T.IsNaN(left.Value), rightIsNaN = T.IsNaN(right.Value);
        bool ties = leftIsNaN ? rightIsNaN : left.Value == right.Value;
        return ties ? left.Position < right.Position : leftIsNaN || isBeyond;
    }
}

/// <summary>The ends of a type's order, infinities included.</summary>
public interface IRange<T>
{
    /// <summary>No value is less.</summary>
    T Lowest { get; }

    /// <summary>No value is greater.</summary>
    T Highest { get; }
}

/// <summary>The range of int.</summary>
public readonly struct Int32Range : IRange<int>
{
    /// <inheritdoc/>
    public int Lowest => int.MinValue;

    /// <inheritdoc/>
    public int Highest => int.MaxValue;
}

/// <summary>The range of long.</summary>
public readonly struct Int64Range : IRange<long>
{
    /// <inheritdoc/>
    public long Lowest => long.MinValue;

    /// <inheritdoc/>
    public long Highest => long.MaxValue;
}

/// <summary>The range of float.</summary>
public readonly struct Float32Range : IRange<float>
{
    /// <inheritdoc/>
    public float Lowest => float.NegativeInfinity;

    /// <inheritdoc/>
    public float Highest => float.PositiveInfinity;
}

/// <summary>The range of double.</summary>
public readonly struct Float64Range : IRange<double>
{
    /// <inheritdoc/>
    public double Lowest => double.NegativeInfinity;

    /// <inheritdoc/>
    public double Highest => double.PositiveInfinity;
}
