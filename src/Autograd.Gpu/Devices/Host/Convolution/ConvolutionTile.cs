using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The register tile of a convolution: as <see cref="MatMulTile"/>, but each row of the right operand is found through a table of distances, so that
/// patches of an image need not be copied into a matrix.
/// </summary>
internal static unsafe class ConvolutionTile
{
    /// <summary>
    /// c = a b, or c += a b, for one to twelve rows and one or two vectors of columns. Row p of b starts at b + offsets[p]; a is packed, its rows
    /// adjacent for each p. Each element sums its products in order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TOps, TRows, TVectors>(nint k, T* a, T* b, int* offsets, T* c, nint cRow, bool accumulate)
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
        for (nint p = 0; p < k; p++)
        {
            T* line = b + offsets[p];
            TVector left = TOps.Load(line), right = TVectors.Value == 2 ? TOps.Load(line + TOps.Lanes) : default;
            TVector x = TOps.Broadcast(a[0]);
            l0 = TOps.MultiplyAdd(x, left, l0);
            if (TVectors.Value == 2) r0 = TOps.MultiplyAdd(x, right, r0);
            if (TRows.Value > 1)
            {
                x = TOps.Broadcast(a[1]);
                l1 = TOps.MultiplyAdd(x, left, l1);
                if (TVectors.Value == 2) r1 = TOps.MultiplyAdd(x, right, r1);
            }

            if (TRows.Value > 2)
            {
                x = TOps.Broadcast(a[2]);
                l2 = TOps.MultiplyAdd(x, left, l2);
                if (TVectors.Value == 2) r2 = TOps.MultiplyAdd(x, right, r2);
                x = TOps.Broadcast(a[3]);
                l3 = TOps.MultiplyAdd(x, left, l3);
                if (TVectors.Value == 2) r3 = TOps.MultiplyAdd(x, right, r3);
            }

            if (TRows.Value > 4)
            {
                x = TOps.Broadcast(a[4]);
                l4 = TOps.MultiplyAdd(x, left, l4);
                if (TVectors.Value == 2) r4 = TOps.MultiplyAdd(x, right, r4);
                x = TOps.Broadcast(a[5]);
                l5 = TOps.MultiplyAdd(x, left, l5);
                if (TVectors.Value == 2) r5 = TOps.MultiplyAdd(x, right, r5);
            }

            if (TRows.Value > 6)
            {
                x = TOps.Broadcast(a[6]);
                l6 = TOps.MultiplyAdd(x, left, l6);
                if (TVectors.Value == 2) r6 = TOps.MultiplyAdd(x, right, r6);
                x = TOps.Broadcast(a[7]);
                l7 = TOps.MultiplyAdd(x, left, l7);
                if (TVectors.Value == 2) r7 = TOps.MultiplyAdd(x, right, r7);
            }

            if (TRows.Value > 8)
            {
                x = TOps.Broadcast(a[8]);
                l8 = TOps.MultiplyAdd(x, left, l8);
                if (TVectors.Value == 2) r8 = TOps.MultiplyAdd(x, right, r8);
                x = TOps.Broadcast(a[9]);
                l9 = TOps.MultiplyAdd(x, left, l9);
                if (TVectors.Value == 2) r9 = TOps.MultiplyAdd(x, right, r9);
                x = TOps.Broadcast(a[10]);
                l10 = TOps.MultiplyAdd(x, left, l10);
                if (TVectors.Value == 2) r10 = TOps.MultiplyAdd(x, right, r10);
                x = TOps.Broadcast(a[11]);
                l11 = TOps.MultiplyAdd(x, left, l11);
                if (TVectors.Value == 2) r11 = TOps.MultiplyAdd(x, right, r11);
            }

            a += TRows.Value;
        }

        Store<T, TVector, TOps, TVectors>(c, l0, r0, accumulate);
        if (TRows.Value > 1) Store<T, TVector, TOps, TVectors>(c + cRow, l1, r1, accumulate);
        if (TRows.Value > 2)
        {
            Store<T, TVector, TOps, TVectors>(c + 2 * cRow, l2, r2, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 3 * cRow, l3, r3, accumulate);
        }

        if (TRows.Value > 4)
        {
            Store<T, TVector, TOps, TVectors>(c + 4 * cRow, l4, r4, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 5 * cRow, l5, r5, accumulate);
        }

        if (TRows.Value > 6)
        {
            Store<T, TVector, TOps, TVectors>(c + 6 * cRow, l6, r6, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 7 * cRow, l7, r7, accumulate);
        }

        if (TRows.Value > 8)
        {
            Store<T, TVector, TOps, TVectors>(c + 8 * cRow, l8, r8, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 9 * cRow, l9, r9, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 10 * cRow, l10, r10, accumulate);
            Store<T, TVector, TOps, TVectors>(c + 11 * cRow, l11, r11, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T, TVector, TOps, TVectors>(T* c, TVector left, TVector right, bool accumulate)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TVectors : struct, IConstant
    {
        TOps.Store(accumulate ? TOps.Add(TOps.Load(c), left) : left, c);
        if (TVectors.Value == 2)
            TOps.Store(accumulate ? TOps.Add(TOps.Load(c + TOps.Lanes), right) : right, c + TOps.Lanes);
    }
}
