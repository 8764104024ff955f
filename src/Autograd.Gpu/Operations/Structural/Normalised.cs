using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// (x - mean) / sqrt(var + eps) * weight + bias for x of [N, C, ...], with means and (biased) variances over a part of it: batch, instance and group
/// normalisation. Weight and bias have a number for each channel, as [C, 1, ...], or are the numbers 1 and 0. Half types are computed in float32.
/// </summary>
/// <remarks>
/// The gradient needs two sums over the positions, of the gradient and of its product with the normalised values; all others are sums of these. Mean and
/// variance are kept from the forward pass; where the backward pass is differentiated in turn they are computed again, as functions of x.
/// </remarks>
internal sealed class Normalised(string name, NormalisedPart part, double eps, Statistics? kept) : StructuralOperation(name)
{
    public override string NodeName => Name switch
    {
        "BatchNorm" => "NativeBatchNormBackward0",
        "GroupNorm" => "NativeGroupNormBackward0",
        _ => $"Native{Name}Backward0",
    };

    public override Saves Saves => Saves.Inputs;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var dtype = inputs[0].DType;
        var x = inputs[0].CastIfNeeded(dtype.ComputeType());
        return Pending(x, inputs[1].CastIfNeeded(x.DType), inputs[2].CastIfNeeded(x.DType), kept ?? part.Measure(x)).CastIfNeeded(dtype);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var dtype = gradient.DType.ComputeType();
        var (x, weight) = (saved.Input0.To(dtype), saved.Input1.To(dtype));
        gradient = gradient.To(dtype);
        bool isConstant = kept is not null && !GradMode.IsEnabled && x.Wrapper is null && gradient.Wrapper is null;
        if (isConstant && weight.Wrapper is null && part.HasGradients(x))
        {
            (inputGradients[0], inputGradients[1], inputGradients[2]) = part.Gradients(x, gradient, kept!, weight, eps, needs);
            return;
        }

        var statistics = isConstant ? kept! : part.StatisticsOf(x);
        var scale = Scale(statistics);
        var normal = (x - statistics.Mean) * scale;
        var (sums, products) = (part.OverPositions(gradient), part.OverPositions(gradient * normal));
        if (needs[0])
        {
            double share = 1 / part.Count(x);
            var (mean, slope) = (part.Total(weight * sums * share), part.Total(weight * products * share));
            inputGradients[0] = scale * (weight * gradient - mean - normal * slope);
        }

        (inputGradients[1], inputGradients[2]) = (products, sums);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var dtype = output.DType.ComputeType();
        var x = inputs[0].To(dtype);
        var statistics = part.StatisticsOf(x);
        var scale = Scale(statistics);
        var normal = (x - statistics.Mean) * scale;
        Tensor? result = null;
        if (tangents[0]?.To(dtype) is { } t)
        {
            result = inputs[1].To(dtype) * scale * (t - part.Mean(t) - normal * part.Mean(t * normal));
        }

        if (tangents[1]?.To(dtype) is { } weight)
        {
            result = result is null ? weight * normal : result + weight * normal;
        }

        if (tangents[2]?.To(dtype) is { } bias)
        {
            result = result is null ? bias.Expand(output.Shape) : result + bias;
        }

        return result?.To(output.DType);
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        var dtype = inputs[0].DType;
        var x = inputs.Repeated(0).To(dtype.ComputeType());
        var (weight, bias) = (inputs.Aligned(1, part.Rank).To(x.DType), inputs.Aligned(2, part.Rank).To(x.DType));
        return Formula(x, weight, bias, part.StatisticsOf(x)).To(dtype);
    }

    /// <summary><see cref="Formula"/> as one value that waits, without tensors for its parts; not recorded.</summary>
    private Tensor Pending(Tensor x, Tensor weight, Tensor bias, Statistics statistics)
    {
        var (device, dtype, small) = (x.Device, x.DType, statistics.Variance.Layout);
        using (device.Gate.Enter())
        {
            Expression Apply<T>(Layout layout, Expression a, Expression? b = null) where T : PointwiseOperation, new() =>
                Fuser.Apply(device, Op<T>.Instance, dtype, layout, a, b);

            var scale = Apply<Rsqrt>(small, Apply<Add>(small, statistics.Variance.ReadInput(dtype, small), Tensor.Wrap(eps, device, dtype).ReadInput(dtype, small)));
            if (!NormalisedPart.IsNumber(weight))
            {
                scale = Apply<Mul>(small, scale, weight.ReadInput(dtype, small));
            }

            // In memory before it is broadcast; what is pending holds it then.
            using var scales = Tensor.FromExpression(device, scale);
            var layout = x.Layout.Compact;
            var distance = Apply<Sub>(layout, x.ReadInput(dtype, layout), statistics.Mean.ReadInput(dtype, layout));
            var result = Apply<Mul>(layout, distance, scales.ReadInput(dtype, layout));
            return Tensor.FromExpression(device, NormalisedPart.IsNumber(bias) ? result : Apply<Add>(layout, result, bias.ReadInput(dtype, layout)));
        }
    }

    private Tensor Formula(Tensor x, Tensor weight, Tensor bias, Statistics statistics)
    {
        var scale = Scale(statistics);
        var scaled = (x - statistics.Mean) * (NormalisedPart.IsNumber(weight) ? scale : scale * weight);
        return NormalisedPart.IsNumber(bias) ? scaled : scaled + bias;
    }

    private Tensor Scale(Statistics statistics) => (statistics.Variance + eps).Rsqrt();
}

/// <summary>Mean and biased variance, in a shape that broadcasts to that of the tensor.</summary>
internal sealed record Statistics(Tensor Mean, Tensor Variance);

/// <summary>
/// What one mean of a tensor [N, C, ...] is taken over: the batch and the positions, the positions alone, or the positions of a group of channels. Dimensions that
/// stand before these are those of maps over batches.
/// </summary>
/// <param name="Rank">The number of dimensions, without those of maps.</param>
/// <param name="OverBatch">Whether samples count together.</param>
/// <param name="Groups">Groups of channels; 0 where each channel counts by itself.</param>
internal sealed record NormalisedPart(int Rank, bool OverBatch, long Groups)
{
    /// <summary>Whether this weight is 1, or this bias 0, for there is none.</summary>
    public static bool IsNumber(Tensor vector) => vector.Rank == 0;

    /// <summary>The dimensions behind the channels.</summary>
    private int[] Positions => [.. Enumerable.Range(2 - Rank, Rank - 2)];

    /// <summary>By one kernel; not recorded.</summary>
    public Statistics Measure(Tensor x)
    {
        using var mode = GradMode.Set(false);
        var device = x.Device;
        using (device.Gate.Enter())
        {
            long positions = PositionsOf(x), channels = x.Shape[1];
            var layout = Layout.Contiguous(Affine(channels, Rank, OverBatch ? 1 : x.Shape[0]));
            var (mean, variance) = (Fuser.NewBuffer(device, x.DType, layout), Fuser.NewBuffer(device, x.DType, layout));
            long copies = Groups > 0 ? channels / Groups : 1;
            Executor.Of(device).Run(new MomentCall(x.ContiguousBuffer(), mean, variance, positions * copies, copies), x.Shape);
            return new Statistics(Tensor.FromNewBuffer(device, mean), Tensor.FromNewBuffer(device, variance));
        }
    }

    /// <summary>Whether <see cref="Gradients"/> takes it: on the host, with positions enough for vectors or samples that count together.</summary>
    public bool HasGradients(Tensor x) =>
        x.Device.IsHost && x.Rank == Rank && (OverBatch || PositionsOf(x) >= ChannelNormCall.LeastPositions);

    /// <summary>The gradients of input, weight and bias, those that are needed, by one kernel; not recorded.</summary>
    public (Tensor? Input, Tensor? Weight, Tensor? Bias) Gradients(
        Tensor x, Tensor gradient, Statistics statistics, Tensor weight, double eps, ReadOnlySpan<bool> needs)
    {
        var device = x.Device;
        using (device.Gate.Enter())
        {
            var affine = !IsNumber(weight) ? weight.Layout.Compact : needs[1] || needs[2] ? Layout.Contiguous(Affine(x.Shape[1], Rank)) : null;
            var input = needs[0] ? Fuser.NewBuffer(device, x.DType, x.Layout.Compact) : null;
            var weights = needs[1] ? Fuser.NewBuffer(device, x.DType, affine!) : null;
            var biases = needs[2] ? Fuser.NewBuffer(device, x.DType, affine!) : null;
            var call = new ChannelNormCall(
                x.ContiguousBuffer(), gradient.ContiguousBuffer(), statistics.Mean.ContiguousBuffer(), statistics.Variance.ContiguousBuffer(),
                IsNumber(weight) ? null : weight.ContiguousBuffer(), input, weights, biases, OverBatch ? 0 : Groups > 0 ? x.Shape[1] / Groups : 1, eps);
            Executor.Of(device).Run(call, x.Shape);
            return (Own(device, input), Own(device, weights), Own(device, biases));
        }

        static Tensor? Own(Device device, BufferExpression? buffer) => buffer is null ? null : Tensor.FromNewBuffer(device, buffer);
    }

    /// <summary>In two passes: the mean, then the squared distances from it. Recorded if the tensor is.</summary>
    public Statistics StatisticsOf(Tensor x)
    {
        var mean = Mean(x);
        var distance = x - mean;
        return new Statistics(mean, Mean(distance * distance));
    }

    /// <summary>How many elements one mean is of.</summary>
    public double Count(Tensor x)
    {
        double count = OverBatch ? x.Shape[-Rank] : Groups > 0 ? x.Shape[1 - Rank] / Groups : 1;
        return count * PositionsOf(x);
    }

    /// <summary>Means, in a shape that broadcasts to that of the tensor.</summary>
    public Tensor Mean(Tensor x) => Groups > 0
        ? OfChannels(x.Reshape([.. x.Shape.AsSpan()[..^(Rank - 1)], Groups, (long)Count(x)]).Mean(-1, keepDim: true), x.Shape)
        : x.Mean(OverBatch ? [-Rank, .. Positions] : Positions, keepDim: true);

    /// <summary>Sums over the positions, which stay with size 1.</summary>
    public Tensor OverPositions(Tensor x) => PositionsOf(x) == 1 ? x : x.Sum(Positions, keepDim: true);

    /// <summary>Sums of what <see cref="OverPositions"/> left, in a shape that broadcasts to that of the tensor.</summary>
    public Tensor Total(Tensor sums) => Groups > 0
        ? OfChannels(sums.Reshape([.. sums.Shape.AsSpan()[..^(Rank - 1)], Groups, sums.Shape[1 - Rank] / Groups]).Sum(-1, keepDim: true), sums.Shape)
        : OverBatch ? sums.Sum(-Rank, keepDim: true) : sums;

    /// <summary>A number for each group, [.., groups, 1], for each channel instead: [.., C, 1, ...].</summary>
    private Tensor OfChannels(Tensor groups, Shape shape)
    {
        long channels = shape[1 - Rank];
        var lead = shape.AsSpan()[..^(Rank - 1)];
        return groups.Expand([.. lead, Groups, channels / Groups]).Reshape([.. lead, channels, .. Enumerable.Repeat(1L, Rank - 2)]);
    }

    /// <summary>[first, channels, 1, ..] of so many dimensions, or without a first one.</summary>
    public static Shape Affine(long channels, int rank, long? first = null)
    {
        var sizes = new long[first is null ? rank - 1 : rank];
        Array.Fill(sizes, 1);
        sizes[0] = first ?? channels;
        sizes[rank == sizes.Length ? 1 : 0] = channels;
        return Shape.Own(sizes);
    }

    private long PositionsOf(Tensor x)
    {
        long positions = 1;
        foreach (long size in x.Shape.AsSpan()[^(Rank - 2)..])
        {
            positions *= size;
        }

        return positions;
    }
}
