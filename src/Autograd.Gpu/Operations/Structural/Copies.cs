using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>Another dtype; the engine casts the gradient back to the input's.</summary>
internal sealed class ToDType : IDifferentiable
{
    public static ToDType Instance { get; } = new();

    public string Name => "To";

    public string NodeName => "ToCopyBackward0";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => inputGradients[0] = gradient;
}

/// <summary>Another device.</summary>
internal sealed class ToDevice(Device source) : IDifferentiable
{
    public string Name => "To";

    public string NodeName => "ToCopyBackward0";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = gradient.To(source);
}

/// <summary>The same values in memory of their own.</summary>
internal sealed class Clone : IDifferentiable
{
    public static Clone Instance { get; } = new();

    public string Name => "Clone";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => inputGradients[0] = gradient;
}
