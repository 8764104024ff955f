using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// A structural operation, declared once: views, reductions, products, copies. An instance is one call of it, with its dims and sizes; forward, the two
/// derivative rules and the rule for a batch stand side by side, as formulas of tensors.
/// </summary>
internal abstract class StructuralOperation(string name) : IOperation
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public virtual string NodeName => NodeNames.Of(name);

    /// <inheritdoc/>
    public virtual Saves Saves => Saves.None;

    /// <inheritdoc/>
    public virtual Saves InputsFor(bool first, bool second) => Saves;

    /// <inheritdoc/>
    public virtual bool OwnsInput0 => false;

    /// <inheritdoc/>
    public virtual bool IsDifferentiable => true;

    /// <summary>Whether the result takes computing, so that a checkpoint may want to keep it; views and copies do not.</summary>
    public virtual bool IsComputed => true;

    /// <inheritdoc/>
    public Tensor Apply(ReadOnlySpan<Tensor> inputs) => Structural.Apply(this, inputs);

    /// <summary>Computes the result from tensors that no transform wraps; not recorded.</summary>
    public abstract Tensor Forward(ReadOnlySpan<Tensor> inputs);

    /// <inheritdoc/>
    public abstract void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs);

    /// <inheritdoc/>
    public abstract Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents);

    /// <inheritdoc/>
    public virtual Tensor Batch(BatchInputs inputs)
    {
        Warnings.RaiseOnce(
            $"Vmap: there is a performance drop because {Name} has no batching rule: it runs once for each sample. Please use other operations where this matters.");

        var results = new Tensor[inputs.Size];
        var sample = new Tensor[inputs.Count];
        for (int i = 0; i < results.Length; i++)
        {
            for (int k = 0; k < sample.Length; k++)
            {
                sample[k] = inputs.IsBatched(k) ? inputs[k].Select(0, i) : inputs[k];
            }

            results[i] = Apply(sample);
        }

        return Tensor.Stack(results);
    }
}

/// <summary>A structural operation that is linear in its one input: its tangent is the operation itself on the input's tangent.</summary>
internal abstract class LinearOperation(string name) : StructuralOperation(name)
{
    /// <summary>The result from a tensor that no transform wraps; not recorded.</summary>
    protected abstract Tensor Forward(Tensor input);

    /// <summary>The gradient of the input.</summary>
    protected abstract Tensor Vjp(Tensor gradient);

    /// <summary>The operation on each sample of a batch, the first dimension; <paramref name="sample"/> is what the program sees of it.</summary>
    protected abstract Tensor Batch(Tensor batch, Tensor sample);

    public sealed override bool IsComputed => false;

    public sealed override Tensor Forward(ReadOnlySpan<Tensor> inputs) => Forward(inputs[0]);

    public sealed override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Vjp(gradient);

    public sealed override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent) : null;

    public sealed override Tensor Batch(BatchInputs inputs) => Batch(inputs[0], inputs.Samples[0]);
}

/// <summary>The one place where structural operations are applied: through the transforms that wrap an input, or forward and onto the tape.</summary>
internal static class Structural
{
    public static Tensor Apply(StructuralOperation operation, Tensor input)
    {
        using var profiled = Profiler.Operation(operation.Name, input);
        var inputs = new ReadOnlySpan<Tensor>(in input);
        if (input.Wrapper is not null)
        {
            return Level.Dispatch(operation, inputs);
        }

        var output = (operation.IsComputed ? Recorder.Kept(operation.Name, input) : null) ?? operation.Forward(inputs);
        return (operation.IsDifferentiable ? Recorder.Record(operation, output, input) : output).NoteView(operation, input);
    }

    public static Tensor Apply(StructuralOperation operation, Tensor first, Tensor second) => Apply(operation, [first, second]);

    public static Tensor Apply(StructuralOperation operation, ReadOnlySpan<Tensor> inputs)
    {
        if (inputs.Length == 1)
        {
            return Apply(operation, inputs[0]);
        }

        using var profiled = Profiler.Operation(operation.Name, inputs);
        foreach (var input in inputs)
        {
            if (input.Wrapper is not null)
            {
                return Level.Dispatch(operation, inputs);
            }
        }

        var kept = operation.IsComputed && inputs.Length == 2 ? Recorder.Kept(operation.Name, inputs[0], inputs[1]) : null;
        var output = kept ?? operation.Forward(inputs);
        return operation.IsDifferentiable ? Recorder.Record(operation, output, inputs) : output;
    }
}
