namespace Autograd.Gpu.Tests;

/// <summary>Misuse of the tape, with the phrases that PyTorch's users search for.</summary>
internal sealed class TapeErrorTests
{
    [Test]
    public void ASecondPassNeedsTheSavedValues()
    {
        var x = Leaf(3);
        var square = x * x;
        square.Backward();
        var failure = Assert.Throws<GradientException>(() => square.Backward());
        Assert.That(
            failure!.Message,
            Does.Contain("Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed)")
                .And.Contain("Saved intermediate values of the graph are freed when you call").And.Contain("retainGraph: true").And.StartWith("MulBackward0"));
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(6), "the failed pass left the gradient alone");

        // The same through another root on the part that was freed.
        var shared = x.Exp();
        (shared * 2).Backward();
        Assert.Throws<GradientException>(() => (shared * 3).Backward());
    }

    [Test]
    public void ASecondPassRunsWhereItIsRetainedOrNothingWasSaved()
    {
        var x = Leaf(3);
        var square = x * x;
        square.Backward(retainGraph: true);
        square.Backward(retainGraph: true);
        square.Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(18));
        Assert.Throws<GradientException>(() => square.Backward());

        x.Grad = null;
        var sum = x + 2;
        sum.Backward();
        sum.Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(2), "x + 2 saves nothing");

        x.Grad = null;
        square = x * x;
        square.Backward(createGraph: true);
        square.Backward(retainGraph: false, createGraph: true);
        Assert.Throws<GradientException>(() => square.Backward(), "createGraph retains by default only");
    }

    [Test]
    public void ARootNeedsHistoryAndAGradient()
    {
        var failure = Assert.Throws<GradientException>(() => Tensor.Ones([]).Backward());
        Assert.That(failure!.Message, Does.Contain("element 0 of tensors does not require grad and does not have a grad_fn"));

        var x = Tensor.Ones([2, 2], requiresGrad: true);
        failure = Assert.Throws<GradientException>(() => (x * 2).Backward());
        Assert.That(failure!.Message, Does.Contain("grad can be implicitly created only for scalar outputs").And.Contain("[2, 2]"));

        var mismatch = Assert.Throws<ShapeException>(() => (x * 2).Backward(Tensor.Ones([2])));
        Assert.That(mismatch!.Message, Does.Contain("Mismatch in shape: grad_output[0] has a shape of [2] and output[0] has a shape of [2, 2]"));

        var elsewhere = Assert.Throws<DeviceMismatchException>(
            () => Tensor.Ones([], device: Device.Cpu, requiresGrad: true).Backward(Tensor.Ones([], device: Device.CpuKernels)));
        Assert.That(elsewhere!.Message, Does.Contain("cpu-kernels"));

        Assert.Throws<GradientException>(() => Autodiff.Backward([x], [null, null]));
        (x[..1, 0] * 2).Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 2, 0, 0, 0 }), "one element needs no gradient, whatever its shape");
    }

    [Test]
    public void LeavesAreNotWrittenInPlaceWhileTheyAreRecorded()
    {
        var x = Tensor.Ones([2], requiresGrad: true);
        const string phrase = "a leaf Variable that requires grad is being used in an in-place operation.";
        foreach (var write in new Action[]
        {
            () => x.Add_(1), () => x.Mul_(x), () => x.Exp_(), () => x.Zero_(), () => x.Fill_(2), () => x.Copy_(Tensor.Ones([2])), () => x.Clamp_(0, 1),
        })
        {
            Assert.That(Assert.Throws<GradientException>(write)!.Message, Does.Contain(phrase));
        }

        Assert.That((x.Version, x.ToArray<float>()), Is.EqualTo((0, new float[] { 1, 1 })), "nothing was written");
        using (Autodiff.NoGrad())
        {
            x.Add_(1);
        }

        Assert.That((x.Version, x.ToArray<float>(), x.RequiresGrad, x.IsLeaf), Is.EqualTo((1, new float[] { 2, 2 }, true, true)));
    }

    [Test]
    public void WhatTheDerivativeReadsMustNotHaveBeenWritten()
    {
        const string phrase = "one of the variables needed for gradient computation has been modified by an inplace operation: ";
        var x = Tensor.Ones([2, 3], requiresGrad: true);
        var y = x * 2;
        var saved = y * y;
        y.Add_(1);
        var failure = Assert.Throws<GradientException>(() => saved.Sum().Backward());
        Assert.That(failure!.Message, Does.Contain(phrase + "[float32 [2, 3]]").And.Contain("is at version 1; expected version 0 instead. Hint: "));

        var output = x.Sigmoid();
        output.Mul_(2);
        failure = Assert.Throws<GradientException>(() => output.Sum().Backward());
        Assert.That(failure!.Message, Does.Contain(phrase).And.Contain("which is output 0 of SigmoidBackward0"));

        // Through a view, and under NoGrad.
        y = x * 2;
        saved = y.Sin();
        using (Autodiff.NoGrad())
        {
            y[0].Zero_();
        }

        Assert.That(Assert.Throws<GradientException>(() => saved.Sum().Backward())!.Message, Does.Contain(phrase));
    }

    [Test]
    public void WhatTheDerivativeDoesNotReadMayBeWritten()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var y = x * 3;
        var sum = y + 1;
        y.Zero_();
        sum.Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 3, 3 }));

        x.Grad = null;
        var output = x.Exp();
        var scaled = output * 1.0;
        scaled.Mul_(5).Add_(x);
        scaled.Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 5 * Math.E + 1, 5 * Math.Exp(2) + 1 }).Within(1e-12));
    }

    [Test]
    public void InPlaceOperationsJoinTheTape()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var w = Tensor.FromArray([3.0, 4.0], requiresGrad: true);
        var y = Tensor.Zeros([2], DType.Float64);
        y.Add_(x);
        Assert.That((y.IsLeaf, y.GradFn!.Name, y.RequiresGrad), Is.EqualTo((false, "AddBackward0", true)));
        y.Mul_(w).Sub_(x, 2).Div_(w);
        y.Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 1 - 2.0 / 3, 1 - 2.0 / 4 }).Within(1e-15));
        Assert.That(w.Grad!.ToArray<double>(), Is.EqualTo(new[] { 2.0 / 9, 4.0 / 16 }).Within(1e-15));

        x.Grad = null;
        y = x * 2;
        y.Copy_(w);
        y.Sum().Backward();
        Assert.That(x.Grad, Is.Null, "Copy_ forgets what was there");
    }

    [Test]
    public void OverlappingTargetsAndWrongShapesAreRefused()
    {
        var row = Tensor.Zeros([3]);
        var failure = Assert.Throws<ShapeException>(() => row.Expand(2, 3).Add_(1));
        Assert.That(
            failure!.Message,
            Does.Contain("unsupported operation: more than one element of the written-to tensor refers to a single memory location").And.Contain("Clone()"));
        failure = Assert.Throws<ShapeException>(() => row.Add_(Tensor.Ones([2, 3])));
        Assert.That(failure!.Message, Does.Contain("output with shape [3] doesn't match the broadcast shape [2, 3]"));
        var type = Assert.Throws<DTypeException>(() => Tensor.Full([2], 1).Add_(0.5));
        Assert.That(type!.Message, Does.Contain("result type float32 can't be cast to the desired output type int64"));
        type = Assert.Throws<DTypeException>(() => Tensor.Full([2], 1).RequiresGrad_());
        Assert.That(type!.Message, Does.Contain("only Tensors of floating point dtype can require gradients"));
        var leaf = Assert.Throws<GradientException>(() => (Leaf(1) * 2).RequiresGrad_(false));
        Assert.That(leaf!.Message, Does.Contain("you can only change requires_grad flags of leaf variables").And.Contain("Detach()"));
    }

    private static Tensor Leaf(double value) => Tensor.Of(value, DType.Float64, requiresGrad: true);
}
