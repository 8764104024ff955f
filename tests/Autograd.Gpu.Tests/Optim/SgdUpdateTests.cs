using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests;

/// <summary>Plain gradient descent, which on the host runs at once where nothing is pending: same values, and nobody else's value changes.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class SgdUpdateTests(Device device, bool lazy)
{
    private static readonly float[] s_values = [1f, -2f, 3f, -4f, 5f, -6f, 7f];
    private static readonly float[] s_gradient = [0.1f, 0.2f, 0.3f, -0.4f, 0.5f, 0.6f, 1e-3f];
    private static readonly float[] s_updated = [.. s_values.Zip(s_gradient, (p, g) => p - g * (float)0.1)];

    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [TestCase(true)]
    [TestCase(false)]
    public void TheStepIsTheSameWhetherTheGradientIsPendingOrInMemory(bool isPending)
    {
        var parameter = Parameter();
        parameter.Grad = Gradient();
        if (isPending)
        {
            parameter.Grad = parameter.Grad * 1 + 0;
        }

        int version = parameter.Version;
        using var log = new KernelLog();
        new Sgd([parameter], lr: 0.1).Step();
        Assert.That(parameter.ToArray<float>(), Is.EqualTo(s_updated));
        Assert.That(parameter.Version, Is.GreaterThan(version));
        Assert.That(log.Events.Any(e => e.Reason == "Update"), Is.EqualTo(device.IsHost && !(isPending && lazy)), log.ToString());
    }

    [Test]
    public void WhatSharesOrReadsTheParameterKeepsTheOldValue()
    {
        var parameter = Parameter();
        var clone = parameter.Detach().Clone();
        var pending = parameter.Detach() + 1;
        var view = parameter.Detach()[2..];
        parameter.Grad = Gradient();
        new Sgd([parameter], lr: 0.1).Step();
        Assert.That(parameter.ToArray<float>(), Is.EqualTo(s_updated));
        Assert.That(clone.ToArray<float>(), Is.EqualTo(s_values));
        Assert.That(pending.ToArray<float>(), Is.EqualTo(s_values.Select(v => v + 1)));
        Assert.That(view.ToArray<float>(), Is.EqualTo(s_updated[2..]), "a view sees the write");
    }

    [Test]
    public void AGradientThatIsTheParameterItselfIsReadAsItWas()
    {
        var parameter = Parameter();
        parameter.Grad = parameter.Detach().Clone();
        var gradient = parameter.Grad;
        new Sgd([parameter], lr: 0.5).Step();
        Assert.That(parameter.ToArray<float>(), Is.EqualTo(s_values.Select(v => v / 2)));
        Assert.That(gradient.ToArray<float>(), Is.EqualTo(s_values));
        parameter.Grad = parameter.Detach();
        new Sgd([parameter], lr: 1).Step();
        Assert.That(parameter.ToArray<float>(), Is.All.Zero);
    }

    [Test]
    public void OddGradientsTakeTheOtherWay()
    {
        var matrix = Tensor.FromArray(new double[,] { { 1, 2 }, { 3, 4 } }, device, requiresGrad: true);
        matrix.Grad = Tensor.FromArray(new double[,] { { 1, 0 }, { 2, 0 } }, device).T;
        new Sgd([matrix], lr: 1).Step();
        Assert.That(matrix.ToArray<double>(), Is.EqualTo(new double[] { 0, 0, 3, 4 }));

        var half = Tensor.FromArray([1f, 2f], device).To(DType.Float16).Materialize().RequiresGrad_();
        half.Grad = Tensor.FromArray([0.5f, 0.5f], device).To(DType.Float16).Materialize();
        new Sgd([half], lr: 1).Step();
        Assert.That(half.Doubles(), Is.EqualTo(new[] { 0.5, 1.5 }));

        var empty = Tensor.Zeros([0, 3], device: device).Materialize().RequiresGrad_();
        empty.Grad = Tensor.Zeros([0, 3], device: device).Materialize();
        new Sgd([empty], lr: 1).Step();
        Assert.That(empty.NumElements, Is.Zero);
    }

    [Test]
    public void AWriteAfterTheForwardPassIsNoticed()
    {
        var parameter = Parameter();
        var loss = (parameter * parameter).Sum();
        parameter.Grad = Gradient();
        new Sgd([parameter], lr: 0.1).Step();
        Assert.That(
            Assert.Throws<GradientException>(() => loss.Backward())!.Message, Does.Contain("modified by an inplace operation"));
    }

    private Tensor Parameter() => Tensor.FromArray(s_values, device, requiresGrad: true);

    private Tensor Gradient() => Tensor.FromArray(s_gradient, device);
}
