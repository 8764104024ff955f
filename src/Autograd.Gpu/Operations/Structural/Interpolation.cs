using Autograd.Gpu.Devices;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Operations;

/// <summary>Interpolation as band matrices, one for each dimension, with PyTorch's coordinates: a pixel is a square whose centre lies at its index plus a half.</summary>
internal static class Interpolation
{
    /// <summary>The factor of the cubic kernel's outer part: Keys' kernel with a = -0.75.</summary>
    private const double Cubic = -0.75;

    /// <summary>The same where the kernel grows with the step, as PIL has it.</summary>
    private const double SmoothCubic = -0.5;

    private static readonly PlanCache<Key, BandSet> s_bands = new(BandSet.Most, BandSet.MostElements);

    /// <summary>The matrices of all dimensions.</summary>
    public static BandSet Bands(in AdaptiveSizes sizes, InterpolationMode mode, bool alignCorners, bool antialias, double[]? scales)
    {
        var key = new Key(sizes, mode, alignCorners, antialias, Scale(0), Scale(1), Scale(2));
        return s_bands.Get(key, 0, static (k, _) => k.Make(), static b => b.Elements);

        double? Scale(int d) => scales is not null && d < scales.Length ? scales[d] : null;
    }

    /// <param name="mode">How values between elements are found.</param>
    /// <param name="input">The input's size.</param>
    /// <param name="output">The result's.</param>
    /// <param name="alignCorners">Whether the first and last elements of both lie upon one another, instead of the outer edges.</param>
    /// <param name="scale">The factor that the program gave, if coordinates are to follow it instead of the sizes.</param>
    private static Band Rows(InterpolationMode mode, long input, long output, bool alignCorners, double? scale)
    {
        double step = Step(input, output, alignCorners, scale);
        double Centre(long o) => alignCorners ? step * o : step * (o + 0.5) - 0.5;
        return Band.Generate(checked((int)input), output, o => mode switch
        {
            InterpolationMode.Nearest => (Math.Min((long)Math.Floor(o * step), input - 1), [1.0]),
            InterpolationMode.NearestExact => (Math.Min((long)Math.Floor((o + 0.5) * step), input - 1), [1.0]),
            InterpolationMode.Bicubic => CubicRow(Centre(o), input),
            _ => LinearRow(Math.Max(0, Centre(o)), input),
        });
    }

    /// <summary>
    /// Antialiased: the kernel is as many times wider as the input is larger than the result, so that each element counts, and its weights are divided by their sum. The
    /// support is cut at the edges.
    /// </summary>
    /// <inheritdoc cref="Rows"/>
    private static Band SmoothRows(InterpolationMode mode, long input, long output, bool alignCorners, double? scale)
    {
        double step = Step(input, output, alignCorners, scale), width = Math.Max(step, 1), support = (mode == InterpolationMode.Bicubic ? 2 : 1) * width;
        return Band.Generate(checked((int)input), output, o =>
        {
            double centre = step * (o + 0.5);
            long first = Math.Clamp((long)(centre - support + 0.5), 0, input - 1), end = Math.Clamp((long)(centre + support + 0.5), first + 1, input);
            var weights = new double[end - first];
            for (int k = 0; k < weights.Length; k++)
            {
                double x = Math.Abs(first + k - centre + 0.5) / width;
                weights[k] = mode == InterpolationMode.Bicubic ? SmoothKernel(x) : Math.Max(0, 1 - x);
            }

            double sum = weights.Sum();
            return (first, Array.ConvertAll(weights, w => sum == 0 ? w : w / sum));
        });
    }

    private static double Step(long input, long output, bool alignCorners, double? scale) =>
        alignCorners ? output > 1 ? (input - 1.0) / (output - 1.0) : 0 : scale is { } given ? 1 / given : (double)input / output;

    private static double SmoothKernel(double x) => x < 1 ? Inner(x, SmoothCubic) : x < 2 ? Outer(x, SmoothCubic) : 0;

    private static (long First, double[] Weights) LinearRow(double centre, long size)
    {
        long first = Math.Min((long)Math.Floor(centre), size - 1);
        double part = Math.Clamp(centre - first, 0, 1);
        return first == size - 1 || part == 0 ? (first, [1.0]) : (first, [1 - part, part]);
    }

    private static (long First, double[] Weights) CubicRow(double centre, long size)
    {
        double floor = Math.Floor(centre), part = centre - floor;
        long start = (long)floor - 1;
        double[] weights = [Outer(part + 1), Inner(part), Inner(1 - part), Outer(2 - part)];

        // What would lie outside is the element at the edge.
        long first = Math.Clamp(start, 0, size - 1), last = Math.Clamp(start + 3, 0, size - 1);
        var row = new double[last - first + 1];
        for (int k = 0; k < weights.Length; k++)
        {
            row[Math.Clamp(start + k, 0, size - 1) - first] += weights[k];
        }

        return (first, row);
    }

    private static double Inner(double x, double a = Cubic) => ((a + 2) * x - (a + 3)) * x * x + 1;

    private static double Outer(double x, double a = Cubic) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;

    private readonly record struct Key(
        AdaptiveSizes Sizes, InterpolationMode Mode, bool AlignCorners, bool Antialias, double? First, double? Second, double? Third)
    {
        public BandSet Make()
        {
            var bands = new Band[Sizes.Rank];
            for (int d = 0; d < bands.Length; d++)
            {
                var (from, to) = Sizes[d];
                var scale = d == 0 ? First : d == 1 ? Second : Third;
                bands[d] = Antialias ? SmoothRows(Mode, from, to, AlignCorners, scale) : Rows(Mode, from, to, AlignCorners, scale);
            }

            return new BandSet(bands);
        }
    }
}
