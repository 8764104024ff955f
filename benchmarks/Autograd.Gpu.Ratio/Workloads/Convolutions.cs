using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>Convolutions of float32 images: the output, and the gradients of the input and of the weight, each alone.</summary>
internal static partial class Convolutions
{
    private static readonly Layer[] Layers =
    [
        new("3x3, 64x32x28x28 to 64", 64, 32, 28, 64, 3, 1, 1, 1),
        new("3x3, 16x64x56x56 to 64", 16, 64, 56, 64, 3, 1, 1, 1),
        new("3x3, 16x512x7x7 to 512", 16, 512, 7, 512, 3, 1, 1, 1),
        new("3x3, 1x256x14x14 to 256", 1, 256, 14, 256, 3, 1, 1, 1),
        new("1x1, 32x64x28x28 to 128", 32, 64, 28, 128, 1, 1, 0, 1),
        new("3x3 depthwise, 32x64x28x28", 32, 64, 28, 64, 3, 1, 1, 64),
        new("3x3 stride 2, 32x64x56x56 to 128", 32, 64, 56, 128, 3, 2, 1, 1),
        new("7x7 stride 2, 8x3x224x224 to 64", 8, 3, 224, 64, 7, 2, 3, 1),
    ];

    public static void Add(Table table)
    {
        foreach (var layer in Layers)
        {
            table.Add(layer.Row("convolution", layer.Output) with { Peer = () => PeerOutput(layer) });
            table.Add(layer.Row("convolution", layer.InputGradient) with { Peer = () => PeerGradient(layer, ofInput: true) });
            table.Add(layer.Row("convolution", layer.WeightGradient) with { Peer = () => PeerGradient(layer, ofInput: false) });
        }

        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static Step PeerOutput(Layer layer)
    {
        var (x, w) = (Peer.Of(layer.Images, layer.InputSizes), Peer.Of(layer.Weights, layer.WeightSizes));
        return probe =>
        {
            using var y = layer.PeerCall(x, w);
            probe?.Take(y);
        };
    }

    private static Step PeerGradient(Layer layer, bool ofInput)
    {
        var (x, w) = (Peer.Of(layer.Images, layer.InputSizes), Peer.Of(layer.Weights, layer.WeightSizes));
        var leaf = (ofInput ? x : w).requires_grad_();
        var y = layer.PeerCall(x, w);
        var gradient = Peer.Of(layer.Gradients, layer.OutputSizes);
        return probe =>
        {
            using var scope = NewDisposeScope();
            var result = autograd.grad([y], [leaf], [gradient], retain_graph: true)[0];
            probe?.Take(result);
        };
    }

    /// <summary>A layer for square images and kernels.</summary>
    private sealed record Layer(string Name, int Batch, int Inputs, int Size, int Outputs, int Kernel, int Stride, int Padding, int Groups)
    {
        public string Output => $"conv {Name}";

        public string InputGradient => $"conv {Name}, input's gradient";

        public string WeightGradient => $"conv {Name}, weight's gradient";

        public long[] InputSizes => [Batch, Inputs, Size, Size];

        public long[] WeightSizes => [Outputs, Inputs / Groups, Kernel, Kernel];

        public long[] OutputSizes => [Batch, Outputs, OutputSize, OutputSize];

        public float[] Images => Data.Uniform(1, Count(InputSizes));

        public float[] Weights => Data.Uniform(2, Count(WeightSizes));

        public float[] Gradients => Data.Uniform(3, Count(OutputSizes));

        private int OutputSize => (Size + 2 * Padding - Kernel) / Stride + 1;

        public Workload Row(string group, string name) => new(group, name)
        {
            Peer = () => throw new InvalidOperationException(),
            Flops = 2.0 * Count(OutputSizes) * Inputs / Groups * Kernel * Kernel,
            Bytes = 4.0 * (Count(InputSizes) + Count(WeightSizes) + Count(OutputSizes)),
        };

        public Tensor PeerCall(Tensor x, Tensor w) => F.conv2d(x, w, strides: [Stride, Stride], padding: [Padding, Padding], groups: Groups);

        private static int Count(long[] sizes) => (int)sizes.Aggregate(1L, (a, b) => a * b);
    }
}
