using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Operations;

/// <summary>x times the sigmoid of x.</summary>
internal sealed class Silu() : PointwiseOperation("Silu", 1)
{
    public override ReadOnlySpan<float> WideTables => ActivationTables.Silu;

    public override Saves Saves => Saves.Input0;

    public override string? Refusal(DType dtype) =>
        dtype.IsFloatingPoint() ? null : $"Silu: not implemented for {dtype.Name()}: it takes floating-point tensors. Convert with To(DType.Float32).";

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => Pointwise.Apply<SiluBackward>(gradient, saved.Input0);

    internal static float Invoke(float x) => DeviceMath.Silu(x);

    internal static float InvokeHost(float x) => HostMath.Silu(x);

    internal static double Invoke(double x) => DeviceMath.Silu(x);

    internal static Vector<float> Invoke(Vector<float> x) => VectorMath.Silu(x);

    internal static Vector<double> Invoke(Vector<double> x) => VectorMath.Silu(x);

    internal static Vector512<float> Invoke(
        Vector512<float> x, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, Vector512<float> c4, Vector512<float> c5) =>
        WideMath.Silu(x, c0, c1, c2, c3, c4, c5);
}

/// <summary>A gradient times the derivative of <see cref="Silu"/>: with the sigmoid s, s (1 + x (1 - s)).</summary>
internal sealed class SiluBackward() : PointwiseOperation("SiluBackward", 2)
{
    public override ReadOnlySpan<float> WideTables => FineTables.SiluSlope;

    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => second ? Saves.Inputs : Saves.Input1;

    // By x s (1 - s) (2 + x (1 - 2 s)), where s (1 - s) is the derivative of the sigmoid
    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var x = saved.Input1;
        if (input == 0)
        {
            return Pointwise.Apply<SiluBackward>(gradient, x);
        }

        var s = x.Sigmoid();
        var rest = s * (1 - s);
        return gradient * saved.Input0 * (rest * 2 + x * (rest * (1 - s * 2)));
    }

    internal static float Invoke(float g, float x) => g * DeviceMath.SiluSlope(x);

    internal static float InvokeHost(float g, float x) => g * HostMath.SiluSlope(x);

    internal static double Invoke(double g, double x) => g * DeviceMath.SiluSlope(x);

    internal static Vector<float> Invoke(Vector<float> g, Vector<float> x) => g * VectorMath.SiluSlope(x);

    internal static Vector<double> Invoke(Vector<double> g, Vector<double> x) => g * VectorMath.SiluSlope(x);

    internal static Vector512<float> Invoke(
        Vector512<float> g, Vector512<float> x,
        Vector512<float> c0, Vector512<float> d0, Vector512<float> c1, Vector512<float> d1, Vector512<float> c2, Vector512<float> d2, Vector512<float> c3, Vector512<float> d3, Vector512<float> c4, Vector512<float> d4) =>
        g * WideMath.SiluSlope(x, c0, d0, c1, d1, c2, d2, c3, d3, c4, d4);
}
