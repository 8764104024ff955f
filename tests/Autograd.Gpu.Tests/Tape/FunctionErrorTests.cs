namespace Autograd.Gpu.Tests;

/// <summary>Misuse of functions of the program's own, with the phrases that PyTorch's users search for.</summary>
internal sealed class FunctionErrorTests
{
    [Test]
    public void AGradientOfAWrongShapeIsRefused()
    {
        var x = Leaf(2, 3);
        var failure = Assert.Throws<ShapeException>(() => new Faulty(g => [g.Sum(0)]).Apply(x)[0].Sum().Backward());
        Assert.That(
            failure!.Message,
            Is.EqualTo("Function FaultyBackward returned an invalid gradient at index 0 - got [3] but expected shape compatible with [2, 3]. Return a gradient of the input's shape, or of one that it broadcasts to."));
        failure = Assert.Throws<ShapeException>(() => new Faulty(g => [g.Expand(2, 2, 3), g.Reshape(3, 2)]).Apply(x, x)[0].Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("invalid gradient at index 1 - got [3, 2] but expected shape compatible with [2, 3]"));
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void AGradientOnAnotherDeviceIsRefused()
    {
        var x = Tensor.Ones([2], device: Device.Cpu, requiresGrad: true);
        var failure = Assert.Throws<DeviceMismatchException>(() => new Faulty(g => [g.To(Device.CpuKernels)]).Apply(x)[0].Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("Function FaultyBackward returned an invalid gradient at index 0 - expected device cpu but got cpu-kernels"));
    }

    [Test]
    public void AWrongNumberOfGradientsIsRefused()
    {
        var x = Leaf(2);
        var failure = Assert.Throws<GradientException>(() => new Faulty(g => [g, g, g]).Apply(x, x)[0].Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("function FaultyBackward returned an incorrect number of gradients (expected 2, got 3)"));
        failure = Assert.Throws<GradientException>(() => new Faulty(g => [g]).Apply(x, x)[0].Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("(expected 2, got 1)"));
        Assert.DoesNotThrow(() => new Faulty(g => [g, g, null]).Apply(x, x)[0].Sum().Backward());
    }

    [Test]
    public void ASecondDerivativeOfAFunctionThatHasOneIsRefused()
    {
        const string phrase = "trying to differentiate twice a function that was marked with @once_differentiable";
        var x = Leaf(2);
        var function = new Once();
        var y = function.Apply(x * 1);
        (y * y).Sum().Backward(createGraph: true);
        Assert.That(function.WasRecording, Is.False);
        Assert.That(x.Grad!.RequiresGrad);
        Assert.That(Assert.Throws<GradientException>(() => x.Grad!.Sum().Backward())!.Message, Does.Contain(phrase).And.StartWith("OnceBackward"));

        // Also where no gradient that came in depends on anything: the derivative read a saved tensor.
        var first = Autodiff.Grad(new Once().Apply(x).Sum(), x, createGraph: true);
        Assert.That(Assert.Throws<GradientException>(() => Autodiff.Grad(first.Sum(), x))!.Message, Does.Contain(phrase));

        x.Grad = null;
        new Once().Apply(x).Sum().Backward();
        Assert.That((x.Grad!.Doubles(), x.Grad!.RequiresGrad), Is.EqualTo((new double[] { 2, 2 }, false)));
    }

    [Test]
    public void ALeafThatRequiresAGradientIsNotWritten()
    {
        var x = Leaf(2);
        var failure = Assert.Throws<GradientException>(() => new FunctionTests.ScaleInPlace(2).Apply(x));
        Assert.That(failure!.Message, Does.Contain("a leaf Variable that requires grad is being used in an in-place operation").And.StartWith("ScaleInPlace"));
    }

    [Test]
    public void WhatIsMarkedDirtyMustBeReturned()
    {
        var failure = Assert.Throws<GradientException>(() => new DirtyAndGone().Apply(Leaf(2) * 2));
        Assert.That(failure!.Message, Does.Contain("Some elements marked as dirty during the forward method were not returned as output"));
    }

    [Test]
    public void TheContextIsOfForward()
    {
        var x = Leaf(2);
        var failure = Assert.Throws<GradientException>(() => new SavesLate().Apply(x).Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("SaveForBackward is to be called in Forward"));
        failure = Assert.Throws<GradientException>(() => new ReadsTooFar().Apply(x).Sum().Backward());
        Assert.That(failure!.Message, Does.Contain("ReadsTooFar: no tensor was saved under the number 1; SaveForBackward was given 1."));
        Assert.Throws<GradientException>(() => new Faulty(g => [g], outputs: 0).Apply(x));
        Assert.Throws<ArgumentNullException>(() => new Once().Apply(null!));
    }

    [Test]
    public void AnExceptionOfTheProgramComesThroughAndTheModesAreRestored()
    {
        var x = Leaf(2);
        var y = new Faulty(_ => throw new InvalidOperationException("mine")).Apply(x)[0];
        Assert.That(Assert.Throws<InvalidOperationException>(() => y.Sum().Backward())!.Message, Is.EqualTo("mine"));
        Assert.That(Autodiff.IsGradEnabled);
        Assert.That((x * 2).RequiresGrad);
    }

    [Test]
    public void RulesThatAreMissingSaySo()
    {
        var function = new Once();
        Assert.That(
            Assert.Throws<GradientException>(() => function.CallJvp([Tensor.Ones([1])]))!.Message,
            Does.Contain("You must implement the jvp function for custom autograd.Function to use it with forward mode AD"));
        Assert.That(new WithRules().CallJvp([Tensor.Full([2], 3.0)])[0]!.Doubles(), Is.EqualTo(new double[] { 6, 6 }));
        Assert.That(new WithRules().Vmap(3, [new Batched(Tensor.Ones([2, 3]), 1)])[0].Dim, Is.EqualTo(1));
    }

    [Test]
    public void AnInputThatWasReturnedAsItIsCannotBeWritten()
    {
        var x = Leaf(2) * 2;
        var y = new Same().Apply(x);
        var error = Assert.Throws<GradientException>(() => y.Mul_(3))!;
        Assert.That(error.Message, Does.Contain("is a view and is being modified inplace").And.Contain("This view was created inside a custom Function"));
        Assert.That(y.Doubles(), Is.EqualTo(new double[] { 2, 2 }));

        // A copy can be written, and the function's own derivative counts.
        var leaf = Leaf(2);
        new Same().Apply(leaf * 1).Clone().Mul_(3).Sum().Backward();
        Assert.That(leaf.Grad!.Doubles(), Is.EqualTo(new double[] { 15, 15 }));
    }

    private static Tensor Leaf(params long[] shape) => Tensor.Ones(shape, DType.Float64, requiresGrad: true);

    private sealed class Faulty(Func<Tensor, Tensor?[]> backward, int outputs = 1) : NaryFunction
    {
        protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs) => outputs == 0 ? [] : [inputs[0] * 2];

        protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients) => backward(gradients[0]!);
    }

    private sealed class Once : UnaryFunction
    {
        public bool WasRecording { get; private set; } = true;

        protected internal override bool IsOnceDifferentiable => true;

        protected override Tensor Forward(Tensor x)
        {
            SaveForBackward(x);
            return x * x;
        }

        protected override Tensor? Backward(Tensor gradient)
        {
            WasRecording = Autodiff.IsGradEnabled;
            return gradient * 2 * Saved(0);
        }
    }

    private sealed class DirtyAndGone : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            MarkDirty(x.Add_(1));
            return x * 1;
        }

        protected override Tensor? Backward(Tensor gradient) => gradient;
    }

    private sealed class SavesLate : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 1;

        protected override Tensor? Backward(Tensor gradient)
        {
            SaveForBackward(gradient);
            return gradient;
        }
    }

    private sealed class ReadsTooFar : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            SaveForBackward(x);
            return x * 1;
        }

        protected override Tensor? Backward(Tensor gradient) => gradient * Saved(1);
    }

    private sealed class WithRules : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 2;

        protected override Tensor? Backward(Tensor gradient) => gradient * 2;

        protected override Tensor? Jvp(Tensor tangent) => tangent * 2;

        protected internal override IReadOnlyList<Batched> Vmap(long batchSize, ReadOnlySpan<Batched> inputs) => [inputs[0] with { Value = inputs[0].Value * 2 }];
    }

    /// <summary>The input itself, whose derivative is said to be 5.</summary>
    private sealed class Same : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x;

        protected override Tensor? Backward(Tensor gradient) => gradient * 5;
    }
}
