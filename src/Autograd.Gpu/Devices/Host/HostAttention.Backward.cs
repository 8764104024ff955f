using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Autograd.Gpu.Devices.Host;

internal static unsafe partial class HostAttention
{
    /// <summary>
    /// The gradients of q, k and v. A tile of weights is computed again from the logarithms of the sums. Where there are enough matrices for the threads,
    /// a chunk has one of them and computes each tile once; otherwise chunks own tiles of keys or of queries, and compute each tile twice. What
    /// falls on one element is added in the same order either way.
    /// </summary>
    public static void Backward<T>(in AttentionProblem<T> problem) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        switch (HostMatMul.Width)
        {
            case HostVectorWidth.V512:
                Backward<T, Vector512<T>, HostVector512<T>, Twelve>(problem);
                break;
            case HostVectorWidth.V256:
                Backward<T, Vector256<T>, HostVector256<T>, Six>(problem);
                break;
            case HostVectorWidth.V128 when AdvSimd.Arm64.IsSupported:
                Backward<T, Vector128<T>, HostVector128<T>, Twelve>(problem);
                break;
            default:
                Backward<T, Vector128<T>, HostVector128<T>, Six>(problem);
                break;
        }
    }

    private static void Backward<T, TVector, TOps, TTall>(in AttentionProblem<T> problem)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        double vectorWork = problem.Scores * (3.0 * problem.Width + 2.0 * problem.ValueWidth) / TOps.Lanes;
        bool isWhole = vectorWork < 2 * ForkWork || problem.Count >= 2 * HostParallel.ThreadCount || HostParallel.ThreadCount == 1;
        var work = new BackwardWork<T, TVector, TOps, TTall>
        {
            X = problem,
            KeyTiles = isWhole ? 1 : (problem.Keys + Tile - 1) / Tile,
            QueryTiles = isWhole ? 0 : (problem.Queries + Tile - 1) / Tile,
        };
        work.Items = problem.Count * (work.KeyTiles + work.QueryTiles);
        work.PerChunk = PerChunk(work.Items, vectorWork);
        HostParallel.For(checked((int)((work.Items + work.PerChunk - 1) / work.PerChunk)), ref work);
    }

    private struct BackwardWork<T, TVector, TOps, TTall> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
        where TTall : struct, IConstant
    {
        public AttentionProblem<T> X;

        /// <summary>Chunks for the tiles of keys and of queries of a matrix; 1 and 0 where a chunk takes all.</summary>
        public int KeyTiles, QueryTiles;
        public long Items, PerChunk;

        public readonly void Run(int chunk)
        {
            long last = Math.Min(Items, (chunk + 1) * PerChunk);
            for (long item = chunk * PerChunk; item < last; item++)
            {
                int perMatrix = KeyTiles + QueryTiles, part = (int)(item % perMatrix);
                long n = item / perMatrix;
                if (QueryTiles == 0)
                {
                    Tiles(n, 0, X.Queries, 0, X.Keys, ofQuery: true, ofKey: true);
                }
                else if (part < KeyTiles)
                {
                    Tiles(n, 0, X.Queries, part * Tile, Math.Min(X.Keys, (part + 1) * Tile), ofQuery: false, ofKey: true);
                }
                else
                {
                    part -= KeyTiles;
                    Tiles(n, part * Tile, Math.Min(X.Queries, (part + 1) * Tile), 0, X.Keys, ofQuery: true, ofKey: false);
                }
            }
        }

        private readonly void Tiles(long n, int firstQuery, int endQuery, int firstKey, int endKey, bool ofQuery, bool ofKey)
        {
            T* q = X.Query.At(n, X.Count1, X.Count2), k = X.Key.At(n, X.Count1, X.Count2);
            T* v = X.Value.At(n, X.Count1, X.Count2), g = X.Gradient.At(n, X.Count1, X.Count2);
            T* dq = X.QueryGradient.At(n, X.Count1, X.Count2);
            T* dk = X.KeyGradient.At(n, X.Count1, X.Count2), dv = X.ValueGradient.At(n, X.Count1, X.Count2);
            if (ofQuery) Clear(dq, X.QueryGradient.Row, firstQuery, endQuery, X.Width);
            if (ofKey) Clear(dk, X.KeyGradient.Row, firstKey, endKey, X.Width);
            if (ofKey) Clear(dv, X.ValueGradient.Row, firstKey, endKey, X.ValueWidth);
            T* weights = PackBuffer.Scratch<T>(2 * Tile * Tile);
            T* slopes = weights + Tile * Tile;
            for (int key = firstKey; key < endKey; key += Tile)
            {
                int columns = Math.Min(Tile, endKey - key);
                T* keys = k + key * X.Key.Row;
                for (int query = firstQuery; query < endQuery; query += Tile)
                {
                    int rows = Math.Min(Tile, endQuery - query);
                    if (X.IsCausal && key > query + rows - 1)
                    {
                        continue;
                    }

                    T* queries = q + query * X.Query.Row, above = g + query * X.Gradient.Row;
                    Multiply<T, TVector, TOps, TTall>(
                        rows, columns, X.Width, queries, X.Query.Row, X.Query.Col, keys, X.Key.Col, X.Key.Row, weights, Tile, X.Scale, false);
                    Multiply<T, TVector, TOps, TTall>(
                        rows, columns, X.ValueWidth, above, X.Gradient.Row, X.Gradient.Col, v + key * X.Value.Row, X.Value.Col, X.Value.Row,
                        slopes, Tile, T.One, false);
                    Slopes(n, query, rows, key, columns, weights, slopes);
                    if (ofKey)
                    {
                        Multiply<T, TVector, TOps, TTall>(
                            columns, X.ValueWidth, rows, weights, 1, Tile, above, X.Gradient.Row, X.Gradient.Col,
                            dv + key * X.ValueGradient.Row, X.ValueGradient.Row, T.One, true);
                        Multiply<T, TVector, TOps, TTall>(
                            columns, X.Width, rows, slopes, 1, Tile, queries, X.Query.Row, X.Query.Col,
                            dk + key * X.KeyGradient.Row, X.KeyGradient.Row, T.One, true);
                    }

                    if (ofQuery)
                    {
                        Multiply<T, TVector, TOps, TTall>(
                            rows, X.Width, columns, slopes, Tile, 1, keys, X.Key.Row, X.Key.Col,
                            dq + query * X.QueryGradient.Row, X.QueryGradient.Row, T.One, true);
                    }
                }
            }
        }

        /// <summary>Makes weights of scores and the scores' gradient of the weights' gradient, row by row.</summary>
        private readonly void Slopes(long n, int query, int rows, int key, int columns, T* weights, T* slopes)
        {
            for (int i = 0; i < rows; i++)
            {
                T* line = weights + i * Tile, slope = slopes + i * Tile;
                int width = AttentionRows.Mask(X, n, query + i, key, columns, line);
                if (width != columns)
                {
                    // Padding, or keys that the query does not see.
                    int seen = Math.Min(width, columns);
                    new Span<T>(slope + seen, Math.Max(width, columns) - seen).Clear();
                }

                long row = n * X.Queries + query + i;
                AttentionRows.ExpAndSum(line, width, columns, X.LogSum[row]);
                if (X.Dropout == 0)
                {
                    AttentionRows.Slope(line, slope, width, X.Delta[row], X.Scale);
                    continue;
                }

                // Gradients go through the weights that stayed alone; the weights without dropout multiply them.
                AttentionRows.Drop(X, n, query + i, key, width, slope);
                AttentionRows.Slope(line, slope, width, X.Delta[row], X.Scale);
                AttentionRows.Drop(X, n, query + i, key, width, line);
            }
        }

        private static void Clear(T* matrix, nint row, int first, int end, int width)
        {
            for (int i = first; i < end; i++)
            {
                new Span<T>(matrix + i * row, width).Clear();
            }
        }
    }
}
