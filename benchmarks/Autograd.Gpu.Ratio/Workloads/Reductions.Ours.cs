using Autograd.Gpu;

namespace AutogradRatio.Workloads;

internal static partial class Reductions
{
    private static readonly (string Name, Func<Tensor, int?, Tensor> Run)[] OurKinds =
    [
        ("sum", (x, dim) => dim is { } d ? x.Sum(d) : x.Sum()),
        ("mean", (x, dim) => dim is { } d ? x.Mean(d) : x.Mean()),
        ("amax", (x, dim) => x.Amax(dim is { } d ? [d] : [])),
        ("argmax", (x, dim) => x.ArgMax(dim)),
        ("var", (x, dim) => dim is { } d ? x.Var(d) : x.Var()),
    ];

    static partial void AddOurs(Table table)
    {
        foreach (var (kind, run) in OurKinds)
        {
            foreach (var (place, shape, dim) in Places)
            {
                table.Ours(Name(kind, place), () => OurReduction(shape, dim, run));
            }
        }
    }

    private static Step OurReduction(long[] shape, int? dim, Func<Tensor, int?, Tensor> run)
    {
        var x = Tensor.FromArray(Elements(), [.. shape]);
        return probe =>
        {
            var result = run(x, dim);
            result.Materialize();
            probe?.Take(result.To(DType.Float32));
        };
    }
}
