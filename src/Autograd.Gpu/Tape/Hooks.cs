namespace Autograd.Gpu.Tape;

/// <summary>The program's own pair of functions.</summary>
internal sealed class UserHook<TPacked>(Func<Tensor, TPacked> pack, Func<TPacked, Tensor> unpack) : SavedTensorHook
{
    public override object? Pack(Tensor tensor) => pack(tensor);

    public override Tensor Unpack(object? packed) => unpack((TPacked)packed!);
}

/// <summary>Keeps tensors in the host's memory.</summary>
internal sealed class SaveOnCpuHook : SavedTensorHook
{
    public override object Pack(Tensor tensor) => new Moved(tensor.Device == Device.Cpu ? tensor.ShareStorage() : tensor.To(Device.Cpu), tensor.Device);

    public override Tensor Unpack(object? packed)
    {
        var moved = (Moved)packed!;
        return moved.OnHost.To(moved.Source);
    }

    private sealed record Moved(Tensor OnHost, Device Source);
}

/// <summary>Keeps the value apart from the tensor: they share memory until the tensor is written.</summary>
internal sealed class SharingHook : SavedTensorHook
{
    public override object Pack(Tensor tensor) => tensor.ShareStorage();

    public override Tensor Unpack(object? packed) => (Tensor)packed!;
}
