using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>How an element of a table becomes a number to compute with.</summary>
/// <typeparam name="TStored">The elements of the table.</typeparam>
/// <typeparam name="T">The numbers.</typeparam>
public interface IStored<TStored, T>
    where TStored : unmanaged
    where T : unmanaged
{
    /// <summary>The element's value.</summary>
    static abstract T Value(TStored stored);
}

/// <summary>Elements that are numbers to compute with.</summary>
public readonly struct AsStored<T> : IStored<T, T> where T : unmanaged
{
    /// <inheritdoc/>
    public static T Value(T stored) => stored;
}

/// <summary>float16, computed with in float.</summary>
public readonly struct StoredFloat16 : IStored<ushort, float>
{
    /// <inheritdoc/>
    public static float Value(ushort stored) => HalfConversion.HalfToFloat(stored);
}

/// <summary>bfloat16, computed with in float.</summary>
public readonly struct StoredBFloat16 : IStored<ushort, float>
{
    /// <inheritdoc/>
    public static float Value(ushort stored) => HalfConversion.BFloat16ToFloat(stored);
}

/// <summary>
/// Bags of rows of a table. <see cref="Places"/> has the number of the row for each of <see cref="Count"/> elements, then for each bag where in these it starts, then
/// where it ends.
/// </summary>
/// <typeparam name="TStored">The elements of the table.</typeparam>
/// <typeparam name="T">The elements of the result.</typeparam>
public struct BagArguments<TStored, T>
    where TStored : unmanaged
    where T : unmanaged
{
    /// <summary>The table, [rows, columns].</summary>
    public ArrayView<TStored> Table;

    /// <summary>Rows, starts and ends.</summary>
    public ArrayView<long> Places;

    /// <summary>A factor for each element, if there are any.</summary>
    public ArrayView<T> Weights;

    /// <summary>The sums, [bags, columns].</summary>
    public ArrayView<T> Result;

    /// <summary>The rows with the largest elements, [bags, columns].</summary>
    public ArrayView<long> Largest;

    /// <summary>Number of elements in all bags.</summary>
    public long Count;

    /// <summary>Number of rows of the table.</summary>
    public long Rows;

    /// <summary>Number of columns.</summary>
    public long Columns;

    /// <summary>Number of bags.</summary>
    public long Bags;

    /// <summary>Whether there are weights.</summary>
    public int IsWeighted;

    /// <summary>What a row that is not there adds.</summary>
    public T Missing;
}

/// <summary>Products of rows of two tables, as <see cref="Pairs"/> names them.</summary>
/// <typeparam name="TStored">The elements of the first table.</typeparam>
/// <typeparam name="T">The elements of the second table and of the result.</typeparam>
public struct RowDotArguments<TStored, T>
    where TStored : unmanaged
    where T : unmanaged
{
    /// <summary>The first table, [rows, columns].</summary>
    public ArrayView<TStored> First;

    /// <summary>The second table, [rows, columns].</summary>
    public ArrayView<T> Second;

    /// <summary>The rows of the first table, then those of the second.</summary>
    public ArrayView<long> Pairs;

    /// <summary>The products.</summary>
    public ArrayView<T> Result;

    /// <summary>Number of pairs.</summary>
    public long Count;

    /// <summary>Rows of the first table.</summary>
    public long FirstRows;

    /// <summary>Rows of the second table.</summary>
    public long SecondRows;

    /// <summary>Number of columns of both.</summary>
    public long Columns;

    /// <summary>What a row that is not there gives.</summary>
    public T Missing;
}

/// <summary>
/// Sums and largest elements of bags of rows, and products of pairs of rows. Sums are taken in the order of the elements, in blocks of 64 and of 4,096, so that they are the
/// same at every run and lose no more digits than pairwise ones do.
/// </summary>
public static class BagKernels
{
    /// <summary>A row number that stands for no row.</summary>
    public const long Skip = long.MinValue;

    /// <summary>How many terms are added up before their sum is added to the next.</summary>
    public const int Block = 64;

    /// <summary>How many terms are added up before the sums of blocks are added to the next.</summary>
    public const int SuperBlock = Block * Block;

    /// <summary>One thread for each element of the result.</summary>
    public static void Sum<TStored, T, TRead>(Index1D thread, BagArguments<TStored, T> x)
        where TStored : unmanaged
        where T : unmanaged, INumber<T>
        where TRead : struct, IStored<TStored, T>
    {
        long e = thread.X;
        long bag = e / x.Columns, column = e - bag * x.Columns;
        long start = x.Places[x.Count + bag], end = x.Places[x.Count + x.Bags + bag];
        T sum = T.Zero, blocks = T.Zero, total = T.Zero;
        for (long i = start; i < end; i++)
        {
            long row = x.Places[i];
            if (row != Skip)
            {
                var value = row >= 0 && row < x.Rows ? TRead.Value(x.Table[row * x.Columns + column]) : x.Missing;
                sum += x.IsWeighted != 0 ? x.Weights[i] * value : value;
            }

            long taken = i + 1 - start;
            if (taken % Block == 0)
            {
                blocks += sum;
                sum = T.Zero;
                if (taken % SuperBlock == 0)
                {
                    total += blocks;
                    blocks = T.Zero;
                }
            }
        }

        x.Result[e] = total + (blocks + sum);
    }

    /// <summary>One thread for each element of the result: the row of the first of the largest elements, <see cref="Skip"/> where there is none.</summary>
    public static void Largest<TStored, T, TRead>(Index1D thread, BagArguments<TStored, T> x)
        where TStored : unmanaged
        where T : unmanaged, INumber<T>
        where TRead : struct, IStored<TStored, T>
    {
        long e = thread.X;
        long bag = e / x.Columns, column = e - bag * x.Columns;
        long start = x.Places[x.Count + bag], end = x.Places[x.Count + x.Bags + bag], found = Skip;
        var largest = T.Zero;
        for (long i = start; i < end; i++)
        {
            long row = x.Places[i];
            if (row != Skip)
            {
                var value = row >= 0 && row < x.Rows ? TRead.Value(x.Table[row * x.Columns + column]) : x.Missing;
                if (found == Skip || value > largest || (T.IsNaN(value) && !T.IsNaN(largest)))
                {
                    found = row;
                    largest = value;
                }
            }
        }

        x.Largest[e] = found;
    }

    /// <summary>One thread for each pair.</summary>
    public static void Dot<TStored, T, TRead>(Index1D thread, RowDotArguments<TStored, T> x)
        where TStored : unmanaged
        where T : unmanaged, INumber<T>
        where TRead : struct, IStored<TStored, T>
    {
        long i = thread.X;
        long first = x.Pairs[i], second = x.Pairs[x.Count + i];
        T sum = T.Zero, blocks = T.Zero;
        if (first != Skip && second != Skip)
        {
            bool isThere = first >= 0 && first < x.FirstRows && second >= 0 && second < x.SecondRows;
            for (long c = 0; c < x.Columns; c++)
            {
                sum += isThere ? TRead.Value(x.First[first * x.Columns + c]) * x.Second[second * x.Columns + c] : x.Missing;
                if ((c + 1) % Block == 0)
                {
                    blocks += sum;
                    sum = T.Zero;
                }
            }
        }

        x.Result[i] = blocks + sum;
    }
}
