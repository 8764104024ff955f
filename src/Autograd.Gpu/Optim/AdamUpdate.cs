namespace Autograd.Gpu.Optim;

/// <summary>The step that Adam and AdamW share: running means of the gradient and of its square, one pending expression for a parameter and its state.</summary>
internal sealed class AdamUpdate
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _eps;
    private readonly (Tensor Mean, Tensor Square)?[] _state;
    private int _steps;

    public AdamUpdate(string name, double beta1, double beta2, double eps, int count)
    {
        if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && eps >= 0))
        {
            throw new ArgumentException($"{name}: Invalid beta1 ({beta1}), beta2 ({beta2}) or eps ({eps}): betas lie in [0, 1), eps is not negative.");
        }

        (_beta1, _beta2, _eps) = (beta1, beta2, eps);
        _state = new (Tensor, Tensor)?[count];
    }

    public void Advance() => _steps++;

    public void Apply(int index, Tensor parameter, Tensor gradient, double lr)
    {
        var (mean, square) = _state[index] ??= (Tensor.ZerosLike(parameter).Materialize(), Tensor.ZerosLike(parameter).Materialize());
        using var meanPart = gradient * (1 - _beta1);
        using var squared = gradient * gradient;
        using var squarePart = squared * (1 - _beta2);
        mean.Mul_(_beta1).Add_(meanPart);
        square.Mul_(_beta2).Add_(squarePart);

        using var root = square.Sqrt();
        using var scaledRoot = root * (1 / Math.Sqrt(1 - Math.Pow(_beta2, _steps)));
        using var denominator = scaledRoot + _eps;
        using var step = mean * (lr / (1 - Math.Pow(_beta1, _steps)));
        using var update = step / denominator;
        parameter.Sub_(update);
    }
}
