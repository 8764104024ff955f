using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>What generated loops over 512-bit vectors call.</summary>
internal static unsafe class HostWide
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Lower<T>(Vector512<T> v) => v.GetLower().AsVector();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Upper<T>(Vector512<T> v) => v.GetUpper().AsVector();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Join<T>(Vector<T> lower, Vector<T> upper) => Vector512.Create(lower.AsVector256(), upper.AsVector256());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream<T>(byte* p, Vector512<T> v) where T : unmanaged => v.StoreAlignedNonTemporal((T*)p);

    /// <summary>A mask of sixteen bools.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LoadBool(byte* p)
    {
        var bytes = Vector128.Load(p);
        var words = Vector256.Create(Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
        return -Vector512.Create(Vector256.WidenLower(words), Vector256.WidenUpper(words)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBool(byte* p, Vector512<int> mask)
    {
        var words = Vector256.Narrow(mask.GetLower(), mask.GetUpper());
        (Vector128.Narrow(words.GetLower(), words.GetUpper()).AsByte() & Vector128<byte>.One).Store(p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFloat16(byte* p) =>
        Join(HostHalves.WidenFloat16(HostHalves.Load((ushort*)p)), HostHalves.WidenFloat16(HostHalves.Load((ushort*)p + Vector<float>.Count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBFloat16(byte* p) =>
        Join(HostHalves.WidenBFloat16(HostHalves.Load((ushort*)p)), HostHalves.WidenBFloat16(HostHalves.Load((ushort*)p + Vector<float>.Count)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFloat16(byte* p, Vector512<float> v)
    {
        HostHalves.Store(HostHalves.NarrowFloat16(Lower(v)), (ushort*)p);
        HostHalves.Store(HostHalves.NarrowFloat16(Upper(v)), (ushort*)p + Vector<float>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(byte* p, Vector512<float> v)
    {
        HostHalves.Store(HostHalves.NarrowBFloat16(Lower(v)), (ushort*)p);
        HostHalves.Store(HostHalves.NarrowBFloat16(Upper(v)), (ushort*)p + Vector<float>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> RoundToFloat16(Vector512<float> v) =>
        Join(HostHalves.WidenFloat16(HostHalves.NarrowFloat16(Lower(v))), HostHalves.WidenFloat16(HostHalves.NarrowFloat16(Upper(v))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> RoundToBFloat16(Vector512<float> v) =>
        Join(HostHalves.WidenBFloat16(HostHalves.NarrowBFloat16(Lower(v))), HostHalves.WidenBFloat16(HostHalves.NarrowBFloat16(Upper(v))));
}
