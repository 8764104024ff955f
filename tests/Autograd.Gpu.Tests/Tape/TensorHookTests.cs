using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests;

/// <summary>Hooks on the gradients of tensors, gradients that are retained, and hooks after the accumulation.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class TensorHookTests(Device device)
{
    [Test]
    public void AHookObservesOrReplacesUntilItIsRemoved()
    {
        var x = Leaf(1, 2);
        var y = x * 3;
        var seen = new List<double[]>();
        var observer = y.RegisterHook(g => seen.Add(Values(g)));
        var twice = y.RegisterHook(g => g * 2);
        var plusOne = y.RegisterHook(g => g + 1);
        var last = y.RegisterHook(g => seen.Add(Values(g)));
        var loss = (y * y).Sum();
        loss.Backward(retainGraph: true);
        Assert.That(seen, Is.EqualTo(new[] { new double[] { 6, 12 }, [13, 25] }), "in order of registration, each sees what the one before returned");
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 39, 75 }));

        twice.Dispose();
        twice.Dispose();
        observer.Dispose();
        seen.Clear();
        x.Grad = null;
        loss.Backward(retainGraph: true);
        Assert.That(seen, Is.EqualTo(new[] { new double[] { 7, 13 } }));
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 21, 39 }));

        plusOne.Dispose();
        last.Dispose();
        x.Grad = null;
        loss.Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 18, 36 }));
    }

    [Test]
    public void HooksOfALeafRunBeforeTheAccumulationAndSeeTheWholeGradientOnce()
    {
        var x = Leaf(1, 2);
        int calls = 0;
        x.RegisterHook(g =>
        {
            calls++;
            Assert.That(x.Grad, Is.Null);
            return g * 10;
        });
        (x * 2 + x * x).Sum().Backward();
        Assert.That(calls, Is.EqualTo(1));
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 40, 60 }));
        x.Grad = null;
        Assert.That(Values(Autodiff.Grad([x * 2], [x], [Vector(1, 1)])[0]), Is.EqualTo(new double[] { 20, 20 }), "Grad runs the hooks of its inputs");
        Assert.That(calls, Is.EqualTo(2));
    }

    [Test]
    public void WhatGradReturnsHasPassedTheHooks()
    {
        var x = Leaf(1, 2);
        var middle = x * 3;
        middle.RegisterHook(g => g * 2);
        var result = middle.Exp().Sum();
        result.RegisterHook(g => g * 5);
        var gradients = Autodiff.Grad([result], [result, middle, x]);
        Assert.That(Values(gradients[0]), Is.EqualTo(new double[] { 5 }), "a root");
        Assert.That(Values(gradients[1]), Is.EqualTo(new[] { 10 * Math.Exp(3), 10 * Math.Exp(6) }).Within(1e-10), "on the way to another input");
        Assert.That(Values(gradients[2]), Is.EqualTo(new[] { 30 * Math.Exp(3), 30 * Math.Exp(6) }).Within(1e-10));

        middle = x * 3;
        middle.RegisterHook(g => g * 2);
        Assert.That(Values(Autodiff.Grad([middle.Sum()], [middle])[0]), Is.EqualTo(new double[] { 2, 2 }), "where the pass ends");
    }

    [Test]
    public void HooksRunOnlyWhereGradientsGo()
    {
        var (x, w) = (Leaf(1), Leaf(2));
        var a = x * 2;
        var b = w * 3;
        var log = new List<string>();
        a.RegisterHook(_ => log.Add("a"));
        b.RegisterHook(_ => log.Add("b"));
        w.RegisterHook(_ => log.Add("w"));
        Autodiff.Grad([a * b], [x]);
        Assert.That(log, Is.EqualTo(new[] { "a" }));
        log.Clear();
        var product = x * 2 * b;
        product.GradFn!.RegisterHook((inputs, _) => [inputs[0], null]);
        product.Backward();
        Assert.That(log, Is.Empty, "no gradient came to b or w");
    }

    [Test]
    public void ARetainedGradientIsWhatAllHooksMadeOfIt()
    {
        var x = Leaf(1, 2);
        var y = x * 3;
        Assert.That(y.RetainsGrad, Is.False);
        y.RegisterHook(g => g * 2);
        y.RetainGrad();
        y.RetainGrad();
        y.RegisterHook(g => g + 1);
        Assert.That(y.RetainsGrad);
        y.Sum().Backward(retainGraph: true);
        Assert.That(Values(y.Grad), Is.EqualTo(new double[] { 3, 3 }), "hooks registered later as well");
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 9, 9 }));
        var held = y.Grad!;
        y.Sum().Backward();
        Assert.That(Values(y.Grad), Is.EqualTo(new double[] { 6, 6 }), "retained gradients accumulate");
        Assert.That(Values(held), Is.EqualTo(new double[] { 3, 3 }), "out of place");
        Assert.That(y.Grad!.RequiresGrad, Is.False);

        x.RetainGrad();
        Assert.That(x.RetainsGrad, Is.False, "a leaf keeps its gradient anyway");
        Assert.That(
            () => Vector(1).RetainGrad(), Throws.TypeOf<GradientException>().With.Message.Contains("can't retain_grad on Tensor that has requires_grad=False"));
    }

    [Test]
    public void ARetainedGradientOfARecordedPassIsDifferentiable()
    {
        var x = Leaf(2);
        var y = x * 1;
        y.RetainGrad();
        (y * y * y).Backward(createGraph: true);
        Assert.That(Values(y.Grad), Is.EqualTo(new double[] { 12 }));
        Assert.That(Values(Autodiff.Grad(y.Grad!, x)), Is.EqualTo(new double[] { 12 }));
    }

    [Test]
    public void AfterAWriteTheHookStaysWithTheOldValueAndTheRetainedGradientMoves()
    {
        var x = Leaf(1, 2);
        var y = x * 3;
        y.RetainGrad();
        double[]? old = null, present = null;
        y.RegisterHook(g => { old = Values(g); });
        y.Mul_(5);
        y.RegisterHook(g => { present = Values(g); });
        (y * 7).Sum().Backward();
        Assert.That(old, Is.EqualTo(new double[] { 35, 35 }));
        Assert.That(present, Is.EqualTo(new double[] { 7, 7 }));
        Assert.That(Values(y.Grad), Is.EqualTo(new double[] { 7, 7 }), "with respect to the value that the tensor has now, once");
    }

    [Test]
    public void ARetainedGradientDoesNotKeepTheTensor()
    {
        var x = Leaf(1, 2);
        var (result, tensor) = Retained(x);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.That(tensor.IsAlive, Is.False);
        result.Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 3, 3 }));
    }

    [Test]
    public void HooksAfterTheAccumulationSeeItAndMayTakeTheGradient()
    {
        var x = Leaf(1, 2);
        var log = new List<string>();
        x.RegisterHook(_ => log.Add("hook"));
        var step = x.RegisterPostAccumulateGradHook(leaf =>
        {
            Assert.That(leaf, Is.SameAs(x));
            log.Add($"post {string.Join(' ', Values(leaf.Grad))}");
            using (Autodiff.NoGrad())
            {
                leaf.Sub_(leaf.Grad! * 0.5);
            }

            leaf.Grad = null;
        });
        (x * x).Sum().Backward();
        Assert.That(log, Is.EqualTo(new[] { "hook", "post 2 4" }));
        Assert.That(x.Grad, Is.Null);
        Assert.That(x.ToArray<double>(), Is.EqualTo(new double[] { 0, 0 }), "an optimiser's step inside of the pass");

        log.Clear();
        Autodiff.Grad([(x * 2).Sum()], [x]);
        Assert.That(log, Is.EqualTo(new[] { "hook" }), "Grad accumulates nothing");
        step.Dispose();
        (x * 2).Sum().Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 2, 2 }));
    }

    [Test]
    public void HooksNeedATensorThatRequiresGradients()
    {
        const string phrase = "cannot register a hook on a tensor that doesn't require gradient";
        var constant = Vector(1);
        Assert.That(() => constant.RegisterHook(g => g * 2), Throws.TypeOf<GradientException>().With.Message.Contains(phrase));
        Assert.That(() => constant.RegisterPostAccumulateGradHook(_ => { }), Throws.TypeOf<GradientException>().With.Message.Contains(phrase));
        Assert.That(
            () => (Leaf(1) * 2).RegisterPostAccumulateGradHook(_ => { }),
            Throws.TypeOf<GradientException>().With.Message.Contains("post accumulate grad hooks cannot be registered on non-leaf tensors"));
        Assert.That(() => Leaf(1).RegisterHook((Func<Tensor, Tensor?>)null!), Throws.ArgumentNullException);
        Assert.That(() => Leaf(1).RegisterHook((Action<Tensor>)null!), Throws.ArgumentNullException);
        Assert.That(() => Leaf(1).RegisterPostAccumulateGradHook(null!), Throws.ArgumentNullException);
    }

    [Test]
    public void AReplacementMustFit()
    {
        var x = Leaf(1, 2);
        Fails<ShapeException>(_ => Vector(1), "has changed the size of value", "[2]", "[1]", "MulBackward0");
        Fails<DTypeException>(g => g.To(DType.Float32), "has changed the type of value", "float64", "float32");
        Fails<DeviceMismatchException>(g => g.To(ReferenceEquals(device, Device.Cpu) ? Device.CpuKernels : Device.Cpu), "has changed the type of value");
        Assert.That(x.Grad, Is.Null);
        (x * 2).Sum().Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 2, 2 }), "the engine is as good as new");

        void Fails<T>(Func<Tensor, Tensor?> hook, params string[] phrases)
            where T : AutogradException
        {
            var y = x * 2;
            y.RegisterHook(hook);
            var failure = Assert.Throws<T>(() => y.Sum().Backward());
            foreach (string phrase in phrases)
            {
                Assert.That(failure!.Message, Does.Contain(phrase));
            }
        }
    }

    [Test]
    public void WhatAHookThrowsPassesThroughUnchanged()
    {
        var x = Leaf(1, 2);
        var thrown = new InvalidOperationException("mine");
        var y = x * 2;
        var handle = y.RegisterHook((Tensor _) => throw thrown);
        var loss = (y * y).Sum();
        Assert.That(Assert.Catch(() => loss.Backward(retainGraph: true)), Is.SameAs(thrown));
        Assert.That(Assert.Catch(() => Autodiff.Grad([loss], [x], retainGraph: true, createGraph: true)), Is.SameAs(thrown));
        Assert.That((x.Grad, Autodiff.IsGradEnabled), Is.EqualTo(((Tensor?)null, true)));
        handle.Dispose();
        loss.Backward();
        Assert.That(Values(x.Grad), Is.EqualTo(new double[] { 8, 16 }), "the same graph runs after the failure");

        var z = Leaf(1);
        z.RegisterPostAccumulateGradHook(_ => throw thrown);
        Assert.That(Assert.Catch(() => (z * 3).Backward()), Is.SameAs(thrown));
        Assert.That(Values(z.Grad), Is.EqualTo(new double[] { 3 }));
    }

    [Test]
    public void HooksAreRecordedIfThePassIs()
    {
        var x = Leaf(2, 3);
        bool? recorded = null;
        var y = x * 1;
        y.RegisterHook(g =>
        {
            recorded = Autodiff.IsGradEnabled;
            return g * x;
        });
        var gradient = Autodiff.Grad([y.Sum()], [x], createGraph: true)[0]!;
        Assert.That((recorded, gradient.RequiresGrad), Is.EqualTo(((bool?)true, true)));
        Assert.That(Values(gradient), Is.EqualTo(new double[] { 2, 3 }));
        Assert.That(Values(Autodiff.Grad([gradient], [x], [Vector(1, 1)])[0]), Is.EqualTo(new double[] { 1, 1 }));
        Autodiff.Grad([(y * 1).Sum()], [x]);
        Assert.That(recorded, Is.False);
    }

    [Test]
    public void HooksMayComeAndGoWhileTheyRun()
    {
        var x = Leaf(1);
        var y = x * 2;
        var log = new List<int>();
        IDisposable? later = null;
        y.RegisterHook(g =>
        {
            log.Add(1);
            later!.Dispose();
            x.RegisterHook(_ => log.Add(3));
        });
        later = y.RegisterHook(_ => log.Add(2));
        y.Backward();
        Assert.That(log, Is.EqualTo(new[] { 1, 3 }));
    }

    [Test]
    public void HooksSeePendingBroadcastAndEmptyGradientsInTheShapeOfTheTensor()
    {
        var row = Tensor.Ones([3], DType.Float32, device, requiresGrad: true);
        var none = Tensor.Ones([0, 3], DType.Float32, device, requiresGrad: true);
        var number = Tensor.Of(2.0, DType.Float64, device, requiresGrad: true);
        var shapes = new List<(Shape, DType)>();
        foreach (var leaf in new[] { row, none, number })
        {
            leaf.RegisterHook(g => shapes.Add((g.Shape, g.DType)));
        }

        (Tensor.Ones([2, 3], DType.Float64, device) * row.Exp() * number + (none * row).Sum()).Sum().Backward();
        Assert.That(
            shapes, Is.EquivalentTo(new[] { (row.Shape, DType.Float32), (none.Shape, DType.Float32), (Shape.Scalar, DType.Float64) }));
        Assert.That(row.Grad!.ToArray<float>(), Is.EqualTo(new[] { 4 * Math.E, 4 * Math.E, 4 * Math.E }).Within(1e-5));
    }

    [Test]
    public void HooksRunInsideOfFunctionTransforms()
    {
        double[]? seen = null;
        var gradient = Autodiff.Grad(t =>
        {
            var y = t * t;
            y.RegisterHook(g => g * 10);
            y.RegisterHook(g => { seen = Values(g); });
            return y.Sum();
        })(Vector(1, 2));
        Assert.That(seen, Is.EqualTo(new double[] { 10, 10 }));
        Assert.That(Values(gradient), Is.EqualTo(new double[] { 20, 40 }));
    }

    [Test]
    public void AnAccumulatedGradientKeepsItsTangent()
    {
        // Forward over reverse: the gradient of x^3 is accumulated in a leaf inside of Jvp; its derivative along 1 is 6 x.
        var x = Vector(2, 3);
        var (gradient, tangent) = Autodiff.Jvp(
            t =>
            {
                var leaf = Leaf(0, 0);
                leaf.Backward(t * t * 3);
                return leaf.Grad!;
            },
            x,
            Vector(1, 1));
        Assert.That(Values(gradient), Is.EqualTo(new double[] { 12, 27 }));
        Assert.That(Values(tangent), Is.EqualTo(new double[] { 12, 18 }));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor Result, WeakReference Tensor) Retained(Tensor x)
    {
        var y = x * 3;
        y.RetainGrad();
        return (y.Sum(), new WeakReference(y));
    }

    private static double[] Values(Tensor? tensor) => tensor!.ToArray<double>();

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();

    [Test]
    public void ARetainedViewKeepsTheGradientOfWhatItHoldsAfterAWriteToItsBase()
    {
        var x = Tensor.FromArray([1.0, 2.0, 3.0], device: device).RequiresGrad_();
        var y = x * 2;
        var view = y[..2];
        var seen = new List<double[]>();
        using var hook = view.RegisterHook(g => seen.Add(g.ToArray<double>()));
        view.RetainGrad();
        y.Mul_(5);
        (view * view).Sum().Backward();
        Assert.That(view.RetainsGrad);
        Assert.That(view.Grad!.ToArray<double>(), Is.EqualTo(new[] { 20.0, 40 }), "2 (10 x)");
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 200.0, 400, 0 }));
        Assert.That(seen, Is.Empty, "a hook belongs to the value that the view had when it was registered");
    }
}
