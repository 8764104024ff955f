using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Convolutions on the host. None makes a matrix of patches: a band of the image is copied once, with its padding and with the places apart that the
/// stride tells apart, and each tap reads it at a distance of its own. No result depends on the number of threads.
/// </summary>
internal static unsafe partial class HostConvolution
{
    // See HostMatMul: waking a thread must be worth it.
    private const double ForkMultiplyAdds = 160e3;

    // Weights that are worth a chunk of their own.
    private const long SortedPerChunk = 64 * 1024;

    /// <summary>The output of an input and a weight.</summary>
    public static void Forward<T>(in ConvolutionShape shape, T* input, T* weight, T* output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (shape.IsPointwise && shape.Groups == 1)
        {
            long places = shape.OutputPlaces;
            HostMatMul.Multiply(
                shape.Batch, shape.OutputChannels, places, shape.InputChannels,
                weight, 0, shape.InputChannels, 1, input, shape.InputChannels * places, places, 1, output, shape.OutputChannels * places, places, T.One, accumulate: false);
            return;
        }

        if (!TryDepthwise(shape, isTransposed: false, input, weight, output))
        {
            Sum(shape, isTransposed: false, input, weight, output);
        }
    }

    /// <summary>The gradient of the input, from that of the output and the weight: the transposed convolution.</summary>
    public static void InputGradient<T>(in ConvolutionShape shape, T* gradient, T* weight, T* input)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (shape.IsPointwise && shape.Groups == 1)
        {
            long places = shape.OutputPlaces;
            HostMatMul.Multiply(
                shape.Batch, shape.InputChannels, places, shape.OutputChannels,
                weight, 0, 1, shape.InputChannels, gradient, shape.OutputChannels * places, places, 1, input, shape.InputChannels * places, places, T.One, accumulate: false);
            return;
        }

        if (!TryDepthwise(shape, isTransposed: true, gradient, weight, input))
        {
            Sum(shape, isTransposed: true, gradient, weight, input);
        }
    }

    /// <summary>The gradient of the weight, from the input and the gradient of the output.</summary>
    public static void WeightGradient<T>(in ConvolutionShape shape, T* input, T* gradient, T* weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (TryDepthwiseWeightGradient(shape, input, gradient, weight))
        {
            return;
        }

        switch (HostMatMul.Width)
        {
            case HostVectorWidth.V512:
                RunWeightGradient<T, Vector512<T>, HostVector512<T>>(shape, input, gradient, weight, hasManyRegisters: true);
                break;
            case HostVectorWidth.V256:
                RunWeightGradient<T, Vector256<T>, HostVector256<T>>(shape, input, gradient, weight, hasManyRegisters: false);
                break;
            default:
                RunWeightGradient<T, Vector128<T>, HostVector128<T>>(shape, input, gradient, weight, AdvSimd.Arm64.IsSupported);
                break;
        }
    }

    private static void Sum<T>(in ConvolutionShape shape, bool isTransposed, T* source, T* weight, T* target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        switch (HostMatMul.Width)
        {
            case HostVectorWidth.V512:
                RunSum<T, Vector512<T>, HostVector512<T>>(shape, isTransposed, source, weight, target, hasManyRegisters: true);
                break;
            case HostVectorWidth.V256:
                RunSum<T, Vector256<T>, HostVector256<T>>(shape, isTransposed, source, weight, target, hasManyRegisters: false);
                break;
            default:
                RunSum<T, Vector128<T>, HostVector128<T>>(shape, isTransposed, source, weight, target, AdvSimd.Arm64.IsSupported);
                break;
        }
    }

    private static void RunSum<T, TVector, TOps>(in ConvolutionShape shape, bool isTransposed, T* source, T* weight, T* target, bool hasManyRegisters)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        double multiplyAdds = shape.Products / TOps.Lanes;
        bool forks = multiplyAdds >= ForkMultiplyAdds;
        var plan = ConvolutionPlans.Sum(shape, isTransposed, sizeof(T), TOps.Lanes, hasManyRegisters, forks ? HostParallel.ThreadCount : 1);
        int slice = plan.SliceRows;
        var offsets = (int*)NativeMemory.Alloc((nuint)((2L * plan.SliceChannels * plan.SetTaps + (plan.Gathers ? 3L * slice : 0)) * sizeof(int)));
        nint weights = (nint)shape.Groups * shape.OutputChannels * shape.InputChannels * shape.Taps;
        var sorted = plan.SortsWeights ? (T*)NativeMemory.Alloc((nuint)weights, (nuint)sizeof(T)) : null;
        try
        {
            if (sorted != null)
            {
                var sorting = new WeightSorting<T> { Plan = plan, Weight = weight, Sorted = sorted };
                sorting.ChannelsPerChunk = Math.Max(1, (int)(SortedPerChunk / Math.Max(1, (long)shape.InputChannels * shape.Taps)));
                int channels = shape.Groups * shape.OutputChannels;
                HostParallel.For((channels + sorting.ChannelsPerChunk - 1) / sorting.ChannelsPerChunk, ref sorting);
                weight = sorted;
            }

            int* at = offsets;
            foreach (var set in plan.Sets)
            {
                at = WriteOffsets(plan.Band, plan.SliceChannels, set.Taps, at);
                for (int c = 0; c < plan.SliceChannels; c++)
                {
                    for (int tap = 0; tap < set.Taps.Length; tap++)
                    {
                        *at++ = checked((int)plan.WeightOffset(set, c, tap));
                    }
                }
            }

            for (int i = 0; plan.Gathers && i < 3 * slice; i++)
            {
                at[i] = i % slice * (i / slice + 1) * TOps.Lanes;
            }

            var work = new ConvolutionWork<T, TVector, TOps> { Plan = plan, Source = source, Target = target, Weights = weight, Offsets = offsets, GatheredOffsets = at };
            work.ItemsPerChunk = forks ? (long)Math.Max(1, Math.Min(plan.Items * (ForkMultiplyAdds / 2) / multiplyAdds, plan.Items / (2.0 * HostParallel.ThreadCount))) : plan.Items;
            HostParallel.For(checked((int)((plan.Items + work.ItemsPerChunk - 1) / work.ItemsPerChunk)), ref work);
        }
        finally
        {
            NativeMemory.Free(offsets);
            NativeMemory.Free(sorted);
        }
    }

    /// <summary>Adds the results of the other slices to the first one's, in order.</summary>
    private static void AddSlices<T, TVector, TOps>(T* first, T* others, int slices, nint elements)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        for (int s = 1; s < slices; s++, others += elements)
        {
            nint i = 0;
            for (; i + TOps.Lanes <= elements; i += TOps.Lanes)
            {
                TOps.Store(TOps.Add(TOps.Load(first + i), TOps.Load(others + i)), first + i);
            }

            for (; i < elements; i++)
            {
                first[i] += others[i];
            }
        }
    }

    /// <summary>Where in a band each channel's taps look; returns the place behind them.</summary>
    private static int* WriteOffsets(SourceBand band, int channels, int[] taps, int* at)
    {
        for (int c = 0; c < channels; c++)
        {
            foreach (int tap in taps)
            {
                *at++ = checked(c * band.Channel + band.TapOffsets[tap]);
            }
        }

        return at;
    }

    /// <summary>Brings weights into the order [set, group, channel, tap, row], for the taps of each set.</summary>
    private struct WeightSorting<T> : IHostWork
        where T : unmanaged
    {
        public ConvolutionPlan Plan;
        public T* Weight;
        public T* Sorted;
        public int ChannelsPerChunk;

        public readonly void Run(int chunk)
        {
            int rows = Plan.TargetChannels, taps = Plan.Shape.Taps, channels = Plan.Shape.Groups * Plan.SourceChannels;
            for (int c = chunk * ChannelsPerChunk, end = Math.Min(channels, c + ChannelsPerChunk); c < end; c++)
            {
                foreach (var set in Plan.Sets)
                {
                    var to = Sorted + Plan.Weights(set, 0, c);
                    foreach (int tap in set.Taps)
                    {
                        var from = Weight + (nint)c * rows * taps + tap;
                        for (int i = 0; i < rows; i++, from += taps)
                        {
                            *to++ = *from;
                        }
                    }
                }
            }
        }
    }
}
