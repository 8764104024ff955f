using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Work too small to take time of its own: what each operation, node and backward pass costs.</summary>
internal static partial class Overhead
{
    public const string Tutorial = "tutorial graph 2x2, fwd+bwd";
    public const string TutorialLeaf = "tutorial graph 2x2 and its leaf, fwd+bwd";
    public const string Tanh16 = "tanh of 16";
    public const string Tanh16Grad = "tanh of 16, recorded";

    private static readonly float[] OnesData = [1, 1, 1, 1];

    public static void Add(Table table)
    {
        const string Group = "overhead";
        table.Add(new Workload(Group, Tutorial) { Peer = PeerTutorial });
        table.Add(new Workload(Group, TutorialLeaf) { Peer = PeerTutorialLeaf });
        table.Add(new Workload(Group, Tanh16) { Peer = () => PeerTanh16(recorded: false) });
        table.Add(new Workload(Group, Tanh16Grad) { Peer = () => PeerTanh16(recorded: true) });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerTutorial()
    {
        var x = Peer.Leaf(OnesData, 2, 2);
        return probe =>
        {
            using var scope = NewDisposeScope();
            x.grad = null;
            var y = x + 2;
            var z = y * y * 3;
            var result = z.mean();
            result.backward();
            var grad = x.grad;
            probe?.Take(result);
            probe?.Take(grad!);
        };
    }

    private static Step PeerTutorialLeaf() => probe =>
    {
        using var scope = NewDisposeScope();
        var x = tensor(OnesData, [2, 2], requires_grad: true);
        var y = x + 2;
        var z = y * y * 3;
        var result = z.mean();
        result.backward();
        var grad = x.grad;
        probe?.Take(result);
        probe?.Take(grad!);
    };

    private static Step PeerTanh16(bool recorded)
    {
        var x = Peer.Of(Data.Uniform(1, 16), 16).requires_grad_(recorded);
        return probe =>
        {
            using var y = x.tanh();
            probe?.Take(y);
        };
    }
}
