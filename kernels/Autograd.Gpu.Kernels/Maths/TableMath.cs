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
        F y = L.Fma(a, OfDegree6(ActivationTables.Gelu, a, Quarters), L.AtLeast0(x));
        return L.AnyNotBelow(a, GeluEnd) ? L.Select(L.Less(a, GeluEnd), y, LaneMath<L, F, I, M>.Gelu(x)) : y;
    }

    /// <summary>The derivative of <see cref="Gelu"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F GeluSlope(F x)
    {
        F a = L.Abs(x);
        F y = WithSign(x, OfDegree6(ActivationTables.GeluSlope, a, Quarters));
        return L.AnyNotBelow(a, GeluEnd) ? L.Select(L.Less(a, GeluEnd), y, LaneMath<L, F, I, M>.GeluSlope(x)) : y;
    }

    /// <summary>x / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Silu(F x)
    {
        F a = L.Abs(x);
        I interval = Interval(a, Halves, out F h);
        var table = ActivationTables.Silu;
        F p = L.Lookup(table, 5, interval);
        p = L.Fma(p, h, L.Lookup(table, 4, interval));
        p = L.Fma(p, h, L.Lookup(table, 3, interval));
        p = L.Fma(p, h, L.Lookup(table, 2, interval));
        p = L.Fma(p, h, L.Lookup(table, 1, interval));
        p = L.Fma(p, h, L.Lookup(table, 0, interval));
        F y = L.Fma(a, p, L.AtLeast0(x));
        return L.AnyNotBelow(a, SiluEnd) ? L.Select(L.Less(a, SiluEnd), y, LaneMath<L, F, I, M>.Silu(x)) : y;
    }

    /// <summary>The derivative of <see cref="Silu"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F SiluSlope(F x)
    {
        F a = L.Abs(x);
        F y = WithSign(x, OfDegree6(ActivationTables.SiluSlope, a, Halves));
        return L.AnyNotBelow(a, SiluEnd) ? L.Select(L.Less(a, SiluEnd), y, LaneMath<L, F, I, M>.SiluSlope(x)) : y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F WithSign(F x, F p) => L.Select(L.Less(x, 0), p, L.Sub(L.C(1), p));

    /// <summary>The number of the interval of <paramref name="a"/>, and where in it a is, from the middle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static I Interval(F a, double shift, out F h)
    {
        F shifted = L.Add(a, L.C(shift));
        h = L.Sub(a, L.Sub(shifted, L.C(shift)));
        return L.Bits(shifted);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F OfDegree6(ReadOnlySpan<float> table, F a, double shift)
    {
        I interval = Interval(a, shift, out F h);
        F p = L.Lookup(table, 6, interval);
        p = L.Fma(p, h, L.Lookup(table, 5, interval));
        p = L.Fma(p, h, L.Lookup(table, 4, interval));
        p = L.Fma(p, h, L.Lookup(table, 3, interval));
        p = L.Fma(p, h, L.Lookup(table, 2, interval));
        p = L.Fma(p, h, L.Lookup(table, 1, interval));
        return L.Fma(p, h, L.Lookup(table, 0, interval));
    }
}
