namespace Autograd.Gpu.Devices.Host;

/// <summary>A part of each row of a joined result: where its bytes come from, and which of the row's they become.</summary>
internal unsafe struct HostPiece
{
    public byte* Source;

    /// <summary>Bytes from the source of one row to that of the next.</summary>
    public long SourceRow;
    public long Start;
    public long Bytes;
}

/// <summary>Puts pieces side by side: one pass over the rows of the result, each written from its first piece to its last.</summary>
internal static unsafe class HostJoin
{
    private const long LeastChunk = 1 << 16;
    private const long LargestChunk = 1 << 17;

    /// <summary>Writes the rows' pieces, which are in the order of their places and do not overlap; what no piece covers stays as it is.</summary>
    public static void Run(ReadOnlySpan<HostPiece> pieces, byte* target, long rows, long rowBytes)
    {
        fixed (HostPiece* first = pieces)
        {
            long bytes = rows * rowBytes;
            var work = new JoinWork { Pieces = first, Count = pieces.Length, Target = target, RowBytes = rowBytes, Bytes = bytes };
            work.Chunk = Math.Clamp(bytes / (4 * HostParallel.ThreadCount), LeastChunk, LargestChunk);
            HostParallel.For(checked((int)((bytes + work.Chunk - 1) / work.Chunk)), ref work);
        }
    }

    private struct JoinWork : IHostWork
    {
        public HostPiece* Pieces;
        public int Count;
        public byte* Target;
        public long RowBytes;
        public long Bytes;
        public long Chunk;

        public readonly void Run(int chunk)
        {
            long end = Math.Min((chunk + 1) * Chunk, Bytes), row = chunk * Chunk / RowBytes, from = chunk * Chunk - row * RowBytes;
            int first = FirstBeyond(from);
            for (; row * RowBytes < end; row++, from = 0, first = 0)
            {
                Row(row, first, from, Math.Min(RowBytes, end - row * RowBytes));
            }
        }

        /// <summary>The first piece that ends beyond a place in the row.</summary>
        private readonly int FirstBeyond(long place)
        {
            int low = 0, high = Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                (low, high) = Pieces[middle].Start + Pieces[middle].Bytes > place ? (low, middle) : (middle + 1, high);
            }

            return low;
        }

        private readonly void Row(long row, int first, long from, long to)
        {
            for (int k = first; k < Count && Pieces[k].Start < to; k++)
            {
                var piece = Pieces[k];
                long low = Math.Max(from, piece.Start), high = Math.Min(to, piece.Start + piece.Bytes);

                // Of short pieces a later row is fetched.
                long ahead = piece.Bytes >= HostRuns.LongBytes ? HostRuns.AheadBytes : piece.SourceRow * Math.Max(1, HostRuns.FetchedBytes / piece.Bytes);
                HostRuns.Copy(piece.Source + row * piece.SourceRow + low - piece.Start, Target + row * RowBytes + low, high - low, ahead);
            }
        }
    }
}
