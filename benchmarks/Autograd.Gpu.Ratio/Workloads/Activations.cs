using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Activations that are compositions or single operations here, forward and backward on 1M elements; both sides dispose what they were given.</summary>
internal static partial class Activations
{
    private const int Million = 1 << 20;

    public static void Add(Table table)
    {
        Row(table, "softplus", x => nn.functional.softplus(x));
        Row(table, "elu", x => nn.functional.elu(x, 1));
        Row(table, "leaky relu", x => nn.functional.leaky_relu(x, 0.01));
        Row(table, "mish", x => nn.functional.mish(x));
        Row(table, "hardswish", x => nn.functional.hardswish(x));
        Row(table, "log sigmoid", x => nn.functional.logsigmoid(x));
        Row(table, "selu", x => nn.functional.selu(x));
        Row(table, "softsign", x => nn.functional.softsign(x));
        Row(table, "pow 3", x => x.pow(3));
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static string Name(string function) => $"{function} of 1M, fwd+bwd";

    // Forward reads one and writes one; backward reads input and cotangent and writes one.
    private static void Row(Table table, string name, Func<Tensor, Tensor> apply) =>
        table.Add(new Workload("activation", Name(name)) { Peer = () => Chains.PeerUnary(apply), Bytes = 20.0 * Million });
}
