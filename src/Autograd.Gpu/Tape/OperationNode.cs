namespace Autograd.Gpu.Tape;

/// <summary>What of its inputs and output the derivative of an operation reads; what it does not name is not kept.</summary>
[Flags]
internal enum Saves
{
    None = 0,
    Input0 = 1,
    Input1 = 2,
    Input2 = 4,
    Inputs = Input0 | Input1,
    Output = 8,
}

/// <summary>An operation with a derivative: the one place from which the tape derives the backward pass.</summary>
internal interface IDifferentiable
{
    /// <summary>The name in errors and traces: <c>Mul</c>.</summary>
    string Name { get; }

    /// <summary>The name of its nodes: <c>MulBackward0</c>.</summary>
    string NodeName => Name + "Backward0";

    Saves Saves { get; }

    /// <summary>
    /// The vector-Jacobian product: for each input that <paramref name="needs"/> names, its gradient as a formula of tensors, which may have
    /// the output's shape (the engine sums it to the input's); null stands for zero.
    /// </summary>
    void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs);
}

/// <summary>The saved tensors of a node, unpacked and checked when they are read.</summary>
internal readonly ref struct SavedValues(OperationNode node)
{
    public Tensor Input0 => node.Unpack(0);

    public Tensor Input1 => node.Unpack(1);

    public Tensor Input2 => node.Unpack(2);

    public Tensor Output => node.Unpack(3);
}

/// <summary>The node of a built-in operation.</summary>
internal sealed class OperationNode : Node
{
    private readonly IDifferentiable _operation;
    private readonly Shape _shape;
    private readonly DType _dtype;
    private SavedTensor _input0;
    private SavedTensor _input1;
    private SavedTensor _input2;
    private SavedTensor _output;

    public OperationNode(IDifferentiable operation, Edge[] edges, Shape shape, DType dtype)
        : base(operation.NodeName, edges)
    {
        _operation = operation;
        _shape = shape;
        _dtype = dtype;
    }

    public void SaveInputs(Tensor input0, Tensor? input1, Tensor? input2)
    {
        var saves = _operation.Saves;
        if ((saves & Saves.Input0) != 0)
        {
            _input0 = SavedTensor.Input(input0);
        }

        if ((saves & Saves.Input1) != 0)
        {
            _input1 = SavedTensor.Input(input1!);
        }

        if ((saves & Saves.Input2) != 0)
        {
            _input2 = SavedTensor.Input(input2!);
        }
    }

    public void SaveOutput(Tensor output)
    {
        if ((_operation.Saves & Saves.Output) != 0)
        {
            _output = SavedTensor.Output(output);
        }
    }

    public Tensor Unpack(int slot) => slot switch
    {
        0 => _input0.Unpack(this, isOutput: false),
        1 => _input1.Unpack(this, isOutput: false),
        2 => _input2.Unpack(this, isOutput: false),
        _ => _output.Unpack(this, isOutput: true),
    };

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (_shape, _dtype);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (outputGradients[0] is { } gradient)
        {
            _operation.Vjp(gradient, new SavedValues(this), inputGradients, needs);
        }
    }

    internal override void ReleaseSaved() => _input0 = _input1 = _input2 = _output = default;
}
