namespace Autograd.Gpu.Nn;

/// <summary>x1 A x2 + b: see <see cref="Functional.Bilinear"/>. Weights [out, in1, in2] and bias [out] start uniform in ±1/sqrt(in1), as in PyTorch.</summary>
public sealed class Bilinear : PairModule
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>Makes a layer from <paramref name="in1Features"/> and <paramref name="in2Features"/> to <paramref name="outFeatures"/>.</summary>
    public Bilinear(long in1Features, long in2Features, long outFeatures, bool bias = true, DType dtype = DType.Float32, Device? device = null)
    {
        double bound = 1 / Math.Sqrt(Math.Max(in1Features, 1));
        _weight = Register("weight", Uniform([outFeatures, in1Features, in2Features]));
        _bias = bias ? Register("bias", Uniform([outFeatures])) : null;

        Tensor Uniform(Shape shape) => (Tensor.Rand(shape, dtype, device) * (2 * bound) - bound).Materialize();
    }

    /// <summary>The weights, [out, in1, in2].</summary>
    public Tensor Weight => _weight.Value;

    /// <summary>The bias, [out], or null.</summary>
    public Tensor? Bias => _bias?.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input1, Tensor input2) => Functional.Bilinear(input1, input2, Weight, Bias);
}
