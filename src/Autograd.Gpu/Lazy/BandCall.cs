using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Pooling;

namespace Autograd.Gpu.Lazy;

/// <summary>Band matrices along depth, height and width, applied to contiguous planes of float32 or float64; on the host with a plan for the columns, if there is one.</summary>
internal readonly unsafe struct BandCall(
    string name, BufferExpression input, BufferExpression output, BufferExpression bands, BufferExpression weights, BandColumns? columns, int[] inSizes, int[] outSizes)
    : IKernelCall
{
    public string Name => name;

    public long Bytes => KernelBytes.Of(input) + KernelBytes.Of(output);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        if (input.DType == DType.Float32)
        {
            Run<float>(device);
        }
        else
        {
            Run<double>(device);
        }

        GC.KeepAlive(input);
        GC.KeepAlive(output);
        GC.KeepAlive(bands);
        GC.KeepAlive(weights);
    }

    private void Run<T>(Device? device) where T : unmanaged, INumber<T>
    {
        var operand = new LineOperand(input, default);
        if (device is null)
        {
            var operands = new HostBandOperands<T>
            {
                Input = (T*)operand.Pointer,
                Output = (T*)output.Block.Pointer,
                Bands = (int*)bands.Block.Pointer,
                Weights = (T*)weights.Block.Pointer,
                Planes = output.Layout.Count / ((long)outSizes[0] * outSizes[1] * outSizes[2]),
                InDepth = inSizes[0],
                InHeight = inSizes[1],
                InWidth = inSizes[2],
                OutDepth = outSizes[0],
                OutHeight = outSizes[1],
                OutWidth = outSizes[2],
            };
            if (columns is not null && operands is HostBandOperands<float> floats)
            {
                HostBandRows.Apply(floats, columns);
            }
            else
            {
                HostBands.Apply(operands);
            }

            return;
        }

        var arguments = new BandArguments<T>
        {
            Input = operand.View.Cast<T>(),
            Output = output.Block.View.Cast<T>(),
            Bands = bands.Block.View.Cast<int>(),
            Weights = weights.Block.View.Cast<T>(),
            InDepth = inSizes[0],
            InHeight = inSizes[1],
            InWidth = inSizes[2],
            OutDepth = outSizes[0],
            OutHeight = outSizes[1],
            OutWidth = outSizes[2],
        };
        KernelLauncher.Launch(device, Name, BandKernels.Apply<T>, output.Layout.Count, arguments);
    }
}
