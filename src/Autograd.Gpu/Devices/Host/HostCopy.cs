using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Copies between two strided layouts of the same elements, which do not overlap: along runs, along runs backwards, and in transposed tiles. What has no such
/// form is left to the caller.
/// </summary>
internal static unsafe class HostCopy
{
    public const int MaxRank = 8;

    /// <summary>Elements of a chunk; a run is cut where it is longer.</summary>
    private const long ChunkElements = 1 << 14;

    /// <summary>Bytes.</summary>
    private const long LargestChunk = 1 << 17;

    /// <summary>Extents below which a tile is not worth its turn.</summary>
    private const long LeastTile = 4;

    /// <summary>Bytes from which on a new block's lines are not worth a place in the caches.</summary>
    private const long StreamedBytes = 16 << 20;

    private const int LineBytes = 64;

    private static HostVectorWidth _width = HostMatMul.Widest;

    /// <summary>The width of the tiles in use; a narrower one than <see cref="HostMatMul.Widest"/> can be forced.</summary>
    public static HostVectorWidth Width
    {
        get => _width;
        set => _width = value <= HostMatMul.Widest
            ? value
            : throw new PlatformNotSupportedException($"[HostCopy] vector width {value} is more than this processor has; the widest is {HostMatMul.Widest}.");
    }

    /// <summary>Whether a vector is a cache line.</summary>
    public static bool IsWide
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.IsHardwareAccelerated && _width == HostVectorWidth.V512;
    }

    /// <summary>Copies elements of <paramref name="size"/> bytes; strides count elements.</summary>
    /// <returns>Whether there is a form for these strides; if not, nothing was done.</returns>
    public static bool TryCopy(
        byte* source, byte* target, int size, ReadOnlySpan<long> sizes, ReadOnlySpan<long> from, ReadOnlySpan<long> to) => size switch
        {
            1 => TryCopy<byte>(source, target, sizes, from, to),
            2 => TryCopy<short>(source, target, sizes, from, to),
            4 => TryCopy<float>(source, target, sizes, from, to),
            _ => TryCopy<double>(source, target, sizes, from, to),
        };

    /// <summary>Writes one pattern over contiguous elements of 1, 2, 4 or 8 bytes.</summary>
    public static void Fill(byte* target, int size, long count, long pattern)
    {
        pattern = size switch
        {
            1 => (byte)pattern * 0x0101010101010101,
            2 => (ushort)pattern * 0x0001000100010001,
            4 => (long)((uint)pattern * 0x0000000100000001UL),
            _ => pattern,
        };
        var work = new FillWork { Target = target, Bytes = count * size, Pattern = pattern };
        HostParallel.For(checked((int)((work.Bytes + FillWork.Chunk - 1) / FillWork.Chunk)), ref work);
    }

    /// <summary>Sets memory to zero, on the calling thread.</summary>
    public static void Clear(byte* target, long bytes)
    {
        if (!IsWide || bytes < 2 * LineBytes)
        {
            NativeMemory.Clear(target, (nuint)bytes);
            return;
        }

        // Lines are stored whole, which spares reading them first. The first and the last vector may overlap others.
        var zero = Vector512<byte>.Zero;
        zero.Store(target);
        long i = LineBytes - ((nint)target & (LineBytes - 1));
        for (; i <= bytes - 4 * LineBytes; i += 4 * LineBytes)
        {
            zero.StoreAligned(target + i);
            zero.StoreAligned(target + i + LineBytes);
            zero.StoreAligned(target + i + 2 * LineBytes);
            zero.StoreAligned(target + i + 3 * LineBytes);
        }

        for (; i <= bytes - LineBytes; i += LineBytes)
        {
            zero.StoreAligned(target + i);
        }

        zero.Store(target + bytes - LineBytes);
    }

    private static bool TryCopy<T>(byte* source, byte* target, ReadOnlySpan<long> sizes, ReadOnlySpan<long> from, ReadOnlySpan<long> to)
        where T : unmanaged
    {
        int rank = sizes.Length, inner = rank - 1, across = -1, along = -1;
        for (int d = 0; d < rank; d++)
        {
            if (to[d] == 0)
            {
                return false; // Elements on top of one another: the last one must win.
            }

            across = from[d] == 1 ? d : across;
            along = to[d] == 1 ? d : along;
        }

        if (along < 0)
        {
            return false;
        }

        bool isRun = along == inner && (from[along] is 1 or -1);
        if (!isRun && (across < 0 || across == along || sizes[across] < LeastTile || sizes[along] < LeastTile))
        {
            return false;
        }

        bool repeats = isRun && from[along] == 1 && sizes[along] * sizeof(T) > RepeatWork<T>.TileBytes;
        OuterPlaces outer = new(), copies = new();
        for (int d = 0; d < rank; d++)
        {
            if (d != along && (isRun || d != across))
            {
                ref var places = ref repeats && from[d] == 0 ? ref copies : ref outer;
                places.Add(sizes[d], from[d], to[d]);
            }
        }

        if (copies.Count > 1)
        {
            var repeat = new RepeatWork<T> { Source = (T*)source, Target = (T*)target, Outer = outer, Copies = copies, Length = sizes[along] };
            HostParallel.For(checked((int)(outer.Count * repeat.Tiles)), ref repeat);
            return true;
        }

        if (isRun)
        {
            var runs = new RunWork<T> { Source = (T*)source, Target = (T*)target, Outer = outer, Length = sizes[along], IsReversed = from[along] < 0 };

            // Long chunks, for the hardware that reads ahead, but several in a core's cache, for the call that goes through them backwards.
            runs.Cut(Math.Clamp(outer.Count * runs.Length / (4 * HostParallel.ThreadCount), ChunkElements, LargestChunk / sizeof(T)));
            HostParallel.For(runs.Chunks, ref runs);
            return true;
        }

        var tiles = new TileWork<T>
        {
            Source = (T*)source,
            Target = (T*)target,
            Outer = outer,
            Rows = sizes[along],
            Columns = sizes[across],
            SourceRow = from[along],
            TargetColumn = to[across],
            Width = _width,
        };
        tiles.BlockRows = Math.Min(tiles.Rows, TileWork<T>.MostRows);
        tiles.BlockColumns = Math.Min(tiles.Columns, Math.Max(64, ChunkElements / tiles.BlockRows / 16 * 16));
        HostParallel.For(checked((int)(outer.Count * tiles.BlocksDown * tiles.BlocksAcross)), ref tiles);
        return true;
    }

    /// <summary>The dimensions around a run or a tile.</summary>
    private struct OuterPlaces
    {
        private fixed long _sizes[MaxRank];
        private fixed long _from[MaxRank];
        private fixed long _to[MaxRank];
        private int _rank;

        public OuterPlaces() => Count = 1;

        public long Count { get; private set; }

        public void Add(long size, long from, long to)
        {
            _sizes[_rank] = size;
            _from[_rank] = from;
            _to[_rank++] = to;
            Count *= size;
        }

        /// <summary>Where the place of a number lies; its coordinates are kept for <see cref="Advance"/>.</summary>
        public readonly void Find(long number, long* index, out long from, out long to)
        {
            (from, to) = (0, 0);
            for (int d = _rank - 1; d >= 0; d--)
            {
                index[d] = number % _sizes[d];
                number /= _sizes[d];
                from += index[d] * _from[d];
                to += index[d] * _to[d];
            }
        }

        /// <summary>Size and distances of the innermost dimension.</summary>
        public readonly (long Size, long From, long To) Last => _rank == 0 ? (1, 0, 0) : (_sizes[_rank - 1], _from[_rank - 1], _to[_rank - 1]);

        /// <summary>How many of so many places lie in a row along the innermost dimension.</summary>
        public readonly long Rest(long* index, long count) => _rank == 0 ? 1 : Math.Min(count, _sizes[_rank - 1] - index[_rank - 1]);

        /// <summary>Goes on by as many places as <see cref="Rest"/> gave, or fewer.</summary>
        public readonly void Advance(long count, long* index, ref long from, ref long to)
        {
            for (int d = _rank - 1; d >= 0; d--, count = 1)
            {
                from += count * _from[d];
                to += count * _to[d];
                index[d] += count;
                if (index[d] < _sizes[d])
                {
                    return;
                }

                from -= _sizes[d] * _from[d];
                to -= _sizes[d] * _to[d];
                index[d] = 0;
            }
        }
    }

    /// <summary>Runs: whole ones, several a chunk, or parts of long ones.</summary>
    private struct RunWork<T> : IHostWork where T : unmanaged
    {
        public T* Source;
        public T* Target;
        public OuterPlaces Outer;
        public long Length;
        public bool IsReversed;

        /// <summary>Runs of a chunk, elements of a part of a run, parts of a run.</summary>
        public long Group;
        public long Part;
        public long Parts;

        public void Cut(long elements)
        {
            Group = Math.Clamp(elements / Length, 1, Outer.Count);
            Part = Math.Min(Length, elements);
            Parts = (Length + Part - 1) / Part;
        }

        public readonly int Chunks => checked((int)((Outer.Count + Group - 1) / Group * Parts));

        public readonly void Run(int chunk)
        {
            long* index = stackalloc long[MaxRank];
            long first = chunk / Parts * Group, left = Math.Min(Group, Outer.Count - first);
            long column = chunk % Parts * Part, count = Math.Min(Part, Length - column), bytes = count * sizeof(T);
            Outer.Find(first, index, out long from, out long to);
            var (size, stepFrom, stepTo) = Outer.Last;
            stepFrom *= sizeof(T);
            stepTo *= sizeof(T);

            // Of long runs what follows is fetched, of others a run that comes later.
            long later = IsReversed ? 1 : Math.Max(1, HostRuns.LongBytes / bytes);
            long ahead = (IsReversed || bytes < HostRuns.LongBytes) && size >= 2 * later ? later * stepFrom
                : IsReversed ? -2 * HostRuns.FetchedBytes : HostRuns.AheadBytes;
            while (left > 0)
            {
                long runs = Outer.Rest(index, left);
                if (IsReversed)
                {
                    HostRuns.Reverse(Source + from - column - count + 1, Target + to + column, count, runs, stepFrom, stepTo, ahead);
                }
                else
                {
                    HostRuns.Copy((byte*)(Source + from + column), (byte*)(Target + to + column), bytes, runs, stepFrom, stepTo, ahead);
                }

                left -= runs;
                Outer.Advance(runs, index, ref from, ref to);
            }
        }
    }

    /// <summary>Long runs that are written several times: tile by tile, so that each is read once and then from the first cache.</summary>
    private struct RepeatWork<T> : IHostWork where T : unmanaged
    {
        public const long TileBytes = 1 << 14;

        public T* Source;
        public T* Target;
        public OuterPlaces Outer;
        public OuterPlaces Copies;
        public long Length;

        public readonly long Tiles => (Length * sizeof(T) + TileBytes - 1) / TileBytes;

        public readonly void Run(int chunk)
        {
            long* index = stackalloc long[MaxRank];
            Outer.Find(chunk / Tiles, index, out long from, out long to);
            long tile = TileBytes / sizeof(T), start = chunk % Tiles * tile, bytes = Math.Min(tile, Length - start) * sizeof(T);
            from += start;
            to += start;
            new Span<long>(index, MaxRank).Clear();
            for (long copy = 0; copy < Copies.Count; copy++)
            {
                HostRuns.Copy((byte*)(Source + from), (byte*)(Target + to), bytes, HostRuns.AheadBytes);
                Copies.Advance(1, index, ref from, ref to);
            }
        }
    }

    /// <summary>target[r + c * TargetColumn] = source[c + r * SourceRow], block by block.</summary>
    private struct TileWork<T> : IHostWork where T : unmanaged
    {
        public const long MostRows = 64;

        public T* Source;
        public T* Target;
        public OuterPlaces Outer;
        public long Rows;
        public long Columns;
        public long SourceRow;
        public long TargetColumn;
        public long BlockRows;
        public long BlockColumns;
        public HostVectorWidth Width;

        public readonly long BlocksDown => (Rows + BlockRows - 1) / BlockRows;

        public readonly long BlocksAcross => (Columns + BlockColumns - 1) / BlockColumns;

        public readonly void Run(int chunk)
        {
            long* index = stackalloc long[MaxRank];
            long blocks = BlocksDown * BlocksAcross, block = chunk % blocks;
            Outer.Find(chunk / blocks, index, out long from, out long to);
            long row = block / BlocksAcross * BlockRows, column = block % BlocksAcross * BlockColumns;
            long rows = Math.Min(BlockRows, Rows - row), columns = Math.Min(BlockColumns, Columns - column);
            HostTranspose.Block(
                Source + from + row * SourceRow + column, SourceRow, Target + to + row + column * TargetColumn, TargetColumn, rows, columns, Width);
        }
    }

    private struct FillWork : IHostWork
    {
        public const long Chunk = 1 << 16;

        public byte* Target;
        public long Bytes;
        public long Pattern;

        public readonly void Run(int chunk)
        {
            long start = chunk * Chunk, end = Math.Min(start + Chunk, Bytes);
            var wide = Vector256.Create(Pattern).AsByte();
            long i = start;
            if (Bytes >= StreamedBytes && (nint)Target % 32 == 0)
            {
                for (; i <= end - 64; i += 64)
                {
                    wide.StoreAlignedNonTemporal(Target + i);
                    wide.StoreAlignedNonTemporal(Target + i + 32);
                }

                // Before whatever tells another thread that the memory is filled.
                if (Sse.IsSupported)
                {
                    Sse.StoreFence();
                }
                else
                {
                    Interlocked.MemoryBarrier();
                }
            }
            else if (IsWide && (nint)Target % LineBytes == 0)
            {
                var line = Vector512.Create(Pattern).AsByte();
                for (; i <= end - LineBytes; i += LineBytes)
                {
                    line.StoreAligned(Target + i);
                }
            }
            else
            {
                for (; i <= end - 64; i += 64)
                {
                    wide.Store(Target + i);
                    wide.Store(Target + i + 32);
                }
            }

            // A chunk starts at a multiple of 8 bytes.
            for (; i < end; i++)
            {
                Target[i] = (byte)(Pattern >> (int)(i % 8 * 8));
            }
        }
    }
}
