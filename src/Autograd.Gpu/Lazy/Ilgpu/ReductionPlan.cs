using System.Numerics;
using Autograd.Gpu.Kernels.Fused;

namespace Autograd.Gpu.Lazy.Ilgpu;

/// <summary>
/// How a reduction is laid out on a device. It depends on the shape alone, never on the load, so that it gives the same bits each time.
/// </summary>
/// <param name="IsRows">A group for each part (neighbouring elements), otherwise a thread.</param>
/// <param name="Splits">Parts of each result. More than one needs a second pass over the partial states.</param>
/// <param name="SplitLength">Elements of a part.</param>
internal readonly record struct ReductionPlan(bool IsRows, int Splits, int SplitLength)
{
    /// <summary>A row of fewer elements is work for one thread.</summary>
    private const int ShortestRow = 32;

    /// <summary>Groups, and threads, that fill a large GPU; fewer results than that are split.</summary>
    private const int ManyGroups = 1024;
    private const int ManyThreads = 1 << 17;

    /// <summary>A part is at least this long: below, the second pass would cost more than it saves.</summary>
    private const int ShortestRowPart = 4096;
    private const int ShortestColumnPart = 32;

    public static ReductionPlan For(ReductionShape shape)
    {
        bool isRows = shape.Inner == 1 && shape.Reduced >= ShortestRow;
        long wanted = (isRows ? ManyGroups : ManyThreads) / shape.Results;
        long most = shape.Reduced / (isRows ? ShortestRowPart : ShortestColumnPart);
        long splits = Math.Max(1, Math.Min(wanted, most));
        long length = (shape.Reduced + splits - 1) / splits;
        splits = length == 0 ? 1 : (shape.Reduced + length - 1) / length;
        return new ReductionPlan(isRows, (int)splits, (int)length);
    }

    /// <summary>Threads of a group, a power of two: each has four elements or more, unless the row is short.</summary>
    public int GroupSize(int most)
    {
        int wanted = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(SplitLength / 4, 32, FusedKernels.MaxGroupSize));
        return Math.Min(wanted, 1 << BitOperations.Log2((uint)most));
    }
}
