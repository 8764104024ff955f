using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The loops of a depthwise convolution over one plane. Rows and columns that do not fill the last block are computed twice, with the same result: a plane has at least as many of both
/// as a block. Each element sums its products in the order of the taps.
/// </summary>
internal static unsafe class DepthwiseTile
{
    /// <summary>
    /// target[r, x] = the sum over t of weights[t] * source[r * pitch + x + offsets[t]], for rows in blocks of eight, four or one.
    /// </summary>
    public static void Rows<T, TVector, TOps>(int taps, int* offsets, T* weights, T* source, nint pitch, int rows, int columns, T* target, nint targetRow)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        int block = rows >= 8 ? 8 : rows >= 4 ? 4 : 1;
        for (int done = 0; done < rows; done += block)
        {
            int row = Math.Min(done, rows - block);
            T* from = source + row * pitch, to = target + row * targetRow;
            if (block == 8)
                Block<T, TVector, TOps, Eight>(taps, offsets, weights, from, pitch, columns, to, targetRow);
            else if (block == 4)
                Block<T, TVector, TOps, Four>(taps, offsets, weights, from, pitch, columns, to, targetRow);
            else
                Block<T, TVector, TOps, One>(taps, offsets, weights, from, pitch, columns, to, targetRow);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<T, TVector, TOps, TRows>(int taps, int* offsets, T* weights, T* source, nint pitch, int columns, T* target, nint targetRow)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TRows : struct, IConstant
    {
        nint pitch3 = 3 * pitch;
        for (int done = 0; done < columns; done += TOps.Lanes)
        {
            int column = Math.Min(done, columns - TOps.Lanes);
            TVector s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            for (int t = 0; t < taps; t++)
            {
                T* from = source + column + offsets[t];
                var w = TOps.Broadcast(weights[t]);
                s0 = TOps.MultiplyAdd(w, TOps.Load(from), s0);
                if (TRows.Value > 1)
                {
                    s1 = TOps.MultiplyAdd(w, TOps.Load(from + pitch), s1);
                    s2 = TOps.MultiplyAdd(w, TOps.Load(from + 2 * pitch), s2);
                    s3 = TOps.MultiplyAdd(w, TOps.Load(from + pitch3), s3);
                }

                if (TRows.Value > 4)
                {
                    from += 4 * pitch;
                    s4 = TOps.MultiplyAdd(w, TOps.Load(from), s4);
                    s5 = TOps.MultiplyAdd(w, TOps.Load(from + pitch), s5);
                    s6 = TOps.MultiplyAdd(w, TOps.Load(from + 2 * pitch), s6);
                    s7 = TOps.MultiplyAdd(w, TOps.Load(from + pitch3), s7);
                }
            }

            T* to = target + column;
            TOps.Store(s0, to);
            if (TRows.Value > 1)
            {
                TOps.Store(s1, to + targetRow);
                TOps.Store(s2, to + 2 * targetRow);
                TOps.Store(s3, to + 3 * targetRow);
            }

            if (TRows.Value > 4)
            {
                to += 4 * targetRow;
                TOps.Store(s4, to);
                TOps.Store(s5, to + targetRow);
                TOps.Store(s6, to + 2 * targetRow);
                TOps.Store(s7, to + 3 * targetRow);
            }
        }
    }

    /// <summary>As <see cref="Rows"/> for nine taps beside one another, ordered by where they look, and at least four rows: what is loaded serves four of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dense3x3<T, TVector, TOps>(T* weights, T* source, nint pitch, int rows, int columns, T* target, nint targetRow)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        TVector w0 = TOps.Broadcast(weights[0]), w1 = TOps.Broadcast(weights[1]), w2 = TOps.Broadcast(weights[2]);
        TVector w3 = TOps.Broadcast(weights[3]), w4 = TOps.Broadcast(weights[4]), w5 = TOps.Broadcast(weights[5]);
        TVector w6 = TOps.Broadcast(weights[6]), w7 = TOps.Broadcast(weights[7]), w8 = TOps.Broadcast(weights[8]);
        for (int doneRows = 0; doneRows < rows; doneRows += 4)
        {
            int row = Math.Min(doneRows, rows - 4);
            for (int done = 0; done < columns; done += TOps.Lanes)
            {
                int column = Math.Min(done, columns - TOps.Lanes);
                T* from = source + row * pitch + column;
                TVector a = TOps.Load(from), b = TOps.Load(from + 1), c = TOps.Load(from + 2);
                var s0 = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
                from += pitch;
                (a, b, c) = (TOps.Load(from), TOps.Load(from + 1), TOps.Load(from + 2));
                s0 = TOps.MultiplyAdd(w5, c, TOps.MultiplyAdd(w4, b, TOps.MultiplyAdd(w3, a, s0)));
                var s1 = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
                from += pitch;
                (a, b, c) = (TOps.Load(from), TOps.Load(from + 1), TOps.Load(from + 2));
                s0 = TOps.MultiplyAdd(w8, c, TOps.MultiplyAdd(w7, b, TOps.MultiplyAdd(w6, a, s0)));
                s1 = TOps.MultiplyAdd(w5, c, TOps.MultiplyAdd(w4, b, TOps.MultiplyAdd(w3, a, s1)));
                var s2 = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
                from += pitch;
                (a, b, c) = (TOps.Load(from), TOps.Load(from + 1), TOps.Load(from + 2));
                s1 = TOps.MultiplyAdd(w8, c, TOps.MultiplyAdd(w7, b, TOps.MultiplyAdd(w6, a, s1)));
                s2 = TOps.MultiplyAdd(w5, c, TOps.MultiplyAdd(w4, b, TOps.MultiplyAdd(w3, a, s2)));
                var s3 = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
                from += pitch;
                (a, b, c) = (TOps.Load(from), TOps.Load(from + 1), TOps.Load(from + 2));
                s2 = TOps.MultiplyAdd(w8, c, TOps.MultiplyAdd(w7, b, TOps.MultiplyAdd(w6, a, s2)));
                s3 = TOps.MultiplyAdd(w5, c, TOps.MultiplyAdd(w4, b, TOps.MultiplyAdd(w3, a, s3)));
                from += pitch;
                (a, b, c) = (TOps.Load(from), TOps.Load(from + 1), TOps.Load(from + 2));
                s3 = TOps.MultiplyAdd(w8, c, TOps.MultiplyAdd(w7, b, TOps.MultiplyAdd(w6, a, s3)));
                T* to = target + row * targetRow + column;
                TOps.Store(s0, to);
                TOps.Store(s1, to + targetRow);
                TOps.Store(s2, to + 2 * targetRow);
                TOps.Store(s3, to + 3 * targetRow);
            }
        }
    }

    /// <summary>
    /// sums[t] += the sum over r and x of gradient[r, x] * source[r * pitch + x + offsets[t]], for one or four taps. The columns of the last vector that were counted before are
    /// taken out by <paramref name="tail"/>, whose elements are 0 or 1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dots<T, TVector, TOps, TTaps>(int* offsets, T* source, nint pitch, T* gradient, nint gradientRow, int rows, int columns, T* tail, T* sums)
        where T : unmanaged, System.Numerics.INumber<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTaps : struct, IConstant
    {
        TVector s0 = default, s1 = default, s2 = default, s3 = default;
        T* from0 = source + offsets[0];
        T* from1 = TTaps.Value > 1 ? source + offsets[1] : null, from2 = TTaps.Value > 1 ? source + offsets[2] : null, from3 = TTaps.Value > 1 ? source + offsets[3] : null;
        int last = columns - TOps.Lanes;
        var mask = TOps.Load(tail);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; ; column += TOps.Lanes)
            {
                bool isTail = column > last;
                int at = isTail ? last : column;
                var g = TOps.Load(gradient + at);
                if (isTail) g = TOps.Multiply(g, mask);
                s0 = TOps.MultiplyAdd(g, TOps.Load(from0 + at), s0);
                if (TTaps.Value > 1)
                {
                    s1 = TOps.MultiplyAdd(g, TOps.Load(from1 + at), s1);
                    s2 = TOps.MultiplyAdd(g, TOps.Load(from2 + at), s2);
                    s3 = TOps.MultiplyAdd(g, TOps.Load(from3 + at), s3);
                }

                if (column >= last) break;
            }

            gradient += gradientRow;
            from0 += pitch;
            from1 += pitch;
            from2 += pitch;
            from3 += pitch;
        }

        sums[0] += TOps.Sum(s0);
        if (TTaps.Value > 1)
        {
            sums[1] += TOps.Sum(s1);
            sums[2] += TOps.Sum(s2);
            sums[3] += TOps.Sum(s3);
        }
    }

    /// <summary>As <see cref="Dots"/> for nine taps beside one another: a vector of the source meets three rows of the gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dots3x3<T, TVector, TOps>(T* source, nint pitch, T* gradient, nint gradientRow, int rows, int columns, T* tail, T* sums)
        where T : unmanaged, System.Numerics.INumber<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        TVector s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default, s8 = default;
        for (int column = 0; column < columns; column += TOps.Lanes)
        {
            int at = Math.Min(column, columns - TOps.Lanes);
            var mask = at == column ? TOps.Broadcast(T.One) : TOps.Load(tail);
            TVector g0 = default, g1 = default;
            T* from = source + at, row = gradient + at;
            for (int i = 0; i < rows + 2; i++, from += pitch, row += gradientRow)
            {
                var g2 = i < rows ? TOps.Multiply(TOps.Load(row), mask) : default;
                TVector a = TOps.Load(from), b = TOps.Load(from + 1), c = TOps.Load(from + 2);
                s0 = TOps.MultiplyAdd(g2, a, s0);
                s1 = TOps.MultiplyAdd(g2, b, s1);
                s2 = TOps.MultiplyAdd(g2, c, s2);
                s3 = TOps.MultiplyAdd(g1, a, s3);
                s4 = TOps.MultiplyAdd(g1, b, s4);
                s5 = TOps.MultiplyAdd(g1, c, s5);
                s6 = TOps.MultiplyAdd(g0, a, s6);
                s7 = TOps.MultiplyAdd(g0, b, s7);
                s8 = TOps.MultiplyAdd(g0, c, s8);
                (g0, g1) = (g1, g2);
            }
        }

        sums[0] += TOps.Sum(s0);
        sums[1] += TOps.Sum(s1);
        sums[2] += TOps.Sum(s2);
        sums[3] += TOps.Sum(s3);
        sums[4] += TOps.Sum(s4);
        sums[5] += TOps.Sum(s5);
        sums[6] += TOps.Sum(s6);
        sums[7] += TOps.Sum(s7);
        sums[8] += TOps.Sum(s8);
    }
}
