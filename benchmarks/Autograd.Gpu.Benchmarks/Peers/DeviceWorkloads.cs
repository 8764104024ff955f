using static Autograd.Gpu.Benchmarks.Peers.Numbers;
using F = Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Benchmarks.Peers;

/// <summary>The workloads that <c>benchmarks/peers/pytorch.py</c> declares too. What is drawn from a generator is timed and not compared.</summary>
internal static class DeviceWorkloads
{
    private const long Million = 1 << 20;

    public static IReadOnlyList<Workload> All { get; } =
    [
        new("tutorial graph 2x2, fwd+bwd", Tutorial),
        new("tanh of 16", device => Unary(device, 16, x => x.Tanh())),
        new("tanh of 16M", device => Unary(device, 16 * Million, x => x.Tanh())),
        new("add of 16M", Add),
        new("mean(tanh(x*b+c)*exp(x)) of 16M, fwd+bwd", Chain),
        new("mean squared error of 16M, fwd+bwd", SquaredError),
        new("gelu of 16M, fwd+bwd", device => Gradient(device, x => x.Gelu(), 16 * Million)),
        new("sum of 16M", device => Unary(device, 16 * Million, x => x.Sum())),
        new("sum of 4096x4096 by rows", device => Matrix(device, x => x.Sum(1))),
        new("sum of 4096x4096 by columns", device => Matrix(device, x => x.Sum(0))),
        new("transpose copy of 4096x4096", device => Matrix(device, x => x.T.Contiguous())),
        new("cumsum of 4096x4096 by rows", device => Matrix(device, x => x.CumSum(1))),
        new("softmax of 8192x1024, fwd+bwd", device => Gradient(device, x => x.Softmax(-1), 8192, 1024)),
        new("layer norm of 8192x1024, fwd+bwd", LayerNorm),
        new("cross entropy of 8192x1024, fwd+bwd", CrossEntropy),
        new("embedding 50000x256, 8192 ids, fwd+bwd", Embedding),
        new("matmul 256", device => Product(device, 256)),
        new("matmul 1024", device => Product(device, 1024)),
        new("matmul 4096", device => Product(device, 4096)),
        new("matmul 64 x (256x256)", BatchedProduct),
        new("conv 3x3, 64x64x56x56 to 64, fwd+bwd", Convolution),
        new("attention 8x8x1024x64, causal, fwd+bwd", Attention),
        new("2-16-1 SGD step, batch 4", device => Networks.Small(device)),
        new("784-512-512-10 Adam step, batch 128", device => Networks.Mlp(device, 512, 128)),
        new("784-4096-4096-10 Adam step, batch 4096", device => Networks.Mlp(device, 4096, 4096)),
        new("GPT block 8x128x256, 8 heads, fwd+bwd", device => Networks.Block(device, 8, 128, 256, 8)),
        new("GPT block 8x1024x768, 12 heads, fwd+bwd", device => Networks.Block(device, 8, 1024, 768, 12)),
    ];

    private static Func<Tensor[]> Tutorial(Device device)
    {
        var x = Tensor.Ones([2, 2], device: device, requiresGrad: true);
        return () =>
        {
            x.Grad = null;
            var y = x + 2;
            (y * y * 3).Mean().Backward();
            return [x.Grad!];
        };
    }

    private static Func<Tensor[]> Unary(Device device, long size, Func<Tensor, Tensor> apply)
    {
        var x = Uniform(device, 1, 1, size);
        return () => [apply(x)];
    }

    private static Func<Tensor[]> Matrix(Device device, Func<Tensor, Tensor> apply)
    {
        var x = Uniform(device, 1, 1, 4096, 4096);
        return () => [apply(x)];
    }

    private static Func<Tensor[]> Add(Device device)
    {
        var (x, y) = (Uniform(device, 1, 1, 16 * Million), Uniform(device, 2, 1, 16 * Million));
        return () => [x + y];
    }

    private static Func<Tensor[]> Gradient(Device device, Func<Tensor, Tensor> apply, params long[] shape)
    {
        var x = Leaf(device, 1, 3, shape);
        var gradient = Uniform(device, 2, 1, shape);
        return () =>
        {
            var y = apply(x);
            return [y, Autodiff.Grad([y], [x], [gradient])[0]!];
        };
    }

    private static Func<Tensor[]> Chain(Device device)
    {
        var x = Leaf(device, 1, 1, 16 * Million);
        var (b, c) = (Uniform(device, 2, 1, 16 * Million), Uniform(device, 3, 1, 16 * Million));
        return () => Loss(((x * b + c).Tanh() * x.Exp()).Mean(), x);
    }

    private static Func<Tensor[]> SquaredError(Device device)
    {
        var x = Leaf(device, 1, 1, 16 * Million);
        var target = Uniform(device, 2, 1, 16 * Million);
        return () => Loss(F.MseLoss(x, target), x);
    }

    private static Func<Tensor[]> LayerNorm(Device device)
    {
        var x = Leaf(device, 1, 3, 8192, 1024);
        var (weight, bias) = (Leaf(device, 3, 1, 1024), Leaf(device, 4, 1, 1024));
        var gradient = Uniform(device, 2, 1, 8192, 1024);
        return () =>
        {
            var y = F.LayerNorm(x, [1024], weight, bias);
            var slopes = Autodiff.Grad([y], [x, weight, bias], [gradient]);
            return [y, slopes[0]!, slopes[1]!, slopes[2]!];
        };
    }

    private static Func<Tensor[]> CrossEntropy(Device device)
    {
        var logits = Leaf(device, 1, 3, 8192, 1024);
        var classes = Below(device, 2, 1024, 8192);
        return () => Loss(F.CrossEntropy(logits, classes), logits);
    }

    private static Func<Tensor[]> Embedding(Device device)
    {
        var table = Leaf(device, 1, 1, 50_000, 256);
        var ids = Below(device, 2, 50_000, 8192);
        var gradient = Uniform(device, 3, 1, 8192, 256);
        return () =>
        {
            var rows = F.Embedding(ids, table);
            return [rows, Autodiff.Grad([rows], [table], [gradient])[0]!];
        };
    }

    private static Func<Tensor[]> Product(Device device, long size)
    {
        var (a, b) = (Uniform(device, 1, 1, size, size), Uniform(device, 2, 1, size, size));
        return () => [a.MatMul(b)];
    }

    private static Func<Tensor[]> BatchedProduct(Device device)
    {
        var (a, b) = (Uniform(device, 1, 1, 64, 256, 256), Uniform(device, 2, 1, 64, 256, 256));
        return () => [a.MatMul(b)];
    }

    private static Func<Tensor[]> Convolution(Device device)
    {
        var x = Leaf(device, 1, 1, 64, 64, 56, 56);
        var weight = Leaf(device, 2, 0.1, 64, 64, 3, 3);
        var gradient = Uniform(device, 3, 1, 64, 64, 56, 56);
        return () =>
        {
            var y = F.Conv2d(x, weight, padding: 1);
            var slopes = Autodiff.Grad([y], [x, weight], [gradient]);
            return [y, slopes[0]!, slopes[1]!];
        };
    }

    private static Func<Tensor[]> Attention(Device device)
    {
        Tensor[] leaves = [.. Enumerable.Range(1, 3).Select(seed => Leaf(device, (uint)seed, 1, 8, 8, 1024, 64))];
        var gradient = Uniform(device, 4, 1, 8, 8, 1024, 64);
        return () =>
        {
            var y = F.ScaledDotProductAttention(leaves[0], leaves[1], leaves[2], isCausal: true);
            var slopes = Autodiff.Grad([y], leaves, [gradient]);
            return [y, slopes[0]!, slopes[1]!, slopes[2]!];
        };
    }

    private static Tensor[] Loss(Tensor loss, Tensor leaf) => [loss, Autodiff.Grad([loss], [leaf])[0]!];
}
