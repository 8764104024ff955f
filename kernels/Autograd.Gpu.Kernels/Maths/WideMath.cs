using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using L = Autograd.Gpu.Kernels.Single512Lane;
using Maths = Autograd.Gpu.Kernels.LaneMath<
    Autograd.Gpu.Kernels.Single512Lane, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<int>>;
using Tables = Autograd.Gpu.Kernels.TableMath<
    Autograd.Gpu.Kernels.Single512Lane, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<int>>;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// The functions of <see cref="VectorMath"/> on 512 bits. The shorter ones are inlined into the loop that calls them: a call passes vectors through memory,
/// which at this length takes as long as the function.
/// </summary>
internal static class WideMath
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x) => Maths.Exp(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Expm1(Vector512<float> x) => Maths.Expm1(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> x) => Maths.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log1p(Vector512<float> x) => Maths.Log1p(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sin(Vector512<float> x) => Maths.Sin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Cos(Vector512<float> x) => Maths.Cos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tan(Vector512<float> x) => Maths.Tan(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Erf(Vector512<float> x) => Maths.Erf(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Erfc(Vector512<float> x) => Maths.Erfc(x);

    /// <summary>1 / sqrt(x), the same bits as by a square root and a division, of which the second would keep the divider as long again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Rsqrt(Vector512<float> x)
    {
        var s = Vector512.Sqrt(x);
        return Avx512F.IsSupported ? Reciprocal(s, Avx512F.ReciprocalSqrt14(x)) : Vector512<float>.One / s;
    }

    /// <summary>1 / s, correctly rounded, from an estimate with a relative error of at most 2^-13, whatever its bits are.</summary>
    /// <remarks>
    /// The first step is below 1 / s by at most a quarter of a unit, so it comes out rounded as 1 / s is, or one lower. From either the second step is right (P. W. Markstein, Computation
    /// of elementary functions on the IBM RISC System/6000 processor, 1990) but for the largest significand, whose residual is 2^-24. Zeros, infinities and NaN have none.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Reciprocal(Vector512<float> s, Vector512<float> estimate)
    {
        var y = Vector512.FusedMultiplyAdd(estimate, Vector512.FusedMultiplyAdd(-s, estimate, Vector512<float>.One), estimate);
        var residual = Vector512.FusedMultiplyAdd(-s, y, Vector512<float>.One);
        return Vector512.LessThanAll(residual, Vector512.Create(5.9604645e-08f))
            ? Vector512.FusedMultiplyAdd(y, residual, y)
            : Vector512<float>.One / s;
    }

    // Functions by table. The rows of their tables come from the caller, who holds them in registers: read from memory for each vector they take all that the processor can load.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Gelu(
        Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4)
    {
        var (a, i) = (Vector512.Abs(x), Tables.OfFalling(Vector512.Abs(x), out var h));
        return Tables.Gelu(x, a, i, h, OfDegree4(i, h, c0, d0, c1, d1, c2, d2, c3, d3, c4, d4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> GeluSlope(
        Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4)
    {
        var (a, i) = (Vector512.Abs(x), Tables.OfFalling(Vector512.Abs(x), out var h));
        return Tables.GeluSlope(x, a, i, h, OfDegree4(i, h, c0, d0, c1, d1, c2, d2, c3, d3, c4, d4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Silu(
        Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5)
    {
        var (a, i) = (Vector512.Abs(x), Tables.OfHalf(Vector512.Abs(x), out var h));
        return Tables.Silu(x, a, Tables.Polynomial(
            h, L.Lookup(c0, i), L.Lookup(c1, i), L.Lookup(c2, i), L.Lookup(c3, i), L.Lookup(c4, i), L.Lookup(c5, i)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SiluSlope(
        Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4)
    {
        var (a, i) = (Vector512.Abs(x), Tables.OfQuarter(Vector512.Abs(x), out var h));
        return Tables.SiluSlope(x, a, OfDegree4(i, h, c0, d0, c1, d1, c2, d2, c3, d3, c4, d4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(
        Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5)
    {
        var (a, i) = (Vector512.Abs(x), Tables.OfHalf(Vector512.Abs(x), out var h));
        return Tables.Sigmoid(x, a, Tables.Polynomial(
            h, L.Lookup(c0, i), L.Lookup(c1, i), L.Lookup(c2, i), L.Lookup(c3, i), L.Lookup(c4, i), L.Lookup(c5, i)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(
        Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5, Vector512<float> c6, Vector512<float> c7)
    {
        var (a, i) = (Vector512.Abs(x), Tables.OfTanh(Vector512.Abs(x), out var h));
        return Tables.Tanh(x, a, Tables.Polynomial(
            h, L.Lookup(c0, i), L.Lookup(c1, i), L.Lookup(c2, i), L.Lookup(c3, i), L.Lookup(c4, i), L.Lookup(c5, i), L.Lookup(c6, i), L.Lookup(c7, i)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Softplus(Vector512<float> x) => Maths.Softplus(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Pow(Vector512<float> x, Vector512<float> y)
    {
        // Zeros, infinities, subnormal and negative bases take half of the instructions.
        var infinity = Vector512.Create(float.PositiveInfinity);
        return Vector512.GreaterThanOrEqualAll(x, Maths.MinNormal) && Vector512.LessThanAll(x, infinity) && Vector512.LessThanAll(Vector512.Abs(y), infinity)
            ? Maths.PowOrdinary(x, y)
            : AnyPow(x, y);
    }

    // Each row is looked up right before it is added: the pipes that look up and those that multiply are then kept busy side by side, where all look-ups first would keep the multipliers waiting.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> OfDegree4(
        Vector512<int> i, Vector512<float> h,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4)
    {
        var p = Vector512.FusedMultiplyAdd(L.Lookup(c4, d4, i), h, L.Lookup(c3, d3, i));
        p = Vector512.FusedMultiplyAdd(p, h, L.Lookup(c2, d2, i));
        p = Vector512.FusedMultiplyAdd(p, h, L.Lookup(c1, d1, i));
        return Vector512.FusedMultiplyAdd(p, h, L.Lookup(c0, d0, i));
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> AnyPow(Vector512<float> x, Vector512<float> y) => Maths.Pow(x, y);
}
