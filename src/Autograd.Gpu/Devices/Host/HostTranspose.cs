using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Transposes blocks of a matrix: elements of 4 bytes in the registers, whole cache lines at a time where they are 512 bits wide; others one by one.</summary>
internal static unsafe class HostTranspose
{
    /// <summary>Columns that are taken together where each lies in another page or so: as many as are looked up fast beside those of the source.</summary>
    private const long FarColumns = 64;
    private const long FarBytes = 1024;

    /// <summary>target[r + c * targetColumn] = source[c + r * sourceRow].</summary>
    public static void Block<T>(T* source, long sourceRow, T* target, long targetColumn, long rows, long columns, HostVectorWidth width)
        where T : unmanaged
    {
        int tile = sizeof(T) != 4 ? 0 : width switch
        {
            HostVectorWidth.V512 => 16,
            HostVectorWidth.V256 => 8,
            _ => Sse2.IsSupported || AdvSimd.Arm64.IsSupported ? 4 : 0,
        };
        long wholeRows = tile == 0 ? 0 : rows / tile * tile, wholeColumns = tile == 0 ? 0 : columns / tile * tile;
        long together = targetColumn * sizeof(T) >= FarBytes ? FarColumns : Math.Max(1, wholeColumns);
        for (long c = 0; c < wholeColumns; c += together)
        {
            Tiles((float*)source + c, sourceRow, (float*)target + c * targetColumn, targetColumn, wholeRows, Math.Min(together, wholeColumns - c), tile);
        }

        // What the tiles leave: columns at the right of their rows, then whole rows below.
        Plain(source + wholeColumns, sourceRow, target + wholeColumns * targetColumn, targetColumn, wholeRows, columns - wholeColumns);
        Plain(source + wholeRows * sourceRow, sourceRow, target + wholeRows, targetColumn, rows - wholeRows, columns);
    }

    private static void Tiles(float* source, long sourceRow, float* target, long targetColumn, long rows, long columns, int tile)
    {
        for (long r = 0; r < rows; r += tile)
        {
            for (long c = 0; c < columns; c += tile)
            {
                float* from = source + r * sourceRow + c, to = target + c * targetColumn + r;
                switch (tile)
                {
                    case 16:
                        Tile16(from, sourceRow, to, targetColumn);
                        break;
                    case 8:
                        Tile8(from, sourceRow, to, targetColumn);
                        break;
                    default:
                        Tile4(from, sourceRow, to, targetColumn);
                        break;
                }
            }
        }
    }

    private static void Plain<T>(T* source, long sourceRow, T* target, long targetColumn, long rows, long columns) where T : unmanaged
    {
        // Squares that stay in the first cache on both sides.
        const long Side = 16;
        for (long top = 0; top < rows; top += Side)
        {
            long bottom = Math.Min(top + Side, rows);
            for (long c = 0; c < columns; c++)
            {
                for (long r = top; r < bottom; r++)
                {
                    target[c * targetColumn + r] = source[r * sourceRow + c];
                }
            }
        }
    }

    /// <summary>Sixteen rows of sixteen elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile16(float* source, long row, float* target, long column)
    {
        Vector512<float> a0 = Vector512.Load(source), a1 = Vector512.Load(source + row), a2 = Vector512.Load(source + 2 * row), a3 = Vector512.Load(source + 3 * row);
        source += 4 * row;
        Vector512<float> b0 = Vector512.Load(source), b1 = Vector512.Load(source + row), b2 = Vector512.Load(source + 2 * row), b3 = Vector512.Load(source + 3 * row);
        source += 4 * row;
        Vector512<float> c0 = Vector512.Load(source), c1 = Vector512.Load(source + row), c2 = Vector512.Load(source + 2 * row), c3 = Vector512.Load(source + 3 * row);
        source += 4 * row;
        Vector512<float> d0 = Vector512.Load(source), d1 = Vector512.Load(source + row), d2 = Vector512.Load(source + 2 * row), d3 = Vector512.Load(source + 3 * row);
        Exchange(ref a0, ref a1, ref a2, ref a3);
        Exchange(ref b0, ref b1, ref b2, ref b3);
        Exchange(ref c0, ref c1, ref c2, ref c3);
        Exchange(ref d0, ref d1, ref d2, ref d3);
        StoreLanes(a0, b0, c0, d0, target, 4 * column);
        StoreLanes(a1, b1, c1, d1, target + column, 4 * column);
        StoreLanes(a2, b2, c2, d2, target + 2 * column, 4 * column);
        StoreLanes(a3, b3, c3, d3, target + 3 * column, 4 * column);
    }

    /// <summary>Transposes the 4 x 4 elements in each lane of 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exchange(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        var (abLow, abHigh) = (Avx512F.UnpackLow(a, b).AsDouble(), Avx512F.UnpackHigh(a, b).AsDouble());
        var (cdLow, cdHigh) = (Avx512F.UnpackLow(c, d).AsDouble(), Avx512F.UnpackHigh(c, d).AsDouble());
        a = Avx512F.UnpackLow(abLow, cdLow).AsSingle();
        b = Avx512F.UnpackHigh(abLow, cdLow).AsSingle();
        c = Avx512F.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    /// <summary>Stores the four first lanes as one vector, then the four second ones, and so on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLanes(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* target, long step)
    {
        const byte Even = 0b10_00_10_00, Odd = 0b11_01_11_01;
        var (abEven, cdEven) = (Avx512F.Shuffle4x128(a, b, Even), Avx512F.Shuffle4x128(c, d, Even));
        var (abOdd, cdOdd) = (Avx512F.Shuffle4x128(a, b, Odd), Avx512F.Shuffle4x128(c, d, Odd));
        Avx512F.Shuffle4x128(abEven, cdEven, Even).Store(target);
        Avx512F.Shuffle4x128(abOdd, cdOdd, Even).Store(target + step);
        Avx512F.Shuffle4x128(abEven, cdEven, Odd).Store(target + 2 * step);
        Avx512F.Shuffle4x128(abOdd, cdOdd, Odd).Store(target + 3 * step);
    }

    /// <summary>Eight rows of eight elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile8(float* source, long row, float* target, long column)
    {
        Vector256<float> a0 = Vector256.Load(source), a1 = Vector256.Load(source + row), a2 = Vector256.Load(source + 2 * row), a3 = Vector256.Load(source + 3 * row);
        source += 4 * row;
        Vector256<float> b0 = Vector256.Load(source), b1 = Vector256.Load(source + row), b2 = Vector256.Load(source + 2 * row), b3 = Vector256.Load(source + 3 * row);
        Exchange(ref a0, ref a1, ref a2, ref a3);
        Exchange(ref b0, ref b1, ref b2, ref b3);
        StoreHalves(a0, b0, target, 4 * column);
        StoreHalves(a1, b1, target + column, 4 * column);
        StoreHalves(a2, b2, target + 2 * column, 4 * column);
        StoreHalves(a3, b3, target + 3 * column, 4 * column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exchange(ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c, ref Vector256<float> d)
    {
        var (abLow, abHigh) = (Avx.UnpackLow(a, b).AsDouble(), Avx.UnpackHigh(a, b).AsDouble());
        var (cdLow, cdHigh) = (Avx.UnpackLow(c, d).AsDouble(), Avx.UnpackHigh(c, d).AsDouble());
        a = Avx.UnpackLow(abLow, cdLow).AsSingle();
        b = Avx.UnpackHigh(abLow, cdLow).AsSingle();
        c = Avx.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreHalves(Vector256<float> a, Vector256<float> b, float* target, long step)
    {
        Vector256.Create(a.GetLower(), b.GetLower()).Store(target);
        Vector256.Create(a.GetUpper(), b.GetUpper()).Store(target + step);
    }

    private static void Tile4(float* source, long row, float* target, long column)
    {
        Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + row), c = Vector128.Load(source + 2 * row), d = Vector128.Load(source + 3 * row);
        var (abLow, abHigh) = (Low(a, b).AsDouble(), High(a, b).AsDouble());
        var (cdLow, cdHigh) = (Low(c, d).AsDouble(), High(c, d).AsDouble());
        Vector128.Create(abLow.GetLower(), cdLow.GetLower()).AsSingle().Store(target);
        Vector128.Create(abLow.GetUpper(), cdLow.GetUpper()).AsSingle().Store(target + column);
        Vector128.Create(abHigh.GetLower(), cdHigh.GetLower()).AsSingle().Store(target + 2 * column);
        Vector128.Create(abHigh.GetUpper(), cdHigh.GetUpper()).AsSingle().Store(target + 3 * column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
