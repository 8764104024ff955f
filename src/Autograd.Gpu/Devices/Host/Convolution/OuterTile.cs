using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The register tile of a weight gradient with many output channels: their gradients are packed beside one another, and each of the tile's rows is one tap of one channel, whose elements are
/// taken one by one. Nothing but the definition's own products is computed, and no vector is summed up.
/// </summary>
internal static unsafe class OuterTile
{
    /// <summary>
    /// c = a b, or c += a b, for one to twelve rows and one or two vectors of columns. Row i of a is read from a + offsets[i] on, in runs of <paramref name="width"/> elements: <paramref name="rows"/>
    /// of them for each image. b has a row for each such element. Each element of c sums its products in order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TOps, TRows, TVectors>(
        T* a, int* offsets, int images, nint image, int rows, nint pitch, int width, T* b, T* c, nint cRow, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        TVector l0 = default, r0 = default;
        TVector l1 = default, r1 = default;
        TVector l2 = default, r2 = default;
        TVector l3 = default, r3 = default;
        TVector l4 = default, r4 = default;
        TVector l5 = default, r5 = default;
        TVector l6 = default, r6 = default;
        TVector l7 = default, r7 = default;
        TVector l8 = default, r8 = default;
        TVector l9 = default, r9 = default;
        TVector l10 = default, r10 = default;
        TVector l11 = default, r11 = default;
        T* p0 = a + offsets[0];
        T* p1 = TRows.Value > 1 ? a + offsets[1] : null;
        T* p2 = TRows.Value > 2 ? a + offsets[2] : null, p3 = TRows.Value > 2 ? a + offsets[3] : null;
        T* p4 = TRows.Value > 4 ? a + offsets[4] : null, p5 = TRows.Value > 4 ? a + offsets[5] : null;
        T* p6 = TRows.Value > 6 ? a + offsets[6] : null, p7 = TRows.Value > 6 ? a + offsets[7] : null;
        T* p8 = TRows.Value > 8 ? a + offsets[8] : null, p9 = TRows.Value > 8 ? a + offsets[9] : null, p10 = TRows.Value > 8 ? a + offsets[10] : null, p11 = TRows.Value > 8 ? a + offsets[11] : null;
        for (int i = 0; i < images; i++)
        {
            for (int r = 0; r < rows; r++)
            {
                nint at = i * image + r * pitch, end = at + width;
                for (; at < end; at++, b += TVectors.Value * TOps.Lanes)
                {
                    TVector left = TOps.Load(b), right = TVectors.Value == 2 ? TOps.Load(b + TOps.Lanes) : default;
                    TVector x = TOps.Broadcast(p0[at]);
                    l0 = TOps.MultiplyAdd(x, left, l0);
                    if (TVectors.Value == 2) r0 = TOps.MultiplyAdd(x, right, r0);
                    if (TRows.Value > 1)
                    {
                        x = TOps.Broadcast(p1[at]);
                        l1 = TOps.MultiplyAdd(x, left, l1);
                        if (TVectors.Value == 2) r1 = TOps.MultiplyAdd(x, right, r1);
                    }

                    if (TRows.Value > 2)
                    {
                        x = TOps.Broadcast(p2[at]);
                        l2 = TOps.MultiplyAdd(x, left, l2);
                        if (TVectors.Value == 2) r2 = TOps.MultiplyAdd(x, right, r2);
                        x = TOps.Broadcast(p3[at]);
                        l3 = TOps.MultiplyAdd(x, left, l3);
                        if (TVectors.Value == 2) r3 = TOps.MultiplyAdd(x, right, r3);
                    }

                    if (TRows.Value > 4)
                    {
                        x = TOps.Broadcast(p4[at]);
                        l4 = TOps.MultiplyAdd(x, left, l4);
                        if (TVectors.Value == 2) r4 = TOps.MultiplyAdd(x, right, r4);
                        x = TOps.Broadcast(p5[at]);
                        l5 = TOps.MultiplyAdd(x, left, l5);
                        if (TVectors.Value == 2) r5 = TOps.MultiplyAdd(x, right, r5);
                    }

                    if (TRows.Value > 6)
                    {
                        x = TOps.Broadcast(p6[at]);
                        l6 = TOps.MultiplyAdd(x, left, l6);
                        if (TVectors.Value == 2) r6 = TOps.MultiplyAdd(x, right, r6);
                        x = TOps.Broadcast(p7[at]);
                        l7 = TOps.MultiplyAdd(x, left, l7);
                        if (TVectors.Value == 2) r7 = TOps.MultiplyAdd(x, right, r7);
                    }

                    if (TRows.Value > 8)
                    {
                        x = TOps.Broadcast(p8[at]);
                        l8 = TOps.MultiplyAdd(x, left, l8);
                        if (TVectors.Value == 2) r8 = TOps.MultiplyAdd(x, right, r8);
                        x = TOps.Broadcast(p9[at]);
                        l9 = TOps.MultiplyAdd(x, left, l9);
                        if (TVectors.Value == 2) r9 = TOps.MultiplyAdd(x, right, r9);
                        x = TOps.Broadcast(p10[at]);
                        l10 = TOps.MultiplyAdd(x, left, l10);
                        if (TVectors.Value == 2) r10 = TOps.MultiplyAdd(x, right, r10);
                        x = TOps.Broadcast(p11[at]);
                        l11 = TOps.MultiplyAdd(x, left, l11);
                        if (TVectors.Value == 2) r11 = TOps.MultiplyAdd(x, right, r11);
                    }
                }
            }
        }

        ConvolutionTile.Store<T, TVector, TOps, TVectors>(c, l0, r0, accumulate);
        if (TRows.Value > 1) ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + cRow, l1, r1, accumulate);
        if (TRows.Value > 2)
        {
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 2 * cRow, l2, r2, accumulate);
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 3 * cRow, l3, r3, accumulate);
        }

        if (TRows.Value > 4)
        {
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 4 * cRow, l4, r4, accumulate);
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 5 * cRow, l5, r5, accumulate);
        }

        if (TRows.Value > 6)
        {
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 6 * cRow, l6, r6, accumulate);
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 7 * cRow, l7, r7, accumulate);
        }

        if (TRows.Value > 8)
        {
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 8 * cRow, l8, r8, accumulate);
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 9 * cRow, l9, r9, accumulate);
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 10 * cRow, l10, r10, accumulate);
            ConvolutionTile.Store<T, TVector, TOps, TVectors>(c + 11 * cRow, l11, r11, accumulate);
        }
    }
}
