namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: products, moments, norms and running reductions.</summary>
internal static class MomentTable
{
    public static IEnumerable<Sample> Samples()
    {
        static double Product(IEnumerable<double> v) => v.Aggregate(1.0, (a, b) => a * b);
        static double Variance(double[] v, double correction) => v.Sum(e => (e - v.Average()) * (e - v.Average())) / (v.Length - correction);
        foreach (var (shape, dims, keepDim) in new (Shape, int[], bool)[] { ([2, 3], [], false), ([2, 3], [0], false), ([2, 2, 2], [0, 2], true), ([2, 2, 2], [1], false) })
        {
            string where = $"{shape} over [{string.Join(", ", dims)}]{(keepDim ? " kept" : "")}";
            yield return new($"Prod {where}", [shape], x => x[0].Prod(dims, keepDim), x => x[0].Reduce(dims, keepDim, Product));
            yield return new($"Var {where}", [shape], x => x[0].Var(dims, 1, keepDim), x => x[0].Reduce(dims, keepDim, v => Variance(v, 1)));
            yield return new($"Var {where}, biased", [shape], x => x[0].VarMean(dims, 0, keepDim).Var, x => x[0].Reduce(dims, keepDim, v => Variance(v, 0)));
            yield return new($"Std {where}", [shape], x => x[0].Std(dims, 1, keepDim), x => x[0].Reduce(dims, keepDim, v => Math.Sqrt(Variance(v, 1))));
            yield return new($"LogSumExp {where}", [shape], x => x[0].LogSumExp(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => Math.Log(v.Sum(Math.Exp))));
            foreach (double p in new[] { 1, 2, 3, 0.5, 1.5 })
            {
                yield return new(
                    $"Norm {p} of {where}", [shape], x => x[0].Norm(p, dims, keepDim),
                    x => x[0].Reduce(dims, keepDim, v => Math.Pow(v.Sum(e => Math.Pow(Math.Abs(e), p)), 1 / p)))
                { Domain = (0.5, 2) };
            }

            yield return new(
                $"Norm inf of {where}", [shape], x => x[0].Norm(double.PositiveInfinity, dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Max(Math.Abs)));
            yield return new(
                $"Norm -inf of {where}", [shape], x => x[0].Norm(double.NegativeInfinity, dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Min(Math.Abs)));
            yield return new($"NanSum {where}", [shape], x => x[0].NanSum(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Sum()));
            yield return new($"NanMean {where}", [shape], x => x[0].NanMean(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Average()));
            yield return new($"AMinMax {where}", [shape], x => x[0].AMinMax().Max - x[0].AMinMax().Min, x => x[0].Reduce([], false, v => v.Max() - v.Min()));
            yield return new($"CountNonZero {where}", [shape], x => (x[0] > 0).CountNonZero(dims, keepDim), x => x[0].Reduce(dims, keepDim, v => v.Count(e => e > 0)))
            { IsDifferentiable = false };
        }

        yield return new("Prod of a number", [[]], x => x[0].Prod(), x => x[0]);
        yield return new("Norm of negative numbers", [[3]], x => x[0].Norm(3), x => x[0].Reduce([], false, v => Math.Cbrt(v.Sum(e => Math.Abs(e * e * e))))) { Domain = (-2, -0.5) };
        foreach (var (shape, dim) in new (Shape, int)[] { ([5], 0), ([2, 3], 0), ([2, 3], -1), ([2, 3, 2], 1), ([1, 1], 0) })
        {
            string where = $"{shape} along {dim}";
            yield return new($"CumSum {where}", [shape], x => x[0].CumSum(dim), x => x[0].AlongDim(dim, v => [.. v.Select((_, i) => v[..(i + 1)].Sum())]));
            yield return new($"CumProd {where}", [shape], x => x[0].CumProd(dim), x => x[0].AlongDim(dim, v => [.. v.Select((_, i) => Product(v[..(i + 1)]))]));
            yield return new($"CumMax {where}", [shape], x => x[0].CumMax(dim).Values, x => x[0].AlongDim(dim, v => [.. v.Select((_, i) => v[..(i + 1)].Max())]));
            yield return new($"CumMin {where}", [shape], x => x[0].CumMin(dim).Values, x => x[0].AlongDim(dim, v => [.. v.Select((_, i) => v[..(i + 1)].Min())]));
            yield return new(
                $"Indices of CumMax {where}", [shape], x => x[0].CumMax(dim).Indices,
                x => x[0].AlongDim(dim, v => [.. v.Select((_, i) => (double)Array.IndexOf(v, v[..(i + 1)].Max()))]))
            { IsDifferentiable = false };
            yield return new(
                $"LogCumSumExp {where}", [shape], x => x[0].LogCumSumExp(dim), x => x[0].AlongDim(dim, v => [.. v.Select((_, i) => Math.Log(v[..(i + 1)].Sum(Math.Exp)))]));
        }
    }
}
