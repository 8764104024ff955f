using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

internal readonly struct Three : IConstant
{
    public static int Value => 3;
}

/// <summary>
/// The register tile of a convolution: as <see cref="MatMulTile"/>, but each row of the right operand and each column of the left one is found through a table of distances, so that neither
/// patches of an image nor weights need be copied into a matrix.
/// </summary>
internal static unsafe class ConvolutionTile
{
    // From this depth on, fetching the rows of c during the products hides their latency.
    private const int PrefetchFrom = 64;

    /// <summary>
    /// c = a b, or c += a b, for one, two, four, six or eight rows and one to three vectors of columns. Row p of b starts at b + bOffsets[p], its vectors are bStep apart and those of
    /// c cStep, and element p of row i of a is at a + aOffsets[p] + i aRow. Each element sums its products in order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TOps, TRows, TVectors>(
        nint k, T* a, int* aOffsets, nint aRow, T* b, int* bOffsets, nint bStep, T* c, nint cRow, nint cStep, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        // Called before the accumulators live: across a call they would all lie in memory.
        if (accumulate && k >= PrefetchFrom) PrefetchRows<T, TRows, TVectors>(c, cRow, cStep);

        TVector s00 = default, s01 = default, s02 = default, s10 = default, s11 = default, s12 = default;
        TVector s20 = default, s21 = default, s22 = default, s30 = default, s31 = default, s32 = default;
        TVector s40 = default, s41 = default, s42 = default, s50 = default, s51 = default, s52 = default;
        TVector s60 = default, s61 = default, s62 = default, s70 = default, s71 = default, s72 = default;

        // Distances in bytes, since an address may have twice or four times one: then the registers suffice.
        nint rowBytes = aRow * sizeof(T), rowBytes3 = 3 * rowBytes, stepBytes = bStep * sizeof(T);
        nint aTable = (nint)((byte*)aOffsets - (byte*)bOffsets);
        for (int* at = bOffsets, end = bOffsets + k; at < end; at++)
        {
            byte* line = (byte*)(b + *at);
            byte* row = (byte*)(a + *(int*)((byte*)at + aTable));
            TVector y0 = TOps.Load((T*)line), y1 = TVectors.Value > 1 ? TOps.Load((T*)(line + stepBytes)) : default;
            TVector y2 = TVectors.Value > 2 ? TOps.Load((T*)(line + 2 * stepBytes)) : default;
            TVector x = TOps.Broadcast(*(T*)row);
            s00 = TOps.MultiplyAdd(x, y0, s00);
            if (TVectors.Value > 1) s01 = TOps.MultiplyAdd(x, y1, s01);
            if (TVectors.Value > 2) s02 = TOps.MultiplyAdd(x, y2, s02);
            if (TRows.Value > 1)
            {
                x = TOps.Broadcast(*(T*)(row + rowBytes));
                s10 = TOps.MultiplyAdd(x, y0, s10);
                if (TVectors.Value > 1) s11 = TOps.MultiplyAdd(x, y1, s11);
                if (TVectors.Value > 2) s12 = TOps.MultiplyAdd(x, y2, s12);
            }

            if (TRows.Value > 2)
            {
                x = TOps.Broadcast(*(T*)(row + 2 * rowBytes));
                s20 = TOps.MultiplyAdd(x, y0, s20);
                if (TVectors.Value > 1) s21 = TOps.MultiplyAdd(x, y1, s21);
                if (TVectors.Value > 2) s22 = TOps.MultiplyAdd(x, y2, s22);
                x = TOps.Broadcast(*(T*)(row + rowBytes3));
                s30 = TOps.MultiplyAdd(x, y0, s30);
                if (TVectors.Value > 1) s31 = TOps.MultiplyAdd(x, y1, s31);
                if (TVectors.Value > 2) s32 = TOps.MultiplyAdd(x, y2, s32);
            }

            if (TRows.Value > 4)
            {
                row += 4 * rowBytes;
                x = TOps.Broadcast(*(T*)row);
                s40 = TOps.MultiplyAdd(x, y0, s40);
                if (TVectors.Value > 1) s41 = TOps.MultiplyAdd(x, y1, s41);
                if (TVectors.Value > 2) s42 = TOps.MultiplyAdd(x, y2, s42);
                x = TOps.Broadcast(*(T*)(row + rowBytes));
                s50 = TOps.MultiplyAdd(x, y0, s50);
                if (TVectors.Value > 1) s51 = TOps.MultiplyAdd(x, y1, s51);
                if (TVectors.Value > 2) s52 = TOps.MultiplyAdd(x, y2, s52);
            }

            if (TRows.Value > 6)
            {
                x = TOps.Broadcast(*(T*)(row + 2 * rowBytes));
                s60 = TOps.MultiplyAdd(x, y0, s60);
                if (TVectors.Value > 1) s61 = TOps.MultiplyAdd(x, y1, s61);
                if (TVectors.Value > 2) s62 = TOps.MultiplyAdd(x, y2, s62);
                x = TOps.Broadcast(*(T*)(row + rowBytes3));
                s70 = TOps.MultiplyAdd(x, y0, s70);
                if (TVectors.Value > 1) s71 = TOps.MultiplyAdd(x, y1, s71);
                if (TVectors.Value > 2) s72 = TOps.MultiplyAdd(x, y2, s72);
            }
        }

        Store<T, TVector, TOps, TVectors>(c, s00, s01, s02, cStep, accumulate);
        if (TRows.Value > 1) Store<T, TVector, TOps, TVectors>(c + cRow, s10, s11, s12, cStep, accumulate);
        if (TRows.Value > 2)
        {
            Store<T, TVector, TOps, TVectors>(c + 2 * cRow, s20, s21, s22, cStep, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 3 * cRow, s30, s31, s32, cStep, accumulate);
        }

        if (TRows.Value > 4)
        {
            Store<T, TVector, TOps, TVectors>(c + 4 * cRow, s40, s41, s42, cStep, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 5 * cRow, s50, s51, s52, cStep, accumulate);
        }

        if (TRows.Value > 6)
        {
            Store<T, TVector, TOps, TVectors>(c + 6 * cRow, s60, s61, s62, cStep, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 7 * cRow, s70, s71, s72, cStep, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PrefetchRows<T, TRows, TVectors>(T* c, nint cRow, nint step)
        where T : unmanaged
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < TRows.Value; i++, c += cRow)
        {
            Sse.Prefetch0(c);
            if (TVectors.Value > 1) Sse.Prefetch0(c + step);
            if (TVectors.Value > 2) Sse.Prefetch0(c + 2 * step);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TVector, TOps, TVectors>(T* c, TVector v0, TVector v1, TVector v2, nint step, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TVectors : struct, IConstant
    {
        TOps.Store(accumulate ? TOps.Add(TOps.Load(c), v0) : v0, c);
        if (TVectors.Value > 1) TOps.Store(accumulate ? TOps.Add(TOps.Load(c + step), v1) : v1, c + step);
        if (TVectors.Value > 2) TOps.Store(accumulate ? TOps.Add(TOps.Load(c + 2 * step), v2) : v2, c + 2 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T, TVector, TOps, TVectors>(T* c, TVector left, TVector right, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TVectors : struct, IConstant => Store<T, TVector, TOps, TVectors>(c, left, right, default, TOps.Lanes, accumulate);
}
