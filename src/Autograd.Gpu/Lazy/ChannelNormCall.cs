using System.Numerics;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// The gradients of a normalised batch [N, C, positions], contiguous float32 or float64, from that of the result and the means and variances of the forward pass:
/// of input, weight and bias, where there is a place for each.
/// </summary>
/// <param name="input">What was normalised.</param>
/// <param name="gradient">The gradient of the result.</param>
/// <param name="mean">A number for each channel, of each sample unless samples count together.</param>
/// <param name="variance">The biased variances.</param>
/// <param name="weight">A number for each channel; null for 1.</param>
/// <param name="result">The gradient of the input, or null.</param>
/// <param name="weightResult">The gradient of the weight, or null.</param>
/// <param name="biasResult">The gradient of the bias, or null.</param>
/// <param name="together">How many channels of a sample have one mean; 0 where a channel of all samples has one.</param>
/// <param name="epsilon">What was added to the variance.</param>
internal readonly unsafe struct ChannelNormCall(
    BufferExpression input, BufferExpression gradient, BufferExpression mean, BufferExpression variance, BufferExpression? weight, BufferExpression? result,
    BufferExpression? weightResult, BufferExpression? biasResult, long together, double epsilon) : IKernelCall
{
    /// <summary>With fewer, only samples that count together are taken.</summary>
    public const long LeastPositions = ColumnPlan.LeastPlane;

    public string Name => "Norm gradients";

    public long Bytes => KernelBytes.Of(input) + KernelBytes.Of(gradient) + (result is null ? 0 : KernelBytes.Of(result));

    public void OnHost()
    {
        if (input.DType == DType.Float32)
        {
            Host<float>();
        }
        else
        {
            Host<double>();
        }
    }

    /// <exception cref="NotSupportedException">Always: the caller asks whether the device is the host.</exception>
    public void OnDevice(Device device) => throw new NotSupportedException($"[{Name}] is the host's form; {device} takes fused reductions.");

    private void Host<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long samples = input.Layout.Shape[0], channels = input.Layout.Shape[1], positions = input.Layout.Count / (samples * channels);
        bool isOfColumns = positions < LeastPositions;
        long bytes = isOfColumns
            ? HostColumnNorms.ScratchBytes<T>(new ColumnPlan((nint)samples, (nint)channels, (nint)positions))
            : HostChannelNorms.SumCount(samples, channels) * sizeof(double);
        var scratch = input.Block.Device.Allocate(bytes);
        var problem = new ChannelProblem<T>
        {
            Samples = (nint)samples,
            Channels = (nint)channels,
            Positions = (nint)positions,
            OverBatch = together == 0,
            Together = (nint)together,
            Epsilon = epsilon,
            Input = (T*)RowMemory.Pointer(input),
            Gradient = (T*)RowMemory.Pointer(gradient),
            Mean = (T*)RowMemory.Pointer(mean),
            Variance = (T*)RowMemory.Pointer(variance),
            Weight = (T*)RowMemory.Pointer(weight),
            Result = (T*)RowMemory.Pointer(result),
            WeightResult = (T*)RowMemory.Pointer(weightResult),
            BiasResult = (T*)RowMemory.Pointer(biasResult),
            Sums = isOfColumns ? null : (double*)scratch.Pointer,
        };
        if (isOfColumns)
        {
            HostColumnNorms.Gradients(problem, (byte*)scratch.Pointer);
        }
        else
        {
            HostChannelNorms.Gradients(problem);
        }

        scratch.Release();
        GC.KeepAlive(input);
        GC.KeepAlive(gradient);
        GC.KeepAlive(mean);
        GC.KeepAlive(variance);
        GC.KeepAlive(weight);
        GC.KeepAlive(result);
        GC.KeepAlive(weightResult);
        GC.KeepAlive(biasResult);
    }
}
