using TorchSharp;
using Our = Autograd.Gpu.Tensor;
using Their = TorchSharp.torch.Tensor;

namespace AutogradRatio.Workloads;

/// <summary>
/// Single operations on 1M elements of float32, a line each. Both sides dispose the result, as the peer always must; rows that say so leave ours
/// to the garbage collector.
/// </summary>
internal static class SingleOperations
{
    private const int Million = 1 << 20;

    /// <summary>An operation of up to two tensors and a condition, and the range of its inputs.</summary>
    private sealed record Operation(
        string Name, Func<Their, Their, Their, Their> Peer, Func<Our, Our, Our, Our> Ours, float Low = -3, int Inputs = 1, double Bytes = 8,
        Arithmetic Arithmetic = default);

    private static readonly Operation[] Operations =
    [
        new("add", (x, y, _) => x.add(y), (x, y, _) => x + y, Inputs: 2, Bytes: 12),
        new("mul", (x, y, _) => x.mul(y), (x, y, _) => x * y, Inputs: 2, Bytes: 12),
        new("div", (x, y, _) => x.div(y), (x, y, _) => x / y, Low: 0.5f, Inputs: 2, Bytes: 12),
        new("neg", (x, _, _) => x.neg(), (x, _, _) => -x),
        new("abs", (x, _, _) => x.abs(), (x, _, _) => x.Abs()),
        new("exp", (x, _, _) => x.exp(), (x, _, _) => x.Exp(), Arithmetic: Arithmetic.Exp),
        new("log", (x, _, _) => x.log(), (x, _, _) => x.Log(), Low: 0.01f, Arithmetic: Arithmetic.Log),
        new("sqrt", (x, _, _) => x.sqrt(), (x, _, _) => x.Sqrt(), Low: 0),
        new("rsqrt", (x, _, _) => x.rsqrt(), (x, _, _) => x.Rsqrt(), Low: 0.01f),
        new("sin", (x, _, _) => x.sin(), (x, _, _) => x.Sin(), Arithmetic: Arithmetic.Sin),
        new("cos", (x, _, _) => x.cos(), (x, _, _) => x.Cos(), Arithmetic: Arithmetic.Cos),
        new("tanh", (x, _, _) => x.tanh(), (x, _, _) => x.Tanh(), Arithmetic: Arithmetic.Tanh),
        new("sigmoid", (x, _, _) => x.sigmoid(), (x, _, _) => x.Sigmoid(), Arithmetic: Arithmetic.Sigmoid),
        new("relu", (x, _, _) => x.relu(), (x, _, _) => x.Relu()),
        new("gelu", (x, _, _) => torch.nn.functional.gelu(x), (x, _, _) => x.Gelu(), Arithmetic: Arithmetic.Gelu),
        new("gelu by tanh", (x, _, _) => PeerGeluByTanh(x), (x, _, _) => x.Gelu(Autograd.Gpu.GeluApproximation.Tanh), Arithmetic: Arithmetic.GeluByTanh),
        new("silu", (x, _, _) => torch.nn.functional.silu(x), (x, _, _) => x.Silu(), Arithmetic: Arithmetic.Silu),
        new("erf", (x, _, _) => x.erf(), (x, _, _) => x.Erf(), Arithmetic: Arithmetic.Erf),
        new("pow 2.5", (x, _, _) => x.pow(2.5), (x, _, _) => x.Pow(2.5), Low: 0.01f, Arithmetic: Arithmetic.Pow),
        new("square", (x, _, _) => x.square(), (x, _, _) => x.Square()),
        new("maximum", (x, y, _) => x.maximum(y), (x, y, _) => Our.Maximum(x, y), Inputs: 2, Bytes: 12),
        new("clamp", (x, _, _) => x.clamp(-1, 1), (x, _, _) => x.Clamp(-1, 1)),
        new("where", (x, y, c) => torch.where(c, x, y), (x, y, c) => Our.Where(c, x, y), Inputs: 3, Bytes: 13),
        new("greater", (x, y, _) => x.gt(y), (x, y, _) => x > y, Inputs: 2, Bytes: 9),
    ];

    public static void Add(Table table)
    {
        foreach (var operation in Operations)
        {
            table.Add(new Workload("single", $"{operation.Name} of 1M")
            {
                Peer = () => PeerStep(operation),
                Ours = () => OurStep(operation, dispose: true),
                Bytes = operation.Bytes * Million,
                Arithmetic = operation.Arithmetic * Million,
            });
        }

        foreach (var operation in Operations.Where(o => o.Name is "add" or "exp"))
        {
            table.Add(new Workload("single", $"{operation.Name} of 1M, ours left to the collector")
            {
                Peer = () => PeerStep(operation),
                Ours = () => OurStep(operation, dispose: false),
                Bytes = operation.Bytes * Million,
                Arithmetic = operation.Arithmetic * Million,
            });
        }
    }

    private static float[] First(Operation operation) => Data.Uniform(1, Million, operation.Low, 3);

    private static float[] Second(Operation operation) => Data.Uniform(2, Million, operation.Low, 3);

    /// <summary>TorchSharp's gelu takes no approximation, so the peer is the formula in its fewest operations, in place.</summary>
    private static Their PeerGeluByTanh(Their x)
    {
        using var inner = x.pow(3);
        inner.mul_(0.044715).add_(x).mul_(0.79788456080286535588).tanh_().add_(1).mul_(0.5);
        return inner.mul(x);
    }

    private static Step PeerStep(Operation operation)
    {
        var x = Peer.Of(First(operation), Million);
        var y = Peer.Of(operation.Inputs > 1 ? Second(operation) : [0], operation.Inputs > 1 ? Million : 1);
        var c = x.gt(y);
        return probe =>
        {
            using var result = operation.Peer(x, y, c);
            probe?.Take(result.@float());
        };
    }

    private static Step OurStep(Operation operation, bool dispose)
    {
        var x = Our.FromArray(First(operation), [Million]);
        var y = Our.FromArray(operation.Inputs > 1 ? Second(operation) : [0], [operation.Inputs > 1 ? Million : 1]);
        var c = (x > y).Materialize();
        return probe =>
        {
            var result = operation.Ours(x, y, c);
            result.Materialize();
            probe?.Take(result.To(Autograd.Gpu.DType.Float32));
            if (dispose)
                result.Dispose();
        };
    }
}
