using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: convolutions, transposed ones, and patches.</summary>
internal static class ConvolutionTable
{
    public static IEnumerable<Sample> Samples()
    {
        yield return new(
            "Conv1d with padding, unbatched", [[2, 3], [1, 2, 2], [1]], x => Functional.Conv1d(x[0], x[1], x[2], padding: 1),
            x => Convolve(x[0].Reshape(1, 2, 3), x[1], x[2], [1], [1], [1], 1).Reshape(1, 4));
        yield return new(
            "Conv1d of groups, stride and dilation", [[1, 2, 5], [4, 1, 2]], x => Functional.Conv1d(x[0], x[1], stride: 2, padding: 1, dilation: 2, groups: 2),
            x => Convolve(x[0], x[1], null, [2], [1], [2], 2));
        yield return new(
            "Conv2d of a transpose, unlike in both dimensions", [[1, 3, 2, 1], [2, 1, 2, 2]],
            x => Functional.Conv2d(x[0].Transpose(1, 3), x[1], stride: (1, 2), padding: (1, 0), dilation: (2, 1)),
            x => Convolve(x[0].Permute(0, 3, 2, 1), x[1], null, [1, 2], [1, 0], [2, 1], 1));
        yield return new(
            "Conv2d of two samples with padding Same", [[2, 1, 2, 2], [1, 1, 2, 1], [1]],
            x => Functional.Conv2d(x[0], x[1], x[2], padding: ConvolutionPadding.Same), x => Convolve(x[0], x[1], x[2], [1, 1], [0, 0], [1, 1], 1, [2, 2]));
        yield return new(
            "Conv3d", [[1, 1, 2, 2, 2], [1, 1, 2, 1, 2]], x => Functional.Conv3d(x[0], x[1], stride: [1, 2, 1], padding: [0, 1, 0]),
            x => Convolve(x[0], x[1], null, [1, 2, 1], [0, 1, 0], [1, 1, 1], 1));
        yield return new(
            "Conv2d of one tap", [[1, 2, 1, 3], [2, 2, 1, 1]], x => Functional.Conv2d(x[0], x[1]), x => Convolve(x[0], x[1], null, [1, 1], [0, 0], [1, 1], 1));
        yield return new(
            "ConvTranspose1d with output padding", [[1, 2, 2], [2, 1, 2], [1]], x => Functional.ConvTranspose1d(x[0], x[1], x[2], stride: 3, padding: 1, outputPadding: 2),
            x => Transposed(x[0], x[1], x[2], [3], [1], [2], [1], 1));
        yield return new(
            "ConvTranspose2d of groups", [[2, 1, 2], [2, 1, 1, 2]], x => Functional.ConvTranspose2d(x[0], x[1], stride: (1, 2), dilation: (1, 2), groups: 2),
            x => Transposed(x[0].Reshape(1, 2, 1, 2), x[1], null, [1, 2], [0, 0], [0, 0], [1, 2], 2).Reshape(2, 1, 5));
        yield return new(
            "ConvTranspose3d", [[1, 1, 1, 2, 1], [1, 1, 1, 1, 2]], x => Functional.ConvTranspose3d(x[0], x[1], stride: [1, 2, 1], padding: [0, 1, 0], outputPadding: [0, 1, 0]),
            x => Transposed(x[0], x[1], null, [1, 2, 1], [0, 1, 0], [0, 1, 0], [1, 1, 1], 1));
        yield return new(
            "Unfold", [[1, 1, 3, 3]], x => Functional.Unfold(x[0], (2, 1), dilation: (1, 2), padding: (0, 1), stride: (1, 2)),
            x => Patches(x[0], [2, 1], [1, 2], [0, 1], [1, 2]));
        yield return new(
            "Fold", [[4, 4]], x => Functional.Fold(x[0], (2, 3), 2, padding: (0, 1), stride: (2, 1)),
            x => NdArray.Generate([1, 2, 3], i =>
            {
                // The element sees each patch place that Unfold would have read it for.
                double sum = 0;
                for (long k = 0; k < 4; k++)
                {
                    for (long place = 0; place < 4; place++)
                    {
                        sum += k / 2 == i[1] && place + k % 2 - 1 == i[2] ? x[0][k, place] : 0;
                    }
                }

                return sum;
            }));
    }

    /// <summary>By the definition: output[n, o, a] = bias[o] + the sum over c and k of input[n, c, a stride + k dilation - padding] weight[o, c, k].</summary>
    public static NdArray Convolve(
        NdArray input, NdArray weight, NdArray? bias, long[] stride, long[] padding, long[] dilation, long groups, long[]? sizes = null)
    {
        int rank = stride.Length;
        long[] output = sizes ?? [.. Enumerable.Range(0, rank).Select(d => (input.Shape[2 + d] + 2 * padding[d] - dilation[d] * (weight.Shape[2 + d] - 1) - 1) / stride[d] + 1)];
        long perGroup = weight.Shape[0] / groups;
        return NdArray.Generate([input.Shape[0], weight.Shape[0], .. output], at =>
        {
            double sum = bias is null ? 0 : bias[at[1]];
            foreach (var tap in NdArray.Indices(weight.Shape[1..]))
            {
                long[] place = [.. Enumerable.Range(0, rank).Select(d => at[2 + d] * stride[d] + tap[1 + d] * dilation[d] - padding[d])];
                if (place.Select((p, d) => p >= 0 && p < input.Shape[2 + d]).All(inside => inside))
                {
                    sum += input[[at[0], at[1] / perGroup * weight.Shape[1] + tap[0], .. place]] * weight[[at[1], .. tap]];
                }
            }

            return sum;
        });
    }

    /// <summary>By the definition: each input element adds itself times each tap to the place i stride + k dilation - padding.</summary>
    public static NdArray Transposed(
        NdArray input, NdArray weight, NdArray? bias, long[] stride, long[] padding, long[] added, long[] dilation, long groups)
    {
        int rank = stride.Length;
        long perGroup = weight.Shape[0] / groups;
        long[] sizes = [.. Enumerable.Range(0, rank).Select(d => (input.Shape[2 + d] - 1) * stride[d] - 2 * padding[d] + dilation[d] * (weight.Shape[2 + d] - 1) + added[d] + 1)];
        var sums = new Dictionary<string, double>();
        foreach (var at in NdArray.Indices(input.Shape))
        {
            foreach (var tap in NdArray.Indices(weight.Shape[1..]))
            {
                long[] place = [.. Enumerable.Range(0, rank).Select(d => at[2 + d] * stride[d] + tap[1 + d] * dilation[d] - padding[d])];
                string key = string.Join(',', [at[0], at[1] / perGroup * weight.Shape[1] + tap[0], .. place]);
                sums[key] = sums.GetValueOrDefault(key) + input[at] * weight[[at[1], .. tap]];
            }
        }

        return NdArray.Generate([input.Shape[0], weight.Shape[1] * groups, .. sizes], at => sums.GetValueOrDefault(string.Join(',', at)) + (bias is null ? 0 : bias[at[1]]));
    }

    private static NdArray Patches(NdArray input, long[] kernel, long[] dilation, long[] padding, long[] stride)
    {
        long Output(int d) => (input.Shape[2 + d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
        long taps = kernel[0] * kernel[1], columns = Output(1);
        return NdArray.Generate([input.Shape[0], input.Shape[1] * taps, Output(0) * columns], at =>
        {
            long tap = at[1] % taps;
            long h = at[2] / columns * stride[0] + tap / kernel[1] * dilation[0] - padding[0], w = at[2] % columns * stride[1] + tap % kernel[1] * dilation[1] - padding[1];
            return h < 0 || h >= input.Shape[2] || w < 0 || w >= input.Shape[3] ? 0 : input[at[0], at[1] / taps, h, w];
        });
    }
}
