using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// What generated vector loops call where memory and register differ: bools are bytes in memory and masks in registers, 16-bit and
/// 8-bit numbers widen, strided elements are gathered. The emitter finds the methods by name.
/// </summary>
internal static unsafe class HostVectors
{
    /// <summary>A store that passes the caches by; to an address aligned to the vector's size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream<T>(byte* p, Vector<T> v) where T : unmanaged => v.StoreAlignedNonTemporal((T*)p);

    /// <summary>Puts what was streamed before what is stored next.</summary>
    public static void EndStream()
    {
        if (Sse.IsSupported)
        {
            Sse.StoreFence();
        }
        else
        {
            Thread.MemoryBarrier();
        }
    }

    public static Vector<long> SequenceInt64(long start, long step) => new Vector<long>(start) + Vector<long>.Indices * step;

    public static Vector<int> SequenceInt32(long start, long step) => new Vector<int>((int)start) + Vector<int>.Indices * (int)step;

    public static Vector<int> BroadcastBool4(bool value) => new(value ? -1 : 0);

    public static Vector<long> BroadcastBool8(bool value) => new(value ? -1L : 0L);

    // Named methods: finding the constructor of a vector by reflection takes a quarter of a millisecond the first time.
    public static Vector<float> BroadcastFloat32(float value) => new(value);

    public static Vector<double> BroadcastFloat64(double value) => new(value);

    public static Vector<int> BroadcastInt32(int value) => new(value);

    public static Vector<long> BroadcastInt64(long value) => new(value);

    public static Vector<int> LoadBool4(byte* p)
    {
        if (Vector<int>.Count != 8)
        {
            return GatherBool4(p, 1);
        }

        var words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(p)).AsByte());
        return -Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32().AsVector();
    }

    public static Vector<long> LoadBool8(byte* p) => GatherBool8(p, 1);

    public static Vector<int> LoadUInt8(byte* p) => GatherUInt8(p, 1);

    // Conversions of half types are calls, here: inlined at each load and store they would take the JIT as long as the function. Wide loops have them inlined.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> LoadFloat16(byte* p) => HostHalves.WidenFloat16(HostHalves.Load((ushort*)p));

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> LoadBFloat16(byte* p) => HostHalves.WidenBFloat16(HostHalves.Load((ushort*)p));

    public static Vector<int> GatherBool4(byte* p, long stride)
    {
        Unsafe.SkipInit(out Vector<int> v);
        for (int i = 0; i < Vector<int>.Count; i++)
        {
            Set(ref v, i, -p[i * stride]);
        }

        return v;
    }

    public static Vector<long> GatherBool8(byte* p, long stride)
    {
        Unsafe.SkipInit(out Vector<long> v);
        for (int i = 0; i < Vector<long>.Count; i++)
        {
            Set(ref v, i, -(long)p[i * stride]);
        }

        return v;
    }

    public static Vector<int> GatherUInt8(byte* p, long stride)
    {
        Unsafe.SkipInit(out Vector<int> v);
        for (int i = 0; i < Vector<int>.Count; i++)
        {
            Set(ref v, i, p[i * stride]);
        }

        return v;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> GatherFloat16(byte* p, long stride) => HostHalves.WidenFloat16(Gather16(p, stride));

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> GatherBFloat16(byte* p, long stride) => HostHalves.WidenBFloat16(Gather16(p, stride));

    public static Vector<int> GatherInt32(byte* p, long stride) => Gather<int>(p, stride);

    public static Vector<long> GatherInt64(byte* p, long stride) => Gather<long>(p, stride);

    public static Vector<float> GatherFloat32(byte* p, long stride) => Gather<float>(p, stride);

    public static Vector<double> GatherFloat64(byte* p, long stride) => Gather<double>(p, stride);

    public static void StoreBool4(byte* p, Vector<int> v)
    {
        if (Vector<int>.Count != 8)
        {
            ScatterBool4(p, 1, v);
            return;
        }

        var mask = v.AsVector256();
        var words = Vector128.Narrow(mask.GetLower(), mask.GetUpper());
        var bytes = Vector128.Narrow(words, words).AsByte() & Vector128<byte>.One;
        Unsafe.WriteUnaligned(p, bytes.AsUInt64().ToScalar());
    }

    public static void StoreBool8(byte* p, Vector<long> v) => ScatterBool8(p, 1, v);

    public static void StoreUInt8(byte* p, Vector<int> v) => ScatterUInt8(p, 1, v);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void StoreFloat16(byte* p, Vector<float> v) => HostHalves.Store(HostHalves.NarrowFloat16(v), (ushort*)p);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void StoreBFloat16(byte* p, Vector<float> v) => HostHalves.Store(HostHalves.NarrowBFloat16(v), (ushort*)p);

    public static void ScatterBool4(byte* p, long stride, Vector<int> v)
    {
        for (int i = 0; i < Vector<int>.Count; i++)
        {
            p[i * stride] = (byte)-v[i];
        }
    }

    public static void ScatterBool8(byte* p, long stride, Vector<long> v)
    {
        for (int i = 0; i < Vector<long>.Count; i++)
        {
            p[i * stride] = (byte)-v[i];
        }
    }

    public static void ScatterUInt8(byte* p, long stride, Vector<int> v)
    {
        for (int i = 0; i < Vector<int>.Count; i++)
        {
            p[i * stride] = (byte)v[i];
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScatterFloat16(byte* p, long stride, Vector<float> v) => Scatter16(p, stride, HostHalves.NarrowFloat16(v));

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ScatterBFloat16(byte* p, long stride, Vector<float> v) => Scatter16(p, stride, HostHalves.NarrowBFloat16(v));

    public static void ScatterInt32(byte* p, long stride, Vector<int> v) => Scatter(p, stride, v);

    public static void ScatterInt64(byte* p, long stride, Vector<long> v) => Scatter(p, stride, v);

    public static void ScatterFloat32(byte* p, long stride, Vector<float> v) => Scatter(p, stride, v);

    public static void ScatterFloat64(byte* p, long stride, Vector<double> v) => Scatter(p, stride, v);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> RoundToFloat16(Vector<float> v) => HostHalves.WidenFloat16(HostHalves.NarrowFloat16(v));

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> RoundToBFloat16(Vector<float> v) => HostHalves.WidenBFloat16(HostHalves.NarrowBFloat16(v));

    public static Vector<float> Int32ToFloat32(Vector<int> v) => Vector.ConvertToSingle(v);

    public static Vector<int> Int32ToUInt8(Vector<int> v) => v & new Vector<int>(255);

    public static Vector<int> Float32ToInt32(Vector<float> v) => Vector.ConvertToInt32(v);

    public static Vector<double> Int64ToFloat64(Vector<long> v) => Vector.ConvertToDouble(v);

    public static Vector<long> Float64ToInt64(Vector<double> v) => Vector.ConvertToInt64(v);

    public static Vector<float> BoolToFloat324(Vector<int> v) => Vector.ConditionalSelect(v, Vector<float>.One, Vector<float>.Zero);

    public static Vector<int> BoolToInt324(Vector<int> v) => -v;

    public static Vector<double> BoolToFloat648(Vector<long> v) => Vector.ConditionalSelect(v, Vector<double>.One, Vector<double>.Zero);

    public static Vector<long> BoolToInt648(Vector<long> v) => -v;

    public static Vector<int> Float32ToBool4(Vector<float> v) => ~Vector.Equals(v, Vector<float>.Zero);

    public static Vector<int> Int32ToBool4(Vector<int> v) => ~Vector.Equals(v, Vector<int>.Zero);

    public static Vector<long> Float64ToBool8(Vector<double> v) => ~Vector.Equals(v, Vector<double>.Zero);

    public static Vector<long> Int64ToBool8(Vector<long> v) => ~Vector.Equals(v, Vector<long>.Zero);

    private static Vector<uint> Gather16(byte* p, long stride)
    {
        Unsafe.SkipInit(out Vector<uint> v);
        for (int i = 0; i < Vector<uint>.Count; i++)
        {
            Set(ref v, i, (uint)*(ushort*)(p + i * stride));
        }

        return v;
    }

    private static void Scatter16(byte* p, long stride, Vector<uint> v)
    {
        for (int i = 0; i < Vector<uint>.Count; i++)
        {
            *(ushort*)(p + i * stride) = (ushort)v[i];
        }
    }

    private static Vector<T> Gather<T>(byte* p, long stride) where T : unmanaged
    {
        Unsafe.SkipInit(out Vector<T> v);
        for (int i = 0; i < Vector<T>.Count; i++)
        {
            Set(ref v, i, *(T*)(p + i * stride));
        }

        return v;
    }

    private static void Scatter<T>(byte* p, long stride, Vector<T> v) where T : unmanaged
    {
        for (int i = 0; i < Vector<T>.Count; i++)
        {
            *(T*)(p + i * stride) = v[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Set<T>(ref Vector<T> v, int lane, T value) where T : unmanaged => Unsafe.Add(ref Unsafe.As<Vector<T>, T>(ref v), lane) = value;
}
