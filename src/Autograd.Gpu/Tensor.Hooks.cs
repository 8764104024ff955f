using System.Diagnostics.CodeAnalysis;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    private HookList<RetainedGrad>.Registration? _retained;

    /// <summary>
    /// Whether the backward pass keeps the gradient of this tensor in <see cref="Grad"/> although it is not a leaf. False for leaves, which keep
    /// theirs anyway.
    /// </summary>
    public bool RetainsGrad => _retained is not null;

    /// <summary>
    /// Calls <paramref name="hook"/> each time that the gradient with respect to this tensor has been computed, before it goes on. What the hook returns takes
    /// the gradient's place, null leaves it; the shape, dtype and device must be the same.
    /// </summary>
    /// <param name="hook">
    /// Gets the gradient; must not write to it, for others may use the same tensor. It runs on the thread of the backward pass, with recording on if the pass is
    /// recorded, and may run a backward pass itself. What it throws passes through <c>Backward</c> as it is.
    /// </param>
    /// <returns>Disposing it removes the hook.</returns>
    /// <remarks>
    /// Hooks run in the order of their registration; those of a leaf before the gradient is added to <see cref="Grad"/>. Where no gradient arrives none runs.
    /// A hook belongs to the value that the tensor had when it was registered: after a write in place it still sees the gradient of the value before.
    /// </remarks>
    /// <exception cref="GradientException">The tensor requires no gradient.</exception>
    public IDisposable RegisterHook(Func<Tensor, Tensor?> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        var (node, output) = HookEdge("RegisterHook");
        return node!.MakeHooks().OnTensors.Add(new UserTensorHook(output, hook));
    }

    /// <summary>The same for a hook that only looks.</summary>
    /// <param name="hook">Gets the gradient; must not write to it.</param>
    /// <returns>Disposing it removes the hook.</returns>
    /// <exception cref="GradientException">The tensor requires no gradient.</exception>
    public IDisposable RegisterHook(Action<Tensor> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        return RegisterHook(gradient =>
        {
            hook(gradient);
            return null;
        });
    }

    /// <summary>
    /// Calls <paramref name="hook"/> with this leaf each time that a backward pass has added to its <see cref="Grad"/>: the place for an update of this
    /// parameter alone, after which its gradient can go.
    /// </summary>
    /// <param name="hook">
    /// Gets the leaf. Passes on several threads may call it at the same time. What it throws passes through <c>Backward</c> as it is.
    /// </param>
    /// <returns>Disposing it removes the hook.</returns>
    /// <exception cref="GradientException">The tensor is not a leaf, or requires no gradient.</exception>
    public IDisposable RegisterPostAccumulateGradHook(Action<Tensor> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        if (!IsLeaf)
        {
            throw new GradientException(
                $"RegisterPostAccumulateGradHook: post accumulate grad hooks cannot be registered on non-leaf tensors, and this tensor was made by {GradFn!.Name}. "
                + "Use RegisterHook, which sees the gradient of any tensor.");
        }

        return ((AccumulateGrad)HookEdge("RegisterPostAccumulateGradHook").Function!).PostAccumulate.Add(hook);
    }

    /// <summary>
    /// From now on the backward pass keeps the gradient of this tensor in <see cref="Grad"/>, as it does for leaves: what its hooks made of it, also those that are
    /// registered later. After a write in place it is the gradient of the new value. Does nothing for a leaf.
    /// </summary>
    /// <exception cref="GradientException">The tensor requires no gradient.</exception>
    public void RetainGrad()
    {
        if (!RequiresGrad)
        {
            throw new GradientException(
                "RetainGrad: can't retain_grad on Tensor that has requires_grad=False. Call RequiresGrad_() on the leaves before the computation.");
        }

        if (!IsLeaf && _retained is null)
        {
            var (node, output) = GradientEdge();
            RetainFrom(node!, output);
        }
    }

    [MemberNotNull(nameof(_retained))]
    private void RetainFrom(Node node, int output)
    {
        _retained?.Dispose();
        _retained = node.MakeHooks().Retained.Add(new RetainedGrad(this, output));
    }

    private void StopRetaining()
    {
        _retained?.Dispose();
        _retained = null;
    }

    private Edge HookEdge(string operation)
    {
        var edge = GradientEdge();
        return edge.Function is not null
            ? edge
            : throw new GradientException(
                $"{operation}: cannot register a hook on a tensor that doesn't require gradient. Call RequiresGrad_() on it or on what it is computed from.");
    }
}
