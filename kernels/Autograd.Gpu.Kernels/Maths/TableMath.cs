using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// Gelu, silu and their derivatives, the sigmoid and the hyperbolic tangent for floats on the host: a polynomial whose coefficients are looked up by the interval that |x|
/// falls into, a permutation of one register (<see cref="ActivationTables"/>) or two (<see cref="FineTables"/>) each. So the usual arguments take neither an exponential nor
/// a division; beyond the last interval the functions are those of
/// <see cref="LaneMath{L, F, I, M}"/>. All lanes give the same bits.
/// </summary>
/// <remarks>
/// Gelu and silu are max(x, 0) - a f(a) with a = |x| and f the probability at -a, which the polynomial gives with a relative error bound; so the lower tail keeps its
/// digits. Their derivatives at x and -x add up to 1, as do the sigmoids.
/// </remarks>
internal static class TableMath<L, F, I, M>
    where L : struct, ILane<F, I, M>, ITableLane<F, I>
{
    /// <summary>Where the first thirty-two intervals of gelu end.</summary>
    public const float GeluEnd = 3.46875f;

    /// <summary>Where the second thirty-two are left: the last of them have errors of their own.</summary>
    public const float GeluFarEnd = 5.03125f;

    /// <summary>Where the last interval of a half ends.</summary>
    public const float SiluEnd = 7.75f;

    /// <summary>From here on the hyperbolic tangent is 1 after rounding.</summary>
    public const float TanhEnd = 9.010913f;

    /// <summary>The width of the hyperbolic tangent's intervals.</summary>
    public const double TanhWidth = 0.5859375;

    // 1.5 * 2^23 times the width of an interval: adding it rounds to a multiple of the width, whose number the low bits of the sum then hold.
    private const double Quarters = 3145728;
    private const double Halves = 6291456;
    private const double Units = 12582912;

    // What gelu's argument is taken from. Floats are 1/8 apart above 2^20 and 1/16 below, so that the difference rounds to eighths up to 3 and to sixteenths beyond.
    private const double Falling = 1048576 + 3;

    // Rows of the second thirty-two intervals.
    private const int Far = 5;

    /// <summary>x times the standard normal distribution function.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Gelu(F x)
    {
        F a = L.Abs(x);
        I interval = OfFalling(a, out F h);
        return Gelu(x, a, interval, h, OfDegree4(FineTables.Gelu, 0, interval, h));
    }

    /// <summary>The derivative of <see cref="Gelu(F)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F GeluSlope(F x)
    {
        F a = L.Abs(x);
        I interval = OfFalling(a, out F h);
        return GeluSlope(x, a, interval, h, OfDegree4(FineTables.GeluSlope, 0, interval, h));
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
        return SiluSlope(x, a, OfDegree4(FineTables.SiluSlope, 0, OfQuarter(a, out F h), h));
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Sigmoid(F x)
    {
        F a = L.Abs(x);
        I interval = OfHalf(a, out F h);
        var table = ActivationTables.Silu;
        return Sigmoid(x, a, Polynomial(
            h, L.Lookup(table, 0, interval), L.Lookup(table, 1, interval), L.Lookup(table, 2, interval), L.Lookup(table, 3, interval), L.Lookup(table, 4, interval),
            L.Lookup(table, 5, interval)));
    }

    /// <summary>The hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Tanh(F x)
    {
        F a = L.Abs(x);
        I interval = OfTanh(a, out F h);
        var table = ActivationTables.Tanh;
        return Tanh(x, a, Polynomial(
            h, L.Lookup(table, 0, interval), L.Lookup(table, 1, interval), L.Lookup(table, 2, interval), L.Lookup(table, 3, interval), L.Lookup(table, 4, interval),
            L.Lookup(table, 5, interval), L.Lookup(table, 6, interval), L.Lookup(table, 7, interval)));
    }

    // The same from the value of the polynomial, with a = |x|.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Gelu(F x, F a, I interval, F h, F p)
    {
        F y = L.Fma(a, p, L.AtLeast0(x));
        if (!L.AnyNotBelow(a, GeluEnd)) return y;
        F far = L.Fma(a, OfDegree4(FineTables.Gelu, Far, interval, h), L.AtLeast0(x));
        y = L.Select(L.Less(a, GeluEnd), y, far);
        return L.MayReach(a, GeluFarEnd) ? L.Select(L.Less(a, GeluFarEnd), y, LaneMath<L, F, I, M>.Gelu(x)) : y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F GeluSlope(F x, F a, I interval, F h, F p)
    {
        F y = WithSign(x, p);
        if (!L.AnyNotBelow(a, GeluEnd)) return y;
        F far = WithSign(x, OfDegree4(FineTables.GeluSlope, Far, interval, h));
        y = L.Select(L.Less(a, GeluEnd), y, far);
        return L.MayReach(a, GeluFarEnd) ? L.Select(L.Less(a, GeluFarEnd), y, LaneMath<L, F, I, M>.GeluSlope(x)) : y;
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Sigmoid(F x, F a, F p)
    {
        F y = SigmoidWithin(x, p);
        return L.AnyNotBelow(a, SiluEnd) ? L.Select(L.Less(a, SiluEnd), y, LaneMath<L, F, I, M>.Sigmoid(x)) : y;
    }

    /// <summary>The same where no lane lies beyond the last interval.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F SigmoidWithin(F x, F p) => L.Select(L.Less(x, 0), L.Neg(p), L.Add(L.C(1), p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Tanh(F x, F a, F p)
    {
        F y = L.Select(L.LessOrEqual(L.C(TanhEnd), a), L.C(1), p);
        return L.FromBits(L.Xor(L.Bits(y), L.And(L.Bits(x), L.N(int.MinValue, long.MinValue))));
    }

    /// <summary>The number of the interval of a quarter that <paramref name="a"/> is in, and where in it, from the middle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static I OfQuarter(F a, out F h) => Interval(a, Quarters, out h);

    /// <summary>The same for intervals of a half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static I OfHalf(F a, out F h) => Interval(a, Halves, out h);

    /// <summary>The same for the hyperbolic tangent's, whose width is no power of two: h is exact all the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static I OfTanh(F a, out F h)
    {
        F shifted = L.Fma(a, L.C(1 / TanhWidth), L.C(Units));
        h = L.Fma(L.Sub(shifted, L.C(Units)), L.C(-TanhWidth), a);
        return L.Bits(shifted);
    }

    /// <summary>The low five bits of the result are the number of gelu's interval that <paramref name="a"/> is in; where in it, from the middle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static I OfFalling(F a, out F h)
    {
        F rest = L.Sub(L.C(Falling), a);
        h = L.Sub(a, L.Sub(L.C(Falling), rest));
        return L.Bits(rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Polynomial(F h, F c0, F c1, F c2, F c3, F c4) => L.Fma(L.Fma(L.Fma(L.Fma(c4, h, c3), h, c2), h, c1), h, c0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Polynomial(F h, F c0, F c1, F c2, F c3, F c4, F c5) => L.Fma(L.Fma(L.Fma(L.Fma(L.Fma(c5, h, c4), h, c3), h, c2), h, c1), h, c0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Polynomial(F h, F c0, F c1, F c2, F c3, F c4, F c5, F c6) => Polynomial(h, c0, c1, c2, c3, c4, L.Fma(c6, h, c5));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Polynomial(F h, F c0, F c1, F c2, F c3, F c4, F c5, F c6, F c7) => Polynomial(h, c0, c1, c2, c3, c4, c5, L.Fma(c7, h, c6));

    // The difference where the condition holds: so it takes the processor one instruction with a mask.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F WithSign(F x, F p) => L.Select(L.LessOrEqual(L.C(0), x), L.Sub(L.C(1), p), p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static I Interval(F a, double shift, out F h)
    {
        F shifted = L.Add(a, L.C(shift));
        h = L.Sub(a, L.Sub(shifted, L.C(shift)));
        return L.Bits(shifted);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F OfDegree4(ReadOnlySpan<float> table, int row, I interval, F h) => Polynomial(
        h, L.LookupFine(table, row, interval), L.LookupFine(table, row + 1, interval), L.LookupFine(table, row + 2, interval), L.LookupFine(table, row + 3, interval),
        L.LookupFine(table, row + 4, interval));
}
