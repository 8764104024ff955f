using static Autograd.Gpu.Nn.Functional;
using static Autograd.Gpu.Tests.Memory.Allocations;

namespace Autograd.Gpu.Tests.Memory;

/// <summary>
/// What single convolutions and poolings leave to the garbage collector: forward at most 2 KB for each operation on the tape (the bias of a convolution is two: a reshape and a sum), and with
/// the backward pass, where each has a derivative, at most twice that. A plan or a table that was made anew would take more.
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
    public void TwoKilobytesAnOperation(object call, Tensor[] leaves) => CheckCall((Func<Tensor>)call, leaves);

    private static TestCaseData Case(string name, Func<Tensor> call, params Tensor[] leaves) => new TestCaseData(call, leaves).SetName(name);

    private static Tensor Leaf(params long[] shape) => Tensor.Randn(shape, device: Device.Cpu).Materialize().RequiresGrad_();
}
