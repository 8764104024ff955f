using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>How a loss combines the values of its elements.</summary>
public enum LossReduction
{
    /// <summary>Not at all: one value for each.</summary>
    None,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,
}

/// <summary>Neural-network functions without state.</summary>
public static partial class Functional
{
    /// <summary>x W^T + b, for x of shape [.., in], weights [out, in] and an optional bias [out].</summary>
    public static Tensor Linear(Tensor input, Tensor weight, Tensor? bias = null)
    {
        var product = input.MatMul(weight.T);
        return bias is null ? product : product + bias;
    }

    /// <summary>The squared difference, (input - target)^2, by default its mean.</summary>
    public static Tensor MseLoss(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean)
    {
        var difference = input - target;
        return Reduce(difference * difference, reduction);
    }

    /// <summary>
    /// For each row of logits [n, classes] and its class number (int64, [n]): log(sum(exp(x))) - x[class], by default the mean over rows.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not fit, or (on devices with host memory) a class number is out of range; elsewhere such a row gives nan.</exception>
    /// <exception cref="DTypeException">The target is not int64.</exception>
    public static Tensor CrossEntropy(Tensor input, Tensor target, LossReduction reduction = LossReduction.Mean)
    {
        if (target.DType != DType.Int64)
        {
            throw new DTypeException($"CrossEntropy: expected class numbers of type int64, but got {target.DType.Name()}. Convert with To(DType.Int64).");
        }

        if (input.Rank != 2 || target.Rank != 1 || target.Shape[0] != input.Shape[0])
        {
            throw new ShapeException(
                $"CrossEntropy: Expected input of shape [n, classes] and target of shape [n], but got {input.Shape} and {target.Shape}. Reshape them.");
        }

        ClassIndices.Check("CrossEntropy", target, input.Shape[1]);
        return Reduce(CrossEntropyLoss.Apply(input, target), reduction);
    }

    internal static Tensor Reduce(Tensor losses, LossReduction reduction) => reduction switch
    {
        LossReduction.None => losses,
        LossReduction.Mean => losses.Mean(),
        _ => losses.Sum(),
    };
}
