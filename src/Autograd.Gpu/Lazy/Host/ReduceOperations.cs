using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>An associative and commutative operation on two elements, on two vectors of them, and its neutral element.</summary>
internal interface IReduceOperation<T>
    where T : unmanaged
{
    static abstract T Identity { get; }

    static abstract T Combine(T a, T b);

    static abstract Vector<T> Combine(Vector<T> a, Vector<T> b);

    static abstract Vector128<T> Combine(Vector128<T> a, Vector128<T> b);

    static abstract Vector512<T> Combine(Vector512<T> a, Vector512<T> b);
}

/// <summary>An operation that picks one of its two elements.</summary>
internal interface IPickOperation<T> : IReduceOperation<T>
    where T : unmanaged
{
    /// <summary>
    /// Whether <paramref name="x"/> takes the place of <paramref name="best"/>, which came first; nan takes that of any number.
    /// </summary>
    static abstract bool Replaces(T x, T best);

    /// <summary>The same for each lane, as a mask.</summary>
    static abstract Vector<T> Replaces(Vector<T> x, Vector<T> best);
}

internal readonly struct SumOperation<T> : IReduceOperation<T>
    where T : unmanaged, INumber<T>
{
    public static T Identity => T.Zero;

    public static T Combine(T a, T b) => a + b;

    public static Vector<T> Combine(Vector<T> a, Vector<T> b) => a + b;

    public static Vector128<T> Combine(Vector128<T> a, Vector128<T> b) => a + b;

    public static Vector512<T> Combine(Vector512<T> a, Vector512<T> b) => a + b;
}

internal readonly struct ProductOperation<T> : IReduceOperation<T>
    where T : unmanaged, INumber<T>
{
    public static T Identity => T.One;

    public static T Combine(T a, T b) => a * b;

    public static Vector<T> Combine(Vector<T> a, Vector<T> b) => a * b;

    public static Vector128<T> Combine(Vector128<T> a, Vector128<T> b) => a * b;

    public static Vector512<T> Combine(Vector512<T> a, Vector512<T> b) => a * b;
}

internal readonly struct MaxOperation<T> : IPickOperation<T>
    where T : unmanaged, INumber<T>
{
    public static T Identity => T.CreateSaturating(double.NegativeInfinity);

    public static T Combine(T a, T b) => T.Max(a, b);

    public static Vector<T> Combine(Vector<T> a, Vector<T> b) => Vector.Max(a, b);

    public static Vector128<T> Combine(Vector128<T> a, Vector128<T> b) => Vector128.Max(a, b);

    public static Vector512<T> Combine(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b);

    public static bool Replaces(T x, T best) => !(x <= best) && !T.IsNaN(best);

    public static Vector<T> Replaces(Vector<T> x, Vector<T> best) =>
        Vector.AndNot(Vector.Equals(best, best), Vector.LessThanOrEqual(x, best));
}

internal readonly struct MinOperation<T> : IPickOperation<T>
    where T : unmanaged, INumber<T>
{
    public static T Identity => T.CreateSaturating(double.PositiveInfinity);

    public static T Combine(T a, T b) => T.Min(a, b);

    public static Vector<T> Combine(Vector<T> a, Vector<T> b) => Vector.Min(a, b);

    public static Vector128<T> Combine(Vector128<T> a, Vector128<T> b) => Vector128.Min(a, b);

    public static Vector512<T> Combine(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b);

    public static bool Replaces(T x, T best) => !(x >= best) && !T.IsNaN(best);

    public static Vector<T> Replaces(Vector<T> x, Vector<T> best) =>
        Vector.AndNot(Vector.Equals(best, best), Vector.GreaterThanOrEqual(x, best));
}
