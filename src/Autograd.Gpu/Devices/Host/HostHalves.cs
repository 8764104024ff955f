using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Devices.Host;

/// <summary>16-bit numbers as floats, exactly.</summary>
internal static unsafe class HostHalves
{
    public static void WidenBFloat16(ushort* from, float* to, int count)
    {
        int i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(from + i), out var low, out var high);
            Vector.Store(Vector.AsVectorSingle(low << 16), to + i);
            Vector.Store(Vector.AsVectorSingle(high << 16), to + i + Vector<float>.Count);
        }

        for (; i < count; i++)
        {
            to[i] = HalfConversion.BFloat16ToFloat(from[i]);
        }
    }

    public static void WidenFloat16(ushort* from, float* to, int count)
    {
        int i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(from + i), out var low, out var high);
            Vector.Store(Float16ToSingle(low), to + i);
            Vector.Store(Float16ToSingle(high), to + i + Vector<float>.Count);
        }

        for (; i < count; i++)
        {
            to[i] = HalfConversion.HalfToFloat(from[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Float16ToSingle(Vector<uint> bits)
    {
        var sign = (bits & new Vector<uint>(0x8000)) << 16;
        var magnitude = (bits & new Vector<uint>(0x7FFF)) << 13;

        // 2^112 moves the exponent to where binary32 has it, and makes subnormal numbers normal; infinity and nan keep their bits.
        var finite = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) * new Vector<float>(5.192296858534828e+33f));
        var special = magnitude | new Vector<uint>(0x7F800000);
        var isSpecial = Vector.GreaterThanOrEqual(magnitude, new Vector<uint>(0x7C00 << 13));
        return Vector.AsVectorSingle(sign | Vector.ConditionalSelect(isSpecial, special, finite));
    }
}
