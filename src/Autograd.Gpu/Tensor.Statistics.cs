using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>What a quantile between two elements is.</summary>
public enum QuantileInterpolation
{
    /// <summary>On the line between the two.</summary>
    Linear,

    /// <summary>The lower one.</summary>
    Lower,

    /// <summary>The higher one.</summary>
    Higher,

    /// <summary>The mean of the two.</summary>
    Midpoint,

    /// <summary>The nearer one; halfway the one of even rank.</summary>
    Nearest,
}

public sealed partial class Tensor
{
    /// <summary>The <paramref name="q"/>-th quantile of all elements, or along a dimension; nan if there is one.</summary>
    /// <param name="q">In [0, 1].</param>
    /// <param name="dim">The dimension; null for all elements.</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <param name="interpolation">What lies between two elements.</param>
    /// <exception cref="DTypeException">The dtype is not float32 or float64.</exception>
    /// <exception cref="ShapeException">There are no elements, or no such dimension.</exception>
    /// <exception cref="ArgumentOutOfRangeException">q lies outside [0, 1].</exception>
    public Tensor Quantile(double q, int? dim = null, bool keepDim = false, QuantileInterpolation interpolation = QuantileInterpolation.Linear) =>
        Quantiles("Quantile", [q], dim, keepDim, interpolation, ignoresNan: false).Select(0, 0);

    /// <summary>Several quantiles, as a new first dimension.</summary>
    /// <inheritdoc cref="Quantile(double, int?, bool, QuantileInterpolation)"/>
    public Tensor Quantile(ReadOnlySpan<double> q, int? dim = null, bool keepDim = false, QuantileInterpolation interpolation = QuantileInterpolation.Linear) =>
        Quantiles("Quantile", q.ToArray(), dim, keepDim, interpolation, ignoresNan: false);

    /// <summary>The quantile of the elements that are numbers; nan where there is none.</summary>
    /// <inheritdoc cref="Quantile(double, int?, bool, QuantileInterpolation)"/>
    public Tensor NanQuantile(double q, int? dim = null, bool keepDim = false, QuantileInterpolation interpolation = QuantileInterpolation.Linear) =>
        Quantiles("NanQuantile", [q], dim, keepDim, interpolation, ignoresNan: true).Select(0, 0);

    /// <summary>Several quantiles of the elements that are numbers, as a new first dimension.</summary>
    /// <inheritdoc cref="Quantile(double, int?, bool, QuantileInterpolation)"/>
    public Tensor NanQuantile(ReadOnlySpan<double> q, int? dim = null, bool keepDim = false, QuantileInterpolation interpolation = QuantileInterpolation.Linear) =>
        Quantiles("NanQuantile", q.ToArray(), dim, keepDim, interpolation, ignoresNan: true);

    /// <summary>The median along a dimension of the elements that are numbers, the lower one of two, and its position; nan where there is none.</summary>
    /// <exception cref="ShapeException">There is no such dimension, or it is empty.</exception>
    public (Tensor Values, Tensor Indices) NanMedian(int dim, bool keepDim = false)
    {
        int d = Shape.WrapDim(dim, "NanMedian");
        if (Rank == 0 || !DType.IsFloatingPoint())
        {
            return Median(dim, keepDim);
        }

        CheckNotEmpty("NanMedian", Shape[d]);
        Tensor middle;
        using (GradMode.Set(false))
        {
            // Whole numbers of int64: half of what is there, rounded down; nan are sorted behind all others.
            var numbers = Detach().Eq(Detach()).Sum(d, keepDim: true);
            middle = ArgSort(d).TakeAlongDim((numbers - 1).FloorDivide(2).Clamp(0, Shape[d] - 1), d);
        }

        return AtPlace("Nanmedian", middle, d, keepDim);
    }

    /// <summary>The median of all elements that are numbers, the lower one of two; elements equal to it share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There are no elements.</exception>
    public Tensor NanMedian()
    {
        CheckNotEmpty("NanMedian", NumElements);
        if (!DType.IsFloatingPoint())
        {
            return Median();
        }

        var flat = Flatten();
        Tensor value;
        using (GradMode.Set(false))
        {
            value = flat.Detach().NanMedian(0).Values;
        }

        var isMedian = flat.Detach().Eq(value) | (flat.IsNan() & value.IsNan());
        var share = isMedian.To(DType) / isMedian.To(DType).Sum();
        return Where(isMedian, flat, 0.0).Evenly(share, value);
    }

    /// <summary>The covariance matrix of variables, the rows, over observations, the columns; of one variable its variance, 0-d.</summary>
    /// <param name="correction">What is subtracted from the number of observations.</param>
    /// <param name="fweights">How often each observation occurred: whole numbers, 1-d.</param>
    /// <param name="aweights">How much each observation counts, 1-d.</param>
    /// <exception cref="ShapeException">The tensor has more than two dimensions, or weights are not one for each observation.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point, or fweights are no whole numbers.</exception>
    public Tensor Cov(double correction = 1, Tensor? fweights = null, Tensor? aweights = null)
    {
        CheckFloating("Cov");
        if (Rank > 2)
        {
            throw new ShapeException($"Cov: expected input to have two or fewer dimensions but got an input with {Rank} dimensions (shape {Shape}).");
        }

        var x = Rank < 2 ? Reshape(1L, NumElements) : this;
        long observations = x.Shape[1];
        if (fweights is not null && (fweights.DType.IsFloatingPoint() || fweights.DType == DType.Bool))
        {
            throw new DTypeException($"Cov: expected fweights to have integral dtype but got fweights with {fweights.DType.Name()} dtype.");
        }

        foreach (var given in new[] { fweights, aweights })
        {
            if (given is not null && (given.Rank != 1 || given.NumElements != observations))
            {
                throw new ShapeException($"Cov: expected weights to be 1-d and to have the same numel as there are observations in the input but got {given.Shape} and {observations}.");
            }
        }

        var weights = aweights?.To(DType);
        weights = fweights is null ? weights : weights is null ? fweights.To(DType) : weights * fweights.To(DType);
        var total = weights is null ? Full(Shape.Scalar, observations, DType, Device) : weights.Sum();
        var mean = weights is null ? x.Mean([1], keepDim: true) : (x * weights).Sum([1], keepDim: true) / total;
        var norm = aweights is null || correction == 0 ? total - correction : total - ((weights! * aweights.To(DType)).Sum() / total * correction);
        var centred = x - mean;
        var covariance = centred.MatMul((weights is null ? centred : centred * weights).MT) / norm.Clamp(min: 0);
        return covariance.Squeeze();
    }

    /// <summary>The correlation coefficients of variables, the rows, over observations, the columns; in [-1, 1].</summary>
    /// <exception cref="ShapeException">The tensor has more than two dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor CorrCoef()
    {
        var covariance = Cov();
        if (covariance.Rank == 0)
        {
            return covariance / covariance;
        }

        var deviation = covariance.Diagonal().Sqrt();
        return (covariance / deviation.Unsqueeze(1) / deviation).Clamp(-1, 1);
    }

    /// <summary>The differences of neighbours along a dimension, taken <paramref name="n"/> times.</summary>
    /// <param name="n">How often.</param>
    /// <param name="dim">The dimension.</param>
    /// <param name="prepend">What is put before this tensor first.</param>
    /// <param name="append">What is put behind it.</param>
    /// <exception cref="ShapeException">The tensor is 0-d, n is negative, or what is added does not fit.</exception>
    public Tensor Diff(int n = 1, int dim = -1, Tensor? prepend = null, Tensor? append = null)
    {
        if (Rank == 0 || n < 0)
        {
            throw new ShapeException($"Diff: diff expects input to be at least one-dimensional and order n to be non-negative, but got shape {Shape} and n {n}.");
        }

        int d = Shape.WrapDim(dim, "Diff");
        var x = prepend is null && append is null ? this : Cat([.. new[] { prepend, this, append }.Where(t => t is not null).Select(t => t!)], d);
        for (int i = 0; i < n; i++)
        {
            long size = Math.Max(x.Shape[d] - 1, 0);
            var (next, own) = (x.Sliced(d, Math.Min(1, x.Shape[d]), 1, size), x.Sliced(d, 0, 1, size));
            x = x.DType == DType.Bool ? next ^ own : next - own;
        }

        return ReferenceEquals(x, this) ? Clone() : x;
    }

    /// <summary>
    /// The derivative of samples at equal distances along each of the dimensions (all, if none is named): central differences, at the ends one-sided ones of first
    /// or second order.
    /// </summary>
    /// <param name="spacing">The distance.</param>
    /// <param name="dims">The dimensions.</param>
    /// <param name="edgeOrder">1 or 2.</param>
    /// <exception cref="ShapeException">A dimension does not exist or has not more than edgeOrder elements.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The order is neither 1 nor 2, or the distance is zero.</exception>
    public Tensor[] Gradient(double spacing = 1, ReadOnlySpan<int> dims = default, int edgeOrder = 1)
    {
        if (edgeOrder is not (1 or 2) || spacing == 0)
        {
            throw new ArgumentOutOfRangeException(
                edgeOrder is 1 or 2 ? nameof(spacing) : nameof(edgeOrder), $"Gradient: torch.gradient only supports edge_order=1 and edge_order=2, and a spacing that is not 0, but got {edgeOrder} and {spacing}.");
        }

        int[] along = dims.IsEmpty ? [.. Enumerable.Range(0, Rank)] : dims.ToArray();
        var x = DType.IsFloatingPoint() ? this : To(DType.Float32);
        var results = new Tensor[along.Length];
        for (int i = 0; i < results.Length; i++)
        {
            int d = Shape.WrapDim(along[i], "Gradient");
            long size = Rank == 0 ? 0 : Shape[d];
            if (size <= edgeOrder)
            {
                throw new ShapeException($"Gradient: torch.gradient expected each dimension size to be at least edge_order+1 ({edgeOrder + 1}), but dimension {d} of shape {Shape} has {size}.");
            }

            Tensor At(long place) => x.Sliced(d, place < 0 ? size + place : place, 1, 1);
            var middle = (x.Sliced(d, 2, 1, size - 2) - x.Sliced(d, 0, 1, size - 2)) / (2 * spacing);
            var (first, last) = edgeOrder == 1
                ? ((At(1) - At(0)) / spacing, (At(-1) - At(-2)) / spacing)
                : ((At(0) * -1.5 + At(1) * 2 - At(2) * 0.5) / spacing, (At(-1) * 1.5 - At(-2) * 2 + At(-3) * 0.5) / spacing);
            results[i] = Cat([first, middle, last], d);
        }

        return results;
    }

    /// <summary>The integral of samples at equal distances along a dimension, by the trapezoidal rule.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor Trapezoid(double dx = 1, int dim = -1) => Panels("Trapezoid", null, dx, dim).Sum(dim);

    /// <summary>The integral of samples at the places <paramref name="x"/> (1-d, or of this shape) along a dimension, by the trapezoidal rule.</summary>
    /// <exception cref="ShapeException">There is no such dimension, or the places do not fit.</exception>
    public Tensor Trapezoid(Tensor x, int dim = -1) => Panels("Trapezoid", NotNull(x), 1, dim).Sum(dim);

    /// <summary>The integrals up to each sample but the first, by the trapezoidal rule.</summary>
    /// <inheritdoc cref="Trapezoid(double, int)"/>
    public Tensor CumulativeTrapezoid(double dx = 1, int dim = -1) => Panels("CumulativeTrapezoid", null, dx, dim).CumSum(dim);

    /// <summary>The integrals up to each sample but the first, by the trapezoidal rule, for samples at the places <paramref name="x"/>.</summary>
    /// <inheritdoc cref="Trapezoid(Tensor, int)"/>
    public Tensor CumulativeTrapezoid(Tensor x, int dim = -1) => Panels("CumulativeTrapezoid", NotNull(x), 1, dim).CumSum(dim);

    private Tensor Panels(string name, Tensor? places, double dx, int dim)
    {
        if (Rank == 0)
        {
            throw new ShapeException($"{name}: expects at least one dimension, but the tensor is 0-d. Dimension out of range.");
        }

        int d = Shape.WrapDim(dim, name);
        long size = Math.Max(Shape[d] - 1, 0);
        var sums = (Sliced(d, Math.Min(1, Shape[d]), 1, size) + Sliced(d, 0, 1, size)) * (dx / 2);
        if (places is null)
        {
            return sums;
        }

        bool fits = places.Rank == 1 ? places.Shape[0] == Shape[d] : places.Shape == Shape;
        return fits
            ? sums * (places.Rank == 1 ? Along(places.Diff(), sums.WithSize(d, size), d) : places.Diff(1, d))
            : throw new ShapeException($"{name}: There must be one `x` value for each sample point, but got x of shape {places.Shape} for samples of shape {Shape} along dimension {d}.");
    }

    private Tensor Quantiles(string name, double[] q, int? dim, bool keepDim, QuantileInterpolation interpolation, bool ignoresNan)
    {
        Defined.Check(name, interpolation);
        if (DType is not (DType.Float32 or DType.Float64))
        {
            throw new DTypeException($"{name}: quantile() input tensor must be either float or double dtype, but got {DType.Name()}. Convert with To(DType.Float32).");
        }

        CheckNotEmpty(name, NumElements);
        if (Array.Find(q, v => !(v >= 0 && v <= 1)) is var wrong && !Array.TrueForAll(q, v => v >= 0 && v <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(q), $"{name}: quantile() q values must be in the range [0, 1], but one is {wrong}.");
        }

        int d = dim is { } named ? Shape.WrapDim(named, name) : -1;
        var x = d < 0 || Rank == 0 ? Flatten() : MoveDim(d, -1);
        var sorted = x.Sort(-1).Values;
        Tensor below, above, weight, isNan;
        using (GradMode.Set(false))
        {
            var numbers = x.Detach().Eq(x.Detach()).Sum([-1], keepDim: true);
            var last = ignoresNan ? (numbers - 1).Clamp(0).To(DType.Float64) : Full(numbers.Shape, x.Shape[-1] - 1, DType.Float64, Device);
            var rank = last * FromArray(q, Device);
            rank = interpolation switch
            {
                QuantileInterpolation.Lower => rank.Floor(),
                QuantileInterpolation.Higher => rank.Ceil(),
                QuantileInterpolation.Nearest => rank.Round(),
                _ => rank,
            };
            (below, above) = (rank.Floor().To(DType.Int64), rank.Ceil().To(DType.Int64));
            weight = interpolation == QuantileInterpolation.Midpoint ? (above - below).To(DType) * 0.5 : (rank - rank.Floor()).To(DType);
            isNan = ignoresNan ? numbers.Eq(0) : numbers.Ne(x.Shape[-1]);
        }

        var result = Where(isNan, double.NaN, sorted.Gather(-1, below).Lerp(sorted.Gather(-1, above), weight)).MoveDim(-1, 0);
        if (!keepDim || Rank == 0)
        {
            return result;
        }

        return d >= 0 ? result.Unsqueeze(d + 1) : result.Reshape([q.Length, .. Enumerable.Repeat(1L, Rank)]);
    }
}
