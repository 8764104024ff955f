namespace Autograd.Gpu.Tests;

/// <summary>Rows for pairs beyond arithmetic, statistics and rearrangements: compositions, a row or two each.</summary>
internal static class ArrangeTable
{
    public static IEnumerable<Sample> Samples() => [.. Pairs(), .. Statistics(), .. Arrangements()];

    private static IEnumerable<Sample> Pairs()
    {
        static Sample Pair(string name, Func<Tensor, Tensor, Tensor> apply, Func<double, double, double> oracle) => new(
            name, [[2, 1], [3]], x => apply(x[0], x[1]), x => NdArray.Generate([2, 3], i => oracle(x[0][i[0], 0], x[1][i[1]])));
        yield return Pair("Fmax", (a, b) => a.Fmax(b), Math.Max);
        yield return Pair("Fmin", (a, b) => a.Fmin(b), Math.Min);
        yield return Pair("LogAddExp2", (a, b) => a.LogAddExp2(b), (a, b) => Math.Log2(Math.Pow(2, a) + Math.Pow(2, b)));
        yield return Pair("Xlog1py", (a, b) => a.Xlog1py(b), (a, b) => a * Math.Log(1 + b)) with { Domain = (-0.5, 2) };
        yield return Pair("Ldexp", (a, b) => a.Ldexp(b), (a, b) => a * Math.Pow(2, b));
        yield return Pair("FloatPower", (a, b) => a.FloatPower(b).To(a.DType), Math.Pow) with { Domain = (0.5, 2) };
        yield return new("Deg2Rad of Rad2Deg", [[3]], x => x[0].Rad2Deg().Deg2Rad(), x => x[0]);
        yield return new("Dist", [[2, 2], [2]], x => x[0].Dist(x[1]), x => NdArray.Generate([], _ => Math.Sqrt(Enumerable.Range(0, 4).Sum(k => Math.Pow(x[0].Values[k] - x[1].Values[k % 2], 2)))));
        yield return new(
            "Renorm", [[2, 3]], x => x[0].Renorm(2, 0, 1.5),
            x => NdArray.Generate([2, 3], i => x[0][i] * (Length(x[0], i[0]) is var n && n > 1.5 ? 1.5 / (n + 1e-7) : 1)));
        static double Length(NdArray x, long row) => Math.Sqrt(Enumerable.Range(0, 3).Sum(j => x[row, j] * x[row, j]));
    }

    private static IEnumerable<Sample> Statistics()
    {
        static double At(double[] v, double q)
        {
            double[] sorted = [.. v.Order()];
            double rank = q * (v.Length - 1);
            int low = (int)Math.Floor(rank), high = (int)Math.Ceiling(rank);
            return sorted[low] + ((sorted[high] - sorted[low]) * (rank - low));
        }

        yield return new("Quantile of all", [[2, 3]], x => x[0].Quantile(0.4), x => x[0].Reduce([], false, v => At(v, 0.4)));
        yield return new("Quantile over 0, kept", [[4, 2]], x => x[0].Quantile(0.75, 0, true), x => x[0].Reduce([0], true, v => At(v, 0.75)));
        yield return new(
            "Quantiles over 1", [[2, 3]], x => x[0].Quantile([0.1, 1], 1), x => NdArray.Cat(0, x[0].Reduce([1], false, v => At(v, 0.1)).Reshape(1, 2), x[0].Reduce([1], false, v => v.Max()).Reshape(1, 2)));
        yield return new("NanQuantile", [[2, 3]], x => x[0].NanQuantile(0.3, -1), x => x[0].Reduce([1], false, v => At(v, 0.3)));
        yield return new("NanMedian over 1", [[2, 4]], x => x[0].NanMedian(1).Values, x => x[0].Reduce([1], false, v => v.Order().ElementAt(1)));
        yield return new("NanMedian of all", [[4]], x => x[0].NanMedian(), x => x[0].Reduce([], false, v => v.Order().ElementAt(1)));
        yield return new("Cov", [[2, 3]], x => x[0].Cov(), x => NdArray.Generate([2, 2], i => Covariance(x[0], i[0], i[1], 1)));
        yield return new("Cov with weights", [[2, 3]], x => x[0].Cov(0, Tensor.FromArray([1L, 2, 1], x[0].Device)), x => NdArray.Generate([2, 2], i => Covariance(NdArray.Cat(1, x[0], x[0].Slice(1, 1, 1, 1)), i[0], i[1], 0)));
        yield return new(
            "CorrCoef", [[2, 4]], x => x[0].CorrCoef()[0, 1],
            x => NdArray.Generate([], _ => Covariance(x[0], 0, 1, 1) / Math.Sqrt(Covariance(x[0], 0, 0, 1) * Covariance(x[0], 1, 1, 1))));
        yield return new("Diff", [[2, 4]], x => x[0].Diff(), x => NdArray.Generate([2, 3], i => x[0][i[0], i[1] + 1] - x[0][i]));
        yield return new("Diff twice with more", [[3, 2], [1, 2]], x => x[0].Diff(2, 0, append: x[1]), x => NdArray.Generate([2, 2], i => NdArray.Cat(0, x) is var y ? y[i[0] + 2, i[1]] - (2 * y[i[0] + 1, i[1]]) + y[i] : 0));
        yield return new(
            "Gradient", [[4]], x => x[0].Gradient(0.5)[0],
            x => NdArray.Generate([4], i => i[0] == 0 ? (x[0][1] - x[0][0]) / 0.5 : i[0] == 3 ? (x[0][3] - x[0][2]) / 0.5 : x[0][i[0] + 1] - x[0][i[0] - 1]));
        yield return new(
            "Gradient of edge order 2", [[2, 3]], x => x[0].Gradient(1, [1], 2)[0],
            x => NdArray.Generate([2, 3], i => i[1] switch
            {
                0 => (-1.5 * x[0][i[0], 0]) + (2 * x[0][i[0], 1]) - (0.5 * x[0][i[0], 2]),
                1 => (x[0][i[0], 2] - x[0][i[0], 0]) / 2,
                _ => (1.5 * x[0][i[0], 2]) - (2 * x[0][i[0], 1]) + (0.5 * x[0][i[0], 0]),
            }));
        yield return new("Trapezoid", [[2, 3]], x => x[0].Trapezoid(0.5), x => NdArray.Generate([2], i => (x[0][i[0], 0] + (2 * x[0][i[0], 1]) + x[0][i[0], 2]) / 4));
        yield return new("Trapezoid at places", [[3], [3]], x => x[0].Trapezoid(x[1]), x => NdArray.Generate([], _ => Panel(x, 0) + Panel(x, 1)));
        yield return new("CumulativeTrapezoid", [[3], [3]], x => x[0].CumulativeTrapezoid(x[1], 0), x => NdArray.Generate([2], i => Panel(x, 0) + (i[0] * Panel(x, 1))));

        static double Panel(NdArray[] x, long k) => (x[0][k] + x[0][k + 1]) / 2 * (x[1][k + 1] - x[1][k]);
        static double Covariance(NdArray x, long a, long b, double correction)
        {
            long n = x.Shape[1];
            double Mean(long row) => Enumerable.Range(0, (int)n).Average(k => x[row, k]);
            return Enumerable.Range(0, (int)n).Sum(k => (x[a, k] - Mean(a)) * (x[b, k] - Mean(b))) / (n - correction);
        }
    }

    private static IEnumerable<Sample> Arrangements()
    {
        yield return new("SwapDims", [[2, 3]], x => x[0].SwapDims(0, 1), x => x[0].Permute(1, 0));
        yield return new("TensorSplit", [[5, 2]], x => x[0].TensorSplit(2)[1], x => x[0].Slice(0, 3, 1, 2));
        yield return new("TensorSplit at places", [[5]], x => x[0].TensorSplit([1, -1])[1], x => x[0].Slice(0, 1, 1, 3));
        yield return new("HSplit", [[2, 4]], x => x[0].HSplit(2)[1], x => x[0].Slice(1, 2, 1, 2));
        yield return new("VSplit", [[2, 2]], x => x[0].VSplit(2)[0], x => x[0].Slice(0, 0, 1, 1));
        yield return new("DSplit", [[1, 2, 2]], x => x[0].DSplit(2)[1], x => x[0].Slice(2, 1, 1, 1));
        yield return new("FlipLR", [[2, 3]], x => x[0].FlipLR(), x => NdArray.Generate([2, 3], i => x[0][i[0], 2 - i[1]]));
        yield return new("FlipUD", [[3]], x => x[0].FlipUD(), x => NdArray.Generate([3], i => x[0][2 - i[0]]));
        yield return new("DiagFlat", [[1, 2]], x => x[0].DiagFlat(1), x => NdArray.Generate([3, 3], i => i[1] == i[0] + 1 ? x[0].Values[i[0]] : 0));
        yield return new("ColumnStack", [[2], [2, 2]], x => Tensor.ColumnStack(x[0], x[1]), x => NdArray.Cat(1, x[0].Reshape(2, 1), x[1]));
        yield return new("BroadcastTensors", [[2, 1], [3]], x => Tensor.BroadcastTensors(x[0], x[1])[0] * x[1], x => NdArray.Generate([2, 3], i => x[0][i[0], 0] * x[1][i[1]]));
        yield return new("Combinations", [[3]], x => x[0].Combinations(), x => NdArray.Generate([3, 2], i => x[0][(i[0], i[1]) switch { (0, 0) or (1, 0) => 0, (2, 0) or (0, 1) => 1, _ => 2 }]));
        yield return new("Combinations with replacement", [[2]], x => x[0].Combinations(2, true), x => NdArray.Generate([3, 2], i => x[0][i[0] == 2 || (i[0] == 1 && i[1] == 1) ? 1 : 0]));
        yield return new(
            "Put", [[2, 2], [2]], x => x[0].Put(Tensor.FromArray([3L, -4], x[0].Device), x[1]), x => NdArray.Generate([2, 2], i => (i[0] * 2 + i[1]) switch { 3 => x[1][0], 0 => x[1][1], _ => x[0][i] }));
        yield return new(
            "Put, added", [[3], [3]], x => x[0].Put(Tensor.FromArray([1L, 1, 0], x[0].Device), x[1], true),
            x => NdArray.Generate([3], i => x[0][i] + (i[0] == 0 ? x[1][2] : i[0] == 1 ? x[1][0] + x[1][1] : 0)));
        yield return new("SelectScatter", [[2, 3], [2]], x => x[0].SelectScatter(x[1], 1, 1), x => NdArray.Generate([2, 3], i => i[1] == 1 ? x[1][i[0]] : x[0][i]));
        yield return new("SliceScatter", [[4], [2]], x => x[0].SliceScatter(x[1], 0, 1, null, 2), x => NdArray.Generate([4], i => i[0] % 2 == 1 ? x[1][i[0] / 2] : x[0][i]));
        yield return new("DiagonalScatter", [[2, 2], [2]], x => x[0].DiagonalScatter(x[1]), x => NdArray.Generate([2, 2], i => i[0] == i[1] ? x[1][i[0]] : x[0][i]));
    }
}
