using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>Where a gradient goes: the output number <paramref name="OutputNumber"/> of the node <paramref name="Function"/>; null where none is wanted.</summary>
/// <param name="Function">The node that made the value, the accumulator of a leaf, or null for a value that requires no gradient.</param>
/// <param name="OutputNumber">Which of the node's outputs the value is.</param>
/// <remarks>
/// <see cref="Autodiff.GetGradientEdge"/> returns the edge of a tensor. An edge stands for the tensor as a root or an input of
/// <c>Autodiff.Grad</c> without holding its value.
/// </remarks>
public readonly record struct Edge(Node? Function, int OutputNumber);

/// <summary>
/// One recorded operation of the tape: turns the gradient of its output into the gradients of its inputs. <see cref="Tensor.GradFn"/>
/// returns the node that made a tensor; <see cref="NextFunctions"/> leads on from there to the leaves.
/// </summary>
public abstract class Node
{
    /// <summary>The highest number that this thread has given to a node.</summary>
    [ThreadStatic]
    private static long s_sequence;

    private NodeHooks? _hooks;
    private Dictionary<string, object?>? _metadata;

    private protected Node(string name, Edge[] edges, ulong? sequence = null)
    {
        Name = name;
        Edges = edges;
        long number = s_sequence;
        foreach (var edge in edges)
        {
            if (edge.Function is { } input && (long)input.SequenceNumber > number)
            {
                number = (long)input.SequenceNumber;
            }
        }

        s_sequence = ++number;
        SequenceNumber = sequence ?? (ulong)number;
        Hash = (int)number;
        if (Anomaly.IsEnabled)
        {
            Anomaly.Recorded(this);
        }
    }

    /// <summary>PyTorch's name for it: <c>MulBackward0</c>, <c>AccumulateGrad</c>.</summary>
    public string Name { get; }

    /// <summary>Where the gradients of the inputs go, one edge for each input.</summary>
    public IReadOnlyList<Edge> NextFunctions => Edges;

    /// <summary>The leaf in which an <c>AccumulateGrad</c> node accumulates; null for every other node.</summary>
    public virtual Tensor? Variable => null;

    /// <summary>What the program wants to note about this node; the library puts nothing there. Not safe for several threads at a time.</summary>
    public IDictionary<string, object?> Metadata => _metadata ?? Interlocked.CompareExchange(ref _metadata, [], null) ?? _metadata;

    /// <summary>What this node keeps for the backward pass; <see cref="NodeSavedTensor.Value"/> unpacks and checks it.</summary>
    public virtual IReadOnlyList<NodeSavedTensor> SavedTensors => [];

    /// <summary>What the program has noted; null if nothing.</summary>
    internal IReadOnlyDictionary<string, object?>? Notes => _metadata;

    /// <summary>
    /// Later nodes have higher numbers; the backward pass runs them first. A node's is higher than those of the nodes that its edges lead to, whichever threads recorded
    /// them; accumulators have the highest of all. Beyond that, nodes of different threads may have the same.
    /// </summary>
    internal ulong SequenceNumber { get; }

    internal Edge[] Edges { get; }

    /// <summary>A number to find the node by in the tables of a backward pass; the object's own hash code takes longer to make.</summary>
    internal int Hash { get; }

    internal virtual int OutputCount => 1;

    /// <summary>Whether this is a node of the library that keeps none of the gradients it is given, and makes those it returns.</summary>
    internal virtual bool ForgetsGradients => false;

    /// <summary>Where the values that this node made live; null until it has made one.</summary>
    internal Device? Device { get; set; }

    /// <summary>The hooks, or null if none was ever registered.</summary>
    internal NodeHooks? Hooks => _hooks;

    /// <summary>
    /// Calls <paramref name="hook"/> with the gradients of the node's outputs before the node runs, after the hooks of the tensors
    /// themselves. It may return others in their place, one for each and of their shapes, dtypes and device, or null to leave them.
    /// </summary>
    /// <param name="hook">Gets the gradients, null where none arrived; must not write to them.</param>
    /// <returns>Disposing it removes the hook.</returns>
    /// <remarks>
    /// Runs only if the node does: not if no gradient arrives, and not if <c>Autodiff.Grad</c> stops at this node. What the hook throws passes
    /// through <c>Backward</c> as it is.
    /// </remarks>
    public IDisposable RegisterPreHook(Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>?> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        return MakeHooks().Before.Add(hook);
    }

    /// <summary>The same for a hook that only looks.</summary>
    /// <param name="hook">Gets the gradients, null where none arrived; must not write to them.</param>
    /// <returns>Disposing it removes the hook.</returns>
    public IDisposable RegisterPreHook(Action<IReadOnlyList<Tensor?>> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        return RegisterPreHook(gradients =>
        {
            hook(gradients);
            return null;
        });
    }

    /// <summary>
    /// Calls <paramref name="hook"/> after the node ran, with the gradients of its inputs and those of its outputs. It may return others
    /// in place of the inputs', one for each and of their shapes, dtypes and device, or null to leave them.
    /// </summary>
    /// <param name="hook">Gets the gradients of the inputs (null where there is none or none was wanted) and those of the outputs; must not write to them.</param>
    /// <returns>Disposing it removes the hook.</returns>
    /// <remarks>
    /// The node of a leaf, <c>AccumulateGrad</c>, has no inputs; its hooks see <see cref="Tensor.Grad"/> as it is after the accumulation.
    /// What the hook throws passes through <c>Backward</c> as it is.
    /// </remarks>
    public IDisposable RegisterHook(Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>?> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        return MakeHooks().After.Add(hook);
    }

    /// <summary>The same for a hook that only looks.</summary>
    /// <param name="hook">Gets the gradients of the inputs and those of the outputs; must not write to them.</param>
    /// <returns>Disposing it removes the hook.</returns>
    public IDisposable RegisterHook(Action<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor?>> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        return RegisterHook((inputs, outputs) =>
        {
            hook(inputs, outputs);
            return null;
        });
    }

    /// <summary>What the backward pass knows of this node that keeps its knowledge in the nodes; of several passes at a time one does, see <see cref="Engine"/>.</summary>
    internal Pending? Pass { get; set; }

    internal NodeHooks MakeHooks() => _hooks ?? Interlocked.CompareExchange(ref _hooks, new NodeHooks(), null) ?? _hooks;

    /// <summary>Shape and dtype of the value that this node made; gradients that arrive for it are summed and cast to these.</summary>
    internal abstract (Shape Shape, DType DType) OutputOf(int outputNumber);

    /// <summary>
    /// Computes the gradients of the inputs that <paramref name="needs"/> names into <paramref name="inputGradients"/>, where null means zero.
    /// </summary>
    internal abstract void Backward(
        ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs);

    /// <summary>Lets go of the saved tensors.</summary>
    internal virtual void ReleaseSaved()
    {
    }

    /// <summary>Shape and dtype of a saved tensor, which is not unpacked; null if it is not kept any more.</summary>
    internal virtual (Shape Shape, DType DType)? DescribeSaved(int slot) => null;

    /// <summary>A saved tensor for a reader that is not the derivative.</summary>
    internal virtual Tensor? InspectSaved(int slot) => null;

    /// <summary>Gives a saved tensor the form that a hook gives it.</summary>
    internal virtual void HookSaved(int slot, SavedTensorHook hook)
    {
    }

    /// <summary><c>&lt;MulBackward0&gt;</c>, as PyTorch prints it.</summary>
    public override string ToString() => $"<{Name}>";
}
