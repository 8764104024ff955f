using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

// Random numbers written over a tensor. As in PyTorch its old value has no part in the new one, so that its gradient is zero. Numbers are drawn from the
// generator given, or the device's; the same for one seed on each device.
public sealed partial class Tensor
{
    /// <summary>The dtype in which random numbers for this tensor are computed.</summary>
    private DType RandomType => DType == DType.Float64 ? DType.Float64 : DType.Float32;

    /// <summary>Writes numbers over this tensor that are uniform in [from, to), and returns it.</summary>
    /// <exception cref="ArgumentException">from is greater than to.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Uniform_(double from = 0, double to = 1, Generator? generator = null)
    {
        CheckDraw("Uniform", from <= to, $"uniform_ expects to return a [from, to) range, but found from={from} > to={to}");
        return Redraw("Uniform", () =>
        {
            // The largest may round up to the end, which is no part of the range.
            var values = (Uniform01(generator) * (to - from) + from).To(DType);
            return from < to ? Where(values < to, values, from) : values;
        });
    }

    /// <summary>Writes normal numbers over this tensor, and returns it.</summary>
    /// <exception cref="ArgumentException">std is negative.</exception>
    /// <inheritdoc cref="Uniform_"/>
    public Tensor Normal_(double mean = 0, double std = 1, Generator? generator = null)
    {
        CheckDraw("Normal", std >= 0, $"normal expects std >= 0.0, but found std {std}");
        return Redraw("Normal", () => Normal01(generator) * std + mean);
    }

    /// <summary>Writes numbers over this tensor whose logarithm is normal, and returns it.</summary>
    /// <exception cref="ArgumentException">std is not positive.</exception>
    /// <inheritdoc cref="Uniform_"/>
    public Tensor LogNormal_(double mean = 1, double std = 2, Generator? generator = null)
    {
        CheckDraw("LogNormal", std > 0, $"log_normal_ expects std > 0.0, but found std={std}");
        return Redraw("LogNormal", () => (Normal01(generator) * std + mean).Exp());
    }

    /// <summary>Writes exponential numbers over this tensor, of density lambda exp(-lambda x), and returns it.</summary>
    /// <exception cref="ArgumentException">lambda is not positive.</exception>
    /// <inheritdoc cref="Uniform_"/>
    public Tensor Exponential_(double lambda = 1, Generator? generator = null)
    {
        CheckDraw("Exponential", lambda > 0, $"exponential_ expects lambda > 0.0, but found lambda={lambda}");
        return Redraw("Exponential", () => (-Uniform01(generator)).Log1p() * (-1 / lambda));
    }

    /// <summary>Writes numbers over this tensor of density sigma / (pi (sigma^2 + (x - median)^2)), and returns it.</summary>
    /// <exception cref="ArgumentException">sigma is not positive.</exception>
    /// <inheritdoc cref="Uniform_"/>
    public Tensor Cauchy_(double median = 0, double sigma = 1, Generator? generator = null)
    {
        CheckDraw("Cauchy", sigma > 0, $"cauchy_ expects sigma > 0.0, but found sigma={sigma}");
        return Redraw("Cauchy", () => ((Uniform01(generator) - 0.5) * Math.PI).Tan() * sigma + median);
    }

    /// <summary>Writes the number of trials up to the first success over this tensor, 1 or more, of probability (1 - p)^(k - 1) p, and returns it.</summary>
    /// <exception cref="ArgumentException">p is not in (0, 1).</exception>
    /// <exception cref="DTypeException">The dtype is bool.</exception>
    /// <inheritdoc cref="Uniform_"/>
    public Tensor Geometric_(double p, Generator? generator = null)
    {
        CheckDraw("Geometric", p > 0 && p < 1, $"geometric_ expects p to be in (0, 1), but got p={p}", takesIntegers: true);
        return Redraw("Geometric", () =>
            ((-Rand(Shape, DType.Float64, Device, generator: generator)).Log1p() / double.LogP1(-p)).Ceil().Clamp(1));
    }

    /// <summary>Writes 1 with probability p and else 0 over this tensor, and returns it.</summary>
    /// <exception cref="ArgumentException">p is no probability.</exception>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Bernoulli_(double p = 0.5, Generator? generator = null) => p >= 0 && p <= 1
        ? Redraw("Bernoulli", () => Rand(Shape, DType.Float64, Device, generator: generator) < p)
        : throw new ArgumentException($"Bernoulli_: bernoulli_ expects p to be in [0, 1], but got p={p}.", nameof(p));

    /// <summary>The same with a probability for each element; <paramref name="p"/> broadcasts.</summary>
    /// <exception cref="ArgumentException">An element is no probability (checked on the host).</exception>
    /// <exception cref="DTypeException">The probabilities are not floating-point.</exception>
    /// <inheritdoc cref="Bernoulli_(double, Generator?)"/>
    public Tensor Bernoulli_(Tensor p, Generator? generator = null)
    {
        CheckProbabilities("Bernoulli_", p);
        CheckSameDevice("Bernoulli_", this, p);
        return Redraw("Bernoulli", () => Rand(Shape, DType.Float64, Device, generator: generator) < p.Expand(Shape));
    }

    /// <summary>
    /// Writes whole numbers over this tensor, each as likely as any other, and returns it: of all that an integer type can hold and that are not negative, or, for
    /// floating-point types, from 0 to 2^digits, up to which all are represented.
    /// </summary>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Random_(Generator? generator = null) => Redraw("Random", () => WholeNumbers(0, DType switch
    {
        DType.Int64 => 1UL << 63,
        _ => (ulong)LargestWhole(DType) + 1,
    }, Shape, Device, generator));

    /// <summary>The same from 0 up to, and without, <paramref name="to"/>.</summary>
    /// <inheritdoc cref="Random_(long, long, Generator?)"/>
    public Tensor Random_(long to, Generator? generator = null) => Random_(0, to, generator);

    /// <summary>The same from <paramref name="from"/> up to, and without, <paramref name="to"/>.</summary>
    /// <exception cref="ArgumentException">The range is empty or reaches beyond the dtype's.</exception>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Random_(long from, long to, Generator? generator = null)
    {
        if (from >= to)
        {
            throw new ArgumentException($"Random_: random_ expects 'from' to be less than 'to', but got from={from} >= to={to}.");
        }

        long largest = LargestWhole(DType);
        long least = DType is DType.Bool or DType.UInt8 ? 0 : DType.IsFloatingPoint() ? -largest : -largest - 1;
        if (from < least || to - 1 > largest)
        {
            throw new ArgumentException(
                $"Random_: {(from < least ? "from" : "to - 1")} is out of bounds for {DType.Name()}, which takes whole numbers from {least} to {largest}; got from={from}, to={to}.");
        }

        return Redraw("Random", () => WholeNumbers(from, unchecked((ulong)to - (ulong)from), Shape, Device, generator));
    }

    private static long LargestWhole(DType dtype) => dtype switch
    {
        DType.Bool => 1,
        DType.UInt8 => byte.MaxValue,
        DType.Int32 => int.MaxValue,
        DType.Int64 => long.MaxValue,
        DType.Float16 => 1 << 11,
        DType.BFloat16 => 1 << 8,
        DType.Float32 => 1 << 24,
        _ => 1L << 53,
    };

    private Tensor Uniform01(Generator? generator) => Rand(Shape, RandomType, Device, generator: generator);

    private Tensor Normal01(Generator? generator) => Randn(Shape, RandomType, Device, generator: generator);

    /// <summary>Writes random numbers over this tensor; the draw comes after the checks, so that an error leaves the generator as it is.</summary>
    private Tensor Redraw(string name, Func<Tensor> draw)
    {
        string operation = name + "_";
        using var profiled = Profiler.Operation(operation, this);
        CheckInPlace(operation, Recorder.Wants(this));
        Tensor values;
        using (GradMode.Set(false))
        {
            values = draw().To(DType);
        }

        if (Wrapper is not null || values.Wrapper is not null)
        {
            InPlace.Assign(operation, this, values);
            return this;
        }

        bool records = Recorder.Wants(this);
        Overwrite(values);
        if (records)
        {
            RebaseHistory(new OperationNode(new Redrawn(name), [default], Shape, DType));
        }

        return this;
    }

    private void CheckDraw(string name, bool isValid, string message, bool takesIntegers = false)
    {
        if (!DType.IsFloatingPoint() && (!takesIntegers || DType == DType.Bool))
        {
            throw new DTypeException($"{name}_: not implemented for {DType.Name()}: expected a floating-point tensor. Convert it with To(DType.Float32).");
        }

        if (!isValid)
        {
            throw new ArgumentException($"{name}_: {message}.");
        }
    }
}
