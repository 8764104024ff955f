using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>x / (1 + e^-x): NaN for -infinity. Below zero x e^x / (1 + e^x), where what is scaled down to a subnormal number is the whole product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Silu(F x)
    {
        F b = L.Neg(SiluArgument(x));
        F e = ExpInParts(b, out F p, out F n);
        // -infinity times 0 is NaN.
        F below = L.Fma(x, L.C(0), L.Scale(L.Mul(p, b), n));
        return L.Div(L.Select(L.Less(x, 0), below, x), L.Add(One, e));
    }

    /// <summary>
    /// The derivative of <see cref="Silu"/>: with a = |x| and e = e^-a it is e (1 + e - a) / (1 + e)^2 at -a, and at a what that lacks to 1. Its error near the zero,
    /// at -1.2785, counts against 1/8.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F SiluSlope(F x)
    {
        F a = SiluArgument(x);
        F e = ExpInParts(L.Neg(a), out F p, out F n);
        F above = L.Scale(L.Mul(p, L.Sub(L.Add(One, e), a)), n);
        F tail = L.Div(above, L.Fma(e, L.Add(e, L.C(2)), One));
        return L.Select(L.Less(x, 0), tail, L.Sub(One, tail));
    }

    /// <summary>|x|, not above where x e^-x is zero after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F SiluArgument(F x) => L.AtMost(L.Abs(x), L.C(110.0, 760.0));

    /// <summary>e^b, and the same as p 2^n, for b not above zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F ExpInParts(F b, out F p, out F n)
    {
        n = RoundedMultiple(b, out F r);
        p = L.Add(One, ExpM1Reduced(r));
        return L.Scale(p, n);
    }
}
