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
                RunSum<T, Vector512<T>, HostVector512<T>>(shape, isTransposed, source, weight, target, 12);
                break;
            case HostVectorWidth.V256:
                RunSum<T, Vector256<T>, HostVector256<T>>(shape, isTransposed, source, weight, target, 6);
                break;
            default:
                RunSum<T, Vector128<T>, HostVector128<T>>(shape, isTransposed, source, weight, target, AdvSimd.Arm64.IsSupported ? 12 : 6);
                break;
        }
    }

    private static void RunSum<T, TVector, TOps>(in ConvolutionShape shape, bool isTransposed, T* source, T* weight, T* target, int tallest)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TOps : struct, IHostVector<T, TVector>
    {
        double multiplyAdds = shape.Products / TOps.Lanes;
        bool forks = multiplyAdds >= ForkMultiplyAdds;
        var plan = new ConvolutionPlan(shape, isTransposed, sizeof(T), tallest, forks ? HostParallel.ThreadCount : 1);
        nint weights = (nint)shape.Groups * shape.OutputChannels * shape.InputChannels * shape.Taps;
        var packed = (T*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, weights) * (nuint)sizeof(T), 64);
        int slice = Math.Max(1, plan.SliceChannels * shape.Taps);
        var offsets = (int*)NativeMemory.Alloc((nuint)((plan.Gathers ? 2 : 1) * slice * sizeof(int)));
        try
        {
            int* at = offsets;
            foreach (var set in plan.Sets)
            {
                at = WriteOffsets(plan.Band, plan.SliceChannels, set.Taps, at);
            }

            int* gathered = plan.Gathers ? at : null;
            for (int i = 0; plan.Gathers && i < slice; i++)
            {
                gathered[i] = i * 2 * TOps.Lanes;
            }

            var packing = new WeightPacking<T> { Plan = plan, Weight = weight, Packed = packed };
            int panels = (plan.PanelStarts.Length - 1) * shape.Groups;
            packing.PanelsPerChunk = forks && weights * sizeof(T) > 1 << 20 ? Math.Max(1, panels / (4 * HostParallel.ThreadCount)) : panels;
            HostParallel.For((panels + packing.PanelsPerChunk - 1) / packing.PanelsPerChunk, ref packing);

            var work = new ConvolutionWork<T, TVector, TOps> { Plan = plan, Source = source, Target = target, Weights = packed, Offsets = offsets, GatheredOffsets = gathered };
            work.ItemsPerChunk = forks ? (long)Math.Max(1, Math.Min(plan.Items * (ForkMultiplyAdds / 2) / multiplyAdds, plan.Items / (2.0 * HostParallel.ThreadCount))) : plan.Items;
            HostParallel.For(checked((int)((plan.Items + work.ItemsPerChunk - 1) / work.ItemsPerChunk)), ref work);
        }
        finally
        {
            NativeMemory.AlignedFree(packed);
            NativeMemory.Free(offsets);
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

    /// <summary>Brings the weights into the order in which the tiles read them: [set, group, slice][panel][channel, tap][row].</summary>
    private struct WeightPacking<T> : IHostWork
        where T : unmanaged
    {
        public ConvolutionPlan Plan;
        public T* Weight;
        public T* Packed;
        public int PanelsPerChunk;

        public readonly void Run(int chunk)
        {
            var plan = Plan;
            int panels = plan.PanelStarts.Length - 1, end = Math.Min((chunk + 1) * PanelsPerChunk, panels * plan.Shape.Groups);
            for (int i = chunk * PanelsPerChunk; i < end; i++)
            {
                for (int c = 0; c < plan.SourceChannels; c += plan.SliceChannels)
                {
                    foreach (var set in plan.Sets)
                    {
                        Pack(set, i / panels, i % panels, c, Math.Min(plan.SliceChannels, plan.SourceChannels - c));
                    }
                }
            }
        }

        private readonly void Pack(TapSet set, int group, int panel, int firstChannel, int channels)
        {
            var (plan, shape) = (Plan, Plan.Shape);
            int row = plan.PanelStarts[panel], rows = plan.PanelStarts[panel + 1] - row, taps = shape.Taps;
            nint output = (nint)shape.InputChannels * taps;
            var from = Weight + (nint)group * shape.OutputChannels * output;
            var to = Packed + plan.Weights(set, group, firstChannel) + (nint)row * channels * set.Taps.Length;
            if (!plan.IsTransposed)
            {
                MatMulPack.Panel(from + row * output + (nint)firstChannel * taps, output, 1, rows, rows, (nint)channels * taps, to);
                return;
            }

            for (int c = 0; c < channels; c++)
            {
                var lines = from + (firstChannel + c) * output + (nint)row * taps;
                if (set.Taps.Length == taps)
                {
                    MatMulPack.Panel(lines, taps, 1, rows, rows, taps, to);
                    to += (nint)rows * taps;
                    continue;
                }

                foreach (int tap in set.Taps)
                {
                    for (int i = 0; i < rows; i++)
                    {
                        *to++ = lines[(nint)i * taps + tap];
                    }
                }
            }
        }
    }
}
