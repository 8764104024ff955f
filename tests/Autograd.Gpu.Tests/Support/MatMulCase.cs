using System.Numerics;

namespace Autograd.Gpu.Tests.Support;

/// <summary>How a matrix lies in memory.</summary>
public enum MatrixLayout
{
    /// <summary>Adjacent columns.</summary>
    Rows,

    /// <summary>Adjacent rows: a transposed matrix.</summary>
    Columns,

    /// <summary>Neither: every third element, rows further apart than they need be.</summary>
    Sparse,
}

/// <summary>A matrix product with random operands in given layouts, and its check against a naive product in double.</summary>
internal sealed class MatMulCase<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Margin = 5;
    private static readonly T Untouched = T.CreateTruncating(12345);

    public long Batch, M, N, K, AStart, ABatch, ARow, ACol, BStart, BBatch, BRow, BCol, CBatch, CRow;
    public T Alpha = T.One;
    public bool Accumulate;
    public required T[] A, B, C;

    public static MatMulCase<T> Create(
        long batch, long m, long n, long k, MatrixLayout left, MatrixLayout right, bool broadcastLeft = false, bool broadcastRight = false)
    {
        var random = new Random(HashCode(batch, m, n, k));
        (long aRow, long aCol, long aSize) = Strides(m, k, left);
        (long bRow, long bCol, long bSize) = Strides(k, n, right);
        long cRow = n + 2, cBatch = m * cRow + 3; // Gaps, which must stay as they are.
        return new MatMulCase<T>
        {
            Batch = batch,
            M = m,
            N = n,
            K = k,
            AStart = Margin,
            ABatch = broadcastLeft ? 0 : aSize,
            ARow = aRow,
            ACol = aCol,
            BStart = Margin,
            BBatch = broadcastRight ? 0 : bSize,
            BRow = bRow,
            BCol = bCol,
            CBatch = cBatch,
            CRow = cRow,
            A = Fill(random, batch * aSize + 2 * Margin),
            B = Fill(random, batch * bSize + 2 * Margin),
            C = Fill(random, batch * cBatch + 1),
        };
    }

    /// <summary>Runs the product and compares: values within the rounding of a sum of k products, everything around them untouched.</summary>
    public void Check(Action<MatMulCase<T>> multiply)
    {
        for (long i = 0; i < C.Length; i++)
        {
            if (!IsResult(i)) C[i] = Untouched;
        }

        T[] before = [.. C];
        multiply(this);
        double epsilon = typeof(T) == typeof(float) ? Math.Pow(2, -24) : Math.Pow(2, -53);
        for (long i = 0; i < C.Length; i++)
        {
            if (!IsResult(i))
            {
                if (C[i] != Untouched) Assert.Fail($"{this}: element {i} of c lies outside the result and was overwritten with {C[i]}.");
                continue;
            }

            long t = i / CBatch, row = i % CBatch / CRow, column = i % CBatch % CRow;
            double sum = 0, magnitude = 0;
            for (long p = 0; p < K; p++)
            {
                double product = double.CreateTruncating(A[AStart + t * ABatch + row * ARow + p * ACol])
                    * double.CreateTruncating(B[BStart + t * BBatch + p * BRow + column * BCol]);
                sum += product;
                magnitude += Math.Abs(product);
            }

            double alpha = double.CreateTruncating(Alpha), old = Accumulate ? double.CreateTruncating(before[i]) : 0;
            double expected = alpha * sum + old;
            double bound = epsilon * ((K + 4) * Math.Abs(alpha) * magnitude + 2 * Math.Abs(old));
            double error = Math.Abs(double.CreateTruncating(C[i]) - expected);
            if (!(error <= bound)) Assert.Fail($"{this}: c[{t}, {row}, {column}] = {C[i]}, expected {expected} within {bound}.");
        }
    }

    public override string ToString() =>
        $"{Batch} x ({M}x{N}x{K}) {typeof(T).Name}, a {ABatch}/{ARow}/{ACol}, b {BBatch}/{BRow}/{BCol}, alpha {Alpha}, accumulate {Accumulate}";

    private bool IsResult(long i) => i / CBatch < Batch && i % CBatch < M * CRow && i % CBatch % CRow < N;

    private static (long Row, long Column, long Size) Strides(long rows, long columns, MatrixLayout layout) => layout switch
    {
        MatrixLayout.Rows => (columns, 1, rows * columns),
        MatrixLayout.Columns => (1, rows, rows * columns),
        _ => (3 * columns + 1, 3, rows * (3 * columns + 1)),
    };

    private static T[] Fill(Random random, long count)
    {
        var values = new T[count];
        for (long i = 0; i < count; i++) values[i] = T.CreateTruncating(2 * random.NextDouble() - 1);
        return values;
    }

    private static int HashCode(long batch, long m, long n, long k) => (int)((((batch * 31 + m) * 31 + n) * 31 + k) & int.MaxValue);
}
