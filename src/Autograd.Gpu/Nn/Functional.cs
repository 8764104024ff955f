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
    internal static Tensor Reduce(Tensor losses, LossReduction reduction)
    {
        Defined.Check("Loss", reduction);
        return reduction switch
        {
            LossReduction.None => losses,
            LossReduction.Mean => losses.Mean(),
            _ => losses.Sum(),
        };
    }
}
