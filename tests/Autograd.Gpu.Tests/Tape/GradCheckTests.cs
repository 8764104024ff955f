using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Tests;

/// <summary>The numerical check finds what it is for, and refuses what it cannot check.</summary>
internal sealed class GradCheckTests
{
    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void RightGradientsPass(Device device)
    {
        var x = Numbers.Double(1, [2, 2], 0.5, 2, device, requiresGrad: true);
        var w = Numbers.Double(2, [2], 0.5, 2, device, requiresGrad: true);
        var indices = Tensor.FromArray(new long[] { 1, 0 }, device);
        Assert.That(Autodiff.GradCheck(t => t.Log() * t, x));
        Assert.That(Autodiff.GradCheck(t => [t[0] * t[1], (t[0] + t[2]).Sum(), t[0].Detach()], [x, w, indices]));
        Assert.That(Autodiff.GradGradCheck(t => [t[0] * t[1], t[0].Sin().Sum()], [x, w]));
        Assert.That(Autodiff.GradGradCheck(t => t * t * t, x, Tensor.Ones([2, 2], DType.Float64, device)));
        Assert.That(Autodiff.GradCheck(t => t[0] * t[1], [x, x]), "the same tensor twice");
        Assert.That(Autodiff.GradCheck(t => t.Sum(), Tensor.Zeros([0], DType.Float64, device, requiresGrad: true)), "nothing to move");
        Assert.That(Autodiff.GradCheck(t => t * t, Tensor.Of(3.0, DType.Float64, device, requiresGrad: true)));
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void WrongGradientsAreShownEntryByEntry()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var w = Tensor.FromArray([5.0, 7.0], requiresGrad: true);

        // The tape sees one of the two factors.
        IReadOnlyList<Tensor> Function(IReadOnlyList<Tensor> t) => [t[0] + t[1], t[0] * (t[1] * t[1].Detach())];
        var failure = Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Function, [x, w]));
        Assert.That(failure!.Message, Does.Contain("Jacobian mismatch for output 1 with respect to input 1").And.Contain("2 of 4 entries").And.Contain("[0, 0]: analytical 5, numerical 10"));
        Assert.That((failure.Output, failure.Input), Is.EqualTo((1, 1)));
        Assert.That(failure.Analytical, Is.EqualTo(new double[,] { { 5, 0 }, { 0, 14 } }));
        Assert.That(failure.Numerical![1, 1], Is.EqualTo(28).Within(1e-6));
        Assert.That(Autodiff.GradCheck(Function, [x, w], raiseException: false), Is.False);
        Assert.That(Autodiff.GradCheck(Function, [x, w], atol: 20), Is.True, "within a tolerance that wide");
    }

    [Test]
    public void ADerivativeThatIsWrongOnlyTheSecondTimeIsFound()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        static Tensor Square(Tensor t) => Recorder.Record(new Custom(gradient => gradient * 2 * t.Detach()), t.Detach() * t.Detach(), t);
        Assert.That(Autodiff.GradCheck(Square, x));
        Assert.That(Assert.Throws<GradCheckException>(() => Autodiff.GradGradCheck(Square, x))!.Message, Does.Contain("Jacobian mismatch for output 0 with respect to input 0"));
    }

    [Test]
    public void PassesThatDifferOrIgnoreTheirGradientAreFound()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        double noise = 0;
        Tensor Noisy(Tensor t) => Recorder.Record(new Custom(gradient => gradient * (1 + (noise += 1e-9))), t.Detach() * 1, t);
        Assert.That(Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Noisy, x))!.Message, Does.Contain("Backward is not reentrant"));
        Assert.That(Autodiff.GradCheck(Noisy, x, nondetTol: 1e-6));

        static Tensor Ignoring(Tensor t) => Recorder.Record(new Custom(gradient => gradient + 1e-7), t.Detach() * 1, t);
        Assert.That(Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Ignoring, x))!.Message, Does.Contain("backward not multiplied by grad_output"));
    }

    [Test]
    public void AParameterThatTheFunctionReadsElsewhereIsNamed()
    {
        var x = Tensor.FromArray([1.0, 2.0], requiresGrad: true);
        var weight = Tensor.FromArray([5.0, 7.0], requiresGrad: true);
        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(t => t[0] * weight, [x, weight]))!.Message,
            Does.Contain("Jacobian mismatch for output 0 with respect to input 1").And.Contain("Autodiff.FunctionalCall"));
        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(t => t[0] * (t[1] * t[1].Detach()), [x, weight]))!.Message,
            Does.Not.Contain("FunctionalCall"));
    }

    [Test]
    public void NanAndUnrecordedChangesFail()
    {
        var zero = Tensor.FromArray([0.0], requiresGrad: true);
        Assert.That(Autodiff.GradCheck(t => t.Sqrt(), zero, raiseException: false), Is.False, "the slope at 0 is infinite");
        var x = Tensor.FromArray([1.0], requiresGrad: true);
        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(t => t.Detach() * 2, x))!.Message,
            Does.Contain("Numerical gradient for function expected to be zero"));
        Assert.That(Autodiff.GradCheck(t => t.Detach() * 0, x), "what does not change needs no gradient");
    }

    [Test]
    public void WhatCannotBeCheckedIsRefused()
    {
        var single = Tensor.Ones([2], requiresGrad: true);
        Assert.That(Assert.Throws<DTypeException>(() => Autodiff.GradCheck(t => t, single))!.Message, Does.Contain("float32").And.Contain("float64").And.Contain("input 0"));
        var fixedInput = Tensor.Ones([2], DType.Float64);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.GradCheck(t => t, fixedInput))!.Message,
            Does.Contain("expects at least one input tensor to require gradient"));
        var expanded = Tensor.Ones([1], DType.Float64).Expand(3).RequiresGrad_();
        Assert.That(
            Assert.Throws<ShapeException>(() => Autodiff.GradCheck(t => t[0] * t[1], [Tensor.Ones([3], DType.Float64, requiresGrad: true), expanded]))!.Message,
            Does.Contain("The 1th input has a dimension with stride 0"));
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.GradGradCheck(t => t.Detach(), Tensor.Ones([1], DType.Float64, requiresGrad: true)))!.Message,
            Does.Contain("no output of the function requires gradients"));
    }

    [TestCase(false, TestName = "OutputsThatChangeFromCallToCallAreRefused(entries)")]
    [TestCase(true, TestName = "OutputsThatChangeFromCallToCallAreRefused(projections)")]
    public void OutputsThatChangeFromCallToCallAreRefused(bool fast)
    {
        var x = Tensor.FromArray([1.0, 2.0, 3.0], requiresGrad: true);
        int calls = 0;
        Tensor Shrinking(Tensor t) => (t * t).Narrow(0, 0, calls++ == 0 ? 3 : 2);
        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Shrinking, x, fastMode: fast))!.Message,
            Does.Contain("output 0 of the function has shape [3] at the point and [2] when it was called again for input 0"));

        calls = 0;
        IReadOnlyList<Tensor> Growing(IReadOnlyList<Tensor> t) => calls++ == 0 ? [t[0] * 2] : [t[0] * 2, t[0] * 3];
        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Growing, [x], fastMode: fast))!.Message,
            Does.Contain("the function returned 1 outputs at the point and 2 when it was called again for input 0"));

        calls = 0;
        Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(t => calls++ < 7 ? t * t : t.Sum(), x, checkForwardAd: true), "in forward mode alone");
    }

    [Test]
    public void TheModeAndTheGeneratorAreLeftAsTheyWere()
    {
        var state = Device.Default.Generator.State;
        using (Autodiff.NoGrad())
        {
            Assert.That(Autodiff.GradGradCheck(t => t * t, Tensor.Ones([2], DType.Float64, requiresGrad: true)));
            Assert.That(Autodiff.IsGradEnabled, Is.False);
        }

        Assert.That(Device.Default.Generator.State, Is.EqualTo(state));
    }

    /// <summary>An operation of one input with a given derivative.</summary>
    private sealed class Custom(Func<Tensor, Tensor> vjp) : IDifferentiable
    {
        public string Name => "Custom";

        public Saves Saves => Saves.None;

        public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => inputGradients[0] = vjp(gradient);
    }
}
