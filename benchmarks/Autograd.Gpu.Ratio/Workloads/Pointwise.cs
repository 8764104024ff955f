using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Pointwise operations and chains of them, bound by memory or by the arithmetic of tanh and exp.</summary>
internal static partial class Pointwise
{
    public const string TanhChain = "mean(tanh(x*b+c)*exp(x)) of 1M, fwd+bwd";
    public const string SquaredError = "mean squared error of 1M, fwd+bwd";
    public const string Add16M = "add of 16M";
    public const string AddInPlace16M = "add of 16M in place";

    private const int Million = 1 << 20;
    private const int Sixteen = 16 << 20;

    public static void Add(Table table)
    {
        const string Group = "pointwise";
        // Forward reads x, b, c; backward reads them again and writes the gradient.
        table.Add(new Workload(Group, TanhChain) { Peer = PeerTanhChain, Bytes = 28.0 * Million, Arithmetic = Arithmetic.TanhChain * Million });
        // Forward reads x and the target; backward reads them again and writes the gradient.
        table.Add(new Workload(Group, SquaredError) { Peer = PeerSquaredError, Bytes = 20.0 * Million });
        table.Add(new Workload(Group, Add16M) { Peer = PeerAdd, Bytes = 12.0 * Sixteen });
        table.Add(new Workload(Group, AddInPlace16M) { Peer = PeerAddInPlace, Bytes = 12.0 * Sixteen });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerTanhChain()
    {
        var x = Peer.Leaf(Data.Uniform(1, Million), Million);
        var b = Peer.Of(Data.Uniform(2, Million), Million);
        var c = Peer.Of(Data.Uniform(3, Million), Million);
        return probe =>
        {
            using var scope = NewDisposeScope();
            x.grad = null;
            // c + x * b in one kernel: the fastest form that libtorch offers.
            var result = (addcmul(c, x, b, 1).tanh() * x.exp()).mean();
            result.backward();
            var grad = x.grad;
            probe?.Take(result);
            probe?.Take(grad!);
        };
    }

    private static Step PeerSquaredError()
    {
        var x = Peer.Leaf(Data.Uniform(1, Million), Million);
        var target = Peer.Of(Data.Uniform(2, Million), Million);
        return probe =>
        {
            using var scope = NewDisposeScope();
            x.grad = null;
            var loss = nn.functional.mse_loss(x, target);
            loss.backward();
            var grad = x.grad;
            probe?.Take(loss);
            probe?.Take(grad!);
        };
    }

    private static Step PeerAdd()
    {
        var x = Peer.Of(Data.Uniform(1, Sixteen), Sixteen);
        var y = Peer.Of(Data.Uniform(2, Sixteen), Sixteen);
        return probe =>
        {
            using var z = x.add(y);
            probe?.Take(z);
        };
    }

    private static Step PeerAddInPlace()
    {
        var x = Peer.Of(Data.Uniform(1, Sixteen), Sixteen);
        var y = Peer.Of(Data.Uniform(2, Sixteen), Sixteen);
        return probe =>
        {
            x.add_(y); // Returns x itself.
            probe?.Take(x);
        };
    }
}
