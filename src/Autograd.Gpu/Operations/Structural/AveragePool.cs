using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Operations;

/// <summary>Average pooling as products with band matrices: the weight of an element is a product of one number for each dimension.</summary>
internal static class AveragePooling
{
    private static readonly PlanCache<Windows, BandSet> s_windows = new(BandSet.Most, BandSet.MostElements);
    private static readonly PlanCache<AdaptiveSizes, BandSet> s_adaptive = new(BandSet.Most, BandSet.MostElements);

    /// <param name="name">The operation's name.</param>
    /// <param name="pool">The windows.</param>
    /// <param name="x">The planes.</param>
    /// <param name="countIncludePad">Whether the padding counts as zeros; what lies beyond it never does.</param>
    /// <param name="divisor">What sums are divided by, instead of the number of elements.</param>
    public static Tensor Apply(string name, in PoolParameters pool, Tensor x, bool countIncludePad, long? divisor)
    {
        var windows = new Windows(pool, countIncludePad, divisor);
        var bands = s_windows.Get(windows, (name, x.Shape), static (w, s) => w.Make(s.name, s.Shape), static b => b.Elements);
        return Structural.Apply(new BandProduct(name, bands), x);
    }

    public static Tensor Adaptive(string name, ReadOnlySpan<long> output, Tensor x)
    {
        var bands = s_adaptive.Get(AdaptiveSizes.Of(x.Shape, output), 0, static (s, _) => Make(s), static b => b.Elements);
        return Structural.Apply(new BandProduct(name, bands), x);
    }

    private static BandSet Make(in AdaptiveSizes sizes)
    {
        var bands = new Band[sizes.Rank];
        for (int d = 0; d < bands.Length; d++)
        {
            var (from, to) = sizes[d];
            bands[d] = Band.Generate(checked((int)from), to, o =>
            {
                long first = o * from / to, count = ((o + 1) * from + to - 1) / to - first;
                return (first, Weights(count, count));
            });
        }

        return new BandSet(bands);
    }

    private static double[] Weights(long count, double divisor)
    {
        var weights = new double[Math.Max(count, 0)];
        Array.Fill(weights, 1 / divisor);
        return weights;
    }

    private readonly record struct Windows(PoolParameters Pool, bool CountIncludePad, long? Divisor)
    {
        public BandSet Make(string name, Shape input)
        {
            var sizes = Pool.OutputSizes(name, input);
            var bands = new Band[Pool.Rank];
            for (int d = 0; d < bands.Length; d++)
            {
                var axis = Pool[d];
                bool isFirst = d == 0, countIncludePad = CountIncludePad;
                var divisor = Divisor;
                bands[d] = Band.Generate(checked((int)axis.Input), sizes[d], o =>
                {
                    long start = o * axis.Stride - axis.Padding, end = Math.Min(start + axis.Kernel, axis.Input + axis.Padding);
                    long first = Math.Max(start, 0), count = Math.Min(end, axis.Input) - first;
                    double by = divisor is { } given ? isFirst ? given : 1 : countIncludePad ? end - start : count;
                    return (first, Weights(count, by));
                });
            }

            return new BandSet(bands);
        }
    }
}
