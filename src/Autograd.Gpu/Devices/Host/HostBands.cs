using System.Numerics;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The operands of a product with band matrices (see <c>BandArguments</c>).</summary>
internal unsafe struct HostBandOperands<T> where T : unmanaged
{
    public T* Input;
    public T* Output;
    public int* Bands;
    public T* Weights;
    public long Planes;
    public int InDepth, InHeight, InWidth;
    public int OutDepth, OutHeight, OutWidth;
}

/// <summary>
/// Products with band matrices along depth, height and width on the host. For each row of the result the rows of the input that it needs are added up as
/// vectors, in memory that stays in the cache; then its elements are taken from that row.
/// </summary>
internal static unsafe class HostBands
{
    private const long ChunkElements = 1 << 14;

    public static void Apply<T>(in HostBandOperands<T> operands) where T : unmanaged, INumber<T>
    {
        long rows = operands.Planes * operands.OutDepth * operands.OutHeight;
        if (rows == 0 || operands.OutWidth == 0)
        {
            return;
        }

        // What rows read is about what they write times the ratio of the planes' sizes.
        double reads = (double)operands.InDepth * operands.InHeight / ((double)operands.OutDepth * operands.OutHeight) * operands.InWidth;
        long chunkRows = Math.Clamp((long)(ChunkElements / Math.Max(1, reads + operands.OutWidth)), 1, rows);
        var work = new Work<T> { Operands = operands, Rows = rows, ChunkRows = chunkRows };
        HostParallel.For(checked((int)((rows + chunkRows - 1) / chunkRows)), ref work);
    }

    private struct Work<T> : IHostWork where T : unmanaged, INumber<T>
    {
        public HostBandOperands<T> Operands;
        public long Rows;
        public long ChunkRows;

        public readonly void Run(int chunk)
        {
            var scratch = (T*)NativeMemory.Alloc((nuint)(Operands.InWidth * sizeof(T)));
            try
            {
                for (long row = chunk * ChunkRows; row < Math.Min((chunk + 1) * ChunkRows, Rows); row++)
                {
                    Elements(Columns(row, scratch), Operands.Output + row * Operands.OutWidth);
                }
            }
            finally
            {
                NativeMemory.Free(scratch);
            }
        }

        /// <summary>The weighted sum of the input's rows that a row of the result needs; one row with weight 1 is taken where it stands.</summary>
        private readonly T* Columns(long row, T* scratch)
        {
            long slab = row / Operands.OutHeight, plane = slab / Operands.OutDepth;
            int* depth = Operands.Bands + 3 * (slab - plane * Operands.OutDepth);
            int* height = Operands.Bands + 3 * (Operands.OutDepth + row - slab * Operands.OutHeight);
            bool isFirst = true;
            for (int i = 0; i < depth[1]; i++)
            {
                for (int j = 0; j < height[1]; j++)
                {
                    var weight = Operands.Weights[depth[2] + i] * Operands.Weights[height[2] + j];
                    var source = Operands.Input + ((plane * Operands.InDepth + depth[0] + i) * Operands.InHeight + height[0] + j) * Operands.InWidth;
                    if (isFirst && depth[1] * height[1] == 1 && weight == T.One)
                    {
                        return source;
                    }

                    Add(source, weight, scratch, isFirst);
                    isFirst = false;
                }
            }

            if (isFirst)
            {
                new Span<T>(scratch, Operands.InWidth).Clear();
            }

            return scratch;
        }

        private readonly void Add(T* source, T weight, T* scratch, bool isFirst)
        {
            var weights = new Vector<T>(weight);
            int c = 0;
            for (; c <= Operands.InWidth - Vector<T>.Count; c += Vector<T>.Count)
            {
                var product = weights * Vector.Load(source + c);
                Vector.Store(isFirst ? product : Vector.Load(scratch + c) + product, scratch + c);
            }

            for (; c < Operands.InWidth; c++)
            {
                scratch[c] = isFirst ? weight * source[c] : scratch[c] + weight * source[c];
            }
        }

        private readonly void Elements(T* columns, T* target)
        {
            int* width = Operands.Bands + 3L * (Operands.OutDepth + Operands.OutHeight);
            for (int w = 0; w < Operands.OutWidth; w++, width += 3)
            {
                T* source = columns + width[0], weights = Operands.Weights + width[2];
                int count = width[1];
                var sum = count > 0 ? weights[0] * source[0] : T.Zero;
                for (int k = 1; k < count; k++)
                {
                    sum += weights[k] * source[k];
                }

                target[w] = sum;
            }
        }
    }
}
