using System.Globalization;
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

    /// <summary>The most that long goes over some seconds show.</summary>
    public static Machine Measure(Gauge gauge) =>
        new(gauge.Threads, gauge.Memory(1L << 30, 24), gauge.Cache(1L << 30, 24), gauge.Peak(4_000_000, 24), MultiplierCosts.Measure());

    /// <summary>
    /// The same in the moment of a round: of what bounds the row, the most that short goes show. A shared machine's bandwidth and clock differ from second to second, and so does what a row can reach.
    /// </summary>
    public Machine Now(Gauge gauge, Workload row) => this with
    {
        Memory = row.Bytes > CacheRow ? gauge.Memory(512L << 20, 3) : Memory,
        Cache = row.Bytes is > 0 and <= CacheRow ? gauge.Cache(128L << 20, 5) : Cache,
        Peak = row.Flops > 0 || row.Arithmetic != default ? gauge.Peak(200_000, 5) : Peak,
    };

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
}
