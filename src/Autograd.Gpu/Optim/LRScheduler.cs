namespace Autograd.Gpu.Optim;

/// <summary>
/// Changes an optimiser's learning rate from step to step, as a function of how many steps there were. Making one sets the rate of step 0; call
/// <see cref="Step"/> after each step of the optimiser. The optimiser's rate when its first schedule was made is the base that they go by.
/// </summary>
public abstract class LRScheduler
{
    private protected LRScheduler(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        Optimizer = optimizer;
        BaseRate = optimizer.InitialRate ??= optimizer.LearningRate;
    }

    /// <summary>The optimiser.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>Its learning rate when its first schedule was made.</summary>
    public double BaseRate { get; }

    /// <summary>Steps so far.</summary>
    public int StepCount { get; private set; }

    /// <summary>The learning rate of a step, counted from 0.</summary>
    public abstract double RateAt(int step);

    /// <summary>Goes on to the next step's learning rate.</summary>
    public void Step()
    {
        StepCount++;
        Optimizer.LearningRate = RateAt(StepCount);
    }

    private protected void Start() => Optimizer.LearningRate = RateAt(0);
}

/// <summary>The base rate times a function of the step.</summary>
public sealed class LambdaLR : LRScheduler
{
    private readonly Func<int, double> _factor;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    public LambdaLR(Optimizer optimizer, Func<int, double> factor)
        : base(optimizer)
    {
        ArgumentNullException.ThrowIfNull(factor);
        _factor = factor;
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => BaseRate * _factor(step);
}

/// <summary>The base rate times a factor that goes in equal steps from one number to another, and stays there.</summary>
public sealed class LinearLR : LRScheduler
{
    private readonly double _start;
    private readonly double _end;
    private readonly int _total;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">A factor is negative, the first is 0 or above 1, the last is above 1, or there are no steps.</exception>
    public LinearLR(Optimizer optimizer, double startFactor = 1.0 / 3, double endFactor = 1, int totalIters = 5)
        : base(optimizer)
    {
        if (!(startFactor > 0 && startFactor <= 1))
        {
            throw new ArgumentException($"LinearLR: Starting multiplicative factor expected to be greater than 0 and less or equal to 1, but got {startFactor}.");
        }

        if (!(endFactor >= 0 && endFactor <= 1) || totalIters < 1)
        {
            throw new ArgumentException(
                $"LinearLR: Ending multiplicative factor expected to be between 0 and 1 and the number of steps to be positive, but got {endFactor} and {totalIters}.");
        }

        (_start, _end, _total) = (startFactor, endFactor, totalIters);
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => BaseRate * (_start + (_end - _start) * Math.Min(step, _total) / _total);
}

/// <summary>
/// Half a period of the cosine from the base rate down to <c>etaMin</c> in <c>tMax</c> steps, and up again if it goes on (Loshchilov and Hutter, SGDR, 2017,
/// without restarts): etaMin + (base - etaMin) (1 + cos(pi t / tMax)) / 2. An optional linear warm-up from 0 comes before it.
/// </summary>
public sealed class CosineAnnealingLR : LRScheduler
{
    private readonly int _tMax;
    private readonly double _etaMin;
    private readonly int _warmup;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="tMax">Steps of half a period.</param>
    /// <param name="etaMin">The lowest rate.</param>
    /// <param name="warmupSteps">Steps before it in which the rate goes from base / warmupSteps to base.</param>
    /// <exception cref="ArgumentException">A number of steps is not positive (no warm-up is 0), or the lowest rate is negative.</exception>
    public CosineAnnealingLR(Optimizer optimizer, int tMax, double etaMin = 0, int warmupSteps = 0)
        : base(optimizer)
    {
        if (tMax < 1 || warmupSteps < 0 || !(etaMin >= 0))
        {
            throw new ArgumentException(
                $"CosineAnnealingLR: expected tMax of at least 1 and warmupSteps and etaMin of at least 0, but got {tMax}, {warmupSteps} and {etaMin}.");
        }

        (_tMax, _etaMin, _warmup) = (tMax, etaMin, warmupSteps);
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step) => step < _warmup
        ? BaseRate * (step + 1) / _warmup
        : _etaMin + (BaseRate - _etaMin) * (1 + Math.Cos(Math.PI * (step - _warmup) / _tMax)) / 2;
}
