using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Operations;

/// <summary>x times the standard normal distribution function.</summary>
internal sealed class Gelu() : PointwiseOperation("Gelu", 1)
{
    public override Saves Saves => Saves.Input0;

    public override string? Refusal(DType dtype) =>
        dtype.IsFloatingPoint() ? null : $"Gelu: not implemented for {dtype.Name()}: it takes floating-point tensors. Convert with To(DType.Float32).";

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient * Pointwise.Apply<GeluSlope>(saved.Input0);

    internal static float Invoke(float x) => DeviceMath.Gelu(x);

    internal static double Invoke(double x) => DeviceMath.Gelu(x);

    internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Gelu(x);

    internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Gelu(x);

    internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.Gelu(x);
}

/// <summary>The derivative of <see cref="Gelu"/>: the distribution function plus x times the density.</summary>
internal sealed class GeluSlope() : PointwiseOperation("GeluSlope", 1)
{
    public override Saves Saves => Saves.Input0;

    // (2 - x^2) times the density; x^2 by itself may be infinite where the density is 0.
    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var x = saved.Input0;
        var density = (x * x * -0.5).Exp() * 0.39894228040143267794;
        return gradient * (density * 2 - x * (x * density));
    }

    internal static float Invoke(float x) => DeviceMath.GeluSlope(x);

    internal static double Invoke(double x) => DeviceMath.GeluSlope(x);

    internal static Vector<float> Invoke(Vector<float> x) => VectorMath.GeluSlope(x);

    internal static Vector<double> Invoke(Vector<double> x) => VectorMath.GeluSlope(x);

    internal static Vector512<float> Invoke(Vector512<float> x) => WideMath.GeluSlope(x);
}
