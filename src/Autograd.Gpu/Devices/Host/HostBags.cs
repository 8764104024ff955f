using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The operands of what is done with bags of rows (see <see cref="BagArguments{TStored,T}"/>); rows were checked.</summary>
internal unsafe struct HostBagOperands<T> where T : unmanaged
{
    public HostTable<T> Table;
    public long* Rows;
    public long* Starts;
    public long* Ends;

    /// <summary>A factor for each element, or null.</summary>
    public T* Weights;
    public T* Result;
    public long* Largest;
    public long Count, Columns, Bags;
}

/// <summary>Sums and largest elements of bags of rows on the host: a row at a time, as vectors, upon the bag's row of the result, which stays in the cache.</summary>
internal static unsafe class HostBags
{
    private const long ChunkElements = 1 << 14;

    /// <summary>Columns of one chunk where there are few bags.</summary>
    private const long PartColumns = 64;

    public static void Sum<T>(in HostBagOperands<T> operands) where T : unmanaged, INumber<T>
    {
        var (chunkBags, width) = Chunks(operands);
        var work = new SumWork<T> { Operands = operands, ChunkBags = chunkBags, Width = width, Parts = Parts(operands.Columns, width) };
        HostParallel.For(checked((int)(Parts(operands.Bags, chunkBags) * work.Parts)), ref work);
    }

    public static void Largest<T>(in HostBagOperands<T> operands) where T : unmanaged, INumber<T>
    {
        var (chunkBags, width) = Chunks(operands);
        var work = new LargestWork<T> { Operands = operands, ChunkBags = chunkBags, Width = width, Parts = Parts(operands.Columns, width) };
        HostParallel.For(checked((int)(Parts(operands.Bags, chunkBags) * work.Parts)), ref work);
    }

    /// <summary>result[i] = the product of row pairs[i] of the first table and row pairs[count + i] of the second.</summary>
    public static void Dot<T>(HostTable<T> first, T* second, long* pairs, T* result, long count, long columns) where T : unmanaged, INumber<T>
    {
        long chunk = Math.Max(1, ChunkElements / Math.Max(1, columns));
        var work = new DotWork<T> { First = first, Second = second, Pairs = pairs, Result = result, Count = count, Columns = columns, Chunk = chunk };
        HostParallel.For(checked((int)Parts(count, chunk)), ref work);
    }

    private static long Parts(long count, long size) => (count + size - 1) / size;

    /// <summary>How many bags and columns one chunk takes: few bags are cut into columns, so that there is something for each core.</summary>
    private static (long Bags, long Width) Chunks<T>(in HostBagOperands<T> x) where T : unmanaged
    {
        double elementsOfBag = ((double)x.Count / x.Bags + 1) * x.Columns;
        long bags = Math.Clamp((long)(ChunkElements / elementsOfBag), 1, x.Bags);
        return (bags, Parts(x.Bags, bags) < 16 && elementsOfBag > ChunkElements ? Math.Min(PartColumns, x.Columns) : x.Columns);
    }

    private struct SumWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public HostBagOperands<T> Operands;
        public long ChunkBags, Width, Parts;

        public readonly void Run(int chunk)
        {
            long part = chunk % Parts, first = chunk / Parts * ChunkBags, from = part * Width, width = Math.Min(Width, Operands.Columns - from);
            T* scratch = null, wide = Operands.Table.IsWidened ? (T*)NativeMemory.Alloc((nuint)(width * sizeof(T))) : null;
            try
            {
                for (long bag = first; bag < Math.Min(first + ChunkBags, Operands.Bags); bag++)
                {
                    if (scratch is null && Operands.Ends[bag] - Operands.Starts[bag] >= BagKernels.Block)
                    {
                        scratch = (T*)NativeMemory.Alloc((nuint)(2 * width * sizeof(T)));
                    }

                    Bag(bag, from, width, scratch, wide);
                }
            }
            finally
            {
                NativeMemory.Free(scratch);
                NativeMemory.Free(wide);
            }
        }

        private readonly void Bag(long bag, long from, long width, T* scratch, T* wide)
        {
            long start = Operands.Starts[bag], end = Operands.Ends[bag];
            T* sum = Operands.Result + bag * Operands.Columns + from, blocks = scratch, total = scratch + width;
            bool hasBlocks = end - start >= BagKernels.Block;
            new Span<T>(sum, (int)width).Clear();
            if (hasBlocks)
            {
                new Span<T>(scratch, (int)(2 * width)).Clear();
            }

            for (long i = start; i < end; i++)
            {
                if (Operands.Rows[i] != BagKernels.Skip)
                {
                    T* row = Operands.Table.Row(Operands.Rows[i], from, width, wide);
                    if (Operands.Weights is null)
                    {
                        Add(sum, row, width);
                    }
                    else
                    {
                        AddScaled(sum, row, Operands.Weights[i], width);
                    }
                }

                long taken = i + 1 - start;
                if (taken % BagKernels.Block == 0)
                {
                    Move(sum, blocks, width);
                    if (taken % BagKernels.SuperBlock == 0)
                    {
                        Move(blocks, total, width);
                    }
                }
            }

            if (hasBlocks)
            {
                // In the kernel's order: the total, and to it the blocks with what is left.
                Add(sum, blocks, width);
                Add(sum, total, width);
            }
        }

        /// <summary>Adds <paramref name="from"/> to <paramref name="to"/> and clears it.</summary>
        private static void Move(T* from, T* to, long width)
        {
            Add(to, from, width);
            new Span<T>(from, (int)width).Clear();
        }

        private static void Add(T* sum, T* row, long width)
        {
            long c = 0;
            for (; c <= width - Vector<T>.Count; c += Vector<T>.Count)
            {
                Vector.Store(Vector.Load(sum + c) + Vector.Load(row + c), sum + c);
            }

            for (; c < width; c++)
            {
                sum[c] += row[c];
            }
        }

        private static void AddScaled(T* sum, T* row, T factor, long width)
        {
            var factors = new Vector<T>(factor);
            long c = 0;
            for (; c <= width - Vector<T>.Count; c += Vector<T>.Count)
            {
                Vector.Store(Vector.Load(sum + c) + factors * Vector.Load(row + c), sum + c);
            }

            for (; c < width; c++)
            {
                sum[c] += factor * row[c];
            }
        }
    }

    private struct LargestWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public HostBagOperands<T> Operands;
        public long ChunkBags, Width, Parts;

        public readonly void Run(int chunk)
        {
            long part = chunk % Parts, first = chunk / Parts * ChunkBags, from = part * Width, width = Math.Min(Width, Operands.Columns - from);
            var scratch = (T*)NativeMemory.Alloc((nuint)(3 * width * sizeof(T)));
            try
            {
                for (long bag = first; bag < Math.Min(first + ChunkBags, Operands.Bags); bag++)
                {
                    Bag(bag, from, width, scratch, scratch + width, scratch + 2 * width);
                }
            }
            finally
            {
                NativeMemory.Free(scratch);
            }
        }

        /// <summary>Places in the bag travel beside the values, as integers of the elements' size.</summary>
        private readonly void Bag(long bag, long from, long width, T* largest, T* places, T* wide)
        {
            long start = Operands.Starts[bag], i = start, end = Operands.Ends[bag];
            long* result = Operands.Largest + bag * Operands.Columns + from;
            while (i < end && Operands.Rows[i] == BagKernels.Skip)
            {
                i++;
            }

            if (i >= end)
            {
                new Span<long>(result, (int)width).Fill(BagKernels.Skip);
                return;
            }

            new Span<T>(Operands.Table.Row(Operands.Rows[i], from, width, wide), (int)width).CopyTo(new Span<T>(largest, (int)width));
            new Span<T>(places, (int)width).Fill(Bits(i - start));
            for (i++; i < end; i++)
            {
                if (Operands.Rows[i] != BagKernels.Skip)
                {
                    Take(Operands.Table.Row(Operands.Rows[i], from, width, wide), Bits(i - start), width, largest, places);
                }
            }

            for (long c = 0; c < width; c++)
            {
                long place = sizeof(T) == sizeof(int) ? ((int*)places)[c] : ((long*)places)[c];
                result[c] = Operands.Rows[start + place];
            }
        }

        private static T Bits(long place)
        {
            if (sizeof(T) == sizeof(int))
            {
                int small = checked((int)place);
                return *(T*)&small;
            }

            return *(T*)&place;
        }

        private static void Take(T* row, T place, long width, T* largest, T* places)
        {
            var here = new Vector<T>(place);
            long c = 0;
            for (; c <= width - Vector<T>.Count; c += Vector<T>.Count)
            {
                Vector<T> value = Vector.Load(row + c), before = Vector.Load(largest + c);
                var isNan = Vector.AndNot(Vector.Equals(before, before), Vector.Equals(value, value));
                var isLarger = Vector.BitwiseOr(Vector.GreaterThan(value, before), isNan);
                Vector.Store(Vector.ConditionalSelect(isLarger, value, before), largest + c);
                Vector.Store(Vector.ConditionalSelect(isLarger, here, Vector.Load(places + c)), places + c);
            }

            for (; c < width; c++)
            {
                if (row[c] > largest[c] || (T.IsNaN(row[c]) && !T.IsNaN(largest[c])))
                {
                    (largest[c], places[c]) = (row[c], place);
                }
            }
        }
    }

    private struct DotWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public HostTable<T> First;
        public T* Second;
        public long* Pairs;
        public T* Result;
        public long Count, Columns, Chunk;

        public readonly void Run(int chunk)
        {
            T* wide = First.IsWidened ? (T*)NativeMemory.Alloc((nuint)(Columns * sizeof(T))) : null;
            try
            {
                for (long i = chunk * Chunk; i < Math.Min((chunk + 1) * Chunk, Count); i++)
                {
                    long a = Pairs[i], b = Pairs[Count + i];
                    Result[i] = a == BagKernels.Skip || b == BagKernels.Skip ? T.Zero : Product(First.Row(a, 0, Columns, wide), Second + b * Columns);
                }
            }
            finally
            {
                NativeMemory.Free(wide);
            }
        }

        private readonly T Product(T* a, T* b)
        {
            var total = T.Zero;
            for (long from = 0; from < Columns; from += 8 * BagKernels.Block)
            {
                long c = from, end = Math.Min(from + 8 * BagKernels.Block, Columns);
                var sums = Vector<T>.Zero;
                for (; c <= end - Vector<T>.Count; c += Vector<T>.Count)
                {
                    sums += Vector.Load(a + c) * Vector.Load(b + c);
                }

                var sum = Vector.Sum(sums);
                for (; c < end; c++)
                {
                    sum += a[c] * b[c];
                }

                total += sum;
            }

            return total;
        }
    }
}
