using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The first places of sorted lines, and single ones further in, without sorting the lines. Order as that of <see cref="HostSort"/>.</summary>
internal static unsafe class HostSelect
{
    /// <summary>Up to so many places are kept in order by insertion while the line goes by.</summary>
    private const int MostInserted = 16;

    /// <summary>Elements of a part of a line whose first places are found by themselves.</summary>
    private const int PartLength = 1 << 14;

    private const int Digit = 11;
    private const int Buckets = 1 << Digit;

    /// <summary>The bytes that <see cref="Places"/> wants to work in, with so many threads.</summary>
    public static long ScratchBytes<T>(long lines, long length, long first, long count, int threads) where T : unmanaged =>
        first == 0 && count <= MostInserted
            ? lines * Parts(length) * count * sizeof(WideEntry)
            : Slots(lines, threads) * 2 * count * sizeof(WideEntry);

    /// <summary>
    /// Of each line's places in ascending (or descending) order of the elements, equal ones as they stand, the <paramref name="count"/> from
    /// <paramref name="first"/> on: the first ones (<paramref name="first"/> is 0), or one.
    /// </summary>
    public static void Places<T>(
        T* keys, long* places, long lines, long length, long first, long count, bool descending, byte* scratch, int threads)
        where T : unmanaged, INumber<T>
    {
        if (lines * count == 0)
        {
            return;
        }

        if (first > 0 || count > MostInserted)
        {
            var ranks = new RankWork<T>
            {
                Keys = keys,
                Places = places,
                Lines = lines,
                Length = checked((int)length),
                First = (int)first,
                Count = (int)count,
                Descending = descending,
                Scratch = (WideEntry*)scratch,
                Slots = Slots(lines, threads),
            };
            HostParallel.For((int)ranks.Slots, ref ranks);
            return;
        }

        long parts = Parts(length);
        var work = new InsertionWork<T>
        {
            Keys = keys,
            Places = places,
            Length = checked((int)length),
            Count = (int)count,
            Parts = parts,
            Descending = descending,
            Found = (WideEntry*)scratch,
            Units = lines * parts,
            Group = Math.Clamp(PartLength / length, 1, lines),
        };
        HostParallel.For(checked((int)((work.Units + work.Group - 1) / work.Group)), ref work);
        if (parts == 1)
        {
            return;
        }

        var merged = stackalloc WideEntry[MostInserted];
        for (long line = 0; line < lines; line++)
        {
            // Parts stand in the order of the line, so that of equal elements the first comes first.
            int held = 0;
            for (long part = line * parts; part < (line + 1) * parts; part++)
            {
                int own = (int)Math.Min(count, Math.Min(PartLength, length - part % parts * PartLength));
                for (int i = 0; i < own; i++)
                {
                    Insert(merged, ref held, (int)count, work.Found[part * count + i]);
                }
            }

            for (int i = 0; i < count; i++)
            {
                places[line * count + i] = WideEntry.PlaceOf(merged[i]);
            }
        }
    }

    private static long Parts(long length) => (length + PartLength - 1) / PartLength;

    private static long Slots(long lines, int threads) => Math.Min(lines, 4 * threads);

    /// <summary>Puts an entry behind those that are not greater, if it is among the first so many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Insert(WideEntry* sorted, ref int held, int most, WideEntry entry)
    {
        ulong key = WideEntry.KeyOf(entry);
        if (held == most && key >= WideEntry.KeyOf(sorted[most - 1]))
        {
            return;
        }

        int at = held == most ? most - 1 : held++;
        for (; at > 0 && WideEntry.KeyOf(sorted[at - 1]) > key; at--)
        {
            sorted[at] = sorted[at - 1];
        }

        sorted[at] = entry;
    }

    /// <summary>The first places of parts of lines.</summary>
    private struct InsertionWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Keys;
        public long* Places;
        public int Length;
        public int Count;
        public long Parts;
        public bool Descending;
        public WideEntry* Found;
        public long Units;
        public long Group;

        public readonly void Run(int chunk)
        {
            var sorted = stackalloc WideEntry[MostInserted];
            for (long unit = chunk * Group; unit < Math.Min((chunk + 1) * Group, Units); unit++)
            {
                long line = unit / Parts;
                int start = (int)(unit % Parts) * PartLength;
                int held = Find(Keys + line * Length, start, Math.Min(start + PartLength, Length), sorted);
                for (int i = 0; i < held; i++)
                {
                    if (Parts == 1)
                    {
                        Places[line * Count + i] = WideEntry.PlaceOf(sorted[i]);
                    }
                    else
                    {
                        Found[unit * Count + i] = sorted[i];
                    }
                }
            }
        }

        private readonly int Find(T* keys, int i, int end, WideEntry* sorted)
        {
            // Where there are many more elements than places, a bound from a first look at them spares most insertions.
            int stripes = 4 * Vector<T>.Count, held = 0;
            if (2 * Count <= stripes && end - i >= 4 * stripes)
            {
                T bound = Bound(keys, i, end, sorted);
                while (i < end)
                {
                    i = Pass(keys, i, end, bound);
                    for (int last = Math.Min(i + Vector<T>.Count, end); i < last; i++)
                    {
                        if (Descending ? !(keys[i] < bound) : !(keys[i] > bound))
                        {
                            Insert(sorted, ref held, Count, WideEntry.Of(HostSort.KeyOf(keys[i], Descending), i));
                        }
                    }
                }

                return held;
            }

            for (; i < end; i++)
            {
                Insert(sorted, ref held, Count, WideEntry.Of(HostSort.KeyOf(keys[i], Descending), i));
            }

            return held;
        }

        /// <summary>An element before which, or beside which as its equals, at least so many elements stand as are wanted.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly T Bound(T* keys, int i, int end, WideEntry* sorted)
        {
            // The extreme of each of many stripes is an element, so that the last one wanted of these extremes will do. Which of the two is taken beside a nan does not matter.
            int lanes = Vector<T>.Count;
            Vector<T> a = Vector.Load(keys + i), b = Vector.Load(keys + i + lanes), c = Vector.Load(keys + i + 2 * lanes), d = Vector.Load(keys + i + 3 * lanes);
            for (i += 4 * lanes; i <= end - 4 * lanes; i += 4 * lanes)
            {
                Vector<T> e = Vector.Load(keys + i), f = Vector.Load(keys + i + lanes), g = Vector.Load(keys + i + 2 * lanes), h = Vector.Load(keys + i + 3 * lanes);
                (a, b, c, d) = Descending
                    ? (Vector.MaxNative(a, e), Vector.MaxNative(b, f), Vector.MaxNative(c, g), Vector.MaxNative(d, h))
                    : (Vector.MinNative(a, e), Vector.MinNative(b, f), Vector.MinNative(c, g), Vector.MinNative(d, h));
            }

            T* extremes = stackalloc T[4 * Vector<T>.Count];
            a.Store(extremes);
            b.Store(extremes + lanes);
            c.Store(extremes + 2 * lanes);
            d.Store(extremes + 3 * lanes);
            int held = 0;
            for (int k = 0; k < 4 * lanes; k++)
            {
                Insert(sorted, ref held, Count, WideEntry.Of(HostSort.KeyOf(extremes[k], Descending), k));
            }

            return extremes[WideEntry.PlaceOf(sorted[Count - 1])];
        }

        /// <summary>The first vector that has an element not behind the bound. What is nan, or meets one, counts as such.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly int Pass(T* keys, int i, int end, T last)
        {
            var bound = new Vector<T>(last);
            if (Descending)
            {
                while (i <= end - Vector<T>.Count && Vector.LessThanAll(Vector.Load(keys + i), bound))
                {
                    i += Vector<T>.Count;
                }
            }
            else
            {
                while (i <= end - Vector<T>.Count && Vector.GreaterThanAll(Vector.Load(keys + i), bound))
                {
                    i += Vector<T>.Count;
                }
            }

            return i;
        }
    }

    /// <summary>Finds the key of a rank digit by digit from the highest on, then the elements before it.</summary>
    private struct RankWork<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public T* Keys;
        public long* Places;
        public long Lines;
        public int Length;
        public int First;
        public int Count;
        public bool Descending;
        public WideEntry* Scratch;
        public long Slots;

        public readonly void Run(int chunk)
        {
            for (long line = Lines * chunk / Slots; line < Lines * (chunk + 1) / Slots; line++)
            {
                var keys = Keys + line * Length;
                ulong key = KeyAt(keys, First + Count - 1, out int rank);
                if (First > 0)
                {
                    *(Places + line) = One(keys, key, rank);
                }
                else
                {
                    All(keys, key, rank + 1, Places + line * Count, Scratch + chunk * 2L * Count);
                }
            }
        }

        /// <summary>The key at a place of the sorted line, and which of its equals it is.</summary>
        private readonly ulong KeyAt(T* keys, int place, out int rank)
        {
            int* counts = stackalloc int[Buckets];
            ulong found = 0;
            int bits = 8 * sizeof(T);
            for (int high = bits; high > 0; high -= Digit)
            {
                // The digit's bits lie between shift and high; above are those that are known.
                int shift = Math.Max(0, high - Digit);
                ulong mask = (1UL << (high - shift)) - 1;
                new Span<int>(counts, Buckets).Clear();
                for (int i = 0; i < Length; i++)
                {
                    ulong key = HostSort.KeyOf(keys[i], Descending);
                    if (high == bits || key >> high == found)
                    {
                        counts[key >> shift & mask]++;
                    }
                }

                int digit = 0;
                for (; place >= counts[digit]; digit++)
                {
                    place -= counts[digit];
                }

                found = found << (high - shift) | (uint)digit;
            }

            rank = place;
            return found;
        }

        private readonly int One(T* keys, ulong key, int rank)
        {
            int i = 0;
            for (; HostSort.KeyOf(keys[i], Descending) != key || rank-- > 0; i++)
            {
            }

            return i;
        }

        private readonly void All(T* keys, ulong key, int equals, long* places, WideEntry* own)
        {
            int held = 0;
            for (int i = 0; i < Length; i++)
            {
                ulong each = HostSort.KeyOf(keys[i], Descending);
                if (each < key || (each == key && equals-- > 0))
                {
                    own[held++] = WideEntry.Of(each, i);
                }
            }

            var sorted = HostSort.Entries(own, own + Count, Count, 8 * sizeof(T)) ? own + Count : own;
            for (int i = 0; i < Count; i++)
            {
                places[i] = WideEntry.PlaceOf(sorted[i]);
            }
        }
    }
}
