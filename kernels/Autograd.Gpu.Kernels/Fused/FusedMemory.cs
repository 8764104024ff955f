using System.Runtime.CompilerServices;
using ILGPU;

namespace Autograd.Gpu.Kernels.Fused;

/// <summary>
/// Elements of each dtype in memory, as the register that kernels compute in. The names end in the dtype's: generated code finds them by
/// it. Indices are long because ILGPU 1.5.3 takes a 32-bit one as unsigned, and strides may be negative.
/// </summary>
public static class FusedMemory
{
    /// <summary>Element <paramref name="index"/> of Bool elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool LoadBool(ArrayView<byte> view, long index) => view[index] != 0;

    /// <summary>Writes element <paramref name="index"/> of Bool elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBool(ArrayView<byte> view, long index, bool value) => view[index] = (byte)(value ? 1 : 0);

    /// <summary>Element <paramref name="index"/> of UInt8 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LoadUInt8(ArrayView<byte> view, long index) => view[index];

    /// <summary>Writes element <paramref name="index"/> of UInt8 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUInt8(ArrayView<byte> view, long index, int value) => view[index] = (byte)value;

    /// <summary>Element <paramref name="index"/> of Int32 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LoadInt32(ArrayView<byte> view, long index) => view.Cast<int>()[index];

    /// <summary>Writes element <paramref name="index"/> of Int32 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt32(ArrayView<byte> view, long index, int value) => view.Cast<int>()[index] = value;

    /// <summary>Element <paramref name="index"/> of Int64 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long LoadInt64(ArrayView<byte> view, long index) => view.Cast<long>()[index];

    /// <summary>Writes element <paramref name="index"/> of Int64 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInt64(ArrayView<byte> view, long index, long value) => view.Cast<long>()[index] = value;

    /// <summary>Element <paramref name="index"/> of Float16 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadFloat16(ArrayView<byte> view, long index) => HalfConversion.HalfToFloat(view.Cast<ushort>()[index]);

    /// <summary>Writes element <paramref name="index"/> of Float16 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFloat16(ArrayView<byte> view, long index, float value) => view.Cast<ushort>()[index] = HalfConversion.FloatToHalf(value);

    /// <summary>Element <paramref name="index"/> of BFloat16 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadBFloat16(ArrayView<byte> view, long index) => HalfConversion.BFloat16ToFloat(view.Cast<ushort>()[index]);

    /// <summary>Writes element <paramref name="index"/> of BFloat16 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(ArrayView<byte> view, long index, float value) => view.Cast<ushort>()[index] = HalfConversion.FloatToBFloat16(value);

    /// <summary>Element <paramref name="index"/> of Float32 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadFloat32(ArrayView<byte> view, long index) => view.Cast<float>()[index];

    /// <summary>Writes element <paramref name="index"/> of Float32 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFloat32(ArrayView<byte> view, long index, float value) => view.Cast<float>()[index] = value;

    /// <summary>Element <paramref name="index"/> of Float64 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double LoadFloat64(ArrayView<byte> view, long index) => view.Cast<double>()[index];

    /// <summary>Writes element <paramref name="index"/> of Float64 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFloat64(ArrayView<byte> view, long index, double value) => view.Cast<double>()[index] = value;

    /// <summary>A constant of a bool program.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool BoolOf(long bits) => bits != 0;

    /// <summary>A constant of an int32 program.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Int32Of(long bits) => (int)bits;

    /// <summary>A constant of an int64 program.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Int64Of(long bits) => bits;

    /// <summary>A constant of a float32 program, whose bits are the lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Float32Of(long bits) => Interop.IntAsFloat((uint)bits);

    /// <summary>A constant of a float64 program.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Float64Of(long bits) => Interop.IntAsFloat((ulong)bits);

    /// <summary>1 for true, 0 for false, as code that ILGPU does not take for a bool.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int BoolToInt32(bool value) => value ? 1 : 0;
}
