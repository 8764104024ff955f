using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>A running reduction: an associative function of states, its neutral state, and what is written for each.</summary>
/// <typeparam name="T">The elements.</typeparam>
/// <typeparam name="TState">What runs along.</typeparam>
/// <typeparam name="TResult">What is written.</typeparam>
public interface IScan<T, TState, TResult>
    where T : unmanaged
    where TState : unmanaged
    where TResult : unmanaged
{
    /// <summary>Whether there is a second operand.</summary>
    static abstract bool HasSecond { get; }

    /// <summary>The state of no element.</summary>
    static abstract TState Empty { get; }

    /// <summary>The state of one element, or pair, at a position along the line.</summary>
    static abstract TState Of(T first, T second, int position);

    /// <summary>The state of the elements of both, the left ones coming first.</summary>
    static abstract TState Combine(TState left, TState right);

    /// <summary>What is written for a state.</summary>
    static abstract TResult Result(TState state);
}

/// <summary>Running sums of floats, added in double.</summary>
public readonly struct FloatSumScan : IScan<float, double, float>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static double Empty => 0;

    /// <inheritdoc/>
    public static double Of(float first, float second, int position) => first;

    /// <inheritdoc/>
    public static double Combine(double left, double right) => left + right;

    /// <inheritdoc/>
    public static float Result(double state) => (float)state;
}

/// <summary>Running products of floats, multiplied in double.</summary>
public readonly struct FloatProductScan : IScan<float, double, float>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static double Empty => 1;

    /// <inheritdoc/>
    public static double Of(float first, float second, int position) => first;

    /// <inheritdoc/>
    public static double Combine(double left, double right) => left * right;

    /// <inheritdoc/>
    public static float Result(double state) => (float)state;
}

/// <summary>Running sums.</summary>
public readonly struct SumScan<T> : IScan<T, T, T> where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static T Empty => T.Zero;

    /// <inheritdoc/>
    public static T Of(T first, T second, int position) => first;

    /// <inheritdoc/>
    public static T Combine(T left, T right) => left + right;

    /// <inheritdoc/>
    public static T Result(T state) => state;
}

/// <summary>Running products.</summary>
public readonly struct ProductScan<T> : IScan<T, T, T> where T : unmanaged, INumber<T>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static T Empty => T.One;

    /// <inheritdoc/>
    public static T Of(T first, T second, int position) => first;

    /// <inheritdoc/>
    public static T Combine(T left, T right) => left * right;

    /// <inheritdoc/>
    public static T Result(T state) => state;
}

/// <summary>Where the largest element so far stands: the last of those that tie; nan counts as largest.</summary>
public readonly struct ArgMaxScan<T, TRange> : IScan<T, Positioned<T>, long>
    where T : unmanaged, INumber<T>
    where TRange : struct, IRange<T>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static Positioned<T> Empty => new() { Value = default(TRange).Lowest, Position = -1 };

    /// <inheritdoc/>
    public static Positioned<T> Of(T first, T second, int position) => new() { Value = first, Position = position };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Positioned<T> Combine(Positioned<T> left, Positioned<T> right)
    {
        // An empty right side has nothing to say.
        bool stays = right.Position < 0 || left.Value > right.Value || (T.IsNaN(left.Value) && !T.IsNaN(right.Value));
        return stays ? left : right;
    }

    /// <inheritdoc/>
    public static long Result(Positioned<T> state) => state.Position;
}

/// <summary>Where the smallest element so far stands: the last of those that tie; nan counts as smallest.</summary>
public readonly struct ArgMinScan<T, TRange> : IScan<T, Positioned<T>, long>
    where T : unmanaged, INumber<T>
    where TRange : struct, IRange<T>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static Positioned<T> Empty => new() { Value = default(TRange).Highest, Position = -1 };

    /// <inheritdoc/>
    public static Positioned<T> Of(T first, T second, int position) => new() { Value = first, Position = position };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Positioned<T> Combine(Positioned<T> left, Positioned<T> right)
    {
        bool stays = right.Position < 0 || left.Value < right.Value || (T.IsNaN(left.Value) && !T.IsNaN(right.Value));
        return stays ? left : right;
    }

    /// <inheritdoc/>
    public static long Result(Positioned<T> state) => state.Position;
}

/// <summary>A sum of exponentials as e^Largest * Rest, so that nothing overflows.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ExponentialSum
{
    /// <summary>The largest exponent.</summary>
    public double Largest;

    /// <summary>The sum divided by its exponential.</summary>
    public double Rest;

    /// <summary>The sum of two.</summary>
    public static ExponentialSum Add(ExponentialSum left, ExponentialSum right)
    {
        // Nothing (Rest = 0) must not meet an infinity: inf - inf is no number.
        if (right.Rest == 0)
        {
            return left;
        }

        if (left.Rest == 0)
        {
            return right;
        }

        if (left.Largest == right.Largest)
        {
            return new ExponentialSum { Largest = left.Largest, Rest = left.Rest + right.Rest };
        }

        return left.Largest > right.Largest
            ? new ExponentialSum { Largest = left.Largest, Rest = left.Rest + right.Rest * DeviceMath.Exp(right.Largest - left.Largest) }
            : new ExponentialSum { Largest = right.Largest, Rest = right.Rest + left.Rest * DeviceMath.Exp(left.Largest - right.Largest) };
    }

    /// <summary>Its logarithm; minus infinity of nothing.</summary>
    public readonly double Log() => Rest == 0 ? double.NegativeInfinity : Largest + DeviceMath.Log(Rest);
}

/// <summary>The logarithm of running sums of exponentials of floats.</summary>
public readonly struct FloatLogSumExpScan : IScan<float, ExponentialSum, float>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static ExponentialSum Empty => default;

    /// <inheritdoc/>
    public static ExponentialSum Of(float first, float second, int position) => new() { Largest = first, Rest = 1 };

    /// <inheritdoc/>
    public static ExponentialSum Combine(ExponentialSum left, ExponentialSum right) => ExponentialSum.Add(left, right);

    /// <inheritdoc/>
    public static float Result(ExponentialSum state) => (float)state.Log();
}

/// <summary>The logarithm of running sums of exponentials of doubles.</summary>
public readonly struct DoubleLogSumExpScan : IScan<double, ExponentialSum, double>
{
    /// <inheritdoc/>
    public static bool HasSecond => false;

    /// <inheritdoc/>
    public static ExponentialSum Empty => default;

    /// <inheritdoc/>
    public static ExponentialSum Of(double first, double second, int position) => new() { Largest = first, Rest = 1 };

    /// <inheritdoc/>
    public static ExponentialSum Combine(ExponentialSum left, ExponentialSum right) => ExponentialSum.Add(left, right);

    /// <inheritdoc/>
    public static double Result(ExponentialSum state) => state.Log();
}

/// <summary>The function h -> Factor * h + Term.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct AffineStep
{
    /// <summary>What h is multiplied by.</summary>
    public double Factor;

    /// <summary>What is added.</summary>
    public double Term;
}

/// <summary>The recurrence h[k] = a[k] h[k - 1] + b[k] from h = 0 on, for floats.</summary>
public readonly struct FloatRecurrenceScan : IScan<float, AffineStep, float>
{
    /// <inheritdoc/>
    public static bool HasSecond => true;

    /// <inheritdoc/>
    public static AffineStep Empty => new() { Factor = 1, Term = 0 };

    /// <inheritdoc/>
    public static AffineStep Of(float first, float second, int position) => new() { Factor = first, Term = second };

    /// <inheritdoc/>
    public static AffineStep Combine(AffineStep left, AffineStep right) =>
        new() { Factor = left.Factor * right.Factor, Term = right.Factor * left.Term + right.Term };

    /// <inheritdoc/>
    public static float Result(AffineStep state) => (float)state.Term;
}

/// <summary>The recurrence h[k] = a[k] h[k - 1] + b[k] from h = 0 on, for doubles.</summary>
public readonly struct DoubleRecurrenceScan : IScan<double, AffineStep, double>
{
    /// <inheritdoc/>
    public static bool HasSecond => true;

    /// <inheritdoc/>
    public static AffineStep Empty => new() { Factor = 1, Term = 0 };

    /// <inheritdoc/>
    public static AffineStep Of(double first, double second, int position) => new() { Factor = first, Term = second };

    /// <inheritdoc/>
    public static AffineStep Combine(AffineStep left, AffineStep right) => FloatRecurrenceScan.Combine(left, right);

    /// <inheritdoc/>
    public static double Result(AffineStep state) => state.Term;
}
