using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The extents of a gather or scatter, [Outer, Count, Inner] beside lines of Size elements, and the strides of source and index in elements.</summary>
internal struct HostLines
{
    public long Outer, Count, Inner, Size;
    public long SourceOuter, SourceLine, SourceInner;
    public long IndexOuter, IndexLine, IndexInner;
    public bool Wraps;

    /// <summary>Set where an index lies outside, if indices of single elements are to be checked on the way.</summary>
    public unsafe int* Outside;

    public readonly long Wrap(long index) => Wraps && index < 0 ? index + Size : index;
}

/// <summary>Gather and scatter on the host. Indices were checked, unless <see cref="HostLines.Outside"/> is there.</summary>
internal static unsafe class HostIndexing
{
    private const long ChunkElements = 1 << 14;

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

    /// <summary>
    /// result[o, index[o, c, i], i] = combination of what is there and source[o, c, i]. Chunks own parts of the result, and each takes the indices in
    /// their order, so that sums do not depend on the number of threads.
    /// </summary>
    public static void Scatter<T, TCombination>(T* source, long* index, T* result, in HostLines lines)
        where T : unmanaged
        where TCombination : struct, ICombination<T>
    {
        if (lines.Outer * lines.Count * lines.Inner == 0)
        {
            return;
        }

        var work = new ScatterWork<T, TCombination> { Source = source, Index = index, Result = result, Lines = lines, Width = lines.Inner, Range = lines.Size };
        long elements = lines.Count * lines.Inner;
        if (elements * lines.Outer > ChunkElements)
        {
            // Lines beside one another are shared out first; a few long lines by the part of the line that their indices name.
            // A part reads all indices, so it is to be no narrower than the threads want, or than a cache line.
            long least = Math.Max(16, lines.Inner / HostParallel.ThreadCount / 16 * 16);
            work.Width = Math.Clamp(ChunkElements / lines.Count, Math.Min(lines.Inner, least), lines.Inner);
            long columns = lines.Outer * ((lines.Inner + work.Width - 1) / work.Width);
            if (columns < HostParallel.ThreadCount && lines.Inner < 16)
            {
                work.Range = (lines.Size + HostParallel.ThreadCount - 1) / HostParallel.ThreadCount;
            }
        }

        work.Columns = (lines.Inner + work.Width - 1) / work.Width;
        work.Ranges = (lines.Size + work.Range - 1) / work.Range;

        // Small slabs that are not cut are taken several at a time.
        work.Slabs = work.Columns * work.Ranges > 1 ? 1 : Math.Clamp(ChunkElements / elements, 1, lines.Outer);
        HostParallel.For(checked((int)((lines.Outer + work.Slabs - 1) / work.Slabs * work.Columns * work.Ranges)), ref work);
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

    /// <summary>result[i] += source[i] for as many elements as fill vectors; how many these are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Add<T>(T* result, T* source, long count) where T : unmanaged
    {
        long i = 0, lanes = Vector<T>.Count;
        for (; i <= count - 4 * lanes; i += 4 * lanes)
        {
            Vector<T> a = Vector.Load(result + i) + Vector.Load(source + i), b = Vector.Load(result + i + lanes) + Vector.Load(source + i + lanes);
            Vector<T> c = Vector.Load(result + i + 2 * lanes) + Vector.Load(source + i + 2 * lanes), d = Vector.Load(result + i + 3 * lanes) + Vector.Load(source + i + 3 * lanes);
            a.Store(result + i);
            b.Store(result + i + lanes);
            c.Store(result + i + 2 * lanes);
            d.Store(result + i + 3 * lanes);
        }

        for (; i <= count - lanes; i += lanes)
        {
            (Vector.Load(result + i) + Vector.Load(source + i)).Store(result + i);
        }

        return i;
    }

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

        /// <summary>Elements of one line.</summary>
        private readonly void Single(T* line, long* index, T* result, long count)
        {
            long step = Lines.IndexLine, stride = Lines.SourceLine, i = 0;
            ulong size = (ulong)Lines.Size;
            if (step == 1 && stride == 1)
            {
                var sizes = Vector256.Create(size);
                for (; i <= count - 4 && !Vector256.GreaterThanOrEqualAny(Vector256.Load((ulong*)index + i), sizes); i += 4)
                {
                    result[i] = line[index[i]];
                    result[i + 1] = line[index[i + 1]];
                    result[i + 2] = line[index[i + 2]];
                    result[i + 3] = line[index[i + 3]];
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

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Row(T* slab, long* index, T* result)
        {
            if (Lines.Inner == 1)
            {
                *result = slab[Lines.Wrap(*index) * Lines.SourceLine];
                return;
            }

            if (Lines.IndexInner == 0 && Lines.SourceInner == 1)
            {
                new ReadOnlySpan<T>(slab + Lines.Wrap(*index) * Lines.SourceLine, (int)Lines.Inner).CopyTo(new Span<T>(result, (int)Lines.Inner));
                return;
            }

            for (long i = 0; i < Lines.Inner; i++)
            {
                result[i] = slab[Lines.Wrap(index[i * Lines.IndexInner]) * Lines.SourceLine + i * Lines.SourceInner];
            }
        }
    }

    private struct ScatterWork<T, TCombination> : IHostWork
        where T : unmanaged
        where TCombination : struct, ICombination<T>
    {
        public T* Source;
        public long* Index;
        public T* Result;
        public HostLines Lines;

        /// <summary>Lines of one chunk, and how many such parts there are.</summary>
        public long Width;
        public long Columns;

        /// <summary>Targets of one chunk, and how many such parts there are.</summary>
        public long Range;
        public long Ranges;

        /// <summary>Slabs of one chunk.</summary>
        public long Slabs;

        public readonly void Run(int chunk)
        {
            long first = chunk / (Columns * Ranges) * Slabs, rest = chunk % (Columns * Ranges);
            long column = rest / Ranges * Width, low = rest % Ranges * Range;
            for (long o = first; o < Math.Min(first + Slabs, Lines.Outer); o++)
            {
                Slab(o, column, low);
            }
        }

        private readonly void Slab(long o, long column, long low)
        {
            long width = Math.Min(Width, Lines.Inner - column), high = Math.Min(low + Range, Lines.Size);
            var index = Index + o * Lines.IndexOuter + column * Lines.IndexInner;
            var source = Source + o * Lines.SourceOuter + column * Lines.SourceInner;
            var result = Result + o * Lines.Size * Lines.Inner + column;
            if (Lines.Inner == 1)
            {
                Single(result, index, source, low, high);
                return;
            }

            for (long c = 0; c < Lines.Count; c++, index += Lines.IndexLine, source += Lines.SourceLine)
            {
                if (Lines.IndexInner == 0)
                {
                    long at = Lines.Wrap(*index);
                    if (at >= low && at < high)
                    {
                        Row(result + at * Lines.Inner, source, width);
                    }

                    continue;
                }

                for (long i = 0; i < width; i++)
                {
                    long at = Lines.Wrap(index[i * Lines.IndexInner]);
                    if (at >= low && at < high)
                    {
                        ref T target = ref result[at * Lines.Inner + i];
                        target = TCombination.Combine(target, source[i * Lines.SourceInner]);
                    }
                }
            }
        }

        /// <summary>The elements of one line that fall into a part of it.</summary>
        private readonly void Single(T* line, long* index, T* source, long low, long high)
        {
            long step = Lines.IndexLine, stride = Lines.SourceLine, count = Lines.Count;
            if (Lines.Outside is not null)
            {
                ulong size = (ulong)Lines.Size, width = (ulong)(high - low);
                long i = 0;
                if (step == 1 && stride == 1 && width == size)
                {
                    var sizes = Vector256.Create(size);
                    for (; i <= count - 4 && !Vector256.GreaterThanOrEqualAny(Vector256.Load((ulong*)index + i), sizes); i += 4)
                    {
                        line[index[i]] = TCombination.Combine(line[index[i]], source[i]);
                        line[index[i + 1]] = TCombination.Combine(line[index[i + 1]], source[i + 1]);
                        line[index[i + 2]] = TCombination.Combine(line[index[i + 2]], source[i + 2]);
                        line[index[i + 3]] = TCombination.Combine(line[index[i + 3]], source[i + 3]);
                    }
                }

                for (; i < count; i++)
                {
                    long at = index[i * step];
                    if ((ulong)(at - low) < width)
                    {
                        line[at] = TCombination.Combine(line[at], source[i * stride]);
                    }
                    else if ((ulong)at >= size)
                    {
                        Volatile.Write(ref *Lines.Outside, 1);
                        return;
                    }
                }

                return;
            }

            for (long i = 0; i < count; i++)
            {
                long at = Lines.Wrap(index[i * step]);
                if (at >= low && at < high)
                {
                    line[at] = TCombination.Combine(line[at], source[i * stride]);
                }
            }
        }

        private readonly void Row(T* result, T* source, long width)
        {
            if (Lines.SourceInner == 1)
            {
                // Sums of whole rows, the gradient of a look-up, by vectors.
                long i = typeof(TCombination) == typeof(Accumulate<float>) ? Add((float*)result, (float*)source, width)
                    : typeof(TCombination) == typeof(Accumulate<double>) ? Add((double*)result, (double*)source, width)
                    : 0;
                for (; i < width; i++)
                {
                    result[i] = TCombination.Combine(result[i], source[i]);
                }

                return;
            }

            for (long i = 0; i < width; i++)
            {
                result[i] = TCombination.Combine(result[i], source[i * Lines.SourceInner]);
            }
        }
    }
}
