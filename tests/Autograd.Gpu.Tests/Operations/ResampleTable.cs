using Autograd.Gpu.Nn;
using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: padding, interpolation, shuffling of pixels.</summary>
internal static class ResampleTable
{
    public static IEnumerable<Sample> Samples() => [.. Pads(), .. Interpolations(), .. Shuffles()];

    /// <summary>The element at each index of the result that a function of it names; 7 where it names none.</summary>
    private static NdArray Picked(NdArray x, long[] shape, Func<long[], long[]?> at) => NdArray.Generate(shape, i => at(i) is { } place ? x[place] : 7);

    private static IEnumerable<Sample> Pads()
    {
        yield return new(
            "Pad with a number", [[2, 2]], x => Pad(x[0], [1, 0, 0, 2], value: 7),
            x => Picked(x[0], [4, 3], i => i[0] < 2 && i[1] > 0 ? [i[0], i[1] - 1] : null));
        yield return new(
            "Pad, cropping", [[2, 4]], x => Pad(x[0], [-1, -2, 1, -1], value: 7), x => Picked(x[0], [2, 1], i => i[0] == 1 ? [0, 1] : null));
        yield return new(
            "Pad by reflection", [[1, 2, 3]], x => Pad(x[0], [2, 1, 1, 0], PadMode.Reflect),
            x => Picked(x[0], [1, 3, 6], i => [0, new[] { 1, 0, 1 }[i[1]], new[] { 2, 1, 0, 1, 2, 1 }[i[2]]]));
        yield return new(
            "Pad by replication, cropping", [[3, 2]], x => Pad(x[0], [2, 1, -1, 1], PadMode.Replicate),
            x => Picked(x[0], [3, 5], i => [Math.Min(i[0] + 1, 2), Math.Clamp(i[1] - 2, 0, 1)]));
        yield return new("Pad, circular", [[2, 3]], x => Pad(x[0], [3, 1], PadMode.Circular), x => Picked(x[0], [2, 7], i => [i[0], i[1] % 3]));
    }

    private static IEnumerable<Sample> Interpolations()
    {
        yield return new(
            "Interpolate, nearest", [[1, 1, 2, 3]], x => Interpolate(x[0], size: (3, 2)),
            x => Picked(x[0], [1, 1, 3, 2], i => [0, 0, i[2] * 2 / 3, i[3] * 3 / 2]));
        yield return new(
            "Interpolate, nearest exact", [[1, 1, 5]], x => Interpolate(x[0], size: 3, mode: InterpolationMode.NearestExact),
            x => Picked(x[0], [1, 1, 3], i => [0, 0, (2 * i[2] + 1) * 5 / 6]));
        foreach (bool align in new[] { false, true })
        {
            yield return new(
                $"Interpolate, linear{(align ? ", aligned" : "")}", [[1, 2, 3]], x => Interpolate(x[0], size: 5, mode: InterpolationMode.Linear, alignCorners: align),
                x => NdArray.Generate([1, 2, 5], i => Linear(k => x[0][0, i[1], k], 3, align ? i[2] * 0.5 : (i[2] + 0.5) * 0.6 - 0.5)));
            yield return new(
                $"Interpolate, bicubic{(align ? ", aligned" : "")}", [[1, 1, 2, 4]],
                x => Interpolate(x[0], size: (3, 3), mode: InterpolationMode.Bicubic, alignCorners: align),
                x => NdArray.Generate([1, 1, 3, 3], i => Cubic(
                    r => Cubic(c => x[0][0, 0, r, c], 4, align ? i[3] * 1.5 : (i[3] + 0.5) * 4 / 3 - 0.5),
                    2,
                    align ? i[2] * 0.5 : (i[2] + 0.5) * 2 / 3 - 0.5)));
        }

        // The kernel as wide as the step where that is more than an element, its weights divided by their sum.
        foreach (var (mode, reach, kernel) in new (InterpolationMode, double, Func<double, double>)[]
        {
            (InterpolationMode.Bilinear, 1, t => Math.Max(0, 1 - t)),
            (InterpolationMode.Bicubic, 2, t => t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0),
        })
        {
            double Smooth(Func<long, double> at, long size, long output, long o)
            {
                double step = (double)size / output, wide = Math.Max(1, step), centre = (o + 0.5) * step - 0.5;
                var weights = Enumerable.Range(0, (int)size).Select(k => Math.Abs(k - centre) < reach * wide ? kernel(Math.Abs(k - centre) / wide) : 0).ToArray();
                return weights.Select((w, k) => w * at(k)).Sum() / weights.Sum();
            }

            yield return new(
                $"Interpolate, {mode}, antialiased", [[1, 1, 5, 2]], x => Interpolate(x[0], size: (2, 3), mode: mode, antialias: true),
                x => NdArray.Generate([1, 1, 2, 3], i => Smooth(r => Smooth(c => x[0][0, 0, r, c], 2, 3, i[3]), 5, 2, i[2])));
        }

        // Coordinates follow the factor that was given, 1.9, not the sizes that come out, 3 of 2.
        yield return new(
            "Interpolate, bilinear by a factor", [[1, 1, 2, 2]], x => Interpolate(x[0], scaleFactor: 1.9, mode: InterpolationMode.Bilinear),
            x => NdArray.Generate([1, 1, 3, 3], i => Linear(r => Linear(c => x[0][0, 0, r, c], 2, (i[3] + 0.5) / 1.9 - 0.5), 2, (i[2] + 0.5) / 1.9 - 0.5)));
        yield return new(
            "Interpolate, trilinear", [[1, 1, 2, 1, 2]], x => Interpolate(x[0], scaleFactor: (2, 1, 0.5), mode: InterpolationMode.Trilinear),
            x => NdArray.Generate([1, 1, 4, 1, 1], i => Linear(d => Linear(c => x[0][0, 0, d, 0, c], 2, 0.5), 2, i[2] * 0.5 - 0.25)));
    }

    private static double Linear(Func<long, double> x, long size, double at)
    {
        at = Math.Clamp(at, 0, size - 1);
        long low = (long)at, high = Math.Min(low + 1, size - 1);
        return x(low) + (at - low) * (x(high) - x(low));
    }

    /// <summary>Keys' kernel with a = -0.75, written out.</summary>
    private static double Cubic(Func<long, double> x, long size, double at)
    {
        double sum = 0;
        for (long k = (long)Math.Floor(at) - 1; k <= (long)Math.Floor(at) + 2; k++)
        {
            double d = Math.Abs(at - k), a = -0.75;
            double weight = d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
            sum += weight * x(Math.Clamp(k, 0, size - 1));
        }

        return sum;
    }

    private static IEnumerable<Sample> Shuffles()
    {
        yield return new(
            "PixelShuffle", [[4, 1, 3]], x => PixelShuffle(x[0], 2), x => Picked(x[0], [1, 2, 6], i => [2 * (i[1] % 2) + i[2] % 2, i[1] / 2, i[2] / 2]));
        yield return new(
            "PixelUnshuffle", [[1, 2, 2, 2]], x => PixelUnshuffle(x[0], 2), x => Picked(x[0], [1, 8, 1, 1], i => [0, i[1] / 4, i[1] / 2 % 2, i[1] % 2]));
        yield return new("ChannelShuffle", [[1, 6, 1]], x => ChannelShuffle(x[0], 2), x => Picked(x[0], [1, 6, 1], i => [0, i[1] % 2 * 3 + i[1] / 2, 0]));
    }
}
