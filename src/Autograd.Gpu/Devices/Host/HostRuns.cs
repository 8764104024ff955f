using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Copies of one run of memory, on the calling thread. Source lines some way ahead are fetched on the way: the hardware starts anew at each page and
/// knows nothing of where the next run lies. Target lines are stored whole, which spares reading them first.
/// </summary>
internal static unsafe class HostRuns
{
    /// <summary>How far ahead lines are fetched.</summary>
    public const long FetchedBytes = 1024;

    /// <summary>Bytes from which on a run is worth fetching its own lines ahead, rather than those of a later run.</summary>
    public const long LongBytes = 2 * FetchedBytes;

    private const int LineBytes = 64;

    /// <summary>How far ahead of a long run's bytes its own are fetched; 0 where the processor reads on by itself.</summary>
    public static long AheadBytes => RowAhead.ReadsOn ? 0 : FetchedBytes;

    /// <summary>Copies several runs, whose starts lie so many bytes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(byte* source, byte* target, long bytes, long runs, long sourceStep, long targetStep, long ahead)
    {
        if (!HostCopy.IsWide || bytes >= LongBytes || ((bytes | (nint)target | targetStep) & (LineBytes - 1)) != 0)
        {
            for (; runs > 0; runs--, source += sourceStep, target += targetStep)
            {
                Copy(source, target, bytes, ahead);
            }

            return;
        }

        // Short runs of whole lines: a call for each would take as long as the copy.
        for (; runs > 0; runs--, source += sourceStep, target += targetStep)
        {
            long i = 0;
            for (; i <= bytes - 4 * LineBytes; i += 4 * LineBytes)
            {
                FetchFour(source + i + ahead);
                CopyFour(source + i, target + i);
            }

            for (; i < bytes; i += LineBytes)
            {
                RowAhead.Fetch(source + i + ahead);
                Vector512.Load(source + i).StoreAligned(target + i);
            }
        }
    }

    /// <summary>Copies bytes. The lines <paramref name="ahead"/> bytes from those that are copied are fetched, and may lie anywhere; none are if it is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(byte* source, byte* target, long bytes, long ahead)
    {
        if (bytes < 2 * LineBytes)
        {
            CopyShort(source, target, bytes);
            return;
        }

        // The first and the last vector may overlap others.
        long i = 0;
        if (HostCopy.IsWide && bytes >= 4 * LineBytes)
        {
            i = -(nint)target & (LineBytes - 1);
            if (i > 0)
            {
                Vector512.Load(source).Store(target);
            }

            if (ahead == 0)
            {
                for (; i <= bytes - 4 * LineBytes; i += 4 * LineBytes)
                {
                    CopyFour(source + i, target + i);
                }
            }

            for (; i <= bytes - 4 * LineBytes; i += 4 * LineBytes)
            {
                FetchFour(source + i + ahead);
                CopyFour(source + i, target + i);
            }

            for (; i <= bytes - LineBytes; i += LineBytes)
            {
                RowAhead.Fetch(source + i + ahead);
                Vector512.Load(source + i).StoreAligned(target + i);
            }

            if (i < bytes)
            {
                RowAhead.Fetch(source + bytes - 1 + ahead);
                Vector512.Load(source + bytes - LineBytes).Store(target + bytes - LineBytes);
            }

            return;
        }

        for (; i < bytes - 128; i += 128)
        {
            RowAhead.Fetch(source + i + ahead);
            RowAhead.Fetch(source + i + ahead + LineBytes);
            Vector256<byte> a = Vector256.Load(source + i), b = Vector256.Load(source + i + 32);
            Vector256<byte> c = Vector256.Load(source + i + 64), d = Vector256.Load(source + i + 96);
            a.Store(target + i);
            b.Store(target + i + 32);
            c.Store(target + i + 64);
            d.Store(target + i + 96);
        }

        source += bytes - 128;
        target += bytes - 128;
        Vector256<byte> e = Vector256.Load(source), f = Vector256.Load(source + 32), g = Vector256.Load(source + 64), h = Vector256.Load(source + 96);
        e.Store(target);
        f.Store(target + 32);
        g.Store(target + 64);
        h.Store(target + 96);
    }

    /// <summary>Four lines, the target's aligned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyFour(byte* source, byte* target)
    {
        Vector512<byte> a = Vector512.Load(source), b = Vector512.Load(source + LineBytes);
        Vector512<byte> c = Vector512.Load(source + 2 * LineBytes), d = Vector512.Load(source + 3 * LineBytes);
        a.StoreAligned(target);
        b.StoreAligned(target + LineBytes);
        c.StoreAligned(target + 2 * LineBytes);
        d.StoreAligned(target + 3 * LineBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchFour(byte* lines)
    {
        RowAhead.Fetch(lines);
        RowAhead.Fetch(lines + LineBytes);
        RowAhead.Fetch(lines + 2 * LineBytes);
        RowAhead.Fetch(lines + 3 * LineBytes);
    }

    /// <summary>Less than two lines.</summary>
    private static void CopyShort(byte* source, byte* target, long bytes)
    {
        if (bytes >= 64)
        {
            Vector256<byte> a = Vector256.Load(source), b = Vector256.Load(source + 32);
            Vector256<byte> c = Vector256.Load(source + bytes - 64), d = Vector256.Load(source + bytes - 32);
            a.Store(target);
            b.Store(target + 32);
            c.Store(target + bytes - 64);
            d.Store(target + bytes - 32);
        }
        else if (bytes >= 16)
        {
            // Up to 32 bytes from either end.
            long middle = Math.Min(16, bytes - 16);
            Vector128<byte> a = Vector128.Load(source), b = Vector128.Load(source + middle);
            Vector128<byte> c = Vector128.Load(source + bytes - 16 - middle), d = Vector128.Load(source + bytes - 16);
            a.Store(target);
            b.Store(target + middle);
            c.Store(target + bytes - 16 - middle);
            d.Store(target + bytes - 16);
        }
        else
        {
            Unsafe.CopyBlockUnaligned(target, source, (uint)bytes);
        }
    }

    /// <summary>Several runs backwards, each as below.</summary>
    public static void Reverse<T>(T* source, T* target, long count, long runs, long sourceStep, long targetStep, long ahead) where T : unmanaged
    {
        for (; runs > 0; runs--, source = (T*)((byte*)source + sourceStep), target = (T*)((byte*)target + targetStep))
        {
            Reverse(source, target, count, ahead);
        }
    }

    /// <summary>target[i] = source[count - 1 - i], for elements of 1, 2, 4 or 8 bytes. Fetches as a copy does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Reverse<T>(T* source, T* target, long count, long ahead) where T : unmanaged
    {
        long i = 0;
        if (HostCopy.IsWide && count >= Vector512<T>.Count)
        {
            // Whole lines of the target, as above.
            long lanes = Vector512<T>.Count;
            i = (-(nint)target & (LineBytes - 1)) / sizeof(T);
            T* end = source + count - lanes;
            if (i > 0)
            {
                Turned(Vector512.Load(end)).Store(target);
            }

            for (; i <= count - 2 * lanes; i += 2 * lanes)
            {
                byte* next = (byte*)(end - i) + ahead;
                RowAhead.Fetch(next);
                RowAhead.Fetch(next - LineBytes);
                Vector512<T> a = Vector512.Load(end - i), b = Vector512.Load(end - i - lanes);
                Turned(a).Store(target + i);
                Turned(b).Store(target + i + lanes);
            }

            for (; i <= count - lanes; i += lanes)
            {
                Turned(Vector512.Load(end - i)).Store(target + i);
            }

            if (i < count)
            {
                Turned(Vector512.Load(source)).Store(target + count - lanes);
            }

            return;
        }

        if (Vector256.IsHardwareAccelerated && HostCopy.Width >= HostVectorWidth.V256)
        {
            for (; i <= count - Vector256<T>.Count; i += Vector256<T>.Count)
            {
                Turned(Vector256.Load(source + count - Vector256<T>.Count - i)).Store(target + i);
            }
        }

        if (Vector128.IsHardwareAccelerated)
        {
            for (; i <= count - Vector128<T>.Count; i += Vector128<T>.Count)
            {
                Turned(Vector128.Load(source + count - Vector128<T>.Count - i)).Store(target + i);
            }
        }

        for (; i < count; i++)
        {
            target[i] = source[count - 1 - i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Turned<T>(Vector512<T> v) where T : unmanaged => sizeof(T) switch
    {
        1 => Vector512.Shuffle(v.AsByte(), Vector512.Create((byte)63) - Vector512<byte>.Indices).As<byte, T>(),
        2 => Vector512.Shuffle(v.AsInt16(), Vector512.Create((short)31) - Vector512<short>.Indices).As<short, T>(),
        4 => Vector512.Shuffle(v.AsInt32(), Vector512.Create(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)).As<int, T>(),
        _ => Vector512.Shuffle(v.AsInt64(), Vector512.Create(7L, 6, 5, 4, 3, 2, 1, 0)).As<long, T>(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> Turned<T>(Vector256<T> v) where T : unmanaged => sizeof(T) switch
    {
        1 => Vector256.Shuffle(v.AsByte(), Vector256.Create((byte)31) - Vector256<byte>.Indices).As<byte, T>(),
        2 => Vector256.Shuffle(v.AsInt16(), Vector256.Create((short)15) - Vector256<short>.Indices).As<short, T>(),
        4 => Vector256.Shuffle(v.AsInt32(), Vector256.Create(7, 6, 5, 4, 3, 2, 1, 0)).As<int, T>(),
        _ => Vector256.Shuffle(v.AsInt64(), Vector256.Create(3L, 2, 1, 0)).As<long, T>(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> Turned<T>(Vector128<T> v) where T : unmanaged => sizeof(T) switch
    {
        1 => Vector128.Shuffle(v.AsByte(), Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)).As<byte, T>(),
        2 => Vector128.Shuffle(v.AsInt16(), Vector128.Create(7, 6, 5, 4, 3, 2, 1, 0)).As<short, T>(),
        4 => Vector128.Shuffle(v.AsInt32(), Vector128.Create(3, 2, 1, 0)).As<int, T>(),
        _ => Vector128.Shuffle(v.AsInt64(), Vector128.Create(1L, 0)).As<long, T>(),
    };
}
