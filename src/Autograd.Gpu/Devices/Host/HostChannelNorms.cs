using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>A batch [Samples, Channels, Positions] of contiguous elements that was normalised, and what its backward pass reads and writes.</summary>
internal unsafe struct ChannelProblem<T>
    where T : unmanaged
{
    public nint Samples, Channels, Positions;

    /// <summary>Whether a mean is that of a channel of all samples; otherwise it is that of <see cref="Together"/> channels of one sample.</summary>
    public bool OverBatch;

    public nint Together;
    public double Epsilon;

    /// <summary>The elements, and the gradient of the result.</summary>
    public T* Input, Gradient;

    /// <summary>A number for each channel, of each sample unless samples count together.</summary>
    public T* Mean, Variance;

    /// <summary>A number for each channel; null for 1.</summary>
    public T* Weight;

    /// <summary>Where the gradients go, if they are wanted.</summary>
    public T* Result, WeightResult, BiasResult;

    /// <summary>Two for each channel of each sample, then two for each mean.</summary>
    public double* Sums;

    /// <summary>Planes of positions that one mean is of.</summary>
    public readonly nint Planes => OverBatch ? Samples : Together;

    /// <summary>How many means there are.</summary>
    public readonly nint Means => Samples * Channels / Planes;

    /// <summary>Plane <paramref name="k"/> of those that mean <paramref name="mean"/> is of.</summary>
    public readonly nint Plane(nint mean, nint k) => OverBatch ? k * Channels + mean : mean * Together + k;
}

/// <summary>
/// The backward pass of batch, instance and group normalisation: for each plane the sums of the gradient and of its product with the normalised values, from these
/// all else. What one mean is of stays in a core's cache between the sums and the result, if it fits; either way the same planes are summed alike.
/// </summary>
internal static unsafe class HostChannelNorms
{
    private const long ChunkElements = 1 << 14;
    private const long CachedElements = 1 << 16;

    /// <summary>The doubles that <see cref="ChannelProblem{T}.Sums"/> has to have room for.</summary>
    public static long SumCount(long samples, long channels) => 4 * samples * channels;

    public static void Gradients<T>(in ChannelProblem<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float) && HostMatMul.Width == HostVectorWidth.V512)
        {
            Start<float, Vector512<float>, RowVector512>(Unsafe.As<ChannelProblem<T>, ChannelProblem<float>>(ref Unsafe.AsRef(in x)));
        }
        else
        {
            Start<T, Vector<T>, RowVector<T>>(x);
        }
    }

    private static void Start<T, TVector, TOps>(in ChannelProblem<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        nint planes = x.Samples * x.Channels, means = x.Means;
        var work = new Work<T, TVector, TOps> { Problem = x };
        if (x.Planes * x.Positions <= CachedElements)
        {
            (work.Step, work.Each) = (Step.Both, EachOf(x.Planes * x.Positions));
            HostParallel.For(Chunks(means, work.Each), ref work);
        }
        else
        {
            (work.Step, work.Each) = (Step.Sum, EachOf(x.Positions));
            HostParallel.For(Chunks(planes, work.Each), ref work);
            for (nint mean = 0; mean < means; mean++)
            {
                work.Average(mean);
            }

            if (x.Result is not null)
            {
                work.Step = Step.Apply;
                HostParallel.For(Chunks(planes, work.Each), ref work);
            }
        }

        AddSamples(x);
    }

    private static nint EachOf(nint elements) => (nint)Math.Max(1, ChunkElements / Math.Max(1, elements));

    private static int Chunks(nint count, nint each) => checked((int)((count + each - 1) / each));

    /// <summary>Weights and biases: the sums of their planes, over the samples.</summary>
    private static void AddSamples<T>(in ChannelProblem<T> x)
        where T : unmanaged, INumber<T>
    {
        for (nint c = 0; c < x.Channels; c++)
        {
            double sum = 0, product = 0;
            for (nint n = 0; n < x.Samples; n++)
            {
                double* two = x.Sums + 2 * (n * x.Channels + c);
                (sum, product) = (sum + two[0], product + two[1]);
            }

            if (x.WeightResult is not null)
            {
                x.WeightResult[c] = T.CreateTruncating(product);
            }

            if (x.BiasResult is not null)
            {
                x.BiasResult[c] = T.CreateTruncating(sum);
            }
        }
    }

    private enum Step
    {
        Sum,
        Apply,
        Both,
    }

    private struct Work<T, TVector, TOps> : IHostWork
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IRowVector<T, TVector>
    {
        public ChannelProblem<T> Problem;
        public Step Step;
        public nint Each;

        public readonly void Run(int chunk)
        {
            nint first = chunk * Each;
            nint end = Math.Min(first + Each, Step == Step.Both ? Problem.Means : Problem.Samples * Problem.Channels);
            for (nint i = first; i < end; i++)
            {
                switch (Step)
                {
                    case Step.Sum:
                        Sum(i);
                        break;
                    case Step.Apply:
                        Apply(i, Problem.OverBatch ? i % Problem.Channels : i / Problem.Together);
                        break;
                    default:
                        Both(i);
                        break;
                }
            }
        }

        /// <summary>The means, over all elements that were normalised together, of weight * gradient and of its product with the normalised values.</summary>
        public readonly void Average(nint mean)
        {
            double sum = 0, product = 0;
            for (nint k = 0; k < Problem.Planes; k++)
            {
                nint plane = Problem.Plane(mean, k);
                double weight = Problem.Weight is null ? 1 : double.CreateTruncating(Problem.Weight[plane % Problem.Channels]);
                sum += weight * Problem.Sums[2 * plane];
                product += weight * Problem.Sums[2 * plane + 1];
            }

            double count = (double)Problem.Planes * Problem.Positions;
            double* result = Problem.Sums + 2 * (Problem.Samples * Problem.Channels + mean);
            (result[0], result[1]) = (sum / count, product / count);
        }

        private readonly void Both(nint mean)
        {
            for (nint k = 0; k < Problem.Planes; k++)
            {
                Sum(Problem.Plane(mean, k));
            }

            Average(mean);
            for (nint k = 0; k < Problem.Planes && Problem.Result is not null; k++)
            {
                Apply(Problem.Plane(mean, k), mean);
            }
        }

        private readonly (T Mean, T Scale) Statistics(nint plane)
        {
            nint at = Problem.OverBatch ? plane % Problem.Channels : plane;
            return (Problem.Mean[at], T.CreateTruncating(1 / Math.Sqrt(double.CreateTruncating(Problem.Variance[at]) + Problem.Epsilon)));
        }

        private readonly void Sum(nint plane)
        {
            var (mean, scale) = Statistics(plane);
            nint start = plane * Problem.Positions;
            double* two = Problem.Sums + 2 * plane;
            RowLoops<T, TVector, TOps>.Products(Problem.Gradient + start, Problem.Input + start, mean, scale, Problem.Positions, out two[0], out two[1]);
        }

        // scale (weight g - mean(weight g) - y mean(weight g y)) with y = (x - mean) scale, as a g - (b + y c).
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Apply(nint plane, nint mean)
        {
            var (center, scale) = Statistics(plane);
            double* averages = Problem.Sums + 2 * (Problem.Samples * Problem.Channels + mean);
            T first = T.CreateTruncating(averages[0]), second = T.CreateTruncating(averages[1]), weight = Problem.Weight is null ? T.One : Problem.Weight[plane % Problem.Channels];
            nint n = Problem.Positions, lanes = TOps.Lanes, i = 0, start = plane * n;
            T* x = Problem.Input + start, g = Problem.Gradient + start, result = Problem.Result + start;
            TVector minus = TOps.Of(center), times = TOps.Of(scale), weights = TOps.Of(weight), sums = TOps.Of(first), products = TOps.Of(second);
            for (; i + lanes <= n; i += lanes)
            {
                var y = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), minus), times);
                var rest = TOps.Subtract(TOps.Subtract(TOps.Multiply(weights, TOps.Load(g + i)), sums), TOps.Multiply(y, products));
                TOps.Store(TOps.Multiply(times, rest), result + i);
            }

            for (; i < n; i++)
            {
                result[i] = scale * (weight * g[i] - first - (x[i] - center) * scale * second);
            }
        }
    }
}
