using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: normalisation.</summary>
internal static class NormTable
{
    private const double Eps = 0.1;

    public static IEnumerable<Sample> Samples()
    {
        // Which elements a mean is taken over: those whose index has the same key.
        yield return new(
            "BatchNorm of [3, 2]", [[3, 2], [2], [2]], x => BatchNorm(x[0], null, null, x[1], x[2], training: true, eps: Eps),
            x => Normal(x[0], i => (i[1], 0), i => x[1][i[1]], i => x[2][i[1]]));
        yield return new(
            "BatchNorm of [2, 2, 1, 2]", [[2, 2, 1, 2]], x => BatchNorm(x[0], null, null, training: true, eps: Eps), x => Normal(x[0], i => (i[1], 0), _ => 1, _ => 0));
        yield return new(
            "BatchNorm by running statistics", [[2, 2], [2], [2]],
            x => BatchNorm(x[0], Tensor.FromArray([0.5, -1], x[0].Device), Tensor.FromArray([0.25, 2], x[0].Device), x[1], x[2], eps: Eps).To(x[0].DType),
            x => NdArray.Generate([2, 2], i => (x[0][i] - (i[1] == 0 ? 0.5 : -1)) / Math.Sqrt((i[1] == 0 ? 0.25 : 2) + Eps) * x[1][i[1]] + x[2][i[1]]));
        yield return new(
            "InstanceNorm", [[2, 2, 3], [2]], x => InstanceNorm(x[0], weight: x[1], eps: Eps), x => Normal(x[0], i => (i[0], i[1]), i => x[1][i[1]], _ => 0));
        yield return new(
            "GroupNorm", [[1, 4, 2], [4], [4]], x => GroupNorm(x[0], 2, x[1], x[2], Eps), x => Normal(x[0], i => (i[0], i[1] / 2), i => x[1][i[1]], i => x[2][i[1]]));
        yield return new(
            "LocalResponseNorm", [[1, 4, 2]], x => LocalResponseNorm(x[0], 3, alpha: 0.6, beta: 0.5, k: 2),
            x => NdArray.Generate([1, 4, 2], i => x[0][i] / Math.Sqrt(2 + 0.2 * Enumerable.Range(-1, 3).Select(k => i[1] + k).Where(c => c is >= 0 and < 4).Sum(c => x[0][0, c, i[2]] * x[0][0, c, i[2]]))));
        yield return new(
            "Normalize", [[2, 3]], x => Normalize(x[0], p: 3, dim: 0),
            x => NdArray.Generate([2, 3], i => x[0][i] / Math.Cbrt(Enumerable.Range(0, 2).Sum(r => Math.Pow(Math.Abs(x[0][r, i[1]]), 3)))));
    }

    private static NdArray Normal(NdArray x, Func<long[], (long, long)> group, Func<long[], double> weight, Func<long[], double> bias)
    {
        var groups = NdArray.Indices(x.Shape).ToLookup(group, i => x[i]);
        return NdArray.Generate(x.Shape, i =>
        {
            double mean = groups[group(i)].Average(), variance = groups[group(i)].Average(v => (v - mean) * (v - mean));
            return (x[i] - mean) / Math.Sqrt(variance + Eps) * weight(i) + bias(i);
        });
    }
}
