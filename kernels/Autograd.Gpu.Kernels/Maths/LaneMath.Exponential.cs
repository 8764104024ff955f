using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    // Beyond these, exp is zero or infinite after rounding.
    private static F ExpLow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(-104.0, -746.0);
    }

    private static F ExpHigh
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(89.0, 710.0);
    }

    /// <summary>e^x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Exp(F x)
    {
        x = L.Clamp(x, ExpLow, ExpHigh);
        F n = RoundedMultiple(x, out F r);
        return L.Scale(L.Add(One, ExpM1Reduced(r)), n);
    }

    /// <summary>e^(x + low), where x was clamped and low is much smaller than x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ExpTwoWords(F x, F low)
    {
        F n = RoundedMultiple(x, out F r);
        return L.Scale(L.Add(One, ExpM1Reduced(L.Add(r, low))), n);
    }

    /// <summary>e^x - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Expm1(F x)
    {
        F n = RoundedMultiple(L.Clamp(x, L.C(-30.0, -50.0), ExpHigh), out F r);
        F q = ExpM1ReducedPrecise(r);
        // Halved, since 2^128 (2^1024) is no number.
        F half = PowerOfTwo(L.Add(L.Sub(n, One), RoundingShift));
        F result = L.Fma(half, q, L.Sub(half, L.C(0.5)));
        return L.Select(L.Less(L.Abs(x), L.C(2e-8, 1e-16)), x, L.Add(result, result));
    }

    /// <summary>tanh x = m / (m + 2) with m = e^(2x) - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Tanh(F x)
    {
        F a = L.Clamp(L.Abs(x), L.C(0), L.C(10.0, 20.0));
        F n = RoundedMultiple(L.Add(a, a), out F r);
        F scale = PowerOfTwo(L.Add(n, RoundingShift));
        F m = L.Fma(scale, ExpM1ReducedPrecise(r), L.Sub(scale, One));
        F result = FlipSign(L.Div(m, L.Add(m, L.C(2))), SignOf(x));
        return L.Select(L.Less(a, L.C(2e-4, 1e-8)), x, result);
    }

    /// <summary>1 / (1 + e^-x), as e^x / (1 + e^x) for x below zero, where the quotient can be small.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Sigmoid(F x)
    {
        F e = Exp(L.FromBits(L.Or(L.Bits(x), SignBit)));
        return L.Div(L.Select(L.Less(x, 0), e, One), L.Add(One, e));
    }

    /// <summary>n = round(x / ln 2) and r = x - n ln 2, where the first step of the subtraction is exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F RoundedMultiple(F x, out F r)
    {
        F n = L.Sub(L.Fma(x, L.C(1.4426950408889634), RoundingShift), RoundingShift);
        r = L.Fma(n, L.C(-0.6931471824645996, -0.6931471805599453), x);
        r = L.Fma(n, L.C(1.9046542121259336e-09, -2.3190468138462996e-17), r);
        return n;
    }

    /// <summary>e^r - 1 for |r| at most ln(2) / 2, enough for 1 to be added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ExpM1Reduced(F r)
    {
        if (L.Wide) return ExpM1ReducedPrecise(r);

        // (e^r - 1 - r) / r^2, absolute error of r^2 p 2^-28.2
        F p = L.C(0.001393582089804113);
        p = L.Fma(p, r, 0.00836897175759077);
        p = L.Fma(p, r, 0.04166645556688309);
        p = L.Fma(p, r, 0.166665181517601);
        p = L.Fma(p, r, 0.5);
        return L.Fma(L.Mul(r, r), p, r);
    }

    /// <summary>e^r - 1 for |r| at most ln(2) / 2, with a relative error bound.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ExpM1ReducedPrecise(F r)
    {
        // (e^r - 1 - r) / r^2, relative error of r p 2^-31.1 (2^-61.7)
        F p;
        if (L.Wide)
        {
            p = L.C(2.091998342421418e-09);
            p = L.Fma(p, r, 2.51091722344983e-08);
            p = L.Fma(p, r, 2.7557257862308655e-07);
            p = L.Fma(p, r, 2.7557243800252827e-06);
            p = L.Fma(p, r, 2.4801587341828678e-05);
            p = L.Fma(p, r, 0.00019841269886560522);
            p = L.Fma(p, r, 0.0013888888888877093);
            p = L.Fma(p, r, 0.008333333333321443);
            p = L.Fma(p, r, 0.04166666666666668);
            p = L.Fma(p, r, 0.16666666666666677);
        }
        else
        {
            p = L.C(0.00019944252562709153);
            p = L.Fma(p, r, 0.0013932688161730766);
            p = L.Fma(p, r, 0.008333208039402962);
            p = L.Fma(p, r, 0.04166648909449577);
            p = L.Fma(p, r, 0.1666666716337204);
        }

        p = L.Fma(p, r, 0.5);
        return L.Fma(L.Mul(r, r), p, r);
    }
}
