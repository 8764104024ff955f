using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: pooling.</summary>
internal static class PoolTable
{
    public static IEnumerable<Sample> Samples() => [.. Largest(), .. Means()];

    /// <summary>For each window, in each dimension the positions of the input that it covers, a function of the elements there and of the window's index.</summary>
    public static NdArray Windows(NdArray x, int rank, Func<int, long, (long Start, long Count, long Step)> window, long[] sizes, Func<double[], long[], double> function)
    {
        int lead = x.Rank - rank;
        return NdArray.Generate([.. x.Shape[..lead], .. sizes], index =>
        {
            var elements = new List<double>();
            var counts = Enumerable.Range(0, rank).Select(d => window(d, index[lead + d]).Count).ToArray();
            foreach (var k in NdArray.Indices(counts))
            {
                var at = (long[])index.Clone();
                for (int d = 0; d < rank; d++)
                {
                    var (start, _, step) = window(d, index[lead + d]);
                    at[lead + d] = start + k[d] * step;
                }

                if (Enumerable.Range(lead, rank).All(d => at[d] >= 0 && at[d] < x.Shape[d]))
                {
                    elements.Add(x[at]);
                }
            }

            return function([.. elements], index);
        });
    }

    private static IEnumerable<Sample> Largest()
    {
        yield return new(
            "MaxPool1d, ceil mode", [[1, 5]], x => MaxPool1d(x[0], 2, ceilMode: true),
            x => Windows(x[0], 1, (_, o) => (2 * o, 2, 1), [3], (v, _) => v.Max()));
        yield return new(
            "MaxPool2d, padded and dilated", [[1, 1, 3, 4]], x => MaxPool2d(x[0], (2, 3), stride: 1, padding: (0, 1), dilation: (2, 1)),
            x => Windows(x[0], 2, (d, o) => d == 0 ? (o, 2, 2) : (o - 1, 3, 1), [1, 4], (v, _) => v.Max()));
        yield return new(
            "MaxPool3d", [[2, 2, 1, 3]], x => MaxPool3d(x[0], (2, 1, 2), stride: 1),
            x => Windows(x[0], 3, (d, o) => (o, d == 1 ? 1 : 2, 1), [1, 1, 2], (v, _) => v.Max()));
        yield return new(
            "Indices of MaxPool2d", [[1, 3, 3]], x => MaxPool2dWithIndices(x[0], 2, stride: 1).Indices,
            x => Windows(x[0], 2, (_, o) => (o, 2, 1), [2, 2], (v, _) => Array.IndexOf(x[0].Values, v.Max())))
        { IsDifferentiable = false };
        yield return new(
            "MaxUnpool2d of MaxPool2dWithIndices", [[1, 2, 4]], x => MaxPool2dWithIndices(x[0], 2) is var (top, at) ? MaxUnpool2d(top, at, 2) : x[0],
            x => Windows(x[0], 2, (_, o) => (2 * o, 2, 1), [1, 2], (v, _) => v.Max()) is var top ? x[0].Map(v => top.Values.Contains(v) ? v : 0) : x[0]);
        yield return new(
            "MaxUnpool3d of MaxPool3dWithIndices", [[1, 2, 1, 3]], x => MaxPool3dWithIndices(x[0], (2, 1, 3)) is var (top, at) ? MaxUnpool3d(top, at, (2, 1, 3)) : x[0],
            x => x[0].Map(v => v == x[0].Values.Max() ? v : 0));
        yield return new(
            "Gather by MaxPool1dWithIndices", [[2, 4]], x => x[0].Gather(-1, MaxPool1dWithIndices(x[0], 2).Indices), x => Windows(x[0], 1, (_, o) => (2 * o, 2, 1), [2], (v, _) => v.Max()));
        yield return new(
            "AdaptiveMaxPool1d times AdaptiveMaxPool1dWithIndices", [[2, 5]], x => AdaptiveMaxPool1d(x[0], 2) * AdaptiveMaxPool1dWithIndices(x[0], 2).Indices,
            x => Windows(x[0], 1, (_, o) => (o * 5 / 2, 3, 1), [2], (v, i) => v.Max() * (Array.IndexOf(v, v.Max()) + i[^1] * 5 / 2)));
        yield return new(
            "AdaptiveMaxPool3d times AdaptiveMaxPool3dWithIndices", [[1, 1, 2, 2]], x => AdaptiveMaxPool3d(x[0], 1) * AdaptiveMaxPool3dWithIndices(x[0], 1).Indices,
            x => x[0].Reduce([1, 2, 3], true, v => v.Max() * Array.IndexOf(v, v.Max())));
        yield return new(
            "Gather by AdaptiveMaxPool2dWithIndices", [[1, 3, 3]], x => x[0].Flatten(1).Gather(-1, AdaptiveMaxPool2dWithIndices(x[0], 2).Indices.Flatten(1)),
            x => Windows(x[0], 2, (_, o) => (o, 2, 1), [2, 2], (v, _) => v.Max()).Reshape(1, 4));
    }

    private static IEnumerable<Sample> Means()
    {
        // The last window of ceil mode: with padding counted, what lies beyond the padding still is not.
        yield return new(
            "AvgPool1d, ceil mode with padding", [[1, 4]], x => AvgPool1d(x[0], 3, stride: 2, padding: 1, ceilMode: true),
            x => Windows(x[0], 1, (_, o) => (2 * o - 1, 3, 1), [3], (v, i) => v.Sum() / (i[1] == 2 ? 2 : 3)));
        yield return new(
            "AvgPool2d, not counting padding", [[1, 3, 3]], x => AvgPool2d(x[0], 2, stride: 1, padding: 1, countIncludePad: false),
            x => Windows(x[0], 2, (_, o) => (o - 1, 2, 1), [4, 4], (v, _) => v.Average()));
        yield return new(
            "AvgPool3d by a divisor", [[2, 2, 1, 3]], x => AvgPool3d(x[0], (2, 1, 2), stride: (1, 1, 2), divisorOverride: 3),
            x => Windows(x[0], 3, (d, o) => (2 * o, d == 1 ? 1 : 2, 1), [1, 1, 1], (v, _) => v.Sum() / 3));
        yield return new(
            "AdaptiveAvgPool2d", [[1, 3, 4]], x => AdaptiveAvgPool2d(x[0], (2, -1)),
            x => Windows(x[0], 2, (d, o) => d == 0 ? (o, 2, 1) : (o, 1, 1), [2, 4], (v, _) => v.Average()));
        yield return new(
            "AdaptiveAvgPool1d to more", [[2, 2]], x => AdaptiveAvgPool1d(x[0], 3),
            x => Windows(x[0], 1, (_, o) => (o / 2, o == 1 ? 2 : 1, 1), [3], (v, _) => v.Average()));
        yield return new("AdaptiveAvgPool3d to one", [[1, 2, 2, 1]], x => AdaptiveAvgPool3d(x[0], 1), x => x[0].Reduce([1, 2, 3], true, v => v.Average()));
        yield return new(
            "AdaptiveMaxPool2d", [[1, 3, 4]], x => AdaptiveMaxPool2d(x[0], (2, 3)),
            x => Windows(x[0], 2, (d, o) => d == 0 ? (o, 2, 1) : (o * 4 / 3, 2, 1), [2, 3], (v, _) => v.Max()));
        yield return new(
            "LpPool2d, ceil mode", [[1, 2, 3]], x => LpPool2d(x[0], 3, 2, ceilMode: true),
            x => Windows(x[0], 2, (_, o) => (2 * o, 2, 1), [1, 2], (v, _) => Math.Pow(4 * v.Average(e => e * e * e), 1.0 / 3)))
        { Domain = (0.5, 2) };
        yield return new(
            "LpPool1d", [[1, 4]], x => LpPool1d(x[0], 2, 2), x => Windows(x[0], 1, (_, o) => (2 * o, 2, 1), [2], (v, _) => Math.Sqrt(v.Sum(e => e * e))))
        { Domain = (0.5, 2) };
        yield return new("LpPool3d", [[1, 1, 2, 2]], x => LpPool3d(x[0], 3, (1, 2, 2)), x => x[0].Reduce([1, 2, 3], true, v => Math.Cbrt(v.Sum(e => e * e * e)))) { Domain = (0.5, 2) };
        yield return new(
            "MaxUnpool1d", [[2, 2]], x => MaxUnpool1d(x[0], Tensor.FromArray(new[,] { { 1L, 2 }, { 0, 4 } }, x[0].Device), 2, outputSize: 5),
            x => NdArray.Generate([2, 5], i => i is [0, 1] ? x[0][0, 0] : i is [0, 2] ? x[0][0, 1] : i is [1, 0] ? x[0][1, 0] : i is [1, 4] ? x[0][1, 1] : 0));
    }
}
