using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: linear layers, normalisations of rows, cross entropy.</summary>
internal static class RowTable
{
    public static IEnumerable<Sample> Samples() => [.. Products(), .. Norms(), .. Losses(), .. Units()];

    private static IEnumerable<Sample> Products()
    {
        yield return new("Linear without bias of a vector", [[3], [2, 3]], x => Functional.Linear(x[0], x[1]), x => Linear(x[0].Reshape(1, 3), x[1], null).Reshape(2));
        yield return new(
            "Linear of a stack", [[2, 1, 2], [3, 2], [3]], x => Functional.Linear(x[0], x[1], x[2]),
            x => Linear(x[0].Reshape(2, 2), x[1], x[2]).Reshape(2, 1, 3));
        yield return new(
            "Linear by a vector", [[2, 3], [3], []], x => Functional.Linear(x[0], x[1], x[2]),
            x => NdArray.Generate([2], i => Linear(x[0], x[1].Reshape(1, 3), null)[i[0], 0] + x[2].Values[0]));
        yield return new(
            "Linear, product of two layers", [[2, 2], [2, 2], [2]], x => Functional.Linear(Functional.Linear(x[0], x[1], x[2]).Tanh(), x[1]),
            x => Linear(Linear(x[0], x[1], x[2]).Map(Math.Tanh), x[1], null));
        yield return new(
            "Bilinear", [[2, 1], [2, 2], [2, 1, 2], [2]], x => Functional.Bilinear(x[0], x[1], x[2], x[3]),
            x => NdArray.Generate([2, 2], i => x[0][i[0], 0] * (x[2][i[1], 0, 0] * x[1][i[0], 0] + x[2][i[1], 0, 1] * x[1][i[0], 1]) + x[3][i[1]]));
    }

    private static IEnumerable<Sample> Norms()
    {
        yield return new(
            "LayerNorm", [[2, 3], [3], [3]], x => Functional.LayerNorm(x[0], [3], x[1], x[2], 0.1),
            x => NdArray.Generate([2, 3], i => x[0].AlongDim(1, v => Normalised(v, 0.1, true))[i] * x[1][i[1]] + x[2][i[1]]));
        yield return new(
            "LayerNorm of two dimensions", [[2, 2, 2]], x => Functional.LayerNorm(x[0], [2, 2]),
            x => x[0].Reshape(2, 4).AlongDim(1, v => Normalised(v, 1e-5, true)).Reshape(2, 2, 2));
        yield return new(
            "LayerNorm with a bias alone", [[3], [3]], x => Functional.LayerNorm(x[0], [3], null, x[1]),
            x => NdArray.Generate([3], i => x[0].AlongDim(0, v => Normalised(v, 1e-5, true))[i] + x[1][i]));
        yield return new(
            "RmsNorm", [[2, 3], [3]], x => Functional.RmsNorm(x[0], [3], x[1], 0.01),
            x => NdArray.Generate([2, 3], i => x[0].AlongDim(1, v => Normalised(v, 0.01, false))[i] * x[1][i[1]]));
    }

    private static IEnumerable<Sample> Losses()
    {
        double[] w = [0.5, 2, 1.5];
        long[] classes = [2, -100, 0];
        Tensor Weight(Tensor like) => Tensor.FromArray(w, like.Device).To(like.DType);
        Tensor Classes(Tensor like) => Tensor.FromArray(classes, like.Device);
        NdArray Terms(NdArray x, double smoothing) => NdArray.Generate(
            [3], i => classes[i[0]] < 0 ? 0 : -Enumerable.Range(0, 3).Sum(
                c => x[i[0], c] * w[c] * ((c == classes[i[0]] ? 1 - smoothing : 0) + smoothing / 3)));
        yield return new(
            "CrossEntropy with weights, one ignored", [[3, 3]], x => Functional.CrossEntropy(x[0], Classes(x[0]), Weight(x[0])),
            x => new NdArray([], [Terms(LogSoftmax(x[0]), 0).Values.Sum() / (w[2] + w[0])]));
        yield return new(
            "CrossEntropy, smoothed", [[3, 3]], x => Functional.CrossEntropy(x[0], Classes(x[0]), Weight(x[0]), reduction: LossReduction.None, labelSmoothing: 0.3),
            x => Terms(LogSoftmax(x[0]), 0.3));
        yield return new(
            "CrossEntropy of an image", [[1, 2, 3]],
            x => Functional.CrossEntropy(x[0], Tensor.FromArray(new[,] { { 1L, 0, 1 } }, x[0].Device), ignoreIndex: 0),
            x => new NdArray([], [-(LogSoftmax(x[0])[0, 1, 0] + LogSoftmax(x[0])[0, 1, 2]) / 2]));
        yield return new(
            "CrossEntropy of probabilities", [[2, 3], [2, 3]], x => Functional.CrossEntropy(x[0], x[1], Weight(x[0]), labelSmoothing: 0.1),
            x => new NdArray([], [-NdArray.Indices([2, 3]).Sum(i => LogSoftmax(x[0])[i] * (x[1][i] * 0.9 + 0.1 / 3) * w[i[1]]) / 2]));
        yield return new(
            "CrossEntropy of one row", [[3]], x => Functional.CrossEntropy(x[0], Tensor.FromArray([1L], x[0].Device).Squeeze(0), reduction: LossReduction.None),
            x => new NdArray([], [-LogSoftmax(x[0].Reshape(1, 3))[0, 1]]));
        yield return new(
            "NllLoss with weights, one ignored", [[3, 3]], x => Functional.NllLoss(x[0], Classes(x[0]), Weight(x[0])),
            x => new NdArray([], [Terms(x[0], 0).Values.Sum() / (w[2] + w[0])]));
        yield return new(
            "NllLoss of an image", [[1, 2, 2, 1]],
            x => Functional.NllLoss(x[0], Tensor.FromArray([1L, 0], x[0].Device).Reshape(1, 2, 1), reduction: LossReduction.None),
            x => NdArray.Generate([1, 2, 1], i => -x[0][0, 1 - i[1], i[1], 0]));
    }

    private static IEnumerable<Sample> Units()
    {
        yield return new("Softmin", [[2, 2]], x => Functional.Softmin(x[0], 1), x => LogSoftmax(x[0].Map(v => -v)).Map(Math.Exp));
        yield return new(
            "Prelu by channels", [[1, 2, 2], [2]], x => Functional.Prelu(x[0], x[1]), x => NdArray.Generate([1, 2, 2], i => x[0][i] > 0 ? x[0][i] : x[0][i] * x[1][i[1]]));
        yield return new("Prelu by one weight", [[3], [1]], x => Functional.Prelu(x[0], x[1]), x => x[0].Map(v => v > 0 ? v : v * x[1].Values[0]));
        yield return new("Logit", [[3]], x => x[0].Logit(0.2), x => x[0].Map(v => Math.Clamp(v, 0.2, 0.8)).Map(v => Math.Log(v / (1 - v)))) { Domain = (0.05, 0.95) };
    }

    private static NdArray Linear(NdArray x, NdArray w, NdArray? b) =>
        NdArray.Generate([x.Shape[0], w.Shape[0]], i => NdArray.MatMul(x, w.Permute(1, 0))[i] + (b is null ? 0 : b[i[1]]));

    private static NdArray LogSoftmax(NdArray x) => x.AlongDim(1, v => Array.ConvertAll(v, e => e - Math.Log(v.Sum(Math.Exp))));

    private static double[] Normalised(double[] v, double eps, bool centres)
    {
        double mean = centres ? v.Average() : 0;
        return Array.ConvertAll(v, e => (e - mean) / Math.Sqrt(v.Average(u => (u - mean) * (u - mean)) + eps));
    }
}
