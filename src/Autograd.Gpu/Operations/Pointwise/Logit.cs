namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// ln(x / (1 - x)), the inverse of <see cref="Sigmoid()"/>: infinite at 0 and 1, nan beyond. With <paramref name="eps"/> the elements are first moved into
    /// [eps, 1 - eps]; for those outside the derivative is 0. Half types are computed in float32.
    /// </summary>
    /// <exception cref="DTypeException">This is not a floating-point tensor.</exception>
    public Tensor Logit(double? eps = null)
    {
        var x = Real("Logit");
        if (eps is { } margin)
        {
            x = x.Clamp(margin, 1 - margin);
        }

        return Rounded((x / (1 - x)).Log());
    }
}
