using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests;

/// <summary>Functions of the program's own inside function transforms.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
public sealed class FunctionTransformTests(Device device, bool lazy)
{
    private Laziness? _laziness;

    [SetUp]
    public void SetLaziness() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void RestoreLaziness() => _laziness?.Dispose();

    private Tensor Values(params double[] values) => Tensor.FromArray(values, device);

    [Test]
    public void GradAgreesWithTheTape()
    {
        var x = Values(0.5, -1, 2);
        var plain = x.Clone().RequiresGrad_();
        new Cube().Apply(plain).Sum().Backward();
        var gradient = Autodiff.Grad(t => new Cube().Apply(t).Sum())(x);
        Assert.That(gradient.Doubles(), Is.EqualTo(plain.Grad!.Doubles()).Within(1e-12));
        Assert.That(gradient.RequiresGrad, Is.False);
    }

    [Test]
    public void GradNestsInGrad()
    {
        var x = Values(0.5, -1, 2);
        var second = Autodiff.Grad(t => Autodiff.Grad(s => new Cube().Apply(s).Sum())(t).Sum())(x);
        var third = Autodiff.Grad(u => Autodiff.Grad(t => Autodiff.Grad(s => new Cube().Apply(s).Sum())(t).Sum())(u).Sum())(x);
        Assert.That(second.Doubles(), Is.EqualTo(new[] { 3.0, -6, 12 }).Within(1e-12));
        Assert.That(third.Doubles(), Is.EqualTo(new[] { 6.0, 6, 6 }).Within(1e-12));
    }

    [Test]
    public void ACapturedTensorGetsItsGradientFromOutside()
    {
        var w = Values(1, 2, 3).RequiresGrad_();
        var x = Values(0.5, -1, 2);
        Autodiff.Grad(t => new Cube().Apply(t * w).Sum())(x).Sum().Backward();

        // d/dx (x w)^3 = 3 x^2 w^3, whose derivative by w is 9 x^2 w^2.
        Assert.That(w.Grad!.Doubles(), Is.EqualTo(new[] { 9 * 0.25, 9.0 * 4, 9 * 4.0 * 9 }).Within(1e-12));
    }

    [Test]
    public void JvpUsesTheFunctionsOwnRule()
    {
        var (output, tangent) = Autodiff.Jvp(t => new Cube().Apply(t), Values(0.5, -1, 2), Values(1, 2, 3));
        Assert.That(output.Doubles(), Is.EqualTo(new[] { 0.125, -1, 8 }).Within(1e-12));
        Assert.That(tangent.Doubles(), Is.EqualTo(new[] { 0.75, 6, 36 }).Within(1e-12));
    }

    [Test]
    public void ForwardOverReverseAndReverseOverForwardAgree()
    {
        var x = Values(0.5, -1, 2);
        var v = Values(1, 2, 3);
        var forward = Autodiff.Jvp(Autodiff.Grad(t => new Cube().Apply(t).Sum()), x, v).Tangent;
        var reverse = Autodiff.Grad(t => Autodiff.Jvp(s => new Cube().Apply(s).Sum(), t, v).Tangent)(x);
        Assert.That(forward.Doubles(), Is.EqualTo(new[] { 3.0, -12, 36 }).Within(1e-12));
        Assert.That(reverse.Doubles(), Is.EqualTo(forward.Doubles()).Within(1e-12));
    }

    [Test]
    public void WithoutARuleJvpSaysWhatIsMissing() => Assert.That(
        () => Autodiff.Jvp(t => new NoRules().Apply(t), Values(1), Values(1)),
        Throws.TypeOf<GradientException>().With.Message.Contains("You must implement the jvp function").And.Message.Contains(nameof(NoRules)));

    [Test]
    public void VmapWithoutARuleRunsTheFunctionOnTheBatch()
    {
        var x = Values(1, 2, 3, 4).Reshape(2, 2);
        Assert.That(Autodiff.Vmap(t => new NoRules().Apply(t))(x).Doubles(), Is.EqualTo(new[] { 2.0, 4, 6, 8 }));
        var perSample = Autodiff.Vmap(Autodiff.Grad(t => (new NoRules().Apply(t) * t).Sum()))(x);
        Assert.That(perSample.Doubles(), Is.EqualTo(new[] { 4.0, 8, 12, 16 }));

        // The function's own derivative counts, three times the true one, also for a tape outside of the map.
        var wrong = Autodiff.Grad(t => Autodiff.Vmap(s => new WrongDerivative().Apply(s))(t).Sum())(x);
        Assert.That(wrong.Doubles(), Is.EqualTo(new[] { 6.0, 6, 6, 6 }));
        var leaf = x.Clone().RequiresGrad_();
        Autodiff.Vmap(s => new WrongDerivative().Apply(s))(leaf).Sum().Backward();
        Assert.That(leaf.Grad!.Doubles(), Is.EqualTo(new[] { 6.0, 6, 6, 6 }));
    }

    [Test]
    public void ASharedInputGetsTheSumOfTheSamplesGradients()
    {
        var w = Values(2, 3).RequiresGrad_();
        var x = Values(1, 2, 3, 4).Reshape(2, 2);
        Autodiff.Vmap((a, b) => new Times().Apply(a, b), (null, 0))(w, x).Sum().Backward();
        Assert.That(w.Grad!.Doubles(), Is.EqualTo(new[] { 4.0, 6 }));
    }

    [Test]
    public void AFunctionThatReadsElementsRunsForEachSampleAndWarns()
    {
        var told = new List<string>();
        Warnings.Raised += told.Add;
        try
        {
            var x = Values(1, 2, 3, 4).Reshape(2, 2).RequiresGrad_();
            var y = Autodiff.Vmap(t => new Reading().Apply(t))(x);
            Assert.That(y.Doubles(), Is.EqualTo(new[] { 1.0, 2, 9, 12 }));
            y.Sum().Backward();
            Assert.That(x.Grad!.Doubles(), Is.EqualTo(new[] { 1.0, 1, 1, 1 }));
        }
        finally
        {
            Warnings.Raised -= told.Add;
        }

        Assert.That(told, Has.All.Contains(nameof(Reading)).And.All.Contains("performance drop"));
    }

    [Test]
    public void VmapUsesTheFunctionsOwnRule()
    {
        var x = Values(1, 2, 3, 4, 5, 6).Reshape(3, 2);
        Assert.That(Autodiff.Vmap(t => new Cube().Apply(t))(x).Doubles(), Is.EqualTo(new[] { 1.0, 8, 27, 64, 125, 216 }).Within(1e-12));
        var perSample = Autodiff.Vmap(Autodiff.Grad(t => new Cube().Apply(t).Sum()), inDim: 1)(x);
        Assert.That(perSample.Shape, Is.EqualTo((Shape)new[] { 2, 3 }));
        Assert.That(perSample.Doubles(), Is.EqualTo(new[] { 3.0, 27, 75, 12, 48, 108 }).Within(1e-12));
    }

    [Test]
    public void TheJacobianIsVmapOfVjp()
    {
        var x = Values(0.5, -1, 2);
        var jacobian = Autodiff.JacRev(t => new Cube().Apply(t))(x);
        Assert.That(jacobian.Doubles(), Is.EqualTo(new[] { 0.75, 0, 0, 0, 3, 0, 0, 0, 12 }).Within(1e-12));
        Assert.That(Autodiff.JacFwd(t => new Cube().Apply(t))(x).Doubles(), Is.EqualTo(jacobian.Doubles()).Within(1e-12));
    }

    [Test]
    public void WhatWasSavedIsNotKeptBeyondTheTape()
    {
        var function = new Cube();
        var weak = Apply(function, device);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.That(weak.IsAlive, Is.False);
        GC.KeepAlive(function);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference Apply(Cube function, Device device)
        {
            var x = Tensor.Ones([3], DType.Float64, device);
            Autodiff.Grad(t => function.Apply(t).Sum())(x).Materialize();
            return new WeakReference(x);
        }
    }

    /// <summary>x^3 with rules for everything.</summary>
    private sealed class Cube : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            SaveForBackward(x);
            return x * x * x;
        }

        protected override Tensor? Backward(Tensor gradient) => gradient * 3 * Saved(0) * Saved(0);

        protected override Tensor? Jvp(Tensor tangent) => tangent * 3 * Saved(0) * Saved(0);

        protected internal override IReadOnlyList<Batched> Vmap(long batchSize, ReadOnlySpan<Batched> inputs) =>
            [new Batched(new Cube().Apply(inputs[0].Value), inputs[0].Dim)];
    }

    /// <summary>2 x without any.</summary>
    private sealed class NoRules : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 2;

        protected override Tensor? Backward(Tensor gradient) => gradient * 2;
    }

    /// <summary>2 x, whose derivative is said to be 6.</summary>
    private sealed class WrongDerivative : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 2;

        protected override Tensor? Backward(Tensor gradient) => gradient * 6;
    }

    private sealed class Times : BinaryFunction
    {
        protected override Tensor Forward(Tensor a, Tensor b)
        {
            SaveForBackward(a, b);
            return a * b;
        }

        protected override (Tensor? A, Tensor? B) Backward(Tensor gradient) => (gradient * Saved(1), gradient * Saved(0));
    }

    /// <summary>x times its first element, which counts as a constant.</summary>
    private sealed class Reading : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * x[0].Item<double>();

        protected override Tensor? Backward(Tensor gradient) => gradient;

        protected internal override IReadOnlyList<Batched> Vmap(long batchSize, ReadOnlySpan<Batched> inputs) => VmapForEach(batchSize, inputs);
    }
}
