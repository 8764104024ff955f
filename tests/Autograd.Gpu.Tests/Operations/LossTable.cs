using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: losses and distances, each against its definition.</summary>
internal static class LossTable
{
    private static readonly double[] s_signs = [1, -1, -1, 1, 1, -1];

    public static IEnumerable<Sample> Samples() => [.. Elementwise(), .. Likelihoods(), .. Margins(), .. OverClasses()];

    /// <summary>A constant of the dtype and device of another tensor.</summary>
    private static Tensor Like(Tensor x, Shape shape, params double[] values) => Numbers.Of(values, shape, DType.Float64, x.Device).To(x.DType);

    private static Tensor Labels(Tensor x, Shape shape, params long[] values) => Tensor.FromArray(values, shape, x.Device);

    private static NdArray Pairs(NdArray[] x, Func<double, double, double> loss) =>
        NdArray.Generate(x[0].Shape, i => loss(x[0][i], x[1][[.. i.TakeLast(x[1].Rank)]]));

    private static NdArray Mean(NdArray losses) => losses.Reduce([], false, v => v.Average());

    private static NdArray Sum(NdArray losses) => losses.Reduce([], false, v => v.Sum());

    private static double Softplus(double x) => Math.Log(1 + Math.Exp(x));

    private static IEnumerable<Sample> Elementwise()
    {
        Shape[] two = [[2, 3], [2, 3]];
        yield return new("L1Loss", two, x => Functional.L1Loss(x[0], x[1]), x => Mean(Pairs(x, (a, b) => Math.Abs(a - b))));
        yield return new(
            "SmoothL1Loss", two, x => Functional.SmoothL1Loss(x[0], x[1], LossReduction.None, 0.7),
            x => Pairs(x, (a, b) => Math.Abs(a - b) is var d && d < 0.7 ? d * d / 1.4 : d - 0.35));
        yield return new("SmoothL1Loss, beta 0", two, x => Functional.SmoothL1Loss(x[0], x[1], LossReduction.Sum, 0), x => Sum(Pairs(x, (a, b) => Math.Abs(a - b))));
        yield return new(
            "HuberLoss of a row", [[2, 3], [3]], x => Functional.HuberLoss(x[0], x[1], delta: 0.6),
            x => Mean(Pairs(x, (a, b) => Math.Abs(a - b) is var d && d <= 0.6 ? d * d / 2 : 0.6 * (d - 0.3))));
        yield return new(
            "BinaryCrossEntropy", [[2, 3], [2, 3], [3]], x => Functional.BinaryCrossEntropy(x[0], x[1], x[2]),
            x => Mean(NdArray.Generate([2, 3], i => -x[2][i[1]] * (x[1][i] * Math.Log(x[0][i]) + (1 - x[1][i]) * Math.Log(1 - x[0][i])))))
        { Domain = (0.05, 0.95) };
        yield return new(
            "BinaryCrossEntropyWithLogits", [[2, 3], [2, 3], [3]],
            x => Functional.BinaryCrossEntropyWithLogits(x[0], x[1], x[2], LossReduction.Sum, x[2] + 3),
            x => Sum(NdArray.Generate(
                [2, 3], i => x[2][i[1]] * ((x[2][i[1]] + 3) * x[1][i] * Softplus(-x[0][i]) + (1 - x[1][i]) * Softplus(x[0][i])))));
        yield return new("SoftMarginLoss", two, x => Functional.SoftMarginLoss(x[0], x[1]), x => Mean(Pairs(x, (a, b) => Softplus(-a * b))));
    }

    private static IEnumerable<Sample> Likelihoods()
    {
        Shape[] two = [[2, 3], [2, 3]];
        yield return new(
            "KLDiv, batchmean", two, x => Functional.KLDiv(x[0], x[1], KLDivReduction.BatchMean),
            x => Sum(Pairs(x, (a, b) => b * (Math.Log(b) - a))).Map(v => v / 2))
        { Domain = (0.1, 2) };
        yield return new(
            "KLDiv of logarithms", two, x => Functional.KLDiv(x[0], x[1], KLDivReduction.None, logTarget: true), x => Pairs(x, (a, b) => Math.Exp(b) * (b - a)));
        yield return new("PoissonNllLoss", two, x => Functional.PoissonNllLoss(x[0], x[1]), x => Mean(Pairs(x, (a, b) => Math.Exp(a) - b * a)));
        yield return new(
            "PoissonNllLoss of rates, full", two, x => Functional.PoissonNllLoss(x[0], x[1], logInput: false, full: true, reduction: LossReduction.Sum),
            x => Sum(Pairs(x, (a, b) => a - b * Math.Log(a + 1e-8) + (b > 1 ? b * Math.Log(b) - b + Math.Log(2 * Math.PI * b) / 2 : 0))))
        { Domain = (0.1, 4) };
        yield return new(
            "GaussianNllLoss", [[2, 2], [2, 2], [2]], x => Functional.GaussianNllLoss(x[0], x[1], x[2], full: true),
            x => Mean(NdArray.Generate(
                [2, 2], i => (Math.Log(2 * Math.PI * x[2][i[0]]) + Math.Pow(x[0][i] - x[1][i], 2) / x[2][i[0]]) / 2)))
        { Domain = (0.1, 2) };
    }

    private static IEnumerable<Sample> Margins()
    {
        static double Norm(IEnumerable<double> v) => Math.Sqrt(v.Sum(e => e * e));
        static double[] Row(NdArray x, long n) => [.. Enumerable.Range(0, (int)x.Shape[1]).Select(j => x[n, j])];
        static double Dot(double[] a, double[] b) => a.Zip(b, (p, q) => p * q).Sum();
        static double Cosine(double[] a, double[] b) => Dot(a, b) / (Norm(a) * Norm(b));
        static double Guarded(double[] a, double[] b) => Dot(a, b) / Math.Sqrt((Dot(a, a) + 1e-12) * (Dot(b, b) + 1e-12));
        static double Distance(double[] a, double[] b) => Norm(a.Zip(b, (p, q) => p - q + 1e-6));
        yield return new(
            "HingeEmbeddingLoss", [[2, 3]], x => Functional.HingeEmbeddingLoss(x[0], Like(x[0], [2, 3], s_signs), 0.8),
            x => Mean(NdArray.Generate([2, 3], i => s_signs[i[0] * 3 + i[1]] == 1 ? x[0][i] : Math.Max(0, 0.8 - x[0][i]))));
        yield return new(
            "CosineEmbeddingLoss", [[3, 2], [3, 2]], x => Functional.CosineEmbeddingLoss(x[0], x[1], Like(x[0], [3], 1, -1, -1), 0.1, LossReduction.None),
            x => NdArray.Generate([3], i => Guarded(Row(x[0], i[0]), Row(x[1], i[0])) is var c && i[0] == 0 ? 1 - c : Math.Max(0, c - 0.1)));
        yield return new(
            "MarginRankingLoss", [[2, 3], [2, 3]], x => Functional.MarginRankingLoss(x[0], x[1], Like(x[0], [2, 3], s_signs), 0.3),
            x => Mean(NdArray.Generate([2, 3], i => Math.Max(0, 0.3 - s_signs[i[0] * 3 + i[1]] * (x[0][i] - x[1][i])))));
        yield return new(
            "TripletMarginLoss, swapped", [[2, 2], [2, 2], [2, 2]], x => Functional.TripletMarginLoss(x[0], x[1], x[2], 3, swap: true),
            x => Mean(NdArray.Generate([2], i =>
            {
                double[] a = Row(x[0], i[0]), p = Row(x[1], i[0]), n = Row(x[2], i[0]);
                return Math.Max(0, Distance(a, p) - Math.Min(Distance(a, n), Distance(p, n)) + 3);
            })));
        yield return new(
            "TripletMarginWithDistanceLoss", [[2, 2], [2, 2], [2, 2]],
            x => Functional.TripletMarginWithDistanceLoss(x[0], x[1], x[2], (a, b) => 1 - Functional.CosineSimilarity(a, b), reduction: LossReduction.None),
            x => NdArray.Generate([2], i => Math.Max(0, 1 + Cosine(Row(x[0], i[0]), Row(x[2], i[0])) - Cosine(Row(x[0], i[0]), Row(x[1], i[0])))));
        yield return new(
            "CosineSimilarity", [[2, 3], [1, 3]], x => Functional.CosineSimilarity(x[0], x[1], -1),
            x => NdArray.Generate([2], i => Cosine(Row(x[0], i[0]), Row(x[1], 0))));
        yield return new(
            "PairwiseDistance of order 3", [[2, 3], [3]], x => Functional.PairwiseDistance(x[0], x[1], 3, keepDim: true),
            x => NdArray.Generate([2, 1], i => Math.Cbrt(Enumerable.Range(0, 3).Sum(j => Math.Pow(Math.Abs(x[0][i[0], j] - x[1][j] + 1e-6), 3)))));
    }

    private static IEnumerable<Sample> OverClasses()
    {
        long[] y = [2, 0];
        static IEnumerable<int> Classes() => Enumerable.Range(0, 3);
        yield return new(
            "MultiMarginLoss, squared", [[2, 3], [3]], x => Functional.MultiMarginLoss(x[0], Labels(x[0], [2], y), 2, 1.5, x[1]),
            x => Mean(NdArray.Generate(
                [2],
                i => Classes().Where(j => j != y[i[0]]).Sum(j => x[1][y[i[0]]] * Math.Pow(Math.Max(0, 1.5 - x[0][i[0], y[i[0]]] + x[0][i[0], j]), 2)) / 3)));
        yield return new(
            "MultiMarginLoss of a vector", [[3]], x => Functional.MultiMarginLoss(x[0], Labels(x[0], [], 1)),
            x => NdArray.Generate([], _ => Classes().Where(j => j != 1).Sum(j => Math.Max(0, 1 - x[0][1] + x[0][j])) / 3));
        long[][] lists = [[2, 0], [1]];
        yield return new(
            "MultilabelMarginLoss", [[2, 3]], x => Functional.MultilabelMarginLoss(x[0], Labels(x[0], [2, 3], 2, 0, -1, 1, -1, 2), LossReduction.None),
            x => NdArray.Generate(
                [2],
                i => lists[i[0]].Sum(t => Classes().Where(j => !lists[i[0]].Contains(j)).Sum(j => Math.Max(0, 1 - x[0][i[0], t] + x[0][i[0], j]))) / 3));
        yield return new(
            "MultilabelSoftMarginLoss", [[2, 3], [2, 3], [3]], x => Functional.MultilabelSoftMarginLoss(x[0], x[1], x[2], LossReduction.None),
            x => NdArray.Generate(
                [2], i => Classes().Average(j => x[2][j] * (x[1][i[0], j] * Softplus(-x[0][i[0], j]) + (1 - x[1][i[0], j]) * Softplus(x[0][i[0], j])))));
    }
}
