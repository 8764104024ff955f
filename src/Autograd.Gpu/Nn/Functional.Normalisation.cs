using Autograd.Gpu.Operations;
using Autograd.Gpu.Optim;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>
    /// (x - mean) / sqrt(var + eps) * weight + bias for each channel of [N, C, ...] (Ioffe, Szegedy 2015). In training mean and biased variance are those of the
    /// batch, and the running ones move towards them: (1 - momentum) running + momentum new, the variance unbiased. Otherwise they are the running ones.
    /// </summary>
    /// <param name="input">The batch, of a floating-point type.</param>
    /// <param name="runningMean">The running mean, [C]; written in place in training. May be null in training.</param>
    /// <param name="runningVar">The running variance, [C]; as <paramref name="runningMean"/>.</param>
    /// <param name="weight">A factor for each channel, [C].</param>
    /// <param name="bias">A number for each channel, [C].</param>
    /// <param name="training">Whether to use the batch's mean and variance.</param>
    /// <param name="momentum">The weight of the new values in the running ones.</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <exception cref="ShapeException">A vector has not C elements, or in training a channel has one value only.</exception>
    /// <exception cref="ArgumentException">There are no running values outside of training.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    /// <exception cref="GradientException">Running values would differ between the samples of a <c>Vmap</c>.</exception>
    public static Tensor BatchNorm(
        Tensor input,
        Tensor? runningMean,
        Tensor? runningVar,
        Tensor? weight = null,
        Tensor? bias = null,
        bool training = false,
        double momentum = 0.1,
        double eps = 1e-5)
    {
        const string name = "BatchNorm";
        CheckChannels(name, input, runningMean, runningVar, weight, bias);
        if (!training)
        {
            return ByRunning(name, input, runningMean, runningVar, weight, bias, eps);
        }

        long channels = input.Shape[1];
        if (channels > 0 && input.NumElements / channels == 1)
        {
            throw new ShapeException($"{name}: Expected more than 1 value per channel when training, got input size {input.Shape}. Use a larger batch, or Eval().");
        }

        return Normalise(name, input, new NormalisedPart(input.Rank, OverBatch: true, Groups: 0), runningMean, runningVar, weight, bias, momentum, eps);
    }

    /// <summary>
    /// Batch normalisation of each sample by itself: mean and variance of each channel of each sample of [N, C, ...]. Without
    /// <paramref name="useInputStats"/> they are the running ones.
    /// </summary>
    /// <param name="input">The batch, of a floating-point type.</param>
    /// <param name="runningMean">A running mean over all samples, [C], which is written in place if the input's own statistics are used.</param>
    /// <param name="runningVar">The running variance, [C].</param>
    /// <param name="weight">A factor for each channel, [C].</param>
    /// <param name="bias">A number for each channel, [C].</param>
    /// <param name="useInputStats">Whether to use the mean and the variance of the input.</param>
    /// <param name="momentum">The weight of the new values in the running ones.</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <exception cref="ShapeException">A vector has not C elements, or there is one position only.</exception>
    /// <exception cref="ArgumentException">There are no running values, and the input's are not to be used.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor InstanceNorm(
        Tensor input,
        Tensor? runningMean = null,
        Tensor? runningVar = null,
        Tensor? weight = null,
        Tensor? bias = null,
        bool useInputStats = true,
        double momentum = 0.1,
        double eps = 1e-5)
    {
        const string name = "InstanceNorm";
        CheckChannels(name, input, runningMean, runningVar, weight, bias);
        if (!useInputStats)
        {
            return ByRunning(name, input, runningMean, runningVar, weight, bias, eps);
        }

        if (input.Rank < 3 || input.Shape.AsSpan()[2..].ToArray().Aggregate((a, b) => a * b) == 1)
        {
            throw new ShapeException($"{name}: Expected more than 1 spatial element when training, got input size {input.Shape}.");
        }

        return Normalise(name, input, new NormalisedPart(input.Rank, OverBatch: false, Groups: 0), runningMean, runningVar, weight, bias, momentum, eps);
    }

    /// <summary>Normalisation over groups of channels of each sample of [N, C, ...] (Wu, He 2018): mean and variance of C / numGroups channels together.</summary>
    /// <param name="input">The batch, of a floating-point type.</param>
    /// <param name="numGroups">How many groups the channels are divided into.</param>
    /// <param name="weight">A factor for each channel, [C].</param>
    /// <param name="bias">A number for each channel, [C].</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <exception cref="ShapeException">The groups do not divide the channels, a vector has not C elements, or a group has one value only.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor GroupNorm(Tensor input, int numGroups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
    {
        const string name = "GroupNorm";
        CheckChannels(name, input, null, null, weight, bias);
        if (numGroups <= 0 || input.Shape[1] % numGroups != 0)
        {
            throw new ShapeException(
                $"{name}: Expected number of channels in input to be divisible by num_groups, but got input of shape {input.Shape} and num_groups={numGroups}.");
        }

        if (input.NumElements > 0 && input.NumElements / input.Shape[0] == numGroups)
        {
            throw new ShapeException($"{name}: Expected more than 1 value per channel when training, got input size {input.Shape} in {numGroups} groups.");
        }

        return Normalise(name, input, new NormalisedPart(input.Rank, OverBatch: false, numGroups), null, null, weight, bias, 0, eps);
    }

    /// <summary>
    /// x / (k + alpha mean(x^2))^beta with the mean over <paramref name="size"/> neighbouring channels of [N, C, ...], zeros beyond the ends counting
    /// (Krizhevsky et al. 2012).
    /// </summary>
    /// <exception cref="ShapeException">There are fewer than 3 dimensions, or the size is not positive.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor LocalResponseNorm(Tensor input, int size, double alpha = 1e-4, double beta = 0.75, double k = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckFloating("LocalResponseNorm", input);
        if (input.Rank < 3)
        {
            throw new ShapeException($"LocalResponseNorm: Expected 3D or higher dimensionality input (got {input.Rank}D input, shape {input.Shape}).");
        }

        if (size <= 0)
        {
            throw new ShapeException($"LocalResponseNorm: size must be positive, but got {size}.");
        }

        var x = input.To(input.DType.ComputeType());
        long channels = input.Shape[1], positions = Positions(input);
        var neighbours = Band.Generate(checked((int)channels), channels, c =>
        {
            long first = Math.Max(0, c - size / 2), end = Math.Min(channels, c - size / 2 + size);
            var weights = new double[end - first];
            Array.Fill(weights, 1.0 / size);
            return (first, weights);
        });
        var squares = (x * x).Reshape(input.Shape[0], channels, positions);
        var means = Structural.Apply(new BandProduct("AvgPool2D", new BandSet(neighbours, Band.Identity(checked((int)positions)))), squares);
        return (x / (means.Reshape(input.Shape) * alpha + k).Pow(beta)).To(input.DType);
    }

    /// <summary>x / max(|x|_p, eps) with the norm over one dimension.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Normalize(Tensor input, double p = 2, int dim = 1, double eps = 1e-12)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckFloating("Normalize", input);
        var x = input.To(input.DType.ComputeType());
        return (x / x.Norm(p, [dim], keepDim: true).Clamp(min: eps)).To(input.DType);
    }

    private static Tensor ByRunning(
        string name, Tensor input, Tensor? runningMean, Tensor? runningVar, Tensor? weight, Tensor? bias, double eps)
    {
        if (runningMean is null || runningVar is null)
        {
            throw new ArgumentException($"{name}: Expected running_mean and running_var to be defined when training=False. Give them, or normalise by the input.");
        }

        var dtype = input.DType.ComputeType();
        Tensor Aligned(Tensor vector) => vector.To(dtype).Reshape([input.Shape[1], .. Enumerable.Repeat(1L, input.Rank - 2)]);
        var scale = (runningVar.To(dtype) + eps).Rsqrt();
        var result = (input.To(dtype) - Aligned(runningMean)) * Aligned(weight is null ? scale : scale * weight.To(dtype));
        return (bias is null ? result : result + Aligned(bias)).To(input.DType);
    }

    private static Tensor Normalise(
        string name,
        Tensor input,
        NormalisedPart part,
        Tensor? runningMean,
        Tensor? runningVar,
        Tensor? weight,
        Tensor? bias,
        double momentum,
        double eps)
    {
        var dtype = input.DType.ComputeType();
        Shape affine = weight is null && bias is null ? default : NormalisedPart.Affine(input.Shape[1], input.Rank);
        var scale = weight?.Reshape(affine) ?? Tensor.Wrap(1, input.Device, dtype);
        var shift = bias?.Reshape(affine) ?? Tensor.Wrap(0, input.Device, dtype);
        if (input.NumElements == 0)
        {
            // There are no statistics of nothing, and nothing to normalise; gradients of weight and bias are zeros.
            return input * scale.To(input.DType) + shift.To(input.DType);
        }

        Statistics? statistics = null;
        if (input.Wrapper is null || runningMean is not null || runningVar is not null)
        {
            using var mode = GradMode.Set(false);
            statistics = part.Measure(Unmapped(name, input).To(dtype));
            double count = part.Count(input);
            Update(runningMean, statistics.Mean, momentum);
            Update(runningVar, statistics.Variance, momentum, count / (count - 1));
        }

        return Structural.Apply(new Normalised(name, part, eps, input.Wrapper is null ? statistics : null), [input, scale, shift]);
    }

    /// <summary>Moves a running value of each channel towards a new one, the mean over samples if there is one for each.</summary>
    private static void Update(Tensor? running, Tensor value, double momentum, double factor = 1)
    {
        if (running is not null)
        {
            var mean = value.Shape[0] == 1 ? value : value.Mean([0]);
            if (running.Wrapper is null && running.Layout.IsWhole(running.Storage.Count) && mean.IsContiguous)
            {
                // At once: pending values would gather from step to step, and hold what each has measured.
                running.Materialize();
                mean.Materialize();
                if (running.TryUpdate(Decayed.Instance, running, 1 - momentum))
                {
                    if (!running.TryUpdate(AddScaled.Instance, mean, momentum * factor))
                    {
                        running.Add_(mean.Reshape(running.Shape) * (momentum * factor));
                    }

                    return;
                }
            }

            running.Mul_(1 - momentum).Add_((mean.Reshape(running.Shape) * (momentum * factor)).To(running.DType));
        }
    }

    /// <summary>The value itself of a tensor inside function transforms.</summary>
    private static Tensor Unmapped(string name, Tensor x)
    {
        while (x.Wrapper is { } wrapper)
        {
            x = wrapper is not BatchWrapper ? wrapper.Inner : throw new GradientException(
                $"{name}: vmap: running statistics are shared by all samples and cannot be updated in place with statistics that differ between them. "
                + "Make the layer with trackRunningStats: false, or call Eval() first.");
        }

        return x;
    }

    private static long Positions(Tensor input)
    {
        long positions = 1;
        foreach (long size in input.Shape.AsSpan()[2..])
        {
            positions *= size;
        }

        return positions;
    }

    private static void CheckChannels(string name, Tensor input, Tensor? runningMean, Tensor? runningVar, Tensor? weight, Tensor? bias)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckFloating(name, input);
        if (input.Rank < 2)
        {
            throw new ShapeException($"{name}: Expected at least 2 dimensions for input tensor but received {input.Rank} (shape {input.Shape}): a batch and channels.");
        }

        long channels = input.Shape[1];
        Check("running_mean", runningMean);
        Check("running_var", runningVar);
        Check("weight", weight);
        Check("bias", bias);

        void Check(string what, Tensor? vector)
        {
            if (vector is null)
            {
                return;
            }

            if (vector.Device != input.Device)
            {
                throw new DeviceMismatchException(
                    $"{name}: Expected all tensors to be on the same device, but found at least two devices, {input.Device} and {vector.Device}. Move {what} with To(device).");
            }

            if (vector.Rank != 1 || vector.NumElements != channels)
            {
                throw new ShapeException(what.StartsWith("running", StringComparison.Ordinal)
                    ? $"{name}: {what} should contain {channels} elements not {vector.NumElements}: its shape is {vector.Shape}, that of the input {input.Shape}."
                    : $"{name}: Expected {what} to be a vector of size equal to the number of channels in input, but got {what} of shape {vector.Shape} and input of shape {input.Shape}.");
            }
        }
    }
}
