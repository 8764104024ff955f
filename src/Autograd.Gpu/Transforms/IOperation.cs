using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Transforms;

/// <summary>
/// An operation as the function transforms see it: applied again to what a tensor wraps, to tangents, or to a whole batch. Each rule
/// is a formula of tensors, so that the next transform further in applies to it in turn.
/// </summary>
internal interface IOperation : IReplayable
{
    /// <summary>Whether the result depends on its inputs in a differentiable way; comparisons and indices do not.</summary>
    bool IsDifferentiable { get; }

    /// <summary>
    /// The Jacobian-vector product: the tangent of <paramref name="output"/>, in its shape and dtype. A missing tangent is zero; null stands for zero.
    /// </summary>
    Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents);

    /// <summary>The operation on each sample of a batch at once; the result has the batch as its first dimension.</summary>
    Tensor Batch(BatchInputs inputs);
}
