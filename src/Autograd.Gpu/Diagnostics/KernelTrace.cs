using System.Diagnostics;
using System.Globalization;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Diagnostics;

/// <summary>One kernel that ran.</summary>
/// <param name="Device">Where.</param>
/// <param name="Operations">The operations fused into it, in the order of computation.</param>
/// <param name="Shape">The shape that it ran over.</param>
/// <param name="Reason">Why the pending expression was computed at this point.</param>
/// <param name="Time">How long it took, launch and completion together; the first time, compilation included.</param>
public readonly record struct KernelEvent(Device Device, string Operations, Shape Shape, string Reason, TimeSpan Time)
{
    /// <summary>Bytes that it had to read and write; each element counts once for each buffer, however often it is read.</summary>
    public long Bytes { get; init; }

    /// <summary>How much of the time went into generating and compiling it; zero if it was there already.</summary>
    public TimeSpan CompileTime { get; init; }

    /// <summary>One line: device, operations, shape, time, reason.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Device} {Operations} {Shape} {Time.TotalMicroseconds:F1} us ({Reason})");
}

/// <summary>What is known of a kernel when it has been launched. Times are those of <see cref="Stopwatch"/>.</summary>
internal readonly record struct KernelRun(
    Device Device, string Operations, string Reason, long Bytes, long Start, long CompileStart, long CompileTicks);

/// <summary>Shows each kernel as it runs. While a handler is attached every kernel is waited for, so that its time is its own.</summary>
public static class KernelTrace
{
    private static Action<KernelEvent>? s_handlers;

    [ThreadStatic]
    private static long s_compileStart;

    [ThreadStatic]
    private static long s_compileTicks;

    /// <summary>Called after each kernel, on the thread that launched it.</summary>
    public static event Action<KernelEvent> KernelRan
    {
        add => s_handlers += value;
        remove => s_handlers -= value;
    }

    internal static bool IsOn => s_handlers is not null || Profiler.IsOn;

    /// <summary>Prints a line for each kernel to <paramref name="writer"/> until the result is disposed.</summary>
    public static IDisposable PrintTo(TextWriter writer)
    {
        void Print(KernelEvent e) => writer.WriteLine(e.ToString());
        KernelRan += Print;
        return new Subscription(Print);
    }

    /// <summary>The time at which a kernel is about to be prepared and launched on an idle device, if anyone wants to know; else 0.</summary>
    internal static long Begin(Device device)
    {
        if (!IsOn)
        {
            return 0;
        }

        device.Synchronize();
        s_compileTicks = 0;
        return Stopwatch.GetTimestamp();
    }

    /// <summary>A kernel was not there and has been compiled since <paramref name="start"/>.</summary>
    internal static void Compiled(long start)
    {
        s_compileStart = s_compileTicks == 0 ? start : s_compileStart;
        s_compileTicks += Stopwatch.GetTimestamp() - start;
    }

    /// <summary>The kernel that began at <paramref name="start"/> has been launched.</summary>
    internal static void End(Device device, string operations, ReadOnlySpan<Shape> inputs, Shape shape, string reason, long bytes, long start)
    {
        long launched = Stopwatch.GetTimestamp();
        device.Synchronize();
        long end = Stopwatch.GetTimestamp();
        var run = new KernelRun(device, operations, reason, bytes, start, s_compileStart, s_compileTicks);
        Profiler.Kernel(in run, inputs.IsEmpty ? [shape] : inputs.ToArray(), launched, end);
        if (s_handlers is null)
        {
            return;
        }

        // A handler is code of the program: what it makes is its own.
        var formula = FormulaValues.Suspend();
        try
        {
            s_handlers?.Invoke(new KernelEvent(device, operations, shape, reason, Stopwatch.GetElapsedTime(start, end))
            {
                Bytes = bytes,
                CompileTime = Stopwatch.GetElapsedTime(0, run.CompileTicks),
            });
        }
        finally
        {
            FormulaValues.Resume(formula);
        }
    }

    private sealed class Subscription(Action<KernelEvent> handler) : IDisposable
    {
        public void Dispose() => KernelRan -= handler;
    }
}

/// <summary>Switches that change how results are computed, never what they are.</summary>
public static class Execution
{
    /// <summary>
    /// Whether pointwise operations wait and fuse (the default) or each runs at once in a kernel of its own. The environment variable
    /// <c>AUTOGRAD_LAZY=0</c>, read at start, switches it off.
    /// </summary>
    public static bool IsLazy { get; set; } = Environment.GetEnvironmentVariable("AUTOGRAD_LAZY") != "0";
}
