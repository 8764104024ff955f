using static Autograd.Gpu.Nn.Functional;
using static Autograd.Gpu.Tests.Memory.Allocations;

namespace Autograd.Gpu.Tests.Memory;

/// <summary>
/// What single operations leave to the garbage collector: convolutions and poolings forward at most 2 KB for each operation on the tape (the bias of a convolution is two: a reshape and a sum), and with
/// the backward pass, where each has a derivative, at most twice that; layers at most 2 KB in all. A plan or a table that was made anew would take more.
/// </summary>
[NonParallelizable]
internal sealed class OperationAllocationTests
{
    private static readonly Tensor s_line = Leaf(4, 6, 30), s_image = Leaf(4, 6, 9, 20), s_volume = Leaf(2, 6, 5, 6, 18), s_bias = Leaf(18);

    private static IEnumerable<TestCaseData> Convolutions()
    {
        Tensor line = Leaf(18, 6, 5), image = Leaf(18, 6, 3, 3), volume = Leaf(18, 6, 2, 3, 3);
        yield return Case("Conv1d", () => Conv1d(s_line, line, padding: 2), s_line, line);
        yield return Case("Conv2d", () => Conv2d(s_image, image), s_image, image);
        yield return Case("Conv2d, bias, stride, dilation", () => Conv2d(s_image, image, s_bias, stride: (2, 1), padding: (1, 2), dilation: 2), s_image, image, s_bias);
        yield return Case("Conv3d", () => Conv3d(s_volume, volume, padding: 1), s_volume, volume);
        Tensor pointwise = Leaf(18, 6, 1, 1), many = Leaf(64, 6, 3, 3), few = Leaf(3, 6, 3, 3), depthwise = Leaf(6, 1, 3, 3), groups = Leaf(18, 3, 3, 3);
        yield return Case("Conv2d, one tap", () => Conv2d(s_image, pointwise), s_image, pointwise);
        yield return Case("Conv2d, many channels", () => Conv2d(s_image, many, padding: 1), s_image, many);
        yield return Case("Conv2d, few channels", () => Conv2d(s_image, few, padding: Nn.ConvolutionPadding.Same), s_image, few);
        yield return Case("Conv2d, depthwise", () => Conv2d(s_image, depthwise, padding: 1, groups: 6), s_image, depthwise);
        yield return Case("Conv2d, groups", () => Conv2d(s_image, groups, padding: 1, groups: 2), s_image, groups);
        Tensor lineBack = Leaf(6, 18, 5), imageBack = Leaf(6, 18, 3, 3), volumeBack = Leaf(6, 18, 2, 3, 3);
        yield return Case("ConvTranspose1d", () => ConvTranspose1d(s_line, lineBack, stride: 2), s_line, lineBack);
        yield return Case("ConvTranspose2d", () => ConvTranspose2d(s_image, imageBack, stride: 2, padding: 1, outputPadding: 1), s_image, imageBack);
        yield return Case("ConvTranspose3d", () => ConvTranspose3d(s_volume, volumeBack), s_volume, volumeBack);
    }

    private static IEnumerable<TestCaseData> Poolings()
    {
        yield return Case("MaxPool1d", () => MaxPool1d(s_line, 2), s_line);
        yield return Case("MaxPool2d", () => MaxPool2d(s_image, 3, stride: 2, padding: 1, dilation: (1, 2)), s_image);
        yield return Case("MaxPool3d", () => MaxPool3d(s_volume, (1, 2, 2), ceilMode: true), s_volume);
        yield return Case("AvgPool1d", () => AvgPool1d(s_line, 2), s_line);
        yield return Case("AvgPool2d", () => AvgPool2d(s_image, 3, stride: 2, padding: 1, countIncludePad: false), s_image);
        yield return Case("AvgPool3d", () => AvgPool3d(s_volume, 2), s_volume);
        yield return Case("AdaptiveMaxPool2d", () => AdaptiveMaxPool2d(s_image, (2, 7)), s_image);
        yield return Case("AdaptiveAvgPool1d", () => AdaptiveAvgPool1d(s_line, 7), s_line);
        yield return Case("AdaptiveAvgPool2d", () => AdaptiveAvgPool2d(s_image, (2, 7)), s_image);
        yield return Case("AdaptiveAvgPool3d to one", () => AdaptiveAvgPool3d(s_volume, 1), s_volume);
        yield return Case("Interpolate", () => Interpolate(s_image, size: (12, 13), mode: Nn.InterpolationMode.Bilinear), s_image);

        // Tables of these would be large objects if they were made at each call.
        var wide = Leaf(1, 1, 24_000);
        yield return Case("AvgPool1d, long", () => AvgPool1d(wide, 2), wide);
        yield return Case("MaxPool1d, long", () => MaxPool1d(wide, 2), wide);
    }

    [TestCaseSource(nameof(Convolutions))]
    [TestCaseSource(nameof(Poolings))]
    public void TwoKilobytesAnOperation(object call, Tensor[] leaves) => CheckCall((Func<Tensor>)call, BytesPerOperation, 2 * BytesPerOperation, leaves);

    // Forward and backward together within 2 KB a node. Where one node makes three gradients, each takes a tensor, its storage, its layout and its block, some 300 bytes.
    private static IEnumerable<TestCaseData> Layers()
    {
        Tensor rows = Leaf(16, 32), weight = Leaf(24, 32), bias = Leaf(24), scale = Leaf(32), shift = Leaf(32);
        yield return Case("Linear", () => Linear(rows, weight), rows, weight);
        yield return Case("Linear, bias", () => Linear(rows, weight, bias), rows, weight, bias);
        yield return Case("LayerNorm", () => LayerNorm(rows, [32], scale, shift), rows, scale, shift);
        yield return Case("LayerNorm, plain", () => LayerNorm(rows, [32]), rows);
        yield return Case("RmsNorm", () => RmsNorm(rows, [32], scale), rows, scale);
        yield return Case("Softmax", () => Softmax(rows, 1), rows);
        var (table, ids) = (Leaf(50, 32), Tensor.Arange(16, device: Device.Cpu));
        yield return Case("Embedding", () => Embedding(ids, table), table);
        yield return Case("CrossEntropy", () => CrossEntropy(rows, ids), rows);
        Tensor channels = Leaf(6), offsets = Leaf(6), mean = Tensor.Zeros([6], device: Device.Cpu), variance = Tensor.Ones([6], device: Device.Cpu);
        yield return Case("BatchNorm", () => BatchNorm(s_image, mean, variance, channels, offsets, training: true), s_image, channels, offsets);
        yield return Case("GroupNorm", () => GroupNorm(s_image, 2, channels, offsets), s_image, channels, offsets);
    }

    // One node each, for three gradients beside what is kept, or for a formula whose parts are values that wait.
    private static IEnumerable<TestCaseData> LayersOfMore()
    {
        Tensor batch = Leaf(4, 8, 32), weight = Leaf(24, 32), bias = Leaf(24), query = Leaf(2, 2, 16, 16), key = Leaf(2, 2, 16, 16), value = Leaf(2, 2, 16, 16);
        yield return Case("Linear, bias, of a batch", () => Linear(batch, weight, bias), batch, weight, bias);
        yield return Case("Attention", () => ScaledDotProductAttention(query, key, value, isCausal: true), query, key, value);
        yield return Case("GroupNorm, plain", () => GroupNorm(s_image, 2), s_image);
        yield return Case("InstanceNorm, plain", () => InstanceNorm(s_image), s_image);
    }

    [TestCaseSource(nameof(Layers))]
    public void TwoKilobytesWithTheDerivative(object call, Tensor[] leaves) => CheckCall((Func<Tensor>)call, BytesPerOperation, BytesPerOperation, leaves);

    [TestCaseSource(nameof(LayersOfMore))]
    public void TwoKilobytesForwardAndForTheDerivative(object call, Tensor[] leaves) =>
        CheckCall((Func<Tensor>)call, 2 * BytesPerOperation, 2 * BytesPerOperation, leaves);

    private static TestCaseData Case(string name, Func<Tensor> call, params Tensor[] leaves) => new TestCaseData(call, leaves).SetName(name);

    private static Tensor Leaf(params long[] shape) => Tensor.Randn(shape, device: Device.Cpu).Materialize().RequiresGrad_();
}
