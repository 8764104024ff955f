namespace Autograd.Gpu.Tests;

/// <summary>Operations of the program's own: what becomes of their inputs, outputs, gradients and saved tensors.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class FunctionTests(Device device, bool lazy)
{
    private Laziness? _mode;

    [SetUp]
    public void SetMode() => _mode = Laziness.Set(lazy);

    [TearDown]
    public void RestoreMode() => _mode?.Dispose();

    [Test]
    public void AFunctionOfOneTensorIsRecordedWithItsName()
    {
        var x = Leaf([1.0, 2.0, 3.0]);
        var y = new Scale(3).Apply(x * 1);
        Assert.That((y.GradFn!.Name, y.RequiresGrad, y.IsLeaf, y.OutputNumber), Is.EqualTo(("ScaleBackward", true, false, 0)));
        Assert.That(y.ToString(), Does.Contain("grad_fn=<ScaleBackward>"));
        y.Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 3, 3, 3 }));

        using (Autodiff.NoGrad())
        {
            Assert.That(new Scale(3).Apply(x).RequiresGrad, Is.False);
        }

        Assert.That(new Scale(3).Apply(x.Detach()).RequiresGrad, Is.False);
    }

    [Test]
    public void DerivativesOfEveryOrderFollowFromABackwardMadeOfTensorOperations()
    {
        var x = Leaf([0.5, -1.5, 2.0]);
        var w = Leaf([1.5, 0.5, -2.0]);
        Assert.That(Autodiff.GradCheck(t => new Cube().Apply(t[0]), [x]));
        Assert.That(Autodiff.GradGradCheck(t => new Cube().Apply(t[0]), [x]));
        Assert.That(Autodiff.GradCheck(t => new SavedExp().Apply(t[0]), [x]));
        Assert.That(Autodiff.GradGradCheck(t => new SavedExp().Apply(t[0]), [x]));
        Assert.That(Autodiff.GradCheck(t => new Product().Apply(t[0], t[1]), [x, w]));
        Assert.That(Autodiff.GradGradCheck(t => new Product().Apply(t[0], t[1]), [x, w]));
        Assert.That(Autodiff.GradGradCheck(t => new MulAdd().Apply(t[0], t[1], t[0] * t[1]), [x, w]));

        // d3 x^3 = 6.
        var first = Autodiff.Grad(new Cube().Apply(x).Sum(), x, createGraph: true);
        var second = Autodiff.Grad(first.Sum(), x, createGraph: true);
        Assert.That(Autodiff.Grad(second.Sum(), x).Doubles(), Is.EqualTo(new double[] { 6, 6, 6 }).Within(1e-12));
    }

    [Test]
    public void GradientsOfBroadcastInputsAreSummed()
    {
        var x = Tensor.Ones([2, 3], DType.Float32, device, requiresGrad: true);
        var w = Tensor.Full([3], 2.0, DType.Float32, device, requiresGrad: true);
        new Product().Apply(x, w).Sum().Backward();
        Assert.That(w.Grad!.Shape, Is.EqualTo(w.Shape));
        Assert.That(x.Grad!.Shape, Is.EqualTo(x.Shape));
        Assert.That(w.Grad!.Doubles(), Is.EqualTo(new double[] { 2, 2, 2 }));

        var empty = Tensor.Ones([0, 3], DType.Float32, device, requiresGrad: true);
        w.Grad = null;
        new Product().Apply(empty, w).Sum().Backward();
        Assert.That(w.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0, 0 }));

        // Strided and 0-d inputs.
        w.Grad = null;
        new Product().Apply(x.T.Sum(1), w.Sum()).Sum().Backward();
        Assert.That(w.Grad!.Doubles(), Is.EqualTo(new double[] { 6, 6, 6 }));
    }

    [Test]
    public void AnInputReturnedAsItIsGetsItsOwnHandle()
    {
        var x = Leaf([1.0, 2.0]);
        var y = new Identity().Apply(x);
        Assert.That(y, Is.Not.SameAs(x));
        Assert.That((y.GradFn!.Name, x.IsLeaf, y.Doubles()), Is.EqualTo(("IdentityBackward", true, new double[] { 1, 2 })));
        (y * 2).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 20, 20 }), "its gradient passed through the function");

        // The memory is one.
        using (Autodiff.NoGrad())
        {
            x.Add_(1);
        }

        Assert.That(y.Doubles(), Is.EqualTo(new double[] { 2, 3 }));
    }

    [Test]
    public void TheSameTensorReturnedTwiceHasTwoGradients()
    {
        var x = Leaf([1.0, 2.0]);
        var outputs = new Twice().Apply(x);
        Assert.That(outputs.Select(o => o.OutputNumber), Is.EqualTo(new[] { 0, 1 }));
        (outputs[0] * 3 + outputs[1] * 5).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 2 * (3 + 50), 2 * (3 + 50) }));
    }

    [Test]
    public void ANullGradientStaysNull()
    {
        var x = Leaf([1.0]);
        var w = Leaf([2.0]);
        new NoGradients().Apply(x).Sum().Backward();
        Assert.That(x.Grad, Is.Null);

        // What lies below it gets nothing either, and what comes another way arrives.
        new NoGradients().Apply(x * w).Sum().Backward();
        Assert.That((x.Grad, w.Grad), Is.EqualTo(((Tensor?)null, (Tensor?)null)));
        (new NoGradients().Apply(x * w) + x).Sum().Backward();
        Assert.That((x.Grad!.Item<double>(), w.Grad), Is.EqualTo((1.0, (Tensor?)null)));
        Assert.That(Autodiff.Grad([new NoGradients().Apply(x).Sum()], [x], allowUnused: true)[0], Is.Null);
    }

    [Test]
    public void GradientsThatDoNotArriveAreZerosOrNull()
    {
        var x = Leaf([1.0, 2.0]);
        var split = new SumAndProduct(materialize: true);
        split.Apply(x, x * 2)[0].Backward();
        Assert.That(split.Received, Is.EqualTo(new[] { true, true }));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 3, 3 }));

        x.Grad = null;
        split = new SumAndProduct(materialize: false);
        split.Apply(x, x * 2)[0].Backward();
        Assert.That(split.Received, Is.EqualTo(new[] { true, false }));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 3, 3 }));

        x.Grad = null;
        var outputs = new SumAndProduct(materialize: true).Apply(x, x * 2);
        (outputs[0] + outputs[1].Sum()).Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 3 + 4, 3 + 8 }));
    }

    [Test]
    public void OutputsMarkedNonDifferentiableAreNotRecorded()
    {
        var x = Leaf([3.0, -1.0, 2.0]);
        var outputs = new PositivePart().Apply(x);
        Assert.That((outputs[0].RequiresGrad, outputs[1].RequiresGrad, outputs[2].RequiresGrad), Is.EqualTo((true, false, false)));
        Assert.That(outputs[1].DType, Is.EqualTo(DType.Bool), "a mask");
        Assert.That(outputs[2].Doubles(), Is.EqualTo(new double[] { 1, 0, 1 }), "the same in float64, marked");
        outputs[0].Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 1, 0, 1 }));
    }

    [Test]
    public void AFunctionMayWriteItsInput()
    {
        var x = Leaf([1.0, 2.0]);
        var y = x * 2;
        var written = new ScaleInPlace(5).Apply(y);
        Assert.That(written, Is.SameAs(y));
        Assert.That((y.GradFn!.Name, y.Version, y.Doubles()), Is.EqualTo(("ScaleInPlaceBackward", 1, new double[] { 10, 20 })));
        (y * 3).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 30, 30 }));

        // What saved the old value notices.
        x.Grad = null;
        y = x * 2;
        var square = y * y;
        new ScaleInPlace(5).Apply(y);
        Assert.That(
            Assert.Throws<GradientException>(() => square.Sum().Backward())!.Message,
            Does.Contain("has been modified by an inplace operation").And.Contain("expected version 0"));

        using (Autodiff.NoGrad())
        {
            Assert.That(new ScaleInPlace(2).Apply(x), Is.SameAs(x));
        }

        Assert.That((x.Doubles(), x.IsLeaf), Is.EqualTo((new double[] { 2, 4 }, true)));
    }

    [Test]
    public void SavedOutputsHoldNoCycleAndHaveTheirHistory()
    {
        var x = Leaf([0.5]);
        var y = new SavedExp().Apply(x);
        var first = Autodiff.Grad(y.Sum(), x, createGraph: true);
        Assert.That(first.RequiresGrad);
        Assert.That(y.GradFn!.SavedTensors.Single().Value!.Item<double>(), Is.EqualTo(Math.Exp(0.5)).Within(1e-12));
        Assert.That(Autodiff.Grad(first.Sum(), x).Item<double>(), Is.EqualTo(Math.Exp(0.5)).Within(1e-12));

        // Writing the output is noticed.
        y = new SavedExp().Apply(x);
        y.Mul_(2);
        Assert.That(
            Assert.Throws<GradientException>(() => y.Sum().Backward())!.Message,
            Does.Contain("modified by an inplace operation").And.Contain("which is output 0 of SavedExpBackward"));
    }

    [Test]
    public void OnlyWhatIsAskedForIsComputed()
    {
        var x = Leaf([1.0]);
        var w = Leaf([2.0]);
        var function = new Product();
        var y = function.Apply(x, w.Detach()).Sum();
        Assert.That(function.NeededForward, Is.EqualTo((true, false)));
        y.Backward();
        Assert.That(function.NeededBackward, Is.EqualTo((true, false)));

        function = new Product();
        y = function.Apply(x, w).Sum();
        Assert.That(Autodiff.Grad(y, w).Item<double>(), Is.EqualTo(1));
        Assert.That((function.NeededForward, function.NeededBackward), Is.EqualTo(((true, true), (false, true))));
    }

    [Test]
    public void AnObjectCanBeAppliedAgain()
    {
        var x = Leaf([2.0]);
        var cube = new Cube();
        var y = cube.Apply(x) * 10 + cube.Apply(x * 2);
        y.Sum().Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(10 * 12 + 2 * 3 * 16));
    }

    [Test]
    public void AGraphOfFunctionsRunsTwiceWhereItIsRetainedOrNothingWasSaved()
    {
        var x = Leaf([2.0]);
        var y = new Cube().Apply(x).Sum();
        y.Backward(retainGraph: true);
        y.Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(24));
        Assert.That(
            Assert.Throws<GradientException>(() => y.Backward())!.Message,
            Does.Contain("CubeBackward: Trying to backward through the graph a second time"));

        var z = new Scale(2).Apply(x).Sum();
        z.Backward();
        z.Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(28));
    }

    [Test]
    public void FunctionsAndBuiltInOperationsMixInOneGraph()
    {
        var x = Leaf([0.3, -0.7]);
        Tensor F(IReadOnlyList<Tensor> t) => new Product().Apply(new Cube().Apply(t[0]).Tanh(), new Scale(2).Apply(t[0].Exp())).Sum();
        Assert.That(Autodiff.GradCheck(F, [x]));
        Assert.That(Autodiff.GradGradCheck(F, [x]));
    }

    [Test]
    public void IntegerInputsAndUnusedGradientsAreIgnored()
    {
        var x = Leaf([1.0, 2.0, 3.0]);
        var indices = Tensor.FromArray(new long[] { 2, 0, 1 }, device);
        var y = new WeightedByIndex().Apply(x, indices);
        Assert.That(y[0].GradFn!.NextFunctions[1].Function, Is.Null);
        y[0].Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 2, 0, 1 }));
    }

    private Tensor Leaf(double[] values) => Tensor.FromArray(values, device, requiresGrad: true);

    internal sealed class Scale(double factor) : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * factor;

        protected override Tensor? Backward(Tensor gradient) => gradient * factor;
    }

    internal sealed class Cube : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            SaveForBackward(x);
            return x * x * x;
        }

        protected override Tensor? Backward(Tensor gradient) => gradient * 3 * Saved(0) * Saved(0);
    }

    internal sealed class SavedExp : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            var y = x.Exp();
            SaveForBackward(y);
            return y;
        }

        protected override Tensor? Backward(Tensor gradient) => gradient * SavedTensors[0]!;
    }

    internal sealed class Product : BinaryFunction
    {
        public (bool, bool) NeededForward { get; private set; }

        public (bool, bool) NeededBackward { get; private set; }

        protected override Tensor Forward(Tensor a, Tensor b)
        {
            NeededForward = (NeedsInputGrad(0), NeedsInputGrad(1));
            SaveForBackward(a, b);
            return a * b;
        }

        protected override (Tensor? A, Tensor? B) Backward(Tensor gradient)
        {
            NeededBackward = (NeedsInputGrad(0), NeedsInputGrad(1));
            return (gradient * Saved(1), gradient * Saved(0));
        }
    }

    private sealed class MulAdd : TernaryFunction
    {
        protected override Tensor Forward(Tensor a, Tensor b, Tensor c)
        {
            SaveForBackward(a, b);
            return a * b + c;
        }

        protected override (Tensor? A, Tensor? B, Tensor? C) Backward(Tensor gradient) => (gradient * Saved(1), gradient * Saved(0), gradient);
    }

    private sealed class Identity : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x;

        protected override Tensor? Backward(Tensor gradient) => gradient * 10;
    }

    private sealed class Twice : NaryFunction
    {
        protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
        {
            var y = inputs[0] * 2;
            return [y, y];
        }

        protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients) => [2 * (gradients[0]! + 10 * gradients[1]!)];
    }

    private sealed class NoGradients : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 2;

        protected override Tensor? Backward(Tensor gradient) => null;
    }

    private sealed class SumAndProduct(bool materialize) : NaryFunction
    {
        public bool[]? Received { get; private set; }

        protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
        {
            SetMaterializeGrads(materialize);
            SaveForBackward(inputs[0], inputs[1], null);
            return [(inputs[0] + inputs[1]).Sum(), inputs[0] * inputs[1]];
        }

        protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients)
        {
            Received = [gradients[0] is not null, gradients[1] is not null];
            Assert.That(SavedTensors, Has.Count.EqualTo(3));
            Assert.That(SavedTensors[2], Is.Null);
            var (sum, product) = (gradients[0]!.Expand(2), gradients[1]);
            return product is null ? [sum, sum] : [sum + product * Saved(1), sum + product * Saved(0)];
        }
    }

    private sealed class PositivePart : NaryFunction
    {
        protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
        {
            var mask = inputs[0] > 0;
            var weights = mask.To(inputs[0].DType);
            MarkNonDifferentiable(weights);
            SaveForBackward(mask);
            return [Tensor.Where(mask, inputs[0], 0.0), mask, weights];
        }

        protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients) => [Tensor.Where(Saved(0), gradients[0]!, 0.0)];
    }

    internal sealed class ScaleInPlace(double factor) : UnaryFunction
    {
        protected override Tensor Forward(Tensor x)
        {
            MarkDirty(x);
            return x.Mul_(factor);
        }

        protected override Tensor? Backward(Tensor gradient) => gradient * factor;
    }

    private sealed class WeightedByIndex : NaryFunction
    {
        protected override Tensor[] Forward(ReadOnlySpan<Tensor> inputs)
        {
            SaveForBackward(inputs[1]);
            return [inputs[0] * inputs[1]];
        }

        // More than there are inputs, as long as it is null.
        protected override Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients) => [gradients[0]! * Saved(0), gradients[0], null];
    }
}
