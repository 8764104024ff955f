using Autograd.Gpu;
using F = Autograd.Gpu.Nn.Functional;

namespace AutogradRatio.Workloads;

internal static partial class ProductForms
{
    static partial void AddOurs(Table table)
    {
        table.Ours("matmul 128x784x512", () => OurProduct(OurMatrix(1, Rows, Inner), OurMatrix(2, Inner, Columns)));
        table.Ours("vector times matrix 4096", () => OurProduct(OurMatrix(1, Long), OurMatrix(2, Long, Long)));
        table.Ours("matrix times vector 4096", () => OurProduct(OurMatrix(1, Long, Long), OurMatrix(2, Long)));
        table.Ours("matmul 64 x (64x64)", () => OurProduct(OurMatrix(1, Stack, Stack, Stack), OurMatrix(2, Stack, Stack, Stack)));
        foreach (var n in Transposed)
        {
            table.Ours(Left(n), () => OurProduct(OurMatrix(1, n, n).T, OurMatrix(2, n, n)));
            table.Ours(Right(n), () => OurProduct(OurMatrix(1, n, n), OurMatrix(2, n, n).T));
        }

        foreach (var (m, k, n) in Layers)
        {
            table.Ours(Plain(m, k, n), () => OurLayer(m, k, n, y => y));
            table.Ours(Relu(m, k, n), () => OurLayer(m, k, n, y => y.Relu_()));
            table.Ours(Gelu(m, k, n), () => OurLayer(m, k, n, y => y.Gelu()));
        }

        foreach (var n in Doubles)
            table.Ours(Double(n), () => OurProduct(OurMatrix(1, n, n).To(DType.Float64).Materialize(), OurMatrix(2, n, n).To(DType.Float64).Materialize()));
    }

    private static Tensor OurMatrix(int seed, params long[] shape) =>
        Tensor.FromArray(Data.Uniform(seed, (int)shape.Aggregate(1L, (x, y) => x * y)), [.. shape]);

    private static Step OurProduct(Tensor a, Tensor b) => probe =>
    {
        var c = a.MatMul(b);
        c.Materialize();
        probe?.Take(c.To(DType.Float32));
    };

    private static Step OurLayer(int m, int k, int n, Func<Tensor, Tensor> activation)
    {
        var x = OurMatrix(1, m, k);
        var weight = Tensor.FromArray(Data.Weights(2, n, k), [n, k]);
        var bias = OurMatrix(3, n);
        return probe =>
        {
            var y = activation(F.Linear(x, weight, bias));
            y.Materialize();
            probe?.Take(y);
        };
    }
}
