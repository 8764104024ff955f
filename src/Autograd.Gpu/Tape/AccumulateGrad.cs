using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tape;

/// <summary>The end of a path: adds what arrives to the <see cref="Tensor.Grad"/> of a leaf.</summary>
internal sealed class AccumulateGrad : Node
{
    private readonly Tensor _leaf;
    private HookList<Action<Tensor>>? _postAccumulate;

    public AccumulateGrad(Tensor leaf)
        : base("AccumulateGrad", [], ulong.MaxValue)
    {
        _leaf = leaf;
        Device = leaf.Device;
    }

    public override Tensor? Variable => _leaf;

    /// <summary>Hooks that run when the gradient has been added.</summary>
    public HookList<Action<Tensor>> PostAccumulate =>
        _postAccumulate ?? Interlocked.CompareExchange(ref _postAccumulate, new HookList<Action<Tensor>>(), null) ?? _postAccumulate;

    internal override bool ForgetsGradients => true;

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (_leaf.Shape, _leaf.DType);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (outputGradients[0] is not { } gradient)
        {
            return;
        }

        // Passes on several threads may end in one leaf.
        using (_leaf.Device.Gate.Enter())
        {
            Accumulate(gradient);
        }

        // Outside of the lock: a hook may run a backward pass of its own or wait for another thread.
        if (_postAccumulate is { } hooks)
        {
            foreach (var registration in hooks.Registrations)
            {
                registration.Hook?.Invoke(_leaf);
            }
        }
    }

    /// <summary>Makes a gradient that nobody else knows, in a pass that is not recorded, that of the leaf, if it has none and no hooks wait for it.</summary>
    public bool TryTake(Tensor gradient)
    {
        if (_postAccumulate is not null)
        {
            return false;
        }

        using (_leaf.Device.Gate.Enter())
        {
            if (_leaf.PeekGrad is not null)
            {
                return false;
            }

            _leaf.SetGrad(gradient, own: true);
            return true;
        }
    }

    private void Accumulate(Tensor gradient)
    {
        if (_leaf.PeekGrad is not { } grad)
        {
            // Storages share blocks until one of them is written: this neither copies nor aliases. A recorded gradient is known to the tape as well.
            _leaf.SetGrad(gradient.Clone(), own: !GradMode.IsEnabled);
        }
        else if (GradMode.IsEnabled || HasATangentOfItsOwn(gradient, grad))
        {
            _leaf.SetGrad(grad + gradient);
        }
        else
        {
            grad.Add_(gradient);
        }
    }

    /// <summary>Whether there is a tangent that the tensor to be added to has no place for.</summary>
    private static bool HasATangentOfItsOwn(Tensor gradient, Tensor grad) =>
        gradient.Wrapper is DualWrapper { Level: { IsOpen: true } level } && !level.Wraps(grad);
}
