using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Pooling;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// Means and biased variances of contiguous float32 or float64 elements seen as [runs, results, run length]; each is written <paramref name="copies"/> times, side by side.
/// </summary>
internal readonly unsafe struct MomentCall(BufferExpression input, BufferExpression means, BufferExpression variances, long run, long copies = 1) : IKernelCall
{
    public string Name => "Moments";

    public long Bytes => KernelBytes.Of(input) + KernelBytes.Of(means) + KernelBytes.Of(variances);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        if (input.DType == DType.Float32)
        {
            Run<float, SingleWidth>(device);
        }
        else
        {
            Run<double, DoubleWidth>(device);
        }

        GC.KeepAlive(input);
        GC.KeepAlive(means);
        GC.KeepAlive(variances);
    }

    private void Run<T, TWidth>(Device? device)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TWidth : struct, IWidth<T>
    {
        long results = means.Layout.Count / copies, count = input.Layout.Count / results;
        var operand = new LineOperand(input, default);

        // On a device, enough threads to keep it busy, each with some elements.
        long parts = Math.Clamp(count / 16, 1, 1024);
        var sums = means.Block.Device.Allocate((device is null ? HostMoments.SumCount(results, run, count) : 2 * results * parts) * sizeof(double));
        if (device is null)
        {
            HostMoments.Run((T*)operand.Pointer, (double*)sums.Pointer, (T*)means.Block.Pointer, (T*)variances.Block.Pointer, results, run, count);
            Repeat((T*)means.Block.Pointer, results);
            Repeat((T*)variances.Block.Pointer, results);
        }
        else
        {
            var arguments = new MomentArguments<T>
            {
                Input = operand.View.Cast<T>(),
                Sums = sums.View.Cast<double>(),
                Means = means.Block.View.Cast<T>(),
                Variances = variances.Block.View.Cast<T>(),
                Results = results,
                Run = run,
                Count = count,
                Parts = parts,
                Copies = copies,
            };
            KernelLauncher.Launch(device, Name, MomentKernels.Sums<T, TWidth>, results * parts, arguments);
            KernelLauncher.Launch(device, Name, MomentKernels.Moments<T, TWidth>, results, arguments);
        }

        // What is on the stream comes before whatever the memory is used for next.
        sums.Release();
    }

    // From the last one on: its copies lie behind all that is still to be read.
    private void Repeat<T>(T* values, long count) where T : unmanaged
    {
        for (long i = count - 1; i >= 0 && copies > 1; i--)
        {
            new Span<T>(values + i * copies, checked((int)copies)).Fill(values[i]);
        }
    }
}
