namespace Autograd.Gpu.Nn;

/// <summary>Layer normalisation over the last dimensions: see <see cref="Functional.LayerNorm"/>. The weight starts at 1, the bias at 0.</summary>
public sealed class LayerNorm : Module
{
    private readonly Shape _shape;
    private readonly double _eps;
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;

    /// <summary>Makes a layer for inputs whose last sizes are <paramref name="normalizedShape"/>.</summary>
    public LayerNorm(Shape normalizedShape, double eps = 1e-5, bool elementwiseAffine = true, bool bias = true, DType dtype = DType.Float32, Device? device = null)
    {
        (_shape, _eps) = (normalizedShape, eps);
        _weight = elementwiseAffine ? Register("weight", Tensor.Ones(normalizedShape, dtype, device)) : null;
        _bias = elementwiseAffine && bias ? Register("bias", Tensor.Zeros(normalizedShape, dtype, device)) : null;
    }

    /// <summary>The factors, or null.</summary>
    public Tensor? Weight => _weight?.Value;

    /// <summary>The terms, or null.</summary>
    public Tensor? Bias => _bias?.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.LayerNorm(input, _shape, Weight, Bias, _eps);
}

/// <summary>Root-mean-square normalisation over the last dimensions: see <see cref="Functional.RmsNorm"/>. The weight starts at 1.</summary>
public sealed class RMSNorm : Module
{
    private readonly Shape _shape;
    private readonly double? _eps;
    private readonly Parameter? _weight;

    /// <summary>Makes a layer for inputs whose last sizes are <paramref name="normalizedShape"/>.</summary>
    public RMSNorm(Shape normalizedShape, double? eps = null, bool elementwiseAffine = true, DType dtype = DType.Float32, Device? device = null)
    {
        (_shape, _eps) = (normalizedShape, eps);
        _weight = elementwiseAffine ? Register("weight", Tensor.Ones(normalizedShape, dtype, device)) : null;
    }

    /// <summary>The factors, or null.</summary>
    public Tensor? Weight => _weight?.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.RmsNorm(input, _shape, Weight, _eps);
}
