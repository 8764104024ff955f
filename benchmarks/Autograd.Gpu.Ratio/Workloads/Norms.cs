using TorchSharp;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Classifier-sized rows, the other normalisations, and the parts of a batch normalisation, forward and backward to all inputs.</summary>
internal static partial class Norms
{
    public const string Softmax = "softmax 128x1000, fwd+bwd";
    public const string LogSoftmax = "log-softmax 128x1000, fwd+bwd";
    public const string CrossEntropy = "softmax + cross entropy 128x1000, fwd+bwd";
    public const string LayerNorm = "layer norm 128x1000, fwd+bwd";
    public const string LayerNormForward = "layer norm of 1M by rows, forward";
    public const string RmsNorm = "RMS norm of 1M by rows, fwd+bwd";
    public const string BatchNorm = "batch norm 32x64x28x28, fwd+bwd";
    public const string BatchNormForward = "batch norm 32x64x28x28, forward";
    public const string BatchNormRows = "batch norm 1024x1024, fwd+bwd";

    private const string Group = "rows";
    private const int Side = 1024;
    private const int Batch = 128;
    private const int Classes = 1000;

    private static readonly long[] Image = [32, 64, 28, 28];

    public static void Add(Table table)
    {
        const double Row = 4.0 * Batch * Classes, Matrix = 4.0 * Side * Side;
        var image = 4.0 * Image.Aggregate(1L, (a, b) => a * b);
        table.Add(new Workload(Group, Softmax) { Peer = () => PeerRows(x => nn.functional.softmax(x, 1)), Bytes = 5 * Row });
        table.Add(new Workload(Group, LogSoftmax) { Peer = () => PeerRows(x => nn.functional.log_softmax(x, 1)), Bytes = 5 * Row });
        table.Add(new Workload(Group, CrossEntropy) { Peer = PeerCrossEntropy, Bytes = 3 * Row });
        table.Add(new Workload(Group, LayerNorm) { Peer = () => PeerLayerNorm(Batch, Classes), Bytes = 5 * Row });
        table.Add(new Workload(Group, LayerNormForward) { Peer = PeerLayerNormForward, Bytes = 2 * Matrix });

        // TorchSharp has no rms_norm; these are the fewest operations that make one.
        table.Add(new Workload(Group, RmsNorm) { Peer = PeerRmsNorm, Bytes = 5 * Matrix });
        table.Add(new Workload(Group, BatchNorm) { Peer = () => PeerBatchNorm(Image, isTrained: true), Bytes = 5 * image });
        table.Add(new Workload(Group, BatchNormForward) { Peer = () => PeerBatchNorm(Image, isTrained: false), Bytes = 2 * image });
        table.Add(new Workload(Group, BatchNormRows) { Peer = () => PeerBatchNorm([Side, Side], isTrained: true), Bytes = 5 * Matrix });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static float[] Elements(int seed, long count) => Data.Uniform(seed, (int)count, -3, 3);

    private static float[] Scales(long count) => Data.Uniform(3, (int)count, 0.5f, 2);

    private static float[] Shifts(long count) => Data.Uniform(4, (int)count, -1, 1);

    private static Step PeerRows(Func<torch.Tensor, torch.Tensor> apply)
    {
        var x = Peer.Leaf(Elements(1, Batch * Classes), Batch, Classes);
        var g = Peer.Of(Elements(2, Batch * Classes), Batch, Classes);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = apply(x);
            Take(probe, y, autograd.grad([y], [x], [g]));
        };
    }

    private static Step PeerCrossEntropy()
    {
        var logits = Peer.Leaf(Elements(1, Batch * Classes), Batch, Classes);
        var labels = tensor(Data.Labels(2, Batch, Classes), [Batch]);
        return probe =>
        {
            using var scope = NewDisposeScope();
            logits.grad = null;
            var loss = nn.functional.cross_entropy(logits, labels);
            loss.backward();
            Take(probe, loss, [logits.grad!]);
        };
    }

    private static Step PeerLayerNorm(long rows, long length)
    {
        var x = Peer.Leaf(Elements(1, rows * length), rows, length);
        var (w, b) = (Peer.Leaf(Scales(length), length), Peer.Leaf(Shifts(length), length));
        var g = Peer.Of(Elements(2, rows * length), rows, length);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = nn.functional.layer_norm(x, [length], w, b);
            Take(probe, y, autograd.grad([y], [x, w, b], [g]));
        };
    }

    private static Step PeerLayerNormForward()
    {
        var x = Peer.Of(Elements(1, Side * Side), Side, Side);
        var (w, b) = (Peer.Of(Scales(Side), Side), Peer.Of(Shifts(Side), Side));
        return probe =>
        {
            using var y = nn.functional.layer_norm(x, [Side], w, b);
            probe?.Take(y);
        };
    }

    private static Step PeerRmsNorm()
    {
        var x = Peer.Leaf(Elements(1, Side * Side), Side, Side);
        var w = Peer.Leaf(Scales(Side), Side);
        var g = Peer.Of(Elements(2, Side * Side), Side, Side);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = x * (x.square().mean([-1], keepdim: true) + 1e-5).rsqrt() * w;
            Take(probe, y, autograd.grad([y], [x, w], [g]));
        };
    }

    private static Step PeerBatchNorm(long[] shape, bool isTrained)
    {
        var count = shape.Aggregate(1L, (a, b) => a * b);
        var x = Peer.Of(Elements(1, count), shape).requires_grad_(isTrained);
        var (w, b) = (Peer.Of(Scales(shape[1]), shape[1]).requires_grad_(isTrained), Peer.Of(Shifts(shape[1]), shape[1]).requires_grad_(isTrained));
        var (mean, variance) = (zeros(shape[1]), ones(shape[1]));
        var g = Peer.Of(Elements(2, count), shape);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = nn.functional.batch_norm(x, mean, variance, w, b, training: true);
            Take(probe, y, isTrained ? autograd.grad([y], [x, w, b], [g]) : []);
            probe?.Take(mean);
            probe?.Take(variance);
        };
    }

    private static void Take(Probe? probe, torch.Tensor y, IEnumerable<torch.Tensor> slopes)
    {
        probe?.Take(y);
        foreach (var slope in slopes)
            probe?.Take(slope);
    }
}
