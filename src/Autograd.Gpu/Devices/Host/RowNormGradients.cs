using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The gradients of normalised rows in one go: that of the input row by row, and those of weight and bias as sums over the rows, which are taken while gradient and
/// input are in the cache. The sums are cut by rows into blocks that depend on the shape alone.
/// </summary>
internal static unsafe class RowNormGradients<T, TVector, TOps>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IRowVector<T, TVector>
{
    private const int RowsBetweenFlushes = ColumnLoops<T, TVector, TOps>.RowsBetweenFlushes;

    /// <summary>
    /// Takes rows <paramref name="row"/> to <paramref name="end"/>. <paramref name="sums"/> has room for 2 * Length elements, <paramref name="totals"/>, where the
    /// sums of g * y and those of g go, for as many doubles.
    /// </summary>
    public static void Run(in RowProblem<T> p, nint row, nint end, T* sums, double* totals)
    {
        nint n = p.Length;
        new Span<double>(totals, checked((int)(2 * n))).Clear();
        new Span<T>(sums, checked((int)(2 * n))).Clear();
        for (nint flush = row + RowsBetweenFlushes; row < end;)
        {
            if (row + 4 <= end)
            {
                Four(p, row, sums);
                row += 4;
            }
            else
            {
                One(p, row, sums);
                row++;
            }

            if (row >= flush || row == end)
            {
                ColumnLoops<T, TVector, TOps>.Flush(sums, totals, 2 * n);
                flush = row + RowsBetweenFlushes;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(in RowProblem<T> p, nint row, T* sums)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        if (p.Result is not null)
        {
            RowBodies<T, TVector, TOps>.NormGradient(p, row);
        }

        T* x = p.Input + row * n, g = p.Gradient + row * n;
        T mean = p.Moments[row], scale = p.Moments[p.Rows + row];
        TVector minus = TOps.Of(mean), times = TOps.Of(scale);
        for (; i + lanes <= n; i += lanes)
        {
            var slope = TOps.Load(g + i);
            var y = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), minus), times);
            TOps.Store(TOps.MultiplyAdd(slope, y, TOps.Load(sums + i)), sums + i);
            TOps.Store(TOps.Add(TOps.Load(sums + n + i), slope), sums + n + i);
        }

        for (; i < n; i++)
        {
            sums[i] += g[i] * ((x[i] - mean) * scale);
            sums[n + i] += g[i];
        }
    }

    // Four rows, so that the sums are read and written once for them.
    private static void Four(in RowProblem<T> p, nint row, T* sums)
    {
        if (p.Result is null)
        {
            FourSums(p, row, sums);
        }
        else
        {
            FourRows(p, row, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(in RowProblem<T> p, nint row, T* sums)
    {
        T* means = stackalloc T[8];
        for (nint r = 0; r < 4; r++)
        {
            RowBodies<T, TVector, TOps>.NormMeans(p, row + r, out means[r], out means[4 + r]);
        }

        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, g = p.Gradient + row * n, result = p.Result + row * n, weight = p.Weight, moments = p.Moments + row, scales = moments + p.Rows;
        TVector mean0 = TOps.Of(moments[0]), mean1 = TOps.Of(moments[1]), mean2 = TOps.Of(moments[2]), mean3 = TOps.Of(moments[3]);
        TVector scale0 = TOps.Of(scales[0]), scale1 = TOps.Of(scales[1]), scale2 = TOps.Of(scales[2]), scale3 = TOps.Of(scales[3]);
        TVector first0 = TOps.Of(means[0]), first1 = TOps.Of(means[1]), first2 = TOps.Of(means[2]), first3 = TOps.Of(means[3]);
        TVector second0 = TOps.Of(means[4]), second1 = TOps.Of(means[5]), second2 = TOps.Of(means[6]), second3 = TOps.Of(means[7]);
        for (; i + lanes <= n; i += lanes)
        {
            TVector g0 = TOps.Load(g + i), g1 = TOps.Load(g + n + i), g2 = TOps.Load(g + 2 * n + i), g3 = TOps.Load(g + 3 * n + i);
            var y0 = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), mean0), scale0);
            var y1 = TOps.Multiply(TOps.Subtract(TOps.Load(x + n + i), mean1), scale1);
            var y2 = TOps.Multiply(TOps.Subtract(TOps.Load(x + 2 * n + i), mean2), scale2);
            var y3 = TOps.Multiply(TOps.Subtract(TOps.Load(x + 3 * n + i), mean3), scale3);
            var products = TOps.Add(TOps.MultiplyAdd(g0, y0, TOps.Multiply(g1, y1)), TOps.MultiplyAdd(g2, y2, TOps.Multiply(g3, y3)));
            TOps.Store(TOps.Add(TOps.Load(sums + i), products), sums + i);
            TOps.Store(TOps.Add(TOps.Load(sums + n + i), TOps.Add(TOps.Add(g0, g1), TOps.Add(g2, g3))), sums + n + i);
            if (weight is not null)
            {
                var w = TOps.Load(weight + i);
                (g0, g1, g2, g3) = (TOps.Multiply(g0, w), TOps.Multiply(g1, w), TOps.Multiply(g2, w), TOps.Multiply(g3, w));
            }

            TOps.Store(TOps.Multiply(TOps.Subtract(TOps.Subtract(g0, first0), TOps.Multiply(y0, second0)), scale0), result + i);
            TOps.Store(TOps.Multiply(TOps.Subtract(TOps.Subtract(g1, first1), TOps.Multiply(y1, second1)), scale1), result + n + i);
            TOps.Store(TOps.Multiply(TOps.Subtract(TOps.Subtract(g2, first2), TOps.Multiply(y2, second2)), scale2), result + 2 * n + i);
            TOps.Store(TOps.Multiply(TOps.Subtract(TOps.Subtract(g3, first3), TOps.Multiply(y3, second3)), scale3), result + 3 * n + i);
        }

        for (; i < n; i++)
        {
            for (nint r = 0; r < 4; r++)
            {
                T slope = g[r * n + i], y = (x[r * n + i] - moments[r]) * scales[r];
                sums[i] += slope * y;
                sums[n + i] += slope;
                result[r * n + i] = scales[r] * ((weight is null ? slope : slope * weight[i]) - means[r] - y * means[4 + r]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourSums(in RowProblem<T> p, nint row, T* sums)
    {
        nint n = p.Length, lanes = TOps.Lanes, i = 0;
        T* x = p.Input + row * n, g = p.Gradient + row * n;
        TVector mean0 = TOps.Of(p.Moments[row]), mean1 = TOps.Of(p.Moments[row + 1]), mean2 = TOps.Of(p.Moments[row + 2]), mean3 = TOps.Of(p.Moments[row + 3]);
        T* scales = p.Moments + p.Rows + row;
        TVector scale0 = TOps.Of(scales[0]), scale1 = TOps.Of(scales[1]), scale2 = TOps.Of(scales[2]), scale3 = TOps.Of(scales[3]);
        for (; i + lanes <= n; i += lanes)
        {
            TVector g0 = TOps.Load(g + i), g1 = TOps.Load(g + n + i), g2 = TOps.Load(g + 2 * n + i), g3 = TOps.Load(g + 3 * n + i);
            var y0 = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), mean0), scale0);
            var y1 = TOps.Multiply(TOps.Subtract(TOps.Load(x + n + i), mean1), scale1);
            var y2 = TOps.Multiply(TOps.Subtract(TOps.Load(x + 2 * n + i), mean2), scale2);
            var y3 = TOps.Multiply(TOps.Subtract(TOps.Load(x + 3 * n + i), mean3), scale3);
            var products = TOps.Add(TOps.MultiplyAdd(g0, y0, TOps.Multiply(g1, y1)), TOps.MultiplyAdd(g2, y2, TOps.Multiply(g3, y3)));
            TOps.Store(TOps.Add(TOps.Load(sums + i), products), sums + i);
            TOps.Store(TOps.Add(TOps.Load(sums + n + i), TOps.Add(TOps.Add(g0, g1), TOps.Add(g2, g3))), sums + n + i);
        }

        for (; i < n; i++)
        {
            for (nint r = 0; r < 4; r++)
            {
                T slope = g[r * n + i];
                sums[i] += slope * ((x[r * n + i] - p.Moments[row + r]) * scales[r]);
                sums[n + i] += slope;
            }
        }
    }
}
