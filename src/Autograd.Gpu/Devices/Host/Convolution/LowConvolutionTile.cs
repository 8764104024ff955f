using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The register tile of a convolution with few rows (an image's gradient has three): as <see cref="ConvolutionTile"/>, but low and wide, since few rows of two vectors wait for each other's
/// products.
/// </summary>
internal static unsafe class LowConvolutionTile
{
    /// <summary>The rows that a tile has at most.</summary>
    public const int MostRows = 4;

    /// <summary>c = a b for one to four rows and one to four, six or eight vectors of columns, at most 24 of both. Each element sums its products in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TOps, TRows, TVectors>(nint k, T* a, int* aOffsets, nint aRow, T* b, int* bOffsets, T* c, nint cRow)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        TVector s00 = default, s01 = default, s02 = default, s03 = default, s04 = default, s05 = default, s06 = default, s07 = default;
        TVector s10 = default, s11 = default, s12 = default, s13 = default, s14 = default, s15 = default, s16 = default, s17 = default;
        TVector s20 = default, s21 = default, s22 = default, s23 = default, s24 = default, s25 = default, s26 = default, s27 = default;
        TVector s30 = default, s31 = default, s32 = default, s33 = default, s34 = default, s35 = default, s36 = default, s37 = default;
        nint aRow2 = 2 * aRow, aRow3 = 3 * aRow;
        for (nint p = 0; p < k; p++)
        {
            T* line = b + bOffsets[p], row = a + aOffsets[p];
            TVector x0 = TOps.Broadcast(row[0]), x1 = TRows.Value > 1 ? TOps.Broadcast(row[aRow]) : default;
            TVector x2 = TRows.Value > 2 ? TOps.Broadcast(row[aRow2]) : default, x3 = TRows.Value > 3 ? TOps.Broadcast(row[aRow3]) : default;
            var y = TOps.Load(line);
            s00 = TOps.MultiplyAdd(x0, y, s00);
            if (TRows.Value > 1) s10 = TOps.MultiplyAdd(x1, y, s10);
            if (TRows.Value > 2) s20 = TOps.MultiplyAdd(x2, y, s20);
            if (TRows.Value > 3) s30 = TOps.MultiplyAdd(x3, y, s30);
            if (TVectors.Value > 1)
            {
                y = TOps.Load(line + TOps.Lanes);
                s01 = TOps.MultiplyAdd(x0, y, s01);
                if (TRows.Value > 1) s11 = TOps.MultiplyAdd(x1, y, s11);
                if (TRows.Value > 2) s21 = TOps.MultiplyAdd(x2, y, s21);
                if (TRows.Value > 3) s31 = TOps.MultiplyAdd(x3, y, s31);
            }

            if (TVectors.Value > 2)
            {
                y = TOps.Load(line + 2 * TOps.Lanes);
                s02 = TOps.MultiplyAdd(x0, y, s02);
                if (TRows.Value > 1) s12 = TOps.MultiplyAdd(x1, y, s12);
                if (TRows.Value > 2) s22 = TOps.MultiplyAdd(x2, y, s22);
                if (TRows.Value > 3) s32 = TOps.MultiplyAdd(x3, y, s32);
            }

            if (TVectors.Value > 3)
            {
                y = TOps.Load(line + 3 * TOps.Lanes);
                s03 = TOps.MultiplyAdd(x0, y, s03);
                if (TRows.Value > 1) s13 = TOps.MultiplyAdd(x1, y, s13);
                if (TRows.Value > 2) s23 = TOps.MultiplyAdd(x2, y, s23);
                if (TRows.Value > 3) s33 = TOps.MultiplyAdd(x3, y, s33);
            }

            if (TVectors.Value > 4)
            {
                y = TOps.Load(line + 4 * TOps.Lanes);
                s04 = TOps.MultiplyAdd(x0, y, s04);
                if (TRows.Value > 1) s14 = TOps.MultiplyAdd(x1, y, s14);
                if (TRows.Value > 2) s24 = TOps.MultiplyAdd(x2, y, s24);
                if (TRows.Value > 3) s34 = TOps.MultiplyAdd(x3, y, s34);
                y = TOps.Load(line + 5 * TOps.Lanes);
                s05 = TOps.MultiplyAdd(x0, y, s05);
                if (TRows.Value > 1) s15 = TOps.MultiplyAdd(x1, y, s15);
                if (TRows.Value > 2) s25 = TOps.MultiplyAdd(x2, y, s25);
                if (TRows.Value > 3) s35 = TOps.MultiplyAdd(x3, y, s35);
            }

            if (TVectors.Value > 6)
            {
                y = TOps.Load(line + 6 * TOps.Lanes);
                s06 = TOps.MultiplyAdd(x0, y, s06);
                if (TRows.Value > 1) s16 = TOps.MultiplyAdd(x1, y, s16);
                if (TRows.Value > 2) s26 = TOps.MultiplyAdd(x2, y, s26);
                if (TRows.Value > 3) s36 = TOps.MultiplyAdd(x3, y, s36);
                y = TOps.Load(line + 7 * TOps.Lanes);
                s07 = TOps.MultiplyAdd(x0, y, s07);
                if (TRows.Value > 1) s17 = TOps.MultiplyAdd(x1, y, s17);
                if (TRows.Value > 2) s27 = TOps.MultiplyAdd(x2, y, s27);
                if (TRows.Value > 3) s37 = TOps.MultiplyAdd(x3, y, s37);
            }
        }

        Store<T, TVector, TOps, TVectors>(c, s00, s01, s02, s03, s04, s05, s06, s07);
        if (TRows.Value > 1) Store<T, TVector, TOps, TVectors>(c + cRow, s10, s11, s12, s13, s14, s15, s16, s17);
        if (TRows.Value > 2) Store<T, TVector, TOps, TVectors>(c + 2 * cRow, s20, s21, s22, s23, s24, s25, s26, s27);
        if (TRows.Value > 3) Store<T, TVector, TOps, TVectors>(c + 3 * cRow, s30, s31, s32, s33, s34, s35, s36, s37);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T, TVector, TOps, TVectors>(
        T* c, TVector s0, TVector s1, TVector s2, TVector s3, TVector s4, TVector s5, TVector s6, TVector s7)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TVectors : struct, IConstant
    {
        TOps.Store(s0, c);
        if (TVectors.Value > 1) TOps.Store(s1, c + TOps.Lanes);
        if (TVectors.Value > 2) TOps.Store(s2, c + 2 * TOps.Lanes);
        if (TVectors.Value > 3) TOps.Store(s3, c + 3 * TOps.Lanes);
        if (TVectors.Value > 4)
        {
            TOps.Store(s4, c + 4 * TOps.Lanes);
            TOps.Store(s5, c + 5 * TOps.Lanes);
        }

        if (TVectors.Value > 6)
        {
            TOps.Store(s6, c + 6 * TOps.Lanes);
            TOps.Store(s7, c + 7 * TOps.Lanes);
        }
    }
}
