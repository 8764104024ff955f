using System.Diagnostics;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// A kernel that is compiled part by part, since most of what a first use costs is the JIT's time. Its first runs have the vector loop alone, which takes elements that fill no vector
/// as well (<see cref="HostTail"/>). When there were many such runs, another thread compiles a scalar loop for these elements, which takes longer, mostly, but is faster
/// for a few of them.
/// </summary>
/// <remarks>
/// Wide loops have the functions inlined, which takes the JIT a millisecond or more for each. If <paramref name="widensLater"/>, the first runs take the usual loop, and another
/// thread compiles the wide one meanwhile. All forms give the same bits, so it does not matter which of them a run meets.
/// </remarks>
internal sealed unsafe class HostKernelParts(FusedProgram program, HostLoops loops, int lanes, int laneSize, bool widensLater)
{
    /// <summary>Runs with elements that fill no vector before they get a loop of their own.</summary>
    public const int MostTails = 256;

    private static int s_onTheWay;

    private readonly HostTail _tail = new(program, lanes);
    private HostKernel? _vectors;
    private HostKernel? _scalars;
    private int _tails;

    /// <summary>How many loops other threads are to compile or are compiling.</summary>
    public static int OnTheWay => Volatile.Read(ref s_onTheWay);

    /// <summary>Whether the vector loop is the one that was asked for.</summary>
    public bool IsWidened { get; private set; }

    /// <summary>Whether elements that fill no vector have a loop of their own.</summary>
    public bool HasScalars => Volatile.Read(ref _scalars) is not null;

    public void Run(nint* pointers, long* strides, long* constants, long linear, long count)
    {
        if (count >= lanes)
        {
            (_vectors ?? CompileVectors())(pointers, strides, constants, linear, count);
        }

        int rest = (int)count & (lanes - 1);
        if (rest == 0)
        {
            return;
        }

        if (_scalars is { } scalars)
        {
            scalars(pointers, strides, constants, linear, count);
        }
        else
        {
            RunTail(pointers, strides, constants, linear, count - rest, rest);
        }
    }

    private void RunTail(nint* pointers, long* strides, long* constants, long linear, long start, int count)
    {
        // Threads that lose counts to one another only put it off.
        if (_tails < MostTails && ++_tails == MostTails)
        {
            Interlocked.Increment(ref s_onTheWay);
            ThreadPool.UnsafeQueueUserWorkItem(static parts => parts.CompileScalars(), this, preferLocal: false);
        }

        _tail.Run(_vectors ?? CompileVectors(), pointers, strides, constants, linear, start, count);
    }

    // Threads that come here at the same time each compile it, which costs no more time than waiting for one another.
    private HostKernel CompileVectors()
    {
        long start = Stopwatch.GetTimestamp();
        bool isLater = widensLater && loops != HostLoops.Usual && HostKernelCompiler.HasWideLoop && laneSize == sizeof(float);
        var compiled = HostKernelCompiler.CompileVectors(program, isLater ? HostLoops.Usual : loops, lanes, laneSize);
        var before = Interlocked.CompareExchange(ref _vectors, compiled, null);
        if (before is null && isLater)
        {
            Interlocked.Increment(ref s_onTheWay);
            ThreadPool.UnsafeQueueUserWorkItem(static parts => parts.Widen(), this, preferLocal: false);
        }

        KernelTrace.Compiled(start);
        return before ?? compiled;
    }

    private void Widen()
    {
        Volatile.Write(ref _vectors, HostKernelCompiler.CompileVectors(program, loops, lanes, laneSize));
        IsWidened = true;
        Interlocked.Decrement(ref s_onTheWay);
    }

    private void CompileScalars()
    {
        Volatile.Write(ref _scalars, HostKernelCompiler.CompileScalars(program, lanes));
        Interlocked.Decrement(ref s_onTheWay);
    }
}
