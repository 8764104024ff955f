using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Operations;

// Derivatives of activations that a training step computes for a few elements at a time. One operation, where the formula would be three: a third of the objects, and
// a single function of values in memory needs no graph. Nor is there an intermediate value, pending for good, that holds the saved tensor's memory until a collection.

/// <summary>A gradient times the derivative of tanh, given its result y: g (1 - y^2).</summary>
internal sealed class TanhBackward() : PointwiseOperation("TanhBackward", 2)
{
    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => second ? Saves.Inputs : Saves.Input1;

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input == 0
        ? Pointwise.Apply<TanhBackward>(gradient, saved.Input1)
        : gradient * (saved.Input0 * saved.Input1 * -2);

    internal static float Invoke(float g, float y) => g * (1f - y * y);

    internal static double Invoke(double g, double y) => g * (1d - y * y);

    internal static Vector<float> Invoke(Vector<float> g, Vector<float> y) => g * (Vector<float>.One - y * y);

    internal static Vector<double> Invoke(Vector<double> g, Vector<double> y) => g * (Vector<double>.One - y * y);

    internal static Vector512<float> Invoke(Vector512<float> g, Vector512<float> y) => g * (Vector512<float>.One - y * y);
}

/// <summary>A gradient times the derivative of the sigmoid, given its result y: g (y (1 - y)).</summary>
internal sealed class SigmoidBackward() : PointwiseOperation("SigmoidBackward", 2)
{
    public override Saves Saves => Saves.Inputs;

    public override Saves InputsFor(bool first, bool second) => second ? Saves.Inputs : Saves.Input1;

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input == 0
        ? Pointwise.Apply<SigmoidBackward>(gradient, saved.Input1)
        : gradient * (saved.Input0 * (1 - 2 * saved.Input1));

    internal static float Invoke(float g, float y) => g * (y * (1f - y));

    internal static double Invoke(double g, double y) => g * (y * (1d - y));

    internal static Vector<float> Invoke(Vector<float> g, Vector<float> y) => g * (y * (Vector<float>.One - y));

    internal static Vector<double> Invoke(Vector<double> g, Vector<double> y) => g * (y * (Vector<double>.One - y));

    internal static Vector512<float> Invoke(Vector512<float> g, Vector512<float> y) => g * (y * (Vector512<float>.One - y));
}

/// <summary>A gradient where the result y of relu is above 0.</summary>
internal sealed class ReluBackward() : PointwiseOperation("ReluBackward", 2)
{
    /// <summary>PyTorch's node of it.</summary>
    public override string NodeName => "ThresholdBackwardBackward0";

    public override Saves Saves => Saves.Input1;

    public override (double Low, double High) Domain => (0.1, 3);

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) =>
        input == 0 ? Pointwise.Apply<ReluBackward>(gradient, saved.Input1) : null;

    internal static float Invoke(float g, float y) => y > 0f ? g : 0f;

    internal static double Invoke(double g, double y) => y > 0d ? g : 0d;

    internal static Vector<float> Invoke(Vector<float> g, Vector<float> y) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), g, Vector<float>.Zero);

    internal static Vector<double> Invoke(Vector<double> g, Vector<double> y) =>
        Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<double>.Zero), g, Vector<double>.Zero);

    internal static Vector512<float> Invoke(Vector512<float> g, Vector512<float> y) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(y, Vector512<float>.Zero), g, Vector512<float>.Zero);
}
