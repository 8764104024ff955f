using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Rows of the structural table: look-ups in tables.</summary>
internal static class LookupTable
{
    public static IEnumerable<Sample> Samples()
    {
        long[] bags = [1, 0, 1, 2], offsets = [0, 0, 3];
        Tensor At(Tensor like) => Tensor.FromArray(bags, like.Device);
        Tensor Starts(Tensor like) => Tensor.FromArray(offsets, like.Device);
        (int From, int To)[] ranges = [(0, 0), (0, 3), (3, 4)];
        NdArray Combined(NdArray x, Func<double[], double> combine) => NdArray.Generate([3, 2], i =>
            ranges[i[0]] is var (from, to) && to > from ? combine([.. bags[from..to].Select(r => x[r, i[1]])]) : 0);

        long[,] index = { { 1, 0 }, { 1, 2 } };
        yield return new("Embedding", [[3, 2]], x => Functional.Embedding(Tensor.FromArray(index, x[0].Device), x[0]), x => NdArray.Generate([2, 2, 2], i => x[0][index[i[0], i[1]], i[2]]));
        yield return new(
            "EmbeddingBag, weighted sum", [[3, 2], [4]],
            x => Functional.EmbeddingBag(At(x[0]), x[0], Starts(x[0]), EmbeddingBagMode.Sum, x[1]),
            x => NdArray.Generate([3, 2], i => Enumerable.Range(ranges[i[0]].From, ranges[i[0]].To - ranges[i[0]].From).Sum(k => x[0][bags[k], i[1]] * x[1][k])));
        yield return new("EmbeddingBag, mean", [[3, 2]], x => Functional.EmbeddingBag(At(x[0]), x[0], Starts(x[0])), x => Combined(x[0], v => v.Average()));
        yield return new("EmbeddingBag, max", [[3, 2]], x => Functional.EmbeddingBag(At(x[0]), x[0], Starts(x[0]), EmbeddingBagMode.Max), x => Combined(x[0], v => v.Max()));
        yield return new(
            "EmbeddingBag without what lies behind", [[3, 2]],
            x => Functional.EmbeddingBag(At(x[0]), x[0] * x[0], Starts(x[0]), EmbeddingBagMode.Sum, includeLastOffset: true),
            x => NdArray.Generate([2, 2], i => i[0] == 0 ? 0 : bags[..3].Sum(r => x[0][r, i[1]] * x[0][r, i[1]])));
        yield return new(
            "EmbeddingBag of a matrix, mean without padding", [[3, 2]], x => Functional.EmbeddingBag(Tensor.FromArray(index, x[0].Device), x[0], paddingIdx: 0),
            x => NdArray.Generate([2, 2], i => i[0] == 0 ? x[0][1, i[1]] : (x[0][1, i[1]] + x[0][2, i[1]]) / 2));
    }
}
