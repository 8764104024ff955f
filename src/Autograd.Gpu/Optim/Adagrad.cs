namespace Autograd.Gpu.Optim;

/// <summary>
/// Adagrad (Duchi, Hazan and Singer, 2011): s += g^2; p -= lr / (1 + (t - 1) lrDecay) g / (sqrt(s) + eps). Weight decay w adds w p to the gradient.
/// </summary>
public sealed class Adagrad : Optimizer
{
    private readonly double _lrDecay;
    private readonly double _weightDecay;
    private readonly double _initial;
    private readonly double _eps;
    private readonly Tensor?[] _sums;
    private int _steps;

    /// <summary>Makes an optimiser for these parameters.</summary>
    /// <exception cref="ArgumentException">There are no parameters, or a value is negative.</exception>
    public Adagrad(
        IEnumerable<Tensor> parameters, double lr = 1e-2, double lrDecay = 0, double weightDecay = 0, double initialAccumulatorValue = 0, double eps = 1e-10)
        : base(parameters, lr)
    {
        if (!(lrDecay >= 0 && weightDecay >= 0 && initialAccumulatorValue >= 0 && eps >= 0))
        {
            throw new ArgumentException(
                $"Adagrad: Invalid lrDecay ({lrDecay}), weightDecay ({weightDecay}), initialAccumulatorValue ({initialAccumulatorValue}) or eps ({eps}): none may be negative.");
        }

        (_lrDecay, _weightDecay, _initial, _eps) = (lrDecay, weightDecay, initialAccumulatorValue, eps);
        _sums = new Tensor?[Parameters.Count];
    }

    private protected override void Advance() => _steps++;

    private protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        using var temporaries = new Temporaries();
        if (_weightDecay != 0)
        {
            gradient = temporaries.Keep(gradient + temporaries.Keep(parameter * _weightDecay));
        }

        var sum = _sums[index] ??= Tensor.FullLike(parameter, _initial).Materialize();
        sum.Add_(temporaries.Keep(gradient * gradient));
        var scale = temporaries.Keep(temporaries.Keep(sum.Sqrt()) + _eps);
        parameter.Sub_(temporaries.Keep(temporaries.Keep(gradient / scale) * (LearningRate / (1 + (_steps - 1) * _lrDecay))));
    }
}
