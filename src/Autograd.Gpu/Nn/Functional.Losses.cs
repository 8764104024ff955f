using System.Runtime.CompilerServices;
using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Nn;

/// <summary>How the divergence of distributions is combined: <see cref="LossReduction"/> and the mean over the batch.</summary>
public enum KLDivReduction
{
    /// <summary>Not at all: one value for each element.</summary>
    None,

    /// <summary>The mean over all elements, which is not the divergence of the distributions.</summary>
    Mean,

    /// <summary>The sum.</summary>
    Sum,

    /// <summary>The sum divided by the size of the first dimension: the mean divergence.</summary>
    BatchMean,
}

// Losses that compare an input with a target element by element. Half types are computed in float32 and rounded at the end.
public static partial class Functional
{
    /// <summary>The squared difference, (input - target)^2, by default its mean.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor MseLoss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Pair("MseLoss", input, target);
        return Reduce(Pointwise.Apply<SquaredError>(x, y), reduction).To(dtype);
    }

    /// <summary>The distance, |input - target|, by default its mean. Its derivative where they are equal is 0.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor L1Loss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Pair("L1Loss", input, target);
        return Reduce((x - y).Abs(), reduction).To(dtype);
    }

    /// <summary>d^2 / (2 beta) where d = |input - target| is below beta, elsewhere d - beta / 2; with beta 0 the same as <see cref="L1Loss"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">beta is negative.</exception>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor SmoothL1Loss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean, double beta = 1)
    {
        if (!(beta >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(beta), $"SmoothL1Loss: smooth_l1_loss does not support negative values for beta, and it is {beta}.");
        }

        var (x, y, dtype) = Pair("SmoothL1Loss", input, target);
        var difference = x - y;
        var distance = difference.Abs();
        var losses = beta == 0 ? distance : Bowl(difference, distance, distance < beta, 0.5 / beta, distance - 0.5 * beta);
        return Reduce(losses, reduction).To(dtype);
    }

    /// <summary>d^2 / 2 where d = |input - target| is at most delta, elsewhere delta (d - delta / 2).</summary>
    /// <exception cref="ArgumentOutOfRangeException">delta is not positive.</exception>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor HuberLoss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean, double delta = 1)
    {
        if (!(delta > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(delta), $"HuberLoss: huber_loss does not support non-positive values for delta, and it is {delta}.");
        }

        var (x, y, dtype) = Pair("HuberLoss", input, target);
        var difference = x - y;
        var distance = difference.Abs();
        return Reduce(Bowl(difference, distance, distance <= delta, 0.5, (distance - 0.5 * delta) * delta), reduction).To(dtype);
    }

    /// <summary>
    /// -weight (target log(input) + (1 - target) log(1 - input)) for probabilities in [0, 1]. Logarithms are not below -100, and the derivative divides by at
    /// least 1e-12, as in PyTorch; <see cref="BinaryCrossEntropyWithLogits"/> needs neither.
    /// </summary>
    /// <exception cref="ShapeException">
    /// The shapes differ, the weight does not broadcast to them, or (on devices with host memory) an input lies outside of [0, 1]; elsewhere that gives nan.
    /// </exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor BinaryCrossEntropy(Tensor input, Tensor target, Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Same("BinaryCrossEntropy", input, target);
        Require(
            x, static x => (x >= 0.0) & (x <= 1.0),
            "BinaryCrossEntropy: all elements of input should be between 0 and 1. Put a Sigmoid in front, or give the logits to BinaryCrossEntropyWithLogits.");
        return Reduce(Weighted("BinaryCrossEntropy", Operations.Pointwise.Apply<Operations.BinaryCrossEntropy>(x, y), weight), reduction).To(dtype);
    }

    /// <summary>
    /// weight (posWeight target softplus(-input) + (1 - target) softplus(input)): binary cross entropy of sigmoid(input), exact for inputs of any size.
    /// <paramref name="posWeight"/> broadcasts over the last dimensions, classes mostly.
    /// </summary>
    /// <exception cref="ShapeException">The shapes differ, or a weight does not broadcast to them.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor BinaryCrossEntropyWithLogits(
        Tensor input, Tensor target, Tensor? weight = null, LossReduction reduction = LossReduction.Mean, Tensor? posWeight = null)
    {
        var (x, y, dtype) = Same("BinaryCrossEntropyWithLogits", input, target);
        var positive = Operations.Pointwise.Apply<Operations.Softplus>(-x) * y;
        var losses = Weighted("BinaryCrossEntropyWithLogits", positive, posWeight) + Operations.Pointwise.Apply<Operations.Softplus>(x) * (1 - y);
        return Reduce(Weighted("BinaryCrossEntropyWithLogits", losses, weight), reduction).To(dtype);
    }

    /// <summary>
    /// target (log(target) - input) for log-probabilities in <paramref name="input"/>; with <paramref name="logTarget"/> the target is one too,
    /// exp(target) (target - input). A target of 0 gives 0.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor KLDiv(Tensor input, Tensor target, KLDivReduction reduction = KLDivReduction.Mean, bool logTarget = false)
    {
        Defined.Check("KLDiv", reduction);
        var (x, y, dtype) = Pair("KLDiv", input, target, warns: false);

        // Beside a target of 0 the logarithm is that of 1: neither the value nor a derivative meets infinity.
        var losses = logTarget ? y.Exp() * (y - x) : y * (Tensor.Where(y == 0.0, 1.0, y).Log() - x);
        if (reduction == KLDivReduction.Mean)
        {
            Warnings.RaiseOnce(
                "KLDiv: reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides only by the batch size, and aligns "
                + "with the KL math definition: use KLDivReduction.BatchMean.");
        }

        return (reduction switch
        {
            KLDivReduction.None => losses,
            KLDivReduction.Mean => losses.Mean(),
            KLDivReduction.Sum => losses.Sum(),
            _ => losses.Sum() / (input.Rank == 0 ? 1 : input.Shape[0]),
        }).To(dtype);
    }

    /// <summary>
    /// exp(input) - target input, the negative log likelihood of counts for the logarithm of their rate; input - target log(input + eps) if the input is the rate itself.
    /// <paramref name="full"/> adds Stirling's target log(target) - target + log(2 pi target) / 2 where the target is above 1.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor PoissonNllLoss(
        Tensor input, Tensor target, bool logInput = true, bool full = false, double eps = 1e-8, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Pair("PoissonNllLoss", input, target, warns: false);
        var losses = logInput ? x.Exp() - y * x : x - y * (x + eps).Log();
        if (full)
        {
            var isLarge = y > 1.0;
            var large = Tensor.Where(isLarge, y, 1.0);
            losses += Tensor.Where(isLarge, large * large.Log() - large + (large * (2 * Math.PI)).Log() * 0.5, 0.0);
        }

        return Reduce(losses, reduction).To(dtype);
    }

    /// <summary>
    /// (log(var) + (input - target)^2 / var) / 2, with var at least eps; <paramref name="full"/> adds log(2 pi) / 2. The variance has the input's shape, the same with
    /// 1 as its last size, or the input's without the last dimension. Its gradient passes where it was raised to eps.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not fit, or (on devices with host memory) a variance is negative.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor GaussianNllLoss(
        Tensor input, Tensor target, Tensor var, bool full = false, double eps = 1e-6, LossReduction reduction = LossReduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(var);
        var (x, y, dtype) = Pair("GaussianNllLoss", input, target, warns: false);
        if (var.Shape != input.Shape)
        {
            Shape outer = [.. input.Shape.AsSpan()[..^Math.Min(1, input.Rank)]];
            if (input.Rank > 0 && var.Shape == outer)
            {
                var = var.Unsqueeze(-1);
            }
            else if (input.Rank == 0 || var.Shape != Shape.Own([.. outer, 1]))
            {
                throw new ShapeException(
                    $"GaussianNllLoss: var is of incorrect size: for an input of shape {input.Shape} it must have that shape, {outer}, or 1 as the last size, but it has {var.Shape}.");
            }
        }

        Require(var, static v => (v < 0.0) == false, "GaussianNllLoss: var has negative entry/entries. Give the variance, not its logarithm.");
        var wide = dtype.IsFloatingPoint() ? var.To(x.DType) : var;
        var variance = wide + (wide.Clamp((Scalar)eps) - wide).Detach();
        var difference = x - y;
        var losses = (variance.Log() + difference * difference / variance) * 0.5;
        return Reduce(full ? losses + 0.5 * Math.Log(2 * Math.PI) : losses, reduction).To(dtype);
    }

    /// <summary>log(1 + exp(-target input)) for targets of 1 and -1.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    /// <exception cref="DTypeException">The tensors are not floating-point.</exception>
    public static Tensor SoftMarginLoss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean)
    {
        var (x, y, dtype) = Pair("SoftMarginLoss", input, target, warns: false);
        return Reduce(Operations.Pointwise.Apply<Operations.Softplus>(-(x * y)), reduction).To(dtype);
    }

    /// <summary>A parabola where the distance is small, a line elsewhere. The other branch of either never is infinite where it is not taken.</summary>
    private static Tensor Bowl(Tensor difference, Tensor distance, Tensor isSmall, double factor, Tensor line)
    {
        var small = Tensor.Where(isSmall, difference, 0.0);
        return Tensor.Where(isSmall, small * small * factor, line);
    }

    /// <summary>Both in the dtype to compute in, and the dtype of the result.</summary>
    private static (Tensor Input, Tensor Target, DType Result) Pair(
        string operation, Tensor input, Tensor target, bool warns = true, [CallerArgumentExpression(nameof(input))] string? nameOfInput = null,
        [CallerArgumentExpression(nameof(target))] string? nameOfTarget = null)
    {
        ArgumentNullException.ThrowIfNull(input, nameOfInput);
        ArgumentNullException.ThrowIfNull(target, nameOfTarget);
        if (input.Shape != target.Shape)
        {
            Shape.Broadcast(input.Shape, target.Shape, operation);
            if (warns)
            {
                Warnings.RaiseOnce(
                    $"{operation}: Using a target size ({target.Shape}) that is different to the input size ({input.Shape}). This will likely lead to incorrect results due to "
                    + "broadcasting. Please ensure they have the same size.");
            }
        }

        var dtype = Promotion.ResultType(input, target);
        return dtype switch
        {
            DType.Float32 or DType.Float64 => (input, target, dtype),
            DType.Float16 or DType.BFloat16 => (input.To(DType.Float32), target.To(DType.Float32), dtype),
            _ => throw new DTypeException($"{operation}: not implemented for {dtype.Name()}: it takes floating-point tensors. Convert with To(DType.Float32)."),
        };
    }

    private static (Tensor Input, Tensor Target, DType Result) Same(string operation, Tensor input, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(target);
        return input.Shape == target.Shape
            ? Pair(operation, input, target)
            : throw new ShapeException(
                $"{operation}: Using a target size ({target.Shape}) that is different to the input size ({input.Shape}) is not supported: "
                + "Target size must be the same as input size. Reshape or expand one of them.");
    }

    private static Tensor Weighted(string operation, Tensor losses, Tensor? weight)
    {
        if (weight is null)
        {
            return losses;
        }

        return Shape.Broadcast(losses.Shape, weight.Shape, operation) == losses.Shape
            ? losses * weight
            : throw new ShapeException($"{operation}: a weight of shape {weight.Shape} does not broadcast to losses of shape {losses.Shape}. Reshape the weight.");
    }

    /// <summary>Refuses values for which a condition does not hold everywhere. On a GPU this would wait for the device, so it is left out there.</summary>
    private static void Require(Tensor tensor, Func<Tensor, Tensor> holds, string message)
    {
        if (!tensor.Device.HasHostMemory)
        {
            return;
        }

        using var mode = GradMode.Set(false);
        if (tensor.Plain.NumElements > 0 && !holds(tensor.Plain.Detach()).All().Item<bool>())
        {
            throw new ShapeException(message);
        }
    }
}
