using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class DataMovement
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Transpose, () => OurOf(Square, [Side, Side], x => x.Transpose(0, 1).Contiguous()));
        table.Ours(ChannelsLast, () => OurOf(Image, [32, 64, 28, 28], x => x.Permute(0, 2, 3, 1).Contiguous()));
        table.Ours(Heads, () => OurOf(Square, [8, 128, 16, 64], x => x.Permute(0, 2, 1, 3).Contiguous()));
        table.Ours(CatFirst, () => OurCat(Side / 4, Side, 0));
        table.Ours(CatLast, () => OurCat(Side, Side / 4, 1));
        table.Ours(Flip, () => OurOf(Square, [Side, Side], x => x.Flip(1)));
        table.Ours(Roll, () => OurOf(Square, [Side, Side], x => x.Roll(100, 1)));
        table.Ours(Repeat, () => OurOf(Strip, [64, Side], x => x.Repeat(16, 1)));
        table.Ours(Tril, () => OurOf(Square, [Side, Side], x => x.Tril()));
        table.Ours(IndexSelect, () => OurIndexed(Square, [Picked, Columns], Data.Labels(2, Picked, Picked), [Picked], (x, i) => x.IndexSelect(0, i)));
        table.Ours(Gather, () => OurIndexed(Square, [Side, Side], Places, [Side, Side], (x, i) => x.Gather(1, i)));
        table.Ours(MaskedSelect, () => OurMasked([Side * Side], (x, mask) => x.MaskedSelect(mask)));
        table.Ours(NonZero, () => OurMasked([Side, Side], (_, mask) => mask.NonZero()));
        table.Ours(IndexAdd, () => OurIndexed(Square, [Picked, Columns], Data.Labels(2, Picked, Side), [Picked], (x, i) => Tensor.Zeros([Side, Columns]).IndexAdd(0, i, x)));
        table.Ours(ScatterAdd, () => OurIndexed(Square, [Side, Side], Places, [Side, Side], (x, i) => Tensor.Zeros([Side, Side]).ScatterAdd(1, i, x)));
        table.Ours(Embedding, () => OurEmbedding(Large, isBackward: false));
        table.Ours(EmbeddingGradient, () => OurEmbedding(Large, isBackward: true));
        table.Ours(SmallEmbedding, () => OurEmbedding(Small, isBackward: true));
        table.Ours(Rand, () => OurRandom(() => Tensor.Rand([Side * Side])));
        table.Ours(Randn, () => OurRandom(() => Tensor.Randn([Side * Side])));
        table.Ours(Dropout, OurDropout);
        table.Ours(CumSum, () => OurOf(Square, [Side * Side], x => x.CumSum(0)));
        table.Ours(CumSumLast, () => OurOf(Square, [Side, Side], x => x.CumSum(1)));
        table.Ours(CumSumFirst, () => OurOf(Square, [Side, Side], x => x.CumSum(0)));
        table.Ours(Sort, () => OurSorted([Side * Side], x => x.Sort()));
        table.Ours(SortRows, () => OurSorted([Side, Side], x => x.Sort()));
        table.Ours(TopK, () => OurSorted([Side * Side], x => x.TopK(10)));
        table.Ours(TopKRows, () => OurSorted([Side, Side], x => x.TopK(10)));
    }

    private static Step OurOf(Func<float[]> data, Shape shape, Func<Tensor, Tensor> move)
    {
        var x = Tensor.FromArray(data(), shape);
        return probe => Done(move(x), probe);
    }

    private static Step OurMasked(Shape shape, Func<Tensor, Tensor, Tensor> move)
    {
        var x = Tensor.FromArray(Square(), shape);
        var mask = Tensor.FromArray(Mask(), shape);
        return probe => Done(move(x, mask), probe);
    }

    private static Step OurIndexed(Func<float[]> data, Shape shape, long[] index, Shape indexShape, Func<Tensor, Tensor, Tensor> move)
    {
        var x = Tensor.FromArray(data(), shape);
        var places = Tensor.FromArray(index, indexShape);
        return probe => Done(move(x, places), probe);
    }

    private static Step OurCat(int rows, int columns, int dim)
    {
        Tensor[] parts = [.. Enumerable.Range(0, 4).Select(i => Tensor.FromArray(Data.Uniform(i, rows * columns), [rows, columns]))];
        return probe => Done(Tensor.Cat(parts, dim), probe);
    }

    private static Step OurEmbedding(int rows, bool isBackward)
    {
        var table = Tensor.FromArray(Data.Uniform(1, rows * Columns), [rows, Columns], requiresGrad: isBackward);
        var ids = Tensor.FromArray(Data.Labels(2, Ids, rows), [Ids]);
        var g = Tensor.FromArray(Data.Uniform(3, Ids * Columns), [Ids, Columns]);
        return probe =>
        {
            var y = F.Embedding(ids, table);
            y.Materialize();
            if (isBackward)
            {
                var slope = Autodiff.Grad([y], [table], [g])[0]!;
                Done(y, probe);
                Done(slope, probe);
            }
            else
            {
                Done(y, probe);
            }
        };
    }

    private static Step OurRandom(Func<Tensor> draw) => probe =>
    {
        using var x = draw();
        x.Materialize();
        probe?.Take(x.Mean() + 1);
        probe?.Take(x.Var());
    };

    private static Step OurDropout()
    {
        var x = Tensor.FromArray(Square(), [Side, Side], requiresGrad: true);
        var g = Tensor.Ones([Side, Side]).Materialize();
        return probe =>
        {
            using var y = F.Dropout(x, 0.1);
            using var slope = Autodiff.Grad([y], [x], [g])[0]!;
            y.Materialize();
            slope.Materialize();
            probe?.Take(y.Square().Mean());
            probe?.Take(slope.Mean());
            probe?.Take((y - x * slope).Abs().Max() + 1);
        };
    }

    private static Step OurSorted(Shape shape, Func<Tensor, (Tensor Values, Tensor Indices)> sort)
    {
        var x = Tensor.FromArray(Distinct(), shape);
        return probe =>
        {
            var (values, indices) = sort(x);
            Done(values, probe);
            Done(indices, probe);
        };
    }

    // Given back at once, as the peer's are: what a copy costs is its memory.
    private static void Done(Tensor result, Probe? probe)
    {
        result.Materialize();
        probe?.Take(result.To(DType.Float32));
        result.Dispose();
    }
}
