using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy.Host;

/// <summary>The same loops with vectors of 512 bits, which the runtime's own vector type does not use.</summary>
internal static unsafe partial class ReduceLoops<T, TOperation>
{
    /// <summary>How many vectors ahead lines are fetched: a page, at whose end the processor's own look-ahead stops.</summary>
    private const int Ahead = 64;

    private static bool IsWide
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.IsHardwareAccelerated && HostMatMul.Width == HostVectorWidth.V512;
    }

    /// <summary>Whether the lanes, the largest numbers of a sum, are added in double: sixteen of them would cost four roundings.</summary>
    private static bool AddsInDouble
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => typeof(TOperation) == typeof(SumOperation<float>);
    }

    /// <summary>At least four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T WideBlock(T* p, nint count)
    {
        nint lanes = Vector512<T>.Count, i = 4 * lanes;
        Vector512<T> a0 = Vector512.Load(p), a1 = Vector512.Load(p + lanes), a2 = Vector512.Load(p + 2 * lanes), a3 = Vector512.Load(p + 3 * lanes);
        for (; i <= count - 8 * lanes; i += 8 * lanes)
        {
            T* q = p + i;
            a0 = TOperation.Combine(a0, TOperation.Combine(Vector512.Load(q), Vector512.Load(q + 4 * lanes)));
            a1 = TOperation.Combine(a1, TOperation.Combine(Vector512.Load(q + lanes), Vector512.Load(q + 5 * lanes)));
            a2 = TOperation.Combine(a2, TOperation.Combine(Vector512.Load(q + 2 * lanes), Vector512.Load(q + 6 * lanes)));
            a3 = TOperation.Combine(a3, TOperation.Combine(Vector512.Load(q + 3 * lanes), Vector512.Load(q + 7 * lanes)));
            RowAhead.FetchNextFour(q + Ahead * lanes);
            RowAhead.FetchNextFour(q + (Ahead + 4) * lanes);
        }

        if (i <= count - 4 * lanes)
        {
            a0 = TOperation.Combine(a0, Vector512.Load(p + i));
            a1 = TOperation.Combine(a1, Vector512.Load(p + i + lanes));
            a2 = TOperation.Combine(a2, Vector512.Load(p + i + 2 * lanes));
            a3 = TOperation.Combine(a3, Vector512.Load(p + i + 3 * lanes));
            i += 4 * lanes;
        }

        a0 = TOperation.Combine(TOperation.Combine(a0, a1), TOperation.Combine(a2, a3));
        for (; i <= count - lanes; i += lanes)
        {
            a0 = TOperation.Combine(a0, Vector512.Load(p + i));
        }

        if (i < count)
        {
            a0 = TOperation.Combine(a0, WideKeep(Vector512.Load(p + count - lanes), (int)(count - i), Vector512.Create(TOperation.Identity)));
        }

        if (AddsInDouble)
        {
            var (first, second) = Vector512.Widen(a0.AsSingle());
            return T.CreateTruncating((float)Vector512.Sum(first + second));
        }

        var (low, high) = (a0.GetLower(), a0.GetUpper());
        return Across(TOperation.Combine(
            TOperation.Combine(low.GetLower(), high.GetLower()), TOperation.Combine(low.GetUpper(), high.GetUpper())));
    }

    /// <summary>
    /// Rows of at least one vector. Combined by eight, but read by four: <paramref name="half"/> holds what the first four give. With eight streams a page apart, as
    /// rows often are, the first-level cache has no room for what is ahead.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WideColumns(T* acc, T* half, T* p, nint stride, int rows, nint width)
    {
        nint lanes = Vector512<T>.Count, full = width - width % lanes;
        int rest = (int)(width - full), row = 0;
        var identity = Vector512.Create(TOperation.Identity);
        for (; row <= rows - 8; row += 8, p += 8 * stride)
        {
            T* q = p + 4 * stride;
            for (nint c = 0; c < full; c += lanes)
            {
                WideFour(p + c, stride).Store(half + c);
            }

            for (nint c = 0; c < full; c += lanes)
            {
                var sum = TOperation.Combine(Vector512.Load(half + c), WideFour(q + c, stride));
                TOperation.Combine(Vector512.Load(acc + c), sum).Store(acc + c);
            }

            if (rest > 0)
            {
                nint c = width - lanes;
                var sum = WideKeep(TOperation.Combine(WideFour(p + c, stride), WideFour(q + c, stride)), rest, identity);
                TOperation.Combine(Vector512.Load(acc + c), sum).Store(acc + c);
            }
        }

        for (; row < rows; row++, p += stride)
        {
            for (nint c = 0; c < full; c += lanes)
            {
                TOperation.Combine(Vector512.Load(acc + c), Vector512.Load(p + c)).Store(acc + c);
            }

            if (rest > 0)
            {
                nint c = width - lanes;
                TOperation.Combine(Vector512.Load(acc + c), WideKeep(Vector512.Load(p + c), rest, identity)).Store(acc + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> WideFour(T* p, nint stride) => TOperation.Combine(
        TOperation.Combine(Vector512.Load(p), Vector512.Load(p + stride)),
        TOperation.Combine(Vector512.Load(p + 2 * stride), Vector512.Load(p + 3 * stride)));

    /// <summary>The last <paramref name="kept"/> lanes of <paramref name="v"/>, and the neutral element in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> WideKeep(Vector512<T> v, int kept, Vector512<T> identity) => Vector512.ConditionalSelect(
        Vector512.GreaterThanOrEqual(Vector512<T>.Indices, Vector512.Create(T.CreateTruncating(Vector512<T>.Count - kept))), v, identity);
}
