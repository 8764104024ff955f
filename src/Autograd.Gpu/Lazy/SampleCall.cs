using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Sampling;
using Autograd.Gpu.Lazy.Host;

namespace Autograd.Gpu.Lazy;

/// <summary>What is computed for each element by a loop of its own.</summary>
internal enum SampleKind
{
    /// <summary>A gamma variate of a shape, not less than a number.</summary>
    Gamma,

    /// <summary>The derivative of a gamma variate with respect to its shape.</summary>
    GammaDerivative,

    /// <summary>A Poisson variate of a rate.</summary>
    Poisson,

    /// <summary>A binomial variate of a number of trials and a probability.</summary>
    Binomial,
}

/// <summary>The random sequences of the elements of a draw: from a counter on, in blocks of elements that share them in turns of a period.</summary>
internal readonly record struct SampleSequences(ulong Seed, ulong Offset, long Block, long Period);

/// <summary>result[i] = sample(first[i], second[i] or a constant) of contiguous doubles.</summary>
internal readonly unsafe struct SampleCall(
    SampleKind kind, BufferExpression first, BufferExpression? second, double constant, BufferExpression result, SampleSequences sequences) : IKernelCall
{
    public string Name => $"Sample {kind}";

    public long Bytes => KernelBytes.Of(first) + (second is null ? 0 : KernelBytes.Of(second)) + KernelBytes.Of(result);

    public void OnHost() => Dispatch(null);

    public void OnDevice(Device device) => Dispatch(device);

    private void Dispatch(Device? device)
    {
        switch (kind)
        {
            case SampleKind.Gamma:
                Run<GammaSampler>(device);
                break;
            case SampleKind.GammaDerivative:
                Run<GammaDerivative>(device);
                break;
            case SampleKind.Poisson:
                Run<PoissonSampler>(device);
                break;
            default:
                Run<BinomialSampler>(device);
                break;
        }

        GC.KeepAlive(first);
        GC.KeepAlive(second);
        GC.KeepAlive(result);
    }

    private void Run<TSampler>(Device? device) where TSampler : struct, ISampler
    {
        var (left, right) = (new LineOperand(first, default), new LineOperand(second ?? first, default));
        if (device is null)
        {
            HostSampling.Run<TSampler>((double*)left.Pointer, second is null ? null : (double*)right.Pointer, constant, (double*)result.Block.Pointer, result.Layout.Count, sequences);
            return;
        }

        KernelLauncher.Launch(device, Name, SampleKernels.Sample<TSampler>, result.Layout.Count, new SampleArguments
        {
            First = left.View.Cast<double>(),
            Second = right.View.Cast<double>(),
            Result = result.Block.View.Cast<double>(),
            Seed = sequences.Seed,
            Offset = sequences.Offset,
            Block = sequences.Block,
            Period = sequences.Period,
            HasSecond = second is null ? 0 : 1,
            Constant = constant,
        });
    }
}
