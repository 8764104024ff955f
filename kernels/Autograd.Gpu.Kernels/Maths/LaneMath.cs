using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// The elementary functions, written once for every lane: scalar or vector, binary32 or binary64. Free of branches but for arguments
/// of the trigonometric functions that are too large for the quick reduction.
/// </summary>
/// <remarks>
/// Polynomials are minimax fits (Lawson's algorithm in 70 digits, coefficients rounded one after the other from the lowest) of the
/// expression that the comment beside them names. Reductions follow W. J. Cody and W. Waite, Software Manual for the Elementary
/// Functions, 1980; sums and products in two words T. J. Dekker, A floating-point technique for extending the available
/// precision, 1971.
/// </remarks>
internal static partial class LaneMath<L, F, I, M>
    where L : struct, ILane<F, I, M>
{
    /// <summary>1.5 * 2^23 or 1.5 * 2^52: adding it rounds to an integer, which the low bits of the sum then hold.</summary>
    private static F RoundingShift
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(12582912.0, 6755399441055744.0);
    }

    private static I SignBit
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.N(int.MinValue, long.MinValue);
    }

    private static I ExponentBias
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.N(127, 1023);
    }

    private static F Infinity
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(double.PositiveInfinity);
    }

    private static F One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.C(1);
    }

    /// <summary>2^n for n in the range of the exponent, where <paramref name="shifted"/> is n + <see cref="RoundingShift"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F PowerOfTwo(F shifted) => L.FromBits(L.Plus(L.ToExponent(L.Bits(shifted)), L.Bits(One)));

    /// <summary>p * 2^n in two steps, the first of which is exact: <c>L.Scale</c> where there is no instruction for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F ScaleInTwo(F p, F n)
    {
        F half = L.Fma(n, L.C(0.5), RoundingShift);
        F rest = L.Add(L.Sub(n, L.Sub(half, RoundingShift)), RoundingShift);
        return L.Mul(L.Mul(p, PowerOfTwo(half)), PowerOfTwo(rest));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F FlipSign(F a, I sign) => L.FromBits(L.Xor(L.Bits(a), sign));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static I SignOf(F a) => L.And(L.Bits(a), SignBit);

    /// <summary>1 / sqrt(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Rsqrt(F x) => L.Div(One, L.Sqrt(x));
}
