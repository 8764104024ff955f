using Autograd.Gpu.Kernels.Convolution;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// A convolution over one spatial dimension: input [n, in, length] or [in, length], weight [out, in / groups, kernel], bias [out].
    /// </summary>
    /// <inheritdoc cref="Conv2d"/>
    public static Tensor Conv1d(
        Tensor input, Tensor weight, Tensor? bias = null, Sizes? stride = null, ConvolutionPadding padding = default, Sizes? dilation = null, long groups = 1) =>
        Convolve("Conv1d", 1, input, weight, bias, stride, padding, dilation, groups);

    /// <summary>
    /// A convolution over two spatial dimensions (a cross-correlation, as everywhere in the field): input [n, in, height, width] or [in, height, width],
    /// weight [out, in / groups, kernel height, kernel width], bias [out]. Output place a of channel o is the sum over channels c of its group and taps k of
    /// input[c, a * stride + k * dilation - padding] * weight[o, c, k]; its sizes are (size + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded
    /// down. Half types compute in float32.
    /// </summary>
    /// <param name="input">The images.</param>
    /// <param name="weight">The kernels.</param>
    /// <param name="bias">What is added to each channel.</param>
    /// <param name="stride">From one place to the next, by default 1.</param>
    /// <param name="padding">Zeros around the input, by default none; <see cref="ConvolutionPadding.Same"/> keeps its size.</param>
    /// <param name="dilation">From one tap to the next, by default 1.</param>
    /// <param name="groups">Parts of the channels that have nothing to do with one another.</param>
    /// <exception cref="ShapeException">The shapes, or the numbers, do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors are on different devices.</exception>
    public static Tensor Conv2d(
        Tensor input, Tensor weight, Tensor? bias = null, Sizes? stride = null, ConvolutionPadding padding = default, Sizes? dilation = null, long groups = 1) =>
        Convolve("Conv2d", 2, input, weight, bias, stride, padding, dilation, groups);

    /// <summary>
    /// A convolution over three spatial dimensions: input [n, in, depth, height, width] or without n, weight [out, in / groups, three kernel sizes], bias [out].
    /// </summary>
    /// <inheritdoc cref="Conv2d"/>
    public static Tensor Conv3d(
        Tensor input, Tensor weight, Tensor? bias = null, Sizes? stride = null, ConvolutionPadding padding = default, Sizes? dilation = null, long groups = 1) =>
        Convolve("Conv3d", 3, input, weight, bias, stride, padding, dilation, groups);

    /// <summary>
    /// A transposed convolution over one spatial dimension: input [n, in, length] or [in, length], weight [in, out / groups, kernel], bias [out].
    /// </summary>
    /// <inheritdoc cref="ConvTranspose2d"/>
    public static Tensor ConvTranspose1d(
        Tensor input, Tensor weight, Tensor? bias = null, Sizes? stride = null, Sizes? padding = null, Sizes? outputPadding = null, long groups = 1, Sizes? dilation = null) =>
        ConvolveTransposed("ConvTranspose1d", 1, input, weight, bias, stride, padding, outputPadding, groups, dilation);

    /// <summary>
    /// A transposed convolution over two spatial dimensions, the gradient of <see cref="Conv2d"/> with respect to its input: input [n, in, height, width] or
    /// [in, height, width], weight [in, out / groups, kernel height, kernel width], bias [out]. The output's sizes are
    /// (size - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1. Half types compute in float32.
    /// </summary>
    /// <param name="input">The images.</param>
    /// <param name="weight">The kernels.</param>
    /// <param name="bias">What is added to each channel.</param>
    /// <param name="stride">From one input place to the next in the output, by default 1.</param>
    /// <param name="padding">What is cut from each side of the output, by default nothing.</param>
    /// <param name="outputPadding">Places added at the end of the output, smaller than stride or dilation.</param>
    /// <param name="groups">Parts of the channels that have nothing to do with one another.</param>
    /// <param name="dilation">From one tap to the next, by default 1.</param>
    /// <exception cref="ShapeException">The shapes, or the numbers, do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors are on different devices.</exception>
    public static Tensor ConvTranspose2d(
        Tensor input, Tensor weight, Tensor? bias = null, Sizes? stride = null, Sizes? padding = null, Sizes? outputPadding = null, long groups = 1, Sizes? dilation = null) =>
        ConvolveTransposed("ConvTranspose2d", 2, input, weight, bias, stride, padding, outputPadding, groups, dilation);

    /// <summary>
    /// A transposed convolution over three spatial dimensions: input [n, in, depth, height, width] or without n, weight [in, out / groups, three kernel sizes], bias [out].
    /// </summary>
    /// <inheritdoc cref="ConvTranspose2d"/>
    public static Tensor ConvTranspose3d(
        Tensor input, Tensor weight, Tensor? bias = null, Sizes? stride = null, Sizes? padding = null, Sizes? outputPadding = null, long groups = 1, Sizes? dilation = null) =>
        ConvolveTransposed("ConvTranspose3d", 3, input, weight, bias, stride, padding, outputPadding, groups, dilation);

    private static Tensor Convolve(
        string operation, int rank, Tensor input, Tensor weight, Tensor? bias, Sizes? stride, ConvolutionPadding padding, Sizes? dilation, long groups)
    {
        ConvolutionCheck.Tensors(operation, rank, input, weight, bias, groups);
        Span<ConvolutionAxis> axes = stackalloc ConvolutionAxis[rank];
        ConvolutionCheck.Axes(operation, input.Shape, weight.Shape, stride ?? 1, padding, dilation ?? 1, axes);
        ConvolutionCheck.Channels(operation, input.Shape, weight.Shape, bias?.Shape, groups, weight.Shape[1] * groups, weight.Shape[0], isTransposed: false);
        return Apply(ConvolutionKind.Output, ConvolutionGeometry.Of(axes, groups, weight.Shape[1]), rank, input, weight, bias);
    }

    private static Tensor ConvolveTransposed(
        string operation, int rank, Tensor input, Tensor weight, Tensor? bias, Sizes? stride, Sizes? padding, Sizes? outputPadding, long groups, Sizes? dilation)
    {
        ConvolutionCheck.Tensors(operation, rank, input, weight, bias, groups);
        ConvolutionCheck.Channels(operation, input.Shape, weight.Shape, bias?.Shape, groups, weight.Shape[0], weight.Shape[1] * groups, isTransposed: true);
        Span<ConvolutionAxis> axes = stackalloc ConvolutionAxis[rank];
        ConvolutionCheck.TransposedAxes(operation, input.Shape, weight.Shape, stride ?? 1, padding ?? 0, outputPadding ?? 0, dilation ?? 1, axes);
        return Apply(ConvolutionKind.Input, ConvolutionGeometry.Of(axes, groups, weight.Shape[1]), rank, input, weight, bias);
    }

    private static Tensor Apply(ConvolutionKind kind, ConvolutionGeometry geometry, int rank, Tensor input, Tensor weight, Tensor? bias)
    {
        var dtype = input.DType;
        var compute = dtype.ComputeType();
        var batch = input.Rank == rank + 2 ? input : input.Unsqueeze(0);
        var output = Convolution.Apply(kind, geometry, batch.To(compute), weight.To(compute));
        if (bias is not null)
        {
            ReadOnlySpan<long> sizes = [bias.Shape[0], 1, 1, 1];
            output += bias.To(compute).Reshape(sizes[..(rank + 1)]);
        }

        output = output.To(dtype);
        return ReferenceEquals(batch, input) ? output : output.Squeeze(0);
    }
}
