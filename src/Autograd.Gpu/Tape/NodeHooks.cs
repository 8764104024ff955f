namespace Autograd.Gpu.Tape;

/// <summary>The hooks of a node; nodes without any have none of these.</summary>
/// <remarks>
/// Note [Order of hooks]. When a gradient has arrived at a node in full: (1) the hooks of the tensors that it made, in order of registration; (2)
/// <see cref="Tensor.RetainGrad"/>, which thus sees what they all returned; (3) <c>Autodiff.Grad</c> takes what it was asked for. Then, if the
/// node runs: (4) its pre-hooks; (5) the node, which for a leaf is the accumulation and then the leaf's post-accumulate hooks; (6) its hooks.
/// </remarks>
internal sealed class NodeHooks
{
    /// <summary>Hooks on the gradients of the node's outputs.</summary>
    public HookList<TensorHook> OnTensors { get; } = new();

    /// <summary>Where gradients of the node's outputs are kept.</summary>
    public HookList<RetainedGrad> Retained { get; } = new();

    /// <summary>Hooks on all gradients that the node gets.</summary>
    public HookList<Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>?>> Before { get; } = new();

    /// <summary>Hooks on all gradients that the node computed, and those that it got.</summary>
    public HookList<Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>?>> After { get; } = new();

    /// <summary>Steps 1 and 2. <paramref name="gradients"/> is empty if none arrived.</summary>
    public void RunOnTensors(Node node, Span<Tensor?> gradients, Engine pass)
    {
        foreach (var registration in OnTensors.Registrations)
        {
            if (registration.Hook is not { } hook)
            {
                continue;
            }

            var gradient = hook.OutputNumber < gradients.Length ? gradients[hook.OutputNumber] : null;
            if (hook.Run(gradient, pass) is { } replacement)
            {
                CheckReplacement(node, "RegisterHook", hook.OutputNumber, gradient!, replacement);
                gradients[hook.OutputNumber] = replacement;
            }
        }

        foreach (var registration in Retained.Registrations)
        {
            if (registration.Hook is { } retained && retained.OutputNumber < gradients.Length && gradients[retained.OutputNumber] is { } gradient)
            {
                retained.Keep(gradient);
            }
        }
    }

    /// <summary>Step 4.</summary>
    public void RunBefore(Node node, Span<Tensor?> gradients)
    {
        foreach (var registration in Before.Registrations)
        {
            if (registration.Hook?.Invoke(gradients.ToArray()) is { } replacements)
            {
                Replace(node, "RegisterPreHook", gradients, replacements);
            }
        }
    }

    /// <summary>Step 6.</summary>
    public void RunAfter(Node node, Span<Tensor?> inputGradients, ReadOnlySpan<Tensor?> outputGradients)
    {
        foreach (var registration in After.Registrations)
        {
            if (registration.Hook?.Invoke(inputGradients.ToArray(), outputGradients.ToArray()) is { } replacements)
            {
                Replace(node, "RegisterHook", inputGradients, replacements);
            }
        }
    }

    private static void Replace(Node node, string kind, Span<Tensor?> gradients, IReadOnlyList<Tensor?> replacements)
    {
        if (replacements.Count != gradients.Length)
        {
            throw new GradientException(
                $"{node.Name}: a hook of {kind} has returned an incorrect number of values (got {replacements.Count}, but expected {gradients.Length}). "
                + "Return one gradient for each that the hook was given, or null to leave all as they are.");
        }

        for (int i = 0; i < gradients.Length; i++)
        {
            if (replacements[i] is { } replacement)
            {
                CheckReplacement(node, kind, i, gradients[i], replacement);
            }

            gradients[i] = replacements[i];
        }
    }

    private static void CheckReplacement(Node node, string kind, int index, Tensor? gradient, Tensor replacement)
    {
        if (ReferenceEquals(gradient, replacement))
        {
            return;
        }

        if (gradient is null)
        {
            throw new GradientException(
                $"{node.Name}: a hook of {kind} can't replace a None gradient with a non-None value: gradient {index} is null, and the hook returned one of "
                + $"shape {replacement.Shape}. Return null in its place.");
        }

        if (replacement.Shape != gradient.Shape)
        {
            throw new ShapeException(
                $"{node.Name}: a hook of {kind} has changed the size of value: gradient {index} has shape {gradient.Shape}, and the hook returned {replacement.Shape}. "
                + "Return a gradient of the shape that the hook was given, or null to leave it.");
        }

        if (replacement.DType != gradient.DType)
        {
            throw new DTypeException(
                $"{node.Name}: a hook of {kind} has changed the type of value (was {gradient.DType.Name()} got {replacement.DType.Name()}) of gradient {index}. "
                + $"Convert what it returns with To(DType.{gradient.DType}).");
        }

        if (replacement.Device != gradient.Device)
        {
            throw new DeviceMismatchException(
                $"{node.Name}: a hook of {kind} has changed the type of value (was on {gradient.Device}, got one on {replacement.Device}) of gradient {index}. "
                + $"Move what it returns with To({gradient.Device}).");
        }
    }
}
