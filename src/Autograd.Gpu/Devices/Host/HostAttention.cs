using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A stack of matrices with up to three leading dimensions, read through strides in elements.</summary>
internal unsafe struct HostMatrices<T> where T : unmanaged
{
    public T* Data;
    public long Stride0, Stride1, Stride2;
    public nint Row, Col;

    /// <summary>Matrix n of the stack.</summary>
    public readonly T* At(long n, long count1, long count2)
    {
        long rest = n / count2, i2 = n - rest * count2, i0 = rest / count1, i1 = rest - i0 * count1;
        return Data + (i0 * Stride0 + i1 * Stride1 + i2 * Stride2);
    }
}

/// <summary>The operands of attention on the host; as in <see cref="AttentionArguments{T}"/>.</summary>
internal unsafe struct AttentionProblem<T> where T : unmanaged
{
    public HostMatrices<T> Query, Key, Value, Gradient, Output, QueryGradient, KeyGradient, ValueGradient, Added;
    public HostMatrices<byte> Mask;
    public T* LogSum;
    public T* Delta;
    public long Count, Count1, Count2;
    public int Queries, Keys, Width, ValueWidth;
    public T Scale, KeepScale;
    public bool IsCausal;
    public int MaskKind;
    public float Dropout;
    public ulong Seed, Offset;
    public long StreamRow, Period;

    /// <summary>Multiply-adds of one product of all queries with all keys.</summary>
    public readonly double Scores => (double)Count * Queries * Keys;
}

/// <summary>
/// Attention on the host without the matrix of scores: tiles of 64 queries by 64 keys that stay in the first-level cache, products by the
/// matrix kernels, exponentials by vectors. Tiles have a fixed order, so that results do not depend on the number of threads.
/// </summary>
internal static unsafe partial class HostAttention
{
    /// <summary>Queries, and keys, of a tile.</summary>
    private const int Tile = 64;

    /// <summary>Vector multiply-adds that are worth the waking of a thread; see <see cref="HostMatMul"/>.</summary>
    private const double ForkWork = 80e3;

    /// <summary>softmax(scale q k^T + mask) v, and the logarithm of each row's sum.</summary>
    public static void Forward<T>(in AttentionProblem<T> problem) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        switch (HostMatMul.Width)
        {
            case HostVectorWidth.V512:
                Forward<T, Vector512<T>, HostVector512<T>, Twelve>(problem);
                break;
            case HostVectorWidth.V256:
                Forward<T, Vector256<T>, HostVector256<T>, Six>(problem);
                break;
            case HostVectorWidth.V128 when AdvSimd.Arm64.IsSupported:
                Forward<T, Vector128<T>, HostVector128<T>, Twelve>(problem);
                break;
            default:
                Forward<T, Vector128<T>, HostVector128<T>, Six>(problem);
                break;
        }
    }

    private static void Forward<T, TVector, TOps, TTall>(in AttentionProblem<T> problem)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        int tiles = (problem.Queries + Tile - 1) / Tile;
        long items = problem.Count * tiles;
        var work = new ForwardWork<T, TVector, TOps, TTall>
        {
            X = problem,
            Tiles = tiles,
            Items = items,
            PerChunk = PerChunk(items, problem.Scores * (problem.Width + problem.ValueWidth) / TOps.Lanes),
        };
        HostParallel.For(checked((int)((items + work.PerChunk - 1) / work.PerChunk)), ref work);
    }

    /// <summary>Tiles that one chunk takes: all of them where waking a thread costs more than it saves.</summary>
    private static long PerChunk(long items, double vectorWork) =>
        Math.Max(1, (long)(items / Math.Max(1, Math.Min(vectorWork / ForkWork, 16.0 * HostParallel.ThreadCount))));

    private struct ForwardWork<T, TVector, TOps, TTall> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        public AttentionProblem<T> X;
        public int Tiles;
        public long Items, PerChunk;

        public readonly void Run(int chunk)
        {
            long last = Math.Min(Items, (chunk + 1) * PerChunk);
            for (long item = chunk * PerChunk; item < last; item++)
            {
                Rows(item / Tiles, (int)(item % Tiles) * Tile);
            }
        }

        /// <summary>A tile of queries against all keys.</summary>
        private readonly void Rows(long n, int first)
        {
            int rows = Math.Min(Tile, X.Queries - first);
            T* scores = PackBuffer.Scratch<T>(Tile * Tile + 2 * Tile);
            T* largest = scores + Tile * Tile;
            T* totals = largest + Tile;
            new Span<T>(largest, rows).Fill(T.NegativeInfinity);
            new Span<T>(totals, rows).Clear();
            T* q = X.Query.At(n, X.Count1, X.Count2) + first * X.Query.Row;
            T* k = X.Key.At(n, X.Count1, X.Count2);
            T* v = X.Value.At(n, X.Count1, X.Count2);
            T* output = X.Output.At(n, X.Count1, X.Count2) + first * X.Output.Row;
            for (int i = 0; i < rows; i++)
            {
                new Span<T>(output + i * X.Output.Row, X.ValueWidth).Clear();
            }

            int end = X.IsCausal ? Math.Min(X.Keys, first + rows) : X.Keys;
            for (int key = 0; key < end; key += Tile)
            {
                int columns = Math.Min(Tile, end - key);
                Multiply<T, TVector, TOps, TTall>(
                    rows, columns, X.Width, q, X.Query.Row, X.Query.Col, k + key * X.Key.Row, X.Key.Col, X.Key.Row, scores, Tile, X.Scale, false);
                for (int i = 0; i < rows; i++)
                {
                    T* line = scores + i * Tile;
                    int width = AttentionRows.Mask(X, n, first + i, key, columns, line);
                    T before = largest[i], now = AttentionRows.Max(line, width, before);
                    T shift = T.IsNegativeInfinity(now) ? T.Zero : now;
                    T factor = AttentionRows.Exp(before - shift);
                    largest[i] = now;
                    totals[i] = totals[i] * factor + AttentionRows.ExpAndSum(line, width, columns, shift);
                    if (X.Dropout > 0)
                    {
                        AttentionRows.Drop(X, n, first + i, key, width, line);
                    }

                    if (factor != T.One && key > 0)
                    {
                        AttentionRows.Scale(output + i * X.Output.Row, X.ValueWidth, factor);
                    }
                }

                Multiply<T, TVector, TOps, TTall>(
                    rows, X.ValueWidth, columns, scores, Tile, 1, v + key * X.Value.Row, X.Value.Row, X.Value.Col, output, X.Output.Row, T.One, true);
            }

            for (int i = 0; i < rows; i++)
            {
                // A row in which no key takes part is zero, and so are its weights in the backward pass.
                bool isEmpty = totals[i] == T.Zero;
                X.LogSum[n * X.Queries + first + i] = isEmpty ? T.PositiveInfinity : largest[i] + T.Log(totals[i]);
                AttentionRows.Scale(output + i * X.Output.Row, X.ValueWidth, isEmpty ? T.Zero : T.One / totals[i]);
            }
        }
    }

    /// <summary>c = alpha a b, or c += alpha a b, on this thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply<T, TVector, TOps, TTall>(
        nint m, nint n, nint k, T* a, nint aRow, nint aCol, T* b, nint bRow, nint bCol, T* c, nint cRow, T alpha, bool accumulate)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        if (n == 0)
        {
            return;
        }

        if (k == 0)
        {
            for (nint i = 0; i < m && !accumulate; i++)
            {
                new Span<T>(c + i * cRow, (int)n).Clear();
            }

            return;
        }

        var product = new MatMulProblem<T>
        {
            M = m,
            N = n,
            K = k,
            A = a,
            B = b,
            C = c,
            ARow = aRow,
            ACol = aCol,
            BRow = bRow,
            BCol = bCol,
            CRow = cRow,
            Alpha = alpha,
            Accumulate = accumulate,
        };
        MatMulBlock<T, TVector, TOps, TTall>.Multiply(product);
    }
}
