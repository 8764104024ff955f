using System.Numerics;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The planes of a pooling: sizes, and where windows lie (see <c>MaxPoolArguments</c>).</summary>
internal unsafe struct HostPlanes
{
    public long Planes;
    public int InDepth, InHeight, InWidth;
    public int OutDepth, OutHeight, OutWidth;
    public int StepDepth, StepHeight, StepWidth;

    /// <summary>For depth, height and width: the first position of each window and the number of positions.</summary>
    public int* Depths, Heights, Widths;

    public readonly long InSize => (long)InDepth * InHeight * InWidth;

    public readonly long OutSize => (long)OutDepth * OutHeight * OutWidth;
}

/// <summary>Max pooling on the host: rows of a window are compared as vectors first, then the columns of what is left.</summary>
internal static unsafe class HostMaxPool
{
    private const long ChunkElements = 1 << 14;

    /// <summary>The largest element of each window, if wanted, and its place in the plane, if wanted. The first of those that tie; nan counts as largest.</summary>
    public static void Max<T>(T* input, T* output, long* places, in HostPlanes planes) where T : unmanaged, INumber<T>
    {
        long rows = planes.Planes * planes.OutDepth * planes.OutHeight;
        if (rows == 0 || planes.OutWidth == 0)
        {
            return;
        }

        int most = 1;
        for (int d = 0; d < planes.OutDepth; d++)
        {
            most = Math.Max(most, planes.Depths[2 * d + 1]);
        }

        int mostHeights = 1;
        for (int h = 0; h < planes.OutHeight; h++)
        {
            mostHeights = Math.Max(mostHeights, planes.Heights[2 * h + 1]);
        }

        most *= mostHeights;
        long chunkRows = Math.Clamp(ChunkElements / ((long)planes.InWidth * most), 1, rows);
        var work = new MaxWork<T> { Input = input, Output = output, Places = places, Planes = planes, MostRows = most, Rows = rows, ChunkRows = chunkRows };
        work.Columns = MaxPoolColumns.Of<T>(planes.Widths, planes.OutWidth, planes.StepWidth);
        HostParallel.For(checked((int)((rows + chunkRows - 1) / chunkRows)), ref work);
    }

    /// <summary>Zeros in the larger planes, and added to them at their places the elements of the smaller. Each plane is taken by one thread.</summary>
    public static void Spread<T>(T* input, T* output, long* places, in HostPlanes planes) where T : unmanaged, INumber<T>
    {
        if (planes.Planes * planes.InSize == 0)
        {
            return;
        }

        long chunkPlanes = Math.Clamp(ChunkElements / planes.InSize, 1, planes.Planes);
        var work = new SpreadWork<T>
        {
            Input = input,
            Output = output,
            Places = places,
            InSize = planes.InSize,
            OutSize = planes.OutSize,
            Planes = planes.Planes,
            ChunkPlanes = chunkPlanes,
        };
        HostParallel.For(checked((int)((planes.Planes + chunkPlanes - 1) / chunkPlanes)), ref work);
    }

    private struct MaxWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Input;
        public T* Output;
        public long* Places;
        public HostPlanes Planes;
        public int MostRows;
        public long Rows;
        public long ChunkRows;

        /// <summary>The windows that vectors find.</summary>
        public MaxPoolColumns Columns;

        public readonly void Run(int chunk)
        {
            // The largest of each column, which of the window's rows it is in, and where these rows begin.
            int width = Planes.InWidth + MaxPoolColumns.Margin;
            var memory = (byte*)NativeMemory.AllocZeroed((nuint)(MostRows * sizeof(long) + 2L * width * sizeof(T)));
            try
            {
                var starts = (long*)memory;
                var best = (T*)(starts + MostRows);
                var ordinals = best + width;
                for (long row = chunk * ChunkRows; row < Math.Min((chunk + 1) * ChunkRows, Rows); row++)
                {
                    Row(row, starts, best, ordinals);
                }
            }
            finally
            {
                NativeMemory.Free(memory);
            }
        }

        private readonly void Row(long row, long* starts, T* best, T* ordinals)
        {
            long slab = row / Planes.OutHeight, plane = slab / Planes.OutDepth;
            int* height = Planes.Heights + 2 * (row - slab * Planes.OutHeight), depth = Planes.Depths + 2 * (slab - plane * Planes.OutDepth);
            int count = 0;
            for (int i = 0; i < depth[1]; i++)
            {
                for (int j = 0; j < height[1]; j++)
                {
                    starts[count++] = ((long)(depth[0] + i * Planes.StepDepth) * Planes.InHeight + height[0] + j * Planes.StepHeight) * Planes.InWidth;
                }
            }

            var source = Input + plane * Planes.InSize;
            var target = Output == null ? null : Output + row * Planes.OutWidth;
            var columns = count == 1 ? source + starts[0] : best;
            bool hasRun = Columns.Count > 0;
            if (count == 1 && hasRun)
            {
                // A row with a margin behind it.
                new ReadOnlySpan<T>(columns, Planes.InWidth).CopyTo(new Span<T>(best, Planes.InWidth));
                columns = best;
            }

            if (Places == null)
            {
                if (count > 1)
                {
                    LargestOfColumns(source, starts, count, best);
                }

                if (hasRun)
                {
                    Columns.Values((float*)columns, (float*)target);
                }

                Values(columns, target, 0, hasRun ? Columns.First : Planes.OutWidth);
                Values(columns, target, hasRun ? Columns.First + Columns.Count : Planes.OutWidth, Planes.OutWidth);
                return;
            }

            if (count > 1)
            {
                LargestOfColumns(source, starts, count, best, ordinals);
            }
            else if (hasRun)
            {
                new Span<T>(ordinals, Planes.InWidth).Clear();
            }

            // Places are counted from rows that lie equally far apart: those of one depth.
            hasRun &= depth[1] == 1 && Planes.InSize < int.MaxValue && count < 1 << 24;
            long* places = Places + row * Planes.OutWidth;
            var rowOrdinals = count > 1 ? ordinals : null;
            if (hasRun)
            {
                Columns.ValuesAndPlaces((float*)columns, (float*)ordinals, starts[0], Planes.StepHeight * Planes.InWidth, (float*)target, places);
            }

            ValuesAndPlaces(columns, rowOrdinals, starts, target, places, 0, hasRun ? Columns.First : Planes.OutWidth);
            ValuesAndPlaces(columns, rowOrdinals, starts, target, places, hasRun ? Columns.First + Columns.Count : Planes.OutWidth, Planes.OutWidth);
        }

        private readonly void LargestOfColumns(T* source, long* starts, int count, T* best)
        {
            new ReadOnlySpan<T>(source + starts[0], Planes.InWidth).CopyTo(new Span<T>(best, Planes.InWidth));
            for (int r = 1; r < count; r++)
            {
                var row = source + starts[r];
                int c = 0;
                for (; c <= Planes.InWidth - Vector<T>.Count; c += Vector<T>.Count)
                {
                    var (old, value) = (Vector.Load(best + c), Vector.Load(row + c));
                    Vector.Store(Vector.ConditionalSelect(Vector.GreaterThan(value, old) | ~Vector.Equals(value, value), value, old), best + c);
                }

                for (; c < Planes.InWidth; c++)
                {
                    best[c] = row[c] > best[c] || T.IsNaN(row[c]) ? row[c] : best[c];
                }
            }
        }

        private readonly void LargestOfColumns(T* source, long* starts, int count, T* best, T* ordinals)
        {
            new ReadOnlySpan<T>(source + starts[0], Planes.InWidth).CopyTo(new Span<T>(best, Planes.InWidth));
            new Span<T>(ordinals, Planes.InWidth).Clear();
            for (int r = 1; r < count; r++)
            {
                var row = source + starts[r];
                var ordinal = T.CreateTruncating(r);
                var ordinalVector = new Vector<T>(ordinal);
                int c = 0;
                for (; c <= Planes.InWidth - Vector<T>.Count; c += Vector<T>.Count)
                {
                    var (old, value) = (Vector.Load(best + c), Vector.Load(row + c));
                    var isBetter = Vector.GreaterThan(value, old) | ~Vector.Equals(value, value);
                    Vector.Store(Vector.ConditionalSelect(isBetter, value, old), best + c);
                    Vector.Store(Vector.ConditionalSelect(isBetter, ordinalVector, Vector.Load(ordinals + c)), ordinals + c);
                }

                for (; c < Planes.InWidth; c++)
                {
                    if (row[c] > best[c] || T.IsNaN(row[c]))
                    {
                        (best[c], ordinals[c]) = (row[c], ordinal);
                    }
                }
            }
        }

        private readonly void Values(T* columns, T* target, int from, int end)
        {
            for (int w = from; w < end; w++)
            {
                int first = Planes.Widths[2 * w], count = Planes.Widths[2 * w + 1];
                var best = columns[first];
                for (int k = 1; k < count; k++)
                {
                    var value = columns[first + k * Planes.StepWidth];
                    best = value > best || T.IsNaN(value) ? value : best;
                }

                target[w] = best;
            }
        }

        // The order of a window's elements is that of its rows: among columns that tie the earlier row wins, among nans, as in PyTorch, the later.
        private readonly void ValuesAndPlaces(T* columns, T* ordinals, long* starts, T* target, long* places, int from, int end)
        {
            for (int w = from; w < end; w++)
            {
                int first = Planes.Widths[2 * w], count = Planes.Widths[2 * w + 1], column = first;
                var best = columns[first];
                var row = ordinals == null ? T.Zero : ordinals[first];
                for (int k = 1; k < count; k++)
                {
                    int c = first + k * Planes.StepWidth;
                    var value = columns[c];
                    var ordinal = ordinals == null ? T.Zero : ordinals[c];
                    if (value > best || (value == best && ordinal < row) || (T.IsNaN(value) && (!T.IsNaN(best) || ordinal >= row)))
                    {
                        (best, row, column) = (value, ordinal, c);
                    }
                }

                places[w] = starts[int.CreateTruncating(row)] + column;
                if (target != null)
                {
                    target[w] = best;
                }
            }
        }
    }

    private struct SpreadWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Input;
        public T* Output;
        public long* Places;
        public long InSize;
        public long OutSize;
        public long Planes;
        public long ChunkPlanes;

        public readonly void Run(int chunk)
        {
            for (long plane = chunk * ChunkPlanes; plane < Math.Min((chunk + 1) * ChunkPlanes, Planes); plane++)
            {
                var target = Input + plane * InSize;
                NativeMemory.Clear(target, (nuint)(InSize * sizeof(T)));
                var source = Output + plane * OutSize;
                var places = Places + plane * OutSize;
                for (long i = 0; i < OutSize; i++)
                {
                    target[places[i]] += source[i];
                }
            }
        }
    }
}
