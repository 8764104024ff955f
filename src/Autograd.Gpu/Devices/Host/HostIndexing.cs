using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The extents of a gather or scatter, [Outer, Count, Inner] beside lines of Size elements, and the strides of source and index in elements.</summary>
internal struct HostLines
{
    public long Outer, Count, Inner, Size;
    public long SourceOuter, SourceLine, SourceInner;
    public long IndexOuter, IndexLine, IndexInner;
    public bool Wraps;

    public readonly long Wrap(long index) => Wraps && index < 0 ? index + Size : index;
}

/// <summary>Gather and scatter on the host. Indices were checked.</summary>
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

        long chunkRows = Math.Max(1, ChunkElements / lines.Inner);
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
            work.Width = Math.Clamp(ChunkElements / lines.Count, Math.Min(lines.Inner, 16), lines.Inner);
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

    /// <summary>result[i] += source[i] for as many elements as fill vectors; how many these are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Add<T>(T* result, T* source, long count) where T : unmanaged
    {
        long i = 0;
        for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
        {
            (Vector.Load(result + i) + Vector.Load(source + i)).Store(result + i);
        }

        return i;
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
