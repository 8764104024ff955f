using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>Where a tensor is not zero. The number of places is data, so this waits for the device.</summary>
internal static class NonZero
{
    /// <summary>The coordinates of the elements that are not zero, in row-major order: int64 [number, rank].</summary>
    public static unsafe Tensor Of(Tensor x)
    {
        using var mode = GradMode.Set(false);
        var mask = x.DType == DType.Bool ? x : x.Ne(0);
        var device = x.Device;
        using (device.Gate.Enter())
        {
            if (!device.IsHost)
            {
                return OnDevice(mask);
            }

            var buffer = mask.ContiguousBuffer();
            var bytes = (byte*)new LineOperand(buffer, default).Pointer;
            var before = device.Allocate(HostSearch.MaskParts(mask.NumElements) * sizeof(long));
            long count = HostSearch.CountNonZero(bytes, mask.NumElements, (long*)before.Pointer);
            var result = New(device, count, mask.Rank);
            if (count > 0 && mask.Rank > 0)
            {
                HostSearch.NonZero(bytes, mask.Shape.AsSpan(), (long*)before.Pointer, (long*)result.Block.Pointer);
            }

            before.Release();
            GC.KeepAlive(buffer);
            return Tensor.FromNewBuffer(device, result);
        }
    }

    /// <summary>The places of the true elements of a mask in row-major order: int64 [number].</summary>
    public static Tensor Places(Tensor mask) => Of(mask.Reshape(mask.NumElements)).Select(1, 0);

    private static Tensor OnDevice(Tensor mask)
    {
        var (device, shape) = (mask.Device, mask.Shape);
        var running = mask.Reshape(mask.NumElements).To(DType.Int64).CumSum(0);
        long count = mask.NumElements == 0 ? 0 : running[^1].Item<long>();
        var result = New(device, count, shape.Rank);
        if (count > 0 && shape.Rank > 0)
        {
            // The place of the n-th is where the running count reaches n.
            var places = running.SearchSorted(Tensor.Arange(1, count + 1, device: device));
            Executor.Of(device).Run(new CoordinatesCall(places.ContiguousBuffer(), result, shape), shape);
        }

        return Tensor.FromNewBuffer(device, result);
    }

    private static BufferExpression New(Device device, long count, int rank) =>
        new(device.Allocate(count * rank * sizeof(long)), DType.Int64, Layout.Contiguous(Shape.Own([count, rank])));
}
