using TorchSharp;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Short chains, forward and backward, and Adam by itself: pointwise work that trains networks.</summary>
internal static partial class Chains
{
    public const string Gelu = "gelu of 1M, fwd+bwd";
    public const string Silu = "silu of 1M, fwd+bwd";
    public const string NormGelu = "layer norm and gelu of 1M, fwd+bwd";
    public const string Mul16M = "mul of 16M";
    public const string Adam10M = "Adam step over 10M parameters";

    private const int Side = 1024;
    private const int Million = Side * Side;
    private const int Sixteen = 16 << 20;
    private const int TenMillion = 10_000_000;
    private const double Rate = 1e-3;

    public static void Add(Table table)
    {
        const string Group = "pointwise";
        var gelu = Arithmetic.Gelu + Arithmetic.GeluGradient;

        // Forward reads one and writes one; backward reads input and cotangent and writes one.
        table.Add(new Workload(Group, Gelu) { Peer = () => PeerUnary(x => nn.functional.gelu(x)), Bytes = 20.0 * Million, Arithmetic = gelu * Million });
        table.Add(new Workload(Group, Silu) { Peer = () => PeerUnary(x => nn.functional.silu(x)), Bytes = 20.0 * Million, Arithmetic = (Arithmetic.Silu + Arithmetic.SiluGradient) * Million });
        table.Add(new Workload(Group, NormGelu) { Peer = PeerNormGelu, Bytes = 20.0 * Million, Arithmetic = gelu * Million });
        table.Add(new Workload(Group, Mul16M) { Peer = PeerMul, Bytes = 12.0 * Sixteen });
        // Reads parameter, gradient and two moments, and writes all but the gradient.
        table.Add(new Workload(Group, Adam10M) { Peer = PeerAdam, Bytes = 28.0 * TenMillion, CheckSteps = 3 });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static float[] Elements(int seed) => Data.Uniform(seed, Million, -3, 3);

    internal static Step PeerUnary(Func<torch.Tensor, torch.Tensor> apply)
    {
        var x = Peer.Leaf(Elements(1), Million);
        var g = Peer.Of(Elements(2), Million);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = apply(x);
            var slope = autograd.grad([y], [x], [g])[0];
            probe?.Take(y);
            probe?.Take(slope);
        };
    }

    private static Step PeerNormGelu()
    {
        var x = Peer.Leaf(Elements(1), Side, Side);
        var (w, b) = (Peer.Leaf(Data.Uniform(3, Side, 0.5f, 2), Side), Peer.Leaf(Data.Uniform(4, Side, -1, 1), Side));
        var g = Peer.Of(Elements(2), Side, Side);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var y = nn.functional.gelu(nn.functional.layer_norm(x, [Side], w, b));
            var slopes = autograd.grad([y], [x, w, b], [g]);
            probe?.Take(y);
            foreach (var slope in slopes)
                probe?.Take(slope);
        };
    }

    private static Step PeerMul()
    {
        var x = Peer.Of(Data.Uniform(1, Sixteen), Sixteen);
        var y = Peer.Of(Data.Uniform(2, Sixteen), Sixteen);
        return probe =>
        {
            using var z = x.mul(y);
            probe?.Take(z);
        };
    }

    /// <summary>Adam in libtorch's in-place operations, the fewest that do it; the gradient stays as it is.</summary>
    private static Step PeerAdam()
    {
        var parameter = Peer.Of(Data.Uniform(1, TenMillion), TenMillion);
        var grad = Peer.Of(Data.Uniform(2, TenMillion), TenMillion);
        var mean = zeros_like(parameter);
        var square = zeros_like(parameter);
        var scale = zeros_like(parameter);
        var step = 0;
        return probe =>
        {
            step++;
            var rate = Rate / (1 - Math.Pow(0.9, step));
            var root = Math.Sqrt(1 - Math.Pow(0.999, step));
            mean.lerp_(grad, 0.1);
            square.mul_(0.999).addcmul_(grad, grad, 0.001);
            // A scratch tensor that stays: libtorch's allocator would map fresh pages for a new one at each step.
            scale.copy_(square);
            scale.sqrt_().div_(root).add_(1e-8);
            parameter.addcdiv_(mean, scale, -rate);
            probe?.Take(parameter);
        };
    }
}
