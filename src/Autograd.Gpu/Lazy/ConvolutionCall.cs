using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Convolution;
using ILGPU;

namespace Autograd.Gpu.Lazy;

/// <summary>Which of a convolution's three tensors is computed from the other two.</summary>
internal enum ConvolutionKind
{
    /// <summary>The output, from input and weight.</summary>
    Output,

    /// <summary>The input's gradient, from the output's and the weight; also the transposed convolution.</summary>
    Input,

    /// <summary>The weight's gradient, from the input and the output's gradient.</summary>
    Weight,
}

/// <summary>A convolution, or one of its gradients, of contiguous float32 or float64 tensors.</summary>
internal readonly unsafe struct ConvolutionCall(
    ConvolutionKind kind, ConvolutionShape shape, BufferExpression first, BufferExpression second, BufferExpression result) : IKernelCall
{
    public string Name => kind switch
    {
        ConvolutionKind.Output => "Convolution",
        ConvolutionKind.Input => "Convolution input gradient",
        _ => "Convolution weight gradient",
    };

    public long Bytes => KernelBytes.Of(first) + KernelBytes.Of(second) + KernelBytes.Of(result);

    public void OnHost()
    {
        if (result.DType == DType.Float32)
        {
            OnHost<float>();
        }
        else
        {
            OnHost<double>();
        }

        KeepAlive();
    }

    public void OnDevice(Device device)
    {
        if (result.DType == DType.Float32)
        {
            OnDevice<float>(device);
        }
        else
        {
            OnDevice<double>(device);
        }

        KeepAlive();
    }

    private void OnHost<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* a = Pointer<T>(first), b = Pointer<T>(second), c = Pointer<T>(result);
        switch (kind)
        {
            case ConvolutionKind.Output:
                HostConvolution.Forward(shape, a, b, c);
                break;
            case ConvolutionKind.Input:
                HostConvolution.InputGradient(shape, a, b, c);
                break;
            default:
                HostConvolution.WeightGradient(shape, a, b, c);
                break;
        }
    }

    private void OnDevice<T>(Device device)
        where T : unmanaged, INumberBase<T>
    {
        var (a, b, c) = (View(first), View(second), View(result));
        switch (kind)
        {
            case ConvolutionKind.Output:
                ConvolutionLauncher.Forward<T>(device, Name, shape, a, b, c);
                break;
            case ConvolutionKind.Input:
                ConvolutionLauncher.InputGradient<T>(device, Name, shape, a, b, c);
                break;
            default:
                ConvolutionLauncher.WeightGradient<T>(device, Name, shape, a, b, c);
                break;
        }
    }

    private static T* Pointer<T>(BufferExpression buffer) where T : unmanaged => (T*)buffer.Block.Pointer + buffer.Layout.Offset;

    private static ArrayView<byte> View(BufferExpression buffer) => buffer.Block.View.SubView(buffer.Layout.Offset * buffer.DType.Size());

    private void KeepAlive()
    {
        GC.KeepAlive(first);
        GC.KeepAlive(second);
        GC.KeepAlive(result);
    }
}
