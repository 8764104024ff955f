using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// Reduction of large arguments modulo pi / 2 with as many bits of 2 / pi as the argument's exponent asks for (M. H. Payne and
/// R. N. Hanek, Radian reduction for trigonometric functions, 1983). Exact to rounding over the whole range of either format.
/// </summary>
internal static class PayneHanek
{
    private const double HalfPi = 1.5707963267948966;

    /// <summary>For a at least 1: r = a - n pi / 2 with |r| at most pi / 4, and n modulo 4. NaN for what is not finite.</summary>
    public static void Reduce(float a, out float r, out int quadrant)
    {
        int bits = BitConverter.SingleToInt32Bits(a);
        int exponent = (bits >> 23) - 150;
        ulong mantissa = (uint)((bits & 0x7FFFFF) | 0x800000);

        // Bits of 2 / pi before this one only add multiples of 4 to the product.
        int first = exponent - 2;
        int word = first >> 6;
        int shift = first & 63;
        ulong b1 = TwoOverPi(word + 1);
        ulong upper = Joined(TwoOverPi(word), b1, shift);
        ulong lower = Joined(b1, TwoOverPi(word + 2), shift);
        ulong product = ((mantissa * (upper >> 32)) << 32) + (mantissa * (upper & 0xFFFFFFFF)) + ((mantissa * (lower >> 32)) >> 32);

        // Two bits of quadrant, then the fraction, which is taken to the nearest multiple.
        quadrant = (int)((product + (1UL << 61)) >> 62);
        long fraction = (long)(product << 2);
        r = (float)(fraction * (HalfPi / 18446744073709551616.0));
        if (exponent == 105) r = float.NaN;
    }

    /// <inheritdoc cref="Reduce(float, out float, out int)"/>
    public static void Reduce(double a, out double r, out long quadrant)
    {
        long bits = BitConverter.DoubleToInt64Bits(a);
        int exponent = (int)(bits >> 52) - 1075;
        ulong mantissa = (ulong)((bits & 0xFFFFFFFFFFFFF) | 0x10000000000000);

        int first = exponent - 2;
        int word = first >> 6;
        int shift = first & 63;
        ulong b1 = TwoOverPi(word + 1);
        ulong b2 = TwoOverPi(word + 2);
        ulong w0 = Joined(TwoOverPi(word), b1, shift);
        ulong w1 = Joined(b1, b2, shift);
        ulong w2 = Joined(b2, TwoOverPi(word + 3), shift);
        ulong middle = mantissa * w1;
        ulong low = middle + MultiplyHigh(mantissa, w2);
        ulong high = (mantissa * w0) + MultiplyHigh(mantissa, w1) + (low < middle ? 1UL : 0UL);

        quadrant = (long)((high + (1UL << 61)) >> 62);
        ulong fraction = (high << 2) | (low >> 62);
        ulong fractionLow = low << 2;
        bool negative = (long)fraction < 0;
        if (negative)
        {
            fractionLow = 0 - fractionLow;
            fraction = ~fraction + (fractionLow == 0 ? 1UL : 0UL);
        }

        // Arguments come so near to a multiple that the upper word can be nearly empty: drop its leading zeros, of which at most 61 are.
        int zeros = BitOperations.LeadingZeroCount(fraction | 1);
        fraction = zeros == 0 ? fraction : (fraction << zeros) | (fractionLow >> (64 - zeros));
        double scale = BitConverter.Int64BitsToDouble((long)(1024 - zeros) << 52) * (HalfPi / 18446744073709551616.0);

        // The shift makes room for a signed conversion.
        double magnitude = (double)(long)(fraction >> 1) * scale;
        r = negative ? -magnitude : magnitude;
        if (exponent == 972) r = double.NaN;
    }

    /// <summary>The 64 bits after the first <paramref name="shift"/> ones of two words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Joined(ulong upper, ulong lower, int shift) =>
        shift == 0 ? upper : (upper << shift) | (lower >> (64 - shift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyHigh(ulong a, ulong b)
    {
        ulong aLow = a & 0xFFFFFFFF;
        ulong aHigh = a >> 32;
        ulong bLow = b & 0xFFFFFFFF;
        ulong bHigh = b >> 32;
        ulong cross = (aHigh * bLow) + ((aLow * bLow) >> 32);
        ulong second = (aLow * bHigh) + (cross & 0xFFFFFFFF);
        return (aHigh * bHigh) + (cross >> 32) + (second >> 32);
    }

    /// <summary>64 bits of 2 / pi behind the point; zeros before the first and after the last that a double needs.</summary>
    private static ulong TwoOverPi(int word) => word switch
    {
        0 => 0xA2F9836E4E441529,
        1 => 0xFC2757D1F534DDC0,
        2 => 0xDB6295993C439041,
        3 => 0xFE5163ABDEBBC561,
        4 => 0xB7246E3A424DD2E0,
        5 => 0x06492EEA09D1921C,
        6 => 0xFE1DEB1CB129A73E,
        7 => 0xE88235F52EBB4484,
        8 => 0xE99C7026B45F7E41,
        9 => 0x3991D639835339F4,
        10 => 0x9C845F8BBDF9283B,
        11 => 0x1FF897FFDE05980F,
        12 => 0xEF2F118B5A0A6D1F,
        13 => 0x6D367ECF27CB09B7,
        14 => 0x4F463F669E5FEA2D,
        15 => 0x7527BAC7EBE5F17B,
        16 => 0x3D0739F78A5292EA,
        17 => 0x6BFB5FB11F8D5D08,
        18 => 0x56033046FC7B6BAB,
        19 => 0xF0CFBC209AF4361D,
        _ => 0,
    };
}
