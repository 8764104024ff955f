namespace Autograd.Gpu.Tests;

/// <summary>Inference mode: what is made in it stays out of recorded computation, and what is ordinary stays ordinary.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class InferenceModeTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void WhatIsMadeInsideIsAnInferenceTensor()
    {
        var leaf = Leaf(1, 2);
        Assert.That((Autodiff.IsInferenceModeEnabled, leaf.IsInference), Is.EqualTo((false, false)));
        Tensor made, product, detached;
        using (Autodiff.InferenceMode())
        {
            Assert.That((Autodiff.IsInferenceModeEnabled, Autodiff.IsGradEnabled), Is.EqualTo((true, false)));
            made = Vector(3, 4);
            product = leaf * made;
            Assert.That((made.IsInference, product.IsInference, leaf.Clone().IsInference), Is.EqualTo((true, true, true)));
            Assert.That((product.RequiresGrad, product.IsLeaf, product.GradFn), Is.EqualTo((false, true, (Node?)null)));
            Assert.That(Leaf(1).RequiresGrad, "may be asked for inside");
            Assert.That((made[0].IsInference, made.Data.IsInference, made.Detach().IsInference), Is.EqualTo((true, true, true)));
            detached = leaf.Detach();
        }

        Assert.That((made.IsInference, made[1].IsInference, made.T.IsInference), Is.EqualTo((true, true, true)), "views outside as well");
        Assert.That((detached.IsInference, (made * 2).IsInference, made.Clone().IsInference), Is.EqualTo((false, false, false)));
        Assert.That(product.ToArray<double>(), Is.EqualTo(new double[] { 3, 8 }));
    }

    [Test]
    public void ModesNestAndRestoreWhatTheyFound()
    {
        var leaf = Leaf(1);
        using (Autodiff.InferenceMode())
        {
            using (Autodiff.EnableGrad())
            {
                Assert.That(((leaf * 2).RequiresGrad, (leaf * 2).IsInference), Is.EqualTo((false, true)));
            }

            using (Autodiff.InferenceMode(false))
            {
                Assert.That((Autodiff.IsInferenceModeEnabled, Autodiff.IsGradEnabled), Is.EqualTo((false, true)));
                Assert.That(((leaf * 2).RequiresGrad, (leaf * 2).IsInference), Is.EqualTo((true, false)));
            }

            using (Autodiff.NoGrad())
            {
                Assert.That((leaf * 2).IsInference);
            }

            Assert.That((Autodiff.IsInferenceModeEnabled, Autodiff.IsGradEnabled), Is.EqualTo((true, false)));
        }

        Assert.Throws<ShapeException>(() =>
        {
            using var mode = Autodiff.InferenceMode();
            _ = Vector(1, 2) + Vector(1, 2, 3);
        });
        Assert.That((Autodiff.IsInferenceModeEnabled, Autodiff.IsGradEnabled, (leaf * 2).RequiresGrad), Is.EqualTo((false, true, true)));
    }

    [Test]
    public void InferenceTensorsAreNotSavedForBackward()
    {
        var leaf = Leaf(1, 2);
        Tensor made;
        using (Autodiff.InferenceMode())
        {
            made = Vector(3, 4) * 1;
        }

        var failure = Assert.Throws<GradientException>(() => _ = leaf * made);
        Assert.That(failure!.Message, Does.Contain(
            "MulBackward0: Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, "
            + "you can make a clone to get a normal tensor and use it in autograd."));
        var scaled = leaf * 2;
        Assert.Throws<GradientException>(() => scaled.Mul_(made));
        Assert.That((scaled.Version, scaled.ToArray<double>()), Is.EqualTo((0, new double[] { 2, 4 })), "nothing was written");
        ((leaf + made) * made.Clone()).Sum().Backward();
        Assert.That(leaf.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 3, 4 }), "a sum saves nothing, and a clone is ordinary");
    }

    [Test]
    public void InferenceTensorsAreNotWrittenOutside()
    {
        Tensor made, part;
        using (Autodiff.InferenceMode())
        {
            made = Vector(1, 2);
            part = made[0];
            made.Add_(1);
            part.Mul_(10);
        }

        Assert.That(made.ToArray<double>(), Is.EqualTo(new double[] { 20, 3 }));
        const string phrase = "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor before doing inplace update.";
        foreach (var write in new Action[] { () => made.Add_(1), () => part.Zero_(), () => made[1] = 5, () => made.Copy_(Vector(1, 1)), () => made.Data.Exp_() })
        {
            Assert.That(Assert.Throws<GradientException>(write)!.Message, Does.Contain(phrase));
            using (Autodiff.NoGrad())
            {
                Assert.Throws<GradientException>(write, "NoGrad does not help");
            }
        }

        Assert.That(made.ToArray<double>(), Is.EqualTo(new double[] { 20, 3 }), "nothing was written");
        using (Autodiff.InferenceMode())
        {
            made.Sub_(1);
        }

        Assert.That(made.ToArray<double>(), Is.EqualTo(new double[] { 19, 2 }));
    }

    [Test]
    public void InferenceTensorsHaveNoVersionAndNoGradient()
    {
        Tensor made;
        using (Autodiff.InferenceMode())
        {
            made = Vector(1, 2);
            made.Add_(1);
            Assert.That(Assert.Throws<GradientException>(() => _ = made.Version)!.Message, Does.Contain("Inference tensors do not track version counter."));
        }

        Assert.Throws<GradientException>(() => _ = made.Version);
        var failure = Assert.Throws<GradientException>(() => made.RequiresGrad_());
        Assert.That(failure!.Message, Does.Contain("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."));
        Assert.That(made.RequiresGrad_(false).Clone().RequiresGrad_().RequiresGrad);
    }

    [Test]
    public void OrdinaryTensorsAreWrittenInside()
    {
        var leaf = Leaf(1, 2);
        var saved = leaf * 1;
        var square = saved * saved;
        using (Autodiff.InferenceMode())
        {
            saved.Add_(2);
            leaf.Detach().Mul_(1);
        }

        Assert.That((saved.IsInference, saved.Version, saved.GradFn!.Name), Is.EqualTo((false, 1, "MulBackward0")));
        var failure = Assert.Throws<GradientException>(() => square.Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("one of the variables needed for gradient computation has been modified by an inplace operation"));
    }

    [Test]
    public void ViewsOfOrdinaryTensorsAreOrdinary()
    {
        var x = Leaf(1, 2) * 3;
        Tensor view;
        using (Autodiff.InferenceMode())
        {
            view = x[..1];
            Assert.That((view.IsInference, view.IsLeaf, view.Version), Is.EqualTo((false, true, 0)));
            view.Mul_(2);
        }

        Assert.That((x.Version, x.ToArray<double>()), Is.EqualTo((1, new double[] { 6, 6 })));
        var failure = Assert.Throws<GradientException>(() => view.Mul_(2));
        Assert.That(failure!.Message, Does.Contain("A view was created in inference mode and is being modified inplace in normal mode.").And.Contain("inside the inference_mode block"));
        failure = Assert.Throws<GradientException>(() => _ = view.GradFn);
        Assert.That(failure!.Message, Does.Contain("A view was created in inference mode and its base or another view of its base has been modified inplace in normal mode."));
    }

    [Test]
    public void BackwardRunsInside()
    {
        var leaf = Leaf(2);
        var square = leaf * leaf;
        using (Autodiff.InferenceMode())
        {
            square.Backward();
        }

        Assert.That(leaf.Grad!.Item<double>(), Is.EqualTo(4));
    }

    [Test]
    public void FunctionTransformsDifferentiateInside()
    {
        var x = Vector(2, 3);
        using (Autodiff.InferenceMode())
        {
            Assert.That(Autodiff.Grad(t => (t * t).Sum())(x).ToArray<double>(), Is.EqualTo(new double[] { 4, 6 }));
            var made = Vector(1);
            Assert.That(
                Assert.Throws<GradientException>(() => Autodiff.Grad(t => (t * t).Sum())(made))!.Message,
                Does.Contain("Inference tensors cannot be saved for backward."));
        }
    }

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();
}
