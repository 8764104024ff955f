namespace Autograd.Gpu.Nn;

// The mask is a comparison of pending random numbers: it is part of the kernel that uses it, and the backward pass, which keeps seed and counter but no
// element of it, computes it again.
public static partial class Functional
{
    /// <summary>The negative saturation of selu, scale * alpha, towards which dropped elements go in alpha dropout.</summary>
    private const double SeluSaturation = 1.7580993408473766;

    /// <summary>
    /// Zeros elements with probability <paramref name="p"/> and multiplies the others by 1 / (1 - p), so that the mean stays. The random numbers are from the device's
    /// generator, one for each element; inside Vmap they follow its randomness.
    /// </summary>
    /// <param name="input">Any shape, a floating-point dtype.</param>
    /// <param name="p">The probability of an element to be zeroed.</param>
    /// <param name="training">Whether anything is done at all.</param>
    /// <param name="inplace">Whether the result is written over the input.</param>
    /// <param name="generator">Where the numbers come from; by default the device's generator.</param>
    /// <exception cref="ArgumentException">p is no probability.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    public static Tensor Dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false, Generator? generator = null) =>
        Dropped("Dropout", Tensor.NotNull(input), input.Shape, p, training, inplace, isAlpha: false, generator);

    /// <summary>
    /// Dropout for self-normalising networks: dropped elements become the negative saturation of selu, and an affine map of the result keeps mean 0 and variance 1
    /// (G. Klambauer and others, Self-normalizing neural networks, 2017).
    /// </summary>
    /// <inheritdoc cref="Dropout"/>
    public static Tensor AlphaDropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false, Generator? generator = null) =>
        Dropped("AlphaDropout", Tensor.NotNull(input), input.Shape, p, training, inplace, isAlpha: true, generator);

    /// <summary><see cref="Dropout"/> of whole channels of [N, C, L] or [C, L].</summary>
    /// <exception cref="ShapeException">The input has another number of dimensions.</exception>
    /// <inheritdoc cref="Dropout"/>
    public static Tensor Dropout1d(Tensor input, double p = 0.5, bool training = true, bool inplace = false, Generator? generator = null) =>
        Dropped("Dropout1d", Tensor.NotNull(input), Channels("Dropout1d", input, 2, 3, hasBatch: input.Rank == 3), p, training, inplace, isAlpha: false, generator);

    /// <summary><see cref="Dropout"/> of whole channels of [N, C, H, W], or of [N, C, L] as in PyTorch.</summary>
    /// <exception cref="ShapeException">The input has another number of dimensions.</exception>
    /// <inheritdoc cref="Dropout"/>
    public static Tensor Dropout2d(Tensor input, double p = 0.5, bool training = true, bool inplace = false, Generator? generator = null) =>
        Dropped("Dropout2d", Tensor.NotNull(input), Channels("Dropout2d", input, 3, 4, hasBatch: true), p, training, inplace, isAlpha: false, generator);

    /// <summary><see cref="Dropout"/> of whole channels of [N, C, D, H, W] or [C, D, H, W].</summary>
    /// <exception cref="ShapeException">The input has another number of dimensions.</exception>
    /// <inheritdoc cref="Dropout"/>
    public static Tensor Dropout3d(Tensor input, double p = 0.5, bool training = true, bool inplace = false, Generator? generator = null) =>
        Dropped("Dropout3d", Tensor.NotNull(input), Channels("Dropout3d", input, 4, 5, hasBatch: input.Rank == 5), p, training, inplace, isAlpha: false, generator);

    /// <summary><see cref="AlphaDropout"/> of whole channels of [N, C, ..].</summary>
    /// <exception cref="ShapeException">The input has less than two dimensions.</exception>
    /// <inheritdoc cref="Dropout"/>
    public static Tensor FeatureAlphaDropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false, Generator? generator = null) =>
        Dropped("FeatureAlphaDropout", Tensor.NotNull(input), Channels("FeatureAlphaDropout", input, 2, int.MaxValue, hasBatch: true), p, training, inplace, isAlpha: true, generator);

    private static Tensor Dropped(
        string name, Tensor input, Shape mask, double p, bool training, bool inplace, bool isAlpha, Generator? generator)
    {
        if (!(p >= 0 && p <= 1))
        {
            throw new ArgumentException($"{name}: dropout probability has to be between 0 and 1, but got {p}.", nameof(p));
        }

        if (!input.DType.IsFloatingPoint())
        {
            throw new DTypeException(
                $"{name}: result type Float can't be cast to the desired output type: expected a floating-point input, but got {input.DType.Name()}. Convert it with To(DType.Float32).");
        }

        if (!training || p == 0)
        {
            return input;
        }

        var keep = (Tensor.Rand(mask, DType.Float32, input.Device, generator: generator) >= p).To(input.DType);
        if (!isAlpha || p == 1)
        {
            // Nothing is left to be scaled where all is dropped.
            double scale = p == 1 ? 0 : 1 / (1 - p);
            return inplace ? input.Mul_(keep).Mul_(scale) : input * keep * scale;
        }

        double a = 1 / Math.Sqrt((SeluSaturation * SeluSaturation * p + 1) * (1 - p));
        var shift = (keep - 1) * (SeluSaturation * a) + SeluSaturation * a * p;
        return inplace ? input.Mul_(keep * a).Add_(shift) : input * (keep * a) + shift;
    }

    private static Shape Channels(string name, Tensor input, int least, int most, bool hasBatch)
    {
        if (input.Rank < least || input.Rank > most)
        {
            throw new ShapeException(
                $"{name}: Expected {(most == int.MaxValue ? $"at least {least}D" : $"{least}D or {most}D")} input, but received a {input.Rank}D input (shape {input.Shape}). "
                + "Use Dropout for other shapes.");
        }

        var sizes = input.Shape.ToArray();
        sizes.AsSpan(hasBatch ? 2 : 1).Fill(1);
        return sizes;
    }
}
