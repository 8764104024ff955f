using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>Other sizes for the same elements in the same order.</summary>
internal sealed class Reshaped(Shape input, string name = "Reshape") : IDifferentiable
{
    public string Name => name;

    public string NodeName => name == "Reshape" ? "ViewBackward0" : name + "Backward0";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = gradient.Reshape(input);
}

/// <summary>Dimensions in another order.</summary>
internal sealed class Permuted(int[] order) : IDifferentiable
{
    public string Name => "Permute";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var inverse = new int[order.Length];
        for (int d = 0; d < order.Length; d++)
        {
            inverse[order[d]] = d;
        }

        inputGradients[0] = gradient.Permute(inverse);
    }
}

/// <summary>Two dimensions exchanged.</summary>
internal sealed class Transposed(int dim0, int dim1) : IDifferentiable
{
    public string Name => "Transpose";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = gradient.Transpose(dim0, dim1);
}

/// <summary>Dimensions repeated. The engine sums the gradient to the input's shape: see Note [Un-broadcasting].</summary>
internal sealed class Expanded : IDifferentiable
{
    public static Expanded Instance { get; } = new();

    public string Name => "Expand";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => inputGradients[0] = gradient;
}

/// <summary>Every <paramref name="step"/>-th element of a dimension from <paramref name="start"/> on.</summary>
internal sealed class Slice(Shape input, int dim, long start, long step) : IDifferentiable
{
    public string Name => "Slice";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = SliceBackward.Apply(gradient, input, dim, start, step);
}

/// <summary>Zeros with a slice filled: what the backward pass of a slice computes. Its own is the slice.</summary>
internal sealed class SliceBackward(int dim, long start, long step, long length) : IDifferentiable
{
    public string Name => "SliceBackward";

    public Saves Saves => Saves.None;

    public static Tensor Apply(Tensor gradient, Shape input, int dim, long start, long step)
    {
        var result = Tensor.Zeros(input, gradient.DType, gradient.Device);
        using (GradMode.Set(false))
        {
            result.Sliced(dim, start, step, gradient.Shape[dim]).Copy_(gradient);
        }

        return Recorder.Record(new SliceBackward(dim, start, step, gradient.Shape[dim]), result, gradient);
    }

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = gradient.Sliced(dim, start, step, length);
}

/// <summary>Tensors one after the other along a dimension.</summary>
internal sealed class Concatenated(int dim, long[] lengths) : IDifferentiable
{
    public string Name => "Cat";

    public Saves Saves => Saves.None;

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        long start = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (needs[i])
            {
                inputGradients[i] = gradient.Sliced(dim, start, 1, lengths[i]);
            }

            start += lengths[i];
        }
    }
}
