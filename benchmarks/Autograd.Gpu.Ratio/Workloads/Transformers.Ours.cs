using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class Transformers
{
    static partial void AddOurs(Table table) => table.Ours(Block, OurBlock);

    private static Step OurBlock()
    {
        static Tensor Leaf(float[] data, params long[] shape) => Tensor.FromArray(data, [.. shape], requiresGrad: true);
        var x = Leaf(Data.Uniform(1, Batch * Length * Width), Batch, Length, Width);
        var gradient = Tensor.FromArray(Data.Uniform(2, Batch * Length * Width), [Batch, Length, Width]);
        var attention = Leaf(Data.Weights(3, 3 * Width, Width), 3 * Width, Width);
        var mix = Leaf(Data.Weights(4, Width, Width), Width, Width);
        var widen = Leaf(Data.Weights(5, Hidden, Width), Hidden, Width);
        var narrow = Leaf(Data.Weights(6, Width, Hidden), Width, Hidden);
        var (attentionBias, mixBias) = (Leaf(new float[3 * Width], 3 * Width), Leaf(new float[Width], Width));
        var (widenBias, narrowBias) = (Leaf(new float[Hidden], Hidden), Leaf(new float[Width], Width));
        var (scale1, scale2) = (Leaf(Data.Uniform(7, Width, 0.5f, 1.5f), Width), Leaf(Data.Uniform(8, Width, 0.5f, 1.5f), Width));
        var (shift1, shift2) = (Leaf(new float[Width], Width), Leaf(new float[Width], Width));
        Tensor[] leaves = [x, attention, attentionBias, mix, mixBias, widen, widenBias, narrow, narrowBias, scale1, shift1, scale2, shift2];
        return probe =>
        {
            foreach (var leaf in leaves)
                leaf.Grad = null;
            var parts = F.Linear(F.LayerNorm(x, [Width], scale1, shift1), attention, attentionBias).Chunk(3, -1);
            Tensor Cut(Tensor part) => part.Unflatten(-1, Heads, Width / Heads).Transpose(1, 2);
            var heads = F.ScaledDotProductAttention(Cut(parts[0]), Cut(parts[1]), Cut(parts[2]), isCausal: true);
            var middle = x + F.Linear(heads.Transpose(1, 2).Flatten(2), mix, mixBias);
            var hidden = F.Linear(F.LayerNorm(middle, [Width], scale2, shift2), widen, widenBias).Gelu();
            var output = middle + F.Linear(hidden, narrow, narrowBias);
            output.Backward(gradient);
            output.Materialize();
            foreach (var leaf in leaves)
                leaf.Grad!.Materialize();
            probe?.Take(output);
            foreach (var leaf in leaves)
                probe?.Take(leaf.Grad!);
        };
    }
}
