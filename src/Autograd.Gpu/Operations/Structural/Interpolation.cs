using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Operations;

/// <summary>Interpolation as band matrices, one for each dimension, with PyTorch's coordinates: a pixel is a square whose centre lies at its index plus a half.</summary>
internal static class Interpolation
{
    /// <summary>The factor of the cubic kernel's outer part: Keys' kernel with a = -0.75.</summary>
    private const double Cubic = -0.75;

    /// <param name="mode">How values between elements are found.</param>
    /// <param name="input">The input's size.</param>
    /// <param name="output">The result's.</param>
    /// <param name="alignCorners">Whether the first and last elements of both lie upon one another, instead of the outer edges.</param>
    /// <param name="scale">The factor that the program gave, if coordinates are to follow it instead of the sizes.</param>
    public static Band Rows(InterpolationMode mode, long input, long output, bool alignCorners, double? scale)
    {
        double step = alignCorners ? output > 1 ? (input - 1.0) / (output - 1.0) : 0 : scale is { } given ? 1 / given : (double)input / output;
        double Centre(long o) => alignCorners ? step * o : step * (o + 0.5) - 0.5;
        return Band.Generate(checked((int)input), output, o => mode switch
        {
            InterpolationMode.Nearest => (Math.Min((long)Math.Floor(o * step), input - 1), [1.0]),
            InterpolationMode.NearestExact => (Math.Min((long)Math.Floor((o + 0.5) * step), input - 1), [1.0]),
            InterpolationMode.Bicubic => CubicRow(Centre(o), input),
            _ => LinearRow(Math.Max(0, Centre(o)), input),
        });
    }

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

    private static double Inner(double x) => ((Cubic + 2) * x - (Cubic + 3)) * x * x + 1;

    private static double Outer(double x) => ((Cubic * x - 5 * Cubic) * x + 8 * Cubic) * x - 4 * Cubic;
}
