using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AutogradRatio;

/// <summary>What the hardware can do at best, measured in the same run, so that a row can be judged against its bound.</summary>
/// <param name="Threads">The threads that each figure was measured with.</param>
/// <param name="Memory">Copy bandwidth between arrays far larger than the caches, bytes read plus bytes written a second.</param>
/// <param name="Cache">The same between arrays of 4 MB.</param>
/// <param name="Peak">Fused multiply-adds in float32, two operations each, a second.</param>
/// <param name="Costs">What other operations take of the pipes that multiply.</param>
internal sealed record Machine(int Threads, double Memory, double Cache, double Peak, MultiplierCosts Costs)
{
    private const long CacheRow = 32L << 20;

    /// <summary>The least time a workload can take: its bytes over the bandwidth or its operations over the peak, whichever is more.</summary>
    public double? Bound(Workload row)
    {
        if (row.Bytes == 0 && row.Flops == 0)
            return null;
        var flops = row.Flops + 2 * Costs.Time(row.Arithmetic);
        return Math.Max(row.Bytes / (row.Bytes <= CacheRow ? Cache : Memory), flops / Peak);
    }

    /// <summary>A warning where other processes kept the cores busy in the last minute (Linux alone tells), else null.</summary>
    public static string? Busy()
    {
        if (!File.Exists("/proc/loadavg"))
            return null;
        var load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        return load < 0.25 * Environment.ProcessorCount ? null
            : $"Load average {load:F2}: other processes use the cores, so the figures and the ratios are rough.";
    }

    public static Machine Measure(int threads) =>
        new(threads, Copy(threads, 256L << 20), Copy(threads, 4L << 20), Fma(threads), MultiplierCosts.Measure());

    public override string ToString()
    {
        var lanes = Vector512.IsHardwareAccelerated ? "512" : Vector256.IsHardwareAccelerated ? "256" : "128";
        return $"Machine: {Processor()}, {Environment.ProcessorCount} cores, {lanes}-bit vectors, {RuntimeInformation.FrameworkDescription}, "
            + $"{RuntimeInformation.OSDescription}\n"
            + $"With {Threads} threads: copy {Memory / 1e9:F1} GB/s (256 MB arrays), {Cache / 1e9:F1} GB/s (4 MB arrays), "
            + $"fused multiply-add {Peak / 1e9:F0} GFLOP/s (float32); "
            + $"beside ten of these a division costs {Costs.Division:F1} of one, a look-up {Costs.Lookup:F1}, each of as many of both {Costs.Mixed:F2}";
    }

    private static string Processor()
    {
        if (OperatingSystem.IsLinux() && File.Exists("/proc/cpuinfo"))
        {
            var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null)
                return line[(line.IndexOf(':') + 1)..].Trim();
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static unsafe double Copy(int threads, long bytes)
    {
        var source = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        var target = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        try
        {
            NativeMemory.Fill((void*)source, (nuint)bytes, 1);
            NativeMemory.Fill((void*)target, (nuint)bytes, 2);
            var slice = bytes / threads / 4096 * 4096;
            var repeats = (int)Math.Max(2, (1L << 30) / bytes);
            var plain = Best(threads, thread =>
            {
                for (var i = 0; i < repeats; i++)
                    Buffer.MemoryCopy((void*)(source + thread * slice), (void*)(target + thread * slice), slice, slice);
            });
            var streaming = Best(threads, thread =>
            {
                for (var i = 0; i < repeats; i++)
                    Stream((byte*)(source + thread * slice), (byte*)(target + thread * slice), slice);
            });
            return 2.0 * slice * threads * repeats / Math.Min(plain, streaming);
        }
        finally
        {
            NativeMemory.AlignedFree((void*)source);
            NativeMemory.AlignedFree((void*)target);
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

    private static double Fma(int threads)
    {
        const int Iterations = 4_000_000;
        const int Chains = 12;
        var sinks = new float[threads * 64];
        var rate = Chains * 2.0 * threads * Iterations;
        var narrow = rate * Vector256<float>.Count / Best(threads, thread => sinks[thread * 64] = Chains256(Iterations));
        var wide = Vector512.IsHardwareAccelerated
            ? rate * Vector512<float>.Count / Best(threads, thread => sinks[thread * 64] = Chains512(Iterations))
            : 0;
        return Math.Max(narrow, wide);
    }

    /// <summary>The shortest of several goes of all threads at once, after two to warm up.</summary>
    private static double Best(int threads, Action<int> work)
    {
        var best = double.MaxValue;
        for (var go = 0; go < 24; go++)
        {
            // Stamped by the workers: the caller may wait for a core while they work.
            var begun = new long[threads];
            var ended = new long[threads];
            using var gate = new Barrier(threads);
            var workers = Enumerable.Range(0, threads).Select(thread => new Thread(() =>
            {
                gate.SignalAndWait();
                begun[thread] = Stopwatch.GetTimestamp();
                work(thread);
                ended[thread] = Stopwatch.GetTimestamp();
            })).ToArray();
            foreach (var worker in workers)
                worker.Start();
            foreach (var worker in workers)
                worker.Join();
            if (go >= 2)
                best = Math.Min(best, Stopwatch.GetElapsedTime(begun.Min(), ended.Max()).TotalSeconds);
        }

        return best;
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
}
