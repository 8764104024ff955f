using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

/// <summary>What of its inputs and output the derivative of an operation reads; what it does not name is not kept.</summary>
[Flags]
public enum Saves
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The first input.</summary>
    Input0 = 1,

    /// <summary>The second input.</summary>
    Input1 = 2,

    /// <summary>The third input.</summary>
    Input2 = 4,

    /// <summary>The first and the second input.</summary>
    Inputs = Input0 | Input1,

    /// <summary>The result.</summary>
    Output = 8,
}

/// <summary>
/// What a derivative reads: the saved tensors of an operation, unpacked and checked when they are read, or in forward mode the values themselves.
/// <see cref="Saves"/> says which there are.
/// </summary>
public readonly ref struct SavedValues
{
    private readonly OperationNode? _node;
    private readonly ReadOnlySpan<Tensor> _inputs;
    private readonly Tensor? _output;

    internal SavedValues(OperationNode node) => _node = node;

    internal SavedValues(ReadOnlySpan<Tensor> inputs, Tensor output)
    {
        _inputs = inputs;
        _output = output;
    }

    /// <summary>The first input.</summary>
    public Tensor Input0 => _node is null ? _inputs[0] : _node.Unpack(0);

    /// <summary>The second input.</summary>
    public Tensor Input1 => _node is null ? _inputs[1] : _node.Unpack(1);

    /// <summary>The third input.</summary>
    public Tensor Input2 => _node is null ? _inputs[2] : _node.Unpack(2);

    /// <summary>The result.</summary>
    public Tensor Output => _node is null ? _output! : _node.Unpack(3);
}
