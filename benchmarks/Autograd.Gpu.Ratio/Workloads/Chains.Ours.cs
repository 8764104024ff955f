using Autograd.Gpu;

namespace AutogradRatio.Workloads;

internal static partial class Chains
{
    static partial void AddOurs(Table table)
    {
        table.Ours(Gelu, () => OurUnary(x => x.Gelu()));
        table.Ours(Silu, () => OurUnary(x => x.Silu()));
        table.Ours(NormGelu, OurNormGelu);
        table.Ours(Mul16M, OurMul);
        table.Ours(Adam10M, OurAdam);
    }

    internal static Step OurUnary(Func<Tensor, Tensor> apply)
    {
        var x = Tensor.FromArray(Elements(1), [Million], requiresGrad: true);
        var g = Tensor.FromArray(Elements(2), [Million]);
        return probe =>
        {
            using var y = apply(x);
            y.Materialize();
            using var slope = Autodiff.Grad([y], [x], [g])[0]!;
            slope.Materialize();
            probe?.Take(y);
            probe?.Take(slope);
        };
    }

    private static Step OurNormGelu()
    {
        var x = Tensor.FromArray(Elements(1), [Side, Side], requiresGrad: true);
        var w = Tensor.FromArray(Data.Uniform(3, Side, 0.5f, 2), [Side], requiresGrad: true);
        var b = Tensor.FromArray(Data.Uniform(4, Side, -1, 1), [Side], requiresGrad: true);
        var g = Tensor.FromArray(Elements(2), [Side, Side]);
        return probe =>
        {
            // As the peer's scope does with what lies between.
            using var norm = Autograd.Gpu.Nn.Functional.LayerNorm(x, [Side], w, b);
            using var y = norm.Gelu();
            y.Materialize();
            var slopes = Autodiff.Grad([y], [x, w, b], [g]);
            foreach (var slope in slopes)
                slope!.Materialize();
            probe?.Take(y);
            foreach (var slope in slopes)
            {
                probe?.Take(slope!);
                slope!.Dispose();
            }
        };
    }

    private static Step OurMul()
    {
        var x = Tensor.FromArray(Data.Uniform(1, Sixteen), [Sixteen]);
        var y = Tensor.FromArray(Data.Uniform(2, Sixteen), [Sixteen]);
        return probe =>
        {
            var z = x * y;
            z.Materialize();
            probe?.Take(z);
        };
    }

    private static Step OurAdam()
    {
        var parameter = Tensor.FromArray(Data.Uniform(1, TenMillion), [TenMillion], requiresGrad: true);
        var grad = Tensor.FromArray(Data.Uniform(2, TenMillion), [TenMillion]);
        parameter.Grad = grad;
        var adam = new Autograd.Gpu.Optim.Adam([parameter], lr: Rate);
        return probe =>
        {
            adam.Step();
            parameter.Materialize();
            probe?.Take(parameter);
        };
    }
}
