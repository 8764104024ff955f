using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Operations;

/// <summary>(x - y)^2, the terms of the mean squared error: one operation where the formula would be two, with a derivative of one where it would be four.</summary>
internal sealed class SquaredError() : PointwiseOperation("SquaredError", 2)
{
    /// <summary>PyTorch's node of the loss without a mean.</summary>
    public override string NodeName => "MseLossBackward0";

    public override Saves Saves => Saves.Inputs;

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input == 0
        ? Pointwise.Apply<SquaredErrorBackward>(gradient, saved.Input0, saved.Input1)
        : Pointwise.Apply<SquaredErrorBackward>(gradient, saved.Input1, saved.Input0);

    internal static float Invoke(float x, float y) => (x - y) * (x - y);

    internal static double Invoke(double x, double y) => (x - y) * (x - y);

    internal static Vector<float> Invoke(Vector<float> x, Vector<float> y) => (x - y) * (x - y);

    internal static Vector<double> Invoke(Vector<double> x, Vector<double> y) => (x - y) * (x - y);

    internal static Vector512<float> Invoke(Vector512<float> x, Vector512<float> y) => (x - y) * (x - y);
}

/// <summary>A gradient times the derivative of the squared error: 2 g (x - y), doubled last, as a sum of two products would be.</summary>
internal sealed class SquaredErrorBackward() : PointwiseOperation("SquaredErrorBackward", 3)
{
    public override string NodeName => "MseLossBackwardBackward0";

    public override Saves Saves => Saves.Input0 | Saves.Input1 | Saves.Input2;

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input switch
    {
        0 => Pointwise.Apply<SquaredErrorBackward>(gradient, saved.Input1, saved.Input2),
        1 => gradient * saved.Input0 * 2,
        _ => gradient * saved.Input0 * -2,
    };

    internal static float Invoke(float g, float x, float y) => 2f * (g * (x - y));

    internal static double Invoke(double g, double x, double y) => 2d * (g * (x - y));

    internal static Vector<float> Invoke(Vector<float> g, Vector<float> x, Vector<float> y) => 2f * (g * (x - y));

    internal static Vector<double> Invoke(Vector<double> g, Vector<double> x, Vector<double> y) => 2d * (g * (x - y));

    internal static Vector512<float> Invoke(Vector512<float> g, Vector512<float> x, Vector512<float> y) => 2f * (g * (x - y));
}
