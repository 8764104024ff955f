using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Tests;

/// <summary>Which gradients <c>Autodiff.Grad</c> and <c>Backward</c> compute, and where they go.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class GradientsTests(Device device)
{
    [Test]
    public void SeveralRootsWithAndWithoutGradients()
    {
        var (x, w) = (Leaf(1, 2), Leaf(3, 4));
        var product = x * w;
        var sum = product.Sum();
        var gradients = Autodiff.Grad([product, sum, x.Mean()], [x, w], [Vector(10, 20), null, Scalar(4)]);
        Assert.That(Values(gradients[0]), Is.EqualTo(new double[] { 10 * 3 + 3 + 2, 20 * 4 + 4 + 2 }));
        Assert.That(Values(gradients[1]), Is.EqualTo(new double[] { 10 * 1 + 1, 20 * 2 + 2 }));
        Assert.That((x.Grad, w.Grad), Is.EqualTo(((Tensor?)null, (Tensor?)null)));

        Autodiff.Backward([x * w, (x * w).Sum()], [Vector(10, 20), null]);
        Assert.That(Values(w.Grad), Is.EqualTo(new double[] { 11, 42 }));
    }

    [Test]
    public void AGradientThatIsGivenIsDifferentiatedToo()
    {
        var (x, v) = (Leaf(2, 3), Leaf(1, 10));
        var gradient = Autodiff.Grad([x * x], [x], [v], createGraph: true)[0]!;
        Assert.That(Values(gradient), Is.EqualTo(new double[] { 4, 60 }));
        var second = Autodiff.Grad([gradient], [v, x], [Vector(1, 1)]);
        Assert.That(Values(second[0]), Is.EqualTo(new double[] { 4, 6 }), "d(2 x v)/dv = 2 x");
        Assert.That(Values(second[1]), Is.EqualTo(new double[] { 2, 20 }), "d(2 x v)/dx = 2 v");

        var plain = Autodiff.Grad([x * 1], [x], [v])[0]!;
        Assert.That(plain.RequiresGrad, Is.False, "without createGraph nothing is recorded");
    }

    [Test]
    public void TheGraphIsRetainedAsCreateGraphSaysUnlessToldOtherwise()
    {
        var x = Leaf(3);
        var square = x * x;
        Autodiff.Grad([square], [x], createGraph: true);
        Autodiff.Grad([square], [x], retainGraph: true);
        Assert.That(Values(Autodiff.Grad([square], [x])[0]), Is.EqualTo(new double[] { 6 }));
        Assert.That(
            () => Autodiff.Grad([square], [x]),
            Throws.TypeOf<GradientException>().With.Message.Contains("Trying to backward through the graph a second time"));

        square = x * x;
        Autodiff.Grad([square], [x], createGraph: true, retainGraph: false);
        Assert.That(() => Autodiff.Grad([square], [x]), Throws.TypeOf<GradientException>());
    }

    [Test]
    public void UnusedInputsAreAnErrorOrNullOrZeros()
    {
        var x = Leaf(1);
        var unused = Tensor.Ones([2, 0, 3], DType.Float32, device, requiresGrad: true);
        Assert.That(
            () => Autodiff.Grad([x * 2], [x, unused]),
            Throws.TypeOf<GradientException>().With.Message.Contains("to not have been used in the graph").And.Message.Contains("Set allowUnused: true"));
        Assert.That(Autodiff.Grad([x * 2], [unused, x], allowUnused: true)[0], Is.Null);

        foreach (bool createGraph in new[] { false, true })
        {
            foreach (bool? allow in new bool?[] { null, true })
            {
                var zeros = Autodiff.Grad([x * 2], [x, unused], createGraph: createGraph, allowUnused: allow, materializeGrads: true)[1]!;
                Assert.That((zeros.Shape, zeros.DType, zeros.Device), Is.EqualTo((unused.Shape, DType.Float32, device)));
                Assert.That(zeros.RequiresGrad, Is.EqualTo(createGraph));
            }
        }

        var other = Leaf(5, 6);
        Assert.That(Values(Autodiff.Grad([x * 2], [other], materializeGrads: true)[0]), Is.EqualTo(new double[] { 0, 0 }));
        Assert.That(
            () => Autodiff.Grad([x * 2], [x], allowUnused: false, materializeGrads: true),
            Throws.TypeOf<GradientException>().With.Message.Contains("Expected allow_unused to be True or not passed when materialize_grads=True"));
    }

    [Test]
    public void InputsAndRootsMustBeDifferentiable()
    {
        var x = Leaf(1);
        Assert.That(
            () => Autodiff.Grad([x * 2], [Vector(1)], allowUnused: true),
            Throws.TypeOf<GradientException>().With.Message.Contains("One of the differentiated Tensors does not require grad"));
        Assert.That(
            () => Autodiff.Grad([x * 2, Vector(1)], [x]),
            Throws.TypeOf<GradientException>().With.Message.Contains("element 1 of tensors does not require grad and does not have a grad_fn"));
        Assert.That(
            () => Autodiff.Grad([x * 2], Array.Empty<Tensor>()),
            Throws.TypeOf<GradientException>().With.Message.Contains("grad requires non-empty inputs"));
        Assert.That(() => Autodiff.Grad([x * 2], [x], [null, null]), Throws.TypeOf<GradientException>());
        Assert.That(() => Autodiff.Grad([x * 2], [x], [Vector(1, 2)]), Throws.TypeOf<ShapeException>().With.Message.Contains("Mismatch in shape: grad_output[0]"));
        Assert.That(() => Autodiff.Backward([null!]), Throws.ArgumentNullException);
    }

    [Test]
    public void BackwardAccumulatesOnlyIntoItsInputs()
    {
        var (x, w, b) = (Leaf(1, 2), Leaf(3, 4), Leaf(5, 6));
        var loss = (x * w + b).Sum();
        loss.Backward(retainGraph: true, inputs: [w]);
        Assert.That(Values(w.Grad), Is.EqualTo(new double[] { 1, 2 }));
        Assert.That((x.Grad, b.Grad), Is.EqualTo(((Tensor?)null, (Tensor?)null)));
        var held = w.Grad!;
        loss.Backward(retainGraph: true, inputs: [w, b, w]);
        Assert.That(w.Grad, Is.SameAs(held));
        Assert.That(Values(held), Is.EqualTo(new double[] { 2, 4 }), "an input named twice is one input");
        Assert.That(Values(b.Grad), Is.EqualTo(new double[] { 1, 1 }));

        var stranger = Leaf(1);
        loss.Backward(inputs: [stranger]);
        Assert.That(stranger.Grad, Is.Null, "nothing leads there");

        Assert.That(
            () => (x * 2).Sum().Backward(inputs: []),
            Throws.TypeOf<GradientException>().With.Message.Contains("'inputs' argument to backward() cannot be empty."));
        Assert.That(
            () => (x * 2).Sum().Backward(inputs: [Vector(1)]),
            Throws.TypeOf<GradientException>().With.Message.Contains("One of the differentiated Tensors does not require grad"));
    }

    [Test]
    public void InputsOfBackwardMayLieInTheMiddle()
    {
        var x = Leaf(1, 2);
        var middle = x * 3;
        var result = (middle * middle).Sum();
        result.Backward(retainGraph: true, inputs: [middle]);
        Assert.That(Values(middle.Grad), Is.EqualTo(new double[] { 6, 12 }));
        Assert.That((x.Grad, middle.RetainsGrad), Is.EqualTo(((Tensor?)null, true)));

        result.Backward(retainGraph: true, inputs: [middle, x]);
        Assert.That(Values(middle.Grad), Is.EqualTo(new double[] { 12, 24 }));
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 18, 36 }));

        result.Backward(retainGraph: true, inputs: [result]);
        Assert.That(Values(result.Grad), Is.EqualTo(new double[] { 1 }), "the root itself");
        result.Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 36, 72 }), "what stopped in the middle freed nothing that this pass needs");
    }

    [Test]
    public void AccumulationOfARecordedPassIsOutOfPlace()
    {
        foreach (bool createGraph in new[] { false, true })
        {
            var x = Leaf(2, 3);
            (x * x).Sum().Backward();
            var held = x.Grad!;
            (x * x).Sum().Backward(createGraph: createGraph);
            Assert.That(ReferenceEquals(x.Grad, held), Is.EqualTo(!createGraph));
            Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 8, 12 }));
            Assert.That(Values(held), Is.EqualTo(createGraph ? new double[] { 4, 6 } : [8, 12]));
            Assert.That(x.Grad!.RequiresGrad, Is.EqualTo(createGraph));
        }
    }

    [Test]
    public void GradientsThatAreReturnedAreNobodyElsesMemory()
    {
        var (x, w, seed) = (Leaf(1, 2), Leaf(3, 4), Vector(10, 20));
        var gradients = Autodiff.Grad([x + w], [x, w], [seed]);
        gradients[0]!.Mul_(2);
        seed.Zero_();
        Assert.That(Values(gradients[0]), Is.EqualTo(new double[] { 20, 40 }));
        Assert.That(Values(gradients[1]), Is.EqualTo(new double[] { 10, 20 }));
    }

    [Test]
    public void WhatReceivesNoGradientStaysNull()
    {
        var (x, w) = (Leaf(1, 2), Leaf(3, 4));
        var y = x.Exp();
        var product = y * w;
        product.GradFn!.RegisterHook((inputs, _) => [null, inputs[1]]);
        product.Sum().Backward();
        Assert.That(x.Grad, Is.Null, "no zeros");
        Assert.That(Values(w.Grad), Is.EqualTo(new[] { Math.E, Math.Exp(2) }).Within(1e-12));
        product = x.Exp() * w;
        product.GradFn!.RegisterHook((inputs, _) => [null, inputs[1]]);
        Assert.That(Autodiff.Grad([product.Sum()], [x], allowUnused: true)[0], Is.Null);
    }

    [Test]
    public void EmptyScalarStridedAndBroadcastShapes()
    {
        var a = Tensor.Ones([4, 0], DType.Float32, device, requiresGrad: true);
        var b = Tensor.Ones([4, 1], DType.Float32, device, requiresGrad: true);
        var gradients = Autodiff.Grad([a + b], [a, b], [Tensor.Ones([4, 0], DType.Float32, device)]);
        Assert.That(gradients.Select(g => g!.Shape), Is.EqualTo(new[] { a.Shape, b.Shape }));
        Assert.That(gradients[1]!.ToArray<float>(), Is.EqualTo(new float[4]));

        var matrix = Tensor.FromArray(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } }, device, requiresGrad: true);
        var number = Tensor.Of(2.0, DType.Float64, device, requiresGrad: true);
        var strided = matrix.T;
        var result = strided * number;
        gradients = Autodiff.Grad([result], [strided, matrix, number], [matrix.Detach().T]);
        Assert.That((gradients[0]!.Shape, gradients[1]!.Shape, gradients[2]!.Shape), Is.EqualTo((strided.Shape, matrix.Shape, Shape.Scalar)));
        Assert.That(gradients[0]!.ToArray<double>(), Is.EqualTo(new double[] { 2, 8, 4, 10, 6, 12 }));
        Assert.That(gradients[1]!.ToArray<double>(), Is.EqualTo(new double[] { 2, 4, 6, 8, 10, 12 }));
        Assert.That(gradients[2]!.Item<double>(), Is.EqualTo(91));
    }

    [Test]
    public void ThePassIsRecordedAsCreateGraphSaysWhateverTheModeAround()
    {
        var x = Leaf(2);
        var cube = x * x * x;
        using (Autodiff.NoGrad())
        {
            var first = Autodiff.Grad(cube, x, createGraph: true);
            Assert.That(first.RequiresGrad);
            Assert.That(Values(Autodiff.Grad(first, x)), Is.EqualTo(new double[] { 12 }));
            Assert.That(Autodiff.IsGradEnabled, Is.False);
        }
    }

    [Test]
    public void WhatIsAssignedToGradMustFit()
    {
        var x = Leaf(1, 2);
        Assert.That(() => x.Grad = Vector(1), Throws.TypeOf<ShapeException>().With.Message.Contains("assigned grad has data of a different size"));
        Assert.That(
            () => x.Grad = Tensor.Ones([2], DType.Float32, device),
            Throws.TypeOf<DTypeException>().With.Message.Contains("assigned grad has data of a different type"));
        Assert.That(() => x.Grad = x, Throws.TypeOf<GradientException>().With.Message.Contains("can't assign Variable as its own grad"));
        var other = ReferenceEquals(device, Device.Cpu) ? Device.CpuKernels : Device.Cpu;
        Assert.That(
            () => x.Grad = Tensor.Ones([2], DType.Float64, other),
            Throws.TypeOf<DeviceMismatchException>().With.Message.Contains("assigned grad has data located on a different device"));
        x.Grad = Vector(100, 200);
        (x * 2).Sum().Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 102, 202 }));
    }

    [Test]
    public void AFormulaThatReturnsAWrongShapeIsNamed()
    {
        var x = Leaf(1, 2);
        var y = Tensor.Ones([3], DType.Float64, device);
        Recorder.Record(new WrongShape(), y, x);
        Assert.That(
            () => y.Sum().Backward(),
            Throws.TypeOf<ShapeException>().With.Message.Contains(
                "Function WrongShapeBackward0 returned an invalid gradient at index 0 - got [3] but expected shape compatible with [2]"));
        Assert.That(x.Grad, Is.Null);
    }

    private static double[] Values(Tensor? tensor) => tensor!.ToArray<double>();

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Scalar(double value) => Tensor.Of(value, DType.Float64, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();

    private sealed class WrongShape : IDifferentiable
    {
        public string Name => "WrongShape";

        public Saves Saves => Saves.None;

        public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) => inputGradients[0] = gradient;
    }
}
