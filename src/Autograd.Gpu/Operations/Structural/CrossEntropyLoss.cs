using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// For each row of logits x and its class t: log(sum(exp(x))) - x[t]. Forward: two reductions with fused prologues for the logarithm, one for
/// x[t]. The gradient is softmax(x) - onehot(t), one fused kernel.
/// </summary>
internal sealed class CrossEntropyLoss(Tensor target, Tensor largest, Tensor logSum) : IDifferentiable
{
    public string Name => "CrossEntropyLoss";

    public Saves Saves => Saves.Input0;

    public static Tensor Apply(Tensor logits, Tensor target)
    {
        Tensor loss, largest, logSum;
        using (GradMode.Set(false))
        {
            // The largest logit and the logarithm stay apart: beside a large logit their sum would lose the digits of the logarithm.
            (largest, logSum) = Softmax.LogSumExp(logits, 1);
            var picked = Tensor.Where(Tensor.IsAt(logits.Shape, 1, target.Unsqueeze(1)), logits - largest, 0.0).Sum(1);

            // A class number out of range names no logit; the result says so.
            var isValid = (target >= 0) * (target < logits.Shape[1]);
            loss = Tensor.Where(isValid, logSum.Squeeze(1) - picked, double.NaN);
        }

        // The node's own handle on the class numbers: the caller may write the next batch's over them.
        return Recorder.Record(new CrossEntropyLoss(target.ShareValue(), largest, logSum), loss, logits);
    }

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var x = saved.Input0;

        // When this pass is recorded the probabilities must depend on x for the tape.
        var probabilities = GradMode.IsEnabled ? x.Softmax(1) : (x - largest - logSum).Exp();
        var isTarget = Tensor.IsAt(x.Shape, 1, target.Unsqueeze(1));
        inputGradients[0] = (probabilities - isTarget.To(x.DType)) * gradient.Unsqueeze(1);
    }
}
