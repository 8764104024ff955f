using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>A transformer's layer, norms first, causal, forward and backward to the input and all weights.</summary>
internal static partial class Transformers
{
    public const string Block = "GPT block 8x128x256, 8 heads, forward and backward";

    private const int Batch = 8;
    private const int Length = 128;
    private const int Width = 256;
    private const int Heads = 8;
    private const int Hidden = 4 * Width;

    public static void Add(Table table)
    {
        const double Tokens = (double)Batch * Length;
        const double Weights = 12.0 * Width * Width;

        // Each product forward, and backward to both sides; of the scores half are seen, and they are computed again backward.
        const double Scores = (double)Batch * Heads * Length * Length / 2 * (Width / Heads);
        table.Add(new Workload("transformers", Block)
        {
            Peer = PeerBlock,
            Flops = 6 * Tokens * Weights + 2 * Scores * (2 + 5),
            Tolerance = 1e-3,
            IsTrainingStep = true,
        });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerBlock()
    {
        var x = Peer.Leaf(Data.Uniform(1, Batch * Length * Width), Batch, Length, Width);
        var gradient = Peer.Of(Data.Uniform(2, Batch * Length * Width), Batch, Length, Width);
        var attention = Peer.Weight(Data.Weights(3, 3 * Width, Width), 3 * Width, Width);
        var mix = Peer.Weight(Data.Weights(4, Width, Width), Width, Width);
        var widen = Peer.Weight(Data.Weights(5, Hidden, Width), Hidden, Width);
        var narrow = Peer.Weight(Data.Weights(6, Width, Hidden), Width, Hidden);
        var (attentionBias, mixBias) = (Peer.Weight(new float[3 * Width], 3 * Width), Peer.Weight(new float[Width], Width));
        var (widenBias, narrowBias) = (Peer.Weight(new float[Hidden], Hidden), Peer.Weight(new float[Width], Width));
        var (scale1, scale2) = (Peer.Weight(Data.Uniform(7, Width, 0.5f, 1.5f), Width), Peer.Weight(Data.Uniform(8, Width, 0.5f, 1.5f), Width));
        var (shift1, shift2) = (Peer.Weight(new float[Width], Width), Peer.Weight(new float[Width], Width));
        Tensor[] leaves = [x, attention, attentionBias, mix, mixBias, widen, widenBias, narrow, narrowBias, scale1, shift1, scale2, shift2];
        return probe =>
        {
            using var scope = NewDisposeScope();
            foreach (var leaf in leaves)
                leaf.grad = null;
            var parts = F.linear(F.layer_norm(x, [Width], scale1, shift1), attention, attentionBias).chunk(3, -1);
            Tensor Cut(Tensor part) => part.view(Batch, Length, Heads, Width / Heads).transpose(1, 2);
            var heads = F.scaled_dot_product_attention(Cut(parts[0]), Cut(parts[1]), Cut(parts[2]), null, 0, true);
            var middle = x + F.linear(heads.transpose(1, 2).reshape(Batch, Length, Width), mix, mixBias);
            var hidden = F.linear(F.layer_norm(middle, [Width], scale2, shift2), widen, widenBias).gelu();
            var output = middle + F.linear(hidden, narrow, narrowBias);
            output.backward([gradient]);
            probe?.Take(output);
            foreach (var leaf in leaves)
                probe?.Take(leaf.grad!);
        };
    }
}
