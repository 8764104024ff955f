using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The extents of a gather or scatter, [Outer, Count, Inner] beside lines of Size elements, and the strides of source and index in elements.</summary>
internal struct HostLines
{
    public long Outer, Count, Inner, Size;
    public long SourceOuter, SourceLine, SourceInner;
    public long IndexOuter, IndexLine, IndexInner;
    public bool Wraps;

    /// <summary>Whether a scatter sets the result to zero first.</summary>
    public bool Clears;

    /// <summary>Set where an index lies outside, if indices of single elements, or a gather's of rows, are to be checked on the way.</summary>
    public unsafe int* Outside;

    /// <summary>Whether an index names a row of elements that lie side by side.</summary>
    public readonly bool TakesRows => Inner > 1 && IndexInner == 0 && SourceInner == 1;

    public readonly long Wrap(long index) => Wraps && index < 0 ? index + Size : index;
}

/// <summary>Gather and scatter on the host. Indices were checked, unless <see cref="HostLines.Outside"/> is there.</summary>
internal static unsafe partial class HostIndexing
{
    private const long ChunkElements = 1 << 14;

    /// <summary>How far ahead of the row that is copied another is fetched.</summary>
    private const long FetchedBytes = 1 << 12;

    /// <summary>result[o, c, i] = source[o, index[o, c, i], i].</summary>
    public static void Gather<T>(T* source, long* index, T* result, in HostLines lines) where T : unmanaged
    {
        long rows = lines.Outer * lines.Count;
        if (rows == 0 || lines.Inner == 0)
        {
            return;
        }

        long chunkRows = Math.Max(1, Math.Clamp(rows * lines.Inner / (4 * HostParallel.ThreadCount), ChunkElements, 1 << 17) / lines.Inner);
        var work = new GatherWork<T> { Source = source, Index = index, Result = result, Lines = lines, Rows = rows, ChunkRows = chunkRows };
        HostParallel.For((int)((rows + chunkRows - 1) / chunkRows), ref work);
    }

    /// <summary>Whether one of [outer, count, inner] numbers with these strides lies outside of [lowest, end).</summary>
    public static bool HasOutside(long* numbers, long outer, long count, long inner, in HostLines strides, long lowest, long end)
    {
        bool isFlat = (inner == 1 || strides.IndexInner == 1) && (count == 1 || strides.IndexLine == inner) && (outer == 1 || strides.IndexOuter == count * inner);
        int found = 0;
        var work = new RangeWork { Numbers = numbers, Lowest = lowest, Range = (ulong)(end - lowest), Found = &found };
        if (isFlat)
        {
            (work.Rows, work.Length, work.Step) = (1, outer * count * inner, 1);
        }
        else
        {
            // A row is the longest extent; the others are walked.
            bool isInner = inner > count;
            (work.Rows, work.Length, work.Step) = isInner ? (outer * count, inner, strides.IndexInner) : (outer * inner, count, strides.IndexLine);
            (work.Across, work.Outer, work.Next) = isInner ? (count, strides.IndexOuter, strides.IndexLine) : (inner, strides.IndexOuter, strides.IndexInner);
        }

        work.Parts = (work.Length + ChunkElements - 1) / ChunkElements;
        work.Group = Math.Clamp(ChunkElements / Math.Max(1, work.Length), 1, Math.Max(1, work.Rows));
        HostParallel.For(checked((int)((work.Rows + work.Group - 1) / work.Group * work.Parts)), ref work);
        return Volatile.Read(ref found) != 0;
    }

    /// <summary>Whether eight numbers that follow one another are below an unsigned bound, which all lanes hold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreBelow(long* numbers, Vector512<ulong> bound) => Vector512.IsHardwareAccelerated
        ? !Vector512.GreaterThanOrEqualAny(Vector512.Load((ulong*)numbers), bound)
        : !Vector256.GreaterThanOrEqualAny(Vector256.Max(Vector256.Load((ulong*)numbers), Vector256.Load((ulong*)numbers + 4)), bound.GetLower());

    private struct RangeWork : IHostWork
    {
        public long* Numbers;
        public long Lowest;
        public ulong Range;
        public int* Found;

        /// <summary>Rows of numbers a step apart, so many of them beside one another before the outer stride is taken.</summary>
        public long Rows;
        public long Length;
        public long Step;
        public long Across;
        public long Outer;
        public long Next;

        /// <summary>Parts of a row, rows of a chunk.</summary>
        public long Parts;
        public long Group;

        public readonly void Run(int chunk)
        {
            long first = chunk / Parts * Group, start = chunk % Parts * ChunkElements, count = Math.Min(ChunkElements, Length - start);
            bool isOutside = false;
            for (long row = first; row < Math.Min(first + Group, Rows); row++)
            {
                var numbers = Numbers + start * Step + (Across > 0 ? row / Across * Outer + row % Across * Next : 0);
                long i = 0;
                if (Step == 1)
                {
                    var (lowest, range) = (new Vector<long>(Lowest), new Vector<ulong>(Range));
                    var outside = Vector<ulong>.Zero;
                    for (; i <= count - Vector<long>.Count; i += Vector<long>.Count)
                    {
                        outside |= Vector.GreaterThanOrEqual(Vector.AsVectorUInt64(Vector.Load(numbers + i) - lowest), range);
                    }

                    isOutside |= outside != Vector<ulong>.Zero;
                }

                for (; i < count; i++)
                {
                    isOutside |= (ulong)(numbers[i * Step] - Lowest) >= Range;
                }
            }

            if (isOutside)
            {
                Volatile.Write(ref *Found, 1);
            }
        }
    }

    private struct GatherWork<T> : IHostWork where T : unmanaged
    {
        public T* Source;
        public long* Index;
        public T* Result;
        public HostLines Lines;
        public long Rows;
        public long ChunkRows;

        public readonly void Run(int chunk)
        {
            long first = chunk * ChunkRows, last = Math.Min(first + ChunkRows, Rows);
            long o = first / Lines.Count, c = first % Lines.Count;
            if (Lines.TakesRows)
            {
                for (long row = first; row < last; o++, c = 0)
                {
                    long count = Math.Min(Lines.Count - c, last - row);
                    CopyRows(Source + o * Lines.SourceOuter, Index + o * Lines.IndexOuter + c * Lines.IndexLine, Result + row * Lines.Inner, count);
                    row += count;
                }

                return;
            }

            if (Lines.Outside is not null)
            {
                for (long row = first; row < last; o++, c = 0)
                {
                    long count = Math.Min(Lines.Count - c, last - row);
                    Single(Source + o * Lines.SourceOuter, Index + o * Lines.IndexOuter + c * Lines.IndexLine, Result + row, count);
                    row += count;
                }

                return;
            }

            for (long row = first; row < last; row++)
            {
                Row(Source + o * Lines.SourceOuter, Index + o * Lines.IndexOuter + c * Lines.IndexLine, Result + row * Lines.Inner);
                if (++c == Lines.Count)
                {
                    c = 0;
                    o++;
                }
            }
        }

        /// <summary>Whole rows of one slab. A row that comes some time later is fetched.</summary>
        private readonly void CopyRows(T* slab, long* index, T* result, long count)
        {
            long step = Lines.IndexLine, bytes = Lines.Inner * sizeof(T), later = Math.Max(1, FetchedBytes / bytes);
            for (long c = 0; c < count; c++, result += Lines.Inner)
            {
                long at = Lines.Wrap(index[c * step]);
                if (Lines.Outside is not null && (ulong)at >= (ulong)Lines.Size)
                {
                    Volatile.Write(ref *Lines.Outside, 1);
                    return;
                }

                // Not checked yet, but fetching reads nothing.
                long next = Lines.Wrap(index[Math.Min(c + later, count - 1) * step]);
                HostRuns.Copy((byte*)(slab + at * Lines.SourceLine), (byte*)result, bytes, (next - at) * Lines.SourceLine * sizeof(T));
            }
        }

        /// <summary>Elements of one line.</summary>
        private readonly void Single(T* line, long* index, T* result, long count)
        {
            long step = Lines.IndexLine, stride = Lines.SourceLine, i = 0;
            ulong size = (ulong)Lines.Size;
            if (step == 1 && stride == 1)
            {
                var sizes = Vector512.Create(size);
                for (; i <= count - 8 && AreBelow(index + i, sizes); i += 8)
                {
                    Four(line, index + i, result + i);
                    Four(line, index + i + 4, result + i + 4);
                }
            }

            for (; i < count; i++)
            {
                long at = step == 1 ? index[i] : index[i * step];
                if ((ulong)at >= size)
                {
                    Volatile.Write(ref *Lines.Outside, 1);
                    return;
                }

                result[i] = line[at * stride];
            }
        }

        /// <summary>Four elements, stored together where they are floats or doubles or as long: moving them as such keeps all bits.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Four(T* line, long* index, T* result)
        {
            if (sizeof(T) == sizeof(float))
            {
                float* from = (float*)line;
                Vector128.Create(from[index[0]], from[index[1]], from[index[2]], from[index[3]]).Store((float*)result);
            }
            else if (sizeof(T) == sizeof(double))
            {
                double* from = (double*)line;
                Vector128.Create(from[index[0]], from[index[1]]).Store((double*)result);
                Vector128.Create(from[index[2]], from[index[3]]).Store((double*)result + 2);
            }
            else
            {
                (result[0], result[1], result[2], result[3]) = (line[index[0]], line[index[1]], line[index[2]], line[index[3]]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Row(T* slab, long* index, T* result)
        {
            if (Lines.Inner == 1)
            {
                *result = slab[Lines.Wrap(*index) * Lines.SourceLine];
                return;
            }

            for (long i = 0; i < Lines.Inner; i++)
            {
                result[i] = slab[Lines.Wrap(index[i * Lines.IndexInner]) * Lines.SourceLine + i * Lines.SourceInner];
            }
        }
    }
}
