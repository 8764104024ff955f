using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Pooling;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// The largest element of each window of contiguous planes and its place, or back: the elements of the smaller planes added up at their places.
/// </summary>
/// <param name="windows">Where windows lie.</param>
/// <param name="table">The windows, or for the way back the windows that reach each position.</param>
/// <param name="input">The larger planes.</param>
/// <param name="output">The smaller planes; null if only places are wanted.</param>
/// <param name="places">The places; null if only values are wanted.</param>
/// <param name="spreads">Whether to go back.</param>
internal readonly unsafe struct MaxPoolCall(
    PoolWindows windows, BufferExpression table, BufferExpression input, BufferExpression? output, BufferExpression? places, bool spreads) : IKernelCall
{
    public string Name => spreads ? "MaxPool Spread" : "MaxPool";

    public long Bytes => KernelBytes.Of(input) + (output is null ? 0 : KernelBytes.Of(output)) + (places is null ? 0 : KernelBytes.Of(places));

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        switch (input.DType)
        {
            case DType.Float32:
                Run<float>(device);
                break;
            case DType.Float64:
                Run<double>(device);
                break;
            case DType.Int32:
                Run<int>(device);
                break;
            case DType.Int64:
                Run<long>(device);
                break;
            default:
                throw new DTypeException($"{Name}: not implemented for {input.DType.Name()}. Convert with To(DType.Float32).");
        }

        GC.KeepAlive(table);
        GC.KeepAlive(input);
        GC.KeepAlive(output);
        GC.KeepAlive(places);
    }

    private void Run<T>(Device? device) where T : unmanaged, INumber<T>
    {
        var (large, small) = (windows.Input, windows.Output);
        var operand = new LineOperand(input, default);
        var result = output is null ? (LineOperand?)null : new LineOperand(output, default);
        var at = places is null ? (LineOperand?)null : new LineOperand(places, default);
        if (device is null)
        {
            var start = (int*)table.Block.Pointer;
            var planes = new HostPlanes
            {
                Planes = windows.PlanesOf(input.Shape),
                InDepth = large[0],
                InHeight = large[1],
                InWidth = large[2],
                OutDepth = small[0],
                OutHeight = small[1],
                OutWidth = small[2],
                StepDepth = windows.Steps[0],
                StepHeight = windows.Steps[1],
                StepWidth = windows.Steps[2],
                Depths = start,
                Heights = start + 2 * small[0],
                Widths = start + 2 * (small[0] + small[1]),
            };
            var values = (T*)(result?.Pointer ?? 0);
            var indices = (long*)(at?.Pointer ?? 0);
            if (spreads)
            {
                HostMaxPool.Spread((T*)operand.Pointer, values, indices, planes);
            }
            else
            {
                HostMaxPool.Max((T*)operand.Pointer, values, indices, planes);
            }

            return;
        }

        var arguments = new MaxPoolArguments<T>
        {
            Input = operand.View.Cast<T>(),
            Output = (result ?? operand).View.Cast<T>(),
            Places = (at ?? operand).View.Cast<long>(),
            Windows = table.Block.View.Cast<int>(),
            InDepth = large[0],
            InHeight = large[1],
            InWidth = large[2],
            OutDepth = small[0],
            OutHeight = small[1],
            OutWidth = small[2],
            StepDepth = windows.Steps[0],
            StepHeight = windows.Steps[1],
            StepWidth = windows.Steps[2],
            WantsValues = output is null ? 0 : 1,
            WantsPlaces = places is null ? 0 : 1,
        };
        if (spreads)
        {
            KernelLauncher.Launch(device, Name, MaxPoolKernels.Spread<T>, input.Shape.NumElements, arguments);
        }
        else
        {
            KernelLauncher.Launch(device, Name, MaxPoolKernels.Max<T>, (output ?? places)!.Shape.NumElements, arguments);
        }
    }
}
