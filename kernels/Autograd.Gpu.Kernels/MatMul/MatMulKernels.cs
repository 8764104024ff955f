using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// The matrix product on a GPU. A group of S x S threads computes a square tile of c: it brings slices of a and b, S deep, into
/// shared memory, where their strides end, and each thread multiplies them into register tiles while its part of the next slice is on
/// its way. A group takes one tile after the other, so any number of groups computes any product. Each element of c sums its
/// products in order of k.
/// </summary>
public static class MatMulKernels
{
    /// <summary>The widest group: 16 x 16 threads.</summary>
    public const int MaxGroupSide = 16;

    /// <summary>What one thread of <see cref="Small"/> computes: a 4x4 tile of c, so a group computes 4 S x 4 S.</summary>
    public const int SmallTile = 4;

    /// <summary>What one thread of <see cref="Large"/> computes: an 8x8 tile of c, so a group computes 8 S x 8 S.</summary>
    public const int LargeTile = 8;

    // In quads, with one of padding, so that the threads that fill a column of shared memory spread over its banks.
    private const int SmallLine = MaxGroupSide + 1;
    private const int LargeLine = 2 * MaxGroupSide + 1;

    /// <summary>4x4 elements a thread: more groups, for products too small to fill the device with <see cref="Large"/>.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <typeparam name="TSide">S; the group must have S x S threads.</typeparam>
    /// <param name="a">Element 0 of a.</param>
    /// <param name="b">Element 0 of b.</param>
    /// <param name="c">Element 0 of c, which overlaps neither a nor b.</param>
    /// <param name="x">Extents and strides.</param>
    public static void Small<T, TSide>(ArrayView<T> a, ArrayView<T> b, ArrayView<T> c, MatMulArguments<T> x)
        where T : unmanaged, INumberBase<T>
        where TSide : struct, IGroupSide
    {
        ArrayView<Quad<T>> left = SharedMemory.Allocate<Quad<T>>(MaxGroupSide * SmallLine);
        ArrayView<Quad<T>> right = SharedMemory.Allocate<Quad<T>>(MaxGroupSide * SmallLine);
        int side = TSide.Value, tileSide = SmallTile * side;
        long columnTiles = (x.N + tileSide - 1) / tileSide;
        long tiles = (x.M + tileSide - 1) / tileSide * columnTiles;
        for (long tile = Grid.IdxX; tile < tiles * x.Batch; tile += Grid.DimX)
        {
            long t = tile / tiles, rowTile = (tile - t * tiles) / columnTiles;
            long row = rowTile * tileSide, column = (tile - t * tiles - rowTile * columnTiles) * tileSide;
            var readA = new OperandReader<T>(a, t * x.ABatch, x.ARow, x.ACol, row, x.M, x.K, side, 4 * SmallLine);
            var readB = new OperandReader<T>(b, t * x.BBatch, x.BCol, x.BRow, column, x.N, x.K, side, 4 * SmallLine);
            Quad<T> nextA = readA.Read(0), nextB = readB.Read(0);
            RegisterTile<T> sum = default;
            for (long p = 0; p < x.K; p += side)
            {
                readA.Share(left.Cast<T>(), 0, nextA);
                readB.Share(right.Cast<T>(), 0, nextB);
                Group.Barrier();
                readA.Advance();
                readB.Advance();
                nextA = readA.Read(0);
                nextB = readB.Read(0);
                for (int q = 0; q < side; q++)
                    sum.Add(left[q * SmallLine + Group.IdxY], right[q * SmallLine + Group.IdxX]);
                Group.Barrier();
            }

            Store(c, x, t, row + 4 * Group.IdxY, column + 4 * Group.IdxX, sum);
        }
    }

    /// <summary>8x8 elements a thread: half the shared-memory traffic of <see cref="Small"/>, for products that fill the device.</summary>
    /// <inheritdoc cref="Small{T, TSide}"/>
    public static void Large<T, TSide>(ArrayView<T> a, ArrayView<T> b, ArrayView<T> c, MatMulArguments<T> x)
        where T : unmanaged, INumberBase<T>
        where TSide : struct, IGroupSide
    {
        ArrayView<Quad<T>> left = SharedMemory.Allocate<Quad<T>>(MaxGroupSide * LargeLine);
        ArrayView<Quad<T>> right = SharedMemory.Allocate<Quad<T>>(MaxGroupSide * LargeLine);
        int side = TSide.Value, tileSide = LargeTile * side, half = 4 * side;
        long columnTiles = (x.N + tileSide - 1) / tileSide;
        long tiles = (x.M + tileSide - 1) / tileSide * columnTiles;
        for (long tile = Grid.IdxX; tile < tiles * x.Batch; tile += Grid.DimX)
        {
            long t = tile / tiles, rowTile = (tile - t * tiles) / columnTiles;
            long row = rowTile * tileSide, column = (tile - t * tiles - rowTile * columnTiles) * tileSide;
            var readA = new OperandReader<T>(a, t * x.ABatch, x.ARow, x.ACol, row, x.M, x.K, side, 4 * LargeLine);
            var readB = new OperandReader<T>(b, t * x.BBatch, x.BCol, x.BRow, column, x.N, x.K, side, 4 * LargeLine);
            Quad<T> nextA0 = readA.Read(0), nextA1 = readA.Read(4), nextB0 = readB.Read(0), nextB1 = readB.Read(4);
            RegisterTile<T> sum00 = default, sum01 = default, sum10 = default, sum11 = default;
            for (long p = 0; p < x.K; p += side)
            {
                readA.Share(left.Cast<T>(), 0, nextA0);
                readA.Share(left.Cast<T>(), 4, nextA1);
                readB.Share(right.Cast<T>(), 0, nextB0);
                readB.Share(right.Cast<T>(), 4, nextB1);
                Group.Barrier();
                readA.Advance();
                readB.Advance();
                nextA0 = readA.Read(0);
                nextA1 = readA.Read(4);
                nextB0 = readB.Read(0);
                nextB1 = readB.Read(4);
                for (int q = 0; q < side; q++)
                {
                    // A thread's quads lie half a tile apart, so that neighbouring threads read neighbouring quads.
                    int i = q * LargeLine + Group.IdxY, j = q * LargeLine + Group.IdxX;
                    Quad<T> a0 = left[i], a1 = left[i + side], b0 = right[j], b1 = right[j + side];
                    sum00.Add(a0, b0);
                    sum01.Add(a0, b1);
                    sum10.Add(a1, b0);
                    sum11.Add(a1, b1);
                }

                Group.Barrier();
            }

            row += 4 * Group.IdxY;
            column += 4 * Group.IdxX;
            Store(c, x, t, row, column, sum00);
            Store(c, x, t, row, column + half, sum01);
            Store(c, x, t, row + half, column, sum10);
            Store(c, x, t, row + half, column + half, sum11);
        }
    }

    private static void Store<T>(ArrayView<T> c, MatMulArguments<T> x, long t, long row, long column, RegisterTile<T> sum)
        where T : unmanaged, INumberBase<T>
    {
        long at = t * x.CBatch + row * x.CRow + column;
        if (row < x.M) Store(c, x, at, column, sum.Row0);
        if (row + 1 < x.M) Store(c, x, at + x.CRow, column, sum.Row1);
        if (row + 2 < x.M) Store(c, x, at + 2 * x.CRow, column, sum.Row2);
        if (row + 3 < x.M) Store(c, x, at + 3 * x.CRow, column, sum.Row3);
    }

    private static void Store<T>(ArrayView<T> c, MatMulArguments<T> x, long at, long column, Quad<T> values)
        where T : unmanaged, INumberBase<T>
    {
        if (column < x.N) StoreOne(c, x, at, column, values.X);
        if (column + 1 < x.N) StoreOne(c, x, at + 1, column + 1, values.Y);
        if (column + 2 < x.N) StoreOne(c, x, at + 2, column + 2, values.Z);
        if (column + 3 < x.N) StoreOne(c, x, at + 3, column + 3, values.W);
    }

    private static void StoreOne<T>(ArrayView<T> c, MatMulArguments<T> x, long at, long column, T value) where T : unmanaged, INumberBase<T>
    {
        value *= x.Alpha;
        if (x.Accumulate != 0) value += c[at];
        if (x.HasBias != 0) value += x.Bias[column];
        c[at] = value;
    }
}
