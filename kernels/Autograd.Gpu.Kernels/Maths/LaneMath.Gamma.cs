using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>
    /// ln |Gamma(x)|: infinite at 0 and the negative integers. For double lanes; a float's is that of the double. The error is relative above 0, and below
    /// it absolute near the zeros that lie between the poles.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Lgamma(F x)
    {
        F a = L.Abs(x);
        F positive = LgammaPositive(a);
        // Gamma(a) Gamma(-a) = -pi / (a sin(pi a))
        F mirrored = L.Sub(Log(L.Div(L.C(3.141592653589793), L.Mul(a, SinPi(a)))), positive);
        F result = L.Select(L.Less(x, 0), mirrored, positive);
        return L.Select(L.Either(L.Equal(positive, Infinity), L.Less(a, 1e-17)), positive, result);
    }

    /// <summary>The derivative of ln Gamma: infinite at 0, NaN at the negative integers. For double lanes; a float's is that of the double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Digamma(F x)
    {
        F a = L.Abs(x);
        M shifted = L.Less(a, 10);
        // psi(a) = psi(a + 10) - 1 / a - (1 / (a + 1) + ... + 1 / (a + 9)), the last as one quotient.
        F factor = L.Add(a, One);
        F numerator = One;
        F denominator = factor;
        for (int k = 2; k < 10; k++)
        {
            factor = L.Add(factor, One);
            numerator = L.Fma(numerator, factor, denominator);
            denominator = L.Mul(denominator, factor);
        }

        F v = L.Select(shifted, L.Add(a, L.C(10)), a);
        F inverse = L.Div(One, v);
        // The tail is the sum of B(2k) / (2k v^2k).
        F z = L.Mul(inverse, inverse);
        F p = L.C(0.08333333333333333);
        p = L.Fma(p, z, -0.021092796092796094);
        p = L.Fma(p, z, 0.007575757575757576);
        p = L.Fma(p, z, -0.004166666666666667);
        p = L.Fma(p, z, 0.003968253968253968);
        p = L.Fma(p, z, -0.008333333333333333);
        p = L.Fma(p, z, 0.08333333333333333);
        F result = L.Sub(Log(v), L.Fma(inverse, L.C(0.5), L.Mul(z, p)));
        F reciprocal = L.Div(One, a);
        // psi(a) + 1 / a, without the two that cancel for small a
        F next = L.Select(shifted, L.Sub(result, L.Div(numerator, denominator)), L.Add(result, reciprocal));
        result = L.Select(shifted, L.Sub(next, reciprocal), result);

        // psi(-a) = psi(a) + 1 / a + pi / tan(pi a)
        F r = L.Sub(a, Round(a));
        F mirrored = L.Add(next, L.Mul(CotPi(r), 3.141592653589793));
        mirrored = L.Select(L.Equal(r, 0), L.C(double.NaN), mirrored);
        result = L.Select(L.Less(x, 0), mirrored, result);
        return L.Select(L.Equal(x, 0), L.Div(L.C(-1), x), result);
    }

    /// <summary>ln Gamma(a) for a not negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F LgammaPositive(F a)
    {
        // Down to v from 1.5 to 2.5, with the product of the numbers on the way.
        F v = a;
        F product = One;
        for (int k = 0; k < 6; k++)
        {
            M above = L.Not(L.Less(v, 2.5));
            v = L.Select(above, L.Sub(v, One), v);
            product = L.Select(above, L.Mul(product, v), product);
        }

        M tiny = L.Less(a, 0.5);
        M low = L.Less(a, 1.5);
        M large = L.Not(L.Less(a, 8));
        F argument = L.Select(tiny, L.Fma(a, a, a), L.Select(low, a, product));
        argument = L.Select(large, a, argument);
        F log = Log(argument);

        // ln Gamma(2 + z) / z, relative error 2^-56.2
        F z = L.Select(tiny, a, L.Select(low, L.Sub(a, One), L.Sub(v, L.C(2))));
        F p = L.C(-8.184910188576439e-08);
        p = L.Fma(p, z, 2.7602393388940136e-07);
        p = L.Fma(p, z, -4.934502478339459e-07);
        p = L.Fma(p, z, 9.222552735530322e-07);
        p = L.Fma(p, z, -2.013123814894478e-06);
        p = L.Fma(p, z, 4.384067722165816e-06);
        p = L.Fma(p, z, -9.44712491747881e-06);
        p = L.Fma(p, z, 2.0505655242213153e-05);
        p = L.Fma(p, z, -4.4924968729052005e-05);
        p = L.Fma(p, z, 9.94576772388757e-05);
        p = L.Fma(p, z, -0.00022315488111249342);
        p = L.Fma(p, z, 0.0005096695141031188);
        p = L.Fma(p, z, -0.0011927539050187925);
        p = L.Fma(p, z, 0.002890510331134159);
        p = L.Fma(p, z, -0.00738555102885955);
        p = L.Fma(p, z, 0.020580808427777535);
        p = L.Fma(p, z, -0.067352301053196);
        p = L.Fma(p, z, 0.32246703342411326);
        p = L.Fma(p, z, 0.42278433509846713);
        F small = L.Fma(z, p, L.Select(low, L.Neg(log), log));

        // Stirling's series, the sum of B(2k) / (2k (2k - 1) a^(2k - 1)).
        F inverse = L.Div(One, a);
        z = L.Mul(inverse, inverse);
        p = L.C(-0.029550653594771242);
        p = L.Fma(p, z, 0.00641025641025641);
        p = L.Fma(p, z, -0.0019175269175269176);
        p = L.Fma(p, z, 0.0008417508417508417);
        p = L.Fma(p, z, -0.0005952380952380953);
        p = L.Fma(p, z, 0.0007936507936507937);
        p = L.Fma(p, z, -0.002777777777777778);
        p = L.Fma(p, z, 0.08333333333333333);
        // 0.4189... is ln(2 pi) / 2 - 1 / 2.
        F stirling = L.Fma(L.Sub(log, One), L.Sub(a, L.C(0.5)), L.Fma(p, inverse, 0.4189385332046727));
        return L.Select(large, stirling, small);
    }

    /// <summary>|sin(pi a)|.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F SinPi(F a)
    {
        F r = L.Abs(L.Sub(a, Round(a)));
        F near = SinReduced(L.Mul(r, 3.141592653589793));
        F far = CosReduced(L.Mul(L.Sub(L.C(0.5), r), 3.141592653589793));
        return L.Select(L.Less(r, 0.25), near, far);
    }

    /// <summary>1 / tan(pi r) for |r| at most 1/2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F CotPi(F r)
    {
        F magnitude = L.Abs(r);
        M near = L.Less(magnitude, 0.25);
        F t = TanReduced(L.Mul(L.Select(near, magnitude, L.Sub(L.C(0.5), magnitude)), 3.141592653589793));
        return FlipSign(L.Select(near, L.Div(One, t), t), SignOf(r));
    }
}
