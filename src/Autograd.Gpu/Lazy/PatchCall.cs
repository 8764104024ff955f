using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Lazy;

/// <summary>The patches of images, or images summed from patches, of contiguous float32 or float64 elements.</summary>
internal readonly unsafe struct PatchCall(bool folds, ConvolutionShape shape, BufferExpression images, BufferExpression patches) : IKernelCall
{
    public string Name => folds ? "Fold" : "Unfold";

    public long Bytes => KernelBytes.Of(images) + KernelBytes.Of(patches);

    public void OnHost()
    {
        if (images.DType == DType.Float32)
        {
            HostPatches.Run(shape, folds, Pointer<float>(images), Pointer<float>(patches));
        }
        else
        {
            HostPatches.Run(shape, folds, Pointer<double>(images), Pointer<double>(patches));
        }

        KeepAlive();
    }

    public void OnDevice(Device device)
    {
        if (images.DType == DType.Float32)
        {
            Launch<float>(device);
        }
        else
        {
            Launch<double>(device);
        }

        KeepAlive();
    }

    private void Launch<T>(Device device)
        where T : unmanaged, INumberBase<T>
    {
        var x = new PatchArguments<T> { Images = View<T>(images), Patches = View<T>(patches), Shape = shape };
        if (folds)
        {
            KernelLauncher.Launch(device, Name, PatchKernels.Fold, images.Layout.Count, x);
        }
        else
        {
            KernelLauncher.Launch(device, Name, PatchKernels.Unfold, patches.Layout.Count, x);
        }
    }

    private static T* Pointer<T>(BufferExpression buffer) where T : unmanaged => (T*)buffer.Block.Pointer + buffer.Layout.Offset;

    private static ILGPU.ArrayView<T> View<T>(BufferExpression buffer) where T : unmanaged =>
        buffer.Block.View.SubView(buffer.Layout.Offset * buffer.DType.Size()).Cast<T>();

    private void KeepAlive()
    {
        GC.KeepAlive(images);
        GC.KeepAlive(patches);
    }
}
