using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// For logits x [n, classes, ..] and classes t [n, ..]: log(sum(exp(x))) - x[t] over dimension 1, and 0 where t is the index to ignore. Of a matrix it is one
/// kernel, and its gradient, softmax(x) - onehot(t) times that of the loss, is another; of more dimensions, fused reductions.
/// </summary>
internal sealed class CrossEntropyLoss(long ignoreIndex) : StructuralOperation("CrossEntropyLoss")
{
    private BufferExpression? _moments;

    public override Saves Saves => Saves.Inputs;

    // The node's own handle on the class numbers: the caller may write the next batch's over them.
    public static Tensor Apply(Tensor logits, Tensor target, long ignoreIndex) =>
        Structural.Apply(new CrossEntropyLoss(ignoreIndex), logits, target.ShareValue());

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (logits, target) = (inputs[0], inputs[1]);
        if (logits.Rank == 2 && RowKernels.Of(logits.Shape[0], logits.Shape[1]) is not null)
        {
            (var losses, _moments) = RowKernels.CrossEntropy(logits, target, ignoreIndex);
            return losses;
        }

        // The largest logit and the logarithm stay apart: beside a large logit their sum would lose the digits of the logarithm.
        var (largest, logSum) = Softmax.LogSumExp(logits, 1);
        var picked = Tensor.Where(Tensor.IsAt(logits.Shape, 1, target.Unsqueeze(1)), logits - largest, 0.0).Sum(1);

        // A class number out of range names no logit; the result says so.
        var isValid = (target >= 0) * (target < logits.Shape[1]);
        return Tensor.Where(target == ignoreIndex, 0.0, Tensor.Where(isValid, logSum.Squeeze(1) - picked, double.NaN));
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        // What the forward pass left serves a pass that nothing follows; otherwise the probabilities must depend on x for the tape, or for a transform.
        var (x, target) = (Transforms.Level.WithoutClosed(saved.Input0), saved.Input1);
        inputGradients[0] = _moments is not null && RowKernels.IsLast(gradient, x, target)
            ? RowKernels.CrossEntropyGradient(gradient, x, target, _moments, ignoreIndex)
            : Slope(x, target) * gradient.Unsqueeze(1);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? (Slope(inputs[0], inputs[1]) * tangent).Sum(1) : null;

    public override Tensor Batch(Transforms.BatchInputs inputs)
    {
        // Rows of all samples one after the other.
        var (logits, target) = (inputs.Repeated(0), inputs.Repeated(1));
        return Apply(logits.Flatten(0, 1), target.Flatten(0, 1), ignoreIndex).Reshape(target.Shape);
    }

    /// <summary>softmax(x) - onehot(t), and 0 where t is ignored.</summary>
    private Tensor Slope(Tensor x, Tensor target)
    {
        var classes = target.Unsqueeze(1);
        return Tensor.Where(classes == ignoreIndex, 0.0, x.Softmax(1) - Tensor.IsAt(x.Shape, 1, classes).To(x.DType));
    }
}
