using ILGPU;

namespace Autograd.Gpu.Kernels.Sampling;

/// <summary>Where samples come from and go to. All operands are contiguous.</summary>
public struct SampleArguments
{
    /// <summary>The first parameter of each element.</summary>
    public ArrayView<double> First;

    /// <summary>The second one, where there are two.</summary>
    public ArrayView<double> Second;

    /// <summary>The samples.</summary>
    public ArrayView<double> Result;

    /// <summary>The key.</summary>
    public ulong Seed;

    /// <summary>The counter of sequence 0.</summary>
    public ulong Offset;

    /// <summary>Elements that share their sequences in turns of <see cref="Period"/>.</summary>
    public long Block;

    /// <summary>Sequences of a block.</summary>
    public long Period;

    /// <summary>Whether there is a second parameter.</summary>
    public int HasSecond;

    /// <summary>The second parameter of all elements, where there is one only.</summary>
    public double Constant;
}

/// <summary>Draws samples, a thread for each.</summary>
public static class SampleKernels
{
    /// <summary>One element.</summary>
    public static void Sample<TSampler>(Index1D thread, SampleArguments x) where TSampler : struct, ISampler
    {
        long e = thread.X;
        var random = PhiloxSequence.Of(x.Seed, x.Offset + (ulong)Sequence(e, x.Block, x.Period));
        x.Result[e] = TSampler.Sample(x.First[e], x.HasSecond != 0 ? x.Second[e] : x.Constant, ref random);
    }

    /// <summary>The sequence that an element takes its random numbers from.</summary>
    public static long Sequence(long element, long block, long period) => element / block * period + element % period;
}
