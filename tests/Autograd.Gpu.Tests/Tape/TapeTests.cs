namespace Autograd.Gpu.Tests;

/// <summary>What the tape records, and where gradients go.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class TapeTests(Device device)
{
    [Test]
    public void GradientsAccumulateUntilTheyAreSetToNull()
    {
        var x = Leaf(1, 2, 3);
        (x * x).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 2, 4, 6 }));
        (x * 10).Sum().Backward();
        Assert.That(x.Grad.ToArray<double>(), Is.EqualTo(new double[] { 12, 14, 16 }));
        x.Grad = null;
        (x * 10).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 10, 10, 10 }));
    }

    [Test]
    public void AccumulationIsInPlaceUnlessThePassIsRecorded()
    {
        var x = Leaf(1, 2);
        (x * x).Sum().Backward();
        var held = x.Grad!;
        (x * x).Sum().Backward();
        Assert.That(x.Grad, Is.SameAs(held));
        Assert.That(held.ToArray<double>(), Is.EqualTo(new double[] { 4, 8 }));
        Assert.That((held.RequiresGrad, held.IsLeaf), Is.EqualTo((false, true)));

        (x * x).Sum().Backward(createGraph: true);
        Assert.That(x.Grad, Is.Not.SameAs(held));
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 6, 12 }));
        Assert.That(x.Grad.RequiresGrad);
        Assert.That(held.ToArray<double>(), Is.EqualTo(new double[] { 4, 8 }), "what was held is as it was");
    }

    [Test]
    public void AGradientIsNobodyElsesMemory()
    {
        var x = Leaf(1, 2);
        var w = Leaf(5, 6);
        var seed = Vector(10, 20);
        (x + w).Backward(seed);
        x.Grad!.Add_(1);
        Assert.That(x.Grad.ToArray<double>(), Is.EqualTo(new double[] { 11, 21 }));
        Assert.That(w.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 10, 20 }), "the other leaf's gradient");
        Assert.That(seed.ToArray<double>(), Is.EqualTo(new double[] { 10, 20 }), "the gradient that was given");
        seed.Zero_();
        Assert.That(w.Grad.ToArray<double>(), Is.EqualTo(new double[] { 10, 20 }));

        var m = Tensor.Ones([2, 3], DType.Float64, device, requiresGrad: true);
        m.Sum().Backward();
        m.Grad!.Add_(1);
        Assert.That(m.Grad.ToArray<double>(), Is.All.EqualTo(2), "an expanded gradient has memory for each element");
    }

    [Test]
    public void ALeafUsedTwiceAndADiamondCollectAllPaths()
    {
        var x = Leaf(3);
        (x * x).Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(6));

        x.Grad = null;
        var a = x * 2;
        var d = a * 3 * (a * 4) + a;
        d.Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(2 * (12 * 2 * 6 + 1)), "d = 12 a^2 + a, a = 2 x");
    }

    [Test]
    public void BroadcastAndCastInputsGetGradientsOfTheirShapeAndDType()
    {
        var row = Tensor.FromArray([1f, 2f, 3f], device, requiresGrad: true);
        var column = Tensor.FromArray(new double[,] { { 1 }, { 2 } }, device, requiresGrad: true);
        var number = Tensor.Of(2.0, DType.Float64, device, requiresGrad: true);
        var result = row * column * number;
        Assert.That((result.Shape, result.DType), Is.EqualTo((Shape.Create([2, 3]), DType.Float64)));
        result.Sum().Backward();
        Assert.That((row.Grad!.Shape, row.Grad.DType), Is.EqualTo((Shape.Create([3]), DType.Float32)));
        Assert.That(row.Grad.ToArray<float>(), Is.EqualTo(new float[] { 6, 6, 6 }));
        Assert.That(column.Grad!.Shape, Is.EqualTo(Shape.Create([2, 1])));
        Assert.That(column.Grad.ToArray<double>(), Is.EqualTo(new double[] { 12, 12 }));
        Assert.That(number.Grad!.Shape, Is.EqualTo(Shape.Scalar));
        Assert.That(number.Grad.Item<double>(), Is.EqualTo(18));
    }

    [Test]
    public void SeveralRootsAreOnePass()
    {
        var x = Leaf(2);
        var a = x * x;
        var b = a * x;
        Autodiff.Backward([a, b]);
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(4 + 12), "the one root is on the way to the other");

        x.Grad = null;
        var c = x * 5;
        Autodiff.Backward([c, c], [null, Vector(10)]);
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(55), "one root twice");

        x.Grad = null;
        Autodiff.Backward([x, x * 2]);
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(3), "a leaf as a root");
    }

    [Test]
    public void GradReturnsGradientsOfLeavesAndOfWhatIsBetween()
    {
        var x = Leaf(1, 2);
        var w = Leaf(3, 4);
        var middle = x * w;
        var result = (middle * middle).Sum();
        var gradients = Autodiff.Grad([result], [middle, x, x]);
        Assert.That(gradients[0]!.ToArray<double>(), Is.EqualTo(new double[] { 6, 16 }));
        Assert.That(gradients[1]!.ToArray<double>(), Is.EqualTo(new double[] { 18, 64 }));
        Assert.That(gradients[2]!.ToArray<double>(), Is.EqualTo(new double[] { 18, 64 }), "an input asked for twice");
        Assert.That((x.Grad, w.Grad, middle.Grad), Is.EqualTo(((Tensor?)null, (Tensor?)null, (Tensor?)null)), "nothing accumulates");
        Assert.That(Autodiff.Grad(result * 2, result).Item<double>(), Is.EqualTo(2));
        Assert.That(Autodiff.Grad(x, x, Vector(7, 8)).ToArray<double>(), Is.EqualTo(new double[] { 7, 8 }), "an input that is the root");
    }

    [Test]
    public void UnusedInputsAreAnErrorUnlessAllowed()
    {
        var (x, unused) = (Leaf(1), Leaf(1));
        var failure = Assert.Throws<GradientException>(() => Autodiff.Grad([x * 2], [x, unused]));
        Assert.That(failure!.Message, Does.Contain("One of the differentiated Tensors appears to not have been used in the graph").And.Contain("input 1").And.Contain("allowUnused: true"));
        var gradients = Autodiff.Grad([x * 2], [x, unused], allowUnused: true);
        Assert.That(gradients[0]!.Item<double>(), Is.EqualTo(2));
        Assert.That(gradients[1], Is.Null);

        var constant = Vector(1);
        failure = Assert.Throws<GradientException>(() => Autodiff.Grad([x * constant], [constant]));
        Assert.That(failure!.Message, Does.Contain("One of the differentiated Tensors does not require grad"));
    }

    [Test]
    public void HigherOrdersByHand()
    {
        var x = Leaf(2, -3);
        var cube = (x * x * x).Sum();
        var first = Autodiff.Grad(cube, x, createGraph: true);
        Assert.That(first.ToArray<double>(), Is.EqualTo(new double[] { 12, 27 }));
        var second = Autodiff.Grad(first.Sum(), x, createGraph: true);
        Assert.That(second.ToArray<double>(), Is.EqualTo(new double[] { 12, -18 }));
        var third = Autodiff.Grad(second.Sum(), x);
        Assert.That(third.ToArray<double>(), Is.EqualTo(new double[] { 6, 6 }));
        Assert.That(third.RequiresGrad, Is.False);

        // A penalty on the gradient: (dy/dx)^2 with y = w x^2 has the derivative 8 w x^2 with respect to w.
        var (w, input) = (Leaf(3), Leaf(2));
        var slope = Autodiff.Grad((w * input * input).Sum(), input, createGraph: true);
        (slope * slope).Sum().Backward();
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(8 * 3 * 4));
        Assert.That(input.Grad!.Item<double>(), Is.EqualTo(8 * 9 * 2));
    }

    [Test]
    public void NodesAreNamedAsInPyTorchAndLeadToTheLeaves()
    {
        var x = Leaf(1, 2);
        var w = Leaf(3, 4);
        var constant = Vector(5, 6);
        var y = x * w + constant;
        var mean = y.Mean();
        Assert.That((x.GradFn, x.IsLeaf, y.IsLeaf), Is.EqualTo(((Node?)null, true, false)));
        Assert.That(mean.GradFn!.Name, Is.EqualTo("MeanBackward0"));
        var add = mean.GradFn.NextFunctions[0].Function!;
        Assert.That(add, Is.SameAs(y.GradFn));
        Assert.That(add.ToString(), Is.EqualTo("<AddBackward0>"));
        Assert.That(add.NextFunctions[1].Function, Is.Null, "no gradient goes to a constant");
        var mul = add.NextFunctions[0].Function!;
        Assert.That(mul.Name, Is.EqualTo("MulBackward0"));
        Assert.That(mul.NextFunctions.Select(e => e.Function!.Name), Is.All.EqualTo("AccumulateGrad"));
        Assert.That(mul.NextFunctions[0].Function, Is.SameAs((x + 1).GradFn!.NextFunctions[0].Function), "one accumulator for each leaf");
        Assert.That(mul.NextFunctions[0].Function!.NextFunctions, Is.Empty);
        Assert.That((x - 1).GradFn!.Name + (x / 2).GradFn!.Name + (-x).GradFn!.Name, Is.EqualTo("SubBackward0DivBackward0NegBackward0"));
        Assert.That(x.Exp().GradFn!.Name + x.Sum().GradFn!.Name + x.Sum(0).GradFn!.Name, Is.EqualTo("ExpBackward0SumBackward0SumBackward1"));
        Assert.That(x.Unsqueeze(0).T.GradFn!.Name + x.Clone().GradFn!.Name, Is.EqualTo("TransposeBackward0CloneBackward0"));
        Assert.That(x.Unsqueeze(0).MatMul(w.Unsqueeze(1)).GradFn!.Name, Is.EqualTo("MmBackward0"));
        Assert.That(x[0].GradFn!.Name + x[..1].GradFn!.Name + x[0].GradFn!.NextFunctions[0].Function!.Name, Is.EqualTo("SelectBackward0SliceBackward0AccumulateGrad"));
    }

    [Test]
    public void LeavesAreWhatTheProgramMakes()
    {
        var x = Leaf(1);
        Assert.That(x.IsLeaf);
        Assert.That((x * 2).IsLeaf, Is.False);
        Assert.That((x * 2).Detach().IsLeaf);
        Assert.That(Vector(1).IsLeaf && (Vector(1) * 2).IsLeaf, "without gradients everything is a leaf");
        using (Autodiff.NoGrad())
        {
            var y = x * 2;
            Assert.That((y.IsLeaf, y.RequiresGrad), Is.EqualTo((true, false)));
            y.RequiresGrad_();
            Assert.That(y.RequiresGrad);
        }
    }

    [Test]
    public void DetachedTensorsShareMemoryAndVersions()
    {
        var x = Leaf(1, 2);
        var y = x * 1;
        var detached = y.Detach();
        Assert.That((detached.RequiresGrad, detached.GradFn, detached.Version), Is.EqualTo((false, (Node?)null, 0)));
        detached.Mul_(10);
        Assert.That(y.ToArray<double>(), Is.EqualTo(new double[] { 10, 20 }));
        Assert.That(y.Version, Is.EqualTo(1));

        var data = y.Data;
        data.Add_(1);
        Assert.That(y.ToArray<double>(), Is.EqualTo(new double[] { 11, 21 }));
        Assert.That((y.Version, data.Version, data.RequiresGrad), Is.EqualTo((1, 1, false)));
    }

    [Test]
    public void WritesThroughDataAreNotNoticedAndThroughDetachTheyAre()
    {
        var x = Leaf(3);
        var square = x * x;
        x.Data.Fill_(5);
        square.Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(10), "the value that is there now");

        square = x * x;
        x.Detach().Fill_(7);
        var failure = Assert.Throws<GradientException>(() => square.Backward());
        Assert.That(failure!.Message, Does.Contain("modified by an inplace operation").And.Contain("is at version 1; expected version 0 instead"));
    }

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();
}
