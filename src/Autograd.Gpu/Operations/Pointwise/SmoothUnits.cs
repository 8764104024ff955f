using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

/// <summary>How <see cref="Tensor.Gelu"/> computes the distribution function of the normal distribution.</summary>
public enum GeluApproximation
{
    /// <summary>By the error function.</summary>
    None,

    /// <summary>By a hyperbolic tangent, up to about 5e-4.</summary>
    Tanh,
}

public sealed partial class Tensor
{
    /// <summary>
    /// x times the standard normal distribution function: x erfc(-x / sqrt(2)) / 2, or with the approximation
    /// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. For half types computed in float32.
    /// </summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Gelu(GeluApproximation approximate = GeluApproximation.None)
    {
        var x = Real("Gelu");
        if (approximate == GeluApproximation.None)
        {
            return Rounded(Pointwise.Apply<Gelu>(x));
        }

        Defined.Check("Gelu", approximate);

        // (1 + tanh u) / 2 = sigmoid(2 u)
        return Rounded(x * ((x + x * x * x * 0.044715) * 1.59576912160573071176).Sigmoid());
    }

    /// <summary>x sigmoid(x), the swish function.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Silu() => Rounded(Pointwise.Apply<Silu>(Real("Silu")));

    /// <summary>x tanh(ln(1 + e^x)).</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Mish()
    {
        var x = Real("Mish");
        return Rounded(x * Pointwise.Apply<Softplus>(x).Tanh());
    }

    /// <summary>ln(1 + e^(beta x)) / beta, and x itself where beta x is above <paramref name="threshold"/>.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Softplus(double beta = 1, double threshold = 20)
    {
        var x = Real("Softplus");
        var scaled = x * beta;
        return Rounded(Where(scaled > threshold, x, Pointwise.Apply<Softplus>(scaled) / beta));
    }

    /// <summary>ln(sigmoid(x)), exact for large and small x.</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor LogSigmoid() => Rounded(-Pointwise.Apply<Softplus>(-Real("LogSigmoid")));

    /// <summary>x - tanh(x).</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Tanhshrink()
    {
        var x = Real("Tanhshrink");
        return Rounded(x - x.Tanh());
    }

    /// <summary>x / (1 + |x|).</summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Softsign()
    {
        var x = Real("Softsign");
        return Rounded(x / (x.Abs() + 1));
    }

    /// <summary>The first half along a dimension times the sigmoid of the second half.</summary>
    /// <exception cref="ShapeException">The dimension has an odd size, or there is none.</exception>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Glu(int dim = -1)
    {
        if (Rank == 0)
        {
            throw new ShapeException("Glu: glu does not support 0-dimensional tensors. Give it a dimension to halve.");
        }

        int wrapped = Shape.WrapDim(dim, "Glu");
        long half = Shape[wrapped] / 2;
        if (Shape[wrapped] % 2 != 0)
        {
            throw new ShapeException($"Glu: Halving dimension must be even, but dimension {wrapped} is size {Shape[wrapped]} (shape {Shape}).");
        }

        var x = Real("Glu");
        return Rounded(x.Narrow(wrapped, 0, half) * x.Narrow(wrapped, half, half).Sigmoid());
    }

    /// <inheritdoc cref="Silu"/>
    public Tensor Silu_() => Pointwise.AssignInPlace("Silu_", this, static x => x.Silu());

    /// <inheritdoc cref="Mish"/>
    public Tensor Mish_() => Pointwise.AssignInPlace("Mish_", this, static x => x.Mish());
}
