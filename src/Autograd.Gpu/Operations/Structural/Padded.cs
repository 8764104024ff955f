using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// A tensor with a number put before and behind its last dimensions, or with elements taken off where a pad is negative. The gradient is the opposite:
/// what was put there is taken off, and zeros stand where elements were taken off.
/// </summary>
/// <param name="pads">Before and behind the last dimension, before and behind the one before it, and so on.</param>
/// <param name="value">What is put there.</param>
internal sealed class Padded(long[] pads, Scalar value) : StructuralOperation("ConstantPadNd")
{
    public override bool IsComputed => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var kept = inputs[0];
        var sizes = kept.Shape.ToArray();
        for (int i = 0; i < pads.Length; i += 2)
        {
            int dim = kept.Rank - 1 - i / 2;
            sizes[dim] += pads[i] + pads[i + 1];
            kept = kept.Sliced(dim, Math.Max(0, -pads[i]), 1, kept.Shape[dim] - Math.Max(0, -pads[i]) - Math.Max(0, -pads[i + 1]));
        }

        if (pads.All(p => p <= 0))
        {
            return kept.ShareValue();
        }

        var result = Tensor.Full(Shape.Own(sizes), value, kept.DType, kept.Device);
        var part = result;
        for (int i = 0; i < pads.Length; i += 2)
        {
            int dim = kept.Rank - 1 - i / 2;
            part = part.Sliced(dim, Math.Max(0, pads[i]), 1, kept.Shape[dim]);
        }

        if (kept.NumElements > 0)
        {
            part.Copy_(kept);
        }

        return Tensor.FromPieces(result, result.Layout);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Structural.Apply(new Padded([.. pads.Select(p => -p)], 0), gradient);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(new Padded(pads, 0), tangent) : null;

    public override Tensor Batch(Transforms.BatchInputs inputs) => Structural.Apply(this, inputs[0]);
}
