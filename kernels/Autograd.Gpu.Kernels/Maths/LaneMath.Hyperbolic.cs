using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>The hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Sinh(F x)
    {
        F a = L.Abs(x);
        F half = HalfExp(a, out F m);
        M small = L.Less(a, One);
        // With m = e^a - 1: (m + m / (m + 1)) / 2, and where nothing cancels e^a / 2 - 1 / (2 e^a).
        F quotient = L.Div(L.Select(small, m, L.C(-0.25)), L.Select(small, L.Add(m, One), half));
        F result = L.Add(L.Select(small, L.Mul(m, 0.5), half), L.Select(small, L.Mul(quotient, 0.5), quotient));
        return FlipSign(L.Select(L.Less(a, L.C(2e-4, 1e-8)), a, result), SignOf(x));
    }

    /// <summary>The hyperbolic cosine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Cosh(F x)
    {
        F half = HalfExp(L.Abs(x), out _);
        return L.Add(half, L.Div(L.C(0.25), half));
    }

    /// <summary>The inverse of the hyperbolic sine, ln(x + sqrt(x^2 + 1)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Asinh(F x)
    {
        F a = L.Abs(x);
        F square = L.Mul(a, a);
        F small = Log1p(L.Add(a, L.Div(square, L.Add(One, L.Sqrt(L.Add(square, One))))));
        F large = LogOfTwice(a);
        return FlipSign(L.Select(L.Less(a, L.C(1e4, 1e9)), small, large), SignOf(x));
    }

    /// <summary>The inverse of the hyperbolic cosine, ln(x + sqrt(x^2 - 1)): NaN below 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Acosh(F x)
    {
        F t = L.Sub(x, One);
        F small = Log1p(L.Add(t, L.Sqrt(L.Mul(t, L.Add(t, L.C(2))))));
        F result = L.Select(L.Less(x, L.C(1e4, 1e9)), small, LogOfTwice(x));
        return L.Select(L.Less(x, One), L.C(double.NaN), result);
    }

    /// <summary>The inverse of the hyperbolic tangent, ln((1 + x) / (1 - x)) / 2: infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Atanh(F x)
    {
        F a = L.Abs(x);
        F result = Log1p(L.Div(L.Add(a, a), L.Sub(One, a)));
        return FlipSign(L.Mul(result, 0.5), SignOf(x));
    }

    /// <summary>ln(1 + e^x), max(x, 0) + ln(1 + e^-|x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Softplus(F x)
    {
        F tail = Log1p(Exp(L.FromBits(L.Or(L.Bits(x), SignBit))));
        return L.Add(L.Select(L.Less(x, 0), L.C(0), x), tail);
    }

    /// <summary>ln(e^a + e^b), max(a, b) + ln(1 + e^-|a - b|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F LogAddExp(F a, F b)
    {
        // Equal infinities have no difference.
        F difference = L.Select(L.Equal(a, b), L.C(0), L.Abs(L.Sub(a, b)));
        return L.Add(L.Select(L.Less(a, b), b, a), Log1p(Exp(L.Neg(difference))));
    }

    /// <summary>e^a / 2 for a not negative, where e^a may overflow; and for a below 1 e^a - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F HalfExp(F a, out F m)
    {
        F n = RoundedMultiple(L.Clamp(a, L.C(0), L.C(90.0, 711.0)), out F r);
        F q = ExpM1ReducedPrecise(r);
        F scale = PowerOfTwo(L.Add(n, RoundingShift));
        m = L.Fma(scale, q, L.Sub(scale, One));
        return L.Scale(L.Add(One, q), L.Sub(n, One));
    }

    /// <summary>ln(2 x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F LogOfTwice(F x) => L.Add(Log(x), L.C(0.6931471805599453));
}
