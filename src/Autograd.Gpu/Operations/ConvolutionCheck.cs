using Autograd.Gpu.Kernels.Convolution;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Operations;

/// <summary>What convolutions refuse, in PyTorch's words, and the sizes that they lead to.</summary>
internal static class ConvolutionCheck
{
    /// <summary>Devices, dtypes, numbers of dimensions and of groups.</summary>
    public static void Tensors(string operation, int rank, Tensor input, Tensor weight, Tensor? bias, long groups)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(weight);
        ReadOnlySpan<Tensor> others = [weight, bias ?? weight];
        foreach (var other in others)
        {
            if (other.Device != input.Device)
            {
                throw new DeviceMismatchException(
                    $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {input.Device} and {other.Device}. Move one with To(device).");
            }

            if (other.DType != input.DType)
            {
                throw new DTypeException(
                    $"{operation}: Input type ({input.DType.Name()}) and {(ReferenceEquals(other, weight) ? "weight" : "bias")} type ({other.DType.Name()}) should be the same. "
                    + "Convert one with To(dtype).");
            }
        }

        if (!input.DType.IsFloatingPoint())
        {
            throw new DTypeException($"{operation}: not implemented for {input.DType.Name()}. Convert the tensors with To(DType.Float32).");
        }

        if (groups <= 0)
        {
            throw new ShapeException($"{operation}: non-positive groups is not supported, but got groups={groups}.");
        }

        if (weight.Rank != rank + 2)
        {
            throw new ShapeException($"{operation}: expected a weight of {rank + 2} dimensions, but got weight of size {weight.Shape}. Reshape it.");
        }

        if (input.Rank != rank + 2 && input.Rank != rank + 1)
        {
            throw new ShapeException(
                $"{operation}: Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input, but got input of size: {input.Shape}. Reshape it.");
        }
    }

    /// <summary>Channels and groups.</summary>
    public static void Channels(
        string operation, Shape input, Shape weight, Shape? bias, long groups, long inputChannels, long outputChannels, bool isTransposed)
    {
        if (weight[0] < groups)
        {
            throw new ShapeException(
                $"{operation}: Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {weight} instead.");
        }

        if (weight[0] % groups != 0)
        {
            throw new ShapeException(
                $"{operation}: Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size {weight} instead.");
        }

        long channels = input[-(weight.Rank - 1)];
        if (channels != inputChannels)
        {
            throw new ShapeException(
                $"{operation}: Given {(isTransposed ? "transposed=1" : $"groups={groups}")}, weight of size {weight}, expected input{input} to have {inputChannels} channels, "
                + $"but got {channels} channels instead.");
        }

        if (bias is { } b && (b.Rank != 1 || b[0] != outputChannels))
        {
            throw new ShapeException(
                $"{operation}: Given weight of size {weight}, expected bias to be 1-dimensional with {outputChannels} elements, but got bias of size {b} instead.");
        }
    }

    /// <summary>The spatial dimensions of a convolution: as many as there is room for in <paramref name="axes"/>.</summary>
    public static void Axes(
        string operation, Shape input, Shape weight, Sizes stride, ConvolutionPadding padding, Sizes dilation, Span<ConvolutionAxis> axes)
    {
        int rank = axes.Length;
        Span<long> strides = stackalloc long[rank], dilations = stackalloc long[rank], before = stackalloc long[rank], after = stackalloc long[rank];
        Positive(operation, "stride", stride, strides);
        Positive(operation, "dilation", dilation, dilations);
        if (padding.IsSame)
        {
            if (strides.ContainsAnyExcept(1))
            {
                throw new ShapeException($"{operation}: padding='same' is not supported for strided convolutions, but got stride {stride}. Give the padding in numbers.");
            }

            for (int d = 0; d < rank; d++)
            {
                long total = dilations[d] * (weight[2 + d] - 1);
                (before[d], after[d]) = (total / 2, total - total / 2);
            }
        }
        else
        {
            padding.For(operation, before);
            NotNegative(operation, "padding", before);
            before.CopyTo(after);
        }

        Span<long> padded = stackalloc long[rank], kernel = stackalloc long[rank];
        for (int d = 0; d < rank; d++)
        {
            padded[d] = input[d - rank] + before[d] + after[d];
            kernel[d] = weight[2 + d] == 0 ? 0 : dilations[d] * (weight[2 + d] - 1) + 1;
        }

        for (int d = 0; d < rank; d++)
        {
            if (kernel[d] == 0)
            {
                throw new ShapeException($"{operation}: kernel sizes must be positive, but got weight of size {weight}.");
            }

            if (kernel[d] > padded[d])
            {
                throw new ShapeException(
                    $"{operation}: Calculated padded input size per channel: ({string.Join(" x ", padded.ToArray())}). Kernel size: ({string.Join(" x ", kernel.ToArray())}). "
                    + "Kernel size can't be greater than actual input size.");
            }

            axes[d] = Axis(input[d - rank], weight[2 + d], (padded[d] - kernel[d]) / strides[d] + 1, strides[d], before[d], dilations[d]);
        }
    }

    /// <summary>The spatial dimensions of the convolution whose transpose is computed: its input is the result.</summary>
    public static void TransposedAxes(
        string operation, Shape input, Shape weight, Sizes stride, Sizes padding, Sizes outputPadding, Sizes dilation, Span<ConvolutionAxis> axes)
    {
        int rank = axes.Length;
        Span<long> strides = stackalloc long[rank], dilations = stackalloc long[rank], cut = stackalloc long[rank], added = stackalloc long[rank];
        Positive(operation, "stride", stride, strides);
        Positive(operation, "dilation", dilation, dilations);
        padding.For(operation, "padding", cut);
        NotNegative(operation, "padding", cut);
        outputPadding.For(operation, "output_padding", added);
        NotNegative(operation, "output_padding", added);
        Span<long> sizes = stackalloc long[rank];
        for (int d = 0; d < rank; d++)
        {
            if (weight[2 + d] == 0)
            {
                throw new ShapeException($"{operation}: kernel sizes must be positive, but got weight of size {weight}.");
            }

            if (added[d] >= Math.Max(strides[d], dilations[d]))
            {
                throw new ShapeException(
                    $"{operation}: output padding must be smaller than either stride or dilation, but got output_padding {outputPadding}, stride {stride} and dilation {dilation}.");
            }

            sizes[d] = (input[d - rank] - 1) * strides[d] - 2 * cut[d] + dilations[d] * (weight[2 + d] - 1) + added[d] + 1;
        }

        for (int d = 0; d < rank; d++)
        {
            if (sizes[d] < 1 || input[d - rank] < 1)
            {
                throw new ShapeException(
                    $"{operation}: Given input size per channel: ({string.Join(" x ", input.AsSpan()[^rank..].ToArray())}). "
                    + $"Calculated output size per channel: ({string.Join(" x ", sizes.ToArray())}). Output size is too small.");
            }

            axes[d] = Axis(sizes[d], weight[2 + d], input[d - rank], strides[d], cut[d], dilations[d]);
        }
    }

    internal static ConvolutionAxis Axis(long input, long kernel, long output, long stride, long padding, long dilation) => new()
    {
        Input = checked((int)input),
        Kernel = checked((int)kernel),
        Output = checked((int)output),
        Stride = checked((int)stride),
        Padding = checked((int)padding),
        Dilation = checked((int)dilation),
    };

    internal static void Positive(string operation, string what, Sizes sizes, Span<long> values)
    {
        sizes.For(operation, what, values);
        foreach (long value in values)
        {
            if (value <= 0)
            {
                throw new ShapeException($"{operation}: {(what == "dilation" ? "dilation should be greater than zero" : $"non-positive {what} is not supported")}, but got {sizes}.");
            }
        }
    }

    internal static void NotNegative(string operation, string what, ReadOnlySpan<long> values)
    {
        foreach (long value in values)
        {
            if (value < 0)
            {
                throw new ShapeException($"{operation}: negative {what} is not supported, but got {Shape.Describe(values)}.");
            }
        }
    }
}
