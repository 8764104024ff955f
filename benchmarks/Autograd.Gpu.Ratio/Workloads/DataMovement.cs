using TorchSharp;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Copies, look-ups, random numbers, scans and sorts of about a million elements.</summary>
internal static partial class DataMovement
{
    public const string Transpose = "transpose copy of 1024x1024";
    public const string ChannelsLast = "permute copy of 32x64x28x28 to channels last";
    public const string Heads = "permute copy of heads, 8x128x16x64";
    public const string CatFirst = "cat of 4 of 256x1024 along dim 0";
    public const string CatLast = "cat of 4 of 1024x256 along the last dim";
    public const string Flip = "flip of 1024x1024 along the last dim";
    public const string Roll = "roll of 1024x1024 along the last dim";
    public const string Repeat = "repeat 64x1024 16 times";
    public const string Tril = "tril of 1024x1024";
    public const string IndexSelect = "index_select of 4096 rows of 256";
    public const string Gather = "gather of 1024x1024 along dim 1";
    public const string MaskedSelect = "masked_select of half of 1M";
    public const string NonZero = "nonzero of 1024x1024, half";
    public const string IndexAdd = "index_add of 4096 rows of 256 to 1024";
    public const string ScatterAdd = "scatter_add of 1024x1024 along dim 1";
    public const string Embedding = "embedding 50000x256, 2048 ids, fwd";
    public const string EmbeddingGradient = "embedding 50000x256, 2048 ids, fwd+bwd";
    public const string SmallEmbedding = "embedding 1000x256, 2048 ids, fwd+bwd";
    public const string Rand = "rand of 1M";
    public const string Randn = "randn of 1M";
    public const string Dropout = "dropout of 1M, fwd+bwd";
    public const string CumSum = "cumsum of 1M";
    public const string CumSumLast = "cumsum of 1024x1024 along the last dim";
    public const string CumSumFirst = "cumsum of 1024x1024 along dim 0";
    public const string Sort = "sort of 1M";
    public const string SortRows = "sort of 1024 rows of 1024";
    public const string TopK = "topk 10 of 1M";
    public const string TopKRows = "topk 10 of 1024 rows of 1024";

    private const int Side = 1024;
    private const int Columns = 256;
    private const int Ids = 2048;
    private const int Picked = 4096;
    private const int Large = 50_000;
    private const int Small = 1000;

    public static void Add(Table table)
    {
        const string Group = "movement";
        const double Matrix = 4.0 * Side * Side;
        void Row(string name, Func<Step> peer, double bytes) => table.Add(new Workload(Group, name) { Peer = peer, Bytes = bytes });
        Row(Transpose, () => PeerOf(Square, [Side, Side], x => x.t().contiguous()), 2 * Matrix);
        Row(ChannelsLast, () => PeerOf(Image, [32, 64, 28, 28], x => x.permute(0, 2, 3, 1).contiguous()), 8.0 * 32 * 64 * 28 * 28);
        Row(Heads, () => PeerOf(Square, [8, 128, 16, 64], x => x.permute(0, 2, 1, 3).contiguous()), 2 * Matrix);
        Row(CatFirst, () => PeerCat(Side / 4, Side, 0), 2 * Matrix);
        Row(CatLast, () => PeerCat(Side, Side / 4, 1), 2 * Matrix);
        Row(Flip, () => PeerOf(Square, [Side, Side], x => x.flip(1)), 2 * Matrix);
        Row(Roll, () => PeerOf(Square, [Side, Side], x => x.roll(100, 1)), 2 * Matrix);
        Row(Repeat, () => PeerOf(Strip, [64, Side], x => x.repeat(16, 1)), Matrix + Matrix / 16);
        Row(Tril, () => PeerOf(Square, [Side, Side], x => x.tril()), 1.5 * Matrix);
        Row(IndexSelect, () => PeerIndexed(Square, [Picked, Columns], Data.Labels(2, Picked, Picked), [Picked], (x, i) => x.index_select(0, i)), 2 * Matrix + 8 * Picked);
        Row(Gather, () => PeerIndexed(Square, [Side, Side], Places, [Side, Side], (x, i) => x.gather(1, i)), 4 * Matrix);
        Row(MaskedSelect, () => PeerOf(Square, [Side * Side], x => x, (x, mask) => x.masked_select(mask)), 2.5 / 4 * Matrix + Matrix);
        Row(NonZero, () => PeerOf(Square, [Side, Side], x => x, (_, mask) => mask.nonzero()), Matrix / 4 + 2 * Matrix);
        Row(IndexAdd, () => PeerIndexed(Square, [Picked, Columns], Data.Labels(2, Picked, Side), [Picked], (x, i) => zeros(Side, Columns).index_add_(0, i, x, 1)), 1.5 * Matrix);
        Row(ScatterAdd, () => PeerIndexed(Square, [Side, Side], Places, [Side, Side], (x, i) => zeros(Side, Side).scatter_add_(1, i, x)), 4 * Matrix);
        // The same ids at each step: the rows that they name, 2 of the table's 51 MB, are in the caches, and the bandwidth of small arrays is the bound.
        Row(Embedding, () => PeerEmbedding(Large, isBackward: false), 8.0 * Ids * Columns);
        Row(EmbeddingGradient, () => PeerEmbedding(Large, isBackward: true), 8.0 * Ids * Columns + 4.0 * Large * Columns);
        Row(SmallEmbedding, () => PeerEmbedding(Small, isBackward: true), 12.0 * Ids * Columns + 4.0 * Small * Columns);
        Random(Rand, () => PeerRandom(() => rand(Side * Side)), Matrix);
        Random(Randn, () => PeerRandom(() => randn(Side * Side)), Matrix);
        Random(Dropout, PeerDropout, 4 * Matrix);
        Row(CumSum, () => PeerOf(Square, [Side * Side], x => x.cumsum(0)), 2 * Matrix);
        Row(CumSumLast, () => PeerOf(Square, [Side, Side], x => x.cumsum(1)), 2 * Matrix);
        Row(CumSumFirst, () => PeerOf(Square, [Side, Side], x => x.cumsum(0)), 2 * Matrix);
        Row(Sort, () => PeerSorted([Side * Side], x => x.sort()), 4 * Matrix);
        Row(SortRows, () => PeerSorted([Side, Side], x => x.sort()), 4 * Matrix);
        Row(TopK, () => PeerSorted([Side * Side], x => x.topk(10)), Matrix);
        Row(TopKRows, () => PeerSorted([Side, Side], x => x.topk(10)), Matrix);
        AddOurs(table);

        // What is compared are moments.
        void Random(string name, Func<Step> peer, double bytes) => table.Add(new Workload(Group, name) { Peer = peer, Bytes = bytes, Tolerance = 0.02 });
    }

    static partial void AddOurs(Table table);

    private static float[] Square() => Data.Uniform(1, Side * Side);

    private static float[] Image() => Data.Uniform(1, 32 * 64 * 28 * 28);

    private static float[] Strip() => Data.Uniform(1, 64 * Side);

    private static long[] Places => Data.Labels(2, Side * Side, Side);

    /// <summary>No two are equal, for libtorch's sort is not stable.</summary>
    private static float[] Distinct()
    {
        var random = new Random(3);
        var seen = new HashSet<float>();
        while (seen.Count < Side * Side)
            seen.Add((float)(6 * random.NextDouble() - 3));
        return [.. seen];
    }

    private static bool[] Mask() => Array.ConvertAll(Data.Uniform(5, Side * Side), x => x > 0);

    private static Step PeerOf(Func<float[]> data, long[] shape, Func<torch.Tensor, torch.Tensor> move)
    {
        var x = Peer.Of(data(), shape);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var result = move(x);
            probe?.Take(result);
        };
    }

    private static Step PeerOf(Func<float[]> data, long[] shape, Func<torch.Tensor, torch.Tensor> input, Func<torch.Tensor, torch.Tensor, torch.Tensor> move)
    {
        var x = input(Peer.Of(data(), shape));
        var mask = tensor(Mask(), shape);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var result = move(x, mask);
            probe?.Take(result.to_type(ScalarType.Float32));
        };
    }

    private static Step PeerIndexed(Func<float[]> data, long[] shape, long[] index, long[] indexShape, Func<torch.Tensor, torch.Tensor, torch.Tensor> move)
    {
        var x = Peer.Of(data(), shape);
        var places = tensor(index, indexShape).clone();
        return probe =>
        {
            using var scope = NewDisposeScope();
            var result = move(x, places);
            probe?.Take(result);
        };
    }

    private static Step PeerCat(int rows, int columns, int dim)
    {
        torch.Tensor[] parts = [.. Enumerable.Range(0, 4).Select(i => Peer.Of(Data.Uniform(i, rows * columns), rows, columns))];
        return probe =>
        {
            using var result = cat(parts, dim);
            probe?.Take(result);
        };
    }

    private static Step PeerEmbedding(int rows, bool isBackward)
    {
        var module = nn.Embedding_from_pretrained(Peer.Of(Data.Uniform(1, rows * Columns), rows, Columns), freeze: !isBackward);
        var table = module.weight;
        var ids = tensor(Data.Labels(2, Ids, rows), [Ids]);
        var g = Peer.Of(Data.Uniform(3, Ids * Columns), Ids, Columns);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = module.call(ids);
            probe?.Take(y);
            if (!isBackward)
                return;
            var slope = autograd.grad([y], [table!], [g])[0];
            probe?.Take(slope);
        };
    }

    private static Step PeerRandom(Func<torch.Tensor> draw) => probe =>
    {
        using var scope = NewDisposeScope();
        var x = draw();
        probe?.Take(x.mean() + 1);
        probe?.Take(x.var());
    };

    private static Step PeerDropout()
    {
        var x = Peer.Leaf(Square(), Side, Side);
        var g = ones(Side, Side);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = nn.functional.dropout(x, 0.1);
            var slope = autograd.grad([y], [x], [g])[0];
            probe?.Take(y.square().mean());
            probe?.Take(slope.mean());
            probe?.Take((y - x * slope).abs().max() + 1);
        };
    }

    private static Step PeerSorted(long[] shape, Func<torch.Tensor, (torch.Tensor Values, torch.Tensor Indices)> sort)
    {
        var x = Peer.Of(Distinct(), shape);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var (values, indices) = sort(x);
            probe?.Take(values);
            probe?.Take(indices.to_type(ScalarType.Float32));
        };
    }
}
