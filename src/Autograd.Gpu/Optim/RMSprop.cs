namespace Autograd.Gpu.Optim;

/// <summary>
/// RMSprop (Hinton, lecture 6e of Neural networks for machine learning, 2012; centred: Graves, 2013): v = a v + (1 - a) g^2, less the square of the
/// gradient's own running mean when centred; p -= lr g / (sqrt(v) + eps), or with momentum m: b = m b + g / (sqrt(v) + eps); p -= lr b. Weight decay w adds w p
/// to the gradient.
/// </summary>
public sealed class RMSprop : Optimizer
{
    private readonly double _alpha;
    private readonly double _eps;
    private readonly double _weightDecay;
    private readonly double _momentum;
    private readonly State?[] _states;
    private readonly bool _centered;

    /// <summary>Makes an optimiser for these parameters.</summary>
    /// <exception cref="ArgumentException">There are no parameters, or a value is negative.</exception>
    public RMSprop(
        IEnumerable<Tensor> parameters,
        double lr = 1e-2,
        double alpha = 0.99,
        double eps = 1e-8,
        double weightDecay = 0,
        double momentum = 0,
        bool centered = false)
        : base(parameters, lr)
    {
        if (!(alpha >= 0 && eps >= 0 && weightDecay >= 0 && momentum >= 0))
        {
            throw new ArgumentException(
                $"RMSprop: Invalid alpha ({alpha}), eps ({eps}), weightDecay ({weightDecay}) or momentum ({momentum}): none may be negative.");
        }

        (_alpha, _eps, _weightDecay, _momentum, _centered) = (alpha, eps, weightDecay, momentum, centered);
        _states = new State?[Parameters.Count];
    }

    private protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        using var temporaries = new Temporaries();
        var state = _states[index] ??= new(
            Zeros(parameter), _centered ? Zeros(parameter) : null, _momentum > 0 ? Zeros(parameter) : null);
        if (_weightDecay != 0)
        {
            gradient = temporaries.Keep(gradient + temporaries.Keep(parameter * _weightDecay));
        }

        state.Square.Mul_(_alpha).Add_(temporaries.Keep(temporaries.Keep(gradient * gradient) * (1 - _alpha)));
        var variance = state.Square;
        if (state.Mean is { } mean)
        {
            mean.Mul_(_alpha).Add_(temporaries.Keep(gradient * (1 - _alpha)));
            variance = temporaries.Keep(variance - temporaries.Keep(mean * mean));
        }

        var step = temporaries.Keep(gradient / temporaries.Keep(temporaries.Keep(variance.Sqrt()) + _eps));
        if (state.Velocity is { } velocity)
        {
            velocity.Mul_(_momentum).Add_(step);
            step = velocity;
        }

        parameter.Sub_(temporaries.Keep(step * LearningRate));
    }

    private static Tensor Zeros(Tensor parameter) => Tensor.ZerosLike(parameter).Materialize();

    private sealed record State(Tensor Square, Tensor? Mean, Tensor? Velocity);
}
