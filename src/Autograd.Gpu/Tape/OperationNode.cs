using System.Collections.Concurrent;

namespace Autograd.Gpu.Tape;

/// <summary>An operation with a derivative: the one place from which the tape derives the backward pass.</summary>
internal interface IDifferentiable
{
    /// <summary>The name in errors and traces: <c>Mul</c>.</summary>
    string Name { get; }

    /// <summary>The name of its nodes: <c>MulBackward0</c>.</summary>
    string NodeName => NodeNames.Of(Name);

    Saves Saves { get; }

    /// <summary>Whether a program wrote the derivative, which may keep what it is given.</summary>
    bool IsProgram => false;

    /// <summary>Whether the derivative is a formula of pointwise operations and nothing else, see <see cref="FormulaValues"/>.</summary>
    bool IsFormula => false;

    /// <summary>Whether nobody but the node's saved value has a handle on the first input: its memory goes back with the graph, and not with a garbage collection.</summary>
    bool OwnsInput0 => false;

    /// <summary><see cref="Saves"/> less the inputs that no derivative reads, given which of the first two inputs want a gradient; says of the output the same.</summary>
    Saves InputsFor(bool first, bool second) => Saves;

    /// <summary>
    /// The vector-Jacobian product: for each input that <paramref name="needs"/> names, its gradient as a formula of tensors, which may have
    /// the output's shape (the engine sums it to the input's); null stands for zero.
    /// </summary>
    void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs);
}

/// <summary>Makes the name of an operation's nodes once.</summary>
internal static class NodeNames
{
    private static readonly ConcurrentDictionary<string, string>[] s_names = [new(), new()];

    /// <summary><c>SumBackward1</c> for <c>Sum</c> and 1, which PyTorch appends to tell an operation's overloads apart.</summary>
    public static string Of(string operation, int overload = 0) =>
        s_names[overload].GetOrAdd(operation, static (name, overload) => $"{name}Backward{overload}", overload);
}

/// <summary>The node of a built-in operation.</summary>
internal sealed class OperationNode : Node
{
    private const int OutputSlot = 3;

    private static readonly string[] s_names = ["input0", "input1", "input2", "output"];

    private readonly IDifferentiable _operation;
    private readonly Shape _shape;

    // Bytes: the two fit what the base class leaves of a word.
    private readonly byte _dtype;
    private byte _saves;
    private SavedTensor _input0;
    private SavedTensor _input1;
    private SavedTensor _input2;
    private SavedTensor _output;
    private bool _handsOutputOn;
    private bool _isInput0Seen;

    public OperationNode(IDifferentiable operation, Edge[] edges, Shape shape, DType dtype)
        : base(operation.NodeName, edges)
    {
        _operation = operation;
        _shape = shape;
        _dtype = (byte)dtype;
    }

    /// <summary>Whether this is a node of that call of an operation.</summary>
    public bool Runs(IDifferentiable operation) => ReferenceEquals(_operation, operation);

    public void SaveInputs(Tensor input0, Tensor? input1, Tensor? input2)
    {
        var saves = _operation.InputsFor(Edges[0].Function is not null, Edges.Length > 1 && Edges[1].Function is not null);
        _saves = (byte)saves;
        if ((saves & Saves.Input0) != 0)
        {
            _input0 = SavedTensor.Input(input0, Name);
        }

        if ((saves & Saves.Input1) != 0)
        {
            _input1 = SavedTensor.Input(input1!, Name);
        }

        if ((saves & Saves.Input2) != 0)
        {
            _input2 = SavedTensor.Input(input2!, Name);
        }
    }

    /// <summary>Called behind <see cref="SaveInputs"/>.</summary>
    public void SaveOutput(Tensor output)
    {
        if (((Saves)_saves & Saves.Output) != 0)
        {
            _output = SavedTensor.Output(output, Name);
        }
    }

    public override IReadOnlyList<NodeSavedTensor> SavedTensors
    {
        get
        {
            var saves = _operation.Saves;
            var result = new List<NodeSavedTensor>();
            for (int slot = 0; slot < s_names.Length; slot++)
            {
                if (((int)saves >> slot & 1) != 0)
                {
                    result.Add(new NodeSavedTensor(this, slot, s_names[slot]));
                }
            }

            return result;
        }
    }

    public Tensor Unpack(int slot) => Slot(slot).Unpack(this, slot == OutputSlot ? 0 : SavedTensor.IsInput);

    internal override Tensor? InspectSaved(int slot)
    {
        var value = Unpack(slot);
        Slot(slot).Packed?.Forget();
        _isInput0Seen |= slot == 0;

        // The node lets go of its own handle on the output when the graph is freed.
        return slot == OutputSlot && _output.IsHandle(value) ? value.WithoutHistory() : value;
    }

    internal override (Shape Shape, DType DType)? DescribeSaved(int slot) => Slot(slot).Describe();

    internal override void HookSaved(int slot, SavedTensorHook hook)
    {
        ref var saved = ref Slot(slot);
        saved = saved.WithHook(this, slot == OutputSlot ? 0 : SavedTensor.IsInput, hook);
    }

    internal override bool ForgetsGradients => !_operation.IsProgram;

    internal override (Shape Shape, DType DType) OutputOf(int outputNumber) => (_shape, (DType)_dtype);

    internal override void Backward(ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (outputGradients[0] is { } gradient)
        {
            Differentiate(gradient, inputGradients, needs);
            if (!_output.IsEmpty)
            {
                foreach (var made in inputGradients)
                {
                    _handsOutputOn |= _output.IsHandle(made);
                }
            }

            if (SavedTensorHooks.WereUsed)
            {
                ForEachPacked(static packed => packed.Forget());
            }
        }
    }

    private void Differentiate(Tensor gradient, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (!_operation.IsFormula || (SavedTensorHooks.WereUsed && HasPacked()) || FormulaValues.Begin(gradient) is not { } values)
        {
            _operation.Vjp(gradient, new SavedValues(this), inputGradients, needs);
            return;
        }

        try
        {
            _operation.Vjp(gradient, new SavedValues(this), inputGradients, needs);
        }
        catch
        {
            values.Abandon();
            throw;
        }

        values.End(inputGradients);
    }

    internal override void ReleaseSaved()
    {
        if (SavedTensorHooks.WereUsed)
        {
            ForEachPacked(static packed => packed.Release());
        }

        if (!_operation.IsProgram && !_handsOutputOn)
        {
            _output.Release();
        }

        if (_operation.OwnsInput0 && !_isInput0Seen && !GradMode.IsEnabled)
        {
            _input0.Release();
        }

        _input0 = _input1 = _input2 = _output = default;
    }

    private ref SavedTensor Slot(int slot)
    {
        switch (slot)
        {
            case 0:
                return ref _input0;
            case 1:
                return ref _input1;
            case 2:
                return ref _input2;
            default:
                return ref _output;
        }
    }

    private bool HasPacked() => (_input0.Packed ?? _input1.Packed ?? _input2.Packed ?? _output.Packed) is not null;

    private void ForEachPacked(Action<PackedTensor> action)
    {
        for (int slot = 0; slot <= OutputSlot; slot++)
        {
            if (Slot(slot).Packed is { } packed)
            {
                action(packed);
            }
        }
    }
}
