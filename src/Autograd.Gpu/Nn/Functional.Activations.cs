namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <inheritdoc cref="Tensor.Relu()"/>
    public static Tensor Relu(Tensor input) => Tensor.NotNull(input).Relu();

    /// <inheritdoc cref="Tensor.Relu6()"/>
    public static Tensor Relu6(Tensor input) => Tensor.NotNull(input).Relu6();

    /// <inheritdoc cref="Tensor.LeakyRelu(double)"/>
    public static Tensor LeakyRelu(Tensor input, double negativeSlope = 0.01) => Tensor.NotNull(input).LeakyRelu(negativeSlope);

    /// <inheritdoc cref="Tensor.Elu(double)"/>
    public static Tensor Elu(Tensor input, double alpha = 1) => Tensor.NotNull(input).Elu(alpha);

    /// <inheritdoc cref="Tensor.Selu()"/>
    public static Tensor Selu(Tensor input) => Tensor.NotNull(input).Selu();

    /// <inheritdoc cref="Tensor.Celu(double)"/>
    public static Tensor Celu(Tensor input, double alpha = 1) => Tensor.NotNull(input).Celu(alpha);

    /// <inheritdoc cref="Tensor.Gelu(GeluApproximation)"/>
    public static Tensor Gelu(Tensor input, GeluApproximation approximate = GeluApproximation.None) => Tensor.NotNull(input).Gelu(approximate);

    /// <inheritdoc cref="Tensor.Silu()"/>
    public static Tensor Silu(Tensor input) => Tensor.NotNull(input).Silu();

    /// <inheritdoc cref="Tensor.Mish()"/>
    public static Tensor Mish(Tensor input) => Tensor.NotNull(input).Mish();

    /// <inheritdoc cref="Tensor.Softplus(double, double)"/>
    public static Tensor Softplus(Tensor input, double beta = 1, double threshold = 20) => Tensor.NotNull(input).Softplus(beta, threshold);

    /// <inheritdoc cref="Tensor.LogSigmoid()"/>
    public static Tensor LogSigmoid(Tensor input) => Tensor.NotNull(input).LogSigmoid();

    /// <inheritdoc cref="Tensor.Sigmoid()"/>
    public static Tensor Sigmoid(Tensor input) => Tensor.NotNull(input).Sigmoid();

    /// <inheritdoc cref="Tensor.Tanh()"/>
    public static Tensor Tanh(Tensor input) => Tensor.NotNull(input).Tanh();

    /// <inheritdoc cref="Tensor.Tanhshrink()"/>
    public static Tensor Tanhshrink(Tensor input) => Tensor.NotNull(input).Tanhshrink();

    /// <inheritdoc cref="Tensor.Softsign()"/>
    public static Tensor Softsign(Tensor input) => Tensor.NotNull(input).Softsign();

    /// <inheritdoc cref="Tensor.Hardtanh(double, double)"/>
    public static Tensor Hardtanh(Tensor input, double min = -1, double max = 1) => Tensor.NotNull(input).Hardtanh(min, max);

    /// <inheritdoc cref="Tensor.Hardswish()"/>
    public static Tensor Hardswish(Tensor input) => Tensor.NotNull(input).Hardswish();

    /// <inheritdoc cref="Tensor.Hardsigmoid()"/>
    public static Tensor Hardsigmoid(Tensor input) => Tensor.NotNull(input).Hardsigmoid();

    /// <inheritdoc cref="Tensor.Hardshrink(double)"/>
    public static Tensor Hardshrink(Tensor input, double lambda = 0.5) => Tensor.NotNull(input).Hardshrink(lambda);

    /// <inheritdoc cref="Tensor.Softshrink(double)"/>
    public static Tensor Softshrink(Tensor input, double lambda = 0.5) => Tensor.NotNull(input).Softshrink(lambda);

    /// <inheritdoc cref="Tensor.Threshold(double, double)"/>
    public static Tensor Threshold(Tensor input, double threshold, double value) => Tensor.NotNull(input).Threshold(threshold, value);

    /// <inheritdoc cref="Tensor.Glu(int)"/>
    public static Tensor Glu(Tensor input, int dim = -1) => Tensor.NotNull(input).Glu(dim);

    /// <summary>
    /// x where it is above 0, else w x: with one weight for all (0-d or [1]), or one for each channel, the size of dimension 1. The derivative at 0 is w.
    /// </summary>
    /// <exception cref="ShapeException">The weights are not one, nor one for each channel.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on two devices.</exception>
    public static Tensor Prelu(Tensor input, Tensor weight)
    {
        CheckOperands("Prelu", input, weight, null);
        if (weight.Rank > 1)
        {
            throw new ShapeException($"Prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.Rank} (shape {weight.Shape}). Flatten it.");
        }

        long channels = input.Rank < 2 ? 1 : input.Shape[1];
        if (weight.NumElements != 1)
        {
            if (weight.NumElements != channels)
            {
                throw new ShapeException(
                    $"Prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.NumElements} and channel size = {channels} (input {input.Shape}).");
            }

            weight = PerClass(weight, input.Rank);
        }
        else if (weight.Rank == 1 && input.Rank == 0)
        {
            weight = weight.Squeeze(0);
        }

        return Tensor.Where(input > 0, input, weight * input);
    }

    /// <summary>
    /// x where it is above 0, else a x: in training with an a for each element, uniform in [<paramref name="lower"/>, <paramref name="upper"/>), otherwise with their mean.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The bounds are in the wrong order.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Rrelu(Tensor input, double lower = 1.0 / 8, double upper = 1.0 / 3, bool training = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!(lower <= upper))
        {
            throw new ArgumentOutOfRangeException(nameof(lower), $"Rrelu: Lower bound should be less than or equal to the upper bound, but got {lower} and {upper}.");
        }

        return training
            ? Tensor.Where(input > 0, input, input * (Tensor.Rand(input.Shape, input.DType, input.Device) * (upper - lower) + lower))
            : input.LeakyRelu((lower + upper) / 2);
    }

    /// <inheritdoc cref="Tensor.Softmax(int)"/>
    /// <param name="input">The elements.</param>
    /// <param name="dim">The dimension.</param>
    /// <param name="dtype">What the input is converted to first.</param>
    public static Tensor Softmax(Tensor input, int dim, DType? dtype = null) => Converted(input, dtype).Softmax(dim);

    /// <inheritdoc cref="Tensor.LogSoftmax(int)"/>
    /// <param name="input">The elements.</param>
    /// <param name="dim">The dimension.</param>
    /// <param name="dtype">What the input is converted to first.</param>
    public static Tensor LogSoftmax(Tensor input, int dim, DType? dtype = null) => Converted(input, dtype).LogSoftmax(dim);

    /// <summary>The softmax of -x over a dimension.</summary>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Softmin(Tensor input, int dim, DType? dtype = null) => (-Converted(input, dtype)).Softmax(dim);

    /// <summary>
    /// Samples from the Gumbel-softmax distribution: the softmax of (x + g) / tau over a dimension, where g = -ln(-ln u) is drawn for each element. If
    /// <paramref name="hard"/>, the result is one-hot at the largest element, while gradients are those of the soft sample
    /// (Jang, Gu and Poole 2016, arXiv:1611.01144).
    /// </summary>
    /// <param name="logits">Logarithms of probabilities, up to a term for each line.</param>
    /// <param name="tau">The temperature, above 0.</param>
    /// <param name="hard">Whether the result is one-hot.</param>
    /// <param name="dim">The dimension of the classes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not above 0.</exception>
    /// <exception cref="DTypeException">The logits are not floating-point.</exception>
    public static Tensor GumbelSoftmax(Tensor logits, double tau = 1, bool hard = false, int dim = -1)
    {
        ArgumentNullException.ThrowIfNull(logits);
        if (!(tau > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(tau), $"GumbelSoftmax: tau must be above 0, but got {tau}.");
        }

        if (!logits.DType.IsFloatingPoint())
        {
            throw new DTypeException($"GumbelSoftmax: not implemented for {logits.DType.Name()}. Convert with To(DType.Float32).");
        }

        // u is in [0, 1), so that -ln(1 - u) may be 0; its logarithm is to be finite.
        var exponential = (-(-Tensor.Rand(logits.Shape, logits.DType.ComputeType(), logits.Device)).Log1p()).Clamp(min: 1e-30);
        var soft = ((logits - exponential.Log()) / tau).To(logits.DType).Softmax(dim);
        if (!hard)
        {
            return soft;
        }

        int wrapped = soft.Shape.WrapDim(dim, "GumbelSoftmax");
        var oneHot = Tensor.IsAt(soft.Shape, wrapped, soft.ArgMax(wrapped, keepDim: true)).To(soft.DType);
        return oneHot - soft.Detach() + soft;
    }

    private static Tensor Converted(Tensor input, DType? dtype)
    {
        ArgumentNullException.ThrowIfNull(input);
        return dtype is { } type ? input.To(type) : input;
    }
}
