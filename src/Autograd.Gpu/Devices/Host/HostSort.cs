using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Stable sorting along contiguous lines: by insertion, or by radix from the lowest digit on.</summary>
internal static unsafe class HostSort
{
    private const int InsertionLength = 48;
    private const int ChunkElements = 1 << 12;

    /// <summary>Elements from which on a line is worth all threads, and worth wide digits.</summary>
    private const int LongLine = 1 << 15;

    private const int MostBuckets = 1 << 11;

    /// <summary>The bytes that <see cref="Places"/> wants to work in, with so many threads.</summary>
    public static long ScratchBytes<T>(long lines, long length, int threads) where T : unmanaged
    {
        if (length <= InsertionLength || lines == 0)
        {
            return 0;
        }

        // With keys of 4 bytes the result is the other of the two buffers that entries go to and fro between.
        long entries = sizeof(T) == 4 ? length * sizeof(NarrowEntry) : 2 * length * sizeof(WideEntry);
        return entries * Slots(lines, length, threads) + (long)threads * MostBuckets * sizeof(int);
    }

    /// <summary>
    /// The places of each line's elements in ascending order (or descending), equal ones as they stand; nan counts as largest, and 0 equals -0.
    /// </summary>
    public static void Places<T>(T* keys, long* places, long lines, long length, bool descending, byte* scratch, int threads)
        where T : unmanaged, INumber<T>
    {
        if (lines * length == 0)
        {
            return;
        }

        if (length <= InsertionLength)
        {
            var insertion = new InsertionWork<T>
            {
                Keys = keys,
                Places = places,
                Lines = lines,
                Length = (int)length,
                Group = Math.Clamp(ChunkElements / length, 1, lines),
                Descending = descending,
            };
            HostParallel.For(checked((int)((lines + insertion.Group - 1) / insertion.Group)), ref insertion);
        }
        else if (sizeof(T) == 4)
        {
            Radix<T, NarrowEntry>(keys, places, lines, checked((int)length), descending, scratch, threads);
        }
        else
        {
            Radix<T, WideEntry>(keys, places, lines, checked((int)length), descending, scratch, threads);
        }
    }

    /// <summary>Sorts so many entries of a range of keys in <paramref name="from"/>, with another buffer to go to and fro, by their <paramref name="bits"/> lowest bits.</summary>
    /// <returns>Whether they ended in the other buffer.</returns>
    public static bool Entries<TEntry>(TEntry* from, TEntry* to, int count, int bits) where TEntry : unmanaged, IEntry<TEntry>
    {
        const int Digit = 8, Buckets = 1 << Digit;
        int* counts = stackalloc int[8 * Buckets];
        new Span<int>(counts, bits / Digit * Buckets).Clear();
        for (int i = 0; i < count; i++)
        {
            ulong key = TEntry.KeyOf(from[i]);
            for (int d = 0; d < bits / Digit; d++)
            {
                counts[d * Buckets + (int)(key >> (d * Digit) & (Buckets - 1))]++;
            }
        }

        bool isOther = false;
        for (int d = 0; d < bits / Digit; d++)
        {
            int* starts = counts + d * Buckets;
            if (starts[TEntry.KeyOf(from[0]) >> (d * Digit) & (Buckets - 1)] == count)
            {
                continue; // All have the same digit here.
            }

            int sum = 0;
            for (int b = 0; b < Buckets; b++)
            {
                (starts[b], sum) = (sum, sum + starts[b]);
            }

            for (int i = 0; i < count; i++)
            {
                var entry = from[i];
                to[starts[TEntry.KeyOf(entry) >> (d * Digit) & (Buckets - 1)]++] = entry;
            }

            var next = from;
            from = to;
            to = next;
            isOther = !isOther;
        }

        return isOther;
    }

    /// <summary>The bits of a number as an unsigned one with the same order, or with the opposite one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong KeyOf<T>(T key, bool descending) where T : unmanaged, INumber<T>
    {
        if (sizeof(T) == 4)
        {
            uint ordered = (uint)Ordered(key);
            return descending ? ~ordered : ordered;
        }

        return descending ? ~Ordered(key) : Ordered(key);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Ordered<T>(T key) where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
            // -0 becomes 0.
            float number = (float)(object)key + 0f;
            uint bits = BitConverter.SingleToUInt32Bits(number);
            bits ^= (uint)((int)bits >> 31) | 0x80000000;
            return float.IsNaN(number) ? uint.MaxValue : bits;
        }

        if (typeof(T) == typeof(double))
        {
            double number = (double)(object)key + 0d;
            ulong bits = BitConverter.DoubleToUInt64Bits(number);
            bits ^= (ulong)((long)bits >> 63) | 0x8000000000000000;
            return double.IsNaN(number) ? ulong.MaxValue : bits;
        }

        return sizeof(T) == 4 ? *(uint*)&key ^ 0x80000000 : *(ulong*)&key ^ 0x8000000000000000;
    }

    private static long Slots(long lines, long length, int threads) => length >= LongLine && lines < threads
        ? 1
        : Math.Clamp(lines * length / ChunkElements, 1, Math.Min(lines, 4 * threads));

    private static void Radix<T, TEntry>(T* keys, long* places, long lines, int length, bool descending, byte* scratch, int threads)
        where T : unmanaged, INumber<T>
        where TEntry : unmanaged, IEntry<TEntry>
    {
        if (length >= LongLine && lines < threads)
        {
            for (long line = 0; line < lines; line++)
            {
                Long<T, TEntry>(keys + line * length, places + line * length, length, descending, scratch, threads);
            }

            return;
        }

        var work = new LineWork<T, TEntry>
        {
            Keys = keys,
            Places = places,
            Lines = lines,
            Length = length,
            Descending = descending,
            Scratch = (TEntry*)scratch,
            Slots = Slots(lines, length, threads),
        };
        HostParallel.For((int)work.Slots, ref work);
    }

    /// <summary>All threads on one line. A part of it each, whose entries keep their order among those of one digit.</summary>
    private static void Long<T, TEntry>(T* keys, long* places, int length, bool descending, byte* scratch, int parts)
        where T : unmanaged, INumber<T>
        where TEntry : unmanaged, IEntry<TEntry>
    {
        const int Digit = 11;
        var work = new LongWork<T, TEntry>
        {
            Keys = keys,
            Places = places,
            Length = length,
            Descending = descending,
            Part = (length + parts - 1) / parts,
            From = (TEntry*)scratch,
            To = sizeof(TEntry) == sizeof(long) ? (TEntry*)places : (TEntry*)scratch + length,
        };
        work.Counts = (int*)(sizeof(TEntry) == sizeof(long) ? work.From + length : work.To + length);
        work.Phase = LongPhase.Build;
        HostParallel.For(parts, ref work);
        for (work.Shift = 0; work.Shift < 8 * sizeof(T); work.Shift += Digit)
        {
            work.Phase = LongPhase.Count;
            HostParallel.For(parts, ref work);
            int sum = 0;
            bool isOne = false;
            for (int b = 0; b < MostBuckets; b++)
            {
                int before = sum;
                for (int part = 0; part < parts; part++)
                {
                    ref int count = ref work.Counts[part * MostBuckets + b];
                    (count, sum) = (sum, sum + count);
                }

                isOne |= sum - before == length;
            }

            if (isOne)
            {
                continue; // All have the same digit here.
            }

            work.Phase = LongPhase.Move;
            HostParallel.For(parts, ref work);
            var next = work.From;
            work.From = work.To;
            work.To = next;
        }

        work.Phase = LongPhase.Finish;
        HostParallel.For(parts, ref work);
    }

    private enum LongPhase
    {
        Build,
        Count,
        Move,
        Finish,
    }

    private struct LongWork<T, TEntry> : IHostWork
        where T : unmanaged, INumber<T>
        where TEntry : unmanaged, IEntry<TEntry>
    {
        public T* Keys;
        public long* Places;
        public int Length;
        public int Part;
        public bool Descending;
        public TEntry* From;
        public TEntry* To;

        /// <summary>For each part and digit how many entries; then where the next one goes.</summary>
        public int* Counts;
        public int Shift;
        public LongPhase Phase;

        public readonly void Run(int chunk)
        {
            int start = (int)Math.Min((long)chunk * Part, Length), end = (int)Math.Min((long)start + Part, Length);
            int* counts = Counts + chunk * MostBuckets;
            TEntry* from = From, to = To;
            int shift = Shift;
            switch (Phase)
            {
                case LongPhase.Build:
                    for (int i = start; i < end; i++)
                    {
                        from[i] = TEntry.Of(KeyOf(Keys[i], Descending), i);
                    }

                    break;
                case LongPhase.Count:
                    new Span<int>(counts, MostBuckets).Clear();
                    for (int i = start; i < end; i++)
                    {
                        counts[TEntry.KeyOf(from[i]) >> shift & (MostBuckets - 1)]++;
                    }

                    break;
                case LongPhase.Move:
                    for (int i = start; i < end; i++)
                    {
                        var entry = from[i];
                        to[counts[TEntry.KeyOf(entry) >> shift & (MostBuckets - 1)]++] = entry;
                    }

                    break;
                default:
                    // The entries may lie in the result's own memory, and are not smaller than a place.
                    for (int i = start; i < end; i++)
                    {
                        Places[i] = TEntry.PlaceOf(from[i]);
                    }

                    break;
            }
        }
    }

    private struct LineWork<T, TEntry> : IHostWork
        where T : unmanaged, INumber<T>
        where TEntry : unmanaged, IEntry<TEntry>
    {
        public T* Keys;
        public long* Places;
        public long Lines;
        public int Length;
        public bool Descending;
        public TEntry* Scratch;

        /// <summary>Chunks that have memory each and share the lines.</summary>
        public long Slots;

        public readonly void Run(int chunk)
        {
            bool isNarrow = sizeof(TEntry) == sizeof(long);
            var own = Scratch + chunk * (isNarrow ? 1L : 2L) * Length;
            for (long line = Lines * chunk / Slots; line < Lines * (chunk + 1) / Slots; line++)
            {
                var keys = Keys + line * Length;
                var places = Places + line * Length;
                for (int i = 0; i < Length; i++)
                {
                    own[i] = TEntry.Of(KeyOf(keys[i], Descending), i);
                }

                var other = isNarrow ? (TEntry*)places : own + Length;
                var sorted = Entries(own, other, Length, 8 * sizeof(T)) ? other : own;
                for (int i = 0; i < Length; i++)
                {
                    places[i] = TEntry.PlaceOf(sorted[i]);
                }
            }
        }
    }

    private struct InsertionWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Keys;
        public long* Places;
        public long Lines;
        public int Length;
        public long Group;
        public bool Descending;

        public readonly void Run(int chunk)
        {
            var sorted = stackalloc ulong[InsertionLength];
            for (long line = chunk * Group; line < Math.Min((chunk + 1) * Group, Lines); line++)
            {
                var keys = Keys + line * Length;
                var places = Places + line * Length;
                for (int i = 0; i < Length; i++)
                {
                    ulong key = KeyOf(keys[i], Descending);
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
        }
    }
}

/// <summary>An element's key and where it stood.</summary>
internal interface IEntry<TEntry> where TEntry : unmanaged
{
    static abstract TEntry Of(ulong key, int place);

    static abstract ulong KeyOf(TEntry entry);

    static abstract long PlaceOf(TEntry entry);
}

/// <summary>With a key of 32 bits.</summary>
internal readonly struct NarrowEntry : IEntry<NarrowEntry>
{
    private readonly ulong _bits;

    private NarrowEntry(ulong bits) => _bits = bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NarrowEntry Of(ulong key, int place) => new(key << 32 | (uint)place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong KeyOf(NarrowEntry entry) => entry._bits >> 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long PlaceOf(NarrowEntry entry) => (uint)entry._bits;
}

/// <summary>With a key of 64 bits.</summary>
internal readonly struct WideEntry : IEntry<WideEntry>
{
    private readonly ulong _key;
    private readonly long _place;

    private WideEntry(ulong key, int place) => (_key, _place) = (key, place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WideEntry Of(ulong key, int place) => new(key, place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong KeyOf(WideEntry entry) => entry._key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long PlaceOf(WideEntry entry) => entry._place;
}
