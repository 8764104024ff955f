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

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void AGradientOfADualHasATangent(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var x = Tensor.FromArray([1.0, 2.0], device, requiresGrad: true);
        var w = Tensor.FromArray([2.0, 7.0], device, requiresGrad: true);
        var v = Tensor.FromArray([3.0, 5.0], device);
        using var level = Autodiff.DualLevel();
        var dual = Autodiff.MakeDual(x, v);

        // exp saves its output, the products save their inputs: f = sum(w x^3 + exp(x)), of which w has no tangent.
        var f = (w * dual * dual * dual + dual.Exp()).Sum();
        f.Backward(retainGraph: true);
        double[] slopes = [6 + Math.E, 84 + Math.Exp(2)], curvatures = [3 * (12 + Math.E), 5 * (84 + Math.Exp(2))];
        AssertDual(x.Grad!, slopes, curvatures);
        AssertDual(w.Grad!, [1, 8], [9, 60]);
        AssertDual(Autodiff.Grad(f, dual, retainGraph: true), slopes, curvatures);

        // Again into the same gradients, which have tangents now, and into one that has none.
        w.Grad = Tensor.FromArray([10.0, 20.0], device);
        f.Backward(retainGraph: true);
        AssertDual(x.Grad!, [.. slopes.Select(s => 2 * s)], [.. curvatures.Select(s => 2 * s)]);
        AssertDual(w.Grad!, [11, 28], [9, 60]);

        // The third derivative: reverse over forward over reverse.
        var gradient = Autodiff.Grad(f, x, createGraph: true);
        var third = Autodiff.Grad(Autodiff.UnpackDual(gradient).Tangent!, x, gradOutput: Tensor.OnesLike(x), retainGraph: true);
        AssertClose(third, [3 * (12 + Math.E), 5 * (42 + Math.Exp(2))]);
        var second = Autodiff.Grad(gradient, x, gradOutput: Tensor.OnesLike(x));
        AssertDual(second, [12 + Math.E, 84 + Math.Exp(2)], [3 * (12 + Math.E), 5 * (42 + Math.Exp(2))]);
    }

    [Test]
    public void AGradientTakenAfterTheLevelHasNone()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        Tensor f;
        using (Autodiff.DualLevel())
        {
            f = Autodiff.MakeDual(x, Tensor.OnesLike(x)).Exp().Sum();
            Assert.That(f.GradFn!.Name, Is.EqualTo("SumBackward0"));
            Assert.That(f.ToString(), Is.EqualTo("tensor(10.1073, dtype=float64, grad_fn=<SumBackward0>,\n       tangent=tensor(10.1073, dtype=float64, grad_fn=<SumBackward0>))"));
        }

        Assert.That(f.ToString(), Is.EqualTo("tensor(10.1073, dtype=float64, grad_fn=<SumBackward0>)"));
        var gradient = Autodiff.Grad(f, x, createGraph: true);
        AssertClose(gradient, [Math.E, Math.Exp(2)]);
        AssertClose(Autodiff.Grad(gradient.Sum(), x), [Math.E, Math.Exp(2)]);
        using (Autodiff.DualLevel())
        {
            Assert.That(Autodiff.UnpackDual(gradient).Tangent, Is.Null);
        }

        // What was accumulated inside is an ordinary gradient outside, for an optimiser too.
        using (Autodiff.DualLevel())
        {
            Autodiff.MakeDual(x, Tensor.OnesLike(x)).Exp().Sum().Backward();
        }

        new Optim.Sgd([x], lr: 1).Step();
        AssertClose(x.Detach(), [1 - Math.E, 2 - Math.Exp(2)]);
        x.Exp().Sum().Backward();
        AssertClose(x.Grad!, [Math.E + Math.Exp(1 - Math.E), Math.Exp(2) + Math.Exp(2 - Math.Exp(2))]);
    }

    [Test]
    public void AStepInsideOfTheLevelTakesTheValueOfAGradient()
    {
        foreach (var optimizer in new Func<Tensor, Optim.Optimizer>[] { p => new Optim.Sgd([p], lr: 0.1), p => new Optim.Sgd([p], lr: 0.1, momentum: 0.9), p => new Optim.AdamW([p]) })
        {
            var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
            var plain = x.Detach().Clone().RequiresGrad_();
            var (step, plainStep) = (optimizer(x), optimizer(plain));
            for (int i = 0; i < 2; i++)
            {
                using var level = Autodiff.DualLevel();
                step.ZeroGrad();
                Autodiff.MakeDual(x, Tensor.OnesLike(x)).Exp().Sum().Backward();
                Assert.That(Autodiff.UnpackDual(x.Grad!).Tangent, Is.Not.Null);
                step.Step();
                plainStep.ZeroGrad();
                plain.Exp().Sum().Backward();
                plainStep.Step();
            }

            AssertClose(x.Detach(), plain.ToArray<double>());
        }
    }

    [Test]
    public void HooksAndWritesAndFunctionsLeaveTheTangentOfAGradient()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var v = Tensor.FromArray([3.0, 5.0]);
        double[] slopes = [.. new[] { 1.0, 2.0 }.Select(a => 2 * a * Math.Exp(a * a))];
        double[] curvatures = [.. new[] { (1.0, 3.0), (2.0, 5.0) }.Select(p => p.Item2 * (2 + 4 * p.Item1 * p.Item1) * Math.Exp(p.Item1 * p.Item1))];
        using var level = Autodiff.DualLevel();
        var dual = Autodiff.MakeDual(x, v);
        int packed = 0;
        using (Autodiff.SavedTensorHooks(t => (packed++, t).t, t => t))
        {
            AssertDual(Autodiff.Grad((dual * dual).Exp().Sum(), x), slopes, curvatures);
            Assert.That(packed, Is.GreaterThanOrEqualTo(3), "two inputs and an output, and what the tangents save");
        }

        var square = dual * 1;
        square.Mul_(dual);
        square.Exp_();
        AssertDual(Autodiff.Grad(square.Sum(), x), slopes, curvatures);
        AssertDual(Autodiff.Grad(new ExpOfSquare().Apply(dual).Sum(), x), slopes, curvatures);
        AssertDual(Autodiff.Grad(Autodiff.Checkpoint(a => (a * a).Exp(), dual).Sum(), x), slopes, curvatures);

        // A clone of the dual is written: what was saved is not, and a written value that was saved is noticed.
        var exp = (dual * dual).Exp();
        exp.Add_(1);
        Assert.That(Assert.Throws<GradientException>(() => exp.Sum().Backward())!.Message, Does.Contain("modified by an inplace operation"));
    }

    [Test]
    public void TheTapeInsideJvpGivesTangentsToo()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var v = Tensor.FromArray([3.0, 5.0]);
        var (gradient, tangent) = Autodiff.Jvp(a => Autodiff.Grad((a * a * a).Sum(), a), x, v);
        AssertClose(gradient, [3, 12]);
        AssertClose(tangent, [18, 60]);

        // Two forward passes around the pass on the tape: each has its tangent.
        var (_, second) = Autodiff.Jvp(a => Autodiff.Jvp(b => Autodiff.Grad((b * b * b).Sum(), b), a, v).Tangent, x, v);
        AssertClose(second, [54, 150]);
        var (_, ofFunction) = Autodiff.Jvp(a => Autodiff.Jvp(b => Autodiff.Grad(new ExpOfSquare().Apply(b).Sum(), b), a, v).Tangent, x, v);
        AssertClose(ofFunction, [9 * 20 * Math.E, 25 * 88 * Math.Exp(4)]);

        // And inside a differentiation, whose tape it is.
        var third = Autodiff.Grad(b => Autodiff.Jvp(a => Autodiff.Grad((a * a * a).Sum(), a, createGraph: true), b, v).Tangent.Sum())(x.Detach());
        AssertClose(third, [18, 30]);
    }

    private static void AssertDual(Tensor dual, double[] primal, double[] tangent)
    {
        var parts = Autodiff.UnpackDual(dual);
        AssertClose(parts.Primal, primal);
        AssertClose(parts.Tangent!, tangent);
    }

    private static void AssertClose(Tensor actual, double[] expected) => Assert.That(actual.ToArray<double>(), Is.EqualTo(expected).Within(1e-9));

    /// <summary>exp(x^2), which saves its input and its output.</summary>
    private sealed class ExpOfSquare : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            var y = (x * x).Exp();
            SaveForBackward(x, y);
            return y;
        }

        protected override Tensor? Backward(Tensor gradient) => gradient * 2 * Saved(0) * Saved(1);

        protected override Tensor? Jvp(Tensor tangent) => tangent * 2 * Saved(0) * Saved(1);
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
