using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// Connectionist temporal classification (Graves et al. 2006): the negative logarithm of the probability that a sequence of labels and blanks, drawn step by step, reads as the
    /// target once repetitions are merged and blanks are taken out. Computed in double.
    /// </summary>
    /// <param name="logProbs">Log-probabilities of all classes, [time, batch, classes] or [time, classes], as <c>LogSoftmax</c> gives them.</param>
    /// <param name="targets">Class numbers, int64 or int32, none of them the blank: [batch, longest target], or those of all samples one after the other.</param>
    /// <param name="inputLengths">For each sample the number of its steps.</param>
    /// <param name="targetLengths">For each sample the number of its labels.</param>
    /// <param name="blank">The class that stands for no label.</param>
    /// <param name="reduction">The mean is that of the losses divided by the target lengths (at least 1).</param>
    /// <param name="zeroInfinity">Whether targets that do not fit their input give a loss of 0 without a gradient instead of infinity, whose gradient is nan.</param>
    /// <remarks>
    /// The gradient is that of the formula. PyTorch's kernel adds exp(logProbs), which the derivative of log-softmax takes away again: gradients of what stands before the softmax
    /// are the same. Derivatives of every order, forward mode and <c>Vmap</c> over the log-probabilities work; PyTorch has the first only.
    /// </remarks>
    /// <exception cref="ShapeException">Shapes or lengths do not fit, or a class number is out of range.</exception>
    /// <exception cref="DTypeException">The log-probabilities are not floating-point or the targets not integers.</exception>
    public static Tensor CtcLoss(
        Tensor logProbs,
        Tensor targets,
        IReadOnlyList<long> inputLengths,
        IReadOnlyList<long> targetLengths,
        long blank = 0,
        LossReduction reduction = LossReduction.Mean,
        bool zeroInfinity = false)
    {
        ArgumentNullException.ThrowIfNull(logProbs);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(inputLengths);
        ArgumentNullException.ThrowIfNull(targetLengths);
        Defined.Check("CtcLoss", reduction);
        if (!logProbs.DType.IsFloatingPoint())
        {
            throw new DTypeException($"CtcLoss: not implemented for {logProbs.DType.Name()}: it takes log-probabilities. Apply LogSoftmax to a floating-point tensor.");
        }

        if (targets.DType is not (DType.Int64 or DType.Int32))
        {
            throw new DTypeException($"CtcLoss: targets must be int32 or int64, but they are {targets.DType.Name()}. Convert with To(DType.Int64).");
        }

        if (targets.Device != logProbs.Device)
        {
            throw new DeviceMismatchException(
                $"CtcLoss: Expected all tensors to be on the same device, but found at least two devices, {logProbs.Device} and {targets.Device}. Move one with To(device).");
        }

        if (logProbs.Rank == 2)
        {
            var alone = CtcLoss(logProbs.Unsqueeze(1), targets.Flatten(), inputLengths, targetLengths, blank, reduction, zeroInfinity);
            return reduction == LossReduction.None ? alone.Squeeze(0) : alone;
        }

        var labels = CtcTargets.Read(logProbs, targets, inputLengths, targetLengths, blank);
        var states = labels.States(logProbs.Device);
        var index = states.Unsqueeze(0).Expand(logProbs.Shape[0], states.Shape[0], states.Shape[1]);
        var emissions = logProbs.Gather(2, index).To(DType.Float64);
        var losses = Structural.Apply(new CtcRecursion(zeroInfinity), [emissions, labels.Skips(logProbs.Device), labels.Lengths(logProbs.Device)]);
        if (zeroInfinity)
        {
            losses = Tensor.Where(losses == double.PositiveInfinity, 0.0, losses);
        }

        if (reduction == LossReduction.Mean)
        {
            losses /= Tensor.FromArray(targetLengths.Select(l => Math.Max(1.0, l)).ToArray(), losses.Device);
        }

        return Reduce(losses, reduction).To(logProbs.DType);
    }

    /// <summary>The same with the lengths in tensors of integers, which are read.</summary>
    /// <exception cref="ShapeException">Shapes or lengths do not fit, or a class number is out of range.</exception>
    /// <exception cref="DTypeException">The log-probabilities are not floating-point, or the targets or lengths not integers.</exception>
    public static Tensor CtcLoss(
        Tensor logProbs,
        Tensor targets,
        Tensor inputLengths,
        Tensor targetLengths,
        long blank = 0,
        LossReduction reduction = LossReduction.Mean,
        bool zeroInfinity = false)
    {
        ArgumentNullException.ThrowIfNull(inputLengths);
        ArgumentNullException.ThrowIfNull(targetLengths);
        static long[] Read(string what, Tensor lengths) => lengths.DType is DType.Int64 or DType.Int32
            ? lengths.To(DType.Int64).ToArray<long>()
            : throw new DTypeException($"CtcLoss: {what} must be integral, but they are {lengths.DType.Name()}. Convert with To(DType.Int64).");
        return CtcLoss(logProbs, targets, Read("input_lengths", inputLengths), Read("target_lengths", targetLengths), blank, reduction, zeroInfinity);
    }
}
