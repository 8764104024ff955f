namespace Autograd.Gpu.Tape;

/// <summary>What is known of a node while its gradients come in.</summary>
internal sealed class Pending
{
    private Tensor? _single;
    private Tensor?[]? _several;

    public Node Node { get; private set; } = null!;

    /// <summary>The node's place in the order of recording.</summary>
    public ulong Order { get; private set; }

    public int Dependencies { get; set; }

    public bool IsQueued { get; set; }

    /// <summary>Where only some gradients are asked for: whether the node leads to one of them.</summary>
    public bool IsNeeded { get; set; }

    /// <summary>Where only some gradients are asked for: whether one of the node's outputs is among them.</summary>
    public bool IsAsked { get; set; }

    public bool HasGradient { get; private set; }

    /// <summary>A bit for each of the gradients that belongs to the pass, see <see cref="OwnedGradients"/>.</summary>
    public ulong Owned { get; set; }

    public Span<Tensor?> Gradients(int outputs) => outputs == 1 ? new Span<Tensor?>(ref _single) : _several;

    /// <summary>Where the gradient of an output is collected.</summary>
    public ref Tensor? Slot(Edge edge)
    {
        HasGradient = true;
        int outputs = edge.Function!.OutputCount;
        return ref outputs == 1 ? ref _single : ref (_several ??= new Tensor?[outputs])[edge.OutputNumber];
    }

    public void Begin(Node node)
    {
        Node = node;
        Order = node.SequenceNumber;
    }

    public void Drop()
    {
        _single = null;
        _several = null;
        Owned = 0;
    }

    public void Clear()
    {
        Drop();
        Node = null!;
        Dependencies = 0;
        IsQueued = IsNeeded = IsAsked = HasGradient = false;
    }
}
