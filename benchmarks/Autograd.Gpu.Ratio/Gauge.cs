using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AutogradRatio;

/// <summary>Measures what the hardware can do, in goes of all threads at once, of which the shortest counts.</summary>
internal sealed class Gauge : IDisposable
{
    private const int Chains = 12;

    private readonly Arrays memory = new(256L << 20);
    private readonly Arrays cache = new(4L << 20);
    private readonly int threads;
    private readonly float[] sinks;
    private readonly long[] begun, ended;
    private readonly Barrier gate;
    private Action<int>? work;

    public Gauge(int threads)
    {
        this.threads = threads;
        sinks = new float[threads * 64];
        begun = new long[threads];
        ended = new long[threads];
        gate = new Barrier(threads + 1);
        for (var i = 0; i < threads; i++)
        {
            var thread = i;
            new Thread(() => Run(thread)) { IsBackground = true }.Start();
        }
    }

    public int Threads => threads;

    /// <summary>Copy bandwidth between arrays far larger than the caches, bytes read plus bytes written a second, with plain stores or with those that pass the caches by.</summary>
    public double Memory(long copied, int goes) => Math.Max(Copy(memory, false, copied, goes), Copy(memory, true, copied, goes));

    /// <summary>The same between arrays of 4 MB, where plain stores alone are of use.</summary>
    public double Cache(long copied, int goes) => Copy(cache, false, copied, goes);

    /// <summary>Fused multiply-adds in float32, two operations each, a second.</summary>
    public double Peak(int iterations, int goes)
    {
        var rate = Chains * 2.0 * threads * iterations;
        return Vector512.IsHardwareAccelerated
            ? rate * Vector512<float>.Count / Best(goes, thread => sinks[thread * 64] = Chains512(iterations))
            : rate * Vector256<float>.Count / Best(goes, thread => sinks[thread * 64] = Chains256(iterations));
    }

    public void Dispose()
    {
        // Sends the threads home.
        work = null;
        gate.SignalAndWait();
        memory.Dispose();
        cache.Dispose();
    }

    private unsafe double Copy(Arrays arrays, bool streaming, long copied, int goes)
    {
        var slice = arrays.Bytes / threads / 4096 * 4096;
        var repeats = Math.Max(1, copied / arrays.Bytes);
        return 2.0 * slice * threads * repeats / Best(goes, thread =>
        {
            var source = arrays.Source + thread * slice;
            var target = arrays.Target + thread * slice;
            for (var i = 0L; i < repeats; i++)
            {
                if (streaming)
                    Stream((byte*)source, (byte*)target, slice);
                else
                    Buffer.MemoryCopy((void*)source, (void*)target, slice, slice);
            }
        });
    }

    /// <summary>The shortest of several goes of all threads at once, after one to warm up.</summary>
    private double Best(int goes, Action<int> go)
    {
        work = go;
        var best = double.MaxValue;
        for (var i = 0; i <= goes; i++)
        {
            gate.SignalAndWait();
            gate.SignalAndWait();
            if (i > 0)
                best = Math.Min(best, Stopwatch.GetElapsedTime(begun.Min(), ended.Max()).TotalSeconds);
        }

        return best;
    }

    private void Run(int thread)
    {
        while (true)
        {
            gate.SignalAndWait();
            if (work is not { } go)
                return;

            // Stamped by the workers: whoever waits for them may do so for a core.
            begun[thread] = Stopwatch.GetTimestamp();
            go(thread);
            ended[thread] = Stopwatch.GetTimestamp();
            gate.SignalAndWait();
        }
    }

    /// <summary>A copy whose stores pass the caches by, which spares reading the target's lines first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Stream(byte* source, byte* target, long bytes)
    {
        for (long i = 0; i < bytes; i += 4 * Vector256<byte>.Count)
        {
            var a = Vector256.Load(source + i);
            var b = Vector256.Load(source + i + 32);
            var c = Vector256.Load(source + i + 64);
            var d = Vector256.Load(source + i + 96);
            a.StoreAlignedNonTemporal(target + i);
            b.StoreAlignedNonTemporal(target + i + 32);
            c.StoreAlignedNonTemporal(target + i + 64);
            d.StoreAlignedNonTemporal(target + i + 96);
        }
    }

    // Twelve independent chains hide the latency of the instruction; locals, so that they stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Chains256(int iterations)
    {
        Vector256<float> m = Vector256.Create(0.999f), s = Vector256.Create(0.001f);
        Vector256<float> a = s, b = m, c = s, d = m, e = s, f = m, g = s, h = m, i = s, j = m, k = s, l = m;
        for (var n = 0; n < iterations; n++)
        {
            a = Vector256.FusedMultiplyAdd(a, m, s);
            b = Vector256.FusedMultiplyAdd(b, m, s);
            c = Vector256.FusedMultiplyAdd(c, m, s);
            d = Vector256.FusedMultiplyAdd(d, m, s);
            e = Vector256.FusedMultiplyAdd(e, m, s);
            f = Vector256.FusedMultiplyAdd(f, m, s);
            g = Vector256.FusedMultiplyAdd(g, m, s);
            h = Vector256.FusedMultiplyAdd(h, m, s);
            i = Vector256.FusedMultiplyAdd(i, m, s);
            j = Vector256.FusedMultiplyAdd(j, m, s);
            k = Vector256.FusedMultiplyAdd(k, m, s);
            l = Vector256.FusedMultiplyAdd(l, m, s);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Chains512(int iterations)
    {
        Vector512<float> m = Vector512.Create(0.999f), s = Vector512.Create(0.001f);
        Vector512<float> a = s, b = m, c = s, d = m, e = s, f = m, g = s, h = m, i = s, j = m, k = s, l = m;
        for (var n = 0; n < iterations; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, m, s);
            b = Vector512.FusedMultiplyAdd(b, m, s);
            c = Vector512.FusedMultiplyAdd(c, m, s);
            d = Vector512.FusedMultiplyAdd(d, m, s);
            e = Vector512.FusedMultiplyAdd(e, m, s);
            f = Vector512.FusedMultiplyAdd(f, m, s);
            g = Vector512.FusedMultiplyAdd(g, m, s);
            h = Vector512.FusedMultiplyAdd(h, m, s);
            i = Vector512.FusedMultiplyAdd(i, m, s);
            j = Vector512.FusedMultiplyAdd(j, m, s);
            k = Vector512.FusedMultiplyAdd(k, m, s);
            l = Vector512.FusedMultiplyAdd(l, m, s);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    /// <summary>Two arrays whose pages have been touched.</summary>
    private sealed unsafe class Arrays : IDisposable
    {
        public Arrays(long bytes)
        {
            Bytes = bytes;
            Source = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
            Target = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
            NativeMemory.Fill((void*)Source, (nuint)bytes, 1);
            NativeMemory.Fill((void*)Target, (nuint)bytes, 2);
        }

        public long Bytes { get; }

        public nint Source { get; }

        public nint Target { get; }

        public void Dispose()
        {
            NativeMemory.AlignedFree((void*)Source);
            NativeMemory.AlignedFree((void*)Target);
        }
    }
}
