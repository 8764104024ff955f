using Autograd.Gpu.Kernels.Indexing;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Running reductions along lines of [Outer, Length, Inner] contiguous elements. Each line is taken in order, lines beside one another together.</summary>
internal static unsafe class HostScan
{
    /// <summary>Lines whose states are held at once.</summary>
    private const int MaxWidth = 64;

    public static void Run<T, TState, TResult, TScan>(T* first, T* second, TResult* result, long outer, long length, long inner, bool reverse)
        where T : unmanaged
        where TState : unmanaged
        where TResult : unmanaged
        where TScan : struct, IScan<T, TState, TResult>
    {
        if (outer * length * inner == 0)
        {
            return;
        }

        int width = (int)Math.Min(inner, MaxWidth);
        long columns = (inner + width - 1) / width;

        // Short lines are taken several at a time.
        long slabs = Math.Clamp((1 << 14) / Math.Max(1, length * width), 1, outer);
        var work = new Work<T, TState, TResult, TScan>
        {
            First = first,
            Second = second,
            Result = result,
            Outer = outer,
            Length = length,
            Inner = inner,
            Reverse = reverse,
            Width = width,
            Columns = columns,
            Slabs = slabs,
        };
        HostParallel.For(checked((int)((outer + slabs - 1) / slabs * columns)), ref work);
    }

    private struct Work<T, TState, TResult, TScan> : IHostWork
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
                if (width == 1)
                {
                    Line(start);
                }
                else
                {
                    Lines(start, width, states);
                }
            }
        }

        private readonly void Line(long start)
        {
            var state = TScan.Empty;
            for (long k = 0; k < Length; k++)
            {
                long position = Reverse ? Length - 1 - k : k;
                long at = start + position * Inner;
                state = TScan.Combine(state, TScan.Of(First[at], TScan.HasSecond ? Second[at] : default, (int)position));
                Result[at] = TScan.Result(state);
            }
        }

        private readonly void Lines(long start, int width, TState* states)
        {
            for (int i = 0; i < width; i++)
            {
                states[i] = TScan.Empty;
            }

            for (long k = 0; k < Length; k++)
            {
                long position = Reverse ? Length - 1 - k : k;
                long at = start + position * Inner;
                for (int i = 0; i < width; i++)
                {
                    states[i] = TScan.Combine(states[i], TScan.Of(First[at + i], TScan.HasSecond ? Second[at + i] : default, (int)position));
                    Result[at + i] = TScan.Result(states[i]);
                }
            }
        }
    }
}
