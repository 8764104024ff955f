using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Finding places: of values in sorted lines, and of bytes that are not 0.</summary>
internal static unsafe class HostSearch
{
    /// <summary>Bytes of a mask in one part; a multiple of every vector.</summary>
    private const long PartBytes = 1 << 14;

    /// <summary>
    /// For each value the place in its sorted line before which all elements are less (or, to the right, not greater); nan goes to the end.
    /// </summary>
    public static void Search<T>(T* sorted, T* values, long* result, long lines, long length, long count, long sortedLine, bool right)
        where T : unmanaged, INumber<T>
    {
        long total = lines * count;
        if (total == 0)
        {
            return;
        }

        var work = new SearchWork<T> { Sorted = sorted, Values = values, Result = result, Total = total, Length = length, Count = count, SortedLine = sortedLine, Right = right };
        HostParallel.For(checked((int)((total + SearchWork<T>.Chunk - 1) / SearchWork<T>.Chunk)), ref work);
    }

    /// <summary>The parts of a mask, for each of which <see cref="CountNonZero"/> wants a number.</summary>
    public static int MaskParts(long bytes) => checked((int)((bytes + PartBytes - 1) / PartBytes));

    /// <summary>How many bytes are not 0; and for each part how many there are before it.</summary>
    public static long CountNonZero(byte* mask, long bytes, long* before)
    {
        var work = new CountWork { Mask = mask, Bytes = bytes, Counts = before };
        int parts = MaskParts(bytes);
        HostParallel.For(parts, ref work);
        long sum = 0;
        for (int part = 0; part < parts; part++)
        {
            (before[part], sum) = (sum, sum + before[part]);
        }

        return sum;
    }

    /// <summary>
    /// The coordinates of the bytes that are not 0, one row of as many as there are sizes for each, in row-major order; from the numbers that
    /// <see cref="CountNonZero"/> gave.
    /// </summary>
    public static void NonZero(byte* mask, ReadOnlySpan<long> sizes, long* before, long* coordinates)
    {
        long bytes = 1;
        foreach (long size in sizes)
        {
            bytes *= size;
        }

        fixed (long* extents = sizes)
        {
            var work = new PlaceWork { Mask = mask, Bytes = bytes, Sizes = extents, Rank = sizes.Length, Before = before, Coordinates = coordinates };
            HostParallel.For(MaskParts(bytes), ref work);
        }
    }

    private struct SearchWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public const long Chunk = 1 << 12;

        public T* Sorted;
        public T* Values;
        public long* Result;
        public long Total;
        public long Length;
        public long Count;
        public long SortedLine;
        public bool Right;

        public readonly void Run(int chunk)
        {
            long end = Math.Min((chunk + 1) * Chunk, Total);
            for (long e = chunk * Chunk; e < end; e++)
            {
                var line = Sorted + e / Count * SortedLine;
                var value = Values[e];
                long low = 0, high = Length;
                while (low < high)
                {
                    long at = (low + high) / 2;

                    // Written so that nan goes to the end.
                    bool isBefore = Right ? !(line[at] > value) : !(line[at] >= value);
                    (low, high) = isBefore ? (at + 1, high) : (low, at);
                }

                Result[e] = low;
            }
        }
    }

    private struct CountWork : IHostWork
    {
        public byte* Mask;
        public long Bytes;
        public long* Counts;

        public readonly void Run(int chunk)
        {
            long i = chunk * PartBytes, end = Math.Min(i + PartBytes, Bytes), found = 0;
            for (; i <= end - Vector256<byte>.Count; i += Vector256<byte>.Count)
            {
                found += BitOperations.PopCount(~Vector256.Equals(Vector256.Load(Mask + i), Vector256<byte>.Zero).ExtractMostSignificantBits());
            }

            for (; i < end; i++)
            {
                found += Mask[i] != 0 ? 1 : 0;
            }

            Counts[chunk] = found;
        }
    }

    private struct PlaceWork : IHostWork
    {
        public byte* Mask;
        public long Bytes;
        public long* Sizes;
        public int Rank;
        public long* Before;
        public long* Coordinates;

        public readonly void Run(int chunk)
        {
            long i = chunk * PartBytes, end = Math.Min(i + PartBytes, Bytes);
            long* next = Coordinates + Before[chunk] * Rank;
            long width = Sizes[Rank - 1];
            for (; i < end; i += Vector256<byte>.Count)
            {
                uint bits;
                if (i <= end - Vector256<byte>.Count)
                {
                    bits = ~Vector256.Equals(Vector256.Load(Mask + i), Vector256<byte>.Zero).ExtractMostSignificantBits();
                }
                else
                {
                    bits = 0;
                    for (int k = 0; k < end - i; k++)
                    {
                        bits |= Mask[i + k] != 0 ? 1u << k : 0;
                    }
                }

                if (Rank == 1)
                {
                    for (; bits != 0; bits &= bits - 1)
                    {
                        *next++ = i + BitOperations.TrailingZeroCount(bits);
                    }
                }
                else if (bits != 0)
                {
                    next = Rows(next, bits, i, width);
                }
            }
        }

        /// <summary>Writes the coordinates of some bytes behind one of them; where the next ones go.</summary>
        private readonly long* Rows(long* next, uint bits, long start, long width)
        {
            // One division for all of them, as long as they lie in one line.
            long line = start / width, column = start - line * width;
            for (; bits != 0; bits &= bits - 1)
            {
                long at = column + BitOperations.TrailingZeroCount(bits), row = line;
                if (at >= width)
                {
                    (row, at) = (line + at / width, at % width);
                }

                next[Rank - 1] = at;
                for (int d = Rank - 2; d > 0; d--)
                {
                    next[d] = row % Sizes[d];
                    row /= Sizes[d];
                }

                next[0] = row;
                next += Rank;
            }

            return next;
        }
    }
}
