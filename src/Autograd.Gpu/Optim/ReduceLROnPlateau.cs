namespace Autograd.Gpu.Optim;

/// <summary>Multiplies the learning rate by a factor when a metric has not got better for a number of steps.</summary>
public sealed class ReduceLROnPlateau
{
    private readonly bool _maximize;
    private readonly double _factor;
    private readonly int _patience;
    private readonly double _threshold;
    private readonly bool _isRelative;
    private readonly int _cooldown;
    private readonly double _minLr;
    private readonly double _eps;
    private int _bad;
    private int _cooling;

    /// <summary>Makes a schedule.</summary>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="maximize">Whether a larger metric is better.</param>
    /// <param name="factor">What the rate is multiplied by, below 1.</param>
    /// <param name="patience">Steps without improvement that are borne.</param>
    /// <param name="threshold">By how much a metric must be better to count.</param>
    /// <param name="relativeThreshold">Whether the threshold is a part of the best metric, or is added to it.</param>
    /// <param name="cooldown">Steps after a reduction that do not count.</param>
    /// <param name="minLr">The lowest rate.</param>
    /// <param name="eps">A change of the rate that is not larger than this is not made.</param>
    /// <exception cref="ArgumentException">The factor is not below 1.</exception>
    public ReduceLROnPlateau(
        Optimizer optimizer,
        bool maximize = false,
        double factor = 0.1,
        int patience = 10,
        double threshold = 1e-4,
        bool relativeThreshold = true,
        int cooldown = 0,
        double minLr = 0,
        double eps = 1e-8)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        if (!(factor < 1))
        {
            throw new ArgumentException($"ReduceLROnPlateau: Factor should be < 1.0, but got {factor}.");
        }

        (Optimizer, _maximize, _factor, _patience, _threshold) = (optimizer, maximize, factor, patience, threshold);
        (_isRelative, _cooldown, _minLr, _eps) = (relativeThreshold, cooldown, minLr, eps);
        Best = maximize ? double.NegativeInfinity : double.PositiveInfinity;
    }

    /// <summary>The optimiser.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The best metric so far.</summary>
    public double Best { get; private set; }

    /// <summary>Takes the metric of a step, the validation loss say, and lowers the rate if it is time.</summary>
    public void Step(double metric)
    {
        if (IsBetter(metric))
        {
            Best = metric;
            _bad = 0;
        }
        else
        {
            _bad++;
        }

        if (_cooling > 0)
        {
            _cooling--;
            _bad = 0;
        }

        if (_bad > _patience)
        {
            double reduced = Math.Max(Optimizer.LearningRate * _factor, _minLr);
            if (Optimizer.LearningRate - reduced > _eps)
            {
                Optimizer.LearningRate = reduced;
            }

            _cooling = _cooldown;
            _bad = 0;
        }
    }

    private bool IsBetter(double metric) => (_maximize, _isRelative) switch
    {
        (false, true) => metric < Best * (1 - _threshold),
        (false, false) => metric < Best - _threshold,
        (true, true) => metric > Best * (1 + _threshold),
        (true, false) => metric > Best + _threshold,
    };
}
