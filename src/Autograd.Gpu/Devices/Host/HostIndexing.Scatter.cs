using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Scatters. Chunks own parts of the result, and each takes the indices in their order, so that sums do not depend on the number of threads.</summary>
internal static unsafe partial class HostIndexing
{
    /// <summary>Indices that are looked at in one go, before what they name is.</summary>
    private const int IndexBlock = 512;

    /// <summary>Bytes of a row for each part of the rows: a part looks at all indices, which is to take less time than its rows do.</summary>
    private const long RowBytesOfRange = 128;

    private const int MostRanges = 8;

    /// <summary>
    /// result[o, index[o, c, i], i] = combination of what is there, or of zero if the lines clear it, and source[o, c, i].
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
        long* cuts = stackalloc long[MostRanges + 1];
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
            else if (lines.Outer == 1 && lines.TakesRows)
            {
                long ranges = Math.Min(Math.Min(HostParallel.ThreadCount, MostRanges), Math.Min(lines.Size, lines.Inner * sizeof(T) / RowBytesOfRange));
                if (ranges > 1 && Cut(index, lines, (int)ranges, cuts))
                {
                    // Whole rows are read faster than parts of them.
                    long across = (HostParallel.ThreadCount + ranges - 1) / ranges;
                    work.Width = Math.Min(lines.Inner, Math.Max(16, ((lines.Inner + across - 1) / across + 15) / 16 * 16));
                    work.Cuts = cuts;
                    work.Ranges = ranges;
                }
            }
        }

        work.Columns = (lines.Inner + work.Width - 1) / work.Width;
        work.Ranges = work.Cuts is not null ? work.Ranges : (lines.Size + work.Range - 1) / work.Range;

        // Small slabs that are not cut are taken several at a time.
        work.Slabs = work.Columns * work.Ranges > 1 ? 1 : Math.Clamp(ChunkElements / elements, 1, lines.Outer);
        HostParallel.For(checked((int)((lines.Outer + work.Slabs - 1) / work.Slabs * work.Columns * work.Ranges)), ref work);
    }

    /// <summary>Cuts the result into parts that about as many indices name, by a sample of them.</summary>
    /// <returns>Whether that is possible: where most name the same few rows, it is not.</returns>
    private static bool Cut(long* index, in HostLines lines, int ranges, long* cuts)
    {
        const int Buckets = 64, Sample = 256;
        int* counts = stackalloc int[Buckets];
        new Span<int>(counts, Buckets).Clear();
        long step = Math.Max(1, lines.Count / Sample), taken = 0, bucket = (lines.Size + Buckets - 1) / Buckets;
        for (long c = 0; c < lines.Count; c += step, taken++)
        {
            counts[lines.Wrap(index[c * lines.IndexLine]) / bucket]++;
        }

        long below = 0, before = 0;
        int range = 0;
        cuts[0] = 0;
        for (int b = 0; b < Buckets && range < ranges - 1; b++)
        {
            below += counts[b];
            if (below * ranges >= taken * (range + 1))
            {
                if ((below - before) * ranges > taken + taken / 4)
                {
                    return false;
                }

                before = below;
                cuts[++range] = Math.Min(lines.Size, (b + 1) * bucket);
            }
        }

        cuts[ranges] = lines.Size;
        return range == ranges - 1 && (taken - before) * ranges <= taken + taken / 4;
    }

    /// <summary>
    /// result[i] += source[i] for as many elements as fill vectors; how many these are. Fetches the lines at <paramref name="nextResult"/> and <paramref name="nextSource"/>.
    /// </summary>
    private static long Add<T>(T* result, T* source, long count, T* nextResult, T* nextSource) where T : unmanaged
    {
        long i = 0;
        if (Vector512.IsHardwareAccelerated && HostMatMul.Width == HostVectorWidth.V512)
        {
            long wide = Vector512<T>.Count;
            for (; i <= count - 4 * wide; i += 4 * wide)
            {
                T* to = result + i, from = source + i;
                Vector512<T> a = Vector512.Load(to) + Vector512.Load(from), b = Vector512.Load(to + wide) + Vector512.Load(from + wide);
                Vector512<T> c = Vector512.Load(to + 2 * wide) + Vector512.Load(from + 2 * wide), d = Vector512.Load(to + 3 * wide) + Vector512.Load(from + 3 * wide);
                a.Store(to);
                b.Store(to + wide);
                c.Store(to + 2 * wide);
                d.Store(to + 3 * wide);
                for (long k = 0; k < 4 * wide; k += wide)
                {
                    RowAhead.Fetch(nextSource + i + k);
                    RowAhead.Fetch(nextResult + i + k);
                }
            }
        }

        long lanes = Vector<T>.Count;
        for (; i <= count - 2 * lanes; i += 2 * lanes)
        {
            Vector<T> a = Vector.Load(result + i) + Vector.Load(source + i), b = Vector.Load(result + i + lanes) + Vector.Load(source + i + lanes);
            a.Store(result + i);
            b.Store(result + i + lanes);
            RowAhead.Fetch(nextSource + i);
            RowAhead.Fetch(nextResult + i);
        }

        for (; i <= count - lanes; i += lanes)
        {
            (Vector.Load(result + i) + Vector.Load(source + i)).Store(result + i);
        }

        return i;
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

        /// <summary>Targets of one chunk, or where each part of them begins and ends, and how many parts there are.</summary>
        public long Range;
        public long* Cuts;
        public long Ranges;

        /// <summary>Slabs of one chunk.</summary>
        public long Slabs;

        public readonly void Run(int chunk)
        {
            long first = chunk / (Columns * Ranges) * Slabs, rest = chunk % (Columns * Ranges);
            long column = rest / Ranges * Width, range = rest % Ranges;
            long low = Cuts is null ? range * Range : Cuts[range], high = Cuts is null ? Math.Min(low + Range, Lines.Size) : Cuts[range + 1];
            for (long o = first; o < Math.Min(first + Slabs, Lines.Outer); o++)
            {
                Slab(o, column, low, high);
            }
        }

        private readonly void Slab(long o, long column, long low, long high)
        {
            long width = Math.Min(Width, Lines.Inner - column);
            var index = Index + o * Lines.IndexOuter + column * Lines.IndexInner;
            var source = Source + o * Lines.SourceOuter + column * Lines.SourceInner;
            var result = Result + o * Lines.Size * Lines.Inner + column;
            if (Lines.Clears)
            {
                Clear(result + low * Lines.Inner, high - low, width);
            }

            if (Lines.Inner == 1)
            {
                Single(result, index, source, low, high);
            }
            else if (Lines.TakesRows)
            {
                for (long c = 0; c < Lines.Count; c += IndexBlock)
                {
                    Rows(result, index + c * Lines.IndexLine, source + c * Lines.SourceLine, width, (int)Math.Min(IndexBlock, Lines.Count - c), low, (ulong)(high - low));
                }
            }
            else
            {
                Each(result, index, source, width, low, high);
            }
        }

        /// <summary>Element by element.</summary>
        private readonly void Each(T* result, long* index, T* source, long width, long low, long high)
        {
            for (long c = 0; c < Lines.Count; c++, index += Lines.IndexLine, source += Lines.SourceLine)
            {
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

        /// <summary>Sets rows of a part of the result's columns to zero.</summary>
        private readonly void Clear(T* result, long rows, long width)
        {
            if (width == Lines.Inner)
            {
                (rows, width) = (1, rows * width);
            }

            for (long row = 0; row < rows; row++, result += Lines.Inner)
            {
                HostCopy.Clear((byte*)result, width * sizeof(T));
            }
        }

        /// <summary>The rows of a block that fall into a part of the result. They are found first, so that the one after the next can be fetched.</summary>
        [SkipLocalsInit]
        private readonly void Rows(T* result, long* index, T* source, long width, int count, long low, ulong range)
        {
            int* taken = stackalloc int[IndexBlock];
            int rows = 0;
            for (int c = 0; c < count; c++)
            {
                // No branch, for nobody can foresee it.
                taken[rows] = c;
                rows += (ulong)(Lines.Wrap(index[c * Lines.IndexLine]) - low) < range ? 1 : 0;
            }

            for (int k = 0; k < rows; k++)
            {
                int c = taken[k], next = taken[Math.Min(k + 2, rows - 1)];
                Row(
                    result + Lines.Wrap(index[c * Lines.IndexLine]) * Lines.Inner, source + c * Lines.SourceLine, width,
                    result + Lines.Wrap(index[next * Lines.IndexLine]) * Lines.Inner, source + next * Lines.SourceLine);
            }
        }

        private static void Row(T* result, T* source, long width, T* nextResult, T* nextSource)
        {
            if (typeof(TCombination) == typeof(Replace<T>))
            {
                Buffer.MemoryCopy(source, result, width * sizeof(T), width * sizeof(T));
                return;
            }

            // Sums of whole rows, the gradient of a look-up, by vectors.
            long i = typeof(TCombination) == typeof(Accumulate<float>) ? Add((float*)result, (float*)source, width, (float*)nextResult, (float*)nextSource)
                : typeof(TCombination) == typeof(Accumulate<double>) ? Add((double*)result, (double*)source, width, (double*)nextResult, (double*)nextSource)
                : 0;
            for (; i < width; i++)
            {
                result[i] = TCombination.Combine(result[i], source[i]);
            }
        }

        /// <summary>The elements of one line that fall into a part of it.</summary>
        private readonly void Single(T* line, long* index, T* source, long low, long high)
        {
            long step = Lines.IndexLine, stride = Lines.SourceLine, count = Lines.Count, i = 0;
            if (Lines.Outside is null)
            {
                for (; i < count; i++)
                {
                    long at = Lines.Wrap(index[i * step]);
                    if (at >= low && at < high)
                    {
                        line[at] = TCombination.Combine(line[at], source[i * stride]);
                    }
                }

                return;
            }

            ulong size = (ulong)Lines.Size, width = (ulong)(high - low);
            if (step == 1 && stride == 1 && width == size)
            {
                i = Whole(line, index, source, count, size);
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
        }

        /// <summary>Takes elements, eight at a time, up to an index that lies outside or to the last few; how many these are.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static long Whole(T* line, long* index, T* source, long count, ulong size)
        {
            long i = 0;
            var sizes = Vector512.Create(size);
            for (; i <= count - 8 && AreBelow(index + i, sizes); i += 8)
            {
                Four(line, index + i, source + i);
                Four(line, index + i + 4, source + i + 4);
            }

            return i;
        }

        /// <summary>Four elements, of four bytes from one load: loads and stores are what this takes its time for.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Four(T* line, long* index, T* source)
        {
            if (sizeof(T) == sizeof(float) && Vector128<T>.IsSupported)
            {
                var elements = Vector128.Load(source);
                long a = index[0], b = index[1], c = index[2], d = index[3];
                Take(line + a, elements.ToScalar());
                Take(line + b, elements.GetElement(1));
                Take(line + c, elements.GetElement(2));
                Take(line + d, elements.GetElement(3));
                return;
            }

            Take(line + index[0], source[0]);
            Take(line + index[1], source[1]);
            Take(line + index[2], source[2]);
            Take(line + index[3], source[3]);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Take(T* target, T element) => *target = TCombination.Combine(*target, element);
    }
}
