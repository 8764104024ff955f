using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>One matrix product c = alpha * a b (+ c) over strided operands, in elements; the columns of c are adjacent.</summary>
internal unsafe struct MatMulProblem<T> where T : unmanaged
{
    public nint M, N, K;
    public T* A, B, C;

    /// <summary>What is added to each row of c, or null; not together with <see cref="Accumulate"/>.</summary>
    public T* Bias;

    public nint ARow, ACol, BRow, BCol, CRow;
    public T Alpha;
    public bool Accumulate;

    /// <summary>What the products of a slice are added to, for the part of c from row i and column j on: nothing (null), the bias, or c.</summary>
    public readonly T* Plus(nint slice, nint i, nint j) =>
        slice > 0 || Accumulate ? C + i * CRow + j : Bias != null ? Bias + j : null;
}

/// <summary>
/// The product of one block on one thread: k is cut into slices and the columns of B into panels, which register tiles pass over; a tile reads its rows of A where
/// they are, since neither adjacent rows nor adjacent columns gain from a copy, unless they lie so far apart that the first-level cache has room for few of them at a
/// time. So does it B, but where B is transposed or large: then each panel is packed on the way, while the lines of the next one are fetched.
/// </summary>
internal static unsafe class MatMulBlock<T, TVector, TOps, TTall>
    where T : unmanaged
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
    where TTall : struct, IConstant
{
    // A slice of A and of B is 2 KiB a line: a block of rows takes at most 384 KiB of the second-level cache, a column block streams from the third.
    private const int SliceBytes = 2048;
    private const int RowBlock = 192;
    private const int ColumnBlock = 1024;

    // B is read in place when packing it would cost more than it saves: little reuse, or all of it in cache anyway.
    private const int DirectRows = 24;
    private const int DirectBytes = 512 * 1024;

    // From this size on B comes from a cache so far away that its next columns are fetched beside the products.
    private const int FetchBytes = 256 * 1024;
    private const int CacheLine = 64;

    // Lines of A that push one another out of the cache are copied when they meet as many columns.
    private const int SpreadColumns = 64;

    private static int Narrow => TOps.Lanes;

    private static int Wide => 2 * TOps.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in MatMulProblem<T> x)
    {
        nint slice = SliceBytes / sizeof(T), rowBlock = EvenBlock(x.M);
        bool packLeft = x.ACol != 1 && x.ARow != 1, spreadLeft = !packLeft && x.N >= SpreadColumns && Collides(x);
        bool packRight = (x.M > DirectRows && x.K * x.N * sizeof(T) > DirectBytes) || x.BCol != 1;
        bool fetches = x.K * x.N * sizeof(T) > FetchBytes && (x.BCol == 1 || x.BRow == 1) && Sse.IsSupported;
        nint columns = Math.Min(ColumnBlock, RoundUp(x.N, Narrow));
        T* right = PackBuffer.Right<T>(columns * Math.Min(slice, x.K));
        nint rows = Math.Min(rowBlock, x.M), depth = Math.Min(slice, x.K);
        MatMulProblem<T> inPlace = spreadLeft ? Spread(x, rows, depth) : x;
        T* left = packLeft ? PackBuffer.Left<T>(rows * depth) : spreadLeft ? PackBuffer.Left<T>(rows * inPlace.ARow + depth * inPlace.ACol) : null;
        for (nint p = 0; p < x.K; p += slice)
        {
            nint k = Math.Min(slice, x.K - p);
            for (nint j = 0; j < x.N; j += ColumnBlock)
            {
                for (nint i = 0; i < x.M; i += rowBlock)
                {
                    nint m = Math.Min(rowBlock, x.M - i);
                    T* a = x.A + i * x.ARow + p * x.ACol;
                    if (packLeft) PackLeft(a, x.ARow, x.ACol, m, k, left);
                    else if (spreadLeft && x.ACol == 1) MatMulPack.Lines(a, x.ARow, m, k, left, inPlace.ARow);
                    else if (spreadLeft) MatMulPack.Lines(a, x.ACol, k, m, left, inPlace.ACol);
                    var part = new Panels
                    {
                        M = m,
                        N = Math.Min(ColumnBlock, x.N - j),
                        K = k,
                        A = left != null ? left : a,
                        IsPacked = packLeft,
                        B = x.B + p * x.BRow + j * x.BCol,
                        Right = right,
                        PacksRight = packRight,
                        IsFirst = i == 0,
                        Fetches = fetches && (i == 0 || !packRight),
                        C = x.C + i * x.CRow + j,
                        Plus = x.Plus(p, i, j),
                    };
                    Run(inPlace, part);
                }
            }
        }
    }

    // Whether lines of A that are read side by side lie in the same places of the first-level cache, and are more than it has room for there.
    private static bool Collides(in MatMulProblem<T> x)
    {
        nint lines = x.ACol == 1 ? x.M : x.K, apart = x.ACol == 1 ? x.ARow : x.ACol;
        return HostMatMul.CacheWays > 0 && HostMatMul.CacheWays < Math.Min(TTall.Value, lines) && apart != 0 && apart * sizeof(T) % HostCache.WayBytes == 0;
    }

    // The strides of a copy of A whose neighbouring lines are a cache line further apart than they are long.
    private static MatMulProblem<T> Spread(in MatMulProblem<T> x, nint rows, nint depth)
    {
        nint line = CacheLine / sizeof(T);
        return x.ACol == 1 ? x with { ARow = RoundUp(depth, line) + line } : x with { ACol = RoundUp(rows, line) + line };
    }

    // Blocks of about as many rows each: the last one passes over all of B as well.
    private static nint EvenBlock(nint rows)
    {
        nint blocks = Math.Max(1, (rows + RowBlock - 1) / RowBlock);
        return RoundUp((rows + blocks - 1) / blocks, TTall.Value);
    }

    /// <summary>Lays B out in panels once, for products that read it many times; see <see cref="PackedLength"/>.</summary>
    public static void Pack(in MatMulProblem<T> x, T* panels)
    {
        nint slice = SliceBytes / sizeof(T), columns = RoundUp(x.N, Narrow);
        for (nint p = 0; p < x.K; p += slice)
            PackRight(x.B + p * x.BRow, x.BRow, x.BCol, x.N, Math.Min(slice, x.K - p), panels + p * columns);
    }

    /// <summary>The elements of a packed matrix [k, n].</summary>
    public static nint PackedLength(nint k, nint n) => k * RoundUp(n, Narrow);

    /// <summary>The product with a B that was packed before; A is read in place, with adjacent rows or columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyPacked(in MatMulProblem<T> x, T* packed)
    {
        nint slice = SliceBytes / sizeof(T), columns = RoundUp(x.N, Narrow), rowBlock = EvenBlock(x.M);
        for (nint p = 0; p < x.K; p += slice)
        {
            nint k = Math.Min(slice, x.K - p);
            for (nint i = 0; i < x.M; i += rowBlock)
            {
                var part = new Panels
                {
                    M = Math.Min(rowBlock, x.M - i),
                    N = x.N,
                    K = k,
                    A = x.A + i * x.ARow + p * x.ACol,
                    Right = packed + p * columns,
                    C = x.C + i * x.CRow,
                    Plus = x.Plus(p, i, 0),
                };
                Run(x, part);
            }
        }
    }

    /// <summary>A block of rows times the columns of a slice.</summary>
    private struct Panels
    {
        public nint M, N, K;

        /// <summary>The rows, in place or packed.</summary>
        public T* A;
        public bool IsPacked;

        /// <summary>The columns, or null where they have been packed for good.</summary>
        public T* B;

        /// <summary>Memory for packed columns: all of them, or those that do not fill vectors.</summary>
        public T* Right;
        public bool PacksRight;

        /// <summary>Whether no block of rows before this one has packed the columns.</summary>
        public bool IsFirst;

        /// <summary>Whether the next columns are fetched beside the products.</summary>
        public bool Fetches;
        public T* C, Plus;
    }

    /// <summary>Lines of adjacent bytes, some bytes apart.</summary>
    private struct Region
    {
        public byte* At;
        public nint Step, Count, Bytes;

        /// <summary>Fetches lines from one on to the end into the second-level cache.</summary>
        public readonly void Fetch(nint from, nint end)
        {
            byte* at = At + from * Step;
            for (; from < end; from++, at += Step)
            {
                for (nint i = 0; i < Bytes; i += CacheLine) Sse.Prefetch1(at + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run(in MatMulProblem<T> x, in Panels part)
    {
        nint m = part.M, n = part.N, k = part.K, plusRow = part.Plus == part.C ? x.CRow : 0;
        for (nint q = 0, width; q < n; q += width)
        {
            width = PanelWidth(n - q);
            nint count = Math.Min(width, n - q);
            bool isWhole = count == width, inPlace = part.B != null && !part.PacksRight && isWhole;
            T* panel = inPlace ? part.B + q : part.Right + q * k, c = part.C + q, plus = part.Plus == null ? null : part.Plus + q;
            if (part.B != null && !inPlace && part.IsFirst) MatMulPack.Panel(part.B + q * x.BCol, x.BCol, x.BRow, count, width, k, panel);
            if (!isWhole)
            {
                Edge(m, count, k, part.IsPacked, part.A, x.ARow, x.ACol, panel, c, x.CRow, x.Alpha, plus, plusRow);
                continue;
            }

            Region next = part.Fetches && n - q > width ? Columns(x, part.B + (q + width) * x.BCol, Math.Min(Wide, n - q - width), k) : default;
            Column(m, width, k, part.IsPacked, part.A, x.ARow, x.ACol, panel, inPlace ? x.BRow : width, c, x.CRow, x.Alpha, plus, plusRow, next);
        }
    }

    // Columns of B from one on, adjacent elements as lines.
    private static Region Columns(in MatMulProblem<T> x, T* at, nint count, nint k) => x.BCol == 1
        ? new Region { At = (byte*)at, Step = x.BRow * sizeof(T), Count = k, Bytes = count * sizeof(T) }
        : new Region { At = (byte*)at, Step = x.BCol * sizeof(T), Count = count, Bytes = k * sizeof(T) };

    private static nint RoundUp(nint x, nint unit) => (x + unit - 1) / unit * unit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint PanelWidth(nint columns) => columns > Narrow ? Wide : Narrow;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint PanelRows(nint rows) =>
        rows >= TTall.Value ? TTall.Value : rows >= 8 ? 8 : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRight(T* b, nint bRow, nint bCol, nint n, nint k, T* right)
    {
        for (nint q = 0, width; q < n; q += width)
        {
            width = PanelWidth(n - q);
            MatMulPack.Panel(b + q * bCol, bCol, bRow, Math.Min(width, n - q), width, k, right + q * k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackLeft(T* a, nint aRow, nint aCol, nint m, nint k, T* left)
    {
        for (nint i = 0, rows; i < m; i += rows)
        {
            rows = PanelRows(m - i);
            MatMulPack.Panel(a + i * aRow, aRow, aCol, rows, rows, k, left + i * k);
        }
    }

    // All the tiles of one column panel.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Column(
        nint m, nint width, nint k, bool packed, T* a, nint aRow, nint aCol, T* b, nint bRow, T* c, nint cRow, T alpha, T* plus, nint plusRow, Region next = default)
    {
        for (nint i = 0, rows; i < m; i += rows)
        {
            rows = PanelRows(m - i);
            if (next.Count > 0) next.Fetch(next.Count * i / m, next.Count * (i + rows) / m);
            T* tile = packed ? a + i * k : a + i * aRow;
            nint tileRow = packed ? 1 : aRow, tileCol = packed ? rows : aCol;
            if (width == Wide)
                Tile<Two>(rows, k, tile, tileRow, tileCol, b, bRow, c + i * cRow, cRow, alpha, plus == null ? null : plus + i * plusRow, plusRow);
            else
                Tile<One>(rows, k, tile, tileRow, tileCol, b, bRow, c + i * cRow, cRow, alpha, plus == null ? null : plus + i * plusRow, plusRow);
        }
    }

    // The last panel, whose zero-filled columns must not reach c: each tile goes through a scratch tile.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Edge(
        nint m, nint columns, nint k, bool packed, T* a, nint aRow, nint aCol, T* b, T* c, nint cRow, T alpha, T* plus, nint plusRow)
    {
        nint width = PanelWidth(columns);
        T* scratch = stackalloc T[TTall.Value * Wide];
        for (nint i = 0, rows; i < m; i += rows)
        {
            rows = PanelRows(m - i);
            T* tile = packed ? a + i * k : a + i * aRow;
            for (nint r = 0; plus != null && r < rows; r++)
                Copy(plus + (i + r) * plusRow, scratch + r * width, columns);
            Column(rows, width, k, packed, tile, aRow, aCol, b, width, scratch, width, alpha, plus == null ? null : scratch, width);
            for (nint r = 0; r < rows; r++)
                Copy(scratch + r * width, c + (i + r) * cRow, columns);
        }
    }

    private static void Copy(T* from, T* to, nint count)
    {
        for (nint i = 0; i < count; i++) to[i] = from[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile<TVectors>(
        nint rows, nint k, T* a, nint aRow, nint aCol, T* b, nint bRow, T* c, nint cRow, T alpha, T* plus, nint plusRow)
        where TVectors : struct, IConstant
    {
        if (rows == TTall.Value)
            MatMulTile.Multiply<T, TVector, TOps, TTall, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, plus, plusRow);
        else if (rows == 8)
            MatMulTile.Multiply<T, TVector, TOps, Eight, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, plus, plusRow);
        else if (rows == 4)
            MatMulTile.Multiply<T, TVector, TOps, Four, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, plus, plusRow);
        else if (rows == 2)
            MatMulTile.Multiply<T, TVector, TOps, Two, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, plus, plusRow);
        else
            MatMulTile.Multiply<T, TVector, TOps, One, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, plus, plusRow);
    }
}
