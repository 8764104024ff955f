using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    private static F HalfPi
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(1.5707963705062866, 1.5707963267948966);
    }

    /// <summary>What pi / 2 has below its last bit.</summary>
    private static F HalfPiLow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(-4.371138828673793e-08, 6.123233995736766e-17);
    }

    /// <summary>The arc sine: NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Asin(F x)
    {
        F t = AsinReduced(L.Abs(x), out M small);
        F outer = L.Sub(HalfPi, L.Sub(L.Add(t, t), HalfPiLow));
        return FlipSign(L.Select(small, t, outer), SignOf(x));
    }

    /// <summary>The arc cosine: NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Acos(F x)
    {
        F t = AsinReduced(L.Abs(x), out M small);
        F inner = L.Sub(HalfPi, L.Sub(FlipSign(t, SignOf(x)), HalfPiLow));
        F twice = L.Add(t, t);
        F below = L.Sub(L.Add(HalfPi, HalfPi), L.Sub(twice, L.Add(HalfPiLow, HalfPiLow)));
        return L.Select(small, inner, L.Select(L.Less(x, 0), below, twice));
    }

    /// <summary>The arc tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Atan(F x)
    {
        // Below tan(pi / 8) as it is, above its reciprocal as pi / 2 - atan(1 / a), between them as pi / 4 + atan((a - 1) / (a + 1)).
        F a = L.Abs(x);
        M small = L.Less(a, 0.41421356);
        M middle = L.Less(a, 2.4142135);
        F numerator = L.Select(small, a, L.Select(middle, L.Sub(a, One), L.C(-1)));
        F denominator = L.Select(small, One, L.Select(middle, L.Add(a, One), a));
        F t = L.Div(numerator, denominator);
        F offset = L.Select(small, L.C(0), L.Select(middle, L.C(0.7853981852531433, 0.7853981633974483), HalfPi));
        F low = L.Select(small, L.C(0), L.Select(middle, L.C(-2.1855694143368964e-08, 3.061616997868383e-17), HalfPiLow));
        return FlipSign(AtanFrom(t, offset, low), SignOf(x));
    }

    /// <summary>The angle of the point (x, y), between -pi and pi; zeros and infinities as in C99, F.9.1.4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Atan2(F y, F x)
    {
        F a = L.Abs(x);
        F b = L.Abs(y);
        M infinite = L.Both(L.Equal(a, Infinity), L.Equal(b, Infinity));
        a = L.Select(infinite, One, a);
        b = L.Select(infinite, One, b);
        // The sum of the two must not overflow.
        F limit = L.C(8.507059173023462e+37, 4.4942328371557898e+307);
        F scale = L.Select(L.Either(L.Less(limit, a), L.Less(limit, b)), L.C(0.25), One);
        a = L.Mul(a, scale);
        b = L.Mul(b, scale);

        M small = L.LessOrEqual(b, L.Mul(a, 0.41421356));
        M middle = L.Less(b, L.Mul(a, 2.4142135));
        F numerator = L.Select(small, b, L.Select(middle, L.Sub(b, a), L.Neg(a)));
        F denominator = L.Select(small, a, L.Select(middle, L.Add(b, a), b));
        F t = L.Div(numerator, denominator);
        t = L.Select(L.Both(L.Equal(y, 0), L.Equal(a, 0)), L.C(0), t);

        // On the left half plane the angle is pi less that of the mirrored point.
        I left = SignOf(x);
        M right = L.IsZero(left);
        F zero = L.Select(right, L.C(0), L.C(3.1415927410125732, 3.141592653589793));
        F zeroLow = L.Select(right, L.C(0), L.C(-8.742277657347586e-08, 1.2246467991473532e-16));
        F quarter = L.Select(right, L.C(0.7853981852531433, 0.7853981633974483), L.C(2.356194496154785, 2.356194490192345));
        F quarterLow = L.Select(right, L.C(-2.1855694143368964e-08, 3.061616997868383e-17), L.C(-5.962440227403018e-09, 9.184850993605148e-17));
        F offset = L.Select(small, zero, L.Select(middle, quarter, HalfPi));
        F low = L.Select(small, zeroLow, L.Select(middle, quarterLow, HalfPiLow));
        return FlipSign(AtanFrom(FlipSign(t, left), offset, low), SignOf(y));
    }

    /// <summary>offset + low + atan(t) for |t| at most tan(pi / 8).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F AtanFrom(F t, F offset, F low)
    {
        // (atan t - t) / t^3 over t^2, relative error of the arc tangent 2^-30.4 (2^-63.8)
        F z = L.Mul(t, t);
        F p;
        if (L.Wide)
        {
            p = L.C(0.01513516060481984);
            p = L.Fma(p, z, -0.03341009335903995);
            p = L.Fma(p, z, 0.045005192577911156);
            p = L.Fma(p, z, -0.05217581915939405);
            p = L.Fma(p, z, 0.058768796055027835);
            p = L.Fma(p, z, -0.06666210433217067);
            p = L.Fma(p, z, 0.07692281500212624);
            p = L.Fma(p, z, -0.09090908080142245);
            p = L.Fma(p, z, 0.11111111086068688);
            p = L.Fma(p, z, -0.14285714285346796);
            p = L.Fma(p, z, 0.1999999999999725);
            p = L.Fma(p, z, -0.33333333333333326);
        }
        else
        {
            p = L.C(-0.060946930199861526);
            p = L.Fma(p, z, 0.10600889474153519);
            p = L.Fma(p, z, -0.14244593679904938);
            p = L.Fma(p, z, 0.1999853551387787);
            p = L.Fma(p, z, -0.33333316445350647);
        }

        return L.Add(offset, L.Add(L.Fma(L.Mul(z, t), p, low), t));
    }

    /// <summary>asin a where a, not negative, is below 1/2 (then <paramref name="small"/> holds), else asin(sqrt((1 - a) / 2)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F AsinReduced(F a, out M small)
    {
        small = L.Less(a, 0.5);
        F z = L.Select(small, L.Mul(a, a), L.Fma(a, L.C(-0.5), 0.5));
        F s = L.Select(small, a, L.Sqrt(z));
        // (asin s - s) / s^3 over s^2, relative error of the arc sine 2^-27.6 (2^-59.8)
        F p;
        if (L.Wide)
        {
            p = L.C(0.032639192081282804);
            p = L.Fma(p, z, -0.021016254529520193);
            p = L.Fma(p, z, 0.021719738307378375);
            p = L.Fma(p, z, 0.0037013365518680655);
            p = L.Fma(p, z, 0.010781586542857888);
            p = L.Fma(p, z, 0.011398679587503588);
            p = L.Fma(p, z, 0.013980847678565401);
            p = L.Fma(p, z, 0.01735160993770044);
            p = L.Fma(p, z, 0.022372215086396616);
            p = L.Fma(p, z, 0.03038194270520894);
            p = L.Fma(p, z, 0.04464285717463587);
            p = L.Fma(p, z, 0.07499999999970822);
            p = L.Fma(p, z, 0.1666666666666676);
        }
        else
        {
            p = L.C(0.04216914251446724);
            p = L.Fma(p, z, 0.024178918451070786);
            p = L.Fma(p, z, 0.04547014832496643);
            p = L.Fma(p, z, 0.07495304197072983);
            p = L.Fma(p, z, 0.16666752099990845);
        }

        return L.Fma(L.Mul(z, s), p, s);
    }
}
