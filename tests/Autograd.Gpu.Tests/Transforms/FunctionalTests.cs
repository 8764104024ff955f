using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tests;

/// <summary>The functional surface: what each function returns, what it records, what it refuses.</summary>
internal sealed class FunctionalTests
{
    private static Tensor X => Tensor.FromArray([1.0, 2.0]);

    private static Tensor Y => Tensor.FromArray([3.0, 5.0]);

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void EachFunctionComputesWhatItsNameSays(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var (x, v) = (Tensor.FromArray([1.0, 2.0], device), Tensor.FromArray([3.0, 5.0], device));
        static Tensor Cubes(Tensor a) => a * a * a;
        static Tensor Total(Tensor a) => (a * a * a).Sum() * a[0];
        Holds(Autodiff.Grad(Total)(x), 12, 12);
        var (gradient, value) = Autodiff.GradAndValue(Total)(x);
        Holds(gradient, 12, 12);
        Holds(value, 9);
        Holds(Autodiff.Vjp(Cubes, x).Pullback(v), 9, 60);
        Holds(Autodiff.Vjp(Cubes, x, v).Vjp, 9, 60);
        Holds(Autodiff.Vjp(Total, x, null).Vjp, 12, 12);
        Holds(Autodiff.Jvp(Cubes, x, v).Tangent, 9, 60);
        Holds(Autodiff.Linearize(Cubes, x).Output, 1, 8);
        Holds(Autodiff.Linearize(Cubes, x).Jvp(v), 9, 60);
        foreach (var jacobian in new[] { Autodiff.Jacobian(Cubes, x), Autodiff.JacRev(Cubes)(x), Autodiff.JacFwd(Cubes)(x) })
        {
            Holds(jacobian, 3, 0, 0, 12);
            Assert.That(jacobian.Shape, Is.EqualTo(Shape.Create([2, 2])));
        }

        Holds(Autodiff.Hessian(Total, x), 12, 12, 12, 12);
        Holds(Autodiff.Hessian(Total)(x), 12, 12, 12, 12);
        Holds(Autodiff.Hvp(Total, x, v).Hvp, 96, 96);
        Holds(Autodiff.Vhp(Total, x, v).Vhp, 96, 96);
        Holds(Autodiff.Hvp(Total, x, v).Output, 9);
        Holds(Autodiff.Vhp(Total, x, v).Output, 9);
    }

    [Test]
    public void SeveralArgumentsAreChosenByNumber()
    {
        static Tensor Product(Tensor a, Tensor b) => (a * a * b).Sum();
        Holds(Autodiff.Grad(Product)(X, Y), 6, 20);
        Holds(Autodiff.Grad(Product, 1)(X, Y), 1, 4);
        Holds(Autodiff.GradAndValue(Product, 1)(X, Y).Value, 23);
        Holds(Autodiff.Grad((a, b, c) => (a * b * c).Sum(), 2)(X, Y, X), 3, 10);
        var both = Autodiff.Grad(a => Product(a[0], a[1]), [1, 0])([X, Y]);
        Holds(both[0], 1, 4);
        Holds(both[1], 6, 20);
        Holds(Autodiff.JacRev((a, b) => a * b, 1)(X, Y), 1, 0, 0, 2);
        Holds(Autodiff.JacFwd((a, b) => a * b, 1)(X, Y), 1, 0, 0, 2);
        foreach (var jacobians in new[] { Autodiff.JacRev(a => a[0] * a[1], [0, 1])([X, Y]), Autodiff.JacFwd(a => a[0] * a[1], [0, 1])([X, Y]) })
        {
            Holds(jacobians[0], 3, 0, 0, 5);
            Holds(jacobians[1], 1, 0, 0, 2);
        }

        var hessian = Autodiff.Hessian(a => Product(a[0], a[1]), [X, Y]);
        var byNumber = Autodiff.Hessian(a => Product(a[0], a[1]), [0, 1])([X, Y]);
        foreach (var h in new[] { hessian, byNumber })
        {
            Holds(h[0][0], 6, 0, 0, 10);
            Holds(h[0][1], 2, 0, 0, 4);
            Holds(h[1][0], 2, 0, 0, 4);
            Holds(h[1][1], 0, 0, 0, 0);
        }

        var (_, hvp) = Autodiff.Hvp(a => Product(a[0], a[1]), [X, Y], [Y, X]);
        var (_, vhp) = Autodiff.Vhp(a => Product(a[0], a[1]), [X, Y], [Y, X]);
        foreach (var h in new[] { hvp, vhp })
        {
            Holds(h[0], 20, 58);
            Holds(h[1], 6, 20);
        }

        foreach (int[] wrong in new int[][] { [2], [-1], [0, 0] })
        {
            Assert.That(Assert.Throws<ArgumentException>(() => Autodiff.Grad(a => a[0].Sum(), wrong)([X, Y]))!.Message, Does.Contain("argNums"));
            Assert.Throws<ArgumentException>(() => Autodiff.JacFwd(a => a[0], wrong)([X, Y]));
        }
    }

    [Test]
    public void ShapesOfJacobiansAreThoseOfOutputAndInput()
    {
        var (matrix, scalar) = (Numbers.Double(1, [2, 3], -1, 1, Device.Cpu), Tensor.Of(2.0, DType.Float64));
        var jacobians = Autodiff.Jacobian(a => [a[0].Sum(0) * a[1], a[1] * a[1], a[0] > 0], [matrix, scalar]);
        Assert.That(jacobians[0].Select(j => j.Shape), Is.EqualTo(new Shape[] { [3, 2, 3], [3] }));
        Assert.That(jacobians[1].Select(j => j.Shape), Is.EqualTo(new Shape[] { [2, 3], [] }));
        Assert.That(jacobians[2].Select(j => j.Shape), Is.EqualTo(new Shape[] { [2, 3, 2, 3], [2, 3] }));
        Assert.That(jacobians[2][0].Doubles(), Is.All.Zero);
        Holds(jacobians[1][1], 4);
        Close.AreEqual(Autodiff.JacFwd(a => a.Sum(0) * scalar)(matrix), jacobians[0][0], "in forward mode");
        Assert.That(Autodiff.Jacobian(a => a * 2, Tensor.Zeros([0], DType.Float64)).Shape, Is.EqualTo(Shape.Create([0, 0])));
        Assert.That(Autodiff.JacFwd(a => a * 2)(Tensor.Zeros([0], DType.Float64)).Shape, Is.EqualTo(Shape.Create([0, 0])));
        Assert.That(Autodiff.Hessian(a => a.Sum(), scalar).Shape, Is.EqualTo(Shape.Scalar));
    }

    [Test]
    public void ResultsAreRecordedOnlyWhereThatWasAskedFor()
    {
        static Tensor Total(Tensor a) => (a * a * a).Sum();
        var plain = X;
        var leaf = X.RequiresGrad_();
        foreach (bool createGraph in new[] { false, true })
        {
            Tensor[] Results(Tensor x) =>
            [
                Autodiff.Jacobian(a => a * a * a, x, createGraph), Autodiff.Hessian(Total, x, createGraph), Autodiff.Hvp(Total, x, Y, createGraph).Hvp,
                Autodiff.Vhp(Total, x, Y, createGraph).Vhp, Autodiff.Vjp(a => a * a, x, Y, createGraph).Vjp,
            ];
            Assert.That(Results(plain).Select(r => r.RequiresGrad), Is.All.False);
            Assert.That(Results(leaf).Select(r => r.RequiresGrad), Is.All.EqualTo(createGraph));
            using var off = Autodiff.NoGrad();
            Assert.That(Results(leaf).Select(r => r.RequiresGrad), Is.All.False);
        }

        Tensor[] Transformed(Tensor x) =>
        [
            Autodiff.Grad(Total)(x), Autodiff.GradAndValue(Total)(x).Value, Autodiff.JacRev(a => a * a)(x), Autodiff.JacFwd(a => a * a)(x), Autodiff.Hessian(Total)(x),
            Autodiff.Vjp(a => a * a, x).Pullback(Y), Autodiff.Jvp(a => a * a, x, Y).Tangent, Autodiff.Vmap(a => a * a)(x), Autodiff.Linearize(a => a * a, x).Jvp(Y),
        ];
        Assert.That(Transformed(plain).Select(r => r.RequiresGrad), Is.All.False);
        Assert.That(Transformed(leaf).Select(r => r.RequiresGrad), Is.All.True, "what requires gradients is recorded outside");
        Assert.That(leaf.Grad, Is.Null);
        Holds(Autodiff.Grad(Autodiff.Hvp(Total, leaf, Y, createGraph: true).Hvp.Sum(), leaf), 18, 30);
        Holds(Autodiff.Grad(Autodiff.Grad(Total)(leaf).Sum(), leaf), 6, 12);
    }

    [Test]
    public void CapturedTensorsThatRequireGradientsGetThem()
    {
        var w = Tensor.FromArray([2.0, 3.0], requiresGrad: true);
        Autodiff.Grad(a => (a * a * w).Sum())(X).Sum().Backward();
        Holds(w.Grad!, 2, 4);
        w.Grad = null;
        Autodiff.Jvp(a => a * a * w, X, Y).Tangent.Sum().Backward();
        Holds(w.Grad!, 6, 20);
        w.Grad = null;
        Autodiff.Vmap(a => a * w)(Tensor.Ones([4, 2], DType.Float64)).Sum().Backward();
        Holds(w.Grad!, 4, 4);
        w.Grad = null;
        Assert.That(Autodiff.Jacobian(a => a * w, X).RequiresGrad, Is.False, "createGraph is false");
        Autodiff.Hessian(a => (a * a * w).Sum(), X, createGraph: true).Sum().Backward();
        Holds(w.Grad!, 2, 2);
    }

    [Test]
    public void NoGradInsideIsRespectedAndOutsideIsIgnored()
    {
        static Tensor Half(Tensor a)
        {
            Tensor constant;
            using (Autodiff.NoGrad())
            {
                constant = a * a;
            }

            return (constant * a).Sum();
        }

        Holds(Autodiff.Grad(Half)(X), 1, 4);
        Holds(Autodiff.Jvp(Half, X, Y).Tangent, 3 * 3 + 12 * 5, "forward mode does not look at the mode");
        using (Autodiff.NoGrad())
        {
            Holds(Autodiff.Grad(a => (a * a).Sum())(X), 2, 4);
            Holds(Autodiff.Hessian(a => (a * a * a).Sum())(X), 6, 0, 0, 12);
            Holds(Autodiff.Vmap(Autodiff.Grad(a => a * a))(X), 2, 4);
            Holds(Autodiff.Vhp(a => (a * a * a).Sum(), X, Y).Vhp, 18, 60);
            Assert.That(Autodiff.Grad(a => (a * a).Sum())(X.RequiresGrad_()).RequiresGrad, Is.False);
        }

        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void StrictRefusesWhatDoesNotDependOnTheInput()
    {
        var other = Tensor.Ones([2], DType.Float64);
        foreach (var action in new Action[]
        {
            () => Autodiff.Jacobian(a => other * 2, X, strict: true), () => Autodiff.Jacobian(a => [a[0]], [X, Y], strict: true), () => Autodiff.Vjp(a => other, X, Y, strict: true),
            () => Autodiff.Jvp(a => other, X, Y, strict: true), () => Autodiff.Hessian(a => other.Sum(), X, strict: true), () => Autodiff.Hessian(a => a.Sum(), X, strict: true),
            () => Autodiff.Hvp(a => a.Sum(), X, Y, strict: true), () => Autodiff.Vhp(a => a.Sum(), X, Y, strict: true), () => Autodiff.Vhp(a => other.Sum(), X, Y, strict: true),
        })
        {
            Assert.That(Assert.Throws<GradientException>(() => action())!.Message, Does.Contain("is independent of").And.Contain("not allowed in strict mode"));
        }

        Holds(Autodiff.Jacobian(a => other * 2, X), 0, 0, 0, 0);
        Holds(Autodiff.Hessian(a => a.Sum(), X), 0, 0, 0, 0);
        Holds(Autodiff.Hvp(a => a.Sum(), X, Y).Hvp, 0, 0);
        Holds(Autodiff.Vhp(a => other.Sum(), X, Y).Vhp, 0, 0);
        Holds(Autodiff.Grad(a => other.Sum())(X), 0, 0);
        Holds(Autodiff.Hessian(a => (a * a).Sum(), X, strict: true), 2, 0, 0, 2);
    }

    [Test]
    public void WhatHasNoMeaningIsRefused()
    {
        Message<GradientException>(() => Autodiff.Grad(a => a * 2)(X), "Expected the function to return a scalar tensor", "[2]", "Vjp or JacRev");
        Message<GradientException>(() => Autodiff.Hessian(a => a * 2, X), "Hessian", "scalar tensor");
        Message<DTypeException>(() => Autodiff.Grad(a => a.Sum())(Tensor.Ones([2], DType.Int64)), "Grad: only Tensors of floating point dtype can require gradients", "int64");
        Message<DTypeException>(() => Autodiff.Jacobian(a => a, Tensor.Ones([2], DType.Int64)), "Jacobian", "int64");
        Message<DTypeException>(() => Autodiff.Jvp(a => a, Tensor.Ones([2], DType.Int64), Tensor.Ones([2], DType.Int64)), "floating point", "int64");
        Message<ShapeException>(() => Autodiff.Vjp(a => a.Sum(), X).Pullback(Y), "Mismatch in shape", "[2]", "[]");
        Message<GradientException>(() => Autodiff.Vjp(a => a, X, null), "can only be null if");
        Message<ShapeException>(() => Autodiff.Jvp(a => a, X, Tensor.Ones([3], DType.Float64)), "same shape", "[3]");
        Message<GradientException>(() => Autodiff.Jvp(a => [a[0]], [X, Y], [X]), "2 inputs and 1 tangents");
        Message<GradientException>(() => Autodiff.Vjp(a => [a[0], a[1]], [X, Y]).Pullback([X]), "2 tensors", "1 gradients");
        Message<GradientException>(() => Autodiff.Hvp(a => a[0].Sum(), [X, Y], [X]), "2 inputs and 1 tangents");
        Message<ArgumentNullException>(() => Autodiff.Grad((Func<Tensor, Tensor>)null!));
    }

    [Test]
    public void AnExceptionInTheFunctionLeavesNothingOpen()
    {
        static Tensor Throws(Tensor a) => throw new InvalidOperationException("mine");
        foreach (var action in new Action[]
        {
            () => Autodiff.Grad(Throws)(X), () => Autodiff.Vmap(Throws)(X), () => Autodiff.Jvp(Throws, X, Y), () => Autodiff.Hessian(Throws, X), () => Autodiff.JacFwd(Throws)(X),
            () => Autodiff.Vmap(Autodiff.Grad(Autodiff.Vmap(Throws)))(Tensor.Ones([2, 2])), () => Autodiff.Linearize(Throws, X),
        })
        {
            Message<InvalidOperationException>(action, "mine");
        }

        Holds(Autodiff.Grad(a => (a * a).Sum())(X), 2, 4);
    }

    [Test]
    public void NothingIsKeptAliveByResultsOfPlainInputs()
    {
        var kept = new List<WeakReference>();
        var results = Run();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.That(kept.Count(r => r.IsAlive), Is.Zero);
        GC.KeepAlive(results);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        Tensor[] Run()
        {
            Tensor Function(Tensor a)
            {
                var inner = (a * a).Materialize();
                kept.Add(new WeakReference(inner));
                return (inner * inner).Sum();
            }

            return
            [
                Autodiff.Grad(Function)(X).Materialize(), Autodiff.Hessian(Function, X).Materialize(), Autodiff.Jacobian(Function, X).Materialize(),
                Autodiff.Hvp(Function, X, Y).Hvp.Materialize(), Autodiff.Vmap(Autodiff.Grad(Function))(Tensor.Ones([2, 2])).Materialize(), Autodiff.Jvp(Function, X, Y).Tangent.Materialize(),
            ];
        }
    }

    [Test]
    public void LinearizingEvaluatesTheFunctionOnce()
    {
        int calls = 0;
        var (outputs, jvp) = Autodiff.Linearize(
            a =>
            {
                calls++;
                return [a[0].Sin() * a[1], (a[0] * a[0]).Sum(), a[0] > 0];
            },
            [X, Y]);
        for (int seed = 0; seed < 3; seed++)
        {
            Tensor[] v = [Numbers.Double(seed, [2], -1, 1, Device.Cpu), Numbers.Double(seed + 9, [2], -1, 1, Device.Cpu)];
            var expected = Autodiff.Jvp(a => [a[0].Sin() * a[1], (a[0] * a[0]).Sum()], [X, Y], v).Tangents;
            var actual = jvp(v);
            Close.AreEqual(actual[0], expected[0], "output 0");
            Close.AreEqual(actual[1], expected[1], "output 1");
            Assert.That((actual[2].Shape, actual[2].DType), Is.EqualTo((outputs[2].Shape, DType.Bool)));
        }

        Assert.That(calls, Is.EqualTo(1));
        Close.AreEqual(
            Autodiff.Vmap(a => jvp([a, Y])[0])(Tensor.Ones([3, 2], DType.Float64)), Autodiff.Jvp(a => [a[0].Sin() * a[1]], [X, Y], [Tensor.Ones([2], DType.Float64), Y]).Tangents[0].Expand(3, 2), "mapped");
    }

    private static void Holds(Tensor actual, params double[] expected) => Assert.That(actual.Doubles(), Is.EqualTo(expected).Within(1e-12));

    private static void Holds(Tensor actual, double expected, string why) => Assert.That(actual.Doubles(), Is.EqualTo(new[] { expected }).Within(1e-12), why);

    private static void Message<T>(Action action, params string[] parts) where T : Exception
    {
        string message = Assert.Throws<T>(() => action())!.Message;
        foreach (string part in parts)
        {
            Assert.That(message, Does.Contain(part));
        }

        Assert.That((Level.Current, Autodiff.IsGradEnabled), Is.EqualTo(((Level?)null, true)), "what the transform left behind");
    }

    [Test]
    public void AuxiliaryResultsComeBackUnwrapped()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        (Tensor Value, IReadOnlyList<Tensor> Aux) Function(Tensor t)
        {
            var square = t * t;
            return (square.Sum(), [square, square > 2]);
        }

        var (gradient, value, aux) = Autodiff.GradAndValue(Function)(x);
        Assert.That(gradient.ToArray<double>(), Is.EqualTo(new[] { 2.0, 4 }));
        Assert.That(value.Item<double>(), Is.EqualTo(5));
        Assert.That(aux[0].ToArray<double>(), Is.EqualTo(new[] { 1.0, 4 }));
        Assert.That(aux[1].ToArray<bool>(), Is.EqualTo(new[] { false, true }));

        var (_, pullback, more) = Autodiff.Vjp(Function, x);
        Assert.That(pullback(Tensor.Of(3.0, DType.Float64)).ToArray<double>(), Is.EqualTo(new[] { 6.0, 12 }));
        Assert.That(more[0].ToArray<double>(), Is.EqualTo(new[] { 1.0, 4 }));

        // Nested: each sample's predictions come out of the map.
        Tensor[] predictions = [];
        var second = Autodiff.Grad(t =>
        {
            var (inner, _, kept) = Autodiff.GradAndValue(Function)(t);
            predictions = kept;
            return (inner * kept[0]).Sum();
        })(x);
        Assert.That(second.ToArray<double>(), Is.EqualTo(new[] { 6.0, 24 }), "of 2 x * x^2");
        Assert.Throws<GradientException>(() => Autodiff.GradAndValue(t => (t, (IReadOnlyList<Tensor>)[]))(x));
    }
}
