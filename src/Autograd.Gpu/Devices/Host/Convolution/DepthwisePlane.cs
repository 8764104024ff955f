using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Depthwise convolutions with nine taps whose planes keep their size: they read the source as it lies, without a copy of it that has a border of zeros. A column as wide as a vector goes
/// down the plane; what is loaded of a row serves the three rows around it, and beyond the plane's left and right ends zeros are shifted in. Each element sums its products in the order
/// of the taps.
/// </summary>
internal static unsafe class DepthwisePlane
{
    /// <summary>Rows that a column passes before the next one begins: with its neighbours' they stay in the first-level cache.</summary>
    private const int BandRows = 32;

    private const int Taps = 9;

    private readonly struct Inner : IConstant
    {
        public static int Value => 0;
    }

    private readonly struct Edge : IConstant
    {
        public static int Value => 1;
    }

    /// <summary>target[r, x] = the sum over i and j of weights[3 i + j] * source[r + i - 1, x + j - 1]. A row has a vector at least; where it is no whole number of them, the last overlaps the one before.</summary>
    public static void Sums<T, TVector, TOps>(T* weights, T* source, int rows, int columns, T* target)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        int last = columns - TOps.Lanes;
        for (int row = 0; row < rows; row += BandRows)
        {
            int end = Math.Min(rows, row + BandRows);
            if (last == 0)
            {
                Column<T, TVector, TOps, Edge, Edge>(weights, source, row, end, rows, columns, target);
                continue;
            }

            Column<T, TVector, TOps, Edge, Inner>(weights, source, row, end, rows, columns, target);
            for (int column = TOps.Lanes; column < last; column += TOps.Lanes)
            {
                Column<T, TVector, TOps, Inner, Inner>(weights, source + column, row, end, rows, columns, target + column);
            }

            Column<T, TVector, TOps, Inner, Edge>(weights, source + last, row, end, rows, columns, target + last);
        }
    }

    /// <summary>sums[3 i + j] += the sum over r and x of gradient[r, x] * source[r + i - 1, x + j - 1].</summary>
    /// <param name="source">The plane of the input.</param>
    /// <param name="gradient">The plane of the output's gradient.</param>
    /// <param name="rows">The rows of both.</param>
    /// <param name="columns">The columns of both, a vector at least.</param>
    /// <param name="tail">For the last vector of a row, 0 for what the one before it has, and 1 for the others.</param>
    /// <param name="sums">The nine sums.</param>
    public static void Dots<T, TVector, TOps>(T* source, T* gradient, int rows, int columns, T* tail, T* sums)
        where T : unmanaged, System.Numerics.INumber<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        int last = columns - TOps.Lanes;
        T* parts = stackalloc T[Taps * TOps.Lanes];
        new Span<T>(parts, Taps * TOps.Lanes).Clear();
        if (last == 0)
        {
            DotColumn<T, TVector, TOps, Edge, Edge>(source, gradient, rows, columns, tail, parts);
        }
        else
        {
            DotColumn<T, TVector, TOps, Edge, Inner>(source, gradient, rows, columns, tail, parts);
            for (int column = TOps.Lanes; column < last; column += TOps.Lanes)
            {
                DotColumn<T, TVector, TOps, Inner, Inner>(source + column, gradient + column, rows, columns, tail, parts);
            }

            DotColumn<T, TVector, TOps, Inner, Edge>(source + last, gradient + last, rows, columns, tail, parts);
        }

        for (int tap = 0; tap < Taps; tap++)
        {
            sums[tap] += TOps.Sum(TOps.Load(parts + tap * TOps.Lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Column<T, TVector, TOps, TLeft, TRight>(T* weights, T* source, int row, int end, int rows, int columns, T* target)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TLeft : struct, IConstant
        where TRight : struct, IConstant
    {
        TVector w0 = TOps.Broadcast(weights[0]), w1 = TOps.Broadcast(weights[1]), w2 = TOps.Broadcast(weights[2]);
        TVector w3 = TOps.Broadcast(weights[3]), w4 = TOps.Broadcast(weights[4]), w5 = TOps.Broadcast(weights[5]);
        TVector w6 = TOps.Broadcast(weights[6]), w7 = TOps.Broadcast(weights[7]), w8 = TOps.Broadcast(weights[8]);
        T* from = source + (nint)row * columns, to = target + (nint)row * columns;
        TVector a = default, b = default, c = default;
        if (row > 0)
        {
            Row<T, TVector, TOps, TLeft, TRight>(from - columns, out a, out b, out c);
        }

        // The sums of the row that is finished next, and of the one behind it.
        var above = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
        Row<T, TVector, TOps, TLeft, TRight>(from, out a, out b, out c);
        above = TOps.MultiplyAdd(w5, c, TOps.MultiplyAdd(w4, b, TOps.MultiplyAdd(w3, a, above)));
        var below = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
        from += columns;
        for (int inside = Math.Min(end, rows - 1) - row; inside > 0; inside--)
        {
            Row<T, TVector, TOps, TLeft, TRight>(from, out a, out b, out c);
            TOps.Store(TOps.MultiplyAdd(w8, c, TOps.MultiplyAdd(w7, b, TOps.MultiplyAdd(w6, a, above))), to);
            above = TOps.MultiplyAdd(w5, c, TOps.MultiplyAdd(w4, b, TOps.MultiplyAdd(w3, a, below)));
            below = TOps.MultiplyAdd(w2, c, TOps.MultiplyAdd(w1, b, TOps.Multiply(w0, a)));
            from += columns;
            to += columns;
        }

        if (end == rows)
        {
            (a, b, c) = (default, default, default);
            TOps.Store(TOps.MultiplyAdd(w8, c, TOps.MultiplyAdd(w7, b, TOps.MultiplyAdd(w6, a, above))), to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DotColumn<T, TVector, TOps, TLeft, TRight>(T* source, T* gradient, int rows, int columns, T* tail, T* parts)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TLeft : struct, IConstant
        where TRight : struct, IConstant
    {
        var mask = TOps.Load(tail);
        TVector above = default, here = TOps.Load(gradient);
        if (TRight.Value == 1) here = TOps.Multiply(here, mask);
        // The padding's zeros are elements as others are: an infinite gradient times one of them is nan.
        TVector s0 = TOps.Multiply(here, default), s1 = s0, s2 = s0, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default, s8 = default;
        for (int row = 0; row < rows; row++, source += columns)
        {
            gradient += columns;
            TVector below = default;
            if (row < rows - 1)
            {
                below = TOps.Load(gradient);
                if (TRight.Value == 1) below = TOps.Multiply(below, mask);
            }

            Row<T, TVector, TOps, TLeft, TRight>(source, out var a, out var b, out var c);
            s0 = TOps.MultiplyAdd(below, a, s0);
            s1 = TOps.MultiplyAdd(below, b, s1);
            s2 = TOps.MultiplyAdd(below, c, s2);
            s3 = TOps.MultiplyAdd(here, a, s3);
            s4 = TOps.MultiplyAdd(here, b, s4);
            s5 = TOps.MultiplyAdd(here, c, s5);
            s6 = TOps.MultiplyAdd(above, a, s6);
            s7 = TOps.MultiplyAdd(above, b, s7);
            s8 = TOps.MultiplyAdd(above, c, s8);
            above = here;
            here = below;
        }

        var beyond = TOps.Multiply(above, default);
        (s6, s7, s8) = (TOps.Add(s6, beyond), TOps.Add(s7, beyond), TOps.Add(s8, beyond));
        Add<T, TVector, TOps>(s0, parts);
        Add<T, TVector, TOps>(s1, parts + TOps.Lanes);
        Add<T, TVector, TOps>(s2, parts + 2 * TOps.Lanes);
        Add<T, TVector, TOps>(s3, parts + 3 * TOps.Lanes);
        Add<T, TVector, TOps>(s4, parts + 4 * TOps.Lanes);
        Add<T, TVector, TOps>(s5, parts + 5 * TOps.Lanes);
        Add<T, TVector, TOps>(s6, parts + 6 * TOps.Lanes);
        Add<T, TVector, TOps>(s7, parts + 7 * TOps.Lanes);
        Add<T, TVector, TOps>(s8, parts + 8 * TOps.Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T, TVector, TOps>(TVector value, T* to)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector> => TOps.Store(TOps.Add(TOps.Load(to), value), to);

    /// <summary>The elements of a row, those to their left and those to their right. Nothing beyond the plane is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<T, TVector, TOps, TLeft, TRight>(T* from, out TVector left, out TVector middle, out TVector right)
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TLeft : struct, IConstant
        where TRight : struct, IConstant
    {
        middle = TOps.Load(from);
        left = TLeft.Value == 1 ? TOps.ShiftUp(middle) : TOps.Load(from - 1);
        right = TRight.Value == 1 ? TOps.ShiftDown(middle) : TOps.Load(from + 1);
    }
}
