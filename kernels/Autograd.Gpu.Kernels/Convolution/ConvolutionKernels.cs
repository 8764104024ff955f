using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;

namespace Autograd.Gpu.Kernels.Convolution;

/// <summary>A convolution as matrix products c[m, n] = sum over k of a[m, k] * b[n, k], one for each group and each part of the sum.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ConvolutionProduct
{
    /// <summary>What is convolved.</summary>
    public ConvolutionShape Shape;

    /// <summary>The lines of a.</summary>
    public long M;

    /// <summary>The lines of b.</summary>
    public long N;

    /// <summary>What is summed over.</summary>
    public long K;

    /// <summary>The parts of the sum, each with a result of its own.</summary>
    public int Splits;

    /// <summary>The length of a part.</summary>
    public long SplitLength;

    /// <summary>From one group of c to the next.</summary>
    public long GroupStride;

    /// <summary>From one line of a to the next.</summary>
    public long RowStride;

    /// <summary>The lines of b that lie beside one another in c.</summary>
    public long Run;

    /// <summary>From one such run to the next.</summary>
    public long RunStride;

    /// <summary>From one part's result to the next.</summary>
    public long SplitStride;
}

/// <summary>The sum of the results of parts.</summary>
/// <typeparam name="T">float or double.</typeparam>
[StructLayout(LayoutKind.Sequential)]
public struct SplitSum<T> where T : unmanaged
{
    /// <summary>The results, one behind the other.</summary>
    public ArrayView<T> Parts;

    /// <summary>The sum.</summary>
    public ArrayView<T> Result;

    /// <summary>How many there are.</summary>
    public int Splits;

    /// <summary>The elements of each.</summary>
    public long Elements;
}

/// <summary>
/// Convolutions on a GPU: as <see cref="MatMulKernels.Small"/>, but what a group of S x S threads brings into shared memory is found in the tensors by its
/// place, so that no matrix of patches is made. Each element sums its products in order; there are no atomics.
/// </summary>
public static class ConvolutionKernels
{
    private const int SmallLine = MatMulKernels.MaxGroupSide + 1;

    /// <summary>The products, 4 x 4 elements a thread.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <typeparam name="TSide">S; the group must have S x S threads.</typeparam>
    /// <typeparam name="TLeft">How a is read.</typeparam>
    /// <typeparam name="TRight">How b is read.</typeparam>
    /// <param name="a">The left operand.</param>
    /// <param name="b">The right operand.</param>
    /// <param name="c">The result, which overlaps neither.</param>
    /// <param name="x">Sizes and strides.</param>
    public static void Product<T, TSide, TLeft, TRight>(ArrayView<T> a, ArrayView<T> b, ArrayView<T> c, ConvolutionProduct x)
        where T : unmanaged, INumberBase<T>
        where TSide : struct, IGroupSide
        where TLeft : struct, IConvolutionSide
        where TRight : struct, IConvolutionSide
    {
        ArrayView<Quad<T>> left = SharedMemory.Allocate<Quad<T>>(MatMulKernels.MaxGroupSide * SmallLine);
        ArrayView<Quad<T>> right = SharedMemory.Allocate<Quad<T>>(MatMulKernels.MaxGroupSide * SmallLine);
        int side = TSide.Value, tileSide = 4 * side;
        long columnTiles = (x.N + tileSide - 1) / tileSide;
        long tiles = (x.M + tileSide - 1) / tileSide * columnTiles;
        for (long tile = Grid.IdxX; tile < tiles * x.Shape.Groups * x.Splits; tile += Grid.DimX)
        {
            long product = tile / tiles, rowTile = (tile - product * tiles) / columnTiles;
            int group = (int)(product / x.Splits), split = (int)(product - (long)group * x.Splits);
            long row = rowTile * tileSide, column = (tile - product * tiles - rowTile * columnTiles) * tileSide;
            var readA = new PatchReader<T, TLeft>(x.Shape, group, row, x.M, side);
            var readB = new PatchReader<T, TRight>(x.Shape, group, column, x.N, side);
            long first = split * x.SplitLength, end = Math.Min(x.K, first + x.SplitLength);
            Quad<T> nextA = readA.Read(a, x.Shape, group, first + Group.IdxY, end, side), nextB = readB.Read(b, x.Shape, group, first + Group.IdxY, end, side);
            RegisterTile<T> sum = default;
            for (long p = first; p < end; p += side)
            {
                PatchReader<T, TLeft>.Share(left.Cast<T>(), nextA, 4 * SmallLine, side);
                PatchReader<T, TRight>.Share(right.Cast<T>(), nextB, 4 * SmallLine, side);
                Group.Barrier();
                nextA = readA.Read(a, x.Shape, group, p + side + Group.IdxY, end, side);
                nextB = readB.Read(b, x.Shape, group, p + side + Group.IdxY, end, side);
                for (int q = 0; q < side; q++)
                    sum.Add(left[q * SmallLine + Group.IdxY], right[q * SmallLine + Group.IdxX]);
                Group.Barrier();
            }

            long at = group * x.GroupStride + split * x.SplitStride;
            row += 4 * Group.IdxY;
            column += 4 * Group.IdxX;
            StoreRow(c, x, at, row, column, sum.Row0);
            StoreRow(c, x, at, row + 1, column, sum.Row1);
            StoreRow(c, x, at, row + 2, column, sum.Row2);
            StoreRow(c, x, at, row + 3, column, sum.Row3);
        }
    }

    /// <summary>Adds the results of parts, in order.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static void AddSplits<T>(Index1D index, SplitSum<T> x) where T : unmanaged, INumberBase<T>
    {
        T sum = x.Parts[index];
        for (int i = 1; i < x.Splits; i++)
            sum += x.Parts[index + i * x.Elements];
        x.Result[index] = sum;
    }

    private static void StoreRow<T>(ArrayView<T> c, ConvolutionProduct x, long at, long row, long column, Quad<T> values)
        where T : unmanaged, INumberBase<T>
    {
        if (row >= x.M) return;
        at += row * x.RowStride;
        Store(c, x, at, column, values.X);
        Store(c, x, at, column + 1, values.Y);
        Store(c, x, at, column + 2, values.Z);
        Store(c, x, at, column + 3, values.W);
    }

    private static void Store<T>(ArrayView<T> c, ConvolutionProduct x, long at, long column, T value) where T : unmanaged, INumberBase<T>
    {
        if (column >= x.N) return;
        long run = column / x.Run;
        c[at + run * x.RunStride + (column - run * x.Run)] = value;
    }
}

/// <summary>One thread's share of a group's reads: of each slice, one depth of the lines u, u + S, u + 2 S and u + 3 S.</summary>
internal readonly struct PatchReader<T, TRead>
    where T : unmanaged, INumberBase<T>
    where TRead : struct, IConvolutionSide
{
    private readonly PatchPart _line0, _line1, _line2, _line3;
    private readonly long _lines;

    public PatchReader(ConvolutionShape x, int group, long first, long lines, int side)
    {
        first += Group.IdxX;
        _lines = lines - first;
        _line0 = TRead.Line(x, group, first);
        _line1 = TRead.Line(x, group, first + side);
        _line2 = TRead.Line(x, group, first + 2 * side);
        _line3 = TRead.Line(x, group, first + 3 * side);
    }

    /// <summary>Reads four lines at a depth; zeros outside of the operand.</summary>
    public readonly Quad<T> Read(ArrayView<T> source, ConvolutionShape x, int group, long depth, long depths, int side)
    {
        Quad<T> values = default;
        if (depth < depths)
        {
            var along = TRead.Along(x, group, depth);
            values.X = Read(source, x, _line0, along, _lines > 0);
            values.Y = Read(source, x, _line1, along, _lines > side);
            values.Z = Read(source, x, _line2, along, _lines > 2 * side);
            values.W = Read(source, x, _line3, along, _lines > 3 * side);
        }

        return values;
    }

    /// <summary>Puts what was read where the group looks for it.</summary>
    public static void Share(ArrayView<T> shared, Quad<T> values, int sharedLine, int side)
    {
        int at = Group.IdxY * sharedLine + Group.IdxX;
        shared[at] = values.X;
        shared[at + side] = values.Y;
        shared[at + 2 * side] = values.Z;
        shared[at + 3 * side] = values.W;
    }

    private static T Read(ArrayView<T> source, ConvolutionShape x, PatchPart line, PatchPart along, bool isInside)
    {
        T value = default;
        if (isInside)
        {
            long address = TRead.Address(x, line, along);
            if (address >= 0)
            {
                value = source[address];
            }
        }

        return value;
    }
}
