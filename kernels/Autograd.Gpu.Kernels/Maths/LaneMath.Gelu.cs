using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>
    /// x times the standard normal distribution function: with a = |x| the difference of max(x, 0) and a times the function at -a. So the tail keeps its digits,
    /// and what is scaled down to a subnormal number is the whole product.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Gelu(F x)
    {
        F a = NormalArgument(x);
        NormalTail(a, out F product, out F divisor);
        F w = L.Div(product, divisor);
        F e = NormalDensityLess1(a, out F n);
        F tail = L.Scale(L.Fma(w, e, w), n);
        // A factor instead of a choice between two results: it keeps the sign of 0, and -infinity times 0 is NaN.
        return L.Fma(x, L.Select(L.Less(x, 0), L.C(0), One), L.Neg(tail));
    }

    /// <summary>The derivative of <see cref="Gelu"/>; its error near the zero, at -0.7518, counts against 1/4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F GeluSlope(F x)
    {
        F a = NormalArgument(x);
        F ratio = L.Div(NormalTail(a, out _, out F divisor), divisor);
        // The distribution function less a times the density, both over e^(-a^2 / 2).
        F w = L.Fma(a, L.C(-0.3989422804014327), ratio);
        F e = NormalDensityLess1(a, out F n);
        F tail = L.Scale(L.Fma(w, e, w), n);
        return L.Select(L.Less(x, 0), tail, L.Sub(One, tail));
    }

    /// <summary>|x|, not above where e^(-x^2 / 2) is zero after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F NormalArgument(F x) => L.AtMost(L.Abs(x), L.C(15.0, 39.0));

    /// <summary>e^(-a^2 / 2) as 2^n times 1 + the result, which is at most 0.42: a product with it is rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F NormalDensityLess1(F a, out F n)
    {
        n = L.Sub(L.Fma(L.Mul(a, a), L.C(-0.7213475204444817), RoundingShift), RoundingShift);
        // r = a^2 + 2 n ln 2, rounded once: the product of n and the first 16 (41) bits of 2 ln 2 is exact.
        F r = L.Fma(a, a, L.Mul(n, L.C(1.38629150390625, 1.3862943611202354)));
        r = L.Fma(n, L.C(2.857213530660374e-06, -3.447888905122967e-13), r);
        if (L.Wide) return ExpM1ReducedPrecise(L.Mul(r, -0.5));

        // (e^(-r / 2) - 1) / r, as in ExpM1Reduced
        F p = L.C(2.1774720153189264e-05);
        p = L.Fma(p, r, -0.0002615303674247116);
        p = L.Fma(p, r, 0.002604153472930193);
        p = L.Fma(p, r, -0.020833147689700127);
        p = L.Fma(p, r, 0.125);
        p = L.Fma(p, r, -0.5);
        return L.Mul(p, r);
    }

    /// <summary>
    /// The distribution function at -a over e^(-a^2 / 2) as a quotient; gives the dividend, a times it and the divisor. Far out the quotient is
    /// 1 / (sqrt(2 pi) a), so the divisor is sqrt(2 pi) a times the dividend and a rest that falls behind: what rounding did to the dividend cancels.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F NormalTail(F a, out F product, out F divisor)
    {
        // All terms are positive; error 2^-24.5 above subnormal results (2^-56.9)
        F p;
        F u;
        if (L.Wide)
        {
            p = L.C(2.878000310594409e-07);
            p = L.Fma(p, a, 8.629250517000646e-06);
            p = L.Fma(p, a, 0.00012776411051684287);
            p = L.Fma(p, a, 0.0012124968831570197);
            p = L.Fma(p, a, 0.00810159686335909);
            p = L.Fma(p, a, 0.03964508485466866);
            p = L.Fma(p, a, 0.14363560778668588);
            p = L.Fma(p, a, 0.38077759644333814);
            p = L.Fma(p, a, 0.7097138379184849);
            p = L.Fma(p, a, 0.8470301067106203);
            p = L.Fma(p, a, 0.5);
            u = L.C(7.214076952346928e-07);
            u = L.Fma(u, a, 2.1630323345827386e-05);
            u = L.Fma(u, a, 0.00031881431556966236);
            u = L.Fma(u, a, 0.0029960183723705537);
            u = L.Fma(u, a, 0.019674389860937187);
            u = L.Fma(u, a, 0.09351328010501926);
            u = L.Fma(u, a, 0.32257401526361157);
            u = L.Fma(u, a, 0.7845223226191809);
            u = L.Fma(u, a, 1.2386306369086064);
            u = L.Fma(u, a, 1);
        }
        else
        {
            // Scaled so that the leading roundings near 0 are those of numbers just below a power of two.
            p = L.C(0.0047433385625481606);
            p = L.Fma(p, a, 0.042374759912490845);
            p = L.Fma(p, a, 0.17764006555080414);
            p = L.Fma(p, a, 0.3989652395248413);
            p = L.Fma(p, a, 0.41999998688697815);
            u = L.C(0.011878501623868942);
            u = L.Fma(u, a, 0.10662335157394409);
            u = L.Fma(u, a, 0.4153710901737213);
            u = L.Fma(u, a, 0.8399999737739563);
        }

        product = L.Mul(a, p);
        divisor = L.Fma(product, L.C(2.5066282746310002), u);
        return p;
    }
}
