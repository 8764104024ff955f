namespace Autograd.Gpu.Nn;

/// <summary>A place of a module that holds a tensor of its state which no optimiser changes, such as a running mean.</summary>
public sealed class Buffer
{
    internal Buffer(Tensor tensor) => Value = tensor;

    /// <summary>The tensor. A module may write into it in place, or put another in its place.</summary>
    public Tensor Value { get; set; }
}
