using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Operations;

/// <summary>x times the standard normal distribution function.</summary>
internal sealed class Gelu() : PointwiseOperation("Gelu", 1)
{
    public override ReadOnlySpan<float> WideTables => FineTables.Gelu[..FineTables.Bank];

    public override Saves Saves => Saves.Input0;

    public override string? Refusal(DType dtype) =>
        dtype.IsFloatingPoint() ? null : $"Gelu: not implemented for {dtype.Name()}: it takes floating-point tensors. Convert with To(DType.Float32).";

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => Pointwise.Apply<GeluBackward>(gradient, saved.Input0);

    internal static float Invoke(float x) => DeviceMath.Gelu(x);

    internal static float InvokeHost(float x) => HostMath.Gelu(x);

    internal static double Invoke(double x) => DeviceMath.Gelu(x);

    internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Gelu(x);

    internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Gelu(x);

    internal static Vector512<float> Invoke(
        Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4) =>
        WideMath.Gelu(x, c0, d0, c1, d1, c2, d2, c3, d3, c4, d4);
}

/// <summary>A gradient times the derivative of <see cref="Gelu"/>: the distribution function plus x times the density.</summary>
internal sealed class GeluBackward() : PointwiseOperation("GeluBackward", 2)
{
    public override ReadOnlySpan<float> WideTables => FineTables.GeluSlope[..FineTables.Bank];

    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => second ? Saves.Inputs : Saves.Input1;

    // By x (2 - x^2) times the density; x^2 by itself may be infinite where the density is 0.
    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var x = saved.Input1;
        if (input == 0)
        {
            return Pointwise.Apply<GeluBackward>(gradient, x);
        }

        var density = (x * x * -0.5).Exp() * 0.39894228040143267794;
        return gradient * saved.Input0 * (density * 2 - x * (x * density));
    }

    internal static float Invoke(float g, float x) => g * DeviceMath.GeluSlope(x);

    internal static float InvokeHost(float g, float x) => g * HostMath.GeluSlope(x);

    internal static double Invoke(double g, double x) => g * DeviceMath.GeluSlope(x);

    internal static Vector<float> Invoke(Vector<float> g, Vector<float> x) => g * VectorMath.GeluSlope(x);

    internal static Vector<double> Invoke(Vector<double> g, Vector<double> x) => g * VectorMath.GeluSlope(x);

    internal static Vector512<float> Invoke(
        Vector512<float> g, Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4) =>
        g * WideMath.GeluSlope(x, c0, d0, c1, d1, c2, d2, c3, d3, c4, d4);
}
