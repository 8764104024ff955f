using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A vector whose lanes are picked from two others that lie side by side in memory.</summary>
internal unsafe interface IPickVector<TVector>
    where TVector : struct
{
    /// <summary>-0 in all lanes, to which any product can be added without a change, -0 too.</summary>
    static abstract TVector NegativeZero { get; }

    static abstract TVector Zero { get; }

    /// <summary>Picks by positions that all exist.</summary>
    static abstract TVector Pick(float* source, int* lanes);

    /// <summary>Picks where the position is not negative; 0 elsewhere, whatever may be in memory.</summary>
    static abstract TVector PickSome(float* source, int* lanes);

    /// <summary>The sum and a vector times weights.</summary>
    static abstract TVector AddProduct(TVector sum, TVector x, float* weights);

    static abstract void Store(TVector value, float* target);
}

/// <summary>
/// Products with band matrices along depth, height and width of float32 on the host, for several rows of the result at a time: the rows of the input that each needs are added
/// up in the first-level cache, and <see cref="BandColumns"/> says how vectors take the result from these sums.
/// </summary>
internal static unsafe class HostBandRows
{
    private const long ChunkElements = 1 << 14;

    /// <summary>How far ahead the input is fetched, and how many floats a line of the cache has.</summary>
    private const int AheadElements = 1 << 10;
    private const int Line = 16;

    /// <summary>Sums that are in the first-level cache at a time. Many, since a load waits for what was stored just before it in other pieces.</summary>
    private const int SumElements = 1 << 12;

    /// <summary>The lanes of the vectors that <see cref="Apply"/> takes, for which the plan must have been made.</summary>
    public static int Lanes => HostMatMul.Width switch
    {
        HostVectorWidth.V512 => Vector512<float>.Count,
        HostVectorWidth.V256 => Vector256<float>.Count,
        _ => Vector128<float>.Count,
    };

    public static void Apply(in HostBandOperands<float> operands, BandColumns columns)
    {
        switch (columns.Vector)
        {
            case 16:
                Start<Vector512<float>, Pick512>(operands, columns);
                break;
            case 8:
                Start<Vector256<float>, Pick256>(operands, columns);
                break;
            default:
                Start<Vector128<float>, Pick128>(operands, columns);
                break;
        }
    }

    private static void Start<TVector, TOps>(in HostBandOperands<float> operands, BandColumns columns)
        where TVector : struct
        where TOps : struct, IPickVector<TVector>
    {
        long rows = operands.Planes * operands.OutDepth * operands.OutHeight;
        if (rows == 0 || operands.OutWidth == 0)
        {
            return;
        }

        // What rows read is about what they write times the ratio of the planes' sizes.
        double reads = (double)operands.InDepth * operands.InHeight / ((double)operands.OutDepth * operands.OutHeight) * operands.InWidth;
        long groups = Math.Max(1, (long)(ChunkElements / Math.Max(1, reads + operands.OutWidth)) / columns.Rows);
        var work = new Work<TVector, TOps>
        {
            Operands = operands,
            Blocks = columns.Blocks,
            BlockCount = columns.BlockCount,
            Steps = columns.Steps,
            Lanes = columns.Lanes,
            Vector = columns.Vector,
            Margin = columns.Margin,
            Together = columns.Rows,
            Rows = rows,
            ChunkRows = groups * columns.Rows,
        };
        HostParallel.For(checked((int)((rows + work.ChunkRows - 1) / work.ChunkRows)), ref work);
        GC.KeepAlive(columns);
    }

    private struct Work<TVector, TOps> : IHostWork
        where TVector : struct
        where TOps : struct, IPickVector<TVector>
    {
        public HostBandOperands<float> Operands;
        public BandColumns.Block* Blocks;
        public BandColumns.Step* Steps;
        public int* Lanes;
        public int BlockCount, Vector, Margin, Together;
        public long Rows, ChunkRows;

        public readonly void Run(int chunk)
        {
            int width = Operands.InWidth;
            double ratio = (double)Operands.InDepth * Operands.InHeight / ((double)Operands.OutDepth * Operands.OutHeight) * width;
            long row = chunk * ChunkRows, end = Math.Min(row + ChunkRows, Rows);
            long slab = row / Operands.OutHeight, plane = slab / Operands.OutDepth;
            int h = (int)(row - slab * Operands.OutHeight), d = (int)(slab - plane * Operands.OutDepth);

            // What lies behind the rows is picked by no step of a whole group; that of a smaller one reads what was there before, and zeros.
            int groups = Math.Max(1, SumElements / (Together * width)), most = groups * Together;
            var scratch = (float*)NativeMemory.AllocZeroed((nuint)((long)most * width + Margin) * sizeof(float));
            try
            {
                for (; row < end; row += most)
                {
                    int count = (int)Math.Min(most, end - row);
                    for (int r = 0; r < count; r++)
                    {
                        // The processor does not look far enough ahead by itself; and stores wait for their lines.
                        Fetch(Operands.Input + (long)((row + r) * ratio) + AheadElements, (int)ratio);
                        Fetch(Operands.Output + (row + r) * Operands.OutWidth, Operands.OutWidth);
                        Sum(plane, d, h, scratch + (long)r * width);
                        if (++h == Operands.OutHeight)
                        {
                            h = 0;
                            if (++d == Operands.OutDepth)
                            {
                                d = 0;
                                plane++;
                            }
                        }
                    }

                    for (int r = 0; r < count; r += Together)
                    {
                        Pick(scratch + (long)r * width, Operands.Output + (row + r) * Operands.OutWidth, Math.Min(Together, count - r) * Operands.OutWidth);
                    }
                }
            }
            finally
            {
                NativeMemory.Free(scratch);
            }
        }

        private static void Fetch(float* from, int count)
        {
            for (int i = 0; i < count; i += Line)
            {
                RowAhead.Fetch(from + i);
            }
        }

        /// <summary>The first <paramref name="count"/> elements of a group of rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Pick(float* sums, float* target, int count)
        {
            BandColumns.Step* step = Steps, steps = step;
            int* all = Lanes;
            int vector = Vector;
            BandColumns.Block* block = Blocks, last = block + BlockCount;
            for (; block < last; block++)
            {
                var end = steps + block->End;
                var sum = step < end ? TOps.NegativeZero : TOps.Zero;
                if (block->IsFull)
                {
                    for (; step < end; step++)
                    {
                        int* lanes = all + step->Kind;
                        sum = TOps.AddProduct(sum, TOps.Pick(sums + step->Source, lanes), (float*)lanes + vector);
                    }
                }
                else
                {
                    for (; step < end; step++)
                    {
                        int* lanes = all + step->Kind;
                        sum = TOps.AddProduct(sum, TOps.PickSome(sums + step->Source, lanes), (float*)lanes + vector);
                    }
                }

                if (block->Target + vector > count)
                {
                    // A smaller group ends within this vector.
                    StoreFirst(sum, target + block->Target, count - block->Target);
                    return;
                }

                TOps.Store(sum, target + block->Target);
            }
        }

        private static void StoreFirst(TVector value, float* target, int count)
        {
            float* all = stackalloc float[Vector512<float>.Count];
            TOps.Store(value, all);
            for (int i = 0; i < count; i++)
            {
                target[i] = all[i];
            }
        }

        /// <summary>The weighted sum of the input's rows that a row of the result needs.</summary>
        private readonly void Sum(long plane, int d, int h, float* sums)
        {
            int* depth = Operands.Bands + 3 * d, height = Operands.Bands + 3 * (Operands.OutDepth + h);
            int width = Operands.InWidth;
            float* weights = Operands.Weights + height[2];
            bool isFirst = true;
            for (int i = 0; i < depth[1]; i++)
            {
                float factor = Operands.Weights[depth[2] + i];
                var source = Operands.Input + ((plane * Operands.InDepth + depth[0] + i) * Operands.InHeight + height[0]) * width;
                int j = 0, count = height[1];
                if (isFirst && count > 0)
                {
                    isFirst = false;
                    j = count < 3 ? count : 3;
                    if (j == 1)
                    {
                        First1(source, factor * weights[0], sums, width);
                    }
                    else if (j == 2)
                    {
                        First2(source, factor * weights[0], factor * weights[1], sums, width);
                    }
                    else
                    {
                        First3(source, factor * weights[0], factor * weights[1], factor * weights[2], sums, width);
                    }
                }

                for (; j < count; j++)
                {
                    Add(source + (long)j * width, factor * weights[j], sums, width);
                }
            }

            if (isFirst)
            {
                new Span<float>(sums, width).Clear();
            }
        }

        // The last vector of a row overlaps the one before, which is written twice with the same numbers.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void First1(float* a, float x, float* sums, int width)
        {
            if (width < Vector128<float>.Count)
            {
                for (int c = 0; c < width; c++)
                {
                    sums[c] = x * a[c];
                }
            }
            else if (width < Vector<float>.Count)
            {
                var factor = Vector128.Create(x);
                for (int done = 0; done < width; done += Vector128<float>.Count)
                {
                    int c = Math.Min(done, width - Vector128<float>.Count);
                    (factor * Vector128.Load(a + c)).Store(sums + c);
                }
            }
            else
            {
                var factor = new Vector<float>(x);
                for (int done = 0; done < width; done += Vector<float>.Count)
                {
                    int c = Math.Min(done, width - Vector<float>.Count);
                    (factor * System.Numerics.Vector.Load(a + c)).Store(sums + c);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void First2(float* a, float x, float y, float* sums, int width)
        {
            float* b = a + width;
            if (width < Vector128<float>.Count)
            {
                for (int c = 0; c < width; c++)
                {
                    sums[c] = x * a[c] + y * b[c];
                }
            }
            else if (width < Vector<float>.Count)
            {
                Vector128<float> first = Vector128.Create(x), second = Vector128.Create(y);
                for (int done = 0; done < width; done += Vector128<float>.Count)
                {
                    int c = Math.Min(done, width - Vector128<float>.Count);
                    (first * Vector128.Load(a + c) + second * Vector128.Load(b + c)).Store(sums + c);
                }
            }
            else
            {
                Vector<float> first = new(x), second = new(y);
                for (int done = 0; done < width; done += Vector<float>.Count)
                {
                    int c = Math.Min(done, width - Vector<float>.Count);
                    (first * System.Numerics.Vector.Load(a + c) + second * System.Numerics.Vector.Load(b + c)).Store(sums + c);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void First3(float* a, float x, float y, float z, float* sums, int width)
        {
            float* b = a + width, e = b + width;
            if (width < Vector128<float>.Count)
            {
                for (int c = 0; c < width; c++)
                {
                    sums[c] = x * a[c] + y * b[c] + z * e[c];
                }
            }
            else if (width < Vector<float>.Count)
            {
                Vector128<float> first = Vector128.Create(x), second = Vector128.Create(y), third = Vector128.Create(z);
                for (int done = 0; done < width; done += Vector128<float>.Count)
                {
                    int c = Math.Min(done, width - Vector128<float>.Count);
                    (first * Vector128.Load(a + c) + second * Vector128.Load(b + c) + third * Vector128.Load(e + c)).Store(sums + c);
                }
            }
            else
            {
                Vector<float> first = new(x), second = new(y), third = new(z);
                for (int done = 0; done < width; done += Vector<float>.Count)
                {
                    int c = Math.Min(done, width - Vector<float>.Count);
                    var sum = first * System.Numerics.Vector.Load(a + c) + second * System.Numerics.Vector.Load(b + c);
                    (sum + third * System.Numerics.Vector.Load(e + c)).Store(sums + c);
                }
            }
        }

        private static void Add(float* a, float x, float* sums, int width)
        {
            var factor = new Vector<float>(x);
            int c = 0;
            for (; c <= width - Vector<float>.Count; c += Vector<float>.Count)
            {
                (System.Numerics.Vector.Load(sums + c) + factor * System.Numerics.Vector.Load(a + c)).Store(sums + c);
            }

            for (; c < width; c++)
            {
                sums[c] += x * a[c];
            }
        }
    }

    private readonly struct Pick512 : IPickVector<Vector512<float>>
    {
        public static Vector512<float> NegativeZero => Vector512.Create(-0f);

        public static Vector512<float> Zero => Vector512<float>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Pick(float* source, int* lanes) =>
            Avx512F.PermuteVar16x32x2(Vector512.Load(source), Vector512.Load(lanes), Vector512.Load(source + Vector512<float>.Count));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> PickSome(float* source, int* lanes) =>
            Vector512.AndNot(Pick(source, lanes), Vector512.LessThan(Vector512.Load(lanes), Vector512<int>.Zero).AsSingle());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> AddProduct(Vector512<float> sum, Vector512<float> x, float* weights) => Vector512.FusedMultiplyAdd(x, Vector512.Load(weights), sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(Vector512<float> value, float* target) => value.Store(target);
    }

    // Shuffles give 0 for positions that a vector does not have.
    private readonly struct Pick256 : IPickVector<Vector256<float>>
    {
        public static Vector256<float> NegativeZero => Vector256.Create(-0f);

        public static Vector256<float> Zero => Vector256<float>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Pick(float* source, int* lanes)
        {
            var at = Vector256.Load(lanes);
            return Vector256.Shuffle(Vector256.Load(source), at)
                | Vector256.Shuffle(Vector256.Load(source + Vector256<float>.Count), at - Vector256.Create(Vector256<float>.Count));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> PickSome(float* source, int* lanes) => Pick(source, lanes);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> AddProduct(Vector256<float> sum, Vector256<float> x, float* weights) => sum + x * Vector256.Load(weights);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(Vector256<float> value, float* target) => value.Store(target);
    }

    private readonly struct Pick128 : IPickVector<Vector128<float>>
    {
        public static Vector128<float> NegativeZero => Vector128.Create(-0f);

        public static Vector128<float> Zero => Vector128<float>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> Pick(float* source, int* lanes)
        {
            var at = Vector128.Load(lanes);
            return Vector128.Shuffle(Vector128.Load(source), at)
                | Vector128.Shuffle(Vector128.Load(source + Vector128<float>.Count), at - Vector128.Create(Vector128<float>.Count));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> PickSome(float* source, int* lanes) => Pick(source, lanes);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> AddProduct(Vector128<float> sum, Vector128<float> x, float* weights) => sum + x * Vector128.Load(weights);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(Vector128<float> value, float* target) => value.Store(target);
    }
}
