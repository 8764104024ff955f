using System.Runtime.CompilerServices;
using ILGPU;

namespace Autograd.Gpu.Kernels.Fused;

/// <summary>
/// The loops of all fused kernels, generic over the program. Indices are 32-bit: whoever launches sees to it that no launch has more than
/// 2^31 - 1 elements. Every reduction has a fixed partition, so that it gives the same bits each time.
/// </summary>
public static class FusedKernels
{
    /// <summary>The most threads of a group; <see cref="ReduceRows"/> takes a power of two of them.</summary>
    public const int MaxGroupSize = 256;

    /// <summary>
    /// Rounds of four elements that are added up before they join the total: sums of many elements lose digits with the square root of
    /// the number of blocks and not of the number of elements, at worst.
    /// </summary>
    private const int RoundsPerBlock = 64;

    /// <summary>One thread an element.</summary>
    public static void Pointwise<TBody>(Index1D index, FusedArgs args)
        where TBody : struct, IFusedBody => default(TBody).Store(index, args);

    /// <summary>One thread for each part of each result; neighbours work on neighbouring results.</summary>
    public static void ReduceColumns<TBody, TReduction, TStore, TValue, TState>(Index1D index, FusedArgs args, ReductionArgs reduction)
        where TBody : struct, IFusedValue<TValue>
        where TReduction : struct, IReduction<TValue, TState>
        where TStore : struct, IResultStore<TState>
        where TValue : unmanaged
        where TState : unmanaged
    {
        int split = index / reduction.Results;
        int result = index - split * reduction.Results;
        int outer = result / reduction.Inner;
        int origin = outer * reduction.Reduced * reduction.Inner + (result - outer * reduction.Inner);
        int begin = split * reduction.SplitLength;
        int end = begin + IntrinsicMath.Min(reduction.SplitLength, reduction.Reduced - begin);
        var state = Accumulate<TBody, TReduction, TValue, TState>(args, origin, reduction.Inner, begin, end, 1);
        default(TStore).Store(reduction.Result, result * reduction.Splits + split, state);
    }

    /// <summary>One group for each part of each result, whose elements are neighbours (Inner is 1).</summary>
    public static void ReduceRows<TBody, TReduction, TStore, TValue, TState>(FusedArgs args, ReductionArgs reduction)
        where TBody : struct, IFusedValue<TValue>
        where TReduction : struct, IReduction<TValue, TState>
        where TStore : struct, IResultStore<TState>
        where TValue : unmanaged
        where TState : unmanaged
    {
        int thread = Group.IdxX;
        int result = Grid.IdxX / reduction.Splits;
        int begin = (Grid.IdxX - result * reduction.Splits) * reduction.SplitLength;
        int end = begin + IntrinsicMath.Min(reduction.SplitLength, reduction.Reduced - begin);
        var states = SharedMemory.Allocate<TState>(MaxGroupSize);
        states[thread] = Accumulate<TBody, TReduction, TValue, TState>(args, result * reduction.Reduced, 1, begin + thread, end, Group.DimX);
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (thread < half)
                states[thread] = default(TReduction).Combine(states[thread], states[thread + half]);
            Group.Barrier();
        }

        if (thread == 0)
            default(TStore).Store(reduction.Result, Grid.IdxX, states[0]);
    }

    /// <summary>
    /// Reduces every <paramref name="step"/>th element from <paramref name="begin"/> on. Four elements are loaded before the first is
    /// used, for a thread that waits for each load leaves half of the memory's speed unused.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TState Accumulate<TBody, TReduction, TValue, TState>(FusedArgs args, int origin, int inner, int begin, int end, int step)
        where TBody : struct, IFusedValue<TValue>
        where TReduction : struct, IReduction<TValue, TState>
        where TValue : unmanaged
        where TState : unmanaged
    {
        TBody body = default;
        TReduction reduction = default;
        var total = reduction.Empty;
        int at = begin;
        while (at < end)
        {
            TState state0 = reduction.Empty, state1 = state0, state2 = state0, state3 = state0;
            for (int round = 0; round < RoundsPerBlock && at < end; round++)
            {
                // Past the end the first element is loaded again and not counted; the differences cannot overflow, the sums could.
                int left = end - at;
                bool has1 = step < left, has2 = 2 * step < left, has3 = 3 * step < left;
                int at1 = has1 ? at + step : at, at2 = has2 ? at + 2 * step : at, at3 = has3 ? at + 3 * step : at;
                var value0 = body.Value(origin + at * inner, args);
                var value1 = body.Value(origin + at1 * inner, args);
                var value2 = body.Value(origin + at2 * inner, args);
                var value3 = body.Value(origin + at3 * inner, args);
                state0 = reduction.Combine(state0, reduction.Of(value0, at));
                if (has1)
                    state1 = reduction.Combine(state1, reduction.Of(value1, at1));
                if (has2)
                    state2 = reduction.Combine(state2, reduction.Of(value2, at2));
                if (has3)
                    state3 = reduction.Combine(state3, reduction.Of(value3, at3));
                at = 4 * step < left ? at + 4 * step : end;
            }

            total = reduction.Combine(total, reduction.Combine(reduction.Combine(state0, state1), reduction.Combine(state2, state3)));
        }

        return total;
    }
}
