using System.Numerics;

namespace Autograd.Gpu.Samples.BeyondBackward;

/// <summary>x / (1 + |x|).</summary>
public sealed class Softsign : PointwiseFunction<Softsign>
{
    /// <inheritdoc/>
    public override Saves Saves => Saves.Input0;

    /// <summary>The function of one number.</summary>
    public static float Invoke(float x) => x / (1f + (x < 0f ? -x : x));

    /// <summary>The same in double precision.</summary>
    public static double Invoke(double x) => x / (1d + (x < 0d ? -x : x));

    /// <summary>The same of a vector.</summary>
    public static Vector<float> Invoke(Vector<float> x) => x / (Vector<float>.One + Vector.Abs(x));

    /// <inheritdoc/>
    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var scale = 1 + saved.Input0.Abs();
        return gradient / (scale * scale);
    }
}
