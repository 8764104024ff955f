namespace Autograd.Gpu.Nn;

/// <summary><see cref="Functional.CtcLoss(Tensor, Tensor, IReadOnlyList{long}, IReadOnlyList{long}, long, LossReduction, bool)"/> as a module.</summary>
public sealed class CtcLoss(long blank = 0, LossReduction reduction = LossReduction.Mean, bool zeroInfinity = false) : LossModule
{
    /// <summary>The loss of log-probabilities [time, batch, classes].</summary>
    public Tensor Forward(Tensor logProbs, Tensor targets, IReadOnlyList<long> inputLengths, IReadOnlyList<long> targetLengths) =>
        Functional.CtcLoss(logProbs, targets, inputLengths, targetLengths, blank, reduction, zeroInfinity);

    /// <summary>The same with the lengths in tensors of integers, which are read.</summary>
    public Tensor Forward(Tensor logProbs, Tensor targets, Tensor inputLengths, Tensor targetLengths) =>
        Functional.CtcLoss(logProbs, targets, inputLengths, targetLengths, blank, reduction, zeroInfinity);

    /// <inheritdoc cref="Forward(Tensor, Tensor, IReadOnlyList{long}, IReadOnlyList{long})"/>
    public Tensor Call(Tensor logProbs, Tensor targets, IReadOnlyList<long> inputLengths, IReadOnlyList<long> targetLengths) =>
        Forward(logProbs, targets, inputLengths, targetLengths);

    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor)"/>
    public Tensor Call(Tensor logProbs, Tensor targets, Tensor inputLengths, Tensor targetLengths) => Forward(logProbs, targets, inputLengths, targetLengths);
}
