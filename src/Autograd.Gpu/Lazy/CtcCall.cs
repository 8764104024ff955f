using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Recurrent;

namespace Autograd.Gpu.Lazy;

/// <summary>The contiguous buffers of <see cref="CtcArguments"/>; the last three for the gradient only.</summary>
internal sealed record CtcBuffers(
    BufferExpression Emissions,
    BufferExpression Skips,
    BufferExpression Lengths,
    BufferExpression Alpha,
    BufferExpression Losses,
    BufferExpression? Next = null,
    BufferExpression? Gradient = null,
    BufferExpression? Result = null);

/// <summary>The recursion of connectionist temporal classification forward to the losses, or back to the gradients of the emissions.</summary>
internal readonly unsafe struct CtcCall(CtcBuffers buffers, long time, long batch, long states) : IKernelCall
{
    public string Name => buffers.Result is null ? "Ctc" : "Ctc back";

    public long Bytes => KernelBytes.Of(buffers.Emissions) + KernelBytes.Of(buffers.Alpha) + (buffers.Result is { } result ? KernelBytes.Of(result) : 0);

    public void OnHost()
    {
        HostCtc.Run(
            new HostCtcBatch
            {
                Emissions = (double*)buffers.Emissions.Block.Pointer,
                Skips = (double*)buffers.Skips.Block.Pointer,
                Lengths = (long*)buffers.Lengths.Block.Pointer,
                Alpha = (double*)buffers.Alpha.Block.Pointer,
                Losses = (double*)buffers.Losses.Block.Pointer,
                Next = buffers.Next is { } next ? (double*)next.Block.Pointer : null,
                Gradient = buffers.Gradient is { } gradient ? (double*)gradient.Block.Pointer : null,
                Result = buffers.Result is { } result ? (double*)result.Block.Pointer : null,
                Time = time,
                Batch = batch,
                States = states,
            });
        GC.KeepAlive(buffers);
    }

    public void OnDevice(Device device)
    {
        var losses = buffers.Losses.Block.View.Cast<double>();
        var arguments = new CtcArguments
        {
            Emissions = buffers.Emissions.Block.View.Cast<double>(),
            Skips = buffers.Skips.Block.View.Cast<double>(),
            Lengths = buffers.Lengths.Block.View.Cast<long>(),
            Alpha = buffers.Alpha.Block.View.Cast<double>(),
            Losses = losses,
            Next = buffers.Next is { } next ? next.Block.View.Cast<double>() : losses,
            Gradient = buffers.Gradient is { } gradient ? gradient.Block.View.Cast<double>() : losses,
            Result = buffers.Result is { } result ? result.Block.View.Cast<double>() : losses,
            Time = time,
            Batch = batch,
            States = states,
        };
        for (long t = 0; t < time; t++)
        {
            if (buffers.Result is null)
            {
                arguments.Step = t;
                KernelLauncher.Launch(device, Name, CtcKernels.Forward, batch * states, arguments);
            }
            else
            {
                arguments.Step = time - 1 - t;
                KernelLauncher.Launch(device, Name, CtcKernels.Back, batch * states, arguments);
            }
        }

        if (buffers.Result is null)
        {
            KernelLauncher.Launch(device, Name, CtcKernels.Loss, batch, arguments);
        }

        GC.KeepAlive(buffers);
    }
}
