namespace Autograd.Gpu.Optim;

/// <summary>
/// Adam (Kingma and Ba, 2015): m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). Weight
/// decay w adds w p to the gradient.
/// </summary>
public sealed class Adam : Optimizer
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _eps;
    private readonly double _weightDecay;
    private readonly (Tensor Mean, Tensor Square)?[] _state;
    private int _steps;

    /// <summary>Makes an optimiser for these parameters.</summary>
    /// <exception cref="ArgumentException">There are no parameters, a beta is outside [0, 1), or another value is negative.</exception>
    public Adam(
        IEnumerable<Tensor> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weightDecay = 0)
        : base(parameters, lr)
    {
        if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && eps >= 0 && weightDecay >= 0))
        {
            throw new ArgumentException(
                $"Adam: Invalid beta1 ({beta1}), beta2 ({beta2}), eps ({eps}) or weightDecay ({weightDecay}): betas lie in [0, 1), the others are not negative.");
        }

        (_beta1, _beta2, _eps, _weightDecay) = (beta1, beta2, eps, weightDecay);
        _state = new (Tensor, Tensor)?[Parameters.Count];
    }

    private protected override void Advance() => _steps++;

    private protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        var (mean, square) = _state[index] ??= (Tensor.ZerosLike(parameter).Materialize(), Tensor.ZerosLike(parameter).Materialize());
        using var decay = parameter * _weightDecay;
        using var decayed = _weightDecay == 0 ? gradient.Detach() : gradient + decay;
        using var meanPart = decayed * (1 - _beta1);
        using var squared = decayed * decayed;
        using var squarePart = squared * (1 - _beta2);
        mean.Mul_(_beta1).Add_(meanPart);
        square.Mul_(_beta2).Add_(squarePart);

        using var root = square.Sqrt();
        using var scaledRoot = root * (1 / Math.Sqrt(1 - Math.Pow(_beta2, _steps)));
        using var denominator = scaledRoot + _eps;
        using var step = mean * (LearningRate / (1 - Math.Pow(_beta1, _steps)));
        using var update = step / denominator;
        parameter.Sub_(update);
    }
}
