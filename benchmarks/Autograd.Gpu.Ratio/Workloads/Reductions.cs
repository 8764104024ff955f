using TorchSharp;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Sums of a 1024 x 1024 matrix, and the row-wise operations that end a classifier.</summary>
internal static partial class Reductions
{
    public const string Sum = "sum of 1M";
    public const string SumRows = "sum of 1M by rows";
    public const string SumColumns = "sum of 1M by columns";
    public const string CrossEntropy = "softmax + cross entropy 128x1000, fwd+bwd";

    private const int Side = 1024;
    private const int Batch = 128;
    private const int Classes = 1000;

    public static void Add(Table table)
    {
        const string Group = "reductions";
        const double Bytes = 4.0 * Side * Side;
        table.Add(new Workload(Group, Sum) { Peer = () => PeerSum(x => x.sum()), Bytes = Bytes });
        // 0L: a literal 0 would choose the overload that takes an element type.
        table.Add(new Workload(Group, SumRows) { Peer = () => PeerSum(x => x.sum(1L)), Bytes = Bytes });
        table.Add(new Workload(Group, SumColumns) { Peer = () => PeerSum(x => x.sum(0L)), Bytes = Bytes });
        // Forward reads the logits; backward reads them again and writes the gradient.
        table.Add(new Workload(Group, CrossEntropy) { Peer = PeerCrossEntropy, Bytes = 12.0 * Batch * Classes });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static float[] Positive() => Data.Uniform(1, Side * Side, 0, 1);

    private static Step PeerSum(Func<torch.Tensor, torch.Tensor> sum)
    {
        var x = Peer.Of(Positive(), Side, Side);
        return probe =>
        {
            using var result = sum(x);
            probe?.Take(result);
        };
    }

    private static Step PeerCrossEntropy()
    {
        var logits = Peer.Leaf(Data.Uniform(1, Batch * Classes, -3, 3), Batch, Classes);
        var labels = tensor(Data.Labels(2, Batch, Classes), [Batch]);
        return probe =>
        {
            using var scope = NewDisposeScope();
            logits.grad = null;
            var loss = nn.functional.cross_entropy(logits, labels);
            loss.backward();
            var grad = logits.grad;
            probe?.Take(loss);
            probe?.Take(grad!);
        };
    }
}
