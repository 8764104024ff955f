using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// Gelu, silu and their derivatives for floats on the host: a polynomial whose coefficients are looked up by the interval that |x| falls into, a permutation of one
/// register each. So the usual arguments take neither an exponential nor a division; beyond the last interval the functions are those of
/// <see cref="LaneMath{L, F, I, M}"/>. All lanes give the same bits.
/// </summary>
/// <remarks>
/// Both functions are max(x, 0) - a f(a) with a = |x| and f the probability at -a, which the polynomial gives with a relative error bound; so the lower tail keeps its
/// digits. The derivatives at x and -x add up to 1.
/// </remarks>
internal static class TableMath<L, F, I, M>
    where L : struct, ILane<F, I, M>, ITableLane<F, I>
{
    /// <summary>Where the last interval of a quarter ends.</summary>
    public const float GeluEnd = 3.875f;

    /// <summary>Where the last interval of a half ends.</summary>
    public const float SiluEnd = 7.75f;

    // 1.5 * 2^23 times the width of an interval: adding it rounds to a multiple of the width, whose number the low bits of the sum then hold.
    private const double Quarters = 3145728;
    private const double Halves = 6291456;

    /// <summary>x times the standard normal distribution function.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Gelu(F x)
    {
        F a = L.Abs(x);
        return Gelu(x, a, OfDegree6(ActivationTables.Gelu, OfQuarter(a, out F h), h));
    }

    /// <summary>The derivative of <see cref="Gelu(F)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F GeluSlope(F x)
    {
        F a = L.Abs(x);
        return GeluSlope(x, a, OfDegree6(ActivationTables.GeluSlope, OfQuarter(a, out F h), h));
    }

    /// <summary>x / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Silu(F x)
    {
        F a = L.Abs(x);
        I interval = OfHalf(a, out F h);
        var table = ActivationTables.Silu;
        return Silu(x, a, Polynomial(
            h, L.Lookup(table, 0, interval), L.Lookup(table, 1, interval), L.Lookup(table, 2, interval), L.Lookup(table, 3, interval), L.Lookup(table, 4, interval),
            L.Lookup(table, 5, interval)));
    }

    /// <summary>The derivative of <see cref="Silu(F)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F SiluSlope(F x)
    {
        F a = L.Abs(x);
        return SiluSlope(x, a, OfDegree6(ActivationTables.SiluSlope, OfHalf(a, out F h), h));
    }

    // The same from the value of the polynomial, with a = |x|.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Gelu(F x, F a, F p)
    {
        F y = L.Fma(a, p, L.AtLeast0(x));
        return L.AnyNotBelow(a, GeluEnd) ? L.Select(L.Less(a, GeluEnd), y, LaneMath<L, F, I, M>.Gelu(x)) : y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F GeluSlope(F x, F a, F p)
    {
        F y = WithSign(x, p);
        return L.AnyNotBelow(a, GeluEnd) ? L.Select(L.Less(a, GeluEnd), y, LaneMath<L, F, I, M>.GeluSlope(x)) : y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Silu(F x, F a, F p)
    {
        F y = L.Fma(a, p, L.AtLeast0(x));
        return L.AnyNotBelow(a, SiluEnd) ? L.Select(L.Less(a, SiluEnd), y, LaneMath<L, F, I, M>.Silu(x)) : y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F SiluSlope(F x, F a, F p)
    {
        F y = WithSign(x, p);
        return L.AnyNotBelow(a, SiluEnd) ? L.Select(L.Less(a, SiluEnd), y, LaneMath<L, F, I, M>.SiluSlope(x)) : y;
    }

    /// <summary>The number of the interval of a quarter that <paramref name="a"/> is in, and where in it, from the middle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static I OfQuarter(F a, out F h) => Interval(a, Quarters, out h);

    /// <summary>The same for intervals of a half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static I OfHalf(F a, out F h) => Interval(a, Halves, out h);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Polynomial(F h, F c0, F c1, F c2, F c3, F c4, F c5) => L.Fma(L.Fma(L.Fma(L.Fma(L.Fma(c5, h, c4), h, c3), h, c2), h, c1), h, c0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Polynomial(F h, F c0, F c1, F c2, F c3, F c4, F c5, F c6) => Polynomial(h, c0, c1, c2, c3, c4, L.Fma(c6, h, c5));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F WithSign(F x, F p) => L.Select(L.Less(x, 0), p, L.Sub(L.C(1), p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static I Interval(F a, double shift, out F h)
    {
        F shifted = L.Add(a, L.C(shift));
        h = L.Sub(a, L.Sub(shifted, L.C(shift)));
        return L.Bits(shifted);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F OfDegree6(ReadOnlySpan<float> table, I interval, F h) => Polynomial(
        h, L.Lookup(table, 0, interval), L.Lookup(table, 1, interval), L.Lookup(table, 2, interval), L.Lookup(table, 3, interval), L.Lookup(table, 4, interval),
        L.Lookup(table, 5, interval), L.Lookup(table, 6, interval));
}
