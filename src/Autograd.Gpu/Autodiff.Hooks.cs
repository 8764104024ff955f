using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>When a hook on several gradients runs.</summary>
public enum MultiGradHookMode
{
    /// <summary>When the gradients of all tensors that the pass reaches have been computed.</summary>
    All,

    /// <summary>When the first of the gradients has been computed.</summary>
    Any,
}

public static partial class Autodiff
{
    /// <summary>
    /// Calls <paramref name="hook"/> once in each backward pass: when the gradients of all of <paramref name="tensors"/> that the pass reaches have been
    /// computed, or when the first has, as <paramref name="mode"/> says.
    /// </summary>
    /// <param name="tensors">Leaves or intermediate results; each requires gradients.</param>
    /// <param name="hook">
    /// Gets one gradient for each tensor, in their order: null for those that this pass does not reach and, with
    /// <see cref="MultiGradHookMode.Any"/>, for all but the first to arrive. It must not write to them. It does not run in a pass that brings none of them.
    /// </param>
    /// <param name="mode">Whether to wait for all gradients.</param>
    /// <returns>Disposing it removes the hook.</returns>
    /// <remarks>Among the other hooks of each tensor it takes the place of its registration: it sees what those before it returned.</remarks>
    /// <exception cref="GradientException">There is no tensor, or one requires no gradient.</exception>
    public static IDisposable RegisterMultiGradHook(
        IReadOnlyList<Tensor> tensors, Action<IReadOnlyList<Tensor?>> hook, MultiGradHookMode mode = MultiGradHookMode.All)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(hook);
        if (mode is not (MultiGradHookMode.All or MultiGradHookMode.Any))
        {
            throw new ArgumentOutOfRangeException(nameof(mode), mode, "RegisterMultiGradHook: the mode is All or Any.");
        }

        if (tensors.Count == 0)
        {
            throw new GradientException("RegisterMultiGradHook: got no tensors. Give at least one whose gradient the hook is to see.");
        }

        var edges = new Edge[tensors.Count];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = tensors[i].GradientEdge();
            if (edges[i].Function is null)
            {
                throw new GradientException(
                    $"RegisterMultiGradHook: cannot register a hook on a tensor that doesn't require gradient: tensor {i} of shape {tensors[i].Shape}. "
                    + "Call RequiresGrad_() on it or on what it is computed from.");
            }
        }

        return new MultiGradHook(edges, hook, mode);
    }
}
