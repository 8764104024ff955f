namespace Autograd.Gpu.Nn;

/// <summary>The input itself.</summary>
public sealed class Identity : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input;
}

/// <summary>See <see cref="Functional.Relu6"/>.</summary>
public sealed class ReLU6 : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Relu6();
}

/// <summary>See <see cref="Functional.LeakyRelu"/>.</summary>
public sealed class LeakyReLU(double negativeSlope = 0.01) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.LeakyRelu(negativeSlope);
}

/// <summary>See <see cref="Functional.Prelu"/>: weights that are learnt, one for all channels or one for each.</summary>
public sealed class PReLU : Module
{
    private readonly Parameter _weight;

    /// <summary>Makes a layer with <paramref name="numParameters"/> weights that start at <paramref name="init"/>.</summary>
    public PReLU(long numParameters = 1, double init = 0.25, DType dtype = DType.Float32, Device? device = null) =>
        _weight = Register("weight", Tensor.Full([numParameters], init, dtype, device));

    /// <summary>The weights, [numParameters].</summary>
    public Tensor Weight => _weight.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Prelu(input, Weight);
}

/// <summary>See <see cref="Functional.Rrelu"/>.</summary>
public sealed class RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Rrelu(input, lower, upper, Training);
}

/// <summary>See <see cref="Functional.Elu"/>.</summary>
public sealed class ELU(double alpha = 1) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Elu(alpha);
}

/// <summary>See <see cref="Functional.Selu"/>.</summary>
public sealed class SELU : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Selu();
}

/// <summary>See <see cref="Functional.Celu"/>.</summary>
public sealed class CELU(double alpha = 1) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Celu(alpha);
}

/// <summary>See <see cref="Functional.Gelu"/>.</summary>
public sealed class GELU(GeluApproximation approximate = GeluApproximation.None) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Gelu(approximate);
}

/// <summary>See <see cref="Functional.Silu"/>.</summary>
public sealed class SiLU : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Silu();
}

/// <summary>See <see cref="Functional.Mish"/>.</summary>
public sealed class Mish : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Mish();
}

/// <summary>See <see cref="Functional.Softplus"/>.</summary>
public sealed class Softplus(double beta = 1, double threshold = 20) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Softplus(beta, threshold);
}

/// <summary>See <see cref="Functional.LogSigmoid"/>.</summary>
public sealed class LogSigmoid : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.LogSigmoid();
}

/// <summary>See <see cref="Functional.Sigmoid"/>.</summary>
public sealed class Sigmoid : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Sigmoid();
}

/// <summary>See <see cref="Functional.Tanhshrink"/>.</summary>
public sealed class Tanhshrink : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Tanhshrink();
}

/// <summary>See <see cref="Functional.Softsign"/>.</summary>
public sealed class Softsign : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Softsign();
}

/// <summary>See <see cref="Functional.Hardtanh"/>.</summary>
public sealed class Hardtanh(double min = -1, double max = 1) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Hardtanh(min, max);
}

/// <summary>See <see cref="Functional.Hardswish"/>.</summary>
public sealed class Hardswish : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Hardswish();
}

/// <summary>See <see cref="Functional.Hardsigmoid"/>.</summary>
public sealed class Hardsigmoid : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Hardsigmoid();
}

/// <summary>See <see cref="Functional.Hardshrink"/>.</summary>
public sealed class Hardshrink(double lambda = 0.5) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Hardshrink(lambda);
}

/// <summary>See <see cref="Functional.Softshrink"/>.</summary>
public sealed class Softshrink(double lambda = 0.5) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Softshrink(lambda);
}

/// <summary>See <see cref="Functional.Threshold"/>.</summary>
public sealed class Threshold(double threshold, double value) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Threshold(threshold, value);
}

/// <summary>See <see cref="Functional.Glu"/>.</summary>
public sealed class GLU(int dim = -1) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Glu(dim);
}

/// <summary>See <see cref="Functional.Softmax"/>.</summary>
public sealed class Softmax(int dim) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Softmax(dim);
}

/// <summary>See <see cref="Functional.LogSoftmax"/>.</summary>
public sealed class LogSoftmax(int dim) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.LogSoftmax(dim);
}

/// <summary>See <see cref="Functional.Softmin"/>.</summary>
public sealed class Softmin(int dim) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Softmin(input, dim);
}
