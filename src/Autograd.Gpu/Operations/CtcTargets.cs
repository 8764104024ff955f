namespace Autograd.Gpu.Operations;

/// <summary>The targets of connectionist temporal classification, checked: what the states of each sample are.</summary>
internal sealed class CtcTargets
{
    private readonly long[][] _labels;
    private readonly long[] _inputLengths;
    private readonly long _blank;
    private readonly long _states;

    private CtcTargets(long[][] labels, long[] inputLengths, long blank)
    {
        (_labels, _inputLengths, _blank) = (labels, inputLengths, blank);
        _states = 2 * labels.Select(l => (long)l.Length).DefaultIfEmpty().Max() + 1;
    }

    /// <summary>Reads and checks the targets of [time, batch, classes] log-probabilities.</summary>
    /// <exception cref="ShapeException">Something does not fit.</exception>
    public static CtcTargets Read(Tensor logProbs, Tensor targets, IReadOnlyList<long> inputLengths, IReadOnlyList<long> targetLengths, long blank)
    {
        if (logProbs.Rank != 3 || logProbs.Shape[0] == 0 || logProbs.Shape[2] == 0)
        {
            throw new ShapeException($"CtcLoss: expected log-probabilities of shape [time, batch, classes] or [time, classes], with steps and classes, but got {logProbs.Shape}.");
        }

        long time = logProbs.Shape[0], batch = logProbs.Shape[1], classes = logProbs.Shape[2];
        if (blank < 0 || blank >= classes)
        {
            throw new ShapeException($"CtcLoss: blank must be in label range [0, {classes}), and it is {blank}.");
        }

        if (inputLengths.Count != batch || targetLengths.Count != batch)
        {
            throw new ShapeException(
                $"CtcLoss: input_lengths and target_lengths must be of size batch_size ({batch}), but there are {inputLengths.Count} and {targetLengths.Count}.");
        }

        for (int n = 0; n < batch; n++)
        {
            if (inputLengths[n] < 0 || inputLengths[n] > time)
            {
                throw new ShapeException($"CtcLoss: Expected input_lengths to have value at most {time} and at least 0, but got value {inputLengths[n]}.");
            }

            if (targetLengths[n] < 0)
            {
                throw new ShapeException($"CtcLoss: Expected target_lengths to have value at least 0, but got value {targetLengths[n]}.");
            }
        }

        long total = targetLengths.Sum(), longest = targetLengths.DefaultIfEmpty().Max();
        bool isPadded = targets.Rank == 2;
        if (isPadded ? targets.Shape[0] != batch || targets.Shape[1] < longest : targets.Rank != 1 || targets.Shape[0] != total)
        {
            throw new ShapeException(
                $"CtcLoss: Expected targets of shape [{batch}, at least {longest}] or [{total}], the sum of target_lengths, but got {targets.Shape}.");
        }

        long[] all = targets.To(DType.Int64).ToArray<long>();
        var labels = new long[batch][];
        long start = 0;
        for (int n = 0; n < batch; n++)
        {
            long at = isPadded ? n * targets.Shape[1] : start;
            labels[n] = all[(int)at..(int)(at + targetLengths[n])];
            start += targetLengths[n];
            foreach (long label in labels[n])
            {
                if (label < 0 || label >= classes || label == blank)
                {
                    throw new ShapeException(
                        $"CtcLoss: Target {label} is out of bounds: class numbers must lie in [0, {classes}) and differ from the blank, {blank}. It is one of sample {n}.");
                }
            }
        }

        return new CtcTargets(labels, [.. inputLengths], blank);
    }

    /// <summary>The class of each state, [batch, states]: labels with blanks between and around them.</summary>
    public Tensor States(Device device)
    {
        var states = new long[_labels.Length, _states];
        for (int n = 0; n < _labels.Length; n++)
        {
            for (int s = 0; s < _states; s++)
            {
                states[n, s] = s % 2 == 1 && s / 2 < _labels[n].Length ? _labels[n][s / 2] : _blank;
            }
        }

        return Tensor.FromArray(states, device);
    }

    /// <summary>0 for a label that differs from the one before it, so that the blank between them may be left out; elsewhere -inf. [batch, states].</summary>
    public Tensor Skips(Device device)
    {
        var skips = new double[_labels.Length, _states];
        for (int n = 0; n < _labels.Length; n++)
        {
            for (int s = 0; s < _states; s++)
            {
                skips[n, s] = s % 2 == 1 && s > 1 && s / 2 < _labels[n].Length && _labels[n][s / 2] != _labels[n][s / 2 - 1] ? 0 : double.NegativeInfinity;
            }
        }

        return Tensor.FromArray(skips, device);
    }

    /// <summary>Input and target lengths, [batch, 2].</summary>
    public Tensor Lengths(Device device)
    {
        var lengths = new long[_labels.Length, 2];
        for (int n = 0; n < _labels.Length; n++)
        {
            (lengths[n, 0], lengths[n, 1]) = (_inputLengths[n], _labels[n].Length);
        }

        return Tensor.FromArray(lengths, device);
    }
}
