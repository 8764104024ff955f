namespace Autograd.Gpu.Tests;

/// <summary>Dispose, errors where they are made, and several threads.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class LifetimeTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void DisposeGivesTheMemoryBackAtOnce()
    {
        long before = device.Memory.ActiveBytes;
        var x = Tensor.Rand([1000, 10], device: device).Materialize();
        Assert.That(device.Memory.ActiveBytes, Is.GreaterThanOrEqualTo(before + 40_000));
        x.Dispose();
        x.Dispose();
        Assert.That(device.Memory.ActiveBytes, Is.LessThan(before + 40_000));
        Assert.That(x.ToString(), Is.EqualTo("tensor(disposed)"));
        var failure = Assert.Throws<ObjectDisposedException>(() => _ = x + 1);
        Assert.That(failure!.Message, Does.Contain("disposed"));
        Assert.Throws<ObjectDisposedException>(() => x.ToArray<float>());
        Assert.Throws<ObjectDisposedException>(() => x.Reshape(-1));
    }

    [Test]
    public void WhatReadADisposedTensorKeepsItsValue()
    {
        var x = Tensor.FromArray([1f, 2f], device);
        var sum = x + 1;
        var view = x[1..];
        var clone = x.Clone();
        x.Dispose();
        var other = Tensor.FromArray([8f, 9f], device);
        Assert.That(sum.ToArray<float>(), Is.EqualTo(new[] { 2f, 3 }));
        Assert.That(view.ToArray<float>(), Is.EqualTo(new[] { 2f }));
        view.Dispose();
        Assert.That(clone.ToArray<float>(), Is.EqualTo(new[] { 1f, 2 }));
        Assert.That(other.ToArray<float>(), Is.EqualTo(new[] { 8f, 9 }));
    }

    [Test]
    public void DisposedInputsOfTheTapeStillDifferentiate()
    {
        var x = Tensor.FromArray([1.0, 2.0], device, requiresGrad: true);
        var middle = x.Exp();
        var result = (middle + 1).Sum();
        middle.Dispose();
        result.Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { Math.E, Math.Exp(2) }).Within(1e-14));
    }

    [Test]
    public void ErrorsAreRaisedWhereTheOperationIsCalled()
    {
        var (two, three) = (Tensor.Ones([2], device: device), Tensor.Ones([3], device: device));
        var shape = Assert.Throws<ShapeException>(() => _ = two * three);
        Assert.That(shape!.Message, Does.StartWith("Mul: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"));
        Assert.Throws<ShapeException>(() => two.MatMul(three));
        Assert.Throws<ShapeException>(() => two.Reshape(3));
        Assert.Throws<ShapeException>(() => two.Sum(1));
        Assert.Throws<ShapeException>(() => _ = two[2]);
        Assert.Throws<ShapeException>(() => _ = two[0, 0]);
        Assert.Throws<ShapeException>(() => Tensor.Cat([two, Tensor.Ones([2, 2], device: device)]));
        Assert.Throws<ShapeException>(() => Tensor.Zeros([0], device: device).Amax());
        Assert.Throws<DTypeException>(() => Tensor.Full([2], 1, device: device).Mean());
        Assert.Throws<DTypeException>(() => Tensor.Where(two, two, two));
        Assert.Throws<DTypeException>(() => two.ToArray<double>());
        Assert.Throws<DTypeException>(() => two.MatMul(two.To(DType.Float64)));
        var elsewhere = Tensor.Ones([2], device: device == Device.Cpu ? Device.CpuKernels : Device.Cpu);
        var devices = Assert.Throws<DeviceMismatchException>(() => _ = two + elsewhere);
        Assert.That(devices!.Message, Does.Contain("Expected all tensors to be on the same device").And.Contain(device.ToString()).And.Contain(elsewhere.Device.ToString()));
        Assert.That(two.ToArray<float>(), Is.EqualTo(new[] { 1f, 1 }), "what failed left no trace");
    }

    [Test]
    public void SeveralThreadsComputeOnOneDevice()
    {
        var shared = Tensor.Arange(50, DType.Float32, device) * 2;
        var sums = new float[4];
        var threads = sums.Select((_, t) => new Thread(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                sums[t] += ((shared + t) * 1.0).Sum().Item<float>();
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.That(sums, Is.EqualTo(Enumerable.Range(0, 4).Select(t => 20f * (2450 + 50 * t))));
    }
}
