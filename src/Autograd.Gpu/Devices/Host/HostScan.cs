using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Running reductions along lines of [Outer, Length, Inner] contiguous elements. A state waits for the one before it, so several lines, or several parts of a
/// long one, run side by side. Parts are fixed, so that no result depends on the number of threads.
/// </summary>
internal static unsafe class HostScan
{
    /// <summary>Lines beside one another whose states are held at once.</summary>
    private const int MaxWidth = 64;

    /// <summary>Elements of a part of a long line.</summary>
    public const long PartLength = 1 << 12;

    /// <summary>A line of more elements is cut into parts, which are reduced first.</summary>
    public const long LongestWhole = 4 * PartLength;

    private const long ChunkElements = 1 << 14;

    /// <summary>The states that <see cref="Run"/> wants memory for: those of the parts of long lines.</summary>
    public static long Parts(long outer, long length, long inner) =>
        inner == 1 && length > LongestWhole ? outer * ((length + PartLength - 1) / PartLength) : 0;

    /// <summary>
    /// Runs along all lines; <paramref name="states"/> has room for as many as <see cref="Parts"/> says, or is null to cut no line into parts.
    /// </summary>
    public static void Run<T, TState, TResult, TScan>(
        T* first, T* second, TResult* result, long outer, long length, long inner, bool reverse, TState* states)
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        if (outer * length * inner == 0)
        {
            return;
        }

        if (inner > 1)
        {
            int width = (int)Math.Min(inner, MaxWidth);
            var columns = new ColumnWork<T, TState, TResult, TScan>
            {
                First = first,
                Second = second,
                Result = result,
                Outer = outer,
                Length = length,
                Inner = inner,
                Reverse = reverse,
                Width = width,
                Columns = (inner + width - 1) / width,
                Slabs = Math.Clamp(ChunkElements / Math.Max(1, length * width), 1, outer),
            };
            HostParallel.For(checked((int)((outer + columns.Slabs - 1) / columns.Slabs * columns.Columns)), ref columns);
            return;
        }

        long parts = states is null ? 0 : Parts(outer, length, inner) / outer;
        var work = new LineWork<T, TState, TResult, TScan>
        {
            First = first,
            Second = second,
            Result = result,
            Length = length,
            Reverse = reverse,
            States = states,
            PartsOfLine = Math.Max(1, parts),
            Parts = outer * Math.Max(1, parts),
        };
        work.PartLength = parts > 0 ? PartLength : length;
        work.Group = Math.Clamp(ChunkElements / work.PartLength, 4, Math.Max(4, work.Parts));
        int chunks = checked((int)((work.Parts + work.Group - 1) / work.Group));
        if (parts > 0)
        {
            work.IsReduction = true;
            HostParallel.For(chunks, ref work);
            for (long line = 0; line < outer; line++)
            {
                var state = TScan.Empty;
                for (long part = line * parts; part < (line + 1) * parts; part++)
                {
                    (states[part], state) = (state, TScan.Combine(state, states[part]));
                }
            }
        }

        work.IsReduction = false;
        HostParallel.For(chunks, ref work);
    }

    /// <summary>Lines, or parts of lines, four side by side.</summary>
    private struct LineWork<T, TState, TResult, TScan> : IHostWork
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        public T* First;
        public T* Second;
        public TResult* Result;
        public long Length;
        public bool Reverse;

        /// <summary>The state before each part; null where lines are whole.</summary>
        public TState* States;
        public long PartsOfLine;
        public long PartLength;
        public long Parts;

        /// <summary>Parts of a chunk.</summary>
        public long Group;

        /// <summary>Whether only the states of the parts are wanted.</summary>
        public bool IsReduction;

        public readonly void Run(int chunk)
        {
            long part = chunk * Group, last = Math.Min(part + Group, Parts);
            if (typeof(TScan) == typeof(FloatSumScan) && HostPrefix.IsSupported)
            {
                for (; part < last; part++)
                {
                    Sum(part);
                }

                return;
            }

            for (; part + 4 <= last; part += 4)
            {
                // Parts at the end of a line may be shorter.
                long count = Math.Min(Math.Min(Count(part), Count(part + 1)), Math.Min(Count(part + 2), Count(part + 3)));
                if (IsReduction)
                {
                    Reduce(part, count);
                }
                else
                {
                    Scan(part, count);
                }
            }

            for (; part < last; part++)
            {
                if (IsReduction)
                {
                    States[part] = Rest(part, 0, TScan.Empty);
                }
                else
                {
                    Rest(part, 0, Before(part));
                }
            }
        }

        /// <summary>Sums of floats, a part at a time.</summary>
        private readonly void Sum(long part)
        {
            long count = Count(part), position = Position(part), start = part / PartsOfLine * Length + (Reverse ? position - count + 1 : position);
            float* x = (float*)(First + start), result = (float*)(Result + start);
            if (IsReduction)
            {
                ((double*)States)[part] = HostPrefix.Total(x, count);
                return;
            }

            double before = PartsOfLine > 1 ? ((double*)States)[part] : 0;
            _ = Reverse ? HostPrefix.Backward(x, result, count, before) : HostPrefix.Forward(x, result, count, before);
        }

        private readonly long Count(long part) => Math.Min(PartLength, Length - part % PartsOfLine * PartLength);

        private readonly TState Before(long part) => PartsOfLine > 1 ? States[part] : TScan.Empty;

        /// <summary>The position along its line of element 0 of a part.</summary>
        private readonly long Position(long part) => Reverse ? Length - 1 - part % PartsOfLine * PartLength : part % PartsOfLine * PartLength;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Scan(long part, long count)
        {
            long step = Reverse ? -1 : 1, line = part / PartsOfLine * Length;
            long p0 = Position(part), p1 = Position(part + 1), p2 = Position(part + 2), p3 = Position(part + 3);
            long a0 = line + p0, a1 = (part + 1) / PartsOfLine * Length + p1, a2 = (part + 2) / PartsOfLine * Length + p2, a3 = (part + 3) / PartsOfLine * Length + p3;
            TState s0 = Before(part), s1 = Before(part + 1), s2 = Before(part + 2), s3 = Before(part + 3);
            T* first = First, second = Second;
            var result = Result;
            for (long k = 0, move = 0; k < count; k++, move += step)
            {
                s0 = TScan.Combine(s0, TScan.Of(first[a0 + move], TScan.HasSecond ? second[a0 + move] : default, (int)(p0 + move)));
                s1 = TScan.Combine(s1, TScan.Of(first[a1 + move], TScan.HasSecond ? second[a1 + move] : default, (int)(p1 + move)));
                s2 = TScan.Combine(s2, TScan.Of(first[a2 + move], TScan.HasSecond ? second[a2 + move] : default, (int)(p2 + move)));
                s3 = TScan.Combine(s3, TScan.Of(first[a3 + move], TScan.HasSecond ? second[a3 + move] : default, (int)(p3 + move)));
                result[a0 + move] = TScan.Result(s0);
                result[a1 + move] = TScan.Result(s1);
                result[a2 + move] = TScan.Result(s2);
                result[a3 + move] = TScan.Result(s3);
            }

            Rest(part, count, s0);
            Rest(part + 1, count, s1);
            Rest(part + 2, count, s2);
            Rest(part + 3, count, s3);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Reduce(long part, long count)
        {
            long step = Reverse ? -1 : 1;
            long p0 = Position(part), p1 = Position(part + 1), p2 = Position(part + 2), p3 = Position(part + 3);
            long a0 = part / PartsOfLine * Length + p0, a1 = (part + 1) / PartsOfLine * Length + p1;
            long a2 = (part + 2) / PartsOfLine * Length + p2, a3 = (part + 3) / PartsOfLine * Length + p3;
            TState s0 = TScan.Empty, s1 = s0, s2 = s0, s3 = s0;
            T* first = First, second = Second;
            for (long k = 0, move = 0; k < count; k++, move += step)
            {
                s0 = TScan.Combine(s0, TScan.Of(first[a0 + move], TScan.HasSecond ? second[a0 + move] : default, (int)(p0 + move)));
                s1 = TScan.Combine(s1, TScan.Of(first[a1 + move], TScan.HasSecond ? second[a1 + move] : default, (int)(p1 + move)));
                s2 = TScan.Combine(s2, TScan.Of(first[a2 + move], TScan.HasSecond ? second[a2 + move] : default, (int)(p2 + move)));
                s3 = TScan.Combine(s3, TScan.Of(first[a3 + move], TScan.HasSecond ? second[a3 + move] : default, (int)(p3 + move)));
            }

            States[part] = Rest(part, count, s0);
            States[part + 1] = Rest(part + 1, count, s1);
            States[part + 2] = Rest(part + 2, count, s2);
            States[part + 3] = Rest(part + 3, count, s3);
        }

        /// <summary>The elements of a part from one on; the state behind them.</summary>
        private readonly TState Rest(long part, long from, TState state)
        {
            long line = part / PartsOfLine * Length, start = Position(part), count = Count(part);
            for (long k = from; k < count; k++)
            {
                long position = Reverse ? start - k : start + k, at = line + position;
                state = TScan.Combine(state, TScan.Of(First[at], TScan.HasSecond ? Second[at] : default, (int)position));
                if (!IsReduction)
                {
                    Result[at] = TScan.Result(state);
                }
            }

            return state;
        }
    }

    /// <summary>Lines beside one another, taken together.</summary>
    private struct ColumnWork<T, TState, TResult, TScan> : IHostWork
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        public T* First;
        public T* Second;
        public TResult* Result;
        public long Outer;
        public long Length;
        public long Inner;
        public bool Reverse;
        public int Width;
        public long Columns;
        public long Slabs;

        public readonly void Run(int chunk)
        {
            long slab = chunk / Columns * Slabs, last = Math.Min(slab + Slabs, Outer);
            long column = chunk % Columns * Width;
            int width = (int)Math.Min(Width, Inner - column);
            var states = stackalloc TState[MaxWidth];
            for (; slab < last; slab++)
            {
                long start = slab * Length * Inner + column;
                for (int i = 0; i < width; i++)
                {
                    states[i] = TScan.Empty;
                }

                for (long k = 0; k < Length; k++)
                {
                    long position = Reverse ? Length - 1 - k : k;
                    Step(start + position * Inner, position, width, states);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Step(long at, long position, int width, TState* states)
        {
            int i = typeof(TScan) == typeof(FloatSumScan) ? Add((float*)(First + at), (double*)states, (float*)(Result + at), width) : 0;
            for (; i < width; i++)
            {
                states[i] = TScan.Combine(states[i], TScan.Of(First[at + i], TScan.HasSecond ? Second[at + i] : default, (int)position));
                Result[at + i] = TScan.Result(states[i]);
            }
        }

        /// <summary>Sums as many columns as fill vectors; how many these are.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Add(float* x, double* sums, float* result, int width)
        {
            int i = 0, half = Vector<double>.Count;
            for (; i <= width - Vector<float>.Count; i += Vector<float>.Count)
            {
                Vector.Widen(Vector.Load(x + i), out var low, out var high);
                low += Vector.Load(sums + i);
                high += Vector.Load(sums + i + half);
                low.Store(sums + i);
                high.Store(sums + i + half);
                Vector.Narrow(low, high).Store(result + i);
            }

            return i;
        }
    }
}
