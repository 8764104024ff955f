namespace Autograd.Gpu.Nn;

/// <summary>What the layers of convolutions share: weights and bias that start uniform in ±1/sqrt(fan in), as in PyTorch.</summary>
public abstract class ConvolutionLayer : Module
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    private protected ConvolutionLayer(
        string name, int rank, long inChannels, long outChannels, bool isTransposed, Sizes kernelSize, long groups, bool bias, DType dtype, Device? device)
    {
        if (groups <= 0 || inChannels <= 0 || outChannels <= 0)
        {
            throw new ShapeException($"{name}: channels and groups must be positive, but got in_channels={inChannels}, out_channels={outChannels} and groups={groups}.");
        }

        if (inChannels % groups != 0 || outChannels % groups != 0)
        {
            throw new ShapeException(
                $"{name}: {(inChannels % groups != 0 ? "in_channels" : "out_channels")} must be divisible by groups, but got in_channels={inChannels}, "
                + $"out_channels={outChannels} and groups={groups}.");
        }

        long[] kernel = kernelSize.For(name, "kernel_size", rank);
        long[] shape = isTransposed ? [inChannels, outChannels / groups, .. kernel] : [outChannels, inChannels / groups, .. kernel];

        // PyTorch takes the weight's second size for the fan in, also of transposed convolutions.
        double bound = 1 / Math.Sqrt(Math.Max(1, shape[1..].Aggregate(1L, (a, b) => a * b)));
        _weight = Register("weight", Uniform(shape, bound, dtype, device));
        _bias = bias ? Register("bias", Uniform([outChannels], bound, dtype, device)) : null;
        Groups = groups;
    }

    /// <summary>The weights: [out, in / groups, kernel sizes]; of a transposed convolution [in, out / groups, kernel sizes].</summary>
    public Tensor Weight => _weight.Value;

    /// <summary>The bias, [out], or null.</summary>
    public Tensor? Bias => _bias?.Value;

    private protected long Groups { get; }

    private static Tensor Uniform(Shape shape, double bound, DType dtype, Device? device) =>
        (Tensor.Rand(shape, dtype, device) * (2 * bound) - bound).Materialize();
}

/// <summary>A convolution over one dimension of [n, in, length], see <see cref="Functional.Conv1d"/>.</summary>
public sealed class Conv1d(
    long inChannels, long outChannels, Sizes kernelSize, Sizes? stride = null, ConvolutionPadding padding = default, Sizes? dilation = null, long groups = 1,
    bool bias = true, DType dtype = DType.Float32, Device? device = null)
    : ConvolutionLayer("Conv1d", 1, inChannels, outChannels, false, kernelSize, groups, bias, dtype, device)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Conv1d(input, Weight, Bias, stride, padding, dilation, Groups);
}

/// <summary>A convolution over two dimensions of [n, in, height, width], see <see cref="Functional.Conv2d"/>.</summary>
public sealed class Conv2d(
    long inChannels, long outChannels, Sizes kernelSize, Sizes? stride = null, ConvolutionPadding padding = default, Sizes? dilation = null, long groups = 1,
    bool bias = true, DType dtype = DType.Float32, Device? device = null)
    : ConvolutionLayer("Conv2d", 2, inChannels, outChannels, false, kernelSize, groups, bias, dtype, device)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Conv2d(input, Weight, Bias, stride, padding, dilation, Groups);
}

/// <summary>A convolution over three dimensions of [n, in, depth, height, width], see <see cref="Functional.Conv3d"/>.</summary>
public sealed class Conv3d(
    long inChannels, long outChannels, Sizes kernelSize, Sizes? stride = null, ConvolutionPadding padding = default, Sizes? dilation = null, long groups = 1,
    bool bias = true, DType dtype = DType.Float32, Device? device = null)
    : ConvolutionLayer("Conv3d", 3, inChannels, outChannels, false, kernelSize, groups, bias, dtype, device)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Conv3d(input, Weight, Bias, stride, padding, dilation, Groups);
}

/// <summary>A transposed convolution over one dimension of [n, in, length], see <see cref="Functional.ConvTranspose1d"/>.</summary>
public sealed class ConvTranspose1d(
    long inChannels, long outChannels, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? outputPadding = null, long groups = 1,
    bool bias = true, Sizes? dilation = null, DType dtype = DType.Float32, Device? device = null)
    : ConvolutionLayer("ConvTranspose1d", 1, inChannels, outChannels, true, kernelSize, groups, bias, dtype, device)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.ConvTranspose1d(input, Weight, Bias, stride, padding, outputPadding, Groups, dilation);
}

/// <summary>A transposed convolution over two dimensions of [n, in, height, width], see <see cref="Functional.ConvTranspose2d"/>.</summary>
public sealed class ConvTranspose2d(
    long inChannels, long outChannels, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? outputPadding = null, long groups = 1,
    bool bias = true, Sizes? dilation = null, DType dtype = DType.Float32, Device? device = null)
    : ConvolutionLayer("ConvTranspose2d", 2, inChannels, outChannels, true, kernelSize, groups, bias, dtype, device)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.ConvTranspose2d(input, Weight, Bias, stride, padding, outputPadding, Groups, dilation);
}

/// <summary>A transposed convolution over three dimensions of [n, in, depth, height, width], see <see cref="Functional.ConvTranspose3d"/>.</summary>
public sealed class ConvTranspose3d(
    long inChannels, long outChannels, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? outputPadding = null, long groups = 1,
    bool bias = true, Sizes? dilation = null, DType dtype = DType.Float32, Device? device = null)
    : ConvolutionLayer("ConvTranspose3d", 3, inChannels, outChannels, true, kernelSize, groups, bias, dtype, device)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.ConvTranspose3d(input, Weight, Bias, stride, padding, outputPadding, Groups, dilation);
}
