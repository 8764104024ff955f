namespace Autograd.Gpu.Tape;

/// <summary>The end of a path: adds what arrives to the <see cref="Tensor.Grad"/> of a leaf.</summary>
internal sealed class AccumulateGrad(Tensor variable) : Node("AccumulateGrad", [], ulong.MaxValue)
{
    private readonly Lock _lock = new();

    public Tensor Variable { get; } = variable;

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (Variable.Shape, Variable.DType);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (outputGradients[0] is not { } gradient)
        {
            return;
        }

        lock (_lock)
        {
            if (Variable.Grad is not { } grad)
            {
                // Storages share blocks until one of them is written, so this takes the gradient over without copying or aliasing it.
                Variable.SetGrad(GradMode.IsEnabled ? gradient.Clone() : gradient.ShareValue());
            }
            else if (GradMode.IsEnabled)
            {
                Variable.SetGrad(grad + gradient);
            }
            else
            {
                grad.Add_(gradient);
            }
        }
    }
}
