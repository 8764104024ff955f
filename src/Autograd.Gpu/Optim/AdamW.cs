namespace Autograd.Gpu.Optim;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, Decoupled weight decay regularization, 2019): p -= lr w p, apart from the gradient; then as
/// <see cref="Adam"/>.
/// </summary>
public sealed class AdamW : Optimizer
{
    private readonly AdamUpdate _update;
    private readonly double _weightDecay;

    /// <summary>Makes an optimiser for these parameters.</summary>
    /// <exception cref="ArgumentException">There are no parameters, a beta is outside [0, 1), or another value is negative.</exception>
    public AdamW(
        IEnumerable<Tensor> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weightDecay = 0.01)
        : base(parameters, lr)
    {
        if (!(weightDecay >= 0))
        {
            throw new ArgumentException($"AdamW: Invalid weightDecay ({weightDecay}): it may not be negative.");
        }

        _update = new AdamUpdate("AdamW", beta1, beta2, eps, Parameters.Count);
        _weightDecay = weightDecay;
    }

    private protected override void Advance() => _update.Advance();

    private protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        if (_weightDecay != 0)
        {
            parameter.Mul_(1 - LearningRate * _weightDecay);
        }

        _update.Apply(index, parameter, gradient, LearningRate);
    }
}
