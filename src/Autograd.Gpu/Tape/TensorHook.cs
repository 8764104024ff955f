namespace Autograd.Gpu.Tape;

/// <summary>A hook on the gradient of one output of a node.</summary>
internal abstract class TensorHook(int outputNumber)
{
    public int OutputNumber { get; } = outputNumber;

    /// <summary>Sees the gradient before the node does and returns what takes its place, or null to leave it.</summary>
    /// <param name="gradient">The gradient; null if none arrived in this pass.</param>
    /// <param name="pass">The pass that runs.</param>
    public abstract Tensor? Run(Tensor? gradient, Engine pass);
}

/// <summary>The hook that <see cref="Tensor.RegisterHook(Func{Tensor, Tensor?})"/> takes; runs when there is a gradient.</summary>
internal sealed class UserTensorHook(int outputNumber, Func<Tensor, Tensor?> hook) : TensorHook(outputNumber)
{
    public override Tensor? Run(Tensor? gradient, Engine pass) => gradient is null ? null : hook(gradient);
}

/// <summary>
/// Keeps the gradient of a tensor that is not a leaf in its <see cref="Tensor.Grad"/>. Holds the tensor weakly: the node must not keep the memory of
/// a value that the program dropped, and nobody could read that gradient.
/// </summary>
internal sealed class RetainedGrad(Tensor tensor, int outputNumber)
{
    private readonly WeakReference<Tensor> _tensor = new(tensor);
    private readonly Lock _lock = new();

    public int OutputNumber { get; } = outputNumber;

    /// <summary>Adds out of place, as PyTorch does here whether or not the pass is recorded.</summary>
    public void Keep(Tensor gradient)
    {
        if (!_tensor.TryGetTarget(out var tensor))
        {
            return;
        }

        lock (_lock)
        {
            tensor.SetGrad(tensor.Grad is { } grad ? grad + gradient : gradient.Clone());
        }
    }
}
