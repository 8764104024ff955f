namespace Autograd.Gpu.Nn;

/// <summary>x W^T + b. Weights [out, in] and bias [out] start uniform in ±1/sqrt(in), as in PyTorch.</summary>
public sealed class Linear : Module
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>Makes a layer from <paramref name="inFeatures"/> to <paramref name="outFeatures"/>.</summary>
    public Linear(long inFeatures, long outFeatures, bool bias = true, DType dtype = DType.Float32, Device? device = null)
    {
        double bound = 1 / Math.Sqrt(Math.Max(inFeatures, 1));
        _weight = Register("weight", Uniform([outFeatures, inFeatures], bound, dtype, device));
        _bias = bias ? Register("bias", Uniform([outFeatures], bound, dtype, device)) : null;
    }

    /// <summary>The weights, [out, in].</summary>
    public Tensor Weight => _weight.Value;

    /// <summary>The bias, [out], or null.</summary>
    public Tensor? Bias => _bias?.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Linear(input, Weight, Bias);

    private static Tensor Uniform(Shape shape, double bound, DType dtype, Device? device) =>
        (Tensor.Rand(shape, dtype, device) * (2 * bound) - bound).Materialize();
}

/// <summary>max(x, 0).</summary>
public sealed class ReLU : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Relu();
}

/// <summary>The hyperbolic tangent.</summary>
public sealed class Tanh : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Tanh();
}

/// <summary>Modules one after the other.</summary>
public sealed class Sequential : Module
{
    private readonly Module[] _modules;

    /// <summary>Makes a chain of these modules, named 0, 1, ...</summary>
    public Sequential(params Module[] modules)
    {
        _modules = modules;
        for (int i = 0; i < modules.Length; i++)
        {
            Register(i.ToString(System.Globalization.CultureInfo.InvariantCulture), modules[i]);
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input)
    {
        foreach (var module in _modules)
        {
            input = module.Call(input);
        }

        return input;
    }
}
