using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>sin x; NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Sin(F x)
    {
        I quadrant = Reduce(L.Abs(x), out F r);
        return FlipSign(SinOfQuadrant(r, quadrant), SignOf(x));
    }

    /// <summary>cos x; NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Cos(F x)
    {
        I quadrant = Reduce(L.Abs(x), out F r);
        return SinOfQuadrant(r, L.Plus(quadrant, L.N(1, 1)));
    }

    /// <summary>tan x; NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Tan(F x)
    {
        I quadrant = Reduce(L.Abs(x), out F r);
        F t = TanReduced(r);
        M even = L.IsZero(L.And(quadrant, L.N(1, 1)));
        return FlipSign(L.Select(even, t, L.Div(L.C(-1), t)), SignOf(x));
    }

    /// <summary>sin(r + quadrant pi / 2) for |r| at most about pi / 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F SinOfQuadrant(F r, I quadrant)
    {
        M even = L.IsZero(L.And(quadrant, L.N(1, 1)));
        F value = L.Select(even, SinReduced(r), CosReduced(r));
        return FlipSign(value, L.Bit1ToSign(L.And(quadrant, L.N(2, 2))));
    }

    /// <summary>For a not negative: r = a - n pi / 2 with |r| at most about pi / 4, and n, of which the two lowest bits count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static I Reduce(F a, out F r)
    {
        // With pi / 2 in three words the first product's subtraction is exact, and what is missing stays below the last bit.
        F shifted = L.Fma(a, L.C(0.6366197723675814), RoundingShift);
        F n = L.Sub(shifted, RoundingShift);
        F reduced = L.Fma(n, L.C(-1.5707963705062866, -1.5707963267948966), a);
        reduced = L.Fma(n, L.C(4.371138828673793e-08, -6.123233995736766e-17), reduced);
        reduced = L.Fma(n, L.C(1.7151245100058819e-15, 1.4973849048591698e-33), reduced);
        I quadrant = L.Bits(shifted);
        L.ReduceLarge(a, L.Not(L.LessOrEqual(a, L.C(65536.0, 1048576.0))), ref reduced, ref quadrant);
        r = reduced;
        return quadrant;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F SinReduced(F r)
    {
        // (sin r - r) / r^3 over r^2, relative error of the sine 2^-28.0 (2^-63.3)
        F z = L.Mul(r, r);
        F p;
        if (L.Wide)
        {
            p = L.C(-7.379316583576593e-13);
            p = L.Fma(p, z, 1.6054121190489976e-10);
            p = L.Fma(p, z, -2.5052069573704832e-08);
            p = L.Fma(p, z, 2.755731906953968e-06);
            p = L.Fma(p, z, -0.0001984126984095583);
            p = L.Fma(p, z, 0.008333333333333038);
            p = L.Fma(p, z, -0.16666666666666666);
        }
        else
        {
            p = L.C(-0.0001951859303517267);
            p = L.Fma(p, z, 0.008332191035151482);
            p = L.Fma(p, z, -0.16666655242443085);
        }

        return L.Fma(L.Mul(z, r), p, r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F CosReduced(F r)
    {
        // (cos r - 1 + r^2 / 2) / r^4 over r^2, error of the cosine 2^-33.1 (2^-69.1)
        F z = L.Mul(r, r);
        F p;
        if (L.Wide)
        {
            p = L.C(4.578948633898679e-14);
            p = L.Fma(p, z, -1.1466575572973963e-11);
            p = L.Fma(p, z, 2.087671971018653e-09);
            p = L.Fma(p, z, -2.755731905185818e-07);
            p = L.Fma(p, z, 2.4801587301164798e-05);
            p = L.Fma(p, z, -0.0013888888888888378);
            p = L.Fma(p, z, 0.041666666666666664);
        }
        else
        {
            p = L.C(2.4431285055470653e-05);
            p = L.Fma(p, z, -0.0013887303648516536);
            p = L.Fma(p, z, 0.04166664555668831);
        }

        return L.Fma(z, L.Fma(z, p, -0.5), One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F TanReduced(F r)
    {
        // (tan r - r) / r^3 over r^2, relative error of the tangent 2^-29.3 (2^-59.7)
        F z = L.Mul(r, r);
        F p;
        if (L.Wide)
        {
            p = L.C(9.823051401060661e-06);
            p = L.Fma(p, z, -2.4394598177046098e-05);
            p = L.Fma(p, z, 4.8907940397211814e-05);
            p = L.Fma(p, z, -2.5997253237599512e-05);
            p = L.Fma(p, z, 6.754247019286664e-05);
            p = L.Fma(p, z, 8.336231721931738e-05);
            p = L.Fma(p, z, 0.00024383712366167517);
            p = L.Fma(p, z, 0.0005888374324063958);
            p = L.Fma(p, z, 0.0014560517076775915);
            p = L.Fma(p, z, 0.0035920998927852486);
            p = L.Fma(p, z, 0.008863238031029407);
            p = L.Fma(p, z, 0.02186948839153778);
            p = L.Fma(p, z, 0.05396825397323649);
            p = L.Fma(p, z, 0.13333333333324612);
            p = L.Fma(p, z, 0.33333333333333387);
        }
        else
        {
            p = L.C(0.004424475133419037);
            p = L.Fma(p, z, -1.3502482943295036e-05);
            p = L.Fma(p, z, 0.010922250337898731);
            p = L.Fma(p, z, 0.021246332675218582);
            p = L.Fma(p, z, 0.05406749248504639);
            p = L.Fma(p, z, 0.13332588970661163);
            p = L.Fma(p, z, 0.3333335220813751);
        }

        return L.Fma(L.Mul(z, r), p, r);
    }
}
