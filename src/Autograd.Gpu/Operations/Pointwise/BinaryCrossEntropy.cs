using System.Numerics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Operations;

/// <summary>
/// -(y log(x) + (1 - y) log(1 - x)), logarithms not below -100. A class of its own since the derivative with respect to x is PyTorch's (x - y) / (x (1 - x)), with
/// at least 1e-12 below: that of the parts is nan where x is 0 or 1.
/// </summary>
internal sealed class BinaryCrossEntropy() : PointwiseOperation("BinaryCrossEntropy", 2)
{
    public override Saves Saves => Saves.Inputs;

    public override (double Low, double High) Domain => (0.05, 0.95);

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var x = saved.Input0;
        return input == 0
            ? gradient * (x - saved.Input1) / ((1 - x) * x).Clamp((Scalar)1e-12)
            : gradient * ((-x).Log1p() - x.Log());
    }

    internal static float Invoke(float x, float y)
    {
        float log = DeviceMath.Log(x), other = DeviceMath.Log1p(-x);
        log = log < -100f ? -100f : log;
        other = other < -100f ? -100f : other;
        return (y - 1f) * other - y * log;
    }

    internal static double Invoke(double x, double y)
    {
        double log = DeviceMath.Log(x), other = DeviceMath.Log1p(-x);
        log = log < -100d ? -100d : log;
        other = other < -100d ? -100d : other;
        return (y - 1d) * other - y * log;
    }

    internal static Vector<float> Invoke(Vector<float> x, Vector<float> y)
    {
        var bound = new Vector<float>(-100f);
        var (log, other) = (VectorMath.Log(x), VectorMath.Log1p(-x));
        log = Vector.ConditionalSelect(Vector.LessThan(log, bound), bound, log);
        other = Vector.ConditionalSelect(Vector.LessThan(other, bound), bound, other);
        return (y - Vector<float>.One) * other - y * log;
    }

    internal static Vector<double> Invoke(Vector<double> x, Vector<double> y)
    {
        var bound = new Vector<double>(-100d);
        var (log, other) = (VectorMath.Log(x), VectorMath.Log1p(-x));
        log = Vector.ConditionalSelect(Vector.LessThan(log, bound), bound, log);
        other = Vector.ConditionalSelect(Vector.LessThan(other, bound), bound, other);
        return (y - Vector<double>.One) * other - y * log;
    }
}
