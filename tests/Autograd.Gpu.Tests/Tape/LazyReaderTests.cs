namespace Autograd.Gpu.Tests;

/// <summary>Recorded writes while values that read what is written are still pending, forward and backward.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class LazyReaderTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void ReadersFromBeforeTheWriteKeepValueAndHistory()
    {
        var (root, w) = (Leaf(1, 2, 3), Leaf(10));
        var x = root * 2;
        var view = x[..2];
        var (before, viewBefore) = (x + 1, view - 1);
        view.Mul_(w);
        var (after, viewAfter) = (x + 1, view - 1);
        Assert.That(after.ToArray<double>(), Is.EqualTo(new double[] { 21, 41, 7 }));
        Assert.That(viewAfter.ToArray<double>(), Is.EqualTo(new double[] { 19, 39 }));
        Assert.That(before.ToArray<double>(), Is.EqualTo(new double[] { 3, 5, 7 }));
        Assert.That(viewBefore.ToArray<double>(), Is.EqualTo(new double[] { 1, 3 }));
        (before.Sum() + viewBefore.Sum() * 10).Backward(retainGraph: true);
        Assert.That((root.Grad!.ToArray<double>(), w.Grad), Is.EqualTo((new double[] { 22, 22, 2 }, (Tensor?)null)));
        root.Grad = null;
        (after.Sum() + viewAfter.Sum() * 10).Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 220, 220, 2 }));
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(66));
    }

    [Test]
    public void AWriteOfAPendingValueOfTheTensorItself()
    {
        var root = Leaf(1, 2, 3, 4);
        var x = root * 1;
        x[1..] = x[..3] * x[1..];
        Assert.That(x.ToArray<double>(), Is.EqualTo(new double[] { 1, 2, 6, 12 }));

        // The product saved the views that the assignment wrote over; a clone is what one wants.
        Assert.Throws<GradientException>(() => x.Sum().Backward());
        x = root * 1;
        var old = x.Clone();
        x[1..] = old[..3] * old[1..];
        x.Sum().Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 3, 4, 6, 3 }));
    }

    [Test]
    public void GradientsThatWerePendingAreNotChangedByLaterSteps()
    {
        // The gradient of the base is written in part on its way back, while the gradient of y, of which it is one, is still to be read.
        var (root, w) = (Leaf(1, 2, 3), Leaf(5));
        var x = root * 2;
        var y = x * 3;
        var held = y * 1;
        y[0].Mul_(w[0]);
        var gradients = Autodiff.Grad([y.Sum() + held.Sum()], [held, y, x, w], allowUnused: true, retainGraph: true);
        Assert.That(gradients[0]!.ToArray<double>(), Is.EqualTo(new double[] { 1, 1, 1 }));
        Assert.That(gradients[1]!.ToArray<double>(), Is.EqualTo(new double[] { 1, 1, 1 }));
        Assert.That(gradients[2]!.ToArray<double>(), Is.EqualTo(new double[] { 18, 6, 6 }));
        Assert.That(gradients[3]!.ToArray<double>(), Is.EqualTo(new double[] { 6 }));

        var seed = Vector(1, 10, 100);
        y.Backward(seed);
        Assert.That(seed.ToArray<double>(), Is.EqualTo(new double[] { 1, 10, 100 }), "the given gradient was not written");
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 30, 60, 600 }));
    }

    [Test]
    public void WritesToConstantsRangesAndRandomNumbers()
    {
        var w = Leaf(2);
        foreach (var x in new[] { Tensor.Zeros([3], DType.Float64, device), Tensor.Arange(3, DType.Float64, device), Tensor.Rand([3], DType.Float64, device) })
        {
            w.Grad = null;
            var reader = x * 1;
            var expected = reader.ToArray<double>();
            x[1] = w[0] * 3;
            (x * x).Sum().Backward();
            Assert.That(w.Grad!.Item<double>(), Is.EqualTo(36));
            Assert.That(reader.ToArray<double>(), Is.EqualTo(expected));
            Assert.That(x.ToArray<double>(), Is.EqualTo(new[] { expected[0], 6, expected[2] }));
        }
    }

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();
}
