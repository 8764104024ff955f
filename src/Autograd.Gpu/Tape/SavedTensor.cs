using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tape;

/// <summary>A tensor that the backward pass needs, and the version that it had; or what a hook made of the tensor.</summary>
/// <remarks>
/// Note [Saved outputs]. A node that saves its own output must not hold the output's handle, for the handle holds the node: it saves
/// another handle on the same memory, without history, and gives that the node as its history again when the value is asked for.
/// </remarks>
internal readonly struct SavedTensor
{
    /// <summary>In place of an output's number: the tensor is an input.</summary>
    public const int IsInput = -1;

    /// <summary>A <see cref="Tensor"/>, or a <see cref="PackedTensor"/> where hooks were in force; null where nothing is saved, or no longer.</summary>
    private readonly object? _value;
    private readonly int _version;
    private readonly bool _hadHistory;

    private SavedTensor(Tensor tensor, string node, bool hadHistory)
    {
        _value = tensor;
        _version = tensor.VersionToSave(node);
        _hadHistory = hadHistory;
    }

    private SavedTensor(PackedTensor packed) => _value = packed;

    public bool IsEmpty => _value is null;

    /// <summary>What a hook made of the tensor, if one was in force.</summary>
    public PackedTensor? Packed => _value as PackedTensor;

    /// <summary>Saves an input of a recorded operation. Here is the place to refuse tensors that were made in inference mode.</summary>
    public static SavedTensor Input(Tensor tensor, string node) => SavedTensorHooks.Current is { } hook
        ? new SavedTensor(PackedTensor.Pack(tensor, tensor.GradientEdge(), hook))
        : new SavedTensor(tensor, node, tensor.GradFn is not null);

    /// <summary>Saves an output of the node that owns this.</summary>
    public static SavedTensor Output(Tensor tensor, string node) => SavedTensorHooks.Current is { } hook
        ? new SavedTensor(PackedTensor.Pack(tensor, default, hook))
        : new SavedTensor(tensor.Wrapper is DualWrapper dual ? dual.Over(dual.Value.WithoutHistory()) : tensor.WithoutHistory(), node, hadHistory: false);

    /// <summary>
    /// Lets go of an output or input of which the node has a handle of its own; not of what a hook made of it. Once the program's are gone too, the memory comes back at once.
    /// </summary>
    public void Release() => (_value as Tensor)?.Dispose();

    /// <summary>Whether this is the very handle that is saved.</summary>
    public bool IsHandle(Tensor? tensor) => tensor is not null && ReferenceEquals(_value, tensor);

    /// <summary>What is saved, without asking a hook for it; null if nothing is, or no longer.</summary>
    public (Shape Shape, DType DType)? Describe() => _value switch
    {
        Tensor tensor => (tensor.Shape, tensor.DType),
        PackedTensor packed => packed.Describe(),
        _ => null,
    };

    /// <summary>The tensor, if it still holds what was saved, with the history that it had.</summary>
    public Tensor Unpack(Node owner, int outputNumber = IsInput) => Unpack(owner.Name, owner, outputNumber);

    /// <summary>The same for an input that something else than a node saved.</summary>
    public Tensor Unpack(string owner) => Unpack(owner, null, IsInput);

    /// <summary>The same tensor, from now on in the form that a hook gives it.</summary>
    public SavedTensor WithHook(Node owner, int outputNumber, SavedTensorHook hook)
    {
        if (_value is null)
        {
            throw new GradientException(
                $"{owner.Name}: Calling RegisterHooks on a saved tensor after it has been freed. Saved intermediate values of the graph are freed when you call "
                + "Backward() or Autodiff.Grad(). Specify retainGraph: true if you need to backward through the graph a second time or if you need to access "
                + "saved tensors after calling backward.");
        }

        if (_value is PackedTensor)
        {
            throw new GradientException(
                $"{owner.Name}: Calling RegisterHooks on a saved tensor whose hooks have already been set. Hint: only one pair of hooks is allowed at a time.");
        }

        var tensor = Checked(owner.Name, owner, outputNumber, (Tensor)_value);
        return new SavedTensor(PackedTensor.Pack(tensor, outputNumber == IsInput ? tensor.GradientEdge() : default, hook));
    }

    private Tensor Unpack(string name, Node? owner, int outputNumber)
    {
        if (_value is Tensor tensor)
        {
            Checked(name, owner, outputNumber, tensor);
            bool isRecorded = outputNumber != IsInput && GradMode.IsEnabled;
            if (tensor.Wrapper is DualWrapper dual)
            {
                return isRecorded ? dual.Over(dual.Value.WithHistory(owner!, outputNumber)) : Level.WithoutClosed(tensor);
            }

            return isRecorded ? tensor.WithHistory(owner!, outputNumber) : tensor;
        }

        return (_value as PackedTensor ?? throw Freed(name)).Unpack(name, outputNumber == IsInput ? default : new Edge(owner, outputNumber));
    }

    public static GradientException Freed(string name) => new(
        $"{name}: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
        + "Saved intermediate values of the graph are freed when you call Backward() or Autodiff.Grad(). "
        + "Specify retainGraph: true if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.");

    private Tensor Checked(string name, Node? owner, int outputNumber, Tensor tensor)
    {
        if (_hadHistory && tensor.GradFn is null)
        {
            throw new GradientException(
                $"{name}: Trying to use a saved tensor that has been detached in-place, i.e. with Detach_(), .detach_() in PyTorch. "
                + $"This is not supported, please use out-of-place `Detach()` instead. (The tensor has shape {tensor.Shape}.)");
        }

        return tensor.Version == _version ? tensor : throw Modified(name, owner, outputNumber, tensor);
    }

    private GradientException Modified(string name, Node? owner, int outputNumber, Tensor tensor)
    {
        var maker = outputNumber != IsInput ? $"output {outputNumber} of {name}"
            : tensor.GradFn is { } node ? $"output {tensor.OutputNumber} of {node.Name}"
            : "a leaf";
        return new GradientException(
            $"{name}: one of the variables needed for gradient computation has been modified by an inplace operation: "
            + $"[{tensor.DType.Name()} {tensor.Shape}], which is {maker}, is at version {tensor.Version}; expected version {_version} instead. "
            + "Hint: use the out-of-place form of the operation that modified it, or modify a Clone(). "
            + Anomaly.ExplainModification(owner, tensor.Versions, _version));
    }
}
