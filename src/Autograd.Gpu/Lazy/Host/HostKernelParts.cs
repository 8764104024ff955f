using System.Diagnostics;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// A kernel whose vector loop and whose loop for the last elements are compiled apart, each when a run first needs it: most of what a first use costs is
/// the JIT's time, small tensors need only the scalar loop and sizes that are multiples of a vector only the other.
/// </summary>
internal sealed unsafe class HostKernelParts(FusedProgram program, HostLoops loops, int lanes, int laneSize)
{
    private HostKernel? _vectors;
    private HostKernel? _scalars;

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
        _vectors = HostKernelCompiler.CompileVectors(program, loops, lanes, laneSize);
        KernelTrace.Compiled(start);
        return _vectors;
    }

    private HostKernel CompileScalars()
    {
        long start = Stopwatch.GetTimestamp();
        _scalars = HostKernelCompiler.CompileScalars(program, lanes);
        KernelTrace.Compiled(start);
        return _scalars;
    }
}
