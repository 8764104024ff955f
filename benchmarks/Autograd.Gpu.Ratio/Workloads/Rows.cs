using TorchSharp;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Operations along the rows of a 1024 x 1024 matrix, forward and backward.</summary>
internal static partial class Rows
{
    public const string Softmax = "softmax of 1M by rows, fwd+bwd";
    public const string LogSoftmax = "log-softmax of 1M by rows, fwd+bwd";
    public const string LayerNorm = "layer norm of 1M by rows, fwd+bwd";
    public const string CrossEntropy = "cross entropy 1024x1024, fwd+bwd";

    private const int Side = 1024;

    public static void Add(Table table)
    {
        const string Group = "rows";

        // Forward reads one matrix and writes one, backward reads two and writes one; of a layer norm the gradient of the weight reads two more, that of the bias one.
        const double Matrix = 4.0 * Side * Side;
        table.Add(new Workload(Group, Softmax) { Peer = () => PeerRows(x => nn.functional.softmax(x, 1)), Bytes = 5 * Matrix });
        table.Add(new Workload(Group, LogSoftmax) { Peer = () => PeerRows(x => nn.functional.log_softmax(x, 1)), Bytes = 5 * Matrix });
        table.Add(new Workload(Group, LayerNorm) { Peer = PeerLayerNorm, Bytes = 5 * Matrix });
        table.Add(new Workload(Group, CrossEntropy) { Peer = PeerCrossEntropy, Bytes = 3 * Matrix });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static float[] Elements(int seed) => Data.Uniform(seed, Side * Side, -3, 3);

    private static Step PeerRows(Func<torch.Tensor, torch.Tensor> apply)
    {
        var x = Peer.Leaf(Elements(1), Side, Side);
        var g = Peer.Of(Elements(2), Side, Side);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = apply(x);
            var slope = autograd.grad([y], [x], [g])[0];
            probe?.Take(y);
            probe?.Take(slope);
        };
    }

    private static Step PeerLayerNorm()
    {
        var x = Peer.Leaf(Elements(1), Side, Side);
        var (w, b) = (Peer.Leaf(Data.Uniform(3, Side, 0.5f, 2), Side), Peer.Leaf(Data.Uniform(4, Side, -1, 1), Side));
        var g = Peer.Of(Elements(2), Side, Side);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = nn.functional.layer_norm(x, [Side], w, b);
            var slopes = autograd.grad([y], [x, w, b], [g]);
            probe?.Take(y);
            foreach (var slope in slopes)
                probe?.Take(slope);
        };
    }

    private static Step PeerCrossEntropy()
    {
        var logits = Peer.Leaf(Elements(1), Side, Side);
        var labels = tensor(Data.Labels(2, Side, Side), [Side]);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var loss = nn.functional.cross_entropy(logits, labels);
            var slope = autograd.grad([loss], [logits])[0];
            probe?.Take(loss);
            probe?.Take(slope);
        };
    }
}
