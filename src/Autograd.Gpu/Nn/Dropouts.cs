namespace Autograd.Gpu.Nn;

/// <summary>What the dropout layers share: a probability, and nothing is done outside of training.</summary>
public abstract class DropoutLayer : Module
{
    private protected DropoutLayer(double p, bool inplace)
    {
        if (!(p >= 0 && p <= 1))
        {
            throw new ArgumentException($"{GetType().Name}: dropout probability has to be between 0 and 1, but got {p}.", nameof(p));
        }

        (P, Inplace) = (p, inplace);
    }

    /// <summary>The probability of an element, or a channel, to be dropped.</summary>
    public double P { get; }

    /// <summary>Whether the result is written over the input.</summary>
    public bool Inplace { get; }
}

/// <summary>Zeros elements at random while training; see <see cref="Functional.Dropout"/>.</summary>
public sealed class Dropout(double p = 0.5, bool inplace = false) : DropoutLayer(p, inplace)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Dropout(input, P, Training, Inplace);
}

/// <summary>Zeros channels of [N, C, L] or [C, L] at random while training; see <see cref="Functional.Dropout1d"/>.</summary>
public sealed class Dropout1d(double p = 0.5, bool inplace = false) : DropoutLayer(p, inplace)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Dropout1d(input, P, Training, Inplace);
}

/// <summary>Zeros channels of [N, C, H, W] at random while training; see <see cref="Functional.Dropout2d"/>.</summary>
public sealed class Dropout2d(double p = 0.5, bool inplace = false) : DropoutLayer(p, inplace)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Dropout2d(input, P, Training, Inplace);
}

/// <summary>Zeros channels of [N, C, D, H, W] or [C, D, H, W] at random while training; see <see cref="Functional.Dropout3d"/>.</summary>
public sealed class Dropout3d(double p = 0.5, bool inplace = false) : DropoutLayer(p, inplace)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Dropout3d(input, P, Training, Inplace);
}

/// <summary>Dropout that keeps mean and variance of selu activations; see <see cref="Functional.AlphaDropout"/>.</summary>
public sealed class AlphaDropout(double p = 0.5, bool inplace = false) : DropoutLayer(p, inplace)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AlphaDropout(input, P, Training, Inplace);
}

/// <summary>The same of whole channels; see <see cref="Functional.FeatureAlphaDropout"/>.</summary>
public sealed class FeatureAlphaDropout(double p = 0.5, bool inplace = false) : DropoutLayer(p, inplace)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.FeatureAlphaDropout(input, P, Training, Inplace);
}
