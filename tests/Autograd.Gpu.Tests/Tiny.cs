using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests;

/// <summary>A smoke test of everything, in seconds: if these fail, look here first.</summary>
[TestFixtureSource(nameof(HostDevices))]
internal sealed class Tiny(Device device)
{
    private static readonly Device[] HostDevices = [Device.Cpu, Device.CpuKernels];

    [Test]
    public void Make() => Assert.That(Tensor.Ones([2, 2], device: device).ToArray<float>(), Is.EqualTo(new float[] { 1, 1, 1, 1 }));

    [Test]
    public void Count() => Assert.That(Tensor.Arange(1, 6, 2, device: device).ToArray<long>(), Is.EqualTo(new long[] { 1, 3, 5 }));

    [Test]
    public void Add() => Assert.That((Of(1, 2) + Of(10, 20)).ToArray<float>(), Is.EqualTo(new float[] { 11, 22 }));

    [Test]
    public void Broadcast() => Assert.That((Of(1, 2).Reshape(2, 1) * Of(3, 4)).ToArray<float>(), Is.EqualTo(new float[] { 3, 4, 6, 8 }));

    [Test]
    public void Promote() => Assert.That((Tensor.Full([2], 1, device: device) + 0.5).ToArray<float>(), Is.EqualTo(new[] { 1.5f, 1.5f }));

    [Test]
    public void Divide() => Assert.That((1 / Of(4, 0)).ToArray<float>(), Is.EqualTo(new[] { 0.25f, float.PositiveInfinity }));

    [Test]
    public void Elementary() => Assert.That(Of(0.5f).Exp().Log().Tanh().Item<float>(), Is.EqualTo(MathF.Tanh(0.5f)).Within(1e-6));

    [Test]
    public void Compare() => Assert.That((Of(1, 2, 3) > 1.5).ToArray<bool>(), Is.EqualTo(new[] { false, true, true }));

    [Test]
    public void Choose() => Assert.That(Tensor.Where(Of(-1, 1) > 0, Of(5, 6), 0.0).ToArray<float>(), Is.EqualTo(new float[] { 0, 6 }));

    [Test]
    public void Sum() => Assert.That(Of(1, 2, 3, 4).Reshape(2, 2).Sum(0).ToArray<float>(), Is.EqualTo(new float[] { 4, 6 }));

    [Test]
    public void Largest() => Assert.That((Of(1, 7, 3).Amax().Item<float>(), Of(1, 7, 3).ArgMax().Item<long>()), Is.EqualTo((7f, 1L)));

    [Test]
    public void Multiply() => Assert.That(
        Of(1, 2, 3, 4).Reshape(2, 2).MatMul(Of(1, 1, 1, 0).Reshape(2, 2)).ToArray<float>(), Is.EqualTo(new float[] { 3, 1, 7, 3 }));

    [Test]
    public void View() => Assert.That(Of(1, 2, 3, 4, 5, 6).Reshape(2, 3).T[1..].ToArray<float>(), Is.EqualTo(new float[] { 2, 5, 3, 6 }));

    [Test]
    public void WriteInPlace()
    {
        var x = Of(1, 2, 3);
        x[1..].Mul_(10);
        Assert.That(x.ToArray<float>(), Is.EqualTo(new float[] { 1, 20, 30 }));
    }

    [Test]
    public void Join() => Assert.That(Tensor.Cat([Of(1), Of(2, 3)]).ToArray<float>(), Is.EqualTo(new float[] { 1, 2, 3 }));

    [Test]
    public void Softmax() => Assert.That(Of(1, 1, 1, 1).Softmax(0).ToArray<float>(), Is.EqualTo(new[] { 0.25f, 0.25f, 0.25f, 0.25f }));

    [Test]
    public void Print() => Assert.That(
        (Tensor.Ones([2], device: device, requiresGrad: true) * 27).ToString(), Is.EqualTo("tensor([27., 27.], grad_fn=<MulBackward0>)"));

    [Test]
    public void Tutorial()
    {
        var x = Tensor.Ones([2, 2], device: device, requiresGrad: true);
        var y = x + 2;
        var result = (y * y * 3).Mean();
        result.Backward();
        Assert.That((result.Item<float>(), x.Grad!.ToArray<float>()), Is.EqualTo((27f, new[] { 4.5f, 4.5f, 4.5f, 4.5f })));
    }

    [Test]
    public void SecondOrder()
    {
        var x = Tensor.Of(2.0, DType.Float64, device, requiresGrad: true);
        var slope = Autodiff.Grad(x * x * x, x, createGraph: true);
        Assert.That(Autodiff.Grad(slope, x).Item<double>(), Is.EqualTo(12));
    }

    [Test]
    public void CheckGradients() => Assert.That(
        Autodiff.GradCheck(x => (x.Tanh() * x).Sum(), Tensor.FromArray([0.3, -0.7], device, requiresGrad: true)));

    [Test]
    public void NoGradients()
    {
        using (Autodiff.NoGrad())
        {
            Assert.That((Tensor.Ones([1], device: device, requiresGrad: true) * 2).RequiresGrad, Is.False);
        }
    }

    [Test]
    public void Draw()
    {
        var values = Tensor.Rand([100], device: device).ToArray<float>();
        Assert.That(values, Has.All.InRange(0f, 1f));
        Assert.That(values.Distinct().Count(), Is.GreaterThan(90));
    }

    [Test]
    public void Train()
    {
        Tensor.ManualSeed(1);
        var layer = new Linear(1, 1, device: device);
        var optimizer = new Sgd(layer.Parameters(), lr: 0.1);
        var x = Of(-1, 0, 1).Reshape(3, 1);
        for (int step = 0; step < 60; step++)
        {
            optimizer.ZeroGrad();
            Functional.MseLoss(layer.Call(x), x * 2 + 1).Backward();
            optimizer.Step();
        }

        Assert.That((layer.Weight.Item<float>(), layer.Bias!.Item<float>()), Is.EqualTo((2f, 1f)).Within(0.05f));
    }

    private Tensor Of(params float[] values) => Tensor.FromArray(values, device);
}
