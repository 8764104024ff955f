namespace Autograd.Gpu.Tape;

/// <summary>A tensor that the backward pass needs, and the version that it had.</summary>
/// <remarks>
/// Note [Saved outputs]. A node that saves its own output must not hold the output's handle, for the handle holds the node: it saves
/// another handle on the same memory, without history, and gives that the node as its history again when the value is asked for.
/// </remarks>
internal readonly struct SavedTensor
{
    private readonly Tensor? _tensor;
    private readonly int _version;

    private SavedTensor(Tensor tensor)
    {
        _tensor = tensor;
        _version = tensor.Version;
    }

    public static SavedTensor Input(Tensor tensor) => new(tensor);

    public static SavedTensor Output(Tensor tensor) => new(tensor.Detach());

    /// <summary>The tensor, if it still holds what was saved.</summary>
    public Tensor Unpack(Node owner, bool isOutput)
    {
        if (_tensor is null)
        {
            throw new GradientException(
                $"{owner.Name}: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
                + "Saved intermediate values of the graph are freed when you call Backward() or Autodiff.Grad(). "
                + "Specify retainGraph: true if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.");
        }

        if (_tensor.Version != _version)
        {
            var maker = isOutput ? $"output 0 of {owner.Name}" : _tensor.GradFn is { } node ? $"output {_tensor.OutputNumber} of {node.Name}" : "a leaf";
            throw new GradientException(
                $"{owner.Name}: one of the variables needed for gradient computation has been modified by an inplace operation: "
                + $"[{_tensor.DType.Name()} {_tensor.Shape}], which is {maker}, is at version {_tensor.Version}; expected version {_version} instead. "
                + "Hint: use the out-of-place form of the operation that modified it, or modify a Clone().");
        }

        return isOutput && GradMode.IsEnabled ? _tensor.WithHistory(owner) : _tensor;
    }
}
