using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The vector width of the host's matrix kernels.</summary>
internal enum HostVectorWidth
{
    /// <summary>128 bits: every processor.</summary>
    V128,

    /// <summary>256 bits: AVX2 with FMA.</summary>
    V256,

    /// <summary>512 bits: AVX-512 where it does not slow the processor down.</summary>
    V512,
}

/// <summary>The matrix product on the host: c = alpha * a b, or c += alpha * a b, for each matrix of a batch.</summary>
internal static unsafe class HostMatMul
{
    // Waking a thread takes the caller about 10 us and the thread as long again; these amounts of work, in vector multiply-adds and in
    // bytes of a matrix that meets a vector, take about 20 us.
    private const double ForkMultiplyAdds = 160e3;
    private const double ForkBytes = 2e6;

    // From here on threads that are awake are given parts: parting and joining take about a microsecond, fetching operands from one another's caches some more.
    private const double ShareMultiplyAdds = 50e3;

    // One block a thread, since two share less, but of batches, which seldom fall into as many equal parts, and of products that take so many milliseconds that
    // another program may well disturb a thread.
    private const double LongMultiplyAdds = 100e6;

    private const int VectorChunksPerThread = 2;
    private const int VectorRowUnit = 64;

    // Tiles of 12, 8 and 4 rows are as fast a row as one another, those of 6 and 4 about; fewer are not.
    private const int RowUnit = 4;

    private static HostVectorWidth _width = Widest;

    /// <summary>What the processor supports.</summary>
    public static HostVectorWidth Widest =>
        Avx512F.IsSupported && Vector512.IsHardwareAccelerated ? HostVectorWidth.V512
        : Avx2.IsSupported && Fma.IsSupported ? HostVectorWidth.V256
        : HostVectorWidth.V128;

    /// <summary>The width in use; a narrower one than <see cref="Widest"/> can be forced.</summary>
    /// <exception cref="PlatformNotSupportedException">The processor does not support the width.</exception>
    public static HostVectorWidth Width
    {
        get => _width;
        set
        {
            if (value > Widest)
            {
                throw new PlatformNotSupportedException(
                    $"[HostMatMul] vector width {value} is more than this processor has; the widest is {Widest}.");
            }

            _width = value;
        }
    }

    /// <summary>The ways of the first-level cache that the kernels count on, 0 for any number; others than the processor's can be forced.</summary>
    public static int CacheWays { get; set; } = HostCache.Ways;

    /// <summary>
    /// For each matrix t of the batch: c[t, i, j] = alpha * sum over p of a[t, i, p] * b[t, p, j], added to c if <paramref name="accumulate"/>.
    /// Strides count elements and may have any value, 0 (broadcast) and negative ones included; the columns of c are adjacent. With
    /// <paramref name="k"/> = 0 the product is zero; with another extent 0 there is nothing to do. c must not overlap a or b.
    /// A <paramref name="bias"/>, n adjacent elements, is added to each row of c; not together with <paramref name="accumulate"/>.
    /// The result does not depend on the number of threads: each element sums its products in order.
    /// </summary>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is neither float nor double.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An extent is negative.</exception>
    public static void Multiply<T>(
        long batch, long m, long n, long k,
        T* a, long aBatch, long aRow, long aCol,
        T* b, long bBatch, long bRow, long bCol,
        T* c, long cBatch, long cRow,
        T alpha, bool accumulate, T* bias = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
            throw new NotSupportedException($"[HostMatMul] {typeof(T)} is not supported; convert to float or double.");
        if (batch < 0 || m < 0 || n < 0 || k < 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(batch), $"[HostMatMul] batch = {batch}, m = {m}, n = {n}, k = {k}: no extent may be negative.");
        }

        if (batch == 0 || m == 0 || n == 0) return;
        if (batch == 1 && k > 0 && SmallProduct.Fits(m, n, k))
        {
            SmallProduct.Multiply(
                (nint)m, (nint)n, (nint)k, a, (nint)aRow, (nint)aCol, b, (nint)bRow, (nint)bCol, c, (nint)cRow, alpha, accumulate, bias);
            return;
        }

        MultiplyAny(batch, m, n, k, a, aBatch, aRow, aCol, b, bBatch, bRow, bCol, c, cBatch, cRow, alpha, accumulate, bias);
    }

    /// <summary>The same without the short way for small products.</summary>
    internal static void MultiplyAny<T>(
        long batch, long m, long n, long k,
        T* a, long aBatch, long aRow, long aCol,
        T* b, long bBatch, long bRow, long bCol,
        T* c, long cBatch, long cRow,
        T alpha, bool accumulate, T* bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var x = new MatMulProblem<T>
        {
            M = (nint)m,
            N = (nint)n,
            K = (nint)k,
            A = a,
            B = b,
            C = c,
            ARow = (nint)aRow,
            ACol = (nint)aCol,
            BRow = (nint)bRow,
            BCol = (nint)bCol,
            CRow = (nint)cRow,
            Alpha = alpha,
            Accumulate = accumulate,
            Bias = bias,
        };
        var strides = new BatchStrides { Count = (nint)batch, A = (nint)aBatch, B = (nint)bBatch, C = (nint)cBatch };
        if (k == 0)
        {
            if (!accumulate) Clear(x, strides);
            return;
        }

        if (x.M == 1) x.ARow = 0;
        if (x.N == 1) x.BCol = 1;
        FoldBatch(ref x, ref strides);
        switch (Width)
        {
            case HostVectorWidth.V512:
                Run<T, Vector512<T>, HostVector512<T>, Twelve>(x, strides);
                break;
            case HostVectorWidth.V256:
                Run<T, Vector256<T>, HostVector256<T>, Six>(x, strides);
                break;
            case HostVectorWidth.V128 when AdvSimd.Arm64.IsSupported: // 32 registers
                Run<T, Vector128<T>, HostVector128<T>, Twelve>(x, strides);
                break;
            default:
                Run<T, Vector128<T>, HostVector128<T>, Six>(x, strides);
                break;
        }
    }

    // c without any product: the bias, or 0.
    private static void Clear<T>(in MatMulProblem<T> x, in BatchStrides strides) where T : unmanaged
    {
        for (nint t = 0; t < strides.Count; t++)
        {
            for (nint i = 0; i < x.M; i++)
                Start(x, x.C + t * strides.C + i * x.CRow);
        }
    }

    // What a row of c is before products are added: the bias, or 0.
    private static void Start<T>(in MatMulProblem<T> x, T* row) where T : unmanaged
    {
        nuint bytes = (nuint)x.N * (nuint)sizeof(T);
        if (x.Bias is null) NativeMemory.Clear(row, bytes);
        else NativeMemory.Copy(x.Bias, row, bytes);
    }

    // Matrices that share b and follow each other row on row are one tall matrix.
    private static void FoldBatch<T>(ref MatMulProblem<T> x, ref BatchStrides strides) where T : unmanaged
    {
        if (strides.Count == 1 || strides.B != 0) return;
        if (x.M == 1)
        {
            x.ARow = strides.A;
            x.CRow = strides.C;
        }
        else if (strides.A != x.M * x.ARow || strides.C != x.M * x.CRow)
        {
            return;
        }

        x.M *= strides.Count;
        strides = new BatchStrides { Count = 1 };
    }

    private static void Run<T, TVector, TOps, TTall>(in MatMulProblem<T> x, in BatchStrides strides)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        if (x.M == 1 || x.N == 1)
        {
            MatMulProblem<T> column = AsMatrixVector(x, out nint outStride);
            if (x.Bias is not null)
            {
                Clear(x, strides);
                column.Accumulate = true;
            }

            var vector = new VectorWork<T, TVector, TOps> { X = column, OutStride = outStride, Batch = strides };
            if (x.M == 1 && x.N != 1) vector.Batch = strides with { A = strides.B, B = strides.A };
            double bytes = (double)strides.Count * vector.X.M * x.K * sizeof(T);
            vector.Grid = bytes < ForkBytes
                ? Grid.Whole(strides.Count, vector.X.M, 1)
                : Grid.Cut(strides.Count, vector.X.M, 1, VectorRowUnit, 1, VectorChunksPerThread, 2 * bytes / ForkBytes);
            HostParallel.For(vector.Grid.Chunks, ref vector);
            return;
        }

        var work = new TileWork<T, TVector, TOps, TTall> { X = x, Batch = strides };
        double multiplyAdds = (double)strides.Count * x.M * x.N * x.K / TOps.Lanes;
        int chunksPerThread = strides.Count == 1 && multiplyAdds < HostParallel.ThreadCount * LongMultiplyAdds ? 1 : 2;
        work.Grid = multiplyAdds < ShareMultiplyAdds
            ? Grid.Whole(strides.Count, x.M, x.N)
            : Grid.Cut(strides.Count, x.M, x.N, RowUnit, 2 * TOps.Lanes, chunksPerThread, 2 * multiplyAdds / ShareMultiplyAdds);
        HostParallel.For(work.Grid.Chunks, ref work, isFine: multiplyAdds < ForkMultiplyAdds);
    }

    // A row times a matrix is the transposed matrix times a column; the result's stride says where it lies.
    private static MatMulProblem<T> AsMatrixVector<T>(in MatMulProblem<T> x, out nint outStride) where T : unmanaged
    {
        if (x.N == 1)
        {
            outStride = x.CRow;
            return x;
        }

        outStride = 1;
        return x with { M = x.N, N = 1, A = x.B, ARow = x.BCol, ACol = x.BRow, B = x.A, BRow = x.ACol };
    }

    private struct BatchStrides
    {
        public nint Count, A, B, C;
    }

    /// <summary>How a batch of results is cut: groups of whole matrices, or blocks of each.</summary>
    private struct Grid
    {
        public nint Groups, PerGroup, RowBlocks, RowsPerBlock, ColumnBlocks, ColumnsPerBlock;

        public readonly int Chunks => checked((int)(Groups * RowBlocks * ColumnBlocks));

        public static Grid Whole(nint batch, nint rows, nint columns) =>
            new() { Groups = 1, PerGroup = batch, RowBlocks = 1, RowsPerBlock = rows, ColumnBlocks = 1, ColumnsPerBlock = columns };

        /// <summary>Cuts into about as many chunks as the threads are to have, on multiples of the units, with little added packing.</summary>
        public static Grid Cut(nint batch, nint rows, nint columns, nint rowUnit, nint columnUnit, int chunksPerThread, double mostChunks)
        {
            nint target = Math.Max(1, (nint)Math.Min(HostParallel.ThreadCount * chunksPerThread, mostChunks));
            if (batch >= target)
            {
                Grid whole = Whole(batch, rows, columns);
                whole.PerGroup = (batch + target - 1) / target;
                whole.Groups = (batch + whole.PerGroup - 1) / whole.PerGroup;
                return whole;
            }

            nint perMatrix = (target + batch - 1) / batch;
            nint bestRows = 1;
            double bestCost = double.PositiveInfinity;
            for (nint across = 1; across <= perMatrix; across++)
            {
                // The longest block decides the time; packing B adds its width, and reading A, most often in place, less than its height.
                nint down = (perMatrix + across - 1) / across;
                double height = Block(rows, down, rowUnit), width = Block(columns, across, columnUnit);
                double cost = height * width + 4 * width + 3 * height;
                if (cost >= bestCost) continue;
                bestCost = cost;
                bestRows = down;
            }

            Grid grid = Whole(batch, rows, columns);
            grid.Groups = batch;
            grid.PerGroup = 1;
            grid.RowsPerBlock = Block(rows, bestRows, rowUnit);
            grid.RowBlocks = (rows + grid.RowsPerBlock - 1) / grid.RowsPerBlock;
            grid.ColumnsPerBlock = Block(columns, (perMatrix + bestRows - 1) / bestRows, columnUnit);
            grid.ColumnBlocks = (columns + grid.ColumnsPerBlock - 1) / grid.ColumnsPerBlock;
            return grid;
        }

        private static nint Block(nint extent, nint parts, nint unit)
        {
            nint block = (extent + parts - 1) / parts;
            return (block + unit - 1) / unit * unit;
        }

        /// <summary>The part of each matrix that a chunk computes, and the matrices.</summary>
        public readonly void Chunk(nint chunk, nint batch, nint rows, nint columns,
            out nint first, out nint end, out nint row, out nint height, out nint column, out nint width)
        {
            nint perMatrix = RowBlocks * ColumnBlocks;
            first = chunk / perMatrix * PerGroup;
            end = Math.Min(batch, first + PerGroup);
            nint block = chunk % perMatrix;
            row = block / ColumnBlocks * RowsPerBlock;
            height = Math.Min(RowsPerBlock, rows - row);
            column = block % ColumnBlocks * ColumnsPerBlock;
            width = Math.Min(ColumnsPerBlock, columns - column);
        }
    }

    private struct TileWork<T, TVector, TOps, TTall> : IHostWork
        where T : unmanaged
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        public MatMulProblem<T> X;
        public BatchStrides Batch;
        public Grid Grid;

        public readonly void Run(int chunk)
        {
            Grid.Chunk(chunk, Batch.Count, X.M, X.N, out nint t, out nint end, out nint row, out nint height, out nint column, out nint width);
            MatMulProblem<T> part = X;
            part.M = height;
            part.N = width;
            part.A += t * Batch.A + row * X.ARow;
            part.B += t * Batch.B + column * X.BCol;
            part.C += t * Batch.C + row * X.CRow + column;
            if (X.Bias is not null) part.Bias += column;
            for (; t < end; t++, part.A += Batch.A, part.B += Batch.B, part.C += Batch.C)
                MatMulBlock<T, TVector, TOps, TTall>.Multiply(part);
        }
    }

    private struct VectorWork<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        public MatMulProblem<T> X;
        public nint OutStride;
        public BatchStrides Batch;
        public Grid Grid;

        public readonly void Run(int chunk)
        {
            Grid.Chunk(chunk, Batch.Count, X.M, 1, out nint t, out nint end, out nint row, out nint height, out _, out _);
            MatMulProblem<T> part = X;
            part.M = height;
            part.A += t * Batch.A + row * X.ARow;
            part.B += t * Batch.B;
            part.C += t * Batch.C + row * OutStride;
            for (; t < end; t++, part.A += Batch.A, part.B += Batch.B, part.C += Batch.C)
                MatrixVector<T, TVector, TOps>.Multiply(part, OutStride);
        }
    }
}
