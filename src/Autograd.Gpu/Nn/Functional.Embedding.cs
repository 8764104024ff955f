using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

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
    /// Rows of a table: <c>result[i, j, :] = weight[input[i, j], :]</c>. The gradient of the table is summed in the order of the input, on every device.
    /// On a GPU a number out of range yields nan.
    /// </summary>
    /// <param name="input">Row numbers, int64 or int32, of any shape.</param>
    /// <param name="weight">The table, [rows, columns].</param>
    /// <param name="paddingIdx">A row that gets no gradient; negative ones count from the end.</param>
    /// <param name="maxNorm">
    /// Rows that are looked up and have a larger norm are first scaled down to it, in place in <paramref name="weight"/>, unrecorded; its version rises.
    /// </param>
    /// <param name="normType">The p of that norm.</param>
    /// <param name="scaleGradByFreq">Whether the gradient of a row is divided by how often the input names it.</param>
    /// <returns>The input's shape with the columns behind.</returns>
    /// <exception cref="ShapeException">The table has not two dimensions, or a row does not exist.</exception>
    /// <exception cref="DTypeException">The input is not int64 or int32.</exception>
    /// <exception cref="DeviceMismatchException">Input and table are on different devices.</exception>
    public static Tensor Embedding(
        Tensor input, Tensor weight, long? paddingIdx = null, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false) =>
        Rows("Embedding", input, weight, paddingIdx, maxNorm, normType, scaleGradByFreq);

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
    /// <exception cref="DTypeException">The input or the offsets are not int64 or int32, or the weights are of another dtype than the table.</exception>
    /// <exception cref="ArgumentException">Weights with another mode than sums, or frequencies with maxima.</exception>
    public static Tensor EmbeddingBag(
        Tensor input, Tensor weight, Tensor? offsets = null, EmbeddingBagMode mode = EmbeddingBagMode.Mean, Tensor? perSampleWeights = null,
        bool includeLastOffset = false, long? paddingIdx = null, double? maxNorm = null, double normType = 2, bool scaleGradByFreq = false)
    {
        CheckBags(input, weight, offsets, mode, perSampleWeights, scaleGradByFreq);
        var rows = Rows("EmbeddingBag", input, weight, null, maxNorm, normType, scaleGradByFreq);
        var counts = paddingIdx is { } padding ? (input != Wrapped("EmbeddingBag", padding, weight)).Unsqueeze(-1) : null;
        if (perSampleWeights is not null)
        {
            rows = rows * perSampleWeights.Unsqueeze(-1);
        }

        if (counts is not null)
        {
            rows = rows.MaskedFill(counts.LogicalNot(), mode == EmbeddingBagMode.Max ? double.NegativeInfinity : 0);
        }

        if (offsets is null)
        {
            return BagsOfOneSize(rows, counts, mode);
        }

        // The number of the bag for each element; what lies behind the last offset, where that is the end, falls into a bag that is cut off.
        var starts = IndexRange.Expect("EmbeddingBag", offsets, weight.Device);
        CheckOffsets(starts, input.NumElements);
        long bags = starts.NumElements;
        var bag = starts.SearchSorted(Tensor.Arange(input.NumElements, DType.Int64, weight.Device), right: true) - 1;
        var result = bags == 0 ? rows.Narrow(0, 0, 0) : BagsOf(rows, counts, bag, bags, mode);
        return includeLastOffset ? result.Narrow(0, 0, bags - 1) : result;
    }

    /// <summary>For each element a row of <paramref name="numClasses"/> elements: 1 at the place that it names, elsewhere 0, as int64.</summary>
    /// <param name="input">Class numbers, int64.</param>
    /// <param name="numClasses">How many there are; -1 for the largest in the input and one, which waits for the device.</param>
    /// <exception cref="DTypeException">The dtype is not int64.</exception>
    /// <exception cref="ShapeException">A class number is out of range, or there is none to infer the number from.</exception>
    public static Tensor OneHot(Tensor input, long numClasses = -1)
    {
        if (numClasses == -1 && input.DType == DType.Int64)
        {
            numClasses = input.NumElements > 0
                ? input.Max().Item<long>() + 1
                : throw new ShapeException("OneHot: Can not infer total number of classes from empty tensor. Give numClasses.");
        }

        return numClasses > 0 ? input.OneHot(numClasses) : throw new ShapeException($"OneHot: num_classes should be positive, but got {numClasses}.");
    }

    private static Tensor Rows(string name, Tensor input, Tensor weight, long? paddingIdx, double? maxNorm, double normType, bool scaleGradByFreq)
    {
        if (weight.Rank != 2)
        {
            throw new ShapeException($"{name}: 'weight' must be 2-D, [rows, columns], but got shape {weight.Shape}. Reshape it.");
        }

        var index = IndexRange.Expect(name, input, weight.Device).Flatten();
        var padding = paddingIdx is { } p ? Wrapped(name, p, weight) : (long?)null;
        var places = Tensor.Along(index, [index.NumElements, weight.Shape[1]], 0);
        if (maxNorm is { } norm)
        {
            Renormalise(name, weight, index, places, norm, normType);
        }

        var shape = Shape.Own([.. input.Shape.AsSpan(), weight.Shape[1]]);
        return padding is null && !scaleGradByFreq
            ? Structural.Apply(new Gathered(name, weight.Shape, 0, shape), weight, places)
            : Structural.Apply(new EmbeddingRows(weight.Shape, 0, shape, padding, scaleGradByFreq), weight, places);
    }

    private static long Wrapped(string name, long paddingIdx, Tensor weight) => paddingIdx >= -weight.Shape[0] && paddingIdx < weight.Shape[0]
        ? paddingIdx < 0 ? paddingIdx + weight.Shape[0] : paddingIdx
        : throw new ShapeException($"{name}: Padding_idx must be within num_embeddings: got {paddingIdx} for a table of {weight.Shape[0]} rows.");

    /// <summary>Scales the rows that are looked up down to a norm. A row that occurs twice is written twice, with the same elements.</summary>
    private static void Renormalise(string name, Tensor weight, Tensor index, Tensor places, double maxNorm, double p)
    {
        using var mode = GradMode.Set(false);
        var rows = Structural.Apply(new Gathered(name, weight.Shape, 0, places.Shape), weight, places);
        var norm = rows.Norm(p, [1], keepDim: true);
        weight.OverwriteRows(name, index, rows * Tensor.Where(norm > maxNorm, maxNorm / (norm + 1e-7), 1.0));
    }

    private static Tensor BagsOfOneSize(Tensor rows, Tensor? counts, EmbeddingBagMode mode)
    {
        long size = rows.Shape[1];
        if (mode == EmbeddingBagMode.Sum || size == 0)
        {
            return rows.Sum(1);
        }

        if (mode == EmbeddingBagMode.Mean)
        {
            return counts is null ? rows.Mean(1) : rows.Sum(1) / counts.Sum(1).Clamp(1).To(rows.DType);
        }

        var largest = rows.Max(1).Values;
        return counts is null ? largest : largest.MaskedFill(counts.Any(1).LogicalNot(), 0);
    }

    private static Tensor BagsOf(Tensor rows, Tensor? counts, Tensor bag, long bags, EmbeddingBagMode mode)
    {
        long columns = rows.Shape[1];
        var target = Shape.Own([bags, columns]);
        var places = Tensor.Along(bag, rows.Shape, 0);
        if (mode == EmbeddingBagMode.Max)
        {
            return LargestOf(rows, counts, bag, places, target);
        }

        var sum = Structural.Apply(new ScatteredSum(target, 0), rows, places);
        if (mode == EmbeddingBagMode.Sum)
        {
            return sum;
        }

        var dtype = rows.DType.ComputeType();
        var ones = counts?.To(dtype) ?? Tensor.Ones(Shape.Scalar, dtype, rows.Device).Expand(rows.Shape[0], 1);
        var sizes = Structural.Apply(new ScatteredSum([bags, 1], 0), ones, bag.Unsqueeze(-1));
        return (sum / sizes.Clamp(1)).To(rows.DType);
    }

    /// <summary>The largest element of each bag and column: a gather from the first row that has it, so that the gradient goes there alone.</summary>
    private static Tensor LargestOf(Tensor rows, Tensor? counts, Tensor bag, Tensor places, Shape target)
    {
        long count = rows.Shape[0];
        if (count == 0)
        {
            return Tensor.Zeros(target, rows.DType, rows.Device);
        }

        var values = rows.Detach();
        var largest = Tensor.Full(target, double.NegativeInfinity, rows.DType, rows.Device)
            .ScatterReduce(0, places, values, ScatterReduction.Amax);
        var isLargest = values.Eq(largest.IndexSelect(0, bag)).LogicalOr(values.IsNan());
        if (counts is not null)
        {
            isLargest = isLargest.LogicalAnd(counts);
        }

        var position = Tensor.Where(isLargest, Tensor.Arange(count, DType.Int64, rows.Device).Unsqueeze(-1), count);
        var first = Tensor.Full(target, count, DType.Int64, rows.Device).ScatterReduce(0, places, position, ScatterReduction.Amin);
        return rows.Gather(0, first.Clamp(0, count - 1)).MaskedFill(first.Eq(count), 0);
    }

    private static void CheckBags(Tensor input, Tensor weight, Tensor? offsets, EmbeddingBagMode mode, Tensor? weights, bool scaleGradByFreq)
    {
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
        if (!offsets.Device.HasHostMemory || offsets.NumElements == 0 || offsets.Wrapper is not null)
        {
            return;
        }

        var starts = offsets.ToArray<long>();
        for (int i = 0; i < starts.Length; i++)
        {
            if (i == 0 ? starts[i] != 0 : starts[i] < starts[i - 1] || starts[i] > count)
            {
                throw new ShapeException(
                    $"EmbeddingBag: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0, and offsets have to ascend to at most {count}, "
                    + $"the length of the input; but offsets[{i}] is {starts[i]}.");
            }
        }
    }
}
