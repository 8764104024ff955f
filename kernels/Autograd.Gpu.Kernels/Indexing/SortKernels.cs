using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>One pass of a merge sort of the places along each line: runs of <see cref="Width"/> become runs of twice that.</summary>
public struct MergeArguments<T> where T : unmanaged
{
    /// <summary>The elements, line after line.</summary>
    public ArrayView<T> Keys;

    /// <summary>The places in the order so far.</summary>
    public ArrayView<long> From;

    /// <summary>The places in the new order.</summary>
    public ArrayView<long> To;

    /// <summary>Elements of a line.</summary>
    public long Length;

    /// <summary>Length of the runs that are sorted already.</summary>
    public long Width;

    /// <summary>1 for the largest first.</summary>
    public int Descending;
}

/// <summary>Binary searches in sorted lines.</summary>
public struct SearchArguments<T> where T : unmanaged
{
    /// <summary>The sorted lines.</summary>
    public ArrayView<T> Sorted;

    /// <summary>What is searched for, line after line.</summary>
    public ArrayView<T> Values;

    /// <summary>The places found.</summary>
    public ArrayView<long> Result;

    /// <summary>Elements of a sorted line.</summary>
    public long Length;

    /// <summary>Values of a line.</summary>
    public long Count;

    /// <summary>From one sorted line to the next; 0 where all values share one.</summary>
    public long SortedLine;

    /// <summary>1 to find the place behind equal elements, 0 that before them.</summary>
    public int Right;
}

/// <summary>One coordinate of places in row-major order.</summary>
public struct CoordinateArguments
{
    /// <summary>The places.</summary>
    public ArrayView<long> Places;

    /// <summary>Rows of coordinates, one for each place.</summary>
    public ArrayView<long> Result;

    /// <summary>Coordinates of a place.</summary>
    public long Rank;

    /// <summary>Which coordinate.</summary>
    public long Dim;

    /// <summary>Its size.</summary>
    public long Size;

    /// <summary>The product of the sizes after it.</summary>
    public long Stride;
}

/// <summary>Stable sorting, searching, and what they need.</summary>
public static class SortKernels
{
    /// <summary>The place of each element along its line.</summary>
    public static void Positions(Index1D thread, MergeArguments<long> x)
    {
        long e = thread.X;
        x.To[e] = e - e / x.Length * x.Length;
    }

    /// <summary>
    /// One thread for each element: it stands behind those before it in its own run and those of the other run that belong before it, equal ones
    /// of the first run coming first.
    /// </summary>
    public static void Merge<T>(Index1D thread, MergeArguments<T> x) where T : unmanaged, INumber<T>
    {
        long e = thread.X;
        long line = e / x.Length, start = line * x.Length, p = e - start;
        long pair = p / (2 * x.Width) * (2 * x.Width);
        long middle = pair + x.Width < x.Length ? pair + x.Width : x.Length;
        long end = middle + x.Width < x.Length ? middle + x.Width : x.Length;
        bool isFirst = p < middle;
        long place = x.From[e];
        var key = x.Keys[start + place];
        long low = isFirst ? middle : pair, high = isFirst ? end : middle, origin = low;
        while (low < high)
        {
            long at = (low + high) / 2;
            var other = x.Keys[start + x.From[start + at]];
            bool isBefore = isFirst ? IsBefore(other, key, x.Descending) : !IsBefore(key, other, x.Descending);
            if (isBefore)
            {
                low = at + 1;
            }
            else
            {
                high = at;
            }
        }

        long own = p - (isFirst ? pair : middle);
        x.To[start + pair + own + (low - origin)] = place;
    }

    /// <summary>One thread for each value.</summary>
    public static void Search<T>(Index1D thread, SearchArguments<T> x) where T : unmanaged, INumber<T>
    {
        long e = thread.X;
        long start = e / x.Count * x.SortedLine;
        var value = x.Values[e];
        long low = 0, high = x.Length;
        while (low < high)
        {
            long at = (low + high) / 2;
            var element = x.Sorted[start + at];

            // Written so that nan goes to the end.
            bool isBefore = x.Right != 0 ? !(element > value) : !(element >= value);
            if (isBefore)
            {
                low = at + 1;
            }
            else
            {
                high = at;
            }
        }

        x.Result[e] = low;
    }

    /// <summary>One thread for each place.</summary>
    public static void Coordinate(Index1D thread, CoordinateArguments x)
    {
        long e = thread.X;
        long at = x.Places[e] / x.Stride;
        x.Result[e * x.Rank + x.Dim] = at - at / x.Size * x.Size;
    }

    /// <summary>Whether an element stands before another: the smaller first, nan last, or the reverse of that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsBefore<T>(T a, T b, int descending) where T : unmanaged, INumber<T>
    {
        var x = descending != 0 ? b : a;
        var y = descending != 0 ? a : b;
        return x < y || (T.IsNaN(y) && !T.IsNaN(x));
    }
}
