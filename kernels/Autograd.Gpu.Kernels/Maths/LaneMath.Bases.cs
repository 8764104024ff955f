using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>2^x, exact for integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Exp2(F x)
    {
        x = L.Clamp(x, L.C(-151.0, -1076.0), L.C(129.0, 1025.0));
        F n = L.Sub(L.Add(x, RoundingShift), RoundingShift);
        F r = L.Sub(x, n);
        return L.Scale(L.Add(One, ExpM1Reduced(L.Mul(r, 0.6931471805599453))), n);
    }

    /// <summary>The logarithm to base 2, exact for powers of two: -infinity for zero, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Log2(F x) => LogOfBase(x, L.C(1.4426950216293335, 1.4426950408889634), L.C(1.9259629911266175e-08, 2.0355273740931033e-17));

    /// <summary>The logarithm to base 10: -infinity for zero, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Log10(F x) => LogOfBase(x, L.C(0.4342944920063019, 0.4342944819032518), L.C(-1.0103050052231683e-08, 1.098319650216765e-17));

    /// <summary>ln x times a factor in two words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F LogOfBase(F x, F factor, F factorLow)
    {
        F high = LogTwoWords(Decompose(x, out F f), f, out F low);
        F product = L.Mul(high, factor);
        F rest = L.Fma(low, factor, L.Fma(high, factorLow, L.Fma(high, factor, L.Neg(product))));
        F result = L.Add(product, rest);
        result = L.Select(L.Less(x, Infinity), result, x);
        result = L.Select(L.Equal(x, 0), L.Neg(Infinity), result);
        return L.Select(L.Less(x, 0), L.C(double.NaN), result);
    }
}
