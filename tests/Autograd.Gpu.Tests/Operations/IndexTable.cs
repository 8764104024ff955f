namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: picking and placing by index tensors, sorting.</summary>
internal static class IndexTable
{
    public static IEnumerable<Sample> Samples() => [.. Picks(), .. Places(), .. Advanced(), .. Sorts()];

    private static Tensor At(Tensor like, params long[] index) => Tensor.FromArray(index, like.Device);

    private static IEnumerable<Sample> Picks()
    {
        long[,] rows = { { 1, 0, 1 }, { 1, 1, 0 }, { 0, 0, 1 } }, part = { { 2, 0 }, { 2, 1 } };
        Tensor Rows(Tensor like) => Tensor.FromArray(rows, like.Device);
        Tensor Part(Tensor like) => Tensor.FromArray(part, like.Device);
        yield return new("Gather along 0", [[2, 3]], x => x[0].Gather(0, Rows(x[0])), x => NdArray.Generate([3, 3], i => x[0][rows[i[0], i[1]], i[1]]));
        yield return new("Gather along 1, smaller", [[3, 3]], x => x[0].Gather(-1, Part(x[0])), x => NdArray.Generate([2, 2], i => x[0][i[0], part[i[0], i[1]]]));
        yield return new("Gather of a number", [[]], x => x[0].Gather(0, At(x[0], 0, 0)), x => NdArray.Generate([2], _ => x[0].Values[0]));
        yield return new("Gather nothing", [[2, 3]], x => x[0].Gather(0, Tensor.Zeros([0, 3], DType.Int64, x[0].Device)), x => x[0].Slice(0, 0, 1, 0));
        yield return new("IndexSelect along 0", [[3, 2]], x => x[0].IndexSelect(0, At(x[0], 2, 0, 2)), x => NdArray.Generate([3, 2], i => x[0][i[0] == 1 ? 0 : 2, i[1]]));
        yield return new("IndexSelect along the last", [[2, 3, 2]], x => x[0].IndexSelect(2, At(x[0], 1, 1)), x => NdArray.Generate([2, 3, 2], i => x[0][i[0], i[1], 1]));
        yield return new("IndexSelect of a transpose", [[2, 3]], x => x[0].T.IndexSelect(0, At(x[0], 2, 2)), x => NdArray.Generate([2, 2], i => x[0][i[1], 2]));
        yield return new("TakeAlongDim", [[2, 3]], x => x[0].TakeAlongDim(Tensor.FromArray(new[,] { { 1L, 2 } }, x[0].Device), 1), x => x[0].Slice(1, 1, 1, 2));
        yield return new("Take", [[2, 3]], x => x[0].Take(Tensor.FromArray(new[,] { { 5L }, { -6 } }, x[0].Device)), x => NdArray.Generate([2, 1], i => x[0].Values[i[0] == 0 ? 5 : 0]));
        yield return new("MaskedSelect", [[2, 3]], x => x[0].MaskedSelect(Tensor.FromArray([true, false, true], x[0].Device)), x => NdArray.Generate([4], i => x[0].Values[i[0] / 2 * 3 + i[0] % 2 * 2]));
        yield return new("MaskedSelect of nothing", [[3]], x => x[0].MaskedSelect(Tensor.Zeros([3], DType.Bool, x[0].Device)), x => x[0].Slice(0, 0, 1, 0));
    }

    private static IEnumerable<Sample> Places()
    {
        long[,] unlike = { { 2, 0 }, { 0, 2 } }, alike = { { 1, 1, 0 }, { 1, 1, 0 } };
        Tensor Unlike(Tensor like) => Tensor.FromArray(unlike, like.Device);
        Tensor Alike(Tensor like) => Tensor.FromArray(alike, like.Device);
        NdArray Combined(NdArray[] x, long[,] index, Func<double, double[], double> combine) => NdArray.Generate(x[0].Shape, i =>
        {
            var come = new List<double>();
            for (int k = 0; k < index.GetLength(0); k++)
            {
                if (i[1] < index.GetLength(1) && index[k, i[1]] == i[0])
                {
                    come.Add(x[1][k, i[1]]);
                }
            }

            return combine(x[0][i], [.. come]);
        });
        yield return new("Scatter", [[3, 2], [2, 2]], x => x[0].Scatter(0, Unlike(x[0]), x[1]), x => Combined(x, unlike, (a, b) => b.Length > 0 ? b[^1] : a));
        yield return new("Scatter into a part", [[3, 3], [2, 2]], x => x[0].Scatter(0, Unlike(x[0]), x[1]), x => Combined(x, unlike, (a, b) => b.Length > 0 ? b[^1] : a));
        yield return new("Scatter of a number", [[3, 2]], x => x[0].Scatter(0, Unlike(x[0]), 7), x => Combined([x[0], NdArray.Generate([2, 2], _ => 7)], unlike, (a, b) => b.Length > 0 ? 7 : a));
        yield return new("ScatterAdd", [[2, 3], [2, 3]], x => x[0].ScatterAdd(0, Alike(x[0]), x[1]), x => Combined(x, alike, (a, b) => a + b.Sum()));
        yield return new("ScatterAdd to a part of more", [[3, 4], [4, 3]], x => x[0].ScatterAdd(0, Alike(x[0]), x[1]), x => Combined(x, alike, (a, b) => a + b.Sum()));
        foreach (bool own in new[] { true, false })
        {
            IEnumerable<double> All(double a, double[] b) => own || b.Length == 0 ? b.Prepend(a) : b;
            string with = own ? "" : ", without self";
            yield return new($"ScatterReduce Sum{with}", [[2, 3], [2, 3]], x => x[0].ScatterReduce(0, Alike(x[0]), x[1], ScatterReduction.Sum, own), x => Combined(x, alike, (a, b) => All(a, b).Sum()));
            yield return new($"ScatterReduce Mean{with}", [[2, 3], [2, 3]], x => x[0].ScatterReduce(0, Alike(x[0]), x[1], ScatterReduction.Mean, own), x => Combined(x, alike, (a, b) => All(a, b).Average()));
            yield return new($"ScatterReduce Amax{with}", [[2, 3], [2, 3]], x => x[0].ScatterReduce(0, Alike(x[0]), x[1], ScatterReduction.Amax, own), x => Combined(x, alike, (a, b) => All(a, b).Max()));
            yield return new($"ScatterReduce Amin{with}", [[2, 3], [2, 3]], x => x[0].ScatterReduce(0, Alike(x[0]), x[1], ScatterReduction.Amin, own), x => Combined(x, alike, (a, b) => All(a, b).Min()));
            yield return new(
                $"ScatterReduce Prod{with}", [[2, 3], [2, 3]], x => x[0].ScatterReduce(0, Alike(x[0]), x[1], ScatterReduction.Prod, own),
                x => Combined(x, alike, (a, b) => All(a, b).Aggregate(1.0, (p, q) => p * q)))
            { Domain = (0.5, 2) };
        }

        yield return new(
            "IndexReduce Mean", [[2, 3], [2, 2]], x => x[0].IndexReduce(1, At(x[0], 2, 2), x[1], ScatterReduction.Mean),
            x => NdArray.Generate([2, 3], i => i[1] == 2 ? (x[0][i] + x[1][i[0], 0] + x[1][i[0], 1]) / 3 : x[0][i]));
        yield return new(
            "IndexReduce Amax, without self", [[3, 2], [3, 2]], x => x[0].IndexReduce(0, At(x[0], 1, 0, 1), x[1], ScatterReduction.Amax, false),
            x => NdArray.Generate([3, 2], i => i[0] == 0 ? x[1][1, i[1]] : i[0] == 1 ? Math.Max(x[1][0, i[1]], x[1][2, i[1]]) : x[0][i]));
        yield return new(
            "IndexAdd", [[3, 2], [3, 2]], x => x[0].IndexAdd(0, At(x[0], 1, 0, 1), x[1], 2),
            x => NdArray.Generate([3, 2], i => x[0][i] + 2 * (i[0] == 0 ? x[1][1, i[1]] : i[0] == 1 ? x[1][0, i[1]] + x[1][2, i[1]] : 0)));
        yield return new("IndexAdd along the last", [[2, 2], [2, 1]], x => x[0].IndexAdd(-1, At(x[0], 1), x[1]), x => NdArray.Generate([2, 2], i => x[0][i] + (i[1] == 1 ? x[1][i[0], 0] : 0)));
        yield return new("IndexCopy", [[3, 2], [2, 2]], x => x[0].IndexCopy(0, At(x[0], 2, 0), x[1]), x => NdArray.Generate([3, 2], i => i[0] == 1 ? x[0][i] : x[1][i[0] == 2 ? 0 : 1, i[1]]));
        yield return new("IndexFill", [[2, 3], []], x => x[0].IndexFill(1, At(x[0], 0, -1), x[1]), x => NdArray.Generate([2, 3], i => i[1] == 1 ? x[0][i] : x[1].Values[0]));
        yield return new(
            "MaskedScatter", [[2, 2], [3]], x => x[0].MaskedScatter(Tensor.FromArray(new[,] { { true, false }, { false, true } }, x[0].Device), x[1]),
            x => NdArray.Generate([2, 2], i => i[0] == i[1] ? x[1][i[0]] : x[0][i]));
        yield return new(
            "IndexPut", [[3, 2], [2, 2]], x => x[0].IndexPut([At(x[0], 2, 0)], x[1]), x => NdArray.Generate([3, 2], i => i[0] == 1 ? x[0][i] : x[1][i[0] == 2 ? 0 : 1, i[1]]));
        yield return new(
            "IndexPut, accumulating", [[3, 2], [3]], x => x[0].IndexPut([At(x[0], 2, 0, -1), At(x[0], 1, 0, 1)], x[1], accumulate: true),
            x => NdArray.Generate([3, 2], i => x[0][i] + (i is [2, 1] ? x[1][0] + x[1][2] : i is [0, 0] ? x[1][1] : 0)));
        yield return new(
            "IndexPut of a column", [[2, 3], [2, 1]], x => x[0].IndexPut([null, At(x[0], 1)], x[1], accumulate: true), x => NdArray.Generate([2, 3], i => x[0][i] + (i[1] == 1 ? x[1][i[0], 0] : 0)));
    }

    private static IEnumerable<Sample> Advanced()
    {
        yield return new("x[rows]", [[3, 2]], x => x[0][At(x[0], 0, 2, 0)], x => NdArray.Generate([3, 2], i => x[0][i[0] == 1 ? 2 : 0, i[1]]));
        yield return new("x[negative]", [[3]], x => x[0][At(x[0], -1, -3)], x => NdArray.Generate([2], i => x[0][i[0] == 0 ? 2 : 0]));
        yield return new("x[matrix]", [[3, 2]], x => x[0][Tensor.FromArray(new[,] { { 0L, 1 }, { 2, 2 } }, x[0].Device)], x => NdArray.Generate([2, 2, 2], i => x[0][i[0] == 1 ? 2 : i[1], i[2]]));
        yield return new("x[rows, columns]", [[3, 3]], x => x[0][At(x[0], 0, 2), At(x[0], 1, -1)], x => NdArray.Generate([2], i => x[0][2 * i[0], 1 + i[0]]));
        yield return new("x[rows[:, None], columns]", [[3, 3]], x => x[0][At(x[0], 0, 2).Unsqueeze(1), At(x[0], 1, 0)], x => NdArray.Generate([2, 2], i => x[0][2 * i[0], 1 - i[1]]));
        yield return new("x[:, rows]", [[2, 3]], x => x[0][.., At(x[0], 2, 2, 0)], x => NdArray.Generate([2, 3], i => x[0][i[0], i[1] == 2 ? 0 : 2]));
        yield return new("x[rows, :, columns]", [[2, 2, 2]], x => x[0][At(x[0], 1, 0, 1), .., At(x[0], 0, 0, 1)], x => NdArray.Generate([3, 2], i => x[0][i[0] == 1 ? 0 : 1, i[1], i[0] == 2 ? 1 : 0]));
        yield return new("x[:, a, b]", [[2, 2, 2]], x => x[0][.., At(x[0], 1, 0), At(x[0], 0, 0)], x => NdArray.Generate([2, 2], i => x[0][i[0], 1 - i[1], 0]));
        yield return new("x[0, :, rows]", [[2, 2, 3]], x => x[0][0, .., At(x[0], 2, 0)], x => NdArray.Generate([2, 2], i => x[0][0, i[0], i[1] == 0 ? 2 : 0]));
        yield return new("x[..., None, rows]", [[2, 3]], x => x[0][TensorIndex.Ellipsis, TensorIndex.NewAxis, At(x[0], 2)], x => NdArray.Generate([2, 1, 1], i => x[0][i[0], 2]));
        yield return new("x[1:, rows]", [[3, 3]], x => x[0][1.., At(x[0], 2, 1)], x => NdArray.Generate([2, 2], i => x[0][i[0] + 1, 2 - i[1]]));
        yield return new("x[mask]", [[2, 3]], x => x[0][Tensor.FromArray(new[,] { { true, false, true }, { false, true, false } }, x[0].Device)], x => NdArray.Generate([3], i => x[0].Values[i[0] * 2]));
        yield return new("x[row mask]", [[3, 2]], x => x[0][Tensor.FromArray([true, false, true], x[0].Device)], x => NdArray.Generate([2, 2], i => x[0][2 * i[0], i[1]]));
        yield return new("x[:, mask, 0]", [[2, 3, 2]], x => x[0][.., Tensor.FromArray([false, true, true], x[0].Device), 0], x => NdArray.Generate([2, 2], i => x[0][i[0], i[1] + 1, 0]));
        yield return new("x[mask, rows]", [[3, 3]], x => x[0][Tensor.FromArray([true, false, true], x[0].Device), At(x[0], 1, 0)], x => NdArray.Generate([2], i => x[0][2 * i[0], 1 - i[0]]));
        yield return new("x[true]", [[2]], x => x[0][Tensor.Of(true, device: x[0].Device)], x => x[0].Reshape(1, 2));
        yield return new("x[rows] * x[rows]", [[3]], x => x[0][At(x[0], 0, 0, 2)] * x[0][At(x[0], 1, 0, 2)], x => NdArray.Generate([3], i => i[0] == 0 ? x[0][0] * x[0][1] : x[0][i[0] == 1 ? 0 : 2] * x[0][i[0] == 1 ? 0 : 2]));
        yield return new(
            "y[rows] = v", [[3, 2], [2]], x =>
            {
                var y = x[0] * x[1].Sum();
                y[At(y, 2, 0)] = x[1];
                return y;
            },
            x => NdArray.Generate([3, 2], i => i[0] == 1 ? (x[1][0] + x[1][1]) * x[0][i] : x[1][i[1]]));
        yield return new(
            "y[mask] = 0", [[2, 2]], x =>
            {
                var y = x[0] * 2;
                y[y.Detach() > 0] = Tensor.Of(0.0);
                return y;
            },
            x => x[0].Map(v => v > 0 ? 0 : 2 * v));
    }

    private static IEnumerable<Sample> Sorts()
    {
        foreach (var (shape, dim) in new (Shape, int)[] { ([5], 0), ([2, 3], 0), ([2, 3, 2], 1), ([1], -1) })
        {
            string where = $"{shape} along {dim}";
            yield return new($"Sort {where}", [shape], x => x[0].Sort(dim).Values, x => x[0].AlongDim(dim, v => [.. v.Order()]));
            yield return new($"Sort {where}, descending", [shape], x => x[0].Sort(dim, true).Values, x => x[0].AlongDim(dim, v => [.. v.OrderDescending()]));
            yield return new($"ArgSort {where}", [shape], x => x[0].ArgSort(dim), x => x[0].AlongDim(dim, v => [.. v.Order().Select(e => (double)Array.IndexOf(v, e))])) { IsDifferentiable = false };
            yield return new($"Median {where}", [shape], x => x[0].Median(dim).Values, x => x[0].Reduce([dim], false, v => v.Order().ElementAt((v.Length - 1) / 2)));
            yield return new($"Median {where}, kept", [shape], x => x[0].Median(dim, true).Values, x => x[0].Reduce([dim], true, v => v.Order().ElementAt((v.Length - 1) / 2)));
            yield return new($"KthValue {where}", [shape], x => x[0].KthValue(1, dim).Values, x => x[0].Reduce([dim], false, v => v.Min()));
            yield return new($"Mode {where}", [shape], x => x[0].Mode(dim).Values, x => x[0].Reduce([dim], false, v => v.Min()));
        }

        yield return new("TopK", [[2, 4]], x => x[0].TopK(2).Values, x => x[0].AlongDim(1, v => [.. v.OrderDescending()]).Slice(1, 0, 1, 2));
        yield return new("TopK of the smallest", [[4, 2]], x => x[0].TopK(3, 0, largest: false).Values, x => x[0].AlongDim(0, v => [.. v.Order()]).Slice(0, 0, 1, 3));
        yield return new("TopK of none", [[3]], x => x[0].TopK(0).Values, x => x[0].Slice(0, 0, 1, 0));
        yield return new("Median of all", [[2, 3]], x => x[0].Median(), x => x[0].Reduce([], false, v => v.Order().ElementAt(2)));
        yield return new(
            "SearchSorted", [[4], [3]], x => x[0].Sort().Values.SearchSorted(x[1]), x => x[1].Map(v => x[0].Values.Count(e => e < v)))
        { IsDifferentiable = false };
        yield return new(
            "SearchSorted, a line each", [[2, 4], [2, 2]], x => x[0].Sort().Values.SearchSorted(x[1], right: true),
            x => NdArray.Generate([2, 2], i => Enumerable.Range(0, 4).Count(k => x[0][i[0], k] <= x[1][i])))
        { IsDifferentiable = false };
        yield return new("Bucketize", [[2, 2]], x => x[0].Bucketize(Tensor.FromArray([-1.0, 0, 1], x[0].Device)), x => x[0].Map(v => v <= -1 ? 0 : v <= 0 ? 1 : v <= 1 ? 2 : 3)) { IsDifferentiable = false };
    }
}
