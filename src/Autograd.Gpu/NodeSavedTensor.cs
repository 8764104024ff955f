using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>One of the tensors that a node keeps for the backward pass: PyTorch's <c>grad_fn._saved_*</c> and <c>_raw_saved_*</c>.</summary>
public sealed class NodeSavedTensor
{
    private readonly Node _node;
    private readonly int _slot;

    internal NodeSavedTensor(Node node, int slot, string name)
    {
        _node = node;
        _slot = slot;
        Name = name;
    }

    /// <summary><c>input0</c>, <c>input1</c>, <c>input2</c>, <c>output</c>; for a <see cref="Function"/> <c>saved0</c> and so on.</summary>
    public string Name { get; }

    /// <summary>The tensor; null where a <see cref="Function"/> saved null.</summary>
    /// <exception cref="GradientException">It was freed by a backward pass, or written in place since it was saved.</exception>
    public Tensor? Value => _node.InspectSaved(_slot);

    /// <summary>Shape and dtype of the tensor, which is not unpacked; null if it is not kept any more.</summary>
    internal (Shape Shape, DType DType)? Describe() => _node.DescribeSaved(_slot);

    /// <summary>
    /// Packs the tensor now, and unpacks it whenever it is asked for: PyTorch's <c>_raw_saved_*.register_hooks</c>. The version is not checked any more.
    /// </summary>
    /// <param name="pack">What to keep in place of the tensor, which it must not write.</param>
    /// <param name="unpack">A tensor of the same shape, dtype, device and values.</param>
    /// <exception cref="GradientException">It was freed or written in place, or has hooks already.</exception>
    public void RegisterHooks<TPacked>(Func<Tensor, TPacked> pack, Func<TPacked, Tensor> unpack)
    {
        ArgumentNullException.ThrowIfNull(pack);
        ArgumentNullException.ThrowIfNull(unpack);
        _node.HookSaved(_slot, new UserHook<TPacked>(pack, unpack));
    }

    /// <summary>Name and node.</summary>
    public override string ToString() => $"{Name} of {_node.Name}";
}
