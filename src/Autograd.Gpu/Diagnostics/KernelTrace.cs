using System.Globalization;

namespace Autograd.Gpu.Diagnostics;

/// <summary>One kernel that ran.</summary>
/// <param name="Device">Where.</param>
/// <param name="Operations">The operations fused into it, in the order of computation.</param>
/// <param name="Shape">The shape that it ran over.</param>
/// <param name="Reason">Why the pending expression was computed at this point.</param>
/// <param name="Time">How long it took, launch and completion together; the first time, compilation included.</param>
public readonly record struct KernelEvent(Device Device, string Operations, Shape Shape, string Reason, TimeSpan Time)
{
    /// <summary>One line: device, operations, shape, time, reason.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Device} {Operations} {Shape} {Time.TotalMicroseconds:F1} us ({Reason})");
}

/// <summary>Shows each kernel as it runs. While a handler is attached every kernel is waited for, so that its time is its own.</summary>
public static class KernelTrace
{
    private static Action<KernelEvent>? s_handlers;

    /// <summary>Called after each kernel, on the thread that launched it.</summary>
    public static event Action<KernelEvent> KernelRan
    {
        add => s_handlers += value;
        remove => s_handlers -= value;
    }

    internal static bool IsOn => s_handlers is not null;

    /// <summary>Prints a line for each kernel to <paramref name="writer"/> until the result is disposed.</summary>
    public static IDisposable PrintTo(TextWriter writer)
    {
        void Print(KernelEvent e) => writer.WriteLine(e.ToString());
        KernelRan += Print;
        return new Subscription(Print);
    }

    internal static void Report(KernelEvent e) => s_handlers?.Invoke(e);

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
