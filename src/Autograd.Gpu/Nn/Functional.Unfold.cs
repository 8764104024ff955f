using Autograd.Gpu.Kernels.Convolution;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// The patches that a kernel sees of images [n, c, height, width] or [c, height, width], each as a column: [n, c * taps, patches]. A convolution is the
    /// product of its weight with this matrix. Half types compute in float32.
    /// </summary>
    /// <exception cref="ShapeException">The shapes, or the numbers, do not fit, or there is no patch.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Unfold(Tensor input, Sizes kernelSize, Sizes? dilation = null, Sizes? padding = null, Sizes? stride = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckPatches("Unfold", input);
        if (input.Rank is not (3 or 4) || input.Shape.AsSpan()[^3..].Contains(0))
        {
            throw new ShapeException(
                "Unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
                + $"but got: {input.Shape}. Reshape it.");
        }

        var (height, width) = PatchAxes("Unfold", input.Shape[-2], input.Shape[-1], kernelSize, dilation ?? 1, padding ?? 0, stride ?? 1);
        if (height.Output < 1 || width.Output < 1)
        {
            throw new ShapeException(
                $"Unfold: Given input with spatial size ({input.Shape[-2]}, {input.Shape[-1]}), kernel_size={kernelSize}, dilation={dilation ?? 1}, padding={padding ?? 0}, "
                + $"calculated shape of the array of sliding blocks as ({height.Output}, {width.Output}), but its components must be at least one.");
        }

        return ApplyPatches(false, height, width, input, 4);
    }

    /// <summary>
    /// Images [n, c, height, width] from patches [n, c * taps, patches] or [c * taps, patches]: what several patches have at a place is added up. The gradient of
    /// <see cref="Unfold"/>. Half types compute in float32.
    /// </summary>
    /// <exception cref="ShapeException">The shapes, or the numbers, do not fit.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Fold(Tensor input, Sizes outputSize, Sizes kernelSize, Sizes? dilation = null, Sizes? padding = null, Sizes? stride = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckPatches("Fold", input);
        if (input.Rank is not (2 or 3) || input.Shape.AsSpan()[^2..].Contains(0))
        {
            throw new ShapeException(
                "Fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, "
                + $"but got: {input.Shape}. Reshape it.");
        }

        Span<long> size = stackalloc long[2];
        ConvolutionCheck.Positive("Fold", "output_size", outputSize, size);
        var (height, width) = PatchAxes("Fold", size[0], size[1], kernelSize, dilation ?? 1, padding ?? 0, stride ?? 1);
        long taps = (long)height.Kernel * width.Kernel;
        if (input.Shape[-2] % taps != 0)
        {
            throw new ShapeException(
                "Fold: Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
                + $"but got input.size(1)={input.Shape[-2]} and kernel_size={kernelSize}.");
        }

        if (height.Output < 1 || width.Output < 1 || (long)height.Output * width.Output != input.Shape[-1])
        {
            throw new ShapeException(
                $"Fold: Given output_size={outputSize}, kernel_size={kernelSize}, dilation={dilation ?? 1}, padding={padding ?? 0}, stride={stride ?? 1}, expected size of input's "
                + $"dimension 2 to match the calculated number of sliding blocks {height.Output} * {width.Output} = {(long)height.Output * width.Output}, "
                + $"but got input.size(2)={input.Shape[-1]}.");
        }

        return ApplyPatches(true, height, width, input, 3);
    }

    private static void CheckPatches(string operation, Tensor input)
    {
        if (!input.DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: not implemented for {input.DType.Name()}. Convert the input with To(DType.Float32).");
        }
    }

    private static (ConvolutionAxis Height, ConvolutionAxis Width) PatchAxes(
        string operation, long height, long width, Sizes kernelSize, Sizes dilation, Sizes padding, Sizes stride)
    {
        Span<long> kernel = stackalloc long[2], step = stackalloc long[2], apart = stackalloc long[2], zeros = stackalloc long[2];
        ConvolutionCheck.Positive(operation, "kernel_size", kernelSize, kernel);
        ConvolutionCheck.Positive(operation, "stride", stride, step);
        ConvolutionCheck.Positive(operation, "dilation", dilation, apart);
        padding.For(operation, "padding", zeros);
        ConvolutionCheck.NotNegative(operation, "padding", zeros);
        return (Axis(height, kernel[0], step[0], zeros[0], apart[0]), Axis(width, kernel[1], step[1], zeros[1], apart[1]));

        static ConvolutionAxis Axis(long size, long kernel, long step, long zeros, long apart)
        {
            long room = size + 2 * zeros - apart * (kernel - 1) - 1;
            return ConvolutionCheck.Axis(size, kernel, room < 0 ? 0 : room / step + 1, step, zeros, apart);
        }
    }

    private static Tensor ApplyPatches(bool folds, ConvolutionAxis height, ConvolutionAxis width, Tensor input, int rank)
    {
        var batch = input.Rank == rank ? input : input.Unsqueeze(0);
        var result = Structural.Apply(new FoldedPatches(folds, height, width), batch.To(input.DType.ComputeType())).To(input.DType);
        return ReferenceEquals(batch, input) ? result : result.Squeeze(0);
    }
}
