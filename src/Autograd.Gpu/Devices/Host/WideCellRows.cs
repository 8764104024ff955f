using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Recurrent;
using L = Autograd.Gpu.Kernels.Single512Lane;
using Tables = Autograd.Gpu.Kernels.TableMath<
    Autograd.Gpu.Kernels.Single512Lane, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<int>>;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Steps of LSTM and GRU cells on 512 bits of floats, a function at a time: each loop holds the one table that it reads in registers, where all functions of a cell in one loop take
/// three times as long. The results are those of <see cref="LstmCell{F, TMath}"/> and <see cref="GruCell{F, TMath}"/>, to the bit.
/// </summary>
internal static unsafe class WideCellRows
{
    // Elements whose gates stay in the first-level cache between the loops: columns of several rows, since a loop over a short row alone ends before it is under way.
    private const int Block = 512;

    /// <summary>Whether the cell has such a form. A constant for the JIT.</summary>
    public static bool Has<TCell>() => IsLstm<TCell>() || typeof(TCell) == typeof(GruCell<Vector512<float>, SingleWideMath>);

    /// <summary>The step of rows <paramref name="first"/> to <paramref name="last"/>, exclusive, columns 0 to <paramref name="end"/>, which fill vectors.</summary>
    [SkipLocalsInit]
    public static void Step<TCell>(in HostRecurrentStep<float> x, long first, long last, long end)
    {
        float* gates = stackalloc float[4 * Block];
        for (long j = 0; j < end; j += Block)
        {
            int count = (int)Math.Min(Block, end - j), most = Block / count;
            for (long row = first; row < last; row += most)
            {
                var part = new Part { Row = row, Rows = (int)Math.Min(most, last - row), From = j, Count = count };
                if (IsLstm<TCell>())
                {
                    LstmBlock(x, part, gates, Table(ActivationTables.Silu), Table(ActivationTables.Tanh));
                }
                else
                {
                    GruBlock(x, part, gates, Table(ActivationTables.Silu), Table(ActivationTables.Tanh));
                }
            }
        }
    }

    /// <summary>Columns of some rows: at most <see cref="Block"/> elements.</summary>
    private struct Part
    {
        public long Row, From;
        public int Rows, Count;
    }

    private static bool IsLstm<TCell>() => typeof(TCell) == typeof(LstmCell<Vector512<float>, SingleWideMath>);

    /// <summary>Read-only data of the assembly, which stays where it is.</summary>
    private static float* Table(ReadOnlySpan<float> table) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(table));

    // The tables come as addresses of which the JIT knows nothing: of data that it knows it makes operands in memory of each use.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void LstmBlock(in HostRecurrentStep<float> x, in Part part, float* gates, float* sigmoid, float* tanh)
    {
        long width = x.Width, row = part.Row, from = part.From, place = x.Start + row;
        int rows = part.Rows, count = part.Count;
        float* left = x.Inputs + place * 4 * width + from, right = x.Products + row * 4 * width + from;
        Sigmoids(left, right, 4 * width, gates, rows, count, sigmoid);
        Sigmoids(left + width, right + width, 4 * width, gates + Block, rows, count, sigmoid);
        Tanhs(left + 2 * width, right + 2 * width, 4 * width, gates + 2 * Block, rows, count, tanh);
        Sigmoids(left + 3 * width, right + 3 * width, 4 * width, gates + 3 * Block, rows, count, sigmoid);

        float* state = x.Outputs + x.StateAt + row * width + from, cells = state + x.Batch * width, output = x.Outputs + place * width + from;
        float* kept = x.Kept + place * 4 * width + from, keptCell = x.Kept + 4 * x.StateAt + place * width + from, previous = x.Previous + place * width + from;
        bool keeps = x.Kept is not null;
        Vector512<float> c0 = Row(tanh, 0), c1 = Row(tanh, 1), c2 = Row(tanh, 2), c3 = Row(tanh, 3), c4 = Row(tanh, 4), c5 = Row(tanh, 5), c6 = Row(tanh, 6), c7 = Row(tanh, 7);
        for (; rows > 0; rows--)
        {
            for (int j = 0; j < count; j += Vector512<float>.Count)
            {
                Vector512<float> i = Vector512.Load(gates + j), f = Vector512.Load(gates + Block + j), g = Vector512.Load(gates + 2 * Block + j), o = Vector512.Load(gates + 3 * Block + j);
                var cell = Vector512.Load(cells + j);
                var next = (f * cell) + (i * g);
                if (keeps)
                {
                    i.Store(kept + j);
                    f.Store(kept + width + j);
                    g.Store(kept + 2 * width + j);
                    o.Store(kept + 3 * width + j);
                    cell.Store(keptCell + j);
                    Vector512.Load(state + j).Store(previous + j);
                }

                var hidden = o * WideMath.Tanh(next, c0, c1, c2, c3, c4, c5, c6, c7);
                next.Store(cells + j);
                hidden.Store(output + j);
                hidden.Store(state + j);
            }

            gates += count;
            state += width;
            cells += width;
            output += width;
            kept += 4 * width;
            keptCell += width;
            previous += width;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void GruBlock(in HostRecurrentStep<float> x, in Part part, float* gates, float* sigmoid, float* tanh)
    {
        long width = x.Width, row = part.Row, from = part.From, place = x.Start + row;
        int rows = part.Rows, count = part.Count;
        float* left = x.Inputs + place * 3 * width + from, right = x.Products + row * 3 * width + from;
        Sigmoids(left, right, 3 * width, gates, rows, count, sigmoid);
        Sigmoids(left + width, right + width, 3 * width, gates + Block, rows, count, sigmoid);
        left += 2 * width;
        right += 2 * width;

        float* state = x.Outputs + x.StateAt + row * width + from, bias = x.State + x.Batch * width + from, output = x.Outputs + place * width + from;
        float* kept = x.Kept + place * 4 * width + from, previous = x.Previous + place * width + from;
        bool keeps = x.Kept is not null;
        Vector512<float> c0 = Row(tanh, 0), c1 = Row(tanh, 1), c2 = Row(tanh, 2), c3 = Row(tanh, 3), c4 = Row(tanh, 4), c5 = Row(tanh, 5), c6 = Row(tanh, 6), c7 = Row(tanh, 7);
        for (; rows > 0; rows--)
        {
            for (int j = 0; j < count; j += Vector512<float>.Count)
            {
                Vector512<float> r = Vector512.Load(gates + j), z = Vector512.Load(gates + Block + j), before = Vector512.Load(state + j);
                var inner = Vector512.Load(right + j) + Vector512.Load(bias + j);
                var n = WideMath.Tanh(Vector512.Load(left + j) + (r * inner), c0, c1, c2, c3, c4, c5, c6, c7);
                if (keeps)
                {
                    r.Store(kept + j);
                    z.Store(kept + width + j);
                    n.Store(kept + 2 * width + j);
                    inner.Store(kept + 3 * width + j);
                    before.Store(previous + j);
                }

                var hidden = ((Vector512<float>.One - z) * n) + (z * before);
                hidden.Store(output + j);
                hidden.Store(state + j);
            }

            gates += count;
            left += 3 * width;
            right += 3 * width;
            state += width;
            output += width;
            kept += 4 * width;
            previous += width;
        }
    }

    /// <summary>The sigmoids of sums, of rows that lie some elements apart.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Sigmoids(float* left, float* right, long apart, float* to, int rows, int count, float* table)
    {
        Vector512<float> c0 = Row(table, 0), c1 = Row(table, 1), c2 = Row(table, 2), c3 = Row(table, 3), c4 = Row(table, 4), c5 = Row(table, 5);

        // As integers, so that NaN is the largest.
        var largest = Vector512<int>.Zero;
        float* x0 = left, y0 = right, to0 = to;
        for (int row = 0; row < rows; row++, x0 += apart, y0 += apart, to0 += count)
        {
            for (int j = 0; j < count; j += Vector512<float>.Count)
            {
                var x = Vector512.Load(x0 + j) + Vector512.Load(y0 + j);
                var a = Vector512.Abs(x);
                largest = Vector512.Max(largest, a.AsInt32());
                var i = Tables.OfHalf(a, out var h);
                var p = Tables.Polynomial(h, L.Lookup(c0, i), L.Lookup(c1, i), L.Lookup(c2, i), L.Lookup(c3, i), L.Lookup(c4, i), L.Lookup(c5, i));
                Tables.SigmoidWithin(x, p).Store(to0 + j);
            }
        }

        if (Vector512.GreaterThanOrEqualAny(largest, Vector512.Create(BitConverter.SingleToInt32Bits(Tables.SiluEnd))))
        {
            SigmoidsBeyond(left, right, apart, to, rows, count);
        }
    }

    /// <summary>The same where some lie beyond the table.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SigmoidsBeyond(float* left, float* right, long apart, float* to, int rows, int count)
    {
        for (; rows > 0; rows--, left += apart, right += apart, to += count)
        {
            for (int j = 0; j < count; j += Vector512<float>.Count)
            {
                SingleWideMath.Sigmoid(Vector512.Load(left + j) + Vector512.Load(right + j)).Store(to + j);
            }
        }
    }

    /// <summary>The hyperbolic tangents of sums.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Tanhs(float* left, float* right, long apart, float* to, int rows, int count, float* table)
    {
        Vector512<float> c0 = Row(table, 0), c1 = Row(table, 1), c2 = Row(table, 2), c3 = Row(table, 3), c4 = Row(table, 4), c5 = Row(table, 5), c6 = Row(table, 6), c7 = Row(table, 7);
        for (; rows > 0; rows--, left += apart, right += apart, to += count)
        {
            for (int j = 0; j < count; j += Vector512<float>.Count)
            {
                WideMath.Tanh(Vector512.Load(left + j) + Vector512.Load(right + j), c0, c1, c2, c3, c4, c5, c6, c7).Store(to + j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Row(float* table, int row) => Vector512.Load(table + row * Vector512<float>.Count);
}
