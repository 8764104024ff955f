using System.Collections.Concurrent;
using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Convolution;
using ILGPU;
using ILGPU.Runtime;

namespace Autograd.Gpu.Devices.Kernels;

/// <summary>Launches <see cref="ConvolutionKernels"/>. Kernels are compiled once for an accelerator and live as long as it does.</summary>
internal static class ConvolutionLauncher
{
    private const int MaxGroups = 1 << 20;
    private const long LeastSplit = 256;
    private const long PartialBytes = 64 << 20;

    private static readonly ConditionalWeakTable<Accelerator, ConcurrentDictionary<MethodInfo, Delegate>> s_loaded = [];

    private delegate void Kernel<T>(
        AcceleratorStream stream, KernelConfig config, ArrayView<T> a, ArrayView<T> b, ArrayView<T> c, ConvolutionProduct x)
        where T : unmanaged;

    /// <summary>Enqueues the output of an input and a weight.</summary>
    public static void Forward<T>(Device device, string name, in ConvolutionShape shape, ArrayView<byte> input, ArrayView<byte> weight, ArrayView<byte> output)
        where T : unmanaged, INumberBase<T>
    {
        long places = shape.OutputPlaces;
        var x = new ConvolutionProduct
        {
            Shape = shape,
            M = shape.OutputChannels,
            N = shape.Batch * places,
            K = (long)shape.InputChannels * shape.Taps,
            GroupStride = shape.OutputChannels * places,
            RowStride = places,
            Run = places,
            RunStride = (long)shape.Groups * shape.OutputChannels * places,
        };
        Launch<T, WeightByOutput, InputByPlace>(device, name, weight, input, output, x, 1);
    }

    /// <summary>Enqueues the gradient of the input.</summary>
    public static void InputGradient<T>(
        Device device, string name, in ConvolutionShape shape, ArrayView<byte> gradient, ArrayView<byte> weight, ArrayView<byte> input)
        where T : unmanaged, INumberBase<T>
    {
        long places = shape.InputPlaces;
        var x = new ConvolutionProduct
        {
            Shape = shape,
            M = shape.InputChannels,
            N = shape.Batch * places,
            K = (long)shape.OutputChannels * shape.Taps,
            GroupStride = shape.InputChannels * places,
            RowStride = places,
            Run = places,
            RunStride = (long)shape.Groups * shape.InputChannels * places,
        };
        Launch<T, WeightByInput, OutputByPlace>(device, name, weight, gradient, input, x, 1);
    }

    /// <summary>Enqueues the gradient of the weight: long sums for few elements, so that they are cut up.</summary>
    public static void WeightGradient<T>(
        Device device, string name, in ConvolutionShape shape, ArrayView<byte> input, ArrayView<byte> gradient, ArrayView<byte> weight)
        where T : unmanaged, INumberBase<T>
    {
        long columns = (long)shape.InputChannels * shape.Taps;
        var x = new ConvolutionProduct
        {
            Shape = shape,
            M = shape.OutputChannels,
            N = columns,
            K = shape.Batch * shape.OutputPlaces,
            GroupStride = shape.OutputChannels * columns,
            RowStride = columns,
            Run = Math.Max(1, columns),
        };
        long elements = shape.Groups * shape.OutputChannels * columns, bytes = elements * Unsafe.SizeOf<T>();
        long tiles = shape.Groups * ((x.M + 63) / 64) * ((x.N + 63) / 64);

        // The number of parts depends on the sizes alone, and so does the result.
        int splits = (int)Math.Clamp(Math.Min(512 / Math.Max(1, tiles), Math.Min(x.K / LeastSplit, PartialBytes / Math.Max(1, bytes))), 1, 512);
        if (splits == 1)
        {
            Launch<T, OutputByChannel, InputByTap>(device, name, gradient, input, weight, x, 1);
            return;
        }

        x.SplitStride = elements;
        var parts = device.Allocate(splits * bytes);
        Launch<T, OutputByChannel, InputByTap>(device, name, gradient, input, parts.View, x, splits);
        var sum = new SplitSum<T> { Parts = parts.View.Cast<T>(), Result = weight.Cast<T>(), Splits = splits, Elements = elements };
        KernelLauncher.Launch(device, name, ConvolutionKernels.AddSplits, elements, sum);

        // What is on the stream comes before whatever the memory is used for next.
        parts.Release();
    }

    private static void Launch<T, TLeft, TRight>(
        Device device, string name, ArrayView<byte> a, ArrayView<byte> b, ArrayView<byte> c, ConvolutionProduct x, int splits)
        where T : unmanaged, INumberBase<T>
        where TLeft : struct, IConvolutionSide
        where TRight : struct, IConvolutionSide
    {
        if (x.M == 0 || x.N == 0 || x.Shape.Groups == 0)
        {
            return;
        }

        x.Splits = splits;
        x.SplitLength = (x.K + splits - 1) / splits;
        var accelerator = device.Accelerator;
        bool isWide = accelerator.MaxNumThreadsPerGroup >= Side16.Value * Side16.Value;
        int side = isWide ? Side16.Value : Side4.Value;
        long tiles = (x.M + 4 * side - 1) / (4 * side) * ((x.N + 4 * side - 1) / (4 * side)) * x.Shape.Groups * splits;
        Action<ArrayView<T>, ArrayView<T>, ArrayView<T>, ConvolutionProduct> kernel = isWide
            ? ConvolutionKernels.Product<T, Side16, TLeft, TRight>
            : ConvolutionKernels.Product<T, Side4, TLeft, TRight>;
        var loaded = s_loaded.GetValue(accelerator, static _ => []);
        if (!loaded.TryGetValue(kernel.Method, out var launcher))
        {
            launcher = loaded.GetOrAdd(kernel.Method, Load(device, name, kernel));
        }

        var config = new KernelConfig(new Index3D((int)Math.Min(tiles, MaxGroups), 1, 1), new Index3D(side, side, 1));
        ((Kernel<T>)launcher)(device.Stream, config, a.Cast<T>(), b.Cast<T>(), c.Cast<T>(), x);
    }

    private static Kernel<T> Load<T>(Device device, string name, Action<ArrayView<T>, ArrayView<T>, ArrayView<T>, ConvolutionProduct> kernel)
        where T : unmanaged
    {
        KernelLauncher.ReportLoading(kernel);
        try
        {
            return device.Accelerator.LoadKernel(kernel).Invoke;
        }
        catch (Exception e) when (e is not (AutogradException or OutOfMemoryException))
        {
            throw new KernelCompilationException(device, name, e);
        }
    }
}
