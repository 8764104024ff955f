namespace Autograd.Gpu.Optim;

/// <summary>
/// Cosine annealing that starts again (Loshchilov and Hutter, SGDR, 2017): from the base rate down to <c>etaMin</c> in t0 steps, then in t0 tMult steps, and so
/// on.
/// </summary>
public sealed class CosineAnnealingWarmRestarts : LRScheduler
{
    private readonly int _t0;
    private readonly int _tMult;
    private readonly double _etaMin;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">t0 or tMult is below 1.</exception>
    public CosineAnnealingWarmRestarts(Optimizer optimizer, int t0, int tMult = 1, double etaMin = 0)
        : base(optimizer)
    {
        if (t0 < 1 || tMult < 1)
        {
            throw new ArgumentException($"CosineAnnealingWarmRestarts: Expected positive integer t0 and tMult, but got {t0} and {tMult}.");
        }

        (_t0, _tMult, _etaMin) = (t0, tMult, etaMin);
        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step)
    {
        long length = _t0, position = step;
        if (_tMult == 1)
        {
            position %= length;
        }

        while (position >= length)
        {
            position -= length;
            length *= _tMult;
        }

        return _etaMin + (BaseRate - _etaMin) * (1 + Math.Cos(Math.PI * position / length)) / 2;
    }
}

/// <summary>
/// One cycle (Smith and Topin, Super-convergence, 2018): by the cosine from maxLr / divFactor up to maxLr in the first part of the steps, then down to maxLr / divFactor /
/// finalDivFactor. It changes the learning rate alone, not the momentum.
/// </summary>
public sealed class OneCycleLR : LRScheduler
{
    private readonly double _maxLr;
    private readonly double _first;
    private readonly double _last;
    private readonly int _total;
    private readonly double _peak;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">There are no steps, or the part is outside [0, 1].</exception>
    public OneCycleLR(Optimizer optimizer, double maxLr, int totalSteps, double pctStart = 0.3, double divFactor = 25, double finalDivFactor = 1e4)
        : base(optimizer)
    {
        if (totalSteps < 1 || !(pctStart >= 0 && pctStart <= 1))
        {
            throw new ArgumentException(
                $"OneCycleLR: Expected positive integer totalSteps and pctStart between 0 and 1, but got {totalSteps} and {pctStart}.");
        }

        (_maxLr, _first, _last) = (maxLr, maxLr / divFactor, maxLr / divFactor / finalDivFactor);
        (_total, _peak) = (totalSteps, pctStart * totalSteps - 1);
        Start();
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The step is beyond the last.</exception>
    public override double RateAt(int step)
    {
        if (step >= _total)
        {
            throw new InvalidOperationException($"OneCycleLR: Tried to step {step + 1} times. The specified number of total steps is {_total}.");
        }

        return step <= _peak ? Between(_first, _maxLr, step / _peak) : Between(_maxLr, _last, (step - _peak) / Math.Max(_total - 1 - _peak, 1e-9));
    }

    private static double Between(double start, double end, double part) => end + (start - end) / 2 * (1 + Math.Cos(Math.PI * part));
}

/// <summary>Schedules one after the other: each begins, as at its step 0, at its milestone.</summary>
public sealed class SequentialLR : LRScheduler
{
    private readonly LRScheduler[] _schedules;
    private readonly int[] _milestones;

    /// <summary>Makes a schedule and sets the rate of step 0.</summary>
    /// <exception cref="ArgumentException">A schedule is of another optimiser, there is not one milestone between each two, or they do not rise.</exception>
    public SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones)
        : base(optimizer)
    {
        _schedules = [.. schedulers];
        _milestones = [.. milestones];
        if (_schedules.Length == 0 || _schedules.Any(s => s.Optimizer != optimizer))
        {
            throw new ArgumentException("SequentialLR: expects all schedulers to belong to the same optimizer, and at least one.");
        }

        if (_milestones.Length != _schedules.Length - 1 || _milestones.Zip(_milestones.Skip(1)).Any(m => m.First >= m.Second))
        {
            throw new ArgumentException(
                $"SequentialLR: expects number of schedulers provided to be one more than the number of milestones, which rise, but got {_schedules.Length} schedulers and milestones [{string.Join(", ", _milestones)}].");
        }

        Start();
    }

    /// <inheritdoc/>
    public override double RateAt(int step)
    {
        int current = _milestones.Count(m => m <= step);
        return _schedules[current].RateAt(current == 0 ? step : step - _milestones[current - 1]);
    }
}
