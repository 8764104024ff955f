using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>How often each number from 0 on occurs in a 1-d tensor of whole numbers, or the sum of the weights where it does. Waits for the device: the size is data.</summary>
    /// <param name="weights">A weight for each element; null counts.</param>
    /// <param name="minLength">The result has at least so many elements.</param>
    /// <returns>int64, or the weights' dtype.</returns>
    /// <exception cref="DTypeException">This tensor holds no whole numbers.</exception>
    /// <exception cref="ShapeException">It is not 1-d, has a negative number, or the weights have another shape.</exception>
    public Tensor BinCount(Tensor? weights = null, long minLength = 0)
    {
        if (DType.IsFloatingPoint() || DType == DType.Bool)
        {
            throw new DTypeException($"BinCount: bincount only supports 1-d non-negative integral inputs, but got {DType.Name()}. Convert with To(DType.Int64).");
        }

        if (Rank != 1 || minLength < 0 || (weights is not null && weights.Shape != Shape))
        {
            throw new ShapeException(
                $"BinCount: bincount only supports 1-d non-negative integral inputs, weights of the same shape and minlength >= 0, but got shape {Shape}, "
                + $"weights {(weights is null ? "none" : weights.Shape)}, minlength {minLength}.");
        }

        CheckSameDevice("BinCount", this, weights ?? this);
        var index = Detach().To(DType.Int64);
        long least = 0, count = minLength;
        if (NumElements > 0)
        {
            using var mode = GradMode.Set(false);
            least = index.Amin().Item<long>();
            count = Math.Max(minLength, index.Amax().Item<long>() + 1);
        }

        if (least < 0)
        {
            throw new ShapeException($"BinCount: bincount only supports 1-d non-negative integral inputs, but one is {least}.");
        }

        var values = weights ?? Ones(Shape.Scalar, DType.Int64, Device).Expand(Shape);
        return Structural.Apply(new ScatteredSum(Shape.Own([count]), 0), values, index);
    }

    /// <summary>
    /// How many elements fall into each of <paramref name="bins"/> bins of equal width from <paramref name="min"/> to <paramref name="max"/>, the last one
    /// closed; what lies outside is left out, and nan is. Not differentiable.
    /// </summary>
    /// <param name="bins">How many.</param>
    /// <param name="min">Where the first starts; if it equals <paramref name="max"/>, the least element.</param>
    /// <param name="max">Where the last ends; if it equals <paramref name="min"/>, the greatest element.</param>
    /// <returns>[bins], of this tensor's dtype.</returns>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">There are no bins, or max is less than min, or a bound is not finite.</exception>
    public Tensor Histc(long bins = 100, double min = 0, double max = 0)
    {
        CheckFloating("Histc");
        using var mode = GradMode.Set(false);
        var (low, high) = BinRange("Histc", bins, min, max);
        return Counted(bins, low, high, null).To(DType);
    }

    /// <summary>A histogram of all elements and the edges of its bins: counts, or sums of weights, or with <paramref name="density"/> an estimate of the probability density. Not differentiable.</summary>
    /// <param name="bins">How many bins of equal width; the last one is closed.</param>
    /// <param name="range">Where the first starts and the last ends; by default the least and the greatest element.</param>
    /// <param name="weight">A weight for each element.</param>
    /// <param name="density">Whether the result is divided by its integral.</param>
    /// <returns>[bins] and [bins + 1], of this tensor's dtype.</returns>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">There are no bins, the range is empty or not finite, or the weights have another shape.</exception>
    public (Tensor Hist, Tensor BinEdges) Histogram(long bins, (double Low, double High)? range = null, Tensor? weight = null, bool density = false)
    {
        CheckFloating("Histogram");
        if (weight is not null && weight.Shape != Shape)
        {
            throw new ShapeException($"Histogram: if weight tensor is provided it should have the same shape as the input tensor, but got {weight.Shape} and {Shape}.");
        }

        using var mode = GradMode.Set(false);
        var (low, high) = BinRange("Histogram", bins, range?.Low ?? 0, range?.High ?? 0);
        var counts = Counted(bins, low, high, weight).To(DType);
        var edges = Linspace(low, high, bins + 1, DType.Float64, Device).To(DType);
        return (density ? counts / (counts.Sum() * ((high - low) / bins)) : counts, edges);
    }

    /// <summary>The different elements in ascending order; every nan counts as different. Waits for the device: the size is data.</summary>
    public Tensor Unique() => Unique(out _, out _);

    /// <summary>The different elements in ascending order, where in it each element is found, and how often each occurs.</summary>
    /// <param name="inverse">int64, of this tensor's shape: the position of each element among the different ones.</param>
    /// <param name="counts">int64: how often each of the different elements occurs.</param>
    public Tensor Unique(out Tensor inverse, out Tensor counts)
    {
        using var mode = GradMode.Set(false);
        var flat = Readable("Unique").Detach().Flatten();
        long size = flat.NumElements;
        if (size == 0)
        {
            inverse = Zeros(Shape, DType.Int64, Device);
            counts = Zeros([0], DType.Int64, Device);
            return flat;
        }

        var (sorted, places) = flat.Sort(0);
        var first = Ones([1], DType.Bool, Device);
        var isNew = size == 1 ? first : Cat([first, sorted[1..].Ne(sorted[..^1])]);
        var starts = Operations.NonZero.Places(isNew);
        var number = isNew.To(DType.Int64).CumSum(0) - 1;
        inverse = Zeros([size], DType.Int64, Device).Scatter(0, places, number).Reshape(Shape);
        counts = Cat([starts[1..], Full([1], size, DType.Int64, Device)]) - starts;
        return sorted.IndexSelect(0, starts);
    }

    private (double Low, double High) BinRange(string name, long bins, double low, double high)
    {
        if (bins <= 0)
        {
            throw new ShapeException($"{name}: bins must be > 0, but got {bins}.");
        }

        if (low == high && NumElements > 0)
        {
            (low, high) = (Detach().Amin().Item<double>(), Detach().Amax().Item<double>());
        }

        if (low == high)
        {
            (low, high) = (low - 1, high + 1);
        }

        return double.IsFinite(low) && double.IsFinite(high) && low < high
            ? (low, high)
            : throw new ShapeException($"{name}: max must be larger than min, and the range of [{low}, {high}] finite. Give a range.");
    }

    /// <summary>Counts, or sums of weights, of the elements in bins of one width.</summary>
    private Tensor Counted(long bins, double low, double high, Tensor? weight)
    {
        var x = Detach().Flatten().To(DType.Float64);
        var isInside = (x >= low) * (x <= high);
        var bin = Where(isInside, (x - low) * (bins / (high - low)), 0.0).To(DType.Int64).Clamp(0, bins - 1);
        var values = weight is null ? isInside.To(DType.Int64) : Where(isInside, weight.Flatten(), 0.0);
        return Structural.Apply(new ScatteredSum(Shape.Own([bins]), 0), values, bin);
    }
}
