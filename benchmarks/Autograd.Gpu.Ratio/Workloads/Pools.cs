using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>Max and average pooling of float32 images, the output alone and with the gradient of the input.</summary>
internal static partial class Pools
{
    private static readonly Pool[] Layers =
    [
        new("max pool 2x2, 64x64x24x24", 64, 64, 24, 2, 2, 0, IsMax: true),
        new("max pool 3x3 stride 2, 8x64x112x112", 8, 64, 112, 3, 2, 1, IsMax: true),
        new("average pool 2x2, 64x64x24x24", 64, 64, 24, 2, 2, 0, IsMax: false),
        new("average pool 3x3 stride 2, 8x64x112x112", 8, 64, 112, 3, 2, 1, IsMax: false),
    ];

    public static void Add(Table table)
    {
        foreach (var layer in Layers)
        {
            table.Add(new Workload("pool", layer.Name) { Peer = () => PeerOutput(layer), Bytes = layer.Bytes });
            table.Add(new Workload("pool", layer.Both) { Peer = () => PeerBoth(layer), Bytes = 2 * layer.Bytes });
        }

        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerOutput(Pool layer)
    {
        var x = Peer.Of(layer.Images, layer.InputSizes);
        return probe =>
        {
            using var y = layer.PeerCall(x);
            probe?.Take(y);
        };
    }

    private static Step PeerBoth(Pool layer)
    {
        var x = Peer.Leaf(layer.Images, layer.InputSizes);
        var gradient = Peer.Of(layer.Gradients, layer.OutputSizes);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var result = autograd.grad([layer.PeerCall(x)], [x], [gradient])[0];
            probe?.Take(result);
        };
    }

    /// <summary>A layer for square images and windows.</summary>
    private sealed record Pool(string Name, int Batch, int Channels, int Size, int Kernel, int Stride, int Padding, bool IsMax)
    {
        public string Both => $"{Name}, fwd+bwd";

        public long[] InputSizes => [Batch, Channels, Size, Size];

        public long[] OutputSizes => [Batch, Channels, OutputSize, OutputSize];

        public float[] Images => Data.Uniform(1, Count(InputSizes));

        public float[] Gradients => Data.Uniform(2, Count(OutputSizes));

        public double Bytes => 4.0 * (Count(InputSizes) + Count(OutputSizes));

        private int OutputSize => (Size + 2 * Padding - Kernel) / Stride + 1;

        public Tensor PeerCall(Tensor x) => IsMax
            ? F.max_pool2d(x, [Kernel, Kernel], strides: [Stride, Stride], padding: [Padding, Padding])
            : F.avg_pool2d(x, [Kernel, Kernel], stride: [Stride, Stride], padding: [Padding, Padding]);

        private static int Count(long[] sizes) => (int)sizes.Aggregate(1L, (a, b) => a * b);
    }
}
