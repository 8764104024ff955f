using System.Diagnostics;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// A kernel whose vector loop and whose loop for the last elements are compiled apart, each when a run first needs it: most of what a first use costs is
/// the JIT's time, small tensors need only the scalar loop and sizes that are multiples of a vector only the other.
/// </summary>
/// <remarks>
/// Wide loops have the functions inlined, which takes the JIT a millisecond or more for each. If <paramref name="widensLater"/>, the first runs take the usual loop, and another
/// thread compiles the wide one meanwhile; since all forms give the same bits, it does not matter which of them a run meets.
/// </remarks>
internal sealed unsafe class HostKernelParts(FusedProgram program, HostLoops loops, int lanes, int laneSize, bool widensLater)
{
    private static int s_onTheWay;

    private HostKernel? _vectors;
    private HostKernel? _scalars;

    /// <summary>How many wide loops other threads are to compile or are compiling.</summary>
    public static int OnTheWay => Volatile.Read(ref s_onTheWay);

    /// <summary>Whether the vector loop is the one that was asked for.</summary>
    public bool IsWidened { get; private set; }

    public void Run(nint* pointers, long* strides, long* constants, long linear, long count)
    {
        if (count >= lanes)
        {
            (_vectors ?? CompileVectors())(pointers, strides, constants, linear, count);
        }

        if ((count & (lanes - 1)) != 0)
        {
            (_scalars ?? CompileScalars())(pointers, strides, constants, linear, count);
        }
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

    private HostKernel CompileScalars()
    {
        long start = Stopwatch.GetTimestamp();
        _scalars = HostKernelCompiler.CompileScalars(program, lanes);
        KernelTrace.Compiled(start);
        return _scalars;
    }
}
