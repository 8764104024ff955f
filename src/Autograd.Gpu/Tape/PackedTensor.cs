using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tape;

/// <summary>A saved tensor in the form that a hook gave it, with what is needed to make a tensor with the same history of what comes back.</summary>
internal sealed class PackedTensor
{
    private readonly SavedTensorHook _hook;
    private readonly Edge _edge;
    private readonly Shape _shape;
    private readonly DType _dtype;
    private readonly Device _device;

    /// <summary>The tensor's tangent, which no hook sees.</summary>
    private readonly DualWrapper? _dual;
    private object? _packed;
    private bool _isReleased;

    /// <summary>The formula of a derivative may read a saved value several times; it is unpacked once for all of them.</summary>
    private Tensor? _unpacked;

    private PackedTensor(Tensor tensor, Edge edge, SavedTensorHook hook)
    {
        _hook = hook;
        _edge = edge;
        (_shape, _dtype, _device) = (tensor.Shape, tensor.DType, tensor.Device);
        _dual = tensor.Wrapper as DualWrapper;
    }

    /// <summary>Hands a tensor to a hook. <paramref name="edge"/> is its history; that of a node's own output is the node and is not kept.</summary>
    public static PackedTensor Pack(Tensor tensor, Edge edge, SavedTensorHook hook)
    {
        using var mode = GradMode.Set(false);
        SavedTensorHooks.NoteUse();
        int version = tensor.Version;
        var result = new PackedTensor(tensor, edge, hook) { _packed = hook.Pack(tensor.Detach()) };
        if (tensor.Version != version)
        {
            throw new GradientException(
                "SavedTensorHooks: A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not be modified by "
                + $"in-place operations as this can lead to unexpected side-effects (tensor of shape {tensor.Shape}). Pack a Clone() and modify that.");
        }

        return result;
    }

    /// <summary>What was packed; null if it has been let go of.</summary>
    public (Shape Shape, DType DType)? Describe() => _isReleased ? null : (_shape, _dtype);

    public Tensor Unpack(string owner, Edge ownOutput)
    {
        if (_unpacked is { } known)
        {
            return known;
        }

        if (_isReleased)
        {
            throw SavedTensor.Freed(owner);
        }

        Tensor? value;
        using (GradMode.Set(false))
        {
            value = _hook.Unpack(_packed);
        }

        if (value is null || value.Shape != _shape || value.DType != _dtype || value.Device != _device)
        {
            throw new GradientException(
                $"{owner}: Output of saved tensor unpack_hook expected to be a Tensor like the one that was packed ({_dtype.Name()} {_shape} on {_device}) but got "
                + (value is null ? "null." : $"{value.DType.Name()} {value.Shape} on {value.Device}.") + " Let unpack return what pack was given.");
        }

        value = value.WithEdge(ownOutput.Function is null ? _edge : ownOutput);
        return _unpacked = _dual?.Over(value) ?? value;
    }

    /// <summary>Lets go of the value that <see cref="Unpack"/> made; the packed form stays.</summary>
    public void Forget() => _unpacked = null;

    /// <summary>Lets go of everything.</summary>
    public void Release()
    {
        if (!_isReleased)
        {
            _isReleased = true;
            _hook.Release(_packed);
            _packed = _unpacked = null;
        }
    }
}
