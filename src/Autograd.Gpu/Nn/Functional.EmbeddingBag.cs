using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>How <see cref="Functional.EmbeddingBag"/> combines the rows of a bag.</summary>
public enum EmbeddingBagMode
{
    /// <summary>Their sum, weighted if weights are given.</summary>
    Sum,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The largest element of each column; the gradient goes to the first row that has it.</summary>
    Max,
}

public static partial class Functional
{
    /// <summary>
    /// Sums, means or maxima of bags of rows of a table. With <paramref name="offsets"/> a bag is a part of a 1-d input; without, a row of a 2-d one. An
    /// empty bag gives zeros.
    /// </summary>
    /// <param name="input">Row numbers, int64 or int32: [n], or [bags, size].</param>
    /// <param name="weight">The table, [rows, columns].</param>
    /// <param name="offsets">Where in a 1-d input each bag starts: ascending from 0, int64 or int32.</param>
    /// <param name="mode">How rows are combined.</param>
    /// <param name="perSampleWeights">A weight for each element of the input, of the table's dtype; for sums only. It has a gradient.</param>
    /// <param name="includeLastOffset">Whether the last offset is no bag but the end of the last one.</param>
    /// <param name="paddingIdx">A row that counts as if it were not in its bag.</param>
    /// <param name="maxNorm">As in <see cref="Embedding"/>.</param>
    /// <param name="normType">As in <see cref="Embedding"/>.</param>
    /// <param name="scaleGradByFreq">As in <see cref="Embedding"/>; not for maxima.</param>
    /// <returns>[bags, columns].</returns>
    /// <exception cref="ShapeException">The shapes do not fit, a row does not exist, or (where the host can read them) the offsets do not start at 0.</exception>
    /// <exception cref="DTypeException">
    /// The input or the offsets are not int64 or int32, the table has no floating-point dtype, or the weights have another one.
    /// </exception>
    /// <exception cref="ArgumentException">Weights with another mode than sums, or frequencies with maxima.</exception>
    public static Tensor EmbeddingBag(
        Tensor input, Tensor weight, Tensor? offsets = null, EmbeddingBagMode mode = EmbeddingBagMode.Mean, Tensor? perSampleWeights = null,
        bool includeLastOffset = false, long? paddingIdx = null, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(weight);
        CheckBags(input, weight, offsets, mode, perSampleWeights, scaleGradByFreq);
        CheckTable("EmbeddingBag", weight);
        var rows = IndexRange.Expect("EmbeddingBag", input, weight.Device).Flatten();
        if (maxNorm is { } norm)
        {
            Renormalise("EmbeddingBag", weight, rows, Tensor.Places(rows, [rows.NumElements, weight.Shape[1]], 0), norm, normType);
        }

        var isPadding = paddingIdx is { } padding ? rows == Wrapped("EmbeddingBag", padding, weight) : null;
        var (starts, ends) = Bounds(input, weight, offsets, includeLastOffset);

        // The mark of what is left out is no row either: the caller's own is refused like its neighbour.
        var named = input.DType == DType.Int64 ? rows.Clamp(min: Bags.Skip + 1) : rows;
        var places = Tensor.Cat([isPadding is null ? named : named.MaskedFill(isPadding, Bags.Skip), starts, ends]);
        long bags = starts.NumElements;
        if (mode == EmbeddingBagMode.Max)
        {
            return LargestOf(weight, places, bags);
        }

        // Half types are computed in float32.
        var (dtype, type) = (weight.DType, weight.DType.ComputeType());
        var sum = perSampleWeights is { } weights
            ? Structural.Apply(new BagSum(weight.Shape[0], bags, dtype, true, scaleGradByFreq), [weight, places, weights.Flatten().To(type)])
            : Structural.Apply(new BagSum(weight.Shape[0], bags, dtype, false, scaleGradByFreq), weight, places);
        return (mode == EmbeddingBagMode.Sum ? sum : sum / Sizes(starts, ends, isPadding).Clamp(1).To(type).Unsqueeze(-1)).To(dtype);
    }

    /// <summary>Where each bag starts and ends among the elements.</summary>
    private static (Tensor Starts, Tensor Ends) Bounds(Tensor input, Tensor weight, Tensor? offsets, bool includeLastOffset)
    {
        long count = input.NumElements;
        if (offsets is null)
        {
            var first = Tensor.Arange(input.Shape[0], DType.Int64, weight.Device) * input.Shape[1];
            return (first, first + input.Shape[1]);
        }

        var starts = IndexRange.Expect("EmbeddingBag", offsets, weight.Device);
        CheckOffsets(starts, count);
        if (includeLastOffset)
        {
            return starts.NumElements > 0
                ? (starts.Narrow(0, 0, starts.NumElements - 1), starts.Narrow(0, 1, starts.NumElements - 1))
                : throw new ShapeException("EmbeddingBag: include_last_offset: numBags should be at least 1, but the offsets are empty. Give at least the last offset.");
        }

        return (starts, starts.NumElements == 0 ? starts : Tensor.Cat([starts.Narrow(0, 1, starts.NumElements - 1), Tensor.Full([1], count, DType.Int64, weight.Device)]));
    }

    /// <summary>The number of elements of each bag that are no padding.</summary>
    private static Tensor Sizes(Tensor starts, Tensor ends, Tensor? isPadding)
    {
        if (isPadding is null || isPadding.NumElements == 0)
        {
            return ends - starts;
        }

        var before = Pad(isPadding.LogicalNot().To(DType.Int64).CumSum(0), [1, 0]);
        return before.IndexSelect(0, ends) - before.IndexSelect(0, starts);
    }

    /// <summary>The largest element of each bag and column: a gather from the first row that has it, so that the gradient goes there alone.</summary>
    private static Tensor LargestOf(Tensor table, Tensor places, long bags)
    {
        if (table.Shape[0] == 0)
        {
            return Tensor.Zeros([bags, table.Shape[1]], table.DType, table.Device);
        }

        var row = Structural.Apply(new BagLargest(bags), table, places);
        return table.Gather(0, row.Clamp(0)).MaskedFill(row == Bags.Skip, 0);
    }

    private static void CheckBags(Tensor input, Tensor weight, Tensor? offsets, EmbeddingBagMode mode, Tensor? weights, bool scaleGradByFreq)
    {
        Defined.Check("EmbeddingBag", mode);
        if (!weight.DType.IsFloatingPoint())
        {
            throw new DTypeException(
                $"EmbeddingBag: Expected tensor for argument 'weight' to have one of the following scalar types: float16, bfloat16, float32, float64; but got {weight.DType.Name()} instead. Convert it with To(dtype).");
        }

        if (offsets is null ? input.Rank != 2 : input.Rank != 1 || offsets.Rank != 1)
        {
            throw new ShapeException(
                offsets is null
                    ? $"EmbeddingBag: if input is 1D, offsets has to be a 1D Tensor: without offsets the input has to be 2D, but got shape {input.Shape}."
                    : $"EmbeddingBag: input has to be 1D and offsets has to be a 1D Tensor, but got shapes {input.Shape} and {offsets.Shape}. If input is 2D, then offsets has to be None.");
        }

        if (scaleGradByFreq && mode == EmbeddingBagMode.Max)
        {
            throw new ArgumentException("EmbeddingBag: max mode does not support scaling the gradient by the frequency. Use Sum or Mean.", nameof(scaleGradByFreq));
        }

        if (weights is null)
        {
            return;
        }

        if (mode != EmbeddingBagMode.Sum)
        {
            throw new ArgumentException(
                $"EmbeddingBag: perSampleWeights was not None. perSampleWeights is only supported for mode='sum', but got {mode}.", nameof(weights));
        }

        if (weights.Device != weight.Device)
        {
            throw new DeviceMismatchException(
                $"EmbeddingBag: Expected all tensors to be on the same device, but found at least two devices, {weight.Device} and {weights.Device}. Move one with To(device).");
        }

        if (weights.Shape != input.Shape)
        {
            throw new ShapeException($"EmbeddingBag: expected perSampleWeights to have the same shape as the input, {input.Shape}, but got {weights.Shape}.");
        }

        if (weights.DType != weight.DType)
        {
            throw new DTypeException($"EmbeddingBag: expected weight and perSampleWeights of one dtype, but got {weight.DType.Name()} and {weights.DType.Name()}.");
        }
    }

    private static void CheckOffsets(Tensor offsets, long count)
    {
        if (!offsets.Device.HasHostMemory || offsets.NumElements == 0)
        {
            return;
        }

        // Inside Vmap those of each sample.
        var starts = offsets.Plain.ToArray<long>();
        for (int i = 0; i < starts.Length; i++)
        {
            int bag = i % (int)offsets.NumElements;
            if (bag == 0 ? starts[i] != 0 : starts[i] < starts[i - 1] || starts[i] > count)
            {
                throw new ShapeException(
                    $"EmbeddingBag: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0, and offsets have to ascend to at most {count}, "
                    + $"the length of the input; but offsets[{bag}] is {starts[i]}.");
            }
        }
    }
}
