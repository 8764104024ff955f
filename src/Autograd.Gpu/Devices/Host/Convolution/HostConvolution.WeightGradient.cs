using System.Numerics;
using System.Runtime.InteropServices;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Gradients of weights: outer products over many output channels, dot products over few.</summary>
internal static unsafe partial class HostConvolution
{
    private static void RunWeightGradient<T, TVector, TOps>(in ConvolutionShape shape, T* input, T* gradient, T* weight, bool hasManyRegisters)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        if (OuterGradientPlan.Fits(shape, TOps.Lanes))
        {
            int tallest = hasManyRegisters ? 12 : 6;
            if (shape.IsPointwise)
            {
                RunPointwiseGradient<T, TVector, TOps>(shape, input, gradient, weight, tallest);
            }
            else
            {
                RunOuterGradient<T, TVector, TOps>(shape, input, gradient, weight, tallest, isSwapped: false);
            }

            return;
        }

        RunDotGradient<T, TVector, TOps>(shape, input, gradient, weight, hasManyRegisters ? 4 : 2);
        ExactWeightGradient<T>.Repair(shape, input, gradient, weight);
    }

    /// <summary>One tap: places lie in one line, and input and gradient may change their parts, so that the one with fewer channels is turned.</summary>
    private static void RunPointwiseGradient<T, TVector, TOps>(in ConvolutionShape shape, T* input, T* gradient, T* weight, int tallest)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        int places = checked((int)shape.OutputPlaces);
        var line = shape with { Depth = ConvolutionAxis.Single, Height = ConvolutionAxis.Single, Width = ConvolutionAxis.Single with { Input = places, Output = places } };
        var swapped = line with { InputChannels = shape.OutputChannels, OutputChannels = shape.InputChannels };
        if (shape.Groups == 1 && shape.InputChannels < shape.OutputChannels && OuterGradientPlan.Fits(swapped, TOps.Lanes))
        {
            RunOuterGradient<T, TVector, TOps>(swapped, gradient, input, weight, tallest, isSwapped: true);
            return;
        }

        RunOuterGradient<T, TVector, TOps>(line, input, gradient, weight, tallest, isSwapped: false);
    }

    private static void RunOuterGradient<T, TVector, TOps>(in ConvolutionShape shape, T* input, T* gradient, T* weight, int tallest, bool isSwapped)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        var plan = ConvolutionPlans.Outer(shape, sizeof(T), TOps.Lanes);
        nint elements = (nint)shape.Groups * shape.OutputChannels * shape.InputChannels * shape.Taps;
        var offsets = (int*)NativeMemory.Alloc((nuint)(plan.InputBlock * shape.Taps * sizeof(int)));
        var others = plan.Slices > 1 ? (T*)NativeMemory.AlignedAlloc((nuint)((plan.Slices - 1) * elements * sizeof(T)), 64) : null;
        try
        {
            WriteOffsets(plan.Band, plan.InputBlock, plan.AllTaps, offsets);
            var work = new OuterGradientWork<T, TVector, TOps>
            {
                Plan = plan,
                Input = input,
                Gradient = gradient,
                Result = weight,
                Others = others,
                Offsets = offsets,
                Tallest = tallest,
                IsSwapped = isSwapped,
            };
            RunChunks(plan.Chunks, shape.Products / TOps.Lanes, ref work);
            AddSlices<T, TVector, TOps>(weight, others, plan.Slices, elements);
        }
        finally
        {
            NativeMemory.AlignedFree(others);
            NativeMemory.Free(offsets);
        }
    }

    private static void RunChunks<TWork>(int chunks, double multiplyAdds, ref TWork work)
        where TWork : struct, IHostWork
    {
        if (multiplyAdds >= ForkMultiplyAdds)
        {
            HostParallel.For(chunks, ref work);
            return;
        }

        for (int i = 0; i < chunks; i++)
        {
            work.Run(i);
        }
    }

    private static void RunDotGradient<T, TVector, TOps>(in ConvolutionShape shape, T* input, T* gradient, T* weight, int mostRows)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        var plan = ConvolutionPlans.Dots(shape, sizeof(T), TOps.Lanes);
        int block = Math.Min(plan.InputBlock, shape.InputChannels);
        var offsets = (int*)NativeMemory.Alloc((nuint)(block * shape.Taps * sizeof(int)));
        nint elements = (nint)plan.Elements;
        var others = plan.Slices > 1 ? (T*)NativeMemory.AlignedAlloc((nuint)((plan.Slices - 1) * elements * sizeof(T)), 64) : null;
        try
        {
            WriteOffsets(plan.Band, block, plan.AllTaps, offsets);
            var work = new WeightGradientWork<T, TVector, TOps>
            {
                Plan = plan,
                Input = input,
                Gradient = gradient,
                Result = weight,
                Others = others,
                Offsets = offsets,
                MostRows = mostRows,
            };
            int chunks = checked(plan.Slices * plan.InputBlocks * plan.OutputBlocks * shape.Groups);
            RunChunks(chunks, shape.Products / TOps.Lanes, ref work);
            AddSlices<T, TVector, TOps>(weight, others, plan.Slices, elements);
        }
        finally
        {
            NativeMemory.AlignedFree(others);
            NativeMemory.Free(offsets);
        }
    }
}
