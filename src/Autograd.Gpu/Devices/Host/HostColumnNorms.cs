using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The backward pass of a batch normalisation with few positions, whose channels take turns in memory: the sums of the gradient and of its product with the
/// distances from the mean, part by part of the rows; then the input's gradient, which for each column is a combination of gradient and distance.
/// </summary>
internal static unsafe class HostColumnNorms
{
    /// <summary>Columns whose parts are added up at a time.</summary>
    private const nint AddedColumns = 256;

    /// <summary>Elements of a chunk of the second pass, which begins where the first one came to last: the smaller, the more of that is in the cache.</summary>
    private const nint ChunkElements = 1 << 14;

    /// <summary>The bytes that <see cref="Gradients"/> computes in: two sums for each column of each part, and four factors for each column.</summary>
    public static long ScratchBytes<T>(in ColumnPlan plan) where T : unmanaged => plan.Width * (plan.Parts * 2 * sizeof(double) + 4L * sizeof(T));

    /// <param name="x">As for <see cref="HostChannelNorms.Gradients"/>, over the batch.</param>
    /// <param name="scratch">Room for <see cref="ScratchBytes"/>.</param>
    public static void Gradients<T>(in ChannelProblem<T> x, byte* scratch)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float) && HostMatMul.Width == HostVectorWidth.V512)
        {
            Start<float, Vector512<float>, RowVector512>(Unsafe.As<ChannelProblem<T>, ChannelProblem<float>>(ref Unsafe.AsRef(in x)), scratch);
        }
        else
        {
            Start<T, Vector<T>, RowVector<T>>(x, scratch);
        }
    }

    private static void Start<T, TVector, TOps>(in ChannelProblem<T> x, byte* scratch)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        var plan = new ColumnPlan(x.Samples, x.Channels, x.Positions);
        var factors = (T*)(scratch + plan.Parts * 2 * plan.Width * sizeof(double));
        var work = new Work<T, TVector, TOps>
        {
            Problem = x,
            Plan = plan,
            Sums = (double*)scratch,
            Factors = new ColumnFactors<T> { From = factors, OfGradient = factors + plan.Width, OfDistance = factors + 2 * plan.Width, Plus = factors + 3 * plan.Width },
        };
        if (plan.IsPlain)
        {
            work.Factors.From = x.Mean;
        }
        else
        {
            work.SpreadMeans();
        }

        work.Step = Step.Sum;
        HostParallel.For(checked((int)(plan.Parts * plan.Strips)), ref work);
        work.Step = Step.Add;
        HostParallel.For(checked((int)((plan.Width + AddedColumns - 1) / AddedColumns)), ref work);
        if (!plan.IsPlain)
        {
            work.Finish(0, plan.Channels);
        }

        if (x.Result is not null)
        {
            work.Step = Step.Apply;
            work.RowsPerChunk = Math.Max(1, ChunkElements / plan.Width);
            HostParallel.For(checked((int)((plan.Rows + (plan.Rest > 0 ? 1 : 0) + work.RowsPerChunk - 1) / work.RowsPerChunk)), ref work);
        }
    }

    private enum Step
    {
        Sum,
        Add,
        Apply,
    }

    private struct Work<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        public ChannelProblem<T> Problem;
        public ColumnPlan Plan;
        public Step Step;
        public nint RowsPerChunk;
        public double* Sums;
        public ColumnFactors<T> Factors;

        /// <summary>The means, for each column.</summary>
        public readonly void SpreadMeans()
        {
            for (nint channel = 0; channel < Plan.Channels; channel++)
            {
                Spread(Factors.From, channel, Problem.Mean[channel]);
            }
        }

        public readonly void Run(int chunk)
        {
            switch (Step)
            {
                case Step.Sum:
                    Sum(chunk);
                    break;
                case Step.Add:
                    Add(chunk * AddedColumns, Math.Min((chunk + 1) * AddedColumns, Plan.Width));
                    break;
                default:
                    Apply(chunk * RowsPerChunk);
                    break;
            }
        }

        private readonly void Sum(nint chunk)
        {
            var (part, strip) = Math.DivRem(chunk, Plan.Strips);
            nint width = Plan.Width, column = strip * ColumnPlan.StripColumns, columns = Math.Min(ColumnPlan.StripColumns, width - column);
            nint row = Plan.FirstRow(part), count = Plan.FirstRow(part + 1) - row, start = row * width + column;
            T* memory = stackalloc T[2 * ColumnPlan.StripColumns + ColumnMemory.SlackBytes / sizeof(T)];
            T* sums = ColumnMemory.Place(memory, Problem.Input + start), products = sums + ColumnPlan.StripColumns;
            new Span<T>(sums, 2 * ColumnPlan.StripColumns).Clear();
            double* total = Sums + part * 2 * width + column, totalProducts = total + width;
            new Span<double>(total, (int)columns).Clear();
            new Span<double>(totalProducts, (int)columns).Clear();
            while (count > 0)
            {
                nint some = Math.Min(count, ColumnLoops<T, TVector, TOps>.RowsBetweenFlushes);
                ColumnLoops<T, TVector, TOps>.Products(Problem.Gradient + start, Problem.Input + start, width, some, columns, Factors.From + column, sums, products);
                ColumnLoops<T, TVector, TOps>.Flush(sums, total, columns);
                ColumnLoops<T, TVector, TOps>.Flush(products, totalProducts, columns);
                (start, count) = (start + some * width, count - some);
            }
        }

        /// <summary>Adds up the parts, into the first one.</summary>
        private readonly void Add(nint first, nint end)
        {
            nint width = Plan.Width;
            for (nint part = 1; part < Plan.Parts; part++)
            {
                AddTo(Sums + first, Sums + part * 2 * width + first, end - first);
                AddTo(Sums + width + first, Sums + (part * 2 + 1) * width + first, end - first);
            }

            if (Plan.IsPlain)
            {
                Finish(first, end);
            }
        }

        private static void AddTo(double* sums, double* more, nint count)
        {
            nint i = 0;
            for (; i + Vector<double>.Count <= count; i += Vector<double>.Count)
            {
                Vector.Store(Vector.Load(sums + i) + Vector.Load(more + i), sums + i);
            }

            for (; i < count; i++)
            {
                sums[i] += more[i];
            }
        }

        /// <summary>The gradients of some weights and biases, and the factors of their channels' columns.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Finish(nint first, nint end)
        {
            bool isPlain = Plan.IsPlain;
            double each = 1 / Plan.Count;
            for (nint channel = first; channel < end; channel++)
            {
                var (sum, product) = isPlain ? (Sums[channel], Sums[Plan.Width + channel]) : Fold(channel);

                // scale (weight g - mean(weight g) - y mean(weight g y)) with y = (x - mean) scale.
                double scale = 1 / Math.Sqrt(double.CreateTruncating(Problem.Variance[channel]) + Problem.Epsilon), slopes = product * scale;
                double factor = scale * (Problem.Weight is null ? 1 : double.CreateTruncating(Problem.Weight[channel])), share = -factor * each;
                if (Problem.WeightResult is not null)
                {
                    Problem.WeightResult[channel] = T.CreateTruncating(slopes);
                }

                if (Problem.BiasResult is not null)
                {
                    Problem.BiasResult[channel] = T.CreateTruncating(sum);
                }

                T ofGradient = T.CreateTruncating(factor), ofDistance = T.CreateTruncating(share * scale * slopes), plus = T.CreateTruncating(share * sum);
                if (isPlain)
                {
                    (Factors.OfGradient[channel], Factors.OfDistance[channel], Factors.Plus[channel]) = (ofGradient, ofDistance, plus);
                }
                else
                {
                    Spread(Factors.OfGradient, channel, ofGradient);
                    Spread(Factors.OfDistance, channel, ofDistance);
                    Spread(Factors.Plus, channel, plus);
                }
            }
        }

        /// <summary>The two sums of a channel of several columns, with the elements that fill no row.</summary>
        private readonly (double Sum, double Product) Fold(nint channel)
        {
            nint sample = Plan.Channels * Plan.Positions, last = Plan.Rows * Plan.Width;
            double sum = 0, product = 0, mean = double.CreateTruncating(Problem.Mean[channel]);
            for (nint at = channel * Plan.Positions; at < Plan.Width; at += sample)
            {
                for (nint c = at; c < at + Plan.Positions; c++)
                {
                    (sum, product) = (sum + Sums[c], product + Sums[Plan.Width + c]);
                    if (c < Plan.Rest)
                    {
                        double slope = double.CreateTruncating(Problem.Gradient[last + c]);
                        (sum, product) = (sum + slope, product + slope * (double.CreateTruncating(Problem.Input[last + c]) - mean));
                    }
                }
            }

            return (sum, product);
        }

        /// <summary>Writes a number of a channel to each of its columns.</summary>
        private readonly void Spread(T* columns, nint channel, T value)
        {
            nint sample = Plan.Channels * Plan.Positions;
            for (nint at = channel * Plan.Positions; at < Plan.Width; at += sample)
            {
                new Span<T>(columns + at, (int)Plan.Positions).Fill(value);
            }
        }

        private readonly void Apply(nint row)
        {
            nint width = Plan.Width, count = Math.Min(RowsPerChunk, Plan.Rows - row);
            for (nint column = 0; column < width && count > 0; column += ColumnPlan.StripColumns)
            {
                Apply(row, count, column, Math.Min(ColumnPlan.StripColumns, width - column));
            }

            if (row + RowsPerChunk > Plan.Rows && Plan.Rest > 0)
            {
                Apply(Plan.Rows, 1, 0, Plan.Rest);
            }
        }

        private readonly void Apply(nint row, nint count, nint column, nint columns)
        {
            nint start = row * Plan.Width + column;
            ColumnLoops<T, TVector, TOps>.Combine(
                Problem.Gradient + start, Problem.Input + start, Plan.Width, count, columns, Factors.At(column), Problem.Result + start);
        }
    }
}
