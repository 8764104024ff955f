using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>The natural logarithm: -infinity for zero, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Log(F x)
    {
        F n = Decompose(x, out F f);
        F result = LogNear1(f, n);
        result = L.Select(L.Less(x, Infinity), result, x);
        result = L.Select(L.Equal(x, 0), L.Neg(Infinity), result);
        return L.Select(L.Less(x, 0), L.C(double.NaN), result);
    }

    /// <summary>ln(1 + x), exact to rounding for small x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Log1p(F x)
    {
        F u = L.Add(One, x);
        I biased = BiasedExponent(L.Bits(u));
        // f = (1 + x) / 2^n - 1 from x itself, with 2^(2 - n), which is a normal number for every n.
        F quadruple = L.FromBits(L.ToExponent(L.Minus(L.N(256, 2048), biased)));
        F f = L.Fma(quadruple, L.Mul(x, 0.25), L.Fma(quadruple, L.C(0.25), -1));
        F result = LogNear1(f, ToFloating(biased));
        result = L.Select(L.Less(u, Infinity), result, u);
        result = L.Select(L.Equal(u, 0), L.Neg(Infinity), result);
        result = L.Select(L.Less(u, 0), L.C(double.NaN), result);
        return L.Select(L.Less(L.Abs(x), L.C(2e-8, 1e-16)), x, result);
    }

    /// <summary>For x = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt(2): n, and f exactly. For positive finite x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Decompose(F x, out F f)
    {
        M subnormal = L.Less(x, MinNormal);
        F n = DecomposeNormal(L.Select(subnormal, L.Mul(x, L.C(8388608.0, 4503599627370496.0)), x), out f);
        return L.Sub(n, L.Select(subnormal, L.C(23.0, 52.0), L.C(0)));
    }

    /// <summary>The same for x that is not subnormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F DecomposeNormal(F x, out F f)
    {
        I bits = L.Bits(x);
        I biased = BiasedExponent(bits);
        f = L.Sub(L.FromBits(L.Minus(bits, L.ToExponent(L.Minus(biased, ExponentBias)))), One);
        return ToFloating(biased);
    }

    /// <summary>The smallest number that is not subnormal.</summary>
    public static F MinNormal
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(1.1754943508222875e-38, 2.2250738585072014e-308);
    }

    /// <summary>The biased exponent n for which the number is 2^n times something from sqrt(1/2) to sqrt(2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static I BiasedExponent(I bits) =>
        L.FromExponent(L.Plus(bits, L.N(0x3F800000 - 0x3F3504F3, 0x3FF0000000000000 - 0x3FE6A09E667F3BCD)));

    /// <summary>The exponent without its bias, by way of the low bits of 2^23 (2^52).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ToFloating(I biased) =>
        L.Sub(L.FromBits(L.Or(biased, L.N(0x4B000000, 0x4330000000000000))), L.C(8388608.0 + 127, 4503599627370496.0 + 1023));

    /// <summary>n ln 2 + ln(1 + f).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F LogNear1(F f, F n)
    {
        F high = L.C(0.693145751953125, 0.6931471805592082);
        F low = L.C(1.428606765330187e-06, 7.371002565167799e-13);
        if (L.Wide)
        {
            // ln(1 + f) = f - (h - s (h + z p)) with h = f^2 / 2, s = f / (2 + f), z = s^2 and p = (2 artanh(s) - 2 s) / s^3 (2^-65.6)
            F s = L.Div(f, L.Add(L.C(2), f));
            F z = L.Mul(s, s);
            F p = L.C(0.13235449287765894);
            p = L.Fma(p, z, 0.13252076345879202);
            p = L.Fma(p, z, 0.15386991895994262);
            p = L.Fma(p, z, 0.18181778290313277);
            p = L.Fma(p, z, 0.22222222607696296);
            p = L.Fma(p, z, 0.2857142856940717);
            p = L.Fma(p, z, 0.4000000000000493);
            p = L.Fma(p, z, 0.6666666666666666);
            F half = L.Mul(L.Mul(L.C(0.5), f), f);
            F tail = L.Fma(s, L.Fma(z, p, half), L.Mul(n, low));
            return L.Fma(n, high, L.Sub(f, L.Sub(half, tail)));
        }
        else
        {
            // (ln(1 + f) - f + f^2 / 2) / f^3, error of f^2 p 2^-30.3
            F p = L.C(0.06916038691997528);
            p = L.Fma(p, f, -0.11790329962968826);
            p = L.Fma(p, f, 0.1187293604016304);
            p = L.Fma(p, f, -0.12384291738271713);
            p = L.Fma(p, f, 0.14218670129776);
            p = L.Fma(p, f, -0.16669252514839172);
            p = L.Fma(p, f, 0.20002225041389465);
            p = L.Fma(p, f, -0.24999986588954926);
            p = L.Fma(p, f, 0.3333331048488617);
            p = L.Fma(p, f, -0.5);
            F tail = L.Fma(L.Mul(f, f), p, L.Mul(n, low));
            return L.Fma(n, high, L.Add(f, tail));
        }
    }
}
