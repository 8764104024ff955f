namespace Autograd.Gpu;

/// <summary>Where a gradient goes: the output number <paramref name="OutputNumber"/> of the node <paramref name="Function"/>; null where none is wanted.</summary>
/// <param name="Function">The node that made the value, the accumulator of a leaf, or null for a value that requires no gradient.</param>
/// <param name="OutputNumber">Which of the node's outputs the value is.</param>
public readonly record struct Edge(Node? Function, int OutputNumber);

/// <summary>
/// One recorded operation of the tape: turns the gradient of its output into the gradients of its inputs. <see cref="Tensor.GradFn"/>
/// returns the node that made a tensor; <see cref="NextFunctions"/> leads on from there to the leaves.
/// </summary>
public abstract class Node
{
    private static long s_sequence;

    private protected Node(string name, Edge[] edges, ulong? sequence = null)
    {
        Name = name;
        Edges = edges;
        SequenceNumber = sequence ?? (ulong)Interlocked.Increment(ref s_sequence);
    }

    /// <summary>PyTorch's name for it: <c>MulBackward0</c>, <c>AccumulateGrad</c>.</summary>
    public string Name { get; }

    /// <summary>Where the gradients of the inputs go, one edge for each input.</summary>
    public IReadOnlyList<Edge> NextFunctions => Edges;

    /// <summary>Later nodes have higher numbers; the backward pass runs them first.</summary>
    internal ulong SequenceNumber { get; }

    internal Edge[] Edges { get; }

    internal virtual int OutputCount => 1;

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

    /// <summary><c>&lt;MulBackward0&gt;</c>, as PyTorch prints it.</summary>
    public override string ToString() => $"<{Name}>";
}
