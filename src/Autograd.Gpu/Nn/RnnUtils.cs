namespace Autograd.Gpu.Nn;

/// <summary>Packs and pads sequences of different lengths: what <c>torch.nn.utils.rnn</c> holds.</summary>
public static class RnnUtils
{
    /// <summary>Packs padded sequences, [time, batch, ...] or with <paramref name="batchFirst"/> [batch, time, ...].</summary>
    /// <param name="input">The sequences; what stands behind their ends does not count.</param>
    /// <param name="lengths">The length of each, at least 1.</param>
    /// <param name="batchFirst">Whether the batch is the first dimension.</param>
    /// <param name="enforceSorted">Whether the sequences must come longest first; otherwise they are sorted, and unpacking puts them back.</param>
    /// <exception cref="ShapeException">The lengths do not fit the input, are not sorted where they must be, or one is not positive.</exception>
    public static PackedSequence PackPaddedSequence(Tensor input, IReadOnlyList<long> lengths, bool batchFirst = false, bool enforceSorted = true)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(lengths);
        if (input.Rank < 2)
        {
            throw new ShapeException($"PackPaddedSequence: expected an input of shape [time, batch, ...], but it has shape {input.Shape}.");
        }

        if (batchFirst)
        {
            input = input.Transpose(0, 1);
        }

        long time = input.Shape[0], batch = input.Shape[1];
        if (lengths.Count != batch)
        {
            throw new ShapeException($"PackPaddedSequence: Expected `len(lengths)` to be equal to batch_size, but got {lengths.Count} (batch_size={batch}).");
        }

        if (lengths.Count == 0 || lengths.Any(l => l <= 0))
        {
            throw new ShapeException(
                $"PackPaddedSequence: Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: [{string.Join(", ", lengths)}].");
        }

        if (lengths.Max() > time)
        {
            throw new ShapeException($"PackPaddedSequence: Expected `len(lengths)` to be at most the padded length {time}, but a length is {lengths.Max()}.");
        }

        long[]? sorted = null, unsorted = null;
        if (Enumerable.Range(1, lengths.Count - 1).Any(i => lengths[i] > lengths[i - 1]))
        {
            if (enforceSorted)
            {
                throw new ShapeException(
                    "PackPaddedSequence: `lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to sort them here: "
                    + $"enforceSorted: false. The lengths are [{string.Join(", ", lengths)}].");
            }

            sorted = [.. Enumerable.Range(0, lengths.Count).Select(i => (long)i).OrderByDescending(i => lengths[(int)i])];
            unsorted = new long[sorted.Length];
            for (int i = 0; i < sorted.Length; i++)
            {
                unsorted[sorted[i]] = i;
            }

            input = input.IndexSelect(1, Tensor.FromArray(sorted, input.Device));
        }

        var sizes = new long[lengths.Max()];
        foreach (long length in lengths)
        {
            for (int t = 0; t < length; t++)
            {
                sizes[t]++;
            }
        }

        // Steps with the same number of sequences lie together.
        var parts = new List<Tensor>();
        for (int t = 0; t < sizes.Length;)
        {
            int end = t + 1;
            while (end < sizes.Length && sizes[end] == sizes[t])
            {
                end++;
            }

            parts.Add(input.Narrow(0, t, end - t).Narrow(1, 0, sizes[t]).Flatten(0, 1));
            t = end;
        }

        return new PackedSequence(parts.Count == 1 ? parts[0] : Tensor.Cat(parts), sizes, sorted, unsorted);
    }

    /// <summary>The same with the lengths in a tensor of integers, which is read.</summary>
    public static PackedSequence PackPaddedSequence(Tensor input, Tensor lengths, bool batchFirst = false, bool enforceSorted = true)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        return lengths.Rank == 1 && !lengths.DType.IsFloatingPoint()
            ? PackPaddedSequence(input, lengths.To(DType.Int64).ToArray<long>(), batchFirst, enforceSorted)
            : throw new DTypeException($"PackPaddedSequence: expected lengths as a vector of integers, but got {lengths.DType.Name()} of shape {lengths.Shape}.");
    }

    /// <summary>Pads packed sequences, to [time, batch, ...] or with <paramref name="batchFirst"/> [batch, time, ...], in the order they had before packing.</summary>
    /// <param name="sequence">The sequences.</param>
    /// <param name="batchFirst">Whether the batch is the first dimension of the result.</param>
    /// <param name="paddingValue">What stands behind the end of a sequence.</param>
    /// <param name="totalLength">The time to pad to; null for the longest length.</param>
    /// <returns>The padded sequences and their lengths.</returns>
    /// <exception cref="ShapeException">A sequence is longer than <paramref name="totalLength"/>.</exception>
    public static (Tensor Output, long[] Lengths) PadPackedSequence(PackedSequence sequence, bool batchFirst = false, double paddingValue = 0, long? totalLength = null)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        var sizes = sequence.BatchSizes;
        if (totalLength < sizes.Count)
        {
            throw new ShapeException(
                $"PadPackedSequence: Expected total_length to be at least the length of the longest sequence in input, but got total_length={totalLength} and max sequence length being {sizes.Count}.");
        }

        long batch = sizes[0];
        var lengths = new long[batch];
        var inner = sequence.Data.Shape.AsSpan()[1..].ToArray();
        var parts = new List<Tensor>();
        long start = 0;
        for (int t = 0; t < sizes.Count;)
        {
            int end = t + 1;
            while (end < sizes.Count && sizes[end] == sizes[t])
            {
                end++;
            }

            for (int i = 0; i < sizes[t]; i++)
            {
                lengths[i] = end;
            }

            long steps = end - t;
            var part = sequence.Data.Narrow(0, start, steps * sizes[t]).Reshape([steps, sizes[t], .. inner]);
            parts.Add(sizes[t] == batch ? part : Tensor.Cat([part, Padding([steps, batch - sizes[t], .. inner])], 1));
            start += steps * sizes[t];
            t = end;
        }

        if (totalLength > sizes.Count)
        {
            parts.Add(Padding([totalLength.Value - sizes.Count, batch, .. inner]));
        }

        var output = sequence.Unsorted(parts.Count == 1 ? parts[0] : Tensor.Cat(parts), 1);
        var order = sequence.UnsortedIndices;
        return (batchFirst ? output.Transpose(0, 1) : output, order is null ? lengths : [.. order.Select(i => lengths[i])]);

        Tensor Padding(Shape shape) => Tensor.Full(shape, paddingValue, sequence.Data.DType, sequence.Data.Device);
    }

    /// <summary>Pads sequences [time, ...] to the longest and stacks them: [time, batch, ...] or with <paramref name="batchFirst"/> [batch, time, ...].</summary>
    /// <exception cref="ShapeException">There is no sequence, one has no dimension, or they differ in another than the first.</exception>
    public static Tensor PadSequence(IReadOnlyList<Tensor> sequences, bool batchFirst = false, double paddingValue = 0)
    {
        Tensor.NotNull(sequences);
        CheckSequences("PadSequence", sequences);
        long longest = sequences.Max(s => s.Shape[0]);
        var padded = sequences.Select(s => s.Shape[0] == longest
            ? s
            : Tensor.Cat([s, Tensor.Full([longest - s.Shape[0], .. s.Shape.AsSpan()[1..]], paddingValue, s.DType, s.Device)]));
        return Tensor.Stack([.. padded], batchFirst ? 0 : 1);
    }

    /// <summary>Packs sequences [time, ...] of different lengths.</summary>
    /// <exception cref="ShapeException">There is no sequence, they do not fit, or they are not sorted where they must be.</exception>
    public static PackedSequence PackSequence(IReadOnlyList<Tensor> sequences, bool enforceSorted = true)
    {
        CheckSequences("PackSequence", sequences);
        return PackPaddedSequence(PadSequence(sequences), [.. sequences.Select(s => s.Shape[0])], enforceSorted: enforceSorted);
    }

    private static void CheckSequences(string operation, IReadOnlyList<Tensor> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (sequences.Count == 0)
        {
            throw new ShapeException($"{operation}: received an empty list of sequences.");
        }

        foreach (var sequence in sequences)
        {
            if (sequence.Rank == 0 || !sequence.Shape.AsSpan()[1..].SequenceEqual(sequences[0].Shape.AsSpan()[1..]))
            {
                throw new ShapeException(
                    $"{operation}: expected sequences of shape [time, ...] with the same sizes behind the time, but got {sequences[0].Shape} and {sequence.Shape}.");
            }
        }
    }
}
