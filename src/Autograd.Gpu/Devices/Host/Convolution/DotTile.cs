using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The register tile of a weight gradient: dot products of some lines with each other.</summary>
internal static unsafe class DotTile
{
    /// <summary>
    /// c[i, j] += the sum over q of a[i * aRow + q] * b[offsets[j] + q], for one, two or four lines of a and one, three or six of b. <paramref name="length"/> is a multiple of
    /// the vector's length.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T, TVector, TOps, TRows, TColumns>(nint length, T* a, nint aRow, T* b, int* offsets, T* c, nint cRow)
        where T : unmanaged, System.Numerics.INumber<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TRows : struct, IConstant
        where TColumns : struct, IConstant
    {
        TVector s00 = default, s01 = default, s02 = default, s03 = default, s04 = default, s05 = default;
        TVector s10 = default, s11 = default, s12 = default, s13 = default, s14 = default, s15 = default;
        TVector s20 = default, s21 = default, s22 = default, s23 = default, s24 = default, s25 = default;
        TVector s30 = default, s31 = default, s32 = default, s33 = default, s34 = default, s35 = default;
        T* b0 = b + offsets[0];
        T* b1 = TColumns.Value > 1 ? b + offsets[1] : null, b2 = TColumns.Value > 1 ? b + offsets[2] : null;
        T* b3 = TColumns.Value > 3 ? b + offsets[3] : null, b4 = TColumns.Value > 3 ? b + offsets[4] : null, b5 = TColumns.Value > 3 ? b + offsets[5] : null;
        T* a2 = a + 2 * aRow;
        for (nint q = 0; q < length; q += TOps.Lanes)
        {
            TVector x0 = TOps.Load(a + q), x1 = default, x2 = default, x3 = default;
            if (TRows.Value > 1) x1 = TOps.Load(a + aRow + q);
            if (TRows.Value > 2)
            {
                x2 = TOps.Load(a2 + q);
                x3 = TOps.Load(a2 + aRow + q);
            }

            TVector y = TOps.Load(b0 + q);
            s00 = TOps.MultiplyAdd(x0, y, s00);
            if (TRows.Value > 1) s10 = TOps.MultiplyAdd(x1, y, s10);
            if (TRows.Value > 2)
            {
                s20 = TOps.MultiplyAdd(x2, y, s20);
                s30 = TOps.MultiplyAdd(x3, y, s30);
            }

            if (TColumns.Value > 1)
            {
                y = TOps.Load(b1 + q);
                s01 = TOps.MultiplyAdd(x0, y, s01);
                if (TRows.Value > 1) s11 = TOps.MultiplyAdd(x1, y, s11);
                if (TRows.Value > 2)
                {
                    s21 = TOps.MultiplyAdd(x2, y, s21);
                    s31 = TOps.MultiplyAdd(x3, y, s31);
                }

                y = TOps.Load(b2 + q);
                s02 = TOps.MultiplyAdd(x0, y, s02);
                if (TRows.Value > 1) s12 = TOps.MultiplyAdd(x1, y, s12);
                if (TRows.Value > 2)
                {
                    s22 = TOps.MultiplyAdd(x2, y, s22);
                    s32 = TOps.MultiplyAdd(x3, y, s32);
                }
            }

            if (TColumns.Value > 3)
            {
                y = TOps.Load(b3 + q);
                s03 = TOps.MultiplyAdd(x0, y, s03);
                if (TRows.Value > 1) s13 = TOps.MultiplyAdd(x1, y, s13);
                if (TRows.Value > 2)
                {
                    s23 = TOps.MultiplyAdd(x2, y, s23);
                    s33 = TOps.MultiplyAdd(x3, y, s33);
                }

                y = TOps.Load(b4 + q);
                s04 = TOps.MultiplyAdd(x0, y, s04);
                if (TRows.Value > 1) s14 = TOps.MultiplyAdd(x1, y, s14);
                if (TRows.Value > 2)
                {
                    s24 = TOps.MultiplyAdd(x2, y, s24);
                    s34 = TOps.MultiplyAdd(x3, y, s34);
                }

                y = TOps.Load(b5 + q);
                s05 = TOps.MultiplyAdd(x0, y, s05);
                if (TRows.Value > 1) s15 = TOps.MultiplyAdd(x1, y, s15);
                if (TRows.Value > 2)
                {
                    s25 = TOps.MultiplyAdd(x2, y, s25);
                    s35 = TOps.MultiplyAdd(x3, y, s35);
                }
            }
        }

        Add<T, TVector, TOps, TColumns>(c, s00, s01, s02, s03, s04, s05);
        if (TRows.Value > 1) Add<T, TVector, TOps, TColumns>(c + cRow, s10, s11, s12, s13, s14, s15);
        if (TRows.Value > 2)
        {
            Add<T, TVector, TOps, TColumns>(c + 2 * cRow, s20, s21, s22, s23, s24, s25);
            Add<T, TVector, TOps, TColumns>(c + 3 * cRow, s30, s31, s32, s33, s34, s35);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T, TVector, TOps, TColumns>(T* c, TVector s0, TVector s1, TVector s2, TVector s3, TVector s4, TVector s5)
        where T : unmanaged, System.Numerics.INumber<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TColumns : struct, IConstant
    {
        c[0] += TOps.Sum(s0);
        if (TColumns.Value > 1)
        {
            c[1] += TOps.Sum(s1);
            c[2] += TOps.Sum(s2);
        }

        if (TColumns.Value > 3)
        {
            c[3] += TOps.Sum(s3);
            c[4] += TOps.Sum(s4);
            c[5] += TOps.Sum(s5);
        }
    }
}
