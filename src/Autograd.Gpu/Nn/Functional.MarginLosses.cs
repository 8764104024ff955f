using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

// Losses that keep a margin between scores or distances. The derivative at the edge of a margin is PyTorch's: that of the inner side, except for the two losses
// over classes.
public static partial class Functional
{
    /// <summary>The input where the target is 1, max(0, margin - input) where it is -1.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor HingeEmbeddingLoss(Tensor input, Tensor target, double margin = 1, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Pair("HingeEmbeddingLoss", input, target, warns: false);
        return Reduce(Tensor.Where(y != 1.0, NotNegative(margin - x), 0.0) + Tensor.Where(y != -1.0, x, 0.0), reduction).To(dtype);
    }

    /// <summary>
    /// 1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1; for inputs [n, features] and targets [n], or [features] and [].
    /// </summary>
    /// <exception cref="ShapeException">The shapes are not these.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor CosineEmbeddingLoss(Tensor input1, Tensor input2, Tensor target, double margin = 0, LossReduction reduction = LossReduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(target);
        var (a, b, dtype) = Pair("CosineEmbeddingLoss", input1, input2, warns: false);
        if (target.Rank > 1)
        {
            throw new ShapeException($"CosineEmbeddingLoss: 0D or 1D target tensor expected, multi-target not supported, but the target has shape {target.Shape}.");
        }

        if (a.Rank != target.Rank + 1 || b.Rank != a.Rank)
        {
            throw new ShapeException(
                $"CosineEmbeddingLoss: {target.Rank}D target tensor expects {target.Rank + 1}D input tensors, but found inputs with sizes {a.Shape} and {b.Shape}.");
        }

        const double Epsilon = 1e-12;
        var magnitudes = ((a * a).Sum(-1) + Epsilon) * ((b * b).Sum(-1) + Epsilon);
        var cosine = (a * b).Sum(-1) / magnitudes.Sqrt();
        return Reduce(Tensor.Where(target == 1.0, 1 - cosine, Tensor.Where(target == -1.0, NotNegative(cosine - margin), 0.0)), reduction).To(dtype);
    }

    /// <summary>max(0, margin - target (input1 - input2)): a target of 1 wants the first to be larger, -1 the second.</summary>
    /// <exception cref="ShapeException">The tensors differ in rank, or do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor MarginRankingLoss(Tensor input1, Tensor input2, Tensor target, double margin = 0, LossReduction reduction = LossReduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(target);
        var (a, b, dtype) = Pair("MarginRankingLoss", input1, input2, warns: false);
        if (a.Rank != b.Rank || a.Rank != target.Rank)
        {
            throw new ShapeException(
                $"MarginRankingLoss: All input tensors should have same dimension but got sizes: input1: {a.Shape}, input2: {b.Shape}, target: {target.Shape}.");
        }

        return Reduce(NotNegative(margin - target * (a - b)), reduction).To(dtype);
    }

    /// <summary>
    /// max(0, |anchor - positive| - |anchor - negative| + margin) with <see cref="PairwiseDistance"/> as the distance, along the last dimension. With
    /// <paramref name="swap"/> the second distance is the smaller of the anchor's and the positive's.
    /// </summary>
    /// <exception cref="ShapeException">The tensors differ in rank, or do not broadcast.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The margin is not positive.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor TripletMarginLoss(
        Tensor anchor, Tensor positive, Tensor negative, double margin = 1, double p = 2, double eps = 1e-6, bool swap = false, LossReduction reduction = LossReduction.Mean)
    {
        CheckTriplet("TripletMarginLoss", anchor, positive, negative, margin);
        return Triplet(anchor, positive, negative, (a, b) => PairwiseDistance(a, b, p, eps), margin, swap, reduction);
    }

    /// <summary>The same with a distance of the program's own, by default <see cref="PairwiseDistance"/>.</summary>
    /// <exception cref="ShapeException">The tensors differ in rank, or do not broadcast.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The margin is not positive.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor TripletMarginWithDistanceLoss(
        Tensor anchor,
        Tensor positive,
        Tensor negative,
        Func<Tensor, Tensor, Tensor>? distance = null,
        double margin = 1,
        bool swap = false,
        LossReduction reduction = LossReduction.Mean)
    {
        CheckTriplet("TripletMarginWithDistanceLoss", anchor, positive, negative, margin);
        return Triplet(anchor, positive, negative, distance ?? (static (a, b) => PairwiseDistance(a, b)), margin, swap, reduction);
    }

    /// <summary>
    /// The sum over classes j other than the target's t of weight[t] max(0, margin - x[t] + x[j])^p, divided by the number of classes; for inputs [n, classes] and
    /// int64 targets [n], or [classes] and [].
    /// </summary>
    /// <exception cref="ShapeException">The shapes are not these, or a class number is out of range.</exception>
    /// <exception cref="DTypeException">The input is not floating-point or the target not int64.</exception>
    /// <exception cref="ArgumentOutOfRangeException">p is neither 1 nor 2.</exception>
    public static Tensor MultiMarginLoss(
        Tensor input, Tensor target, int p = 1, double margin = 1, Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        if (p is not (1 or 2))
        {
            throw new ArgumentOutOfRangeException(nameof(p), $"MultiMarginLoss: only p == 1 and p == 2 supported, and it is {p}.");
        }

        var (x, y, dtype) = Classes("MultiMarginLoss", input, target, 0);
        ClassIndices.Check("MultiMarginLoss", y, x.Shape[1]);
        if (weight is not null && weight.Shape != Shape.Own([x.Shape[1]]))
        {
            throw new ShapeException($"MultiMarginLoss: inconsistent weight size, expected {x.Shape[1]} but got {weight.Shape}. Give one for each class.");
        }

        var shortfall = (x + margin - x.Gather(1, y.Unsqueeze(1))).Relu();
        var terms = p == 1 ? shortfall : shortfall * shortfall;
        if (weight is not null)
        {
            terms *= weight.IndexSelect(0, y).Unsqueeze(1);
        }

        var losses = Tensor.Where(Tensor.IsAt(x.Shape, 1, y.Unsqueeze(1)), 0.0, terms).Sum(1) / x.Shape[1];
        return Reduce(input.Rank == 1 ? losses.Squeeze(0) : losses, reduction).To(dtype);
    }

    /// <summary>
    /// The sum over target classes t and other classes j of max(0, 1 - (x[t] - x[j])), divided by the number of classes. The int64 target has the input's shape,
    /// [n, classes] or [classes]: class numbers up to the first negative one; what stands behind does not count.
    /// </summary>
    /// <exception cref="ShapeException">The shapes differ, or a class number is out of range.</exception>
    /// <exception cref="DTypeException">The input is not floating-point or the target not int64.</exception>
    public static Tensor MultilabelMarginLoss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Classes("MultilabelMarginLoss", input, target, 1);
        var isListed = (y < 0).To(DType.Int64).CumSum(1) == 0;
        var index = Tensor.Where(isListed, y, 0);
        ClassIndices.Check("MultilabelMarginLoss", index, x.Shape[1]);
        var isTarget = Tensor.Zeros(x.Shape, DType.Int64, x.Device).ScatterAdd(1, index, isListed.To(DType.Int64)) > 0;
        var terms = (1 - (x.Gather(1, index).Unsqueeze(2) - x.Unsqueeze(1))).Relu();
        var losses = Tensor.Where(isListed.Unsqueeze(2) & ~isTarget.Unsqueeze(1), terms, 0.0).Sum([1, 2]) / x.Shape[1];
        return Reduce(input.Rank == 1 ? losses.Squeeze(0) : losses, reduction).To(dtype);
    }

    /// <summary>The mean over classes, the last dimension, of weight (target softplus(-input) + (1 - target) softplus(input)).</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or there is no dimension of classes.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor MultilabelSoftMarginLoss(Tensor input, Tensor target, Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Pair("MultilabelSoftMarginLoss", input, target, warns: false);
        if (x.Rank == 0)
        {
            throw new ShapeException("MultilabelSoftMarginLoss: expected an input with classes as its last dimension, but it has shape []. Unsqueeze it.");
        }

        var losses = Operations.Pointwise.Apply<Operations.Softplus>(-x) * y + Operations.Pointwise.Apply<Operations.Softplus>(x) * (1 - y);
        return Reduce(Weighted("MultilabelSoftMarginLoss", losses, weight).Mean(-1), reduction).To(dtype);
    }

    /// <summary>The p-norm of x1 - x2 + eps along the last dimension.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or have no dimension.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor PairwiseDistance(Tensor x1, Tensor x2, double p = 2, double eps = 1e-6, bool keepDim = false)
    {
        var (a, b, dtype) = Pair("PairwiseDistance", x1, x2, warns: false);
        return a.Rank + b.Rank > 0
            ? (a - b + eps).Norm(p, [-1], keepDim).To(dtype)
            : throw new ShapeException("PairwiseDistance: expected tensors with at least one dimension, but they have shape []. Unsqueeze them.");
    }

    /// <summary>x1 · x2 / (max(|x1|, eps) max(|x2|, eps)) along a dimension of the shape that both broadcast to.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or there is no such dimension.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor CosineSimilarity(Tensor x1, Tensor x2, int dim = 1, double eps = 1e-8)
    {
        var (a, b, dtype) = Pair("CosineSimilarity", x1, x2, warns: false);
        var shape = Shape.Broadcast(a.Shape, b.Shape, "CosineSimilarity");
        int axis = shape.WrapDim(dim, "CosineSimilarity");
        (a, b) = (a.Expand(shape), b.Expand(shape));
        var norms = a.Norm(2, [axis]).Clamp((Scalar)eps) * b.Norm(2, [axis]).Clamp((Scalar)eps);
        return ((a * b).Sum(axis) / norms).To(dtype);
    }

    private static Tensor NotNegative(Tensor x) => x.Clamp((Scalar)0.0);

    private static void CheckTriplet(string operation, Tensor anchor, Tensor positive, Tensor negative, double margin)
    {
        ArgumentNullException.ThrowIfNull(anchor);
        ArgumentNullException.ThrowIfNull(positive);
        ArgumentNullException.ThrowIfNull(negative);
        if (!(margin > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(margin), $"{operation}: expected margin to be greater than 0, got {margin} instead.");
        }

        if (anchor.Rank != positive.Rank || anchor.Rank != negative.Rank)
        {
            throw new ShapeException(
                $"{operation}: The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {anchor.Rank}D, "
                + $"positive {positive.Rank}D, and negative {negative.Rank}D inputs.");
        }
    }

    private static Tensor Triplet(
        Tensor anchor, Tensor positive, Tensor negative, Func<Tensor, Tensor, Tensor> distance, double margin, bool swap, LossReduction reduction)
    {
        var near = distance(anchor, positive);
        var far = distance(anchor, negative);
        if (swap)
        {
            far = Tensor.Minimum(far, distance(positive, negative));
        }

        return Reduce(NotNegative(near - far + margin), reduction);
    }

    /// <summary>Scores [n, classes] in the dtype to compute in, and class numbers [n] or [n, classes]; what has no batch gets one.</summary>
    private static (Tensor Input, Tensor Target, DType Result) Classes(string operation, Tensor input, Tensor target, int targetDims)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(target);
        if (target.DType != DType.Int64)
        {
            throw new DTypeException($"{operation}: expected class numbers of type int64, but got {target.DType.Name()}. Convert with To(DType.Int64).");
        }

        if (input.Rank is not (1 or 2) || input.Shape[-1] == 0)
        {
            throw new ShapeException($"{operation}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: {input.Shape}.");
        }

        Shape expected = targetDims == 1 ? input.Shape : [.. input.Shape.AsSpan()[..^1]];
        if (target.Shape != expected)
        {
            throw new ShapeException($"{operation}: inconsistent target size, expected {expected} for an input of shape {input.Shape} but got {target.Shape}.");
        }

        var (x, _, dtype) = Pair(operation, input, input);
        return input.Rank == 1 ? (x.Unsqueeze(0), target.Unsqueeze(0), dtype) : (x, target, dtype);
    }
}
