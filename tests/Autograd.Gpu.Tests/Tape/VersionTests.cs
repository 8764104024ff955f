namespace Autograd.Gpu.Tests;

/// <summary>What counts as a write, and whose versions count it.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class VersionTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void EveryInPlaceOperationCounts()
    {
        var x = Vector(1, 2, 3);
        int version = 0;
        foreach (var write in new Action[]
        {
            () => x.Add_(1), () => x.Mul_(x), () => x.Exp_(), () => x.Fill_(2), () => x.Zero_(), () => x.Copy_(Vector(4, 5, 6)), () => x[0] = 1,
            () => x[1..] = Vector(7, 8), () => x[3..].Zero_(), () => x.Clamp_(0, 1),
        })
        {
            write();
            Assert.That(x.Version, Is.EqualTo(++version));
        }

        using (Autodiff.NoGrad())
        {
            x.Add_(1);
        }

        Assert.That(x.Version, Is.EqualTo(version + 1), "under NoGrad, too");
        _ = x + 1;
        _ = x.ToArray<double>();
        _ = x.Reshape(3, 1).Contiguous().Clone();
        Assert.That(x.Version, Is.EqualTo(version + 1), "reading does not count");
    }

    [Test]
    public void ViewsAndDetachShareTheCountAndDataDoesNot()
    {
        var x = Vector(1, 2, 3, 4);
        var (view, transposed, detached, part) = (x[1..], x.Reshape(2, 2).T, x.Detach(), x.Split(2)[1]);
        var data = x.Data;
        view[0] = 9;
        transposed.Add_(1);
        detached.Mul_(2);
        part.Zero_();
        Assert.That(new[] { x.Version, view.Version, transposed.Version, detached.Version, part.Version }, Is.All.EqualTo(4));
        Assert.That(data.Version, Is.Zero);
        data.Add_(1);
        data[..2].Add_(1);
        Assert.That((x.Version, data.Version, data[0].Version), Is.EqualTo((4, 2, 2)));
        Assert.That(x.ToArray<double>(), Is.EqualTo(new double[] { 6, 22, 1, 1 }));
    }

    [Test]
    public void CopiesCountForThemselves()
    {
        var x = Vector(1, 2);
        x.Add_(1);
        var clone = x.Clone();
        Assert.That((clone.Version, (x * 2).Version, x.To(DType.Float32).Version), Is.EqualTo((0, 0, 0)));
        clone.Add_(1);
        Assert.That((x.Version, clone.Version), Is.EqualTo((1, 1)));
    }

    [Test]
    public void RefusedWritesDoNotCount()
    {
        var leaf = Vector(1, 2).RequiresGrad_();
        Assert.Throws<GradientException>(() => leaf[0] = 1);
        Assert.Throws<ShapeException>(() => leaf.Detach().Expand(3, 2).Add_(1));
        Assert.Throws<ShapeException>(() => leaf.Detach().Add_(Vector(1, 2, 3)));
        Assert.That(leaf.Version, Is.Zero);
    }

    [Test]
    public void NumbersAreAssigned()
    {
        var x = Tensor.Zeros([2, 3], DType.Float64, device);
        x[0] = 5;
        x[1, 1..] = 0.1;
        x[.., 0] = -1L;
        Assert.That(x.ToArray<double>(), Is.EqualTo(new double[] { -1, 5, 5, -1, 0.1, 0.1 }), "at the precision of the tensor");
        var whole = Tensor.Full([3], 1, DType.Int32, device);
        whole[1] = 2.9;
        whole[2] = true;
        Assert.That(whole.ToArray<int>(), Is.EqualTo(new[] { 1, 2, 1 }));
        var flags = Tensor.Full([2], false, device: device);
        flags[0] = true;
        Assert.That(flags.ToArray<bool>(), Is.EqualTo(new[] { true, false }));
        x[..] = 7f;
        x[TensorIndex.Ellipsis] = x + 1;
        Assert.That(x.ToArray<double>(), Is.All.EqualTo(8));
    }

    [Test]
    public void AWriteThatNobodySawCanBeCounted()
    {
        var x = Vector(1, 2).RequiresGrad_();
        var y = x * 2;
        var square = y * y;
        Autodiff.IncrementVersion(y[1..]);
        Assert.That((y.Version, x.Version), Is.EqualTo((1, 0)));
        Assert.That(
            Assert.Throws<GradientException>(() => square.Sum().Backward())!.Message,
            Does.Contain("has been modified by an inplace operation").And.Contain("is at version 1; expected version 0"));
        Tensor made;
        using (Autodiff.InferenceMode())
        {
            made = Vector(1);
        }

        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.IncrementVersion(y, made))!.Message,
            Does.StartWith("IncrementVersion: Inference tensors do not track version counter. (The tensor has shape [1].)"));
    }

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);
}
