using System.Runtime.CompilerServices;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

// Samples of distributions whose parameters are tensors.
public sealed partial class Tensor
{
    /// <summary>1 with the probability that each element is, else 0, of this dtype. The gradient is zero.</summary>
    /// <exception cref="ArgumentException">An element is no probability (checked on the host).</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public Tensor Bernoulli(Generator? generator = null)
    {
        CheckProbabilities("Bernoulli", this);
        return DrawnFrom("Bernoulli", () => (Rand(Shape, DType.Float64, Device, generator: generator) < this).To(DType), this);
    }

    /// <summary>1 with probability <paramref name="p"/>, else 0, in this tensor's shape, dtype and device.</summary>
    /// <exception cref="ArgumentException">p is no probability.</exception>
    public Tensor Bernoulli(double p, Generator? generator = null) => EmptyLike(this).Bernoulli_(p, generator);

    /// <summary>Normal numbers, each with the mean and the standard deviation at its place; these broadcast. The gradients are zero.</summary>
    /// <exception cref="ArgumentException">A standard deviation is negative (checked on the host).</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors are on different devices.</exception>
    public static Tensor Normal(Tensor mean, Tensor std, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(std);
        ArgumentNullException.ThrowIfNull(mean);
        CheckFloats("Normal", mean, std);
        if (Least(std) is < 0 and var least)
        {
            throw new ArgumentException($"Normal: normal expects all elements of std >= 0.0, but found {least}.", nameof(std));
        }

        var dtype = Promotion.ResultType(mean, std);
        var shape = Shape.Broadcast(mean.Shape, std.Shape, "Normal");
        return DrawnFrom("Normal", () => (Randn(shape, dtype.ComputeType(), mean.Device, generator: generator) * std + mean).To(dtype), mean, std);
    }

    /// <summary>The same with one standard deviation.</summary>
    /// <inheritdoc cref="Normal(Tensor, Tensor, Generator?)"/>
    public static Tensor Normal(Tensor mean, double std = 1, Generator? generator = null) => Normal(NotNull(mean), Wrap(std, mean.Device), generator);

    /// <summary>The same with one mean.</summary>
    /// <inheritdoc cref="Normal(Tensor, Tensor, Generator?)"/>
    public static Tensor Normal(double mean, Tensor std, Generator? generator = null) => Normal(Wrap(mean, NotNull(std).Device), std, generator);

    /// <summary>Normal numbers of one mean and standard deviation.</summary>
    /// <exception cref="ArgumentException">std is negative.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Normal(
        double mean, double std, Shape shape, DType dtype = DType.Float32, Device? device = null, Generator? generator = null) =>
        Empty(shape, dtype, device).Normal_(mean, std, generator);

    /// <summary>Poisson numbers, each of the rate at its place, as this dtype. The gradient is zero.</summary>
    /// <exception cref="ArgumentException">A rate is negative (checked on the host).</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Poisson(Tensor rate, Generator? generator = null)
    {
        CheckFloats("Poisson", rate);
        return Least(rate) is < 0 and var least
            ? throw new ArgumentException($"Poisson: invalid Poisson rate, expected rate to be non-negative, but found {least}.", nameof(rate))
            : Sampled.Draw("Poisson", SampleKind.Poisson, generator, rate);
    }

    /// <summary>How often something of a probability happens in so many trials, for each pair of elements; these broadcast. The gradients are zero.</summary>
    /// <param name="count">Numbers of trials, floating-point.</param>
    /// <param name="prob">Probabilities of the same dtype; below 0 and above 1 taken as these.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The tensors are on different devices.</exception>
    public static Tensor Binomial(Tensor count, Tensor prob, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(prob);
        CheckFloats("Binomial", count, prob);
        if (count.DType != prob.DType)
        {
            throw new DTypeException($"Binomial: binomial expects count and prob of the same dtype, but got {count.DType.Name()} and {prob.DType.Name()}. Convert one with To.");
        }

        var shape = Shape.Broadcast(count.Shape, prob.Shape, "Binomial");
        return Sampled.Draw("Binomial", SampleKind.Binomial, generator, count.Expand(shape), prob.Expand(shape));
    }

    /// <summary>
    /// Gamma variates of scale 1, each of the shape at its place. The derivative is the implicit one, -(dF / da) / pdf with F the distribution function (M. Figurnov and
    /// others, 2018); there is no second one, as in PyTorch.
    /// </summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor StandardGamma(Tensor concentration, Generator? generator = null)
    {
        CheckFloats("StandardGamma", concentration);
        return Sampled.Draw("StandardGamma", SampleKind.Gamma, generator, concentration);
    }

    /// <summary>Points of the simplex along the last dimension: gamma variates divided by their sum, which is where the derivative comes from.</summary>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">The tensor has no dimension.</exception>
    public static Tensor Dirichlet(Tensor concentration, Generator? generator = null)
    {
        CheckFloats("Dirichlet", concentration);
        if (concentration.Rank == 0)
        {
            throw new ShapeException("Dirichlet: concentration parameter must be at least one-dimensional, but got a 0-d tensor. Use Reshape(1).");
        }

        // In double, so that variates of small shapes do not all become the least number there is.
        var gamma = StandardGamma(concentration.To(DType.Float64), generator);
        return (gamma / gamma.Sum(-1, keepDim: true)).To(concentration.DType);
    }

    /// <summary>Category numbers, drawn with the probabilities that the elements of a row are in proportion to.</summary>
    /// <param name="numSamples">How many for each row.</param>
    /// <param name="replacement">Whether a number may come more than once. Without, they come in the order of drawing.</param>
    /// <param name="generator">Where the random numbers come from; by default the device's generator.</param>
    /// <returns>int64, [samples] or [rows, samples].</returns>
    /// <exception cref="ShapeException">The tensor has not one or two dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ArgumentException">
    /// Too many samples are asked for, or (checked on the host) an element is negative, infinite or nan, or a row has too few that are not zero.
    /// </exception>
    public Tensor Multinomial(long numSamples, bool replacement = false, Generator? generator = null)
    {
        CheckCategories(numSamples, replacement);
        using var mode = GradMode.Set(false);
        var shape = Shape.Own([.. Shape.AsSpan()[..^1], numSamples]);
        var weights = Detach().To(DType.Float64);
        if (replacement)
        {
            var ends = weights.CumSum(-1);
            var places = Rand(shape, DType.Float64, Device, generator: generator) * ends.Narrow(-1, Shape[-1] - 1, 1);
            return ends.SearchSorted(places, right: true).Clamp(0, Shape[-1] - 1);
        }

        // The category that the first of exponential clocks with these rates names, then the second, and so on.
        var waits = -(-Rand(Shape, DType.Float64, Device, generator: generator)).Log1p() / weights;
        return Where(weights > 0, waits, double.PositiveInfinity).ArgSort(-1).Narrow(-1, 0, numSamples).Contiguous();
    }

    /// <summary>Random numbers that were drawn by other tensors, recorded so that those get a gradient of zero.</summary>
    private static Tensor DrawnFrom(string name, Func<Tensor> draw, params ReadOnlySpan<Tensor> sources)
    {
        Tensor values;
        using (GradMode.Set(false))
        {
            values = draw();
        }

        return Structural.Apply(new DrawnBy(name), [values, .. sources]);
    }

    private void CheckCategories(long numSamples, bool replacement)
    {
        if (Rank is 0 or > 2)
        {
            throw new ShapeException($"Multinomial: prob_dist must be 1 or 2 dim, but got shape {Shape}.");
        }

        CheckFloats("Multinomial", this);
        if (numSamples <= 0)
        {
            throw new ArgumentException($"Multinomial: cannot sample n_sample <= 0 samples, but got {numSamples}.", nameof(numSamples));
        }

        if (!replacement && numSamples > Shape[-1])
        {
            throw new ArgumentException(
                $"Multinomial: cannot sample n_sample > prob_dist.size(-1) samples without replacement, but got {numSamples} of {Shape[-1]} categories.", nameof(numSamples));
        }

        if (!Device.HasHostMemory || NumElements == 0 || Wrapper is not null)
        {
            return;
        }

        using var mode = GradMode.Set(false);
        var (least, greatest) = (Amin().Item<double>(), Amax().Item<double>());
        if (!(least >= 0 && greatest < double.PositiveInfinity))
        {
            throw new ArgumentException($"Multinomial: probability tensor contains either `inf`, `nan` or element < 0: elements lie in [{least}, {greatest}].");
        }

        long fewest = (this > 0).CountNonZero([-1]).Amin().Item<long>();
        if (fewest == 0)
        {
            throw new ArgumentException("Multinomial: invalid multinomial distribution (sum of probabilities <= 0).");
        }

        if (!replacement && fewest < numSamples)
        {
            throw new ArgumentException(
                $"Multinomial: invalid multinomial distribution (with replacement=False, not enough non-negative category to sample): {numSamples} samples of {fewest} categories that are not zero.");
        }
    }

    private static void CheckProbabilities(string name, Tensor p)
    {
        CheckFloats(name, p);
        if (!p.Device.HasHostMemory || p.NumElements == 0 || p.Wrapper is not null)
        {
            return;
        }

        using var mode = GradMode.Set(false);
        var (least, greatest) = (p.Amin().Item<double>(), p.Amax().Item<double>());
        if (!(least >= 0 && greatest <= 1))
        {
            throw new ArgumentException($"{name}: Expected p_in >= 0 && p_in <= 1 to be true, but got elements in [{least}, {greatest}].");
        }
    }

    /// <summary>The least element where the host can read it, else null.</summary>
    private static double? Least(Tensor x)
    {
        using var mode = GradMode.Set(false);
        return x.Device.HasHostMemory && x.NumElements > 0 && x.Wrapper is null ? x.Amin().Item<double>() : null;
    }

    private static void CheckFloats(string name, Tensor first, Tensor? second = null, [CallerArgumentExpression(nameof(first))] string? nameOfFirst = null)
    {
        ArgumentNullException.ThrowIfNull(first, nameOfFirst);
        foreach (var x in new[] { first, second })
        {
            if (x is { DType: var dtype } && !dtype.IsFloatingPoint())
            {
                throw new DTypeException($"{name}: {name.ToLowerInvariant()} only supports floating-point dtypes for input, got: {dtype.Name()}. Convert it with To(DType.Float32).");
            }
        }

        if (second is not null)
        {
            CheckSameDevice(name, first, second);
        }
    }

    private static void CheckSameDevice(string name, Tensor first, Tensor second)
    {
        if (first.Device != second.Device)
        {
            throw new DeviceMismatchException(
                $"{name}: Expected all tensors to be on the same device, but found at least two devices, {first.Device} and {second.Device}. Move one with To(device).");
        }
    }
}
