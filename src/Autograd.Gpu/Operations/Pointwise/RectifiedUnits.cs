using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

// Activations in pieces. A branch that is not taken still passes its derivative, times 0, so none may be infinite where it is not taken.
public sealed partial class Tensor
{
    /// <summary>x where it is above 0, else <paramref name="negativeSlope"/> x; the derivative at 0 is the slope.</summary>
    public Tensor LeakyRelu(double negativeSlope = 0.01)
    {
        var x = Real("LeakyRelu");
        return Rounded(Where(x > 0, x, x * negativeSlope));
    }

    /// <summary>x where it is above 0, else alpha (e^x - 1); the derivative at 0 is alpha. For half types computed in float32.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Elu(double alpha = 1) => Rounded(ExponentialUnit(Real("Elu"), alpha, 1));

    /// <summary>1.0507... times x where it is above 0, else times 1.6732... (e^x - 1): the constants that keep mean 0 and variance 1.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Selu() => Rounded(ExponentialUnit(Real("Selu"), 1.6732632423543772848170429916717, 1) * 1.0507009873554804934193349852946);

    /// <summary>x where it is above 0, else alpha (e^(x / alpha) - 1), which has a continuous derivative.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Alpha is 0.</exception>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Celu(double alpha = 1) => alpha == 0
        ? throw new ArgumentOutOfRangeException(nameof(alpha), "Celu: ZeroDivisionError: alpha cannot be 0 for CELU.")
        : Rounded(ExponentialUnit(Real("Celu"), alpha, 1 / alpha));

    /// <summary>x moved into [<paramref name="min"/>, <paramref name="max"/>]; unlike that of <see cref="Clamp(Scalar?, Scalar?)"/> the derivative at the bounds is 0.</summary>
    /// <exception cref="ArgumentException">The bounds are in the wrong order, or below zero for a tensor of uint8.</exception>
    /// <exception cref="DTypeException">This is a tensor of bools.</exception>
    public Tensor Hardtanh(double min = -1, double max = 1)
    {
        if (min > max)
        {
            throw new ArgumentException($"Hardtanh: min_val cannot be greater than max_val, but got {min} and {max}.");
        }

        if (DType == DType.Bool)
        {
            throw new DTypeException("Hardtanh: Bool inputs not supported for hardtanh. Convert with To(dtype).");
        }

        if (DType == DType.UInt8 && min < 0)
        {
            throw new ArgumentException($"Hardtanh: cannot do hardtanh on an unsigned type with negative limits, but got {min} and {max}.", nameof(min));
        }

        return Where(this <= min, ((Scalar)min).As(DType), Where(this >= max, ((Scalar)max).As(DType), this));
    }

    /// <summary>x moved into [0, 6]; the derivative at the bounds is 0.</summary>
    public Tensor Relu6() => Hardtanh(0, 6);

    /// <summary>(x + 3) / 6 moved into [0, 1]; the derivative at the bounds is 0.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Hardsigmoid() => Rounded((Real("Hardsigmoid") + 3).Relu6() / 6);

    /// <summary>x times its <see cref="Hardsigmoid"/>; the derivative is 0 up to -3 and 1 from 3 on.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Hardswish()
    {
        var x = Real("Hardswish");
        return Rounded(x * (x + 3).Relu6() / 6);
    }

    /// <summary>x where |x| is above <paramref name="lambda"/>, else 0; so is the derivative at the bounds. nan stays nan.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Hardshrink(double lambda = 0.5)
    {
        CheckFloating("Hardshrink");
        return Where((this >= -lambda) & (this <= lambda), ((Scalar)0.0).As(DType), this);
    }

    /// <summary>x moved towards 0 by <paramref name="lambda"/>, 0 where |x| is not above it; the derivative at the bounds is 0. nan stays nan.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Lambda is negative.</exception>
    public Tensor Softshrink(double lambda = 0.5)
    {
        if (!(lambda >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(lambda), $"Softshrink: lambda must be greater or equal to 0, but found to be {lambda}.");
        }

        var x = Real("Softshrink");
        return Rounded(Where(x > lambda, x - lambda, Where(x < -lambda, x + lambda, Where(x.IsNan(), x, 0.0))));
    }

    /// <summary>x where it is above <paramref name="threshold"/>, else <paramref name="value"/>; there the derivative is 0.</summary>
    public Tensor Threshold(double threshold, double value) => Where(this <= threshold, ((Scalar)value).As(DType), this);

    /// <inheritdoc cref="LeakyRelu"/>
    public Tensor LeakyRelu_(double negativeSlope = 0.01) => Pointwise.AssignInPlace("LeakyRelu_", this, x => x.LeakyRelu(negativeSlope));

    /// <inheritdoc cref="Elu"/>
    public Tensor Elu_(double alpha = 1) => Pointwise.AssignInPlace("Elu_", this, x => x.Elu(alpha));

    /// <inheritdoc cref="Selu"/>
    public Tensor Selu_() => Pointwise.AssignInPlace("Selu_", this, static x => x.Selu());

    /// <inheritdoc cref="Celu"/>
    public Tensor Celu_(double alpha = 1) => Pointwise.AssignInPlace("Celu_", this, x => x.Celu(alpha));

    /// <inheritdoc cref="Hardtanh"/>
    public Tensor Hardtanh_(double min = -1, double max = 1) => Pointwise.AssignInPlace("Hardtanh_", this, x => x.Hardtanh(min, max));

    /// <inheritdoc cref="Relu6"/>
    public Tensor Relu6_() => Pointwise.AssignInPlace("Relu6_", this, static x => x.Relu6());

    /// <inheritdoc cref="Hardsigmoid"/>
    public Tensor Hardsigmoid_() => Pointwise.AssignInPlace("Hardsigmoid_", this, static x => x.Hardsigmoid());

    /// <inheritdoc cref="Hardswish"/>
    public Tensor Hardswish_() => Pointwise.AssignInPlace("Hardswish_", this, static x => x.Hardswish());

    /// <inheritdoc cref="Threshold"/>
    public Tensor Threshold_(double threshold, double value) => Pointwise.AssignInPlace("Threshold_", this, x => x.Threshold(threshold, value));

    private static Tensor ExponentialUnit(Tensor x, double alpha, double inputScale)
    {
        var isPositive = x > 0;
        return Where(isPositive, x, (Where(isPositive, 0.0, x) * inputScale).Expm1() * alpha);
    }

    /// <summary>This tensor for a function of real numbers of several steps: half types as float32, so that only the result is rounded.</summary>
    private Tensor Real(string operation) => DType switch
    {
        DType.Float16 or DType.BFloat16 => To(DType.Float32),
        DType.Float32 or DType.Float64 => this,
        _ => throw new DTypeException($"{operation}: not implemented for {DType.Name()}: it takes floating-point tensors. Convert with To(DType.Float32)."),
    };

    private Tensor Rounded(Tensor result) => DType is DType.Float16 or DType.BFloat16 ? result.To(DType) : result;
}
