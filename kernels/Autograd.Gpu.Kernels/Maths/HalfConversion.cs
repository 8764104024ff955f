namespace Autograd.Gpu.Kernels;

/// <summary>
/// The 16-bit formats, as their bits, to and from float, on the device and the host. Rounding is to nearest, ties to even; NaN stays NaN.
/// </summary>
public static class HalfConversion
{
    /// <summary>The value of a bfloat16, which is the upper half of a float. Exact.</summary>
    public static float BFloat16ToFloat(ushort bits) => BitConverter.Int32BitsToSingle(bits << 16);

    /// <summary>The nearest bfloat16.</summary>
    public static ushort FloatToBFloat16(float value)
    {
        uint bits = (uint)BitConverter.SingleToInt32Bits(value);
        // Rounding could carry a NaN over into infinity, so that gets its quiet bit set instead.
        uint rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : rounded);
    }

    /// <summary>The value of a binary16 (System.Half, PyTorch's float16). Exact.</summary>
    public static float HalfToFloat(ushort bits)
    {
        int magnitude = (bits & 0x7FFF) << 13;
        // The product moves the exponent's bias from 15 to 127, for subnormal numbers too.
        float finite = BitConverter.Int32BitsToSingle(magnitude) * 5.192296858534828e33f;
        int special = magnitude | 0x7F800000;
        int unsigned = (bits & 0x7C00) == 0x7C00 ? special : BitConverter.SingleToInt32Bits(finite);
        return BitConverter.Int32BitsToSingle(unsigned | ((bits & 0x8000) << 16));
    }

    /// <summary>The nearest binary16; infinity from 65520 up.</summary>
    public static ushort FloatToHalf(float value)
    {
        uint bits = (uint)BitConverter.SingleToInt32Bits(value);
        uint magnitude = bits & 0x7FFFFFFF;
        uint result;
        if (magnitude > 0x7F800000)
        {
            result = 0x7E00 | ((magnitude >> 13) & 0x3FF);
        }
        else if (magnitude >= 0x47800000)
        {
            result = 0x7C00;
        }
        else if (magnitude < 0x38800000)
        {
            // Below 2^-14 the format's unit is that of floats from 0.5 up: the sum rounds to it.
            float sum = BitConverter.Int32BitsToSingle((int)magnitude) + 0.5f;
            result = (uint)(BitConverter.SingleToInt32Bits(sum) - 0x3F000000);
        }
        else
        {
            result = (magnitude - 0x38000000 + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
        }

        return (ushort)(result | ((bits >> 16) & 0x8000));
    }

    /// <summary><paramref name="value"/> rounded to binary16 and back.</summary>
    public static float RoundToHalf(float value) => HalfToFloat(FloatToHalf(value));

    /// <summary><paramref name="value"/> rounded to bfloat16 and back.</summary>
    public static float RoundToBFloat16(float value) => BFloat16ToFloat(FloatToBFloat16(value));
}
