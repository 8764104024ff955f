using ILGPU;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>A scan along lines of [Outer, Length, Inner] contiguous elements, each line in chunks.</summary>
public struct ScanArguments<T, TState, TResult>
    where T : unmanaged
    where TState : unmanaged
    where TResult : unmanaged
{
    /// <summary>The elements.</summary>
    public ArrayView<T> First;

    /// <summary>The second operand's; the first's if there is none.</summary>
    public ArrayView<T> Second;

    /// <summary>What is written.</summary>
    public ArrayView<TResult> Result;

    /// <summary>A state for each chunk: first its own, then that of all before it.</summary>
    public ArrayView<TState> Totals;

    /// <summary>Elements of a line.</summary>
    public long Length;

    /// <summary>Lines side by side.</summary>
    public long Inner;

    /// <summary>Chunks of a line.</summary>
    public long Chunks;

    /// <summary>Elements of a chunk.</summary>
    public long ChunkLength;

    /// <summary>1 to go from the end of the line to its start.</summary>
    public int Reverse;
}

/// <summary>Scans in three passes: the state of each chunk, the states before each chunk, the elements of each chunk from there.</summary>
public static class ScanKernels
{
    /// <summary>One thread for each chunk.</summary>
    public static void Totals<T, TState, TResult, TScan>(Index1D thread, ScanArguments<T, TState, TResult> x)
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        long e = thread.X;
        long row = e / x.Inner, i = e - row * x.Inner;
        long o = row / x.Chunks, chunk = row - o * x.Chunks;
        long start = chunk * x.ChunkLength, left = x.Length - start, count = left < x.ChunkLength ? left : x.ChunkLength;
        var state = TScan.Empty;
        for (long k = start; k < start + count; k++)
        {
            long position = x.Reverse != 0 ? x.Length - 1 - k : k;
            long at = (o * x.Length + position) * x.Inner + i;
            state = TScan.Combine(state, TScan.Of(x.First[at], x.Second[at], (int)position));
        }

        x.Totals[e] = state;
    }

    /// <summary>One thread for each line.</summary>
    public static void Prefixes<T, TState, TResult, TScan>(Index1D thread, ScanArguments<T, TState, TResult> x)
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        long line = thread.X;
        long o = line / x.Inner, i = line - o * x.Inner;
        var state = TScan.Empty;
        for (long chunk = 0; chunk < x.Chunks; chunk++)
        {
            long at = (o * x.Chunks + chunk) * x.Inner + i;
            var own = x.Totals[at];
            x.Totals[at] = state;
            state = TScan.Combine(state, own);
        }
    }

    /// <summary>One thread for each chunk.</summary>
    public static void Scan<T, TState, TResult, TScan>(Index1D thread, ScanArguments<T, TState, TResult> x)
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        long e = thread.X;
        long row = e / x.Inner, i = e - row * x.Inner;
        long o = row / x.Chunks, chunk = row - o * x.Chunks;
        long start = chunk * x.ChunkLength, left = x.Length - start, count = left < x.ChunkLength ? left : x.ChunkLength;
        var state = TScan.Empty;
        if (x.Chunks > 1)
        {
            state = x.Totals[e];
        }

        for (long k = start; k < start + count; k++)
        {
            long position = x.Reverse != 0 ? x.Length - 1 - k : k;
            long at = (o * x.Length + position) * x.Inner + i;
            state = TScan.Combine(state, TScan.Of(x.First[at], x.Second[at], (int)position));
            x.Result[at] = TScan.Result(state);
        }
    }
}
