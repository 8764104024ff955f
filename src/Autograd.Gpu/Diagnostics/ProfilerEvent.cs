using System.Diagnostics;

namespace Autograd.Gpu.Diagnostics;

/// <summary>What a <see cref="ProfilerEvent"/> measured.</summary>
public enum ProfilerEventKind
{
    /// <summary>The call of an operation. What it left pending runs later, as part of a kernel.</summary>
    Operation,

    /// <summary>A node of the tape in a backward pass.</summary>
    Backward,

    /// <summary>A kernel, with all the operations that were fused into it.</summary>
    Kernel,

    /// <summary>A part of the program that it named itself: see <see cref="Profiler.Range"/>.</summary>
    Range,
}

/// <summary>Something that a <see cref="Profiler"/> saw. Times count from the profiler's start.</summary>
[DebuggerDisplay("{Kind} {Name} {Duration}")]
public sealed class ProfilerEvent
{
    private readonly long _origin;

    internal ProfilerEvent(ProfilerEventKind kind, string name, IReadOnlyList<Shape> shapes, int threadId, ProfilerEvent? parent, long origin, long start)
    {
        Kind = kind;
        Name = name;
        Shapes = shapes;
        ThreadId = threadId;
        Parent = parent;
        Depth = parent is null ? 0 : parent.Depth + 1;
        _origin = origin;
        StartTicks = start;
    }

    /// <summary>What was measured.</summary>
    public ProfilerEventKind Kind { get; }

    /// <summary>
    /// The operation (<c>Mul</c>, in place <c>Mul_</c>), the node (<c>MulBackward0</c>), the operations fused into a kernel in the order of computation
    /// (<c>Tanh Mul -> Sum</c>), or the name of the range.
    /// </summary>
    public string Name { get; }

    /// <summary>
    /// The shapes of an operation's inputs, of the gradients that a node was given, or that a kernel ran over. Empty if they were not asked for.
    /// </summary>
    public IReadOnlyList<Shape> Shapes { get; }

    /// <summary>The managed id of the thread on which it began.</summary>
    public int ThreadId { get; }

    /// <summary>What was going on around it on the same thread.</summary>
    public ProfilerEvent? Parent { get; }

    /// <summary>How many events surround it.</summary>
    public int Depth { get; }

    /// <summary>When it began.</summary>
    public TimeSpan Start => Stopwatch.GetElapsedTime(_origin, StartTicks);

    /// <summary>How long the host was busy with it; of a kernel on a GPU, only until it was launched.</summary>
    public TimeSpan Duration => Stopwatch.GetElapsedTime(StartTicks, EndTicks);

    /// <summary>Where a kernel ran.</summary>
    public Device? Device { get; internal init; }

    /// <summary>When a kernel began to run on its device.</summary>
    public TimeSpan DeviceStart => Device is null ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_origin, DeviceStartTicks);

    /// <summary>How long a kernel ran on its device.</summary>
    public TimeSpan DeviceDuration => Stopwatch.GetElapsedTime(DeviceStartTicks, DeviceEndTicks);

    /// <summary>Bytes that a kernel had to read and write; each element counts once for each buffer, however often it is read.</summary>
    public long Bytes { get; internal init; }

    /// <summary>Why a kernel ran at this point (<c>Read</c>, <c>Operand</c>, <c>Inputs</c> ...), or null.</summary>
    public string? Reason { get; internal init; }

    /// <summary>How much of a kernel's host time went into generating and compiling it; zero if it was there already.</summary>
    public TimeSpan CompileDuration => Stopwatch.GetElapsedTime(0, CompileTicks);

    internal long StartTicks { get; }

    /// <summary>0 as long as it goes on.</summary>
    internal long EndTicks { get; set; }

    internal long DeviceStartTicks { get; init; }

    internal long DeviceEndTicks { get; init; }

    internal long CompileStartTicks { get; init; }

    internal long CompileTicks { get; init; }

    /// <summary>What the profiler itself waited for the kernel, after <see cref="EndTicks"/>.</summary>
    internal long WaitTicks { get; init; }

    /// <summary>
    /// Whether it ended while something that began after it still went on, or on another thread: it is no part of its thread's nesting then.
    /// </summary>
    internal bool IsDetached { get; set; }

    /// <summary>How much of this event, the profiler's waiting for a kernel included, lies inside <paramref name="other"/>.</summary>
    internal TimeSpan OverlapWith(ProfilerEvent other)
    {
        long start = Math.Max(StartTicks, other.StartTicks);
        return Stopwatch.GetElapsedTime(start, Math.Max(start, Math.Min(EndTicks + WaitTicks, other.EndTicks)));
    }
}
