namespace Autograd.Gpu.Optim;

/// <summary>
/// Adam (Kingma and Ba, 2015): m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). Weight
/// decay w adds w p to the gradient; <see cref="AdamW"/> keeps it apart.
/// </summary>
public sealed class Adam : Optimizer
{
    private readonly AdamUpdate _update;
    private readonly double _weightDecay;

    /// <summary>Makes an optimiser for these parameters.</summary>
    /// <exception cref="ArgumentException">There are no parameters, a beta is outside [0, 1), or another value is negative.</exception>
    public Adam(
        IEnumerable<Tensor> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weightDecay = 0)
        : base(parameters, lr)
    {
        if (!(weightDecay >= 0))
        {
            throw new ArgumentException($"Adam: Invalid weightDecay ({weightDecay}): it may not be negative.");
        }

        _update = new AdamUpdate("Adam", beta1, beta2, eps, Parameters.Count);
        _weightDecay = weightDecay;
    }

    private protected override void Advance() => _update.Advance();

    private protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        using var decay = parameter * _weightDecay;
        using var decayed = _weightDecay == 0 ? gradient.Detach() : gradient + decay;
        _update.Apply(index, parameter, decayed, LearningRate);
    }
}
