using Autograd.Gpu;

namespace AutogradRatio.Workloads;

internal static partial class Activations
{
    static partial void AddOurs(Table table)
    {
        Ours(table, "softplus", x => x.Softplus());
        Ours(table, "elu", x => x.Elu());
        Ours(table, "leaky relu", x => x.LeakyRelu());
        Ours(table, "mish", x => x.Mish());
        Ours(table, "hardswish", x => x.Hardswish());
        Ours(table, "log sigmoid", x => x.LogSigmoid());
        Ours(table, "selu", x => x.Selu());
        Ours(table, "softsign", x => x.Softsign());
        Ours(table, "pow 3", x => x.Pow(3));
    }

    private static void Ours(Table table, string name, Func<Tensor, Tensor> apply) => table.Ours(Name(name), () => Chains.OurUnary(apply));
}
