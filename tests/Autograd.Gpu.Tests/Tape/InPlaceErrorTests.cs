namespace Autograd.Gpu.Tests;

/// <summary>Writes in place that would falsify a gradient, with the phrases that PyTorch's users search for. Nothing is written then.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class InPlaceErrorTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void LeavesAndViewsOfLeavesAreNotWritten()
    {
        var leaf = Leaf(1, 2, 3);
        Assert.That(Message(() => leaf.Mul_(2)), Does.Contain("a leaf Variable that requires grad is being used in an in-place operation."));
        const string phrase = "a view of a leaf Variable that requires grad is being used in an in-place operation.";
        foreach (var write in new Action[]
        {
            () => leaf[0] = 5, () => leaf[..2].Zero_(), () => leaf[1..][0].Add_(1), () => leaf.Reshape(3, 1).Copy_(Vector(1)), () => leaf.Unsqueeze(0).Mul_(leaf),
        })
        {
            Assert.That(Message(write), Does.Contain(phrase));
        }

        Assert.That((leaf.Version, leaf.ToArray<double>()), Is.EqualTo((0, new double[] { 1, 2, 3 })));
        using (Autodiff.NoGrad())
        {
            leaf[0] = 5;
        }

        Assert.That((leaf.Version, leaf.IsLeaf, leaf.ToArray<double>()), Is.EqualTo((1, true, new double[] { 5, 2, 3 })));
    }

    [Test]
    public void OneOfSeveralViewsIsNotWritten()
    {
        var x = Leaf(1, 2, 3, 4).Reshape(2, 2) * 2;
        const string phrase = " is a view and is being modified inplace. This view is the output of a function that returns multiple views. "
            + "Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one";
        Assert.That(Message(() => x.Unbind()[1].Mul_(2)), Does.Contain("Output 1 of UnbindBackward0" + phrase));
        Assert.That(Message(() => x.Split(1)[0].Zero_()), Does.Contain("Output 0 of SplitBackward0" + phrase));
        Assert.That(Message(() => x.Chunk(2, 1)[1].Add_(1)), Does.Contain("Output 1 of SplitBackward0" + phrase));
        Assert.That(Message(() => x.Split([1, 1])[1].Exp_()), Does.Contain("Output 1 of SplitWithSizesBackward0" + phrase));
        Assert.That(Message(() => x.Unbind()[0][1].Mul_(2)), Does.Contain("view of a function").Or.Contain("function that returns multiple views"), "a view of one of them");

        // Also where only what is written requires gradients.
        Assert.That(Message(() => Vector(1, 2).Unbind()[1].Add_(x[0, 0])), Does.Contain("Output 1 of UnbindBackward0" + phrase));
        Assert.That((x.Version, x.ToArray<double>()), Is.EqualTo((0, new double[] { 2, 4, 6, 8 })));

        // Without recording they are written as any other view.
        var constant = Vector(1, 2);
        constant.Unbind()[1].Mul_(5);
        Assert.That(constant.ToArray<double>(), Is.EqualTo(new double[] { 1, 10 }));
    }

    [Test]
    public void OneOfSeveralViewsHasNoHistoryAfterAWrite()
    {
        var x = Leaf(1, 2) * 2;
        var parts = x.Unbind();
        x.Mul_(2);
        Assert.That(
            Message(() => parts[0].Backward()),
            Does.Contain("Output 0 of UnbindBackward0 is a view and its base or another view of its base has been modified inplace. This view is the output of a function that returns"));
        Assert.That(parts[1].ToArray<double>(), Is.EqualTo(new double[] { 8 }), "the value can be read");
    }

    [Test]
    public void ViewsMadeUnderNoGradAreNotWrittenOutside()
    {
        var x = Leaf(1, 2) * 2;
        Tensor view;
        using (Autodiff.NoGrad())
        {
            view = x[0];
        }

        Assert.That((view.RequiresGrad, view.IsLeaf), Is.EqualTo((false, true)));
        Assert.That(
            Message(() => view.Mul_(2)),
            Does.Contain("A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. "
                + "You can clarify your code by moving both the view and the inplace either both inside the no_grad block"));
        Assert.That(Message(() => view.T.Mul_(2)), Does.Contain("created in no_grad mode"), "a view of the view");
        Assert.That(x.Version, Is.Zero);
    }

    [Test]
    public void AViewMadeUnderNoGradHasNoHistoryAfterAWrite()
    {
        var leaf = Leaf(1);
        Tensor view;
        using (Autodiff.NoGrad())
        {
            view = leaf[..];
            view.Mul_(2);
        }

        Assert.That(view.ToString(), Is.EqualTo("tensor([2.], dtype=float64, grad_fn=<Invalid>)"));
        Assert.That(
            Message(() => _ = view.GradFn),
            Does.Contain("A view was created in no_grad mode and its base or another view of its base has been modified inplace with grad mode enabled."));
        Assert.That(Message(() => _ = view * leaf), Does.Contain("created in no_grad mode"));
        Assert.That(leaf.ToString(), Does.Contain("requires_grad=True"));
    }

    [Test]
    public void ExpandedTensorsAreNotWritten()
    {
        var x = Leaf(1, 2) * 2;
        var rows = x.Expand(3, 2);
        foreach (var write in new Action[] { () => rows.Mul_(2), () => rows[1..].Zero_(), () => rows.T[0].Add_(1), () => x[0].Expand(2).Copy_(x) })
        {
            var failure = Assert.Throws<ShapeException>(write);
            Assert.That(failure!.Message, Does.Contain("more than one element of the written-to tensor refers to a single memory location").And.Contain("Clone()"));
        }

        Assert.That(x.Version, Is.Zero);
    }

    [Test]
    public void ASavedTensorIsNotWrittenThroughAView()
    {
        var x = Leaf(1, 2, 3) * 2;
        var view = x[1..];
        var (square, sine) = (x * x, view.Sin());
        x[0].Mul_(1);
        const string phrase = "one of the variables needed for gradient computation has been modified by an inplace operation: ";
        Assert.That(Message(() => square.Sum().Backward(retainGraph: true)), Does.Contain(phrase + "[float64 [3]]").And.Contain("is at version 1; expected version 0 instead"));
        Assert.That(Message(() => sine.Sum().Backward()), Does.Contain(phrase + "[float64 [2]]"), "of another view, of other elements");

        // What an in-place operation through a view saved is protected as well.
        var y = Leaf(1, 2) * 2;
        y[0].Exp_();
        y[1].Zero_();
        Assert.That(Message(() => y.Sum().Backward()), Does.Contain(phrase).And.Contain("which is output 0 of ExpBackward0"));
    }

    [Test]
    public void DetachInPlace()
    {
        var x = Leaf(1, 2) * 2;
        var view = x[0];
        Assert.That(Message(() => view.Detach_()), Does.Contain("Can't detach views in-place. Use Detach() instead."));
        Assert.That(x.Detach_(), Is.SameAs(x));
        Assert.That((x.IsLeaf, x.RequiresGrad, x.GradFn, x.Version), Is.EqualTo((true, false, (Node?)null, 0)));
        x.Add_(1);
        Assert.That(x.RequiresGrad, Is.False);
        var leaf = Leaf(1);
        leaf.Detach_();
        Assert.That((leaf * 2).RequiresGrad, Is.False);
        Assert.That(
            Message(() => Autodiff.Grad(t => (t * 2).Detach_().Sum())(Vector(1))), Does.Contain("Detach_").And.Contain("Grad").And.Contain("Detach()"));
    }

    private static string Message(Action action) => Assert.Throws<GradientException>(() => action())!.Message;

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();
}
