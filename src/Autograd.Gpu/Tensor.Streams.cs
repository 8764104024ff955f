using Autograd.Gpu.Lazy;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>Float32 numbers from a random stream that was reserved before, so that a kernel and a formula can draw the same; not recorded.</summary>
    internal static Tensor FromStream(RandomKind kind, ulong seed, ulong offset, Shape shape, Device device)
    {
        using (device.Gate.Enter())
        {
            return FromExpression(device, Fuser.Cast(device, new RandomExpression(kind, seed, offset, DType.Float32, Layout.Contiguous(shape)), DType.Float32));
        }
    }
}
