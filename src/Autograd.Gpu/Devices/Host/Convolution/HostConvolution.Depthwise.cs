using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>Convolutions of groups with one input channel each: too little arithmetic for a tile of products, so that memory is the bound.</summary>
internal static unsafe partial class HostConvolution
{
    /// <summary>Images and groups that are summed apart, at least: enough for the threads, whatever their number.</summary>
    private const int LeastGradientItems = 16;

    private const double ForkBytes = 64 * 1024;

    private static bool TryDepthwise<T>(in ConvolutionShape shape, bool isTransposed, T* source, T* weight, T* target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (ConvolutionPlans.Depthwise(shape, isTransposed, sizeof(T)) is not { } plan)
        {
            return false;
        }

        switch (WidthFor<T>(plan))
        {
            case HostVectorWidth.V512:
                RunDepthwise<T, Vector512<T>, HostVector512<T>>(plan, source, weight, target);
                break;
            case HostVectorWidth.V256:
                RunDepthwise<T, Vector256<T>, HostVector256<T>>(plan, source, weight, target);
                break;
            default:
                RunDepthwise<T, Vector128<T>, HostVector128<T>>(plan, source, weight, target);
                break;
        }

        return true;
    }

    private static bool TryDepthwiseWeightGradient<T>(in ConvolutionShape shape, T* input, T* gradient, T* weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (ConvolutionPlans.Depthwise(shape, isTransposed: false, sizeof(T)) is not { } plan)
        {
            return false;
        }

        switch (WidthFor<T>(plan))
        {
            case HostVectorWidth.V512:
                RunDepthwiseGradient<T, Vector512<T>, HostVector512<T>>(plan, input, gradient, weight);
                break;
            case HostVectorWidth.V256:
                RunDepthwiseGradient<T, Vector256<T>, HostVector256<T>>(plan, input, gradient, weight);
                break;
            default:
                RunDepthwiseGradient<T, Vector128<T>, HostVector128<T>>(plan, input, gradient, weight);
                break;
        }

        ExactWeightGradient<T>.Repair(shape, input, gradient, weight);
        return true;
    }

    /// <summary>The widest vectors of which a row has one.</summary>
    private static HostVectorWidth WidthFor<T>(DepthwisePlan plan)
        where T : unmanaged
    {
        int bytes = plan.NarrowestRow * sizeof(T);
        var widest = bytes >= 64 ? HostVectorWidth.V512 : bytes >= 32 ? HostVectorWidth.V256 : HostVectorWidth.V128;
        return widest < HostMatMul.Width ? widest : HostMatMul.Width;
    }

    private static void RunDepthwise<T, TVector, TOps>(DepthwisePlan plan, T* source, T* weight, T* target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        var shape = plan.Shape;
        int taps = shape.Taps, outputs = shape.OutputChannels, setOffsets = plan.SourceChannels * taps;
        nint weights = (nint)shape.Groups * outputs * taps;
        var sorted = (T*)NativeMemory.Alloc((nuint)weights * (nuint)sizeof(T) + (nuint)setOffsets * sizeof(int));
        try
        {
            var offsets = (int*)(sorted + weights);
            int* at = offsets;
            foreach (var set in plan.Sets)
            {
                at = WriteOffsets(plan.Band, plan.SourceChannels, set.Taps, at);
            }

            var to = sorted;
            for (int group = 0; group < shape.Groups; group++, weight += outputs * taps)
            {
                foreach (var set in plan.Sets)
                {
                    for (int o = 0; o < outputs; o++)
                    {
                        foreach (int tap in set.Taps)
                        {
                            *to++ = weight[o * taps + tap];
                        }
                    }
                }
            }

            var work = new DepthwiseWork<T, TVector, TOps> { Plan = plan, Source = source, Target = target, Weights = sorted, Offsets = offsets };
            long items = (long)shape.Batch * shape.Groups;
            double bytes = (shape.InputPlaces + outputs * shape.OutputPlaces) * (double)sizeof(T);
            work.GroupsPerChunk = bytes * items < ForkBytes
                ? items
                : (long)Math.Clamp(ForkBytes / bytes, 1, Math.Max(1, items / (4.0 * HostParallel.ThreadCount)));
            HostParallel.For(checked((int)((items + work.GroupsPerChunk - 1) / work.GroupsPerChunk)), ref work);
        }
        finally
        {
            NativeMemory.Free(sorted);
        }
    }

    private static void RunDepthwiseGradient<T, TVector, TOps>(DepthwisePlan plan, T* input, T* gradient, T* weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        var shape = plan.Shape;
        int slices = Math.Clamp((LeastGradientItems + shape.Groups - 1) / shape.Groups, 1, shape.Batch);
        nint elements = (nint)shape.Groups * shape.OutputChannels * shape.Taps;
        var others = (T*)NativeMemory.Alloc((nuint)((slices - 1) * elements + TOps.Lanes) * (nuint)sizeof(T) + (nuint)shape.Taps * sizeof(int));
        try
        {
            var tail = others + (slices - 1) * elements;
            int counted = shape.Width.Output % TOps.Lanes == 0 ? 0 : TOps.Lanes - shape.Width.Output % TOps.Lanes;
            for (int i = 0; i < TOps.Lanes; i++)
            {
                tail[i] = i < counted ? T.Zero : T.One;
            }

            var offsets = (int*)(tail + TOps.Lanes);
            WriteOffsets(plan.Band, 1, plan.Sets[0].Taps, offsets);
            var work = new DepthwiseGradientWork<T, TVector, TOps>
            {
                Plan = plan,
                Input = input,
                Gradient = gradient,
                Result = weight,
                Others = others,
                Offsets = offsets,
                Tail = tail,
                Slices = slices,
            };
            int chunks = checked(slices * shape.Groups);
            if ((shape.InputPlaces + shape.OutputChannels * shape.OutputPlaces) * (double)sizeof(T) * shape.Batch * shape.Groups < ForkBytes)
            {
                for (int i = 0; i < chunks; i++)
                {
                    work.Run(i);
                }
            }
            else
            {
                HostParallel.For(chunks, ref work);
            }

            AddSlices<T, TVector, TOps>(weight, others, slices, elements);
        }
        finally
        {
            NativeMemory.Free(others);
        }
    }
}
