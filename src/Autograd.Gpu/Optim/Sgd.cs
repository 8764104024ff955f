namespace Autograd.Gpu.Optim;

/// <summary>
/// Gradient descent. With weight decay w, momentum m and dampening d: g += w p; v = m v + (1 - d) g (the first time v = g); p -= lr v, or with
/// Nesterov's variant p -= lr (g + m v).
/// </summary>
public sealed class Sgd : Optimizer
{
    private readonly double _momentum;
    private readonly double _dampening;
    private readonly double _weightDecay;
    private readonly bool _nesterov;
    private readonly Tensor?[] _velocity;

    /// <summary>Makes an optimiser for these parameters.</summary>
    /// <exception cref="ArgumentException">There are no parameters, a value is negative, or Nesterov momentum lacks momentum or has dampening.</exception>
    public Sgd(
        IEnumerable<Tensor> parameters, double lr = 1e-3, double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false)
        : base(parameters, lr)
    {
        if (!(momentum >= 0) || !(weightDecay >= 0))
        {
            throw new ArgumentException($"Sgd: Invalid momentum ({momentum}) or weightDecay ({weightDecay}): neither may be negative.");
        }

        if (nesterov && (momentum <= 0 || dampening != 0))
        {
            throw new ArgumentException("Sgd: Nesterov momentum requires a momentum and zero dampening.");
        }

        (_momentum, _dampening, _weightDecay, _nesterov) = (momentum, dampening, weightDecay, nesterov);
        _velocity = new Tensor?[Parameters.Count];
    }

    private protected override void Update(int index, Tensor parameter, Tensor gradient)
    {
        if (_weightDecay == 0 && _momentum == 0)
        {
            // A gradient in memory is taken at once; a pending one is computed in the kernel of the update.
            if (!parameter.TryUpdate(AddScaled.Instance, gradient, -LearningRate))
            {
                using var step = gradient * LearningRate;
                parameter.Sub_(step);
            }

            return;
        }

        using var temporaries = new Temporaries();
        if (_weightDecay != 0)
        {
            gradient = temporaries.Keep(gradient + temporaries.Keep(parameter * _weightDecay));
        }

        if (_momentum != 0)
        {
            if (_velocity[index] is not { } velocity)
            {
                // A block of its own, so that later steps have where to write: pending for ever it would hold every gradient and parameter that it reads.
                velocity = _velocity[index] = gradient.Clone().Materialize();
            }
            else
            {
                velocity.Mul_(_momentum).Add_(temporaries.Keep(gradient * (1 - _dampening)));
            }

            gradient = _nesterov ? temporaries.Keep(gradient + temporaries.Keep(velocity * _momentum)) : velocity;
        }

        parameter.Sub_(temporaries.Keep(gradient * LearningRate));
    }
}
