using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tests;

/// <summary>The options of the numerical check: forward mode, batched and undefined gradients, the fast mode.</summary>
internal sealed class GradCheckOptionTests
{
    private static Tensor X => Tensor.FromArray([0.5, -1.5, 2], requiresGrad: true);

    private static Tensor W => Tensor.FromArray([1.5, 0.25, -2], requiresGrad: true);

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void RightDerivativesPassWithEveryOption(Device device)
    {
        var x = Numbers.Double(1, [2, 2], 0.5, 2, device, requiresGrad: true);
        var strided = Numbers.Double(2, [3, 2], 0.5, 2, device).T.RequiresGrad_();
        var indices = Tensor.FromArray(new long[] { 1, 0 }, device);
        IReadOnlyList<Tensor> Function(IReadOnlyList<Tensor> t) => [t[0].MatMul(t[1]).Tanh(), (t[0] + t[2]).Sum(), t[0].Detach(), t[1] * t[1]];
        foreach (bool fast in new[] { false, true })
        {
            Assert.That(Autodiff.GradCheck(Function, [x, strided, indices], checkBatchedGrad: true, checkForwardAd: true, fastMode: fast));
            Assert.That(Autodiff.GradCheck(Function, [x, strided, indices], checkBackwardAd: false, checkForwardAd: true, fastMode: fast));
            Assert.That(Autodiff.GradGradCheck(Function, [x, strided, indices], checkBatchedGrad: true, checkFwdOverRev: true, fastMode: fast));
            Assert.That(Autodiff.GradGradCheck(Function, [x, strided, indices], checkRevOverRev: false, checkFwdOverRev: true, fastMode: fast));
            Assert.That(Autodiff.GradCheck(t => t[0] * t[1].Exp(), [x, x], checkForwardAd: true, fastMode: fast), "the same tensor twice");
            Assert.That(Autodiff.GradCheck(t => t.Sum(), Tensor.Zeros([0], DType.Float64, device, requiresGrad: true), checkForwardAd: true, checkBatchedGrad: true, fastMode: fast));
        }
    }

    [Test]
    public void AWrongTangentIsFound()
    {
        // Reverse mode is right, the tangent is twice what it should be.
        static Tensor Function(Tensor x) => Structural(new Square(tangentFactor: 4), x);
        Assert.That(Autodiff.GradCheck(Function, X));
        var failure = Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Function, X, checkForwardAd: true));
        Assert.That(failure!.Message, Does.Contain("Jacobian computed with forward mode mismatch for output 0 with respect to input 0").And.Contain("[0, 0]: analytical 2, numerical"));
        failure = Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Function, X, checkForwardAd: true, fastMode: true));
        Assert.That(failure!.Message, Does.Contain("forward mode mismatch").And.Contain("3 of 9 entries"), "the fast mode shows the entries");
        Assert.That(Autodiff.GradCheck(Function, X, checkForwardAd: true, raiseException: false), Is.False);
        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradGradCheck(x => Structural(new Square(2, gradientTangentFactor: 3), x), X, checkFwdOverRev: true))!.Message,
            Does.Contain("forward mode mismatch"));
    }

    [Test]
    public void AWrongGradientIsFoundInFastMode()
    {
        IReadOnlyList<Tensor> Function(IReadOnlyList<Tensor> t) => [t[0] + t[1], t[0] * (t[1] * t[1].Detach())];
        var failure = Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Function, [X, W], fastMode: true));
        Assert.That(failure!.Message, Does.Contain("Jacobian mismatch for output 1 with respect to input 1").And.Contain("3 of 9 entries"));
        Assert.That((failure.Output, failure.Input), Is.EqualTo((1, 1)));
    }

    [Test]
    public void FastModeTakesFewEvaluations()
    {
        int calls = 0;
        Tensor Function(Tensor x)
        {
            calls++;
            return x * x;
        }

        Assert.That(Autodiff.GradCheck(Function, Numbers.Double(1, [50], -1, 1, Device.Cpu, requiresGrad: true), fastMode: true, checkForwardAd: true));
        Assert.That(calls, Is.LessThan(6));
    }

    [Test]
    public void AWrongRuleForABatchIsFound()
    {
        static Tensor Function(Tensor x) => Structural(new Square(2, batchFactor: 3), x * 1) * 1;
        Assert.That(Autodiff.GradCheck(Function, X));
        var failure = Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Function, X, checkBatchedGrad: true));
        Assert.That(failure!.Message, Does.Contain("Gradcheck failed while testing batched gradient computation").And.Contain("in the batch and"));
        failure = Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(x => Structural(new Square(2, throwsInBatch: true), x), X, checkBatchedGrad: true));
        Assert.That(failure!.Message, Does.Contain("batched gradient computation").And.Contain("no batches here"));
    }

    [Test]
    public void AGradientThatIgnoresAMissingOneIsFound()
    {
        IReadOnlyList<Tensor> Function(IReadOnlyList<Tensor> t)
        {
            var square = t[0] * t[0];
            return [square, Recorder.Record(new Constant(1e-7), t[0].Detach() * 1, t[0])];
        }

        Assert.That(
            Assert.Throws<GradCheckException>(() => Autodiff.GradCheck(Function, [X]))!.Message,
            Does.Contain("Expected all input grads to be undefined or zero").And.Contain("output 0"));
    }

    [Test]
    public void ItMustCheckSomething()
    {
        Assert.That(
            Assert.Throws<ArgumentException>(() => Autodiff.GradCheck(t => t, X, checkBackwardAd: false))!.Message,
            Does.Contain("Expected at least one of check_forward_ad or check_backward_ad to be True"));
        Assert.Throws<ArgumentException>(() => Autodiff.GradCheck(t => t, X, checkBackwardAd: false, checkForwardAd: true, checkBatchedGrad: true));
    }

    private static Tensor Structural(Operations.StructuralOperation operation, Tensor x) => Operations.Structural.Apply(operation, x);

    /// <summary>x^2 with rules that can be made wrong.</summary>
    private sealed class Square(double tangentFactor, double gradientTangentFactor = 1, double batchFactor = 1, bool throwsInBatch = false)
        : Operations.StructuralOperation("Square")
    {
        public override Saves Saves => Saves.Input0;

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Detach() * inputs[0].Detach();

        public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
            inputGradients[0] = Structural(new Scaled(gradientTangentFactor, batchFactor, throwsInBatch), gradient) * saved.Input0;

        public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => tangents[0]! * inputs[0] * tangentFactor;

        public override Tensor Batch(BatchInputs inputs) => Structural(this, inputs[0]);
    }

    /// <summary>2x with rules that can be made wrong.</summary>
    private sealed class Scaled(double tangentFactor, double batchFactor, bool throwsInBatch) : Operations.StructuralOperation("Scaled")
    {
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Detach() * 2;

        public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
            inputGradients[0] = Structural(this, gradient);

        public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
            tangents[0] is { } tangent ? Structural(this, tangent) * tangentFactor : null;

        public override Tensor Batch(BatchInputs inputs) =>
            throwsInBatch ? throw new InvalidOperationException("no batches here") : Structural(this, inputs[0]) * batchFactor;
    }

    /// <summary>A gradient that does not depend on what arrives.</summary>
    private sealed class Constant(double value) : IDifferentiable
    {
        public string Name => "Constant";

        public Saves Saves => Saves.None;

        public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
            inputGradients[0] = Tensor.Where(gradient == 0, value, gradient);
    }
}
