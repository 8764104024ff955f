using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>One matrix product c = alpha * a b (+ c) over strided operands, in elements; the columns of c are adjacent.</summary>
internal unsafe struct MatMulProblem<T> where T : unmanaged
{
    public nint M, N, K;
    public T* A, B, C;

    /// <summary>What each row of c starts with, or null; it is there before the products are added.</summary>
    public T* Bias;

    public nint ARow, ACol, BRow, BCol, CRow;
    public T Alpha;
    public bool Accumulate;
}

/// <summary>
/// The product of one block on one thread: k is cut into slices, B into packed column panels that stay in cache, A into row panels;
/// register tiles do the rest. Operands that need no rearranging and are too small to gain from it are read in place.
/// </summary>
internal static unsafe class MatMulBlock<T, TVector, TOps, TTall>
    where T : unmanaged
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
    where TTall : struct, IConstant
{
    // A slice of A and of B is 2 KiB a line: a row block takes 192 KiB of the second-level cache, a column block streams from the third.
    private const int SliceBytes = 2048;
    private const int RowBlock = 96;
    private const int ColumnBlock = 1024;

    // An operand is read in place when packing it would cost more than it saves: little reuse, or all of it in cache anyway.
    private const int DirectRows = 24;
    private const int DirectColumns = 64;
    private const int DirectBytes = 512 * 1024;

    // Rows of b that are read in place are too many streams for the processor to see ahead in: of an operand beyond this size the next columns are fetched beside the products.
    private const int FetchBytes = 256 * 1024;
    private const int CacheLine = 64;

    private static int Narrow => TOps.Lanes;

    private static int Wide => 2 * TOps.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in MatMulProblem<T> x)
    {
        nint slice = SliceBytes / sizeof(T);
        bool packLeft = (x.N > DirectColumns && x.M * x.K * sizeof(T) > DirectBytes) || (x.ACol != 1 && x.ARow != 1);
        bool packRight = (x.M > DirectRows && x.K * x.N * sizeof(T) > DirectBytes) || x.BCol != 1;
        nint columns = Math.Min(ColumnBlock, RoundUp(x.N, Narrow));
        T* right = PackBuffer.Right<T>(columns * Math.Min(slice, x.K));
        T* left = packLeft ? PackBuffer.Left<T>(Math.Min(RowBlock, x.M) * Math.Min(slice, x.K)) : null;
        for (nint p = 0; p < x.K; p += slice)
        {
            nint k = Math.Min(slice, x.K - p);
            bool accumulate = x.Accumulate || p > 0;
            for (nint j = 0; j < x.N; j += ColumnBlock)
            {
                nint n = Math.Min(ColumnBlock, x.N - j);
                T* b = x.B + p * x.BRow + j * x.BCol;
                PackRight(b, x.BRow, x.BCol, n, k, !packRight, right);
                for (nint i = 0; i < x.M; i += RowBlock)
                {
                    nint m = Math.Min(RowBlock, x.M - i);
                    T* a = x.A + i * x.ARow + p * x.ACol;
                    if (packLeft) PackLeft(a, x.ARow, x.ACol, m, k, left);
                    Panels(x, m, n, k, packLeft, packLeft ? left : a, packRight ? null : b, right, x.C + i * x.CRow + j, accumulate);
                }
            }
        }
    }

    /// <summary>Lays B out in panels once, for products that read it many times; see <see cref="PackedLength"/>.</summary>
    public static void Pack(in MatMulProblem<T> x, T* panels)
    {
        nint slice = SliceBytes / sizeof(T), columns = RoundUp(x.N, Narrow);
        for (nint p = 0; p < x.K; p += slice)
            PackRight(x.B + p * x.BRow, x.BRow, x.BCol, x.N, Math.Min(slice, x.K - p), false, panels + p * columns);
    }

    /// <summary>The elements of a packed matrix [k, n].</summary>
    public static nint PackedLength(nint k, nint n) => k * RoundUp(n, Narrow);

    /// <summary>The product with a B that was packed before; A is read in place, with adjacent rows or columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyPacked(in MatMulProblem<T> x, T* panels)
    {
        nint slice = SliceBytes / sizeof(T), columns = RoundUp(x.N, Narrow);
        for (nint p = 0; p < x.K; p += slice)
        {
            nint k = Math.Min(slice, x.K - p);
            for (nint i = 0; i < x.M; i += RowBlock)
            {
                nint m = Math.Min(RowBlock, x.M - i);
                T* a = x.A + i * x.ARow + p * x.ACol;
                Panels(x, m, x.N, k, false, a, null, panels + p * columns, x.C + i * x.CRow, x.Accumulate || p > 0);
            }
        }
    }

    // A block of rows times the columns of a slice: those that are not read in place lie packed on the right.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Panels(
        in MatMulProblem<T> x, nint m, nint n, nint k, bool packed, T* a, T* b, T* right, T* c, bool accumulate)
    {
        bool fetches = b != null && x.K * x.N * sizeof(T) > FetchBytes && Sse.IsSupported;
        for (nint q = 0, width; q < n; q += width)
        {
            width = PanelWidth(n - q);
            bool inPlace = b != null && n - q >= width;
            T* panel = inPlace ? b + q : right + q * k;
            nint panelRow = inPlace ? x.BRow : width;
            if (n - q < width)
                Edge(m, n - q, k, packed, a, x.ARow, x.ACol, panel, c + q, x.CRow, x.Alpha, accumulate);
            else
                Column(m, width, k, packed, a, x.ARow, x.ACol, panel, panelRow, c + q, x.CRow, x.Alpha, accumulate, fetches && n - q > 2 * width ? panel + width : null);
        }
    }

    private static nint RoundUp(nint x, nint unit) => (x + unit - 1) / unit * unit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint PanelWidth(nint columns) => columns > Narrow ? Wide : Narrow;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint PanelRows(nint rows) =>
        rows >= TTall.Value ? TTall.Value : rows >= 8 ? 8 : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRight(T* b, nint bRow, nint bCol, nint n, nint k, bool edgeOnly, T* right)
    {
        for (nint q = 0, width; q < n; q += width)
        {
            width = PanelWidth(n - q);
            nint count = Math.Min(width, n - q);
            if (edgeOnly && count == width) continue;
            MatMulPack.Panel(b + q * bCol, bCol, bRow, count, width, k, right + q * k);
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
        nint m, nint width, nint k, bool packed, T* a, nint aRow, nint aCol, T* b, nint bRow, T* c, nint cRow, T alpha, bool accumulate, T* next = null)
    {
        for (nint i = 0, rows; i < m; i += rows)
        {
            rows = PanelRows(m - i);
            if (next != null) Fetch(next + k * i / m * bRow, bRow, k * (i + rows) / m - k * i / m, width);
            T* tile = packed ? a + i * k : a + i * aRow;
            nint tileRow = packed ? 1 : aRow, tileCol = packed ? rows : aCol;
            if (width == Wide)
                Tile<Two>(rows, k, tile, tileRow, tileCol, b, bRow, c + i * cRow, cRow, alpha, accumulate);
            else
                Tile<One>(rows, k, tile, tileRow, tileCol, b, bRow, c + i * cRow, cRow, alpha, accumulate);
        }
    }

    private static void Fetch(T* b, nint bRow, nint rows, nint width)
    {
        for (; rows > 0; rows--, b += bRow)
        {
            for (nint i = 0; i < width; i += CacheLine / sizeof(T)) Sse.Prefetch1(b + i);
        }
    }

    // The last panel, whose zero-filled columns must not reach c: each tile goes through a scratch tile.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Edge(
        nint m, nint columns, nint k, bool packed, T* a, nint aRow, nint aCol, T* b, T* c, nint cRow, T alpha, bool accumulate)
    {
        nint width = PanelWidth(columns);
        T* scratch = stackalloc T[TTall.Value * Wide];
        for (nint i = 0, rows; i < m; i += rows)
        {
            rows = PanelRows(m - i);
            T* tile = packed ? a + i * k : a + i * aRow;
            for (nint r = 0; accumulate && r < rows; r++)
                Copy(c + (i + r) * cRow, scratch + r * width, columns);
            Column(rows, width, k, packed, tile, aRow, aCol, b, width, scratch, width, alpha, accumulate);
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
        nint rows, nint k, T* a, nint aRow, nint aCol, T* b, nint bRow, T* c, nint cRow, T alpha, bool accumulate)
        where TVectors : struct, IConstant
    {
        if (rows == TTall.Value)
            MatMulTile.Multiply<T, TVector, TOps, TTall, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, accumulate);
        else if (rows == 8)
            MatMulTile.Multiply<T, TVector, TOps, Eight, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, accumulate);
        else if (rows == 4)
            MatMulTile.Multiply<T, TVector, TOps, Four, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, accumulate);
        else if (rows == 2)
            MatMulTile.Multiply<T, TVector, TOps, Two, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, accumulate);
        else
            MatMulTile.Multiply<T, TVector, TOps, One, TVectors>(k, a, aRow, aCol, b, bRow, c, cRow, alpha, accumulate);
    }
}
