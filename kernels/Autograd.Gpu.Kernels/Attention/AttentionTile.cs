using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels;

/// <summary>A thread's four elements of a group's tile: rows y and y + side, columns x and x + side.</summary>
internal struct AttentionTile<T> where T : unmanaged, INumberBase<T>
{
    public T V00, V01, V10, V11;

    /// <summary>Writes the elements to the group's tile in shared memory.</summary>
    public readonly void Share(ArrayView<T> shared, int side)
    {
        int at = Group.IdxY * AttentionKernels.TilePitch + Group.IdxX, below = at + side * AttentionKernels.TilePitch;
        shared[at] = V00;
        shared[at + side] = V01;
        shared[below] = V10;
        shared[below + side] = V11;
    }

    /// <summary>Adds the product of two tiles in shared memory.</summary>
    public void AddProduct(ArrayView<T> left, ArrayView<T> right, int side)
    {
        int row = Group.IdxY * AttentionKernels.TilePitch, below = row + side * AttentionKernels.TilePitch;
        for (int p = 0; p < 2 * side; p++)
        {
            int line = p * AttentionKernels.TilePitch + Group.IdxX;
            T a0 = left[row + p], a1 = left[below + p], b0 = right[line], b1 = right[line + side];
            V00 += a0 * b0;
            V01 += a0 * b1;
            V10 += a1 * b0;
            V11 += a1 * b1;
        }
    }

    /// <summary>Multiplies the rows by a factor each.</summary>
    public void ScaleRows(T upper, T lower)
    {
        V00 *= upper;
        V01 *= upper;
        V10 *= lower;
        V11 *= lower;
    }
}

/// <summary>A thread's part of four tiles of the result side by side.</summary>
internal struct AttentionSums<T> where T : unmanaged, INumberBase<T>
{
    public AttentionTile<T> T0, T1, T2, T3;

    public void ScaleRows(T upper, T lower)
    {
        T0.ScaleRows(upper, lower);
        T1.ScaleRows(upper, lower);
        T2.ScaleRows(upper, lower);
        T3.ScaleRows(upper, lower);
    }

    /// <summary>
    /// Adds weights (a tile in shared memory) times rows <paramref name="first"/> and following of a matrix, columns <paramref name="column"/> and following.
    /// </summary>
    public void Add(ArrayView<T> weights, ArrayView<T> shared, AttentionOperand<T> matrix, long start, int first, int rows, int column, int columns, int side)
    {
        AddTile(ref T0, weights, shared, matrix, start, first, rows, column, columns, side);
        AddTile(ref T1, weights, shared, matrix, start, first, rows, column + 2 * side, columns, side);
        AddTile(ref T2, weights, shared, matrix, start, first, rows, column + 4 * side, columns, side);
        AddTile(ref T3, weights, shared, matrix, start, first, rows, column + 6 * side, columns, side);
    }

    public readonly void Store(AttentionOperand<T> matrix, long start, int first, int rows, int column, int columns, int side)
    {
        StoreTile(T0, matrix, start, first, rows, column, columns, side);
        StoreTile(T1, matrix, start, first, rows, column + 2 * side, columns, side);
        StoreTile(T2, matrix, start, first, rows, column + 4 * side, columns, side);
        StoreTile(T3, matrix, start, first, rows, column + 6 * side, columns, side);
    }

    private static void AddTile(
        ref AttentionTile<T> sum, ArrayView<T> weights, ArrayView<T> shared, AttentionOperand<T> matrix, long start, int first, int rows, int column,
        int columns, int side)
    {
        // The whole group goes one way.
        if (column >= columns)
        {
            return;
        }

        AttentionTile<T> tile = default;
        int row = first + Group.IdxY, x = column + Group.IdxX;
        long at = start + row * matrix.Row + x * matrix.Col;
        if (row < rows & x < columns) tile.V00 = matrix.View[at];
        if (row < rows & x + side < columns) tile.V01 = matrix.View[at + side * matrix.Col];
        at += side * matrix.Row;
        if (row + side < rows & x < columns) tile.V10 = matrix.View[at];
        if (row + side < rows & x + side < columns) tile.V11 = matrix.View[at + side * matrix.Col];
        tile.Share(shared, side);
        Group.Barrier();
        sum.AddProduct(weights, shared, side);
        Group.Barrier();
    }

    private static void StoreTile(AttentionTile<T> tile, AttentionOperand<T> matrix, long start, int first, int rows, int column, int columns, int side)
    {
        int row = first + Group.IdxY, x = column + Group.IdxX;
        long at = start + row * matrix.Row + x * matrix.Col;
        if (row < rows & x < columns) matrix.View[at] = tile.V00;
        if (row < rows & x + side < columns) matrix.View[at + side * matrix.Col] = tile.V01;
        at += side * matrix.Row;
        if (row + side < rows & x < columns) matrix.View[at] = tile.V10;
        if (row + side < rows & x + side < columns) matrix.View[at + side * matrix.Col] = tile.V11;
    }
}
