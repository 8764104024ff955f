using System.Numerics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Tests;

/// <summary>x / (1 + |x|), as a program declares it: scalar and vector form and the derivative.</summary>
public sealed class Softsign : PointwiseFunction<Softsign>
{
    public override Saves Saves => Saves.Input0;

    public override (double Low, double High) Domain => (0.1, 3);

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var scale = 1 + saved.Input0.Abs();
        return gradient / (scale * scale);
    }

    public static float Invoke(float x) => x / (1f + (x < 0f ? -x : x));

    public static double Invoke(double x) => x / (1d + (x < 0d ? -x : x));

    public static Vector<float> Invoke(Vector<float> x) => x / (Vector<float>.One + Vector.Abs(x));

    public static Vector<double> Invoke(Vector<double> x) => x / (Vector<double>.One + Vector.Abs(x));
}

/// <summary>x, and where that is negative slope times x: two inputs, scalar forms alone.</summary>
public sealed class LeakySlope : PointwiseFunction<LeakySlope>
{
    public override Saves Saves => Saves.Inputs;

    public override (double Low, double High) Domain => (0.1, 3);

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => input == 0
        ? Tensor.Where(saved.Input0 < 0, gradient * saved.Input1, gradient)
        : Tensor.Where(saved.Input0 < 0, gradient * saved.Input0, 0.0);

    public static float Invoke(float x, float slope) => x < 0f ? x * slope : x;

    public static double Invoke(double x, double slope) => x < 0d ? x * slope : x;
}

/// <summary>exp(-(x - m)^2) of two inputs, by a function of the library that kernels may call.</summary>
[NotInTable]
public sealed class GaussianBump : PointwiseFunction<GaussianBump>
{
    public override Saves Saves => Saves.Inputs | Saves.Output;

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved)
    {
        var slope = 2 * (saved.Input1 - saved.Input0) * saved.Output;
        return input == 0 ? gradient * slope : -gradient * slope;
    }

    public static float Invoke(float x, float m) => DeviceMath.Exp(-(x - m) * (x - m));

    public static double Invoke(double x, double m) => DeviceMath.Exp(-(x - m) * (x - m));
}

/// <summary>No Invoke at all.</summary>
[NotInTable]
public sealed class Undeclared : PointwiseFunction<Undeclared>
{
    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => gradient;
}

/// <summary>Float32 alone; the derivative is 0.</summary>
[NotInTable]
public sealed class HalfStep : PointwiseFunction<HalfStep>
{
    public override string Name => "half step";

    public override Tensor? Gradient(int input, Tensor gradient, in SavedValues saved) => null;

    public static float Invoke(float x) => x > 0f ? 1f : 0.5f;
}

/// <summary>
/// Pointwise operations of the program's own. That they compute the right thing on every device, strided, empty, in place and in second order is shown by the tests of all
/// pointwise operations (<see cref="PointwiseForwardTests"/>, <see cref="PointwiseGradientTests"/>), which find the two above by reflection.
/// </summary>
internal sealed class PointwiseFunctionTests
{
    private static IEnumerable<Device> Devices => TestDevices.All;

    [Test]
    public void TheTableOfOperationsHasThem() =>
        Assert.That(PointwiseTable.Operations.Select(o => o.Name), Does.Contain("Softsign").And.Contain("LeakySlope").And.Contain("Tanh"));

    [TestCaseSource(nameof(Devices))]
    public void TheyFuseWithTheirNeighboursForwardAndBack(Device device)
    {
        using var mode = Laziness.Set(true);
        var x = Tensor.Linspace(-1, 1, 1000, device: device).RequiresGrad_();
        x.Materialize();
        using var log = new KernelLog();
        var y = Softsign.Apply(x * 2) + GaussianBump.Apply(x, 0.5);
        var sum = y.Sum();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
        Assert.That(log.ToString(), Does.Contain("Softsign").And.Contain("GaussianBump").And.Contain("Mul"));

        log.Clear();
        sum.Backward();
        x.Grad!.Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
    }

    [TestCaseSource(nameof(Devices))]
    public void NodesAndErrorsBearTheirName(Device device)
    {
        var x = Tensor.Ones([2], device: device, requiresGrad: true);
        Assert.That(Softsign.Apply(x).GradFn!.Name, Is.EqualTo("SoftsignBackward0"));
        Assert.That(HalfStep.Apply(x).GradFn!.Name, Is.EqualTo("half stepBackward0"));
        HalfStep.Apply(x).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0 }));

        Assert.That(
            Assert.Throws<DTypeException>(() => HalfStep.Apply(x.To(DType.Float64)))!.Message, Does.Contain("half step: not implemented for float64"));
        Assert.That(HalfStep.Apply(Tensor.Full([1], 3, DType.Int64, device)).DType, Is.EqualTo(DType.Float32), "integers are cast");
        Assert.That(Assert.Throws<AutogradException>(() => Softsign.Apply(x, x))!.Message, Does.Contain("Softsign: takes 1 inputs").And.Contain("2 were given"));
        Assert.That(Assert.Throws<AutogradException>(() => Undeclared.Apply(x))!.Message, Does.Contain("Undeclared: has no static method named Invoke"));
        Assert.That(
            Assert.Throws<GradientException>(() => Softsign.Apply_(x))!.Message, Does.Contain("Softsign_: a leaf Variable that requires grad"));
        var y = x * 2;
        Assert.That(Softsign.Apply_(y), Is.SameAs(y));
        Assert.That(y.Doubles(), Is.EqualTo(new[] { 2 / 3.0, 2 / 3.0 }).Within(1e-7));
    }

    [TestCaseSource(nameof(Devices))]
    public void WhatTheyNameIsSavedAndNothingElse(Device device)
    {
        var x = Tensor.Ones([2], device: device, requiresGrad: true);
        Assert.That(Softsign.Apply(x).GradFn!.SavedTensors.Select(s => s.Name), Is.EqualTo(new[] { "input0" }));
        Assert.That(GaussianBump.Apply(x, 0.5).GradFn!.SavedTensors.Select(s => s.Name), Is.EqualTo(new[] { "input0", "input1", "output" }));
        Assert.That(HalfStep.Apply(x).GradFn!.SavedTensors, Is.Empty);
        var y = x * 2;
        var z = Softsign.Apply(y);
        y.Add_(1);
        Assert.That(Assert.Throws<GradientException>(() => z.Sum().Backward())!.Message, Does.Contain("SoftsignBackward0: one of the variables needed"));
    }
}
