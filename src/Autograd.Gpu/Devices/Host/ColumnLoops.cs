using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Passes over some columns of some rows: sums of each column in the element type, which join doubles after <see cref="RowsBetweenFlushes"/> rows.</summary>
internal static unsafe class ColumnLoops<T, TVector, TOps>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IRowVector<T, TVector>
{
    /// <summary>Rows that are added up in the element type, by twos or fours: more streams, mostly whole pages apart, are slower.</summary>
    public const int RowsBetweenFlushes = 64;

    /// <summary>Adds the distances of <paramref name="count"/> rows from a number for each column, and their squares, to sums of these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Distances(T* x, nint stride, nint count, nint columns, T* from, T* sums, T* squares)
    {
        nint lanes = TOps.Lanes, row = 0;
        for (; row + 4 <= count; row += 4, x += 4 * stride)
        {
            T* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
            nint i = 0;
            for (; i + lanes <= columns; i += lanes)
            {
                var minus = TOps.Load(from + i);
                TVector a = TOps.Subtract(TOps.Load(x + i), minus), b = TOps.Subtract(TOps.Load(x1 + i), minus);
                TVector c = TOps.Subtract(TOps.Load(x2 + i), minus), d = TOps.Subtract(TOps.Load(x3 + i), minus);
                TOps.Store(TOps.Add(TOps.Load(sums + i), TOps.Add(TOps.Add(a, b), TOps.Add(c, d))), sums + i);
                var four = TOps.Add(TOps.MultiplyAdd(a, a, TOps.Multiply(b, b)), TOps.MultiplyAdd(c, c, TOps.Multiply(d, d)));
                TOps.Store(TOps.Add(TOps.Load(squares + i), four), squares + i);
            }

            for (; i < columns; i++)
            {
                T a = x[i] - from[i], b = x1[i] - from[i], c = x2[i] - from[i], d = x3[i] - from[i];
                sums[i] += a + b + (c + d);
                squares[i] += a * a + b * b + (c * c + d * d);
            }
        }

        for (; row < count; row++, x += stride)
        {
            nint i = 0;
            for (; i + lanes <= columns; i += lanes)
            {
                var a = TOps.Subtract(TOps.Load(x + i), TOps.Load(from + i));
                TOps.Store(TOps.Add(TOps.Load(sums + i), a), sums + i);
                TOps.Store(TOps.MultiplyAdd(a, a, TOps.Load(squares + i)), squares + i);
            }

            for (; i < columns; i++)
            {
                T a = x[i] - from[i];
                sums[i] += a;
                squares[i] += a * a;
            }
        }
    }

    /// <summary>Adds <paramref name="count"/> rows of g, and their products with the distances of x from a number for each column, to sums of these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Products(T* g, T* x, nint stride, nint count, nint columns, T* from, T* sums, T* products)
    {
        nint lanes = TOps.Lanes, row = 0;
        for (; row + 2 <= count; row += 2, x += 2 * stride, g += 2 * stride)
        {
            T* x1 = x + stride, g1 = g + stride;
            nint i = 0;
            for (; i + lanes <= columns; i += lanes)
            {
                TVector minus = TOps.Load(from + i), a = TOps.Load(g + i), b = TOps.Load(g1 + i);
                TOps.Store(TOps.Add(TOps.Load(sums + i), TOps.Add(a, b)), sums + i);
                var two = TOps.MultiplyAdd(a, TOps.Subtract(TOps.Load(x + i), minus), TOps.Multiply(b, TOps.Subtract(TOps.Load(x1 + i), minus)));
                TOps.Store(TOps.Add(TOps.Load(products + i), two), products + i);
            }

            for (; i < columns; i++)
            {
                sums[i] += g[i] + g1[i];
                products[i] += g[i] * (x[i] - from[i]) + g1[i] * (x1[i] - from[i]);
            }
        }

        for (; row < count; row++, x += stride, g += stride)
        {
            nint i = 0;
            for (; i + lanes <= columns; i += lanes)
            {
                var a = TOps.Load(g + i);
                TOps.Store(TOps.Add(TOps.Load(sums + i), a), sums + i);
                TOps.Store(TOps.MultiplyAdd(a, TOps.Subtract(TOps.Load(x + i), TOps.Load(from + i)), TOps.Load(products + i)), products + i);
            }

            for (; i < columns; i++)
            {
                sums[i] += g[i];
                products[i] += g[i] * (x[i] - from[i]);
            }
        }
    }

    /// <summary>a g + b (x - from) + c for each element, with factors for each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Combine(T* g, T* x, nint stride, nint count, nint columns, in ColumnFactors<T> factors, T* result)
    {
        nint lanes = TOps.Lanes;
        T* from = factors.From, times = factors.OfGradient, slope = factors.OfDistance, plus = factors.Plus;
        for (nint row = 0; row < count; row++, x += stride, g += stride, result += stride)
        {
            nint i = 0;
            for (; i + lanes <= columns; i += lanes)
            {
                var rest = TOps.MultiplyAdd(TOps.Load(g + i), TOps.Load(times + i), TOps.Load(plus + i));
                TOps.Store(TOps.MultiplyAdd(TOps.Subtract(TOps.Load(x + i), TOps.Load(from + i)), TOps.Load(slope + i), rest), result + i);
            }

            for (; i < columns; i++)
            {
                result[i] = (x[i] - from[i]) * slope[i] + (g[i] * times[i] + plus[i]);
            }
        }
    }

    /// <summary>Adds sums to doubles and sets them to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Flush(T* sums, double* totals, nint count)
    {
        nint i = 0;
        if (typeof(T) == typeof(float))
        {
            for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            {
                Vector.Widen(Vector.Load((float*)sums + i), out var low, out var high);
                Vector.Store(Vector.Load(totals + i) + low, totals + i);
                Vector.Store(Vector.Load(totals + i + Vector<double>.Count) + high, totals + i + Vector<double>.Count);
            }
        }

        for (; i < count; i++)
        {
            totals[i] += double.CreateTruncating(sums[i]);
        }

        new Span<T>(sums, checked((int)count)).Clear();
    }
}

/// <summary>Numbers for each column.</summary>
internal unsafe struct ColumnFactors<T> where T : unmanaged
{
    public T* From, OfGradient, OfDistance, Plus;

    /// <summary>Those of the columns from <paramref name="column"/> on.</summary>
    public readonly ColumnFactors<T> At(nint column) =>
        new() { From = From + column, OfGradient = OfGradient + column, OfDistance = OfDistance + column, Plus = Plus + column };
}
