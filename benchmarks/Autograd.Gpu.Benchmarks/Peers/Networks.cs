using Autograd.Gpu.Optim;
using static Autograd.Gpu.Benchmarks.Peers.Numbers;
using F = Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Benchmarks.Peers;

/// <summary>Training steps, and a transformer's layer, with the layers called as functions.</summary>
internal static class Networks
{
    public static Func<Tensor[]> Small(Device device)
    {
        Tensor[] parameters = [Leaf(device, 1, 0.7, 16, 2), Leaf(device, 2, 0.1, 16), Leaf(device, 3, 0.25, 1, 16), Leaf(device, 4, 0.1, 1)];
        var (x, target) = (Uniform(device, 5, 1, 4, 2), Uniform(device, 6, 1, 4, 1));
        var sgd = new Sgd(parameters, lr: 0.1);
        return () =>
        {
            sgd.ZeroGrad();
            var hidden = F.Linear(x, parameters[0], parameters[1]).Tanh();
            var loss = F.MseLoss(F.Linear(hidden, parameters[2], parameters[3]), target);
            loss.Backward();
            sgd.Step();
            return [loss, .. parameters];
        };
    }

    public static Func<Tensor[]> Mlp(Device device, long hidden, long batch)
    {
        Tensor[] parameters =
        [
            Leaf(device, 1, 1 / Math.Sqrt(784), hidden, 784), Leaf(device, 2, 0.01, hidden),
            Leaf(device, 3, 1 / Math.Sqrt(hidden), hidden, hidden), Leaf(device, 4, 0.01, hidden),
            Leaf(device, 5, 1 / Math.Sqrt(hidden), 10, hidden), Leaf(device, 6, 0.01, 10),
        ];
        var x = Uniform(device, 7, 1, batch, 784);
        var classes = Below(device, 8, 10, batch);
        var adam = new Adam(parameters, lr: 1e-4);
        return () =>
        {
            adam.ZeroGrad();
            var first = F.Linear(x, parameters[0], parameters[1]).Relu();
            var second = F.Linear(first, parameters[2], parameters[3]).Relu();
            var loss = F.CrossEntropy(F.Linear(second, parameters[4], parameters[5]), classes);
            loss.Backward();
            adam.Step();
            return [loss, .. parameters];
        };
    }

    public static Func<Tensor[]> Block(Device device, long batch, long length, long width, int heads)
    {
        var bound = 1 / Math.Sqrt(width);
        var x = Leaf(device, 1, 1, batch, length, width);
        var gradient = Uniform(device, 2, 1, batch, length, width);
        Tensor[] weights =
        [
            Leaf(device, 3, bound, 3 * width, width), Leaf(device, 4, 0.01, 3 * width),
            Leaf(device, 5, bound, width, width), Leaf(device, 6, 0.01, width),
            Leaf(device, 7, bound, 4 * width, width), Leaf(device, 8, 0.01, 4 * width),
            Leaf(device, 9, bound / 2, width, 4 * width), Leaf(device, 10, 0.01, width),
            Leaf(device, 11, 1, width), Leaf(device, 12, 0.01, width), Leaf(device, 13, 1, width), Leaf(device, 14, 0.01, width),
        ];
        Tensor[] leaves = [x, .. weights];
        return () =>
        {
            var parts = F.Linear(F.LayerNorm(x, [width], weights[8], weights[9]), weights[0], weights[1]).Chunk(3, -1);
            Tensor Cut(Tensor part) => part.Unflatten(-1, heads, width / heads).Transpose(1, 2);
            var seen = F.ScaledDotProductAttention(Cut(parts[0]), Cut(parts[1]), Cut(parts[2]), isCausal: true);
            var middle = x + F.Linear(seen.Transpose(1, 2).Flatten(2), weights[2], weights[3]);
            var wide = F.Linear(F.LayerNorm(middle, [width], weights[10], weights[11]), weights[4], weights[5]).Gelu();
            var y = middle + F.Linear(wide, weights[6], weights[7]);
            return [y, .. Autodiff.Grad([y], leaves, [gradient]).Select(slope => slope!)];
        };
    }
}
