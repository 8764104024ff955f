using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// The cross entropy of logits x, with the classes in dimension 1 ([n, classes, ..]) or alone ([classes]), and classes or class probabilities.
    /// For classes t (int64, the input's shape without its classes): w[t] (log(sum(exp(x))) - x[t]), and 0 where t is <paramref name="ignoreIndex"/>. The mean divides by
    /// the sum of the picked weights (the number of classes that count, without weights): nan if all are ignored. For probabilities p (floating-point, the input's shape):
    /// -sum(w p log(softmax(x))) over the classes; the mean divides by n and all further sizes.
    /// </summary>
    /// <param name="input">The logits.</param>
    /// <param name="target">Classes or probabilities.</param>
    /// <param name="weight">A factor for each class, [classes].</param>
    /// <param name="ignoreIndex">The class number that does not count; for classes only.</param>
    /// <param name="reduction">How the losses are combined; by default to their mean.</param>
    /// <param name="labelSmoothing">How much of each target is spread evenly over all classes, from 0 to 1.</param>
    /// <exception cref="ShapeException">The shapes do not fit, or (on devices with host memory) a class number is out of range; elsewhere such a row gives nan.</exception>
    /// <exception cref="DTypeException">The target is neither int64 nor floating-point, or input and weight are not of one floating-point dtype.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on several devices.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The smoothing is not between 0 and 1.</exception>
    public static Tensor CrossEntropy(
        Tensor input, Tensor target, Tensor? weight = null, long ignoreIndex = -100, LossReduction reduction = LossReduction.Mean, double labelSmoothing = 0)
    {
        if (labelSmoothing is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(labelSmoothing), $"CrossEntropy: label_smoothing must be between 0.0 and 1.0. Got: {labelSmoothing}.");
        }

        Defined.Check("CrossEntropy", reduction);
        CheckClasses("CrossEntropy", input, target, weight);
        if (target.Shape == input.Shape && target.DType.IsFloatingPoint())
        {
            return OfProbabilities(input, target, weight, reduction, labelSmoothing);
        }

        CheckTarget("CrossEntropy", input, target);
        var (logits, classes) = input.Rank == 1 ? (input.Unsqueeze(0), target.Unsqueeze(0)) : (input, target);
        long? counted = ClassIndices.CheckAndCount("CrossEntropy", target, logits.Shape[1], ignoreIndex);
        if (weight is null && labelSmoothing == 0)
        {
            var losses = Operations.CrossEntropyLoss.Apply(logits, classes, ignoreIndex);
            return reduction switch
            {
                LossReduction.None => losses.Reshape(target.Shape),
                LossReduction.Sum => losses.Sum(),
                _ => counted == target.NumElements ? losses.Mean() : losses.Sum() / Counted(classes, ignoreIndex, input.DType),
            };
        }

        var picked = Picked(weight, classes, ignoreIndex, input);
        if (labelSmoothing == 0)
        {
            return Reduce(Operations.CrossEntropyLoss.Apply(logits, classes, ignoreIndex) * picked, picked, reduction, target.Shape);
        }

        // All of a row's terms in one sum: (1 - s) w[t] at the class and s / classes * w everywhere.
        double even = labelSmoothing / logits.Shape[1];
        var isClass = Tensor.IsAt(logits.Shape, 1, classes.Unsqueeze(1));
        var factor = Tensor.Where(isClass, (picked * (1 - labelSmoothing)).Unsqueeze(1), 0.0) + (weight is null ? even : PerClass(weight, logits.Rank) * even);
        var smoothed = -(logits.LogSoftmax(1) * factor).Sum(1);
        return Reduce(Tensor.Where(classes == ignoreIndex, 0.0, smoothed), picked, reduction, target.Shape);
    }

    /// <summary>
    /// -w[t] x[t] for logarithms of probabilities x, with the classes in dimension 1 ([n, classes, ..]) or alone ([classes]), and classes t (int64, the input's
    /// shape without its classes); 0 where t is <paramref name="ignoreIndex"/>. The mean divides by the sum of the picked weights: nan if all are ignored.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not fit, or (on devices with host memory) a class number is out of range; elsewhere such a row gives nan.</exception>
    /// <exception cref="DTypeException">The target is not int64, or input and weight are not of one floating-point dtype.</exception>
    /// <exception cref="DeviceMismatchException">The tensors live on several devices.</exception>
    public static Tensor NllLoss(Tensor input, Tensor target, Tensor? weight = null, long ignoreIndex = -100, LossReduction reduction = LossReduction.Mean)
    {
        Defined.Check("NllLoss", reduction);
        CheckClasses("NllLoss", input, target, weight);
        CheckTarget("NllLoss", input, target);
        var (logarithms, classes) = input.Rank == 1 ? (input.Unsqueeze(0), target.Unsqueeze(0)) : (input, target);
        ClassIndices.CheckAndCount("NllLoss", target, logarithms.Shape[1], ignoreIndex);
        var isIgnored = classes == ignoreIndex;
        var place = Tensor.Where(isIgnored, Tensor.ZerosLike(classes), classes);
        var picked = Picked(weight, classes, ignoreIndex, input);
        var losses = -(logarithms.Gather(1, place.Unsqueeze(1)).Squeeze(1) * picked);
        return Reduce(Tensor.Where(isIgnored, 0.0, losses), picked, reduction, target.Shape);
    }

    private static Tensor OfProbabilities(Tensor input, Tensor target, Tensor? weight, LossReduction reduction, double smoothing)
    {
        int dim = input.Rank == 1 ? 0 : 1;
        var p = smoothing == 0 ? target : target * (1 - smoothing) + smoothing / input.Shape[dim];
        var terms = input.LogSoftmax(dim) * p;
        var losses = -(weight is null ? terms : terms * (dim == 0 ? weight : PerClass(weight, input.Rank))).Sum(dim);
        return Reduce(losses, reduction);
    }

    /// <summary>The weight of each target's class; 0 for those that are ignored.</summary>
    private static Tensor Picked(Tensor? weight, Tensor classes, long ignoreIndex, Tensor input)
    {
        var isIgnored = classes == ignoreIndex;
        return weight is null
            ? (classes != ignoreIndex).To(input.DType)
            : Tensor.Where(isIgnored, 0.0, weight.Take(Tensor.Where(isIgnored, Tensor.ZerosLike(classes), classes)));
    }

    private static Tensor Counted(Tensor classes, long ignoreIndex, DType dtype) => (classes != ignoreIndex).Sum().To(dtype);

    /// <summary>The weights of the classes in dimension 1.</summary>
    private static Tensor PerClass(Tensor weight, int rank)
    {
        var sizes = new long[rank - 1];
        Array.Fill(sizes, 1);
        sizes[0] = weight.Shape[0];
        return weight.Reshape(sizes);
    }

    private static Tensor Reduce(Tensor losses, Tensor weights, LossReduction reduction, Shape shape) => reduction switch
    {
        LossReduction.None => losses.Reshape(shape),
        LossReduction.Sum => losses.Sum(),
        _ => losses.Sum() / weights.Sum(),
    };

    private static void CheckClasses(string operation, Tensor input, Tensor target, Tensor? weight)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(target);
        CheckOperands(operation, input, weight ?? input, null);
        if (target.Device != input.Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {input.Device} and {target.Device}. Move one with To(device).");
        }

        if (input.Rank == 0)
        {
            throw new ShapeException($"{operation}: input must have the classes in a dimension, [n, classes, ..] or [classes], but got a 0-d tensor.");
        }

        long classes = input.Shape[input.Rank == 1 ? 0 : 1];
        if (weight is not null && (weight.Rank != 1 || weight.Shape[0] != classes))
        {
            throw new ShapeException(
                $"{operation}: weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {weight.Shape}.");
        }
    }

    private static void CheckTarget(string operation, Tensor input, Tensor target)
    {
        if (target.DType != DType.Int64)
        {
            throw new DTypeException(
                $"{operation}: expected class numbers of type int64{(operation == "CrossEntropy" ? $", or probabilities of the input's shape {input.Shape}" : "")}, but got "
                + $"{target.DType.Name()} of shape {target.Shape}. Convert with To(DType.Int64).");
        }

        Shape expected = input.Rank == 1 ? Shape.Scalar : [input.Shape[0], .. input.Shape.AsSpan()[2..]];
        if (target.Shape == expected)
        {
            return;
        }

        throw new ShapeException(
            input.Rank >= 2 && target.Rank >= 1 && target.Shape[0] != input.Shape[0]
                ? $"{operation}: Expected input batch_size ({input.Shape[0]}) to match target batch_size ({target.Shape[0]}): the input has shape {input.Shape}, the target {target.Shape}."
                : $"{operation}: input and target batch or spatial sizes don't match: the input has shape {input.Shape}, so a target {expected} is expected, but got {target.Shape}.");
    }
}
