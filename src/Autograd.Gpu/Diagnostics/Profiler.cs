using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Diagnostics;

/// <summary>What a <see cref="Profiler"/> records.</summary>
public sealed record ProfilerOptions
{
    /// <summary>Whether input shapes are kept.</summary>
    public bool RecordShapes { get; init; } = true;

    /// <summary>
    /// Events that are kept at most, so that a profiler that nobody stops does not fill the memory. <see cref="Profiler.DroppedEvents"/> counts the others.
    /// </summary>
    public int MaxEvents { get; init; } = 1_000_000;
}

/// <summary>
/// Records, until it is disposed, what the program does on all threads: each operation and each node of a backward pass with its time on the
/// host, each kernel with its times on host and device, the operations fused into it, its bytes and why it ran, and the ranges that the program
/// names. <see cref="Table"/> sums up, <see cref="ExportChromeTrace(string)"/> writes a timeline.
/// </summary>
/// <remarks>
/// Operations are lazy: calling one is cheap, and the kernel that computes it runs later, often together with others. So a table has operations
/// and kernels in separate sections, and a kernel names what was fused into it; <see cref="Execution.IsLazy"/> switches fusion off for a look at
/// single operations.
/// While a profiler runs every kernel is waited for, so that its time is its own: a GPU does not run ahead of the host as it otherwise does, and the device
/// time of a kernel contains its launch (some microseconds). When no profiler runs an operation checks one static field and no more.
/// </remarks>
/// <example><code>
/// using var profiler = Profiler.Start();
/// using (Profiler.Range("epoch")) Train();
/// Console.WriteLine(profiler.Table());
/// profiler.ExportChromeTrace("trace.json");
/// </code></example>
public sealed partial class Profiler : IDisposable
{
    private static volatile Profiler? s_current;
    private static long s_sessions;

    [ThreadStatic]
    private static ThreadLog? s_log;

    private readonly List<ThreadLog> _logs = [];
    private readonly long _origin = Stopwatch.GetTimestamp();
    private readonly long _session = Interlocked.Increment(ref s_sessions);
    private List<ProfilerEvent>? _final;
    private long _end;
    private int _count;
    private int _dropped;

    private Profiler(ProfilerOptions options) => Options = options;

    /// <summary>What is recorded.</summary>
    public ProfilerOptions Options { get; }

    /// <summary>How many events were not kept because there were more than <see cref="ProfilerOptions.MaxEvents"/>.</summary>
    public int DroppedEvents => Volatile.Read(ref _dropped);

    /// <summary>Whether this profiler still records.</summary>
    public bool IsRunning => s_current == this;

    /// <summary>From the start to the end, or until now.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_origin, IsRunning ? Stopwatch.GetTimestamp() : Volatile.Read(ref _end));

    /// <summary>
    /// What was recorded, thread by thread, in the order of the beginnings. While the profiler runs these are the events that have ended; when it
    /// stops it ends those that go on.
    /// </summary>
    public IReadOnlyList<ProfilerEvent> Events
    {
        get
        {
            lock (_logs)
            {
                return _final ?? [.. _logs.SelectMany(log => log.Ended())];
            }
        }
    }

    internal static bool IsOn
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_current is not null;
    }

    internal IReadOnlyList<(int Id, string? Name)> Threads
    {
        get
        {
            lock (_logs)
            {
                return [.. _logs.Select(log => (log.ThreadId, log.ThreadName))];
            }
        }
    }

    internal long Origin => _origin;

    /// <summary>Starts to record.</summary>
    /// <exception cref="AutogradException">A profiler is running.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ProfilerOptions.MaxEvents"/> is less than 1.</exception>
    public static Profiler Start(ProfilerOptions? options = null)
    {
        options ??= new ProfilerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxEvents, 1, "ProfilerOptions.MaxEvents");
        var profiler = new Profiler(options);
        return Interlocked.CompareExchange(ref s_current, profiler, null) is null
            ? profiler
            : throw new AutogradException(
                "Profiler.Start: a profiler is running already, and there is one for the whole process. Dispose it first, or use Range to mark a part.");
    }

    /// <summary>
    /// Names a part of the program (<c>record_function</c> in PyTorch) until the result is disposed: <c>using (Profiler.Range("epoch")) { ... }</c>.
    /// Ranges nest, and what happens inside belongs to them. Does nothing while no profiler runs.
    /// </summary>
    public static ProfilerScope Range(string name) => IsOn ? BeginRange(name) : default;

    /// <summary>Stops recording. What was recorded stays readable.</summary>
    public void Dispose()
    {
        if (Interlocked.CompareExchange(ref s_current, null, this) != this)
        {
            return;
        }

        lock (_logs)
        {
            _end = Stopwatch.GetTimestamp();
            _final = [.. _logs.SelectMany(log => log.Close(_end))];
        }
    }

    /// <summary>To be disposed when the call of an operation returns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ProfilerScope Operation(string name, Tensor a, Tensor? b = null, Tensor? c = null) =>
        IsOn ? BeginOperation(name, a, b, c) : default;

    /// <inheritdoc cref="Operation(string, Tensor, Tensor?, Tensor?)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ProfilerScope Operation(string name, ReadOnlySpan<Tensor> inputs) => IsOn ? BeginOperation(name, inputs) : default;

    /// <summary>To be disposed when a node has computed its gradients.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ProfilerScope Backward(Node node) => IsOn ? BeginBackward(node) : default;

    /// <summary>Adds a kernel that has run on this thread.</summary>
    internal static void Kernel(in KernelRun run, IReadOnlyList<Shape> shapes, long launched, long end)
    {
        if (s_current is not { } profiler || profiler.LogOfThread() is not { } log)
        {
            return;
        }

        // The host has compiled and launched; the device has run until the end, and was not waited for before.
        long busy = end - run.Start - run.CompileTicks;
        shapes = profiler.Options.RecordShapes ? shapes : [];
        log.Add(new ProfilerEvent(ProfilerEventKind.Kernel, run.Operations, shapes, log.ThreadId, log.Top, profiler._origin, run.Start)
        {
            EndTicks = launched,
            Device = run.Device,
            DeviceStartTicks = end - busy,
            DeviceEndTicks = end,
            Bytes = run.Bytes,
            Reason = run.Reason,
            CompileStartTicks = run.CompileStart,
            CompileTicks = run.CompileTicks,
            WaitTicks = end - launched,
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ProfilerScope BeginOperation(string name, Tensor a, Tensor? b, Tensor? c) =>
        BeginOperation(name, c is not null ? [a, b!, c] : b is not null ? [a, b] : [a]);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ProfilerScope BeginOperation(string name, ReadOnlySpan<Tensor> inputs)
    {
        if (s_current is not { } profiler)
        {
            return default;
        }

        var shapes = new Shape[profiler.Options.RecordShapes ? inputs.Length : 0];
        for (int i = 0; i < shapes.Length; i++)
        {
            shapes[i] = inputs[i].Shape;
        }

        return profiler.Begin(ProfilerEventKind.Operation, name, shapes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ProfilerScope BeginBackward(Node node)
    {
        if (s_current is not { } profiler)
        {
            return default;
        }

        var shapes = new Shape[profiler.Options.RecordShapes ? node.OutputCount : 0];
        for (int i = 0; i < shapes.Length; i++)
        {
            shapes[i] = node.OutputOf(i).Shape;
        }

        return profiler.Begin(ProfilerEventKind.Backward, node.Name, shapes);
    }

    private static ProfilerScope BeginRange(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return s_current?.Begin(ProfilerEventKind.Range, name, []) ?? default;
    }

    private ProfilerScope Begin(ProfilerEventKind kind, string name, Shape[] shapes) =>
        LogOfThread() is { } log && log.Begin(kind, name, shapes, _origin) is { } e ? new ProfilerScope(log, e) : default;

    /// <summary>Where this thread's events go; null when there are enough of them.</summary>
    private ThreadLog? LogOfThread()
    {
        if (Interlocked.Increment(ref _count) > Options.MaxEvents)
        {
            Interlocked.Decrement(ref _count);
            Interlocked.Increment(ref _dropped);
            return null;
        }

        if (s_log is { } log && log.Session == _session)
        {
            return log;
        }

        log = new ThreadLog(_session);
        lock (_logs)
        {
            if (_final is not null)
            {
                return null;
            }

            _logs.Add(log);
        }

        return s_log = log;
    }
}

/// <summary>Ends a range, or whatever else a profiler measures, when it is disposed.</summary>
public readonly struct ProfilerScope : IDisposable
{
    private readonly ThreadLog? _log;
    private readonly ProfilerEvent? _event;

    internal ProfilerScope(ThreadLog log, ProfilerEvent e) => (_log, _event) = (log, e);

    /// <summary>Ends it. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_log is not null)
        {
            _log.End(_event!);
        }
    }
}
