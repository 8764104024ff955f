using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>The nearest integer, the even one of two that are as near; the sign of x stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Round(F x)
    {
        F a = L.Abs(x);
        F shift = L.C(8388608.0, 4503599627370496.0);
        F rounded = L.Sub(L.Add(a, shift), shift);
        return FlipSign(L.Select(L.Less(a, shift), rounded, a), SignOf(x));
    }

    /// <summary>The largest integer that is not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Floor(F x)
    {
        F rounded = Round(x);
        return WithSign(L.Select(L.Less(x, rounded), L.Sub(rounded, One), rounded), SignOf(x));
    }

    /// <summary>The smallest integer that is not below x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Ceil(F x)
    {
        F rounded = Round(x);
        return WithSign(L.Select(L.Less(rounded, x), L.Add(rounded, One), rounded), SignOf(x));
    }

    /// <summary>x without its fraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Trunc(F x) => WithSign(Floor(L.Abs(x)), SignOf(x));

    /// <summary>The magnitude of a with the sign of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Copysign(F a, F b) => WithSign(a, SignOf(b));

    /// <summary>sqrt(x^2 + y^2) without the overflow of the squares: infinite if one of them is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Hypot(F x, F y)
    {
        F a = L.Abs(x);
        F b = L.Abs(y);
        M less = L.Less(a, b);
        F larger = L.Select(less, b, a);
        F t = L.Div(L.Select(less, a, b), larger);
        F result = L.Mul(larger, L.Sqrt(L.Fma(t, t, 1)));
        result = L.Select(L.Equal(L.Add(a, b), 0), L.C(0), result);
        return L.Select(L.Either(L.Equal(a, Infinity), L.Equal(b, Infinity)), Infinity, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F WithSign(F a, I sign) => L.FromBits(L.Or(L.Bits(L.Abs(a)), sign));
}
