namespace Autograd.Gpu.Tests.Tape;

/// <summary>Gradients that a pass hands to <see cref="Tensor.Grad"/> without a copy: their memory comes back at once, and nobody else's goes with it.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class PassingGradientTests(Device device, bool lazy)
{
    private const int Large = 1 << 17;
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void AGradientThatNobodyAskedForGivesItsMemoryBack()
    {
        using var x = Leaf(Large);
        using var scale = Tensor.Full([Large], 3f, device: device).Materialize();
        long before = 0;
        for (int i = 0; i < 6; i++)
        {
            x.Grad = null;
            before = i == 1 ? device.Memory.ActiveBytes : before;
            using var y = x.Tanh() * scale;
            using var loss = y.Sum();
            loss.Backward();
            x.PeekGrad!.Materialize();
        }

        x.Grad = null;
        if (lazy)
        {
            Assert.That(device.Memory.ActiveBytes - before, Is.LessThan(2 * Large * sizeof(float)));
        }
    }

    [Test]
    public void AGradientThatWasAskedForStays()
    {
        using var x = Leaf(5);
        (x.Tanh() * 2).Sum().Backward();
        var gradient = x.Grad!;
        x.Grad = null;
        Assert.That(gradient.ToArray<float>(), Is.All.EqualTo(2f).Within(1e-6));
    }

    [Test]
    public void LeavesThatGetOneGradientDoNotShareIt()
    {
        using var a = Leaf(5);
        using var b = Leaf(5);
        (a + b).Tanh().Sum().Backward();
        a.Grad!.Add_(1);
        a.Grad = null;
        Assert.That(b.Grad!.ToArray<float>(), Is.All.EqualTo(1f).Within(1e-6));
        b.Grad = null;

        (a + a).Tanh().Sum().Backward();
        Assert.That(a.Grad!.ToArray<float>(), Is.All.EqualTo(2f).Within(1e-6));
    }

    [Test]
    public void PassesAccumulateIntoATakenGradient()
    {
        using var x = Leaf(5);
        (x.Tanh() * 2).Sum().Backward();
        (x.Tanh() * 3).Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.All.EqualTo(5f).Within(1e-6));
    }

    [Test]
    public void TheCallersOwnGradientStays()
    {
        using var x = Leaf(5);
        using var given = Tensor.Full([5], 7f, device: device);
        (x + 1).Backward(given);
        x.Grad = null;
        Assert.That(given.ToArray<float>(), Is.All.EqualTo(7f));
        (x * 2).Backward(given);
        x.Grad = null;
        Assert.That(given.ToArray<float>(), Is.All.EqualTo(7f));
    }

    [Test]
    public void WhatAHookKeptStays()
    {
        using var x = Leaf(5);
        var kept = new List<Tensor>();
        var middle = x + 1;
        middle.RegisterHook(kept.Add);
        x.RegisterHook(kept.Add);
        (middle * 2).Sum().Backward();
        x.Grad = null;
        Assert.That(kept, Has.Count.EqualTo(2));
        Assert.That(kept.Select(k => k.ToArray<float>()), Is.All.EqualTo(new float[] { 2, 2, 2, 2, 2 }));
    }

    [Test]
    public void WhatAFunctionKeptStays()
    {
        using var x = Leaf(5);
        (new Keeping().Apply(x + 1) * 2).Sum().Backward();
        x.Grad = null;
        Assert.That(Keeping.Kept!.ToArray<float>(), Is.All.EqualTo(2f));
    }

    [Test]
    public void GradientsThatGradReturnsAreApart()
    {
        using var x = Leaf(5);
        using var y = Leaf(5);
        var gradients = Autodiff.Grad([(x + y).Tanh().Sum()], [x, y]);
        gradients[0]!.Add_(1);
        gradients[0]!.Dispose();
        Assert.That(gradients[1]!.ToArray<float>(), Is.All.EqualTo(1f).Within(1e-6));
    }

    /// <summary>Zeros, so that the derivative of tanh is 1.</summary>
    private Tensor Leaf(int count) => Tensor.Zeros([count], device: device).Materialize().RequiresGrad_();

    private sealed class Keeping : UnaryFunction
    {
        public static Tensor? Kept { get; private set; }

        protected override Tensor Forward(Tensor x) => x.Clone();

        protected override Tensor? Backward(Tensor gradient)
        {
            Kept = gradient;
            return gradient;
        }
    }
}
