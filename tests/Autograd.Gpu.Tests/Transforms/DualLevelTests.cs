namespace Autograd.Gpu.Tests;

/// <summary>Dual numbers by hand: DualLevel, MakeDual, UnpackDual.</summary>
internal sealed class DualLevelTests
{
    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void TangentsAreCarriedAlong(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var x = Tensor.FromArray([1.0, 2.0], device);
        var v = Tensor.FromArray([3.0, 5.0], device);
        using var level = Autodiff.DualLevel();
        var dual = Autodiff.MakeDual(x, v);
        var (primal, tangent) = Autodiff.UnpackDual(dual);
        Assert.That((primal, tangent), Is.EqualTo((x, v)));
        (primal, tangent) = Autodiff.UnpackDual((dual * dual).Sum() + x.Sum());
        Assert.That((primal.Item<double>(), tangent!.Item<double>()), Is.EqualTo((8.0, 26.0)));
        Assert.That(Autodiff.UnpackDual(x * 2).Tangent, Is.Null, "x itself has none");
        Assert.That(Autodiff.UnpackDual(dual > 1).Tangent, Is.Null);
        Assert.That(Autodiff.UnpackDual(dual.Detach()).Tangent, Is.Null);
    }

    [Test]
    public void TangentsEndWithTheScope()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        Tensor dual, square;
        using (Autodiff.DualLevel())
        {
            dual = Autodiff.MakeDual(x, x);
            square = dual * dual;
        }

        Assert.That((square * 2).ToArray<double>(), Is.EqualTo(new[] { 2.0, 8.0 }));
        Assert.That(Autodiff.UnpackDual(square).Tangent, Is.Null);
        using (Autodiff.DualLevel())
        {
            Assert.That(Autodiff.UnpackDual(square).Tangent, Is.Null, "another level does not revive it");
            var again = Autodiff.MakeDual(square, x);
            Assert.That(Autodiff.UnpackDual(again * square).Tangent!.ToArray<double>(), Is.EqualTo(new[] { 1.0, 8.0 }));
        }
    }

    [Test]
    public void LevelsDoNotNestAndAreLeftByExceptions()
    {
        using (Autodiff.DualLevel())
        {
            Assert.That(Assert.Throws<GradientException>(() => Autodiff.DualLevel())!.Message, Does.Contain("Nested forward mode AD is not supported at the moment"));

            // The function transform nests.
            var dual = Autodiff.MakeDual(Tensor.Of(3.0, DType.Float64), Tensor.Of(1.0, DType.Float64));
            var slope = Autodiff.Jvp(a => a * a * a, dual, Tensor.Of(1.0, DType.Float64)).Tangent;
            var (first, second) = Autodiff.UnpackDual(slope);
            Assert.That((first.Item<double>(), second!.Item<double>()), Is.EqualTo((27.0, 18.0)));
            Assert.That(Autodiff.UnpackDual(Autodiff.Grad(a => a * a * a)(dual)).Tangent!.Item<double>(), Is.EqualTo(18.0));
        }

        Assert.Throws<ShapeException>(() =>
        {
            using var level = Autodiff.DualLevel();
            _ = Autodiff.MakeDual(Tensor.Ones([2]), Tensor.Ones([3]));
        });
        using var open = Autodiff.DualLevel();
        open.Dispose();
        using var next = Autodiff.DualLevel();
    }

    [Test]
    public void LevelsBelongToTheThread()
    {
        using var level = Autodiff.DualLevel();
        var dual = Autodiff.MakeDual(Tensor.Ones([2]), Tensor.Ones([2]));
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.That(Autodiff.UnpackDual(dual * 2).Tangent, Is.Null);
                using var own = Autodiff.DualLevel();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        Assert.That(failure, Is.Null);
    }

    [Test]
    public void WhatCannotBeADualIsRefused()
    {
        var x = Tensor.Ones([2]);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.MakeDual(x, x))!.Message,
            Does.Contain("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first"));
        Assert.That(Autodiff.UnpackDual(x), Is.EqualTo((x, (Tensor?)null)));
        using var level = Autodiff.DualLevel();
        Assert.That(Assert.Throws<ShapeException>(() => Autodiff.MakeDual(x, Tensor.Ones([1, 2])))!.Message, Does.Contain("[1, 2]").And.Contain("same shape"));
        Assert.That(Assert.Throws<DTypeException>(() => Autodiff.MakeDual(x, Tensor.Ones([2], DType.Float64)))!.Message, Does.Contain("float64"));
        Assert.That(
            Assert.Throws<DTypeException>(() => Autodiff.MakeDual(x.To(DType.Int64), x.To(DType.Int64)))!.Message, Does.Contain("floating point").And.Contain("int64"));
        Assert.Throws<DeviceMismatchException>(() => Autodiff.MakeDual(x, Tensor.Ones([2], device: Device.CpuKernels)));
        var dual = Autodiff.MakeDual(x, x);
        Assert.That(Assert.Throws<GradientException>(() => Autodiff.MakeDual(dual, x))!.Message, Does.Contain("already has a forward gradient at the same level"));
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Vmap(a => Autodiff.MakeDual(a, a))(Tensor.Ones([3, 2])))!.Message,
            Does.Contain("Vmap").And.Contain("Autodiff.Jvp"));
        Assert.Throws<GradientException>(() => Autodiff.Vmap(a => Autodiff.UnpackDual(a * dual).Primal)(Tensor.Ones([3, 2])));
    }

    [Test]
    public void APrimalMayRequireGradients()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var v = Tensor.FromArray([3.0, 5.0]);
        using var level = Autodiff.DualLevel();
        var dual = Autodiff.MakeDual(x, v);
        Assert.That(dual.RequiresGrad);
        var cube = (dual * dual * dual).Sum();
        var (primal, tangent) = Autodiff.UnpackDual(cube);
        primal.Backward(retainGraph: true);
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 3.0, 12.0 }));
        x.Grad = null;
        cube.Backward(retainGraph: true);
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 3.0, 12.0 }), "from the dual itself");
        Assert.That(Autodiff.Grad(cube, dual, retainGraph: true).ToArray<double>(), Is.EqualTo(new[] { 3.0, 12.0 }));

        // The tangent depends on x as well: 3 x^2 v.
        Assert.That(Autodiff.Grad(tangent!, x).ToArray<double>(), Is.EqualTo(new[] { 18.0, 60.0 }));
    }

    [Test]
    public void WritesReachTheTangentOfWhatIsWrittenAndNoOther()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        var v = Tensor.FromArray([3.0, 5.0]);
        using var level = Autodiff.DualLevel();
        var dual = Autodiff.MakeDual(x, v);
        var shifted = dual + 1;
        shifted.Mul_(2);
        Assert.That(Autodiff.UnpackDual(shifted).Tangent!.ToArray<double>(), Is.EqualTo(new[] { 6.0, 10.0 }));
        Assert.That(Autodiff.UnpackDual(dual).Tangent!.ToArray<double>(), Is.EqualTo(new[] { 3.0, 5.0 }), "x + 1 has a tangent of its own");
        var view = shifted[0];
        view.Fill_(7);
        Assert.That(Autodiff.UnpackDual(shifted).Tangent!.ToArray<double>(), Is.EqualTo(new[] { 0.0, 10.0 }), "through a view");
        Assert.That(Autodiff.UnpackDual(shifted).Primal.ToArray<double>(), Is.EqualTo(new[] { 7.0, 6.0 }));
    }
}
