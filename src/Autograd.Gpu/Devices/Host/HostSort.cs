using System.Numerics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Stable sorting and searching along contiguous lines.</summary>
internal static unsafe class HostSort
{
    private const int InsertionLength = 48;
    private const int Digit = 8;
    private const int Buckets = 1 << Digit;

    /// <summary>
    /// The places of each line's elements in ascending order (or descending), equal ones as they stand; nan counts as largest, and 0 equals -0.
    /// </summary>
    public static void Places<T>(T* keys, long* places, long lines, long length, bool descending) where T : unmanaged, INumber<T>
    {
        if (lines * length == 0)
        {
            return;
        }

        long group = Math.Clamp((1 << 12) / length, 1, lines);
        var work = new SortWork<T> { Keys = keys, Places = places, Lines = lines, Length = checked((int)length), Group = group, Descending = descending };
        HostParallel.For(checked((int)((lines + group - 1) / group)), ref work);
    }

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

    /// <summary>The number of bytes that are not 0.</summary>
    public static long CountNonZero(byte* mask, long count)
    {
        long found = 0;
        for (long i = 0; i < count; i++)
        {
            found += mask[i] != 0 ? 1 : 0;
        }

        return found;
    }

    /// <summary>The coordinates of the bytes that are not 0, one row of as many as there are sizes for each, in row-major order.</summary>
    public static void NonZero(byte* mask, ReadOnlySpan<long> sizes, long* coordinates)
    {
        int rank = sizes.Length;
        Span<long> at = rank <= 16 ? stackalloc long[rank] : new long[rank];
        at.Clear();
        long count = 1;
        foreach (long size in sizes)
        {
            count *= size;
        }

        for (long i = 0; i < count; i++)
        {
            if (mask[i] != 0)
            {
                at.CopyTo(new Span<long>(coordinates, rank));
                coordinates += rank;
            }

            for (int d = rank - 1; d >= 0 && ++at[d] == sizes[d]; d--)
            {
                at[d] = 0;
            }
        }
    }

    /// <summary>The bits of a number as an unsigned one with the same order.</summary>
    private static ulong Ordered<T>(T key) where T : unmanaged, INumber<T>
    {
        if (T.IsNaN(key))
        {
            return sizeof(T) == 4 ? uint.MaxValue : ulong.MaxValue;
        }

        // -0 becomes 0.
        key += T.Zero;
        if (typeof(T) == typeof(float))
        {
            uint bits = *(uint*)&key;
            return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        }

        if (typeof(T) == typeof(double))
        {
            ulong bits = *(ulong*)&key;
            return (bits & 0x8000000000000000) != 0 ? ~bits : bits | 0x8000000000000000;
        }

        return sizeof(T) == 4 ? *(uint*)&key ^ 0x80000000 : *(ulong*)&key ^ 0x8000000000000000;
    }

    private struct Entry
    {
        public ulong Key;
        public int Place;
    }

    private struct SortWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Keys;
        public long* Places;
        public long Lines;
        public int Length;
        public long Group;
        public bool Descending;

        public readonly void Run(int chunk)
        {
            long first = chunk * Group, last = Math.Min(first + Group, Lines);
            if (Length <= InsertionLength)
            {
                for (long line = first; line < last; line++)
                {
                    Insertion(Keys + line * Length, Places + line * Length);
                }

                return;
            }

            var from = new Entry[Length];
            var to = new Entry[Length];
            for (long line = first; line < last; line++)
            {
                Radix(Keys + line * Length, Places + line * Length, from, to);
            }
        }

        private readonly ulong KeyOf(T key) => Descending ? ~Ordered(key) : Ordered(key);

        private readonly void Insertion(T* keys, long* places)
        {
            var sorted = stackalloc ulong[InsertionLength];
            for (int i = 0; i < Length; i++)
            {
                ulong key = KeyOf(keys[i]);
                int at = i;
                while (at > 0 && sorted[at - 1] > key)
                {
                    sorted[at] = sorted[at - 1];
                    places[at] = places[at - 1];
                    at--;
                }

                sorted[at] = key;
                places[at] = i;
            }
        }

        private readonly void Radix(T* keys, long* places, Entry[] from, Entry[] to)
        {
            int digits = sizeof(T);
            var counts = new int[digits * Buckets];
            for (int i = 0; i < Length; i++)
            {
                ulong key = KeyOf(keys[i]);
                from[i] = new Entry { Key = key, Place = i };
                for (int d = 0; d < digits; d++)
                {
                    counts[d * Buckets + (int)(key >> (d * Digit) & (Buckets - 1))]++;
                }
            }

            for (int d = 0; d < digits; d++)
            {
                var starts = counts.AsSpan(d * Buckets, Buckets);
                if (starts[(int)(from[0].Key >> (d * Digit) & (Buckets - 1))] == Length)
                {
                    continue; // All have the same digit here.
                }

                int sum = 0;
                for (int b = 0; b < Buckets; b++)
                {
                    (starts[b], sum) = (sum, sum + starts[b]);
                }

                foreach (var entry in from.AsSpan(0, Length))
                {
                    to[starts[(int)(entry.Key >> (d * Digit) & (Buckets - 1))]++] = entry;
                }

                (from, to) = (to, from);
            }

            for (int i = 0; i < Length; i++)
            {
                places[i] = from[i].Place;
            }
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
}
