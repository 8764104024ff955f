namespace Autograd.Gpu.Optim;

/// <summary>The base rate times gamma to the power of step / stepSize, rounded down.</summary>
public sealed class StepLR : LRScheduler
{
    private readonly int _stepSize;
    private readonly double _gamma;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">The step size is not positive.</exception>
    public StepLR(Optimizer optimizer, int stepSize, double gamma = 0.1)
        : base(optimizer)
    {
        if (stepSize < 1)
        {
            throw new ArgumentException($"StepLR: expected stepSize of at least 1, but got {stepSize}.");
        }

        (_stepSize, _gamma) = (stepSize, gamma);
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => BaseRate * Math.Pow(_gamma, step / _stepSize);
}

/// <summary>The base rate times gamma once more from each milestone on.</summary>
public sealed class MultiStepLR : LRScheduler
{
    private readonly int[] _milestones;
    private readonly double _gamma;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">A milestone is negative.</exception>
    public MultiStepLR(Optimizer optimizer, IEnumerable<int> milestones, double gamma = 0.1)
        : base(optimizer)
    {
        _milestones = [.. milestones];
        if (_milestones.Any(m => m < 0))
        {
            throw new ArgumentException($"MultiStepLR: expected milestones of at least 0, but got [{string.Join(", ", _milestones)}].");
        }

        _gamma = gamma;
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => BaseRate * Math.Pow(_gamma, _milestones.Count(m => m <= step));
}

/// <summary>The base rate times gamma to the power of the step.</summary>
public sealed class ExponentialLR : LRScheduler
{
    private readonly double _gamma;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    public ExponentialLR(Optimizer optimizer, double gamma)
        : base(optimizer)
    {
        _gamma = gamma;
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => BaseRate * Math.Pow(_gamma, step);
}

/// <summary>The base rate times a factor for the first steps, then the base rate.</summary>
public sealed class ConstantLR : LRScheduler
{
    private readonly double _factor;
    private readonly int _total;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">The factor is outside [0, 1].</exception>
    public ConstantLR(Optimizer optimizer, double factor = 1.0 / 3, int totalIters = 5)
        : base(optimizer)
    {
        if (!(factor >= 0 && factor <= 1))
        {
            throw new ArgumentException($"ConstantLR: Constant multiplicative factor expected to be between 0 and 1, but got {factor}.");
        }

        (_factor, _total) = (factor, totalIters);
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => step < _total ? BaseRate * _factor : BaseRate;
}

/// <summary>The base rate times (1 - step / totalIters)^power, 0 from there on.</summary>
public sealed class PolynomialLR : LRScheduler
{
    private readonly int _total;
    private readonly double _power;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">There are no steps.</exception>
    public PolynomialLR(Optimizer optimizer, int totalIters = 5, double power = 1)
        : base(optimizer)
    {
        if (totalIters < 1)
        {
            throw new ArgumentException($"PolynomialLR: expected totalIters of at least 1, but got {totalIters}.");
        }

        (_total, _power) = (totalIters, power);
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => BaseRate * Math.Pow(1 - (double)Math.Min(step, _total) / _total, _power);
}
