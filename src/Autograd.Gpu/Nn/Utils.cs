using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Nn;

/// <summary>What is done to gradients between the backward pass and the optimiser's step.</summary>
public static class Utils
{
    /// <summary>
    /// Scales all gradients so that their norm, taken as one vector, is at most <paramref name="maxNorm"/>: each is multiplied by
    /// min(1, maxNorm / (norm + 1e-6)). Nothing waits for the norm; reading it does.
    /// </summary>
    /// <param name="parameters">Those without a gradient are left out.</param>
    /// <param name="maxNorm">The bound.</param>
    /// <param name="normType">The norm's exponent; may be infinite.</param>
    /// <param name="errorIfNonfinite">Whether a norm of nan or infinity is an error; finding out waits for the device.</param>
    /// <returns>The norm before scaling, 0-d.</returns>
    /// <exception cref="GradientException">The norm is nan or infinite and <paramref name="errorIfNonfinite"/> is set.</exception>
    /// <exception cref="ArgumentException">The bound is negative or nan.</exception>
    public static Tensor ClipGradNorm_(IEnumerable<Tensor> parameters, double maxNorm, double normType = 2, bool errorIfNonfinite = false)
    {
        if (!(maxNorm >= 0))
        {
            throw new ArgumentException($"ClipGradNorm_: maxNorm must not be negative, but got {maxNorm}.");
        }

        using var mode = GradMode.Set(false);
        var gradients = Gradients(parameters);
        if (gradients.Count == 0)
        {
            return Tensor.Zeros([]);
        }

        var device = gradients[0].Device;
        Tensor[] norms = [.. gradients.Select(g => g.Norm(normType).To(g.DType.ComputeType()).To(device))];
        var widest = norms.Any(n => n.DType == DType.Float64) ? DType.Float64 : DType.Float32;
        var total = norms.Length == 1 ? norms[0] : Tensor.Stack([.. norms.Select(n => n.To(widest))]).Norm(normType);
        if (errorIfNonfinite && !double.IsFinite(total.To(DType.Float64).Item<double>()))
        {
            throw new GradientException(
                $"ClipGradNorm_: The total norm of order {normType} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this error and "
                + "scale the gradients by the non-finite norm anyway, set errorIfNonfinite to false.");
        }

        // Read by every parameter: in memory once.
        var factor = Tensor.Minimum(maxNorm / (total + 1e-6), Tensor.Ones([], total.DType, device)).Materialize();
        foreach (var gradient in gradients)
        {
            gradient.Mul_(factor.To(gradient.DType).To(gradient.Device));
        }

        return total;
    }

    /// <summary>Clamps each element of all gradients to [-<paramref name="clipValue"/>, <paramref name="clipValue"/>].</summary>
    /// <exception cref="ArgumentException">The bound is negative or nan.</exception>
    public static void ClipGradValue_(IEnumerable<Tensor> parameters, double clipValue)
    {
        if (!(clipValue >= 0))
        {
            throw new ArgumentException($"ClipGradValue_: clipValue must not be negative, but got {clipValue}.");
        }

        using var mode = GradMode.Set(false);
        foreach (var gradient in Gradients(parameters))
        {
            gradient.Clamp_(-clipValue, clipValue);
        }
    }

    private static List<Tensor> Gradients(IEnumerable<Tensor> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return [.. Tensor.NotNull(parameters.ToArray(), nameof(parameters)).Select(p => p.PeekGrad).OfType<Tensor>()];
    }
}
