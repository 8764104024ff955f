using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Nn;

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
        Rows("Embedding", Tensor.NotNull(input), Tensor.NotNull(weight), paddingIdx, maxNorm, normType, scaleGradByFreq);

    /// <summary>For each element a row of <paramref name="numClasses"/> elements: 1 at the place that it names, elsewhere 0, as int64.</summary>
    /// <param name="input">Class numbers, int64.</param>
    /// <param name="numClasses">How many there are; -1 for the largest in the input and one, which waits for the device.</param>
    /// <exception cref="DTypeException">The dtype is not int64.</exception>
    /// <exception cref="ShapeException">A class number is out of range, or there is none to infer the number from.</exception>
    public static Tensor OneHot(Tensor input, long numClasses = -1)
    {
        ArgumentNullException.ThrowIfNull(input);
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
        CheckTable(name, weight);
        var index = IndexRange.Expect(name, input, weight.Device).Flatten();
        var padding = paddingIdx is { } p ? Wrapped(name, p, weight) : (long?)null;
        var places = Tensor.Places(index, [index.NumElements, weight.Shape[1]], 0);
        if (maxNorm is { } norm)
        {
            Renormalise(name, weight, index, places, norm, normType);
        }

        var shape = Shape.Own([.. input.Shape.AsSpan(), weight.Shape[1]]);
        return padding is null && !scaleGradByFreq
            ? Structural.Apply(new Gathered(name, weight.Shape, 0, shape), weight, places)
            : Structural.Apply(new EmbeddingRows(weight.Shape, 0, shape, padding, scaleGradByFreq), weight, places);
    }

    private static void CheckTable(string name, Tensor weight)
    {
        if (weight.Rank != 2)
        {
            throw new ShapeException($"{name}: 'weight' must be 2-D, [rows, columns], but got shape {weight.Shape}. Reshape it.");
        }
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
}
