using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// An operation of three inputs with kernels of its own for the result and for a gradient that nothing follows, and the same function as a composition of
/// tensors, from which everything else comes: derivatives of higher order, forward mode, batches.
/// </summary>
internal abstract class ComposedOperation(string name) : StructuralOperation(name)
{
    public sealed override Saves Saves => Saves.Inputs | Saves.Input2;

    public sealed override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        gradient = Level.WithoutClosed(gradient);
        Tensor[] inputs = [Level.WithoutClosed(saved.Input0), Level.WithoutClosed(saved.Input1), Level.WithoutClosed(saved.Input2)];
        if (IsLast(gradient) && Array.TrueForAll(inputs, IsLast))
        {
            VjpOnce(gradient, inputs, inputGradients, needs);
            return;
        }

        var asked = new List<int>();
        for (int i = 0; i < inputs.Length; i++)
        {
            if (needs[i])
            {
                asked.Add(i);
            }
        }

        var pullback = new Pullback(Name, x => [Compose(With(inputs, asked, x))], [.. asked.Select(i => inputs[i])]);
        var found = pullback.Run([gradient], keepGraph: false);
        for (int i = 0; i < asked.Count; i++)
        {
            inputGradients[asked[i]] = found[i];
        }
    }

    public sealed override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var all = inputs.ToArray();
        var asked = new List<int>();
        var directions = new List<Tensor>();
        for (int i = 0; i < all.Length; i++)
        {
            if (tangents[i] is { } tangent)
            {
                asked.Add(i);
                directions.Add(tangent);
            }
        }

        return asked.Count == 0 ? null : ForwardPass.Run(x => [Compose(With(all, asked, x))], [.. asked.Select(i => all[i])], directions).Tangents[0];
    }

    public sealed override Tensor Batch(BatchInputs inputs)
    {
        var batches = new Tensor[inputs.Count];
        var dims = new int?[batches.Length];
        for (int i = 0; i < batches.Length; i++)
        {
            batches[i] = inputs[i];
            dims[i] = inputs.IsBatched(i) ? 0 : null;
        }

        return BatchMap.Run(x => [Compose(x)], batches, dims, null, VmapRandomness.Error, null)[0];
    }

    /// <summary>The result as a composition of tensors.</summary>
    protected abstract Tensor Compose(IReadOnlyList<Tensor> inputs);

    /// <summary>The gradients of the inputs by kernels, from tensors that no transform wraps; not recorded.</summary>
    protected abstract void VjpOnce(Tensor gradient, Tensor[] inputs, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs);

    /// <summary>Whether nothing that is computed from the tensor now is differentiated or mapped.</summary>
    private static bool IsLast(Tensor tensor) => tensor.Wrapper is null && !(GradMode.IsEnabled && tensor.RequiresGrad);

    private static Tensor[] With(Tensor[] inputs, List<int> places, IReadOnlyList<Tensor> others)
    {
        var result = (Tensor[])inputs.Clone();
        for (int i = 0; i < places.Count; i++)
        {
            result[places[i]] = others[i];
        }

        return result;
    }
}
