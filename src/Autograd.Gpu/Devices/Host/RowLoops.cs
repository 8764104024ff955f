using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The passes over one contiguous row that row kernels are made of. What is less than a vector is left to the end of a row, for with a call in it a loop keeps no
/// vector in a register. Sums join a double after each block of <see cref="Block"/> vectors, so that long rows lose
/// no digits.
/// </summary>
internal static unsafe class RowLoops<T, TVector, TOps>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IRowVector<T, TVector>
{
    /// <summary>Vectors that one accumulator adds up.</summary>
    private const int Block = 32;

    /// <summary>The largest element; nan may or may not count. Fetches the lines at <paramref name="ahead"/>.</summary>
    public static T Largest(T* x, nint n, T* ahead) =>
        n < TOps.Lanes ? TOps.Largest(Part(x, n, T.NegativeInfinity)) : LargestWhole(x, n, ahead);

    // At least one vector, and no call: beside one the maxima went through memory, two thirds of the time.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static T LargestWhole(T* x, nint n, T* ahead)
    {
        nint lanes = TOps.Lanes, i = 0;

        // The last vector may repeat elements.
        TVector even = TOps.Load(x + (n - lanes)), odd = even;
        for (; i + 2 * lanes <= n; i += 2 * lanes)
        {
            even = TOps.Larger(even, TOps.Load(x + i));
            odd = TOps.Larger(odd, TOps.Load(x + i + lanes));
            RowAhead.FetchNext(ahead + i);
            RowAhead.FetchNext(ahead + i + lanes);
        }

        if (i + lanes <= n)
        {
            even = TOps.Larger(even, TOps.Load(x + i));
        }

        return TOps.Largest(TOps.Larger(even, odd));
    }

    /// <summary>The sum of exp(x - shift), which is stored as well if there is a place for it.</summary>
    public static T SumOfExponentials(T* x, T shift, T* stored, nint n)
    {
        // The rest first: it is one long chain, beside which the loop can start.
        nint rest = n % TOps.Lanes;
        double last = rest == 0 ? 0 : SumRest(x, shift, stored, n, rest);
        return T.CreateTruncating(last + (stored is null ? SumWhole(x, shift, n) : StoreWhole(x, shift, stored, n)));
    }

    // Whole vectors, with the next row's lines fetched meanwhile: rows are often whole pages, at which the processor's own look-ahead stops. One loop a method: exp is long, and the compiler inlines only so much into each.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static double SumWhole(T* x, T shift, nint n)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0;
        var minus = TOps.Of(shift);
        while (i + lanes <= n)
        {
            nint end = Math.Min(n - lanes, i + (Block - 1) * lanes);
            TVector sum = default;
            for (; i <= end; i += lanes)
            {
                sum = TOps.Add(sum, TOps.Exp(TOps.Subtract(TOps.Load(x + i), minus)));
                RowAhead.FetchNext(x + n + i);
            }

            total += double.CreateTruncating(TOps.Sum(sum));
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static double StoreWhole(T* x, T shift, T* stored, nint n)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0;
        var minus = TOps.Of(shift);
        while (i + lanes <= n)
        {
            nint end = Math.Min(n - lanes, i + (Block - 1) * lanes);
            TVector sum = default;
            for (; i <= end; i += lanes)
            {
                var e = TOps.Exp(TOps.Subtract(TOps.Load(x + i), minus));
                TOps.Store(e, stored + i);
                sum = TOps.Add(sum, e);
                RowAhead.FetchNext(x + n + i);
            }

            total += double.CreateTruncating(TOps.Sum(sum));
        }

        return total;
    }

    // The last elements, of a vector that reaches back if there are enough: what it repeats is stored again and not counted.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static double SumRest(T* x, T shift, T* stored, nint n, nint count)
    {
        nint lanes = TOps.Lanes, at = n - lanes;
        var elements = at >= 0 ? TOps.Load(x + at) : Part(x, n, T.NegativeInfinity);
        var e = TOps.Exp(TOps.Subtract(elements, TOps.Of(shift)));
        if (stored is not null)
        {
            if (at >= 0)
            {
                TOps.Store(e, stored + at);
            }
            else
            {
                StorePart(e, stored, n);
            }
        }

        // Minus infinity beyond the end of a short row has the exponential 0; where it makes nan, the elements do too.
        return double.CreateTruncating(TOps.Sum(at >= 0 ? TOps.Last(e, count, T.Zero) : e));
    }

    /// <summary>The sum. Fetches the lines at <paramref name="ahead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum(T* x, nint n, T* ahead)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0;
        while (i + 2 * lanes <= n)
        {
            nint end = Math.Min(n - 2 * lanes, i + (Block - 2) * lanes);
            TVector even = default, odd = default;
            for (; i <= end; i += 2 * lanes)
            {
                even = TOps.Add(even, TOps.Load(x + i));
                odd = TOps.Add(odd, TOps.Load(x + i + lanes));
                RowAhead.FetchNext(ahead + i);
                RowAhead.FetchNext(ahead + i + lanes);
            }

            total += double.CreateTruncating(TOps.Sum(TOps.Add(even, odd)));
        }

        for (; i < n; i++)
        {
            total += double.CreateTruncating(x[i]);
        }

        return total;
    }

    /// <summary>The sum of products. Fetches the lines at <paramref name="ahead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(T* x, T* y, nint n, T* ahead)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0;
        while (i + 2 * lanes <= n)
        {
            nint end = Math.Min(n - 2 * lanes, i + (Block - 2) * lanes);
            TVector even = default, odd = default;
            for (; i <= end; i += 2 * lanes)
            {
                even = TOps.MultiplyAdd(TOps.Load(x + i), TOps.Load(y + i), even);
                odd = TOps.MultiplyAdd(TOps.Load(x + i + lanes), TOps.Load(y + i + lanes), odd);
                RowAhead.FetchNext(ahead + i);
                RowAhead.FetchNext(ahead + i + lanes);
            }

            total += double.CreateTruncating(TOps.Sum(TOps.Add(even, odd)));
        }

        for (; i < n; i++)
        {
            total += double.CreateTruncating(x[i]) * double.CreateTruncating(y[i]);
        }

        return total;
    }

    /// <summary>The sum of squared distances from a number. Fetches the lines at <paramref name="ahead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumOfSquares(T* x, T from, nint n, T* ahead)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0;
        var minus = TOps.Of(from);
        while (i + 2 * lanes <= n)
        {
            nint end = Math.Min(n - 2 * lanes, i + (Block - 2) * lanes);
            TVector even = default, odd = default;
            for (; i <= end; i += 2 * lanes)
            {
                TVector a = TOps.Subtract(TOps.Load(x + i), minus), b = TOps.Subtract(TOps.Load(x + i + lanes), minus);
                even = TOps.MultiplyAdd(a, a, even);
                odd = TOps.MultiplyAdd(b, b, odd);
                RowAhead.FetchNext(x + n + i);
                RowAhead.FetchNext(x + n + i + lanes);
                RowAhead.FetchNext(ahead + i);
                RowAhead.FetchNext(ahead + i + lanes);
            }

            total += double.CreateTruncating(TOps.Sum(TOps.Add(even, odd)));
        }

        for (; i < n; i++)
        {
            double distance = double.CreateTruncating(x[i] - from);
            total += distance * distance;
        }

        return total;
    }

    /// <summary>Adds the distances from a number, and their squares, to sums of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Distances(T* x, T from, nint n, ref double sum, ref double squares)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0, totalSquares = 0;
        var minus = TOps.Of(from);
        while (i + 2 * lanes <= n)
        {
            nint end = Math.Min(n - 2 * lanes, i + (Block - 2) * lanes);
            TVector even = default, odd = default, evenSquares = default, oddSquares = default;
            for (; i <= end; i += 2 * lanes)
            {
                TVector a = TOps.Subtract(TOps.Load(x + i), minus), b = TOps.Subtract(TOps.Load(x + i + lanes), minus);
                (even, odd) = (TOps.Add(even, a), TOps.Add(odd, b));
                (evenSquares, oddSquares) = (TOps.MultiplyAdd(a, a, evenSquares), TOps.MultiplyAdd(b, b, oddSquares));
            }

            total += double.CreateTruncating(TOps.Sum(TOps.Add(even, odd)));
            totalSquares += double.CreateTruncating(TOps.Sum(TOps.Add(evenSquares, oddSquares)));
        }

        for (; i < n; i++)
        {
            double distance = double.CreateTruncating(x[i] - from);
            total += distance;
            totalSquares += distance * distance;
        }

        (sum, squares) = (sum + total, squares + totalSquares);
    }

    /// <summary>The sum of g and that of its products with (x - mean) * scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Products(T* g, T* x, T mean, T scale, nint n, out double sum, out double product)
    {
        nint lanes = TOps.Lanes, i = 0;
        double total = 0, totalProduct = 0;
        TVector minus = TOps.Of(mean), times = TOps.Of(scale);
        while (i + 2 * lanes <= n)
        {
            nint end = Math.Min(n - 2 * lanes, i + (Block - 2) * lanes);
            TVector even = default, odd = default, evenProducts = default, oddProducts = default;
            for (; i <= end; i += 2 * lanes)
            {
                TVector a = TOps.Load(g + i), b = TOps.Load(g + i + lanes);
                (even, odd) = (TOps.Add(even, a), TOps.Add(odd, b));
                evenProducts = TOps.MultiplyAdd(a, TOps.Multiply(TOps.Subtract(TOps.Load(x + i), minus), times), evenProducts);
                oddProducts = TOps.MultiplyAdd(b, TOps.Multiply(TOps.Subtract(TOps.Load(x + i + lanes), minus), times), oddProducts);
            }

            total += double.CreateTruncating(TOps.Sum(TOps.Add(even, odd)));
            totalProduct += double.CreateTruncating(TOps.Sum(TOps.Add(evenProducts, oddProducts)));
        }

        for (; i < n; i++)
        {
            total += double.CreateTruncating(g[i]);
            totalProduct += double.CreateTruncating(g[i]) * double.CreateTruncating((x[i] - mean) * scale);
        }

        (sum, product) = (total, totalProduct);
    }

    /// <summary>The first <paramref name="count"/> lanes, fewer than all, and a number in the others.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static TVector Part(T* source, nint count, T fill)
    {
        T* each = stackalloc T[TOps.Lanes];
        TOps.Store(TOps.Of(fill), each);
        Unsafe.CopyBlockUnaligned(each, source, (uint)(count * sizeof(T)));
        return TOps.Load(each);
    }

    /// <summary>Writes the first <paramref name="count"/> lanes, fewer than all.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void StorePart(TVector value, T* target, nint count)
    {
        T* each = stackalloc T[TOps.Lanes];
        TOps.Store(value, each);
        Unsafe.CopyBlockUnaligned(target, each, (uint)(count * sizeof(T)));
    }
}
