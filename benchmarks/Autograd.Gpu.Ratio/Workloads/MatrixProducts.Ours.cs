using Autograd.Gpu;
namespace AutogradRatio.Workloads;

internal static partial class MatrixProducts
{
    static partial void AddOurs(Table table)
    {
        foreach (var n in Sizes)
            table.Ours(Name(n), () => OurProduct(n));
    }

    private static Step OurProduct(int n)
    {
        var a = Tensor.FromArray(Data.Uniform(1, n * n), [n, n]);
        var b = Tensor.FromArray(Data.Uniform(2, n * n), [n, n]);
        return probe =>
        {
            var c = a.MatMul(b);
            c.Materialize();
            probe?.Take(c);
        };
    }
}
