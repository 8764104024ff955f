using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// For each row of logits x and its class t: log(sum(exp(x))) - x[t]. Forward: two reductions with fused prologues for the logarithm, one for
/// x[t]. The gradient is softmax(x) - onehot(t), one fused kernel.
/// </summary>
internal sealed class CrossEntropyLoss() : StructuralOperation("CrossEntropyLoss")
{
    private Tensor? _largest;
    private Tensor? _logSum;

    public override Saves Saves => Saves.Inputs;

    // The node's own handle on the class numbers: the caller may write the next batch's over them.
    public static Tensor Apply(Tensor logits, Tensor target) => Structural.Apply(new CrossEntropyLoss(), logits, target.ShareValue());

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (logits, target) = (inputs[0], inputs[1]);

        // The largest logit and the logarithm stay apart: beside a large logit their sum would lose the digits of the logarithm.
        (_largest, _logSum) = Softmax.LogSumExp(logits, 1);
        var picked = Tensor.Where(Tensor.IsAt(logits.Shape, 1, target.Unsqueeze(1)), logits - _largest, 0.0).Sum(1);

        // A class number out of range names no logit; the result says so.
        var isValid = (target >= 0) * (target < logits.Shape[1]);
        return Tensor.Where(isValid, _logSum.Squeeze(1) - picked, double.NaN);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Slope(saved.Input0, saved.Input1) * gradient.Unsqueeze(1);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? (Slope(inputs[0], inputs[1]) * tangent).Sum(1) : null;

    public override Tensor Batch(Transforms.BatchInputs inputs)
    {
        // Rows of all samples one after the other.
        var (logits, target) = (inputs.Repeated(0), inputs.Repeated(1));
        return Apply(logits.Flatten(0, 1), target.Flatten()).Reshape(target.Shape);
    }

    /// <summary>softmax(x) - onehot(t).</summary>
    private Tensor Slope(Tensor x, Tensor target)
    {
        // What the forward pass left serves a pass that nothing follows; otherwise the probabilities must depend on x for the tape, or for a transform.
        x = Transforms.Level.WithoutClosed(x);
        bool isLast = x.Wrapper is null && !(GradMode.IsEnabled && x.RequiresGrad) && _logSum is not null;
        var probabilities = isLast ? (x - _largest! - _logSum!).Exp() : x.Softmax(1);
        return probabilities - Tensor.IsAt(x.Shape, 1, target.Unsqueeze(1)).To(x.DType);
    }
}
