using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// Attention on a GPU without the matrix of scores (T. Dao, D. Y. Fu, S. Ermon, A. Rudra and C. Ré, FlashAttention: fast and memory-efficient exact attention
/// with IO-awareness, 2022). A group of S x S threads owns a tile of 2 S rows of a result and goes through the other operand's rows, 2 S at a
/// time: it computes that tile of scores in shared memory, makes weights of it and adds their product to what each thread keeps in registers. Nothing is
/// added by two groups, so results are the same each time. A result wider than 8 S columns is cut, each part with scores of its own.
/// </summary>
public static class AttentionKernels
{
    /// <summary>The widest group: 16 x 16 threads.</summary>
    public const int MaxGroupSide = 16;

    /// <summary>Elements from one row of a tile in shared memory to the next: one more than a row, so that a column spreads over the banks.</summary>
    internal const int TilePitch = MaxTile + 1;

    private const int MaxTile = 2 * MaxGroupSide;
    private const int SlicePitch = MaxGroupSide + 1;

    /// <summary>The groups' work: each takes tiles of rows by turns.</summary>
    /// <param name="count">Matrices.</param>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result.</param>
    /// <param name="side">S.</param>
    public static long Items(long count, int rows, int columns, int side) => count * Tiles(rows, 2 * side) * Blocks(columns, side);

    /// <summary>softmax(scale q k^T + mask) v with the running maximum and sum of each row, and the logarithm of its sum.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <typeparam name="TSide">S; the group must have S x S threads.</typeparam>
    /// <typeparam name="TMath">The functions of T.</typeparam>
    /// <param name="x">The operands.</param>
    public static void Forward<T, TSide, TMath>(AttentionArguments<T> x)
        where T : unmanaged, INumber<T>
        where TSide : struct, IGroupSide
        where TMath : struct, IAttentionMath<T>
    {
        ArrayView<T> left = SharedMemory.Allocate<T>(MaxTile * SlicePitch);
        ArrayView<T> right = SharedMemory.Allocate<T>(MaxTile * SlicePitch);
        ArrayView<T> weights = SharedMemory.Allocate<T>(MaxTile * TilePitch);
        ArrayView<T> values = SharedMemory.Allocate<T>(MaxTile * TilePitch);
        ArrayView<T> shifts = SharedMemory.Allocate<T>(MaxTile);
        ArrayView<T> factors = SharedMemory.Allocate<T>(MaxTile);
        int side = TSide.Value, tile = 2 * side, thread = Group.IdxY * side + Group.IdxX;
        int blocks = Blocks(x.ValueWidth, side), tiles = Tiles(x.Queries, tile);
        long items = x.Count * tiles * blocks;
        for (long item = Grid.IdxX; item < items; item += Grid.DimX)
        {
            long rest = item / blocks, n = rest / tiles;
            int block = (int)(item - rest * blocks), first = (int)(rest - n * tiles) * tile;
            long q = x.Query.Start(n, x.Count1, x.Count2), k = x.Key.Start(n, x.Count1, x.Count2), v = x.Value.Start(n, x.Count1, x.Count2);
            int row = first + Group.IdxY, column = block * 4 * tile;

            // Of row number thread: its largest score and the sum of its exponentials so far.
            T largest = -TMath.Infinity, total = T.Zero;
            AttentionSums<T> sums = default;
            int keys = x.IsCausal != 0 ? IntrinsicMath.Min(x.Keys, first + tile) : x.Keys;
            for (int key = 0; key < keys; key += tile)
            {
                var scores = Dot(x.Query, q, first, x.Queries, x.Key, k, key, x.Keys, x.Width, left, right, side);
                int at = key + Group.IdxX;
                scores.V00 = Masked<T, TMath>(x, n, row, at, scores.V00);
                scores.V01 = Masked<T, TMath>(x, n, row, at + side, scores.V01);
                scores.V10 = Masked<T, TMath>(x, n, row + side, at, scores.V10);
                scores.V11 = Masked<T, TMath>(x, n, row + side, at + side, scores.V11);
                scores.Share(weights, side);
                Group.Barrier();
                if (thread < tile)
                {
                    T before = largest;
                    for (int p = 0; p < tile; p++)
                    {
                        T score = weights[thread * TilePitch + p];
                        if (score > largest) largest = score;
                    }

                    T shift = largest == -TMath.Infinity ? T.Zero : largest;
                    shifts[thread] = shift;
                    factors[thread] = TMath.Exp(before - shift);
                }

                Group.Barrier();
                T upper = shifts[Group.IdxY], lower = shifts[Group.IdxY + side];
                scores.V00 = TMath.Exp(scores.V00 - upper);
                scores.V01 = TMath.Exp(scores.V01 - upper);
                scores.V10 = TMath.Exp(scores.V10 - lower);
                scores.V11 = TMath.Exp(scores.V11 - lower);
                scores.Share(weights, side);
                Group.Barrier();
                if (thread < tile)
                {
                    T sum = T.Zero;
                    for (int p = 0; p < tile; p++) sum += weights[thread * TilePitch + p];
                    total = total * factors[thread] + sum;
                }

                if (x.Dropout > 0)
                {
                    Group.Barrier();
                    scores.V00 *= Kept(x, n, row, at);
                    scores.V01 *= Kept(x, n, row, at + side);
                    scores.V10 *= Kept(x, n, row + side, at);
                    scores.V11 *= Kept(x, n, row + side, at + side);
                    scores.Share(weights, side);
                    Group.Barrier();
                }

                sums.ScaleRows(factors[Group.IdxY], factors[Group.IdxY + side]);
                sums.Add(weights, values, x.Value, v, key, x.Keys, column, x.ValueWidth, side);
                Group.Barrier();
            }

            if (thread < tile)
            {
                // A row in which no key takes part is zero, and so are its weights in the backward pass.
                shifts[thread] = total == T.Zero ? T.Zero : T.One / total;
                if (block == 0 & first + thread < x.Queries)
                {
                    x.LogSum[n * x.Queries + first + thread] = total == T.Zero ? TMath.Infinity : largest + TMath.Log(total);
                }
            }

            Group.Barrier();
            sums.ScaleRows(shifts[Group.IdxY], shifts[Group.IdxY + side]);
            sums.Store(x.Result, x.Result.Start(n, x.Count1, x.Count2), first, x.Queries, column, x.ValueWidth, side);
            Group.Barrier();
        }
    }

    /// <summary>One of the three gradients, with the weights computed again from the logarithms of the rows' sums.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <typeparam name="TSide">S; the group must have S x S threads.</typeparam>
    /// <typeparam name="TMath">The functions of T.</typeparam>
    /// <typeparam name="TGradient">Which gradient.</typeparam>
    /// <param name="x">The operands.</param>
    public static void Gradient<T, TSide, TMath, TGradient>(AttentionArguments<T> x)
        where T : unmanaged, INumber<T>
        where TSide : struct, IGroupSide
        where TMath : struct, IAttentionMath<T>
        where TGradient : struct, IAttentionGradient
    {
        ArrayView<T> left = SharedMemory.Allocate<T>(MaxTile * SlicePitch);
        ArrayView<T> right = SharedMemory.Allocate<T>(MaxTile * SlicePitch);
        ArrayView<T> weights = SharedMemory.Allocate<T>(MaxTile * TilePitch);
        ArrayView<T> values = SharedMemory.Allocate<T>(MaxTile * TilePitch);
        int side = TSide.Value, tile = 2 * side;
        bool rowsAreKeys = TGradient.RowsAreKeys;
        int rows = rowsAreKeys ? x.Keys : x.Queries, others = rowsAreKeys ? x.Queries : x.Keys;
        int columns = TGradient.IsOfWeights ? x.ValueWidth : x.Width;
        int blocks = Blocks(columns, side), tiles = Tiles(rows, tile);
        long items = x.Count * tiles * blocks;
        for (long item = Grid.IdxX; item < items; item += Grid.DimX)
        {
            long rest = item / blocks, n = rest / tiles;
            int block = (int)(item - rest * blocks), first = (int)(rest - n * tiles) * tile;
            long q = x.Query.Start(n, x.Count1, x.Count2), k = x.Key.Start(n, x.Count1, x.Count2);
            long v = x.Value.Start(n, x.Count1, x.Count2), g = x.Gradient.Start(n, x.Count1, x.Count2);
            int row = first + Group.IdxY, column = block * 4 * tile;
            AttentionSums<T> sums = default;

            // Causal: a query sees no later key, a key is seen by no earlier query.
            int begin = x.IsCausal != 0 & rowsAreKeys ? first / tile * tile : 0;
            int end = x.IsCausal != 0 & !rowsAreKeys ? IntrinsicMath.Min(others, first + tile) : others;
            for (int other = begin; other < end; other += tile)
            {
                int at = other + Group.IdxX;
                var tileOf = rowsAreKeys
                    ? Dot(x.Key, k, first, x.Keys, x.Query, q, other, x.Queries, x.Width, left, right, side)
                    : Dot(x.Query, q, first, x.Queries, x.Key, k, other, x.Keys, x.Width, left, right, side);
                tileOf.V00 = Weight<T, TMath, TGradient>(x, n, row, at, tileOf.V00);
                tileOf.V01 = Weight<T, TMath, TGradient>(x, n, row, at + side, tileOf.V01);
                tileOf.V10 = Weight<T, TMath, TGradient>(x, n, row + side, at, tileOf.V10);
                tileOf.V11 = Weight<T, TMath, TGradient>(x, n, row + side, at + side, tileOf.V11);
                if (TGradient.IsOfWeights)
                {
                    if (x.Dropout > 0)
                    {
                        tileOf.V00 *= Kept(x, n, at, row);
                        tileOf.V01 *= Kept(x, n, at + side, row);
                        tileOf.V10 *= Kept(x, n, at, row + side);
                        tileOf.V11 *= Kept(x, n, at + side, row + side);
                    }

                    tileOf.Share(weights, side);
                    Group.Barrier();
                    sums.Add(weights, values, x.Gradient, g, other, x.Queries, column, columns, side);
                }
                else
                {
                    var slope = rowsAreKeys
                        ? Dot(x.Value, v, first, x.Keys, x.Gradient, g, other, x.Queries, x.ValueWidth, left, right, side)
                        : Dot(x.Gradient, g, first, x.Queries, x.Value, v, other, x.Keys, x.ValueWidth, left, right, side);
                    tileOf.V00 = Slope<T, TGradient>(x, n, row, at, tileOf.V00, slope.V00);
                    tileOf.V01 = Slope<T, TGradient>(x, n, row, at + side, tileOf.V01, slope.V01);
                    tileOf.V10 = Slope<T, TGradient>(x, n, row + side, at, tileOf.V10, slope.V10);
                    tileOf.V11 = Slope<T, TGradient>(x, n, row + side, at + side, tileOf.V11, slope.V11);
                    tileOf.Share(weights, side);
                    Group.Barrier();
                    if (rowsAreKeys)
                        sums.Add(weights, values, x.Query, q, other, x.Queries, column, columns, side);
                    else
                        sums.Add(weights, values, x.Key, k, other, x.Keys, column, columns, side);
                }

                Group.Barrier();
            }

            sums.Store(x.Result, x.Result.Start(n, x.Count1, x.Count2), first, rows, column, columns, side);
        }
    }

    private static int Tiles(int rows, int tile) => (rows + tile - 1) / tile;

    private static int Blocks(int columns, int side) => IntrinsicMath.Max(1, (columns + 8 * side - 1) / (8 * side));

    /// <summary>The products of rows of two matrices, slices of S columns at a time through shared memory; zero outside.</summary>
    private static AttentionTile<T> Dot<T>(
        AttentionOperand<T> a, long aStart, int aFirst, int aRows, AttentionOperand<T> b, long bStart, int bFirst, int bRows, int depth,
        ArrayView<T> left, ArrayView<T> right, int side)
        where T : unmanaged, INumber<T>
    {
        AttentionTile<T> sum = default;
        int ty = Group.IdxY, tx = Group.IdxX;
        int target = ty * SlicePitch + tx, below = target + side * SlicePitch;
        int aRow = aFirst + ty, bRow = bFirst + ty;
        for (int e = 0; e < depth; e += side)
        {
            bool inside = e + tx < depth;
            T a0 = T.Zero, a1 = T.Zero, b0 = T.Zero, b1 = T.Zero;
            long aAt = aStart + aRow * a.Row + (e + tx) * a.Col, bAt = bStart + bRow * b.Row + (e + tx) * b.Col;
            if (inside & aRow < aRows) a0 = a.View[aAt];
            if (inside & aRow + side < aRows) a1 = a.View[aAt + side * a.Row];
            if (inside & bRow < bRows) b0 = b.View[bAt];
            if (inside & bRow + side < bRows) b1 = b.View[bAt + side * b.Row];
            left[target] = a0;
            left[below] = a1;
            right[target] = b0;
            right[below] = b1;
            Group.Barrier();
            for (int p = 0; p < side; p++)
            {
                T l0 = left[ty * SlicePitch + p], l1 = left[(ty + side) * SlicePitch + p];
                T r0 = right[tx * SlicePitch + p], r1 = right[(tx + side) * SlicePitch + p];
                sum.V00 += l0 * r0;
                sum.V01 += l0 * r1;
                sum.V10 += l1 * r0;
                sum.V11 += l1 * r1;
            }

            Group.Barrier();
        }

        return sum;
    }

    /// <summary>The score of a product: scaled and masked; minus infinity where there is no such query or key.</summary>
    private static T Masked<T, TMath>(AttentionArguments<T> x, long n, int query, int key, T product)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T>
    {
        T score = product * x.Scale;
        bool outside = query >= x.Queries | key >= x.Keys;
        if (outside | (x.IsCausal != 0 & key > query))
        {
            return -TMath.Infinity;
        }

        if (x.MaskKind == AttentionArguments<T>.BoolMask)
        {
            if (x.Mask.View[x.Mask.Start(n, x.Count1, x.Count2) + query * x.Mask.Row + key * x.Mask.Col] == 0) score = -TMath.Infinity;
        }
        else if (x.MaskKind == AttentionArguments<T>.AddedMask)
        {
            score += x.Added.View[x.Added.Start(n, x.Count1, x.Count2) + query * x.Added.Row + key * x.Added.Col];
        }

        return score;
    }

    private static T Weight<T, TMath, TGradient>(AttentionArguments<T> x, long n, int row, int column, T product)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T>
        where TGradient : struct, IAttentionGradient
    {
        int query = TGradient.RowsAreKeys ? column : row, key = TGradient.RowsAreKeys ? row : column;
        T score = Masked<T, TMath>(x, n, query, key, product);
        if (query >= x.Queries)
        {
            return T.Zero;
        }

        return TMath.Exp(score - x.LogSum[n * x.Queries + query]);
    }

    private static T Slope<T, TGradient>(AttentionArguments<T> x, long n, int row, int column, T weight, T slope)
        where T : unmanaged, INumber<T>
        where TGradient : struct, IAttentionGradient
    {
        int query = TGradient.RowsAreKeys ? column : row, key = TGradient.RowsAreKeys ? row : column;
        if (query >= x.Queries | key >= x.Keys)
        {
            return T.Zero;
        }

        if (x.Dropout > 0) slope *= Kept(x, n, query, key);
        return weight * (slope - x.Delta[n * x.Queries + query]) * x.Scale;
    }

    /// <summary>What dropout multiplies a weight by.</summary>
    private static T Kept<T>(AttentionArguments<T> x, long n, int query, int key)
        where T : unmanaged, INumber<T>
    {
        long matrix = n - n / x.Period * x.Period;
        long index = (matrix * x.Queries + query) * x.StreamRow + key;
        T kept = T.Zero;
        if (Philox.UniformFloat((ulong)x.Seed, (ulong)x.Offset, index) >= x.Dropout) kept = x.KeepScale;
        return kept;
    }
}
