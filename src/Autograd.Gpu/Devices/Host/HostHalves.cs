using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Devices.Host;

/// <summary>16-bit numbers as floats and back, a vector at a time, with the bits of <see cref="HalfConversion"/>.</summary>
internal static unsafe class HostHalves
{
    public static void WidenBFloat16(ushort* from, float* to, int count)
    {
        int i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(from + i), out var low, out var high);
            Vector.Store(WidenBFloat16(low), to + i);
            Vector.Store(WidenBFloat16(high), to + i + Vector<float>.Count);
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
            Vector.Store(WidenFloat16(low), to + i);
            Vector.Store(WidenFloat16(high), to + i + Vector<float>.Count);
        }

        for (; i < count; i++)
        {
            to[i] = HalfConversion.HalfToFloat(from[i]);
        }
    }

    /// <summary>As many 16-bit numbers as a vector has floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> Load(ushort* p)
    {
        if (Vector<uint>.Count == 4)
        {
            return Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(p)).AsUInt16()).AsVector();
        }

        if (Vector<uint>.Count == 8)
        {
            return Vector256.WidenLower(Vector128.Load(p).ToVector256Unsafe()).AsVector();
        }

        return Vector512.WidenLower(Vector256.Load(p).ToVector512Unsafe()).AsVector();
    }

    /// <summary>The lower halves of a vector's numbers to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<uint> v, ushort* p)
    {
        if (Vector<uint>.Count == 4)
        {
            var narrow = v.AsVector128();
            Unsafe.WriteUnaligned(p, Vector128.Narrow(narrow, narrow).AsUInt64().ToScalar());
        }
        else if (Vector<uint>.Count == 8)
        {
            var wide = v.AsVector256();
            Vector128.Narrow(wide.GetLower(), wide.GetUpper()).Store(p);
        }
        else
        {
            var wide = v.AsVector512();
            Vector256.Narrow(wide.GetLower(), wide.GetUpper()).Store(p);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> WidenBFloat16(Vector<uint> bits) => Vector.AsVectorSingle(bits << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> WidenFloat16(Vector<uint> bits)
    {
        // Sign, exponent and fraction where binary32 has them, but for the exponent's bias: 2^112 is the difference, for subnormal numbers too.
        var placed = ((bits << 16) & new Vector<uint>(0x80000000)) | ((bits << 13) & new Vector<uint>(0x0FFFE000));
        var v = Vector.AsVectorSingle(placed) * new Vector<float>(5.192296858534828e+33f);

        // Infinity and nan have become 65536 and more, with the fraction that they had.
        var isSpecial = Vector.GreaterThanOrEqual(Vector.Abs(v), new Vector<float>(65536f));
        return Vector.AsVectorSingle(Vector.AsVectorInt32(v) | (isSpecial & new Vector<int>(0x7F800000)));
    }

    /// <summary>The bits of the nearest bfloat16 of each number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> NarrowBFloat16(Vector<float> v)
    {
        var bits = Vector.AsVectorUInt32(v);
        var upper = bits >>> 16;
        var rounded = (bits + new Vector<uint>(0x7FFF) + (upper & Vector<uint>.One)) >>> 16;
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(v, v)), rounded, upper | new Vector<uint>(0x40));
    }

    /// <summary>The bits of the nearest binary16 of each number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<uint> NarrowFloat16(Vector<float> v)
    {
        // Signed, for which processors have comparisons; a magnitude is not negative.
        var bits = Vector.AsVectorInt32(v);
        var magnitude = bits & new Vector<int>(0x7FFFFFFF);
        var shifted = magnitude >> 13;
        var normal = (magnitude - new Vector<int>(0x38000000 - 0xFFF) + (shifted & Vector<int>.One)) >> 13;

        // Below 2^-14 the format's unit is that of floats from 0.5 up: the sum rounds to it.
        var small = Vector.AsVectorInt32(Vector.AsVectorSingle(magnitude) + new Vector<float>(0.5f)) - new Vector<int>(0x3F000000);
        var result = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<int>(0x38800000)), small, normal);
        var special = Vector.ConditionalSelect(
            Vector.GreaterThan(magnitude, new Vector<int>(0x7F800000)), new Vector<int>(0x7E00) | (shifted & new Vector<int>(0x3FF)), new Vector<int>(0x7C00));
        result = Vector.ConditionalSelect(Vector.LessThan(magnitude, new Vector<int>(0x47800000)), result, special);
        return Vector.AsVectorUInt32(result | ((bits >>> 16) & new Vector<int>(0x8000)));
    }
}
