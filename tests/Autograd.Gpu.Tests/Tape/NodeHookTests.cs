namespace Autograd.Gpu.Tests;

/// <summary>Hooks on nodes, and the order of all hooks, as PyTorch pins it.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class NodeHookTests(Device device)
{
    [Test]
    public void HooksOfTheTensorComeBeforePreHooksOfTheNode()
    {
        var log = new List<int>();
        Tensor Hook1(Tensor g)
        {
            log.Add(1);
            return g * 3;
        }

        IReadOnlyList<Tensor?> Hook2(IReadOnlyList<Tensor?> gradients)
        {
            log.Add(2);
            return [.. gradients.Select(g => g! * 2)];
        }

        var a = Leaf(1);
        var b = a.Clone();
        b.GradFn!.RegisterPreHook(Hook2);
        b.RegisterHook(Hook1);
        b.GradFn.RegisterPreHook(Hook2);
        var accumulator = b.GradFn.NextFunctions[0].Function!;
        a.RegisterHook(Hook1);
        accumulator.RegisterPreHook(Hook2);
        a.RegisterHook(Hook1);

        b.Sum().Backward(retainGraph: true);
        Assert.That(log, Is.EqualTo(new[] { 1, 2, 2, 1, 1, 2 }));
        Assert.That(a.Grad!.Item<double>(), Is.EqualTo(3 * 2 * 2 * 3 * 3 * 2));

        log.Clear();
        var gradient = Autodiff.Grad([b.Sum()], [a], retainGraph: true)[0]!;
        Assert.That(log, Is.EqualTo(new[] { 1, 2, 2, 1, 1 }), "the accumulator does not run, the hooks of the leaf do");
        Assert.That(gradient.Item<double>(), Is.EqualTo(3 * 2 * 2 * 3 * 3));

        log.Clear();
        b.Sum().Backward(retainGraph: true, inputs: [b]);
        Assert.That(log, Is.EqualTo(new[] { 1, 2, 2 }));
        Assert.That(b.Grad!.Item<double>(), Is.EqualTo(3), "retained before the pre-hooks of the node");

        log.Clear();
        gradient = Autodiff.Grad([b.Sum()], [b])[0]!;
        Assert.That(log, Is.EqualTo(new[] { 1 }));
        Assert.That(gradient.Item<double>(), Is.EqualTo(3));
    }

    [Test]
    public void TheWholeOrder()
    {
        var log = new List<string>();
        var x = Leaf(1);
        var y = x * 2;
        y.GradFn!.RegisterHook((_, _) => log.Add("y.GradFn post"));
        y.GradFn.RegisterPreHook(_ => log.Add($"y.GradFn pre, y.Grad {y.Grad?.Item<double>()}"));
        y.RetainGrad();
        y.RegisterHook(_ => log.Add("y hook"));
        var accumulator = Autodiff.GetGradientEdge(x).Function!;
        accumulator.RegisterHook((inputs, outputs) => log.Add($"accumulator post, {inputs.Count} in, {outputs[0]!.Item<double>()} out, x.Grad {x.Grad?.Item<double>()}"));
        accumulator.RegisterPreHook(_ => log.Add($"accumulator pre, x.Grad {x.Grad?.Item<double>()}"));
        x.RegisterPostAccumulateGradHook(_ => log.Add($"x post-accumulate, x.Grad {x.Grad?.Item<double>()}"));
        x.RegisterHook(_ => log.Add("x hook"));
        (y * 5).Backward();
        Assert.That(log, Is.EqualTo(new[]
        {
            "y hook",
            "y.GradFn pre, y.Grad 5",
            "y.GradFn post",
            "x hook",
            "accumulator pre, x.Grad ",
            "x post-accumulate, x.Grad 10",
            "accumulator post, 0 in, 10 out, x.Grad 10",
        }));
    }

    [Test]
    public void WhichHooksRunWhereThePassEnds()
    {
        var a = Leaf(1);
        var b = a * 2;
        var c = b * 2;
        int onTensors = 0, before = 0, after = 0;
        foreach (var tensor in new[] { a, b, c })
        {
            tensor.RegisterHook(_ => { onTensors++; });
            var node = Autodiff.GetGradientEdge(tensor).Function!;
            node.RegisterPreHook(_ => { before++; });
            node.RegisterHook((_, _) => { after++; });
        }

        Autodiff.Grad([c], [b], retainGraph: true);
        Assert.That(Counts(), Is.EqualTo((2, 1, 1)), "Grad runs the hooks of its input, not those of the node that made it");
        Autodiff.Grad([c], [a, b], retainGraph: true);
        Assert.That(Counts(), Is.EqualTo((3, 2, 2)));
        c.Backward(retainGraph: true, inputs: [b]);
        Assert.That(Counts(), Is.EqualTo((2, 2, 2)), "Backward runs both");
        Assert.That(a.Grad, Is.Null);
        c.Backward();
        Assert.That(Counts(), Is.EqualTo((3, 3, 3)));

        (int, int, int) Counts()
        {
            var counts = (onTensors, before, after);
            onTensors = before = after = 0;
            return counts;
        }
    }

    [Test]
    public void PreAndPostHooksSeeAndReplaceAllGradientsUntilTheyAreRemoved()
    {
        var (x, w) = (Leaf(2, 3), Tensor.FromArray([10f], device, requiresGrad: true));
        var y = x * w;
        var pre = y.GradFn!.RegisterPreHook(g => [g[0]! * 2]);
        var seen = new List<(Shape, DType)>();
        var post = y.GradFn.RegisterHook((inputs, outputs) =>
        {
            seen.AddRange(inputs.Concat(outputs).Select(g => (g!.Shape, g.DType)));
            return [inputs[0]! + 1, null];
        });
        y.Sum().Backward(retainGraph: true);
        Assert.That(
            seen, Is.EqualTo(new[] { (x.Shape, DType.Float64), (w.Shape, DType.Float32), (x.Shape, DType.Float64) }), "as the inputs are, not as the formula left them");
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 21, 21 }));
        Assert.That(w.Grad, Is.Null);

        pre.Dispose();
        post.Dispose();
        y.Sum().Backward();
        Assert.That(x.Grad.ToArray<double>(), Is.EqualTo(new double[] { 31, 31 }));
        Assert.That(w.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 5 }));
    }

    [Test]
    public void APostHookGetsOnlyWhatWasWanted()
    {
        var (x, w) = (Leaf(2), Leaf(3));
        var y = x * w;
        IReadOnlyList<Tensor?>? inputs = null;
        y.GradFn!.RegisterHook((i, _) => { inputs = i; });
        Autodiff.Grad([y], [w]);
        Assert.That(inputs![0], Is.Null);
        Assert.That(inputs[1]!.Item<double>(), Is.EqualTo(2));
    }

    [Test]
    public void ReplacementsMustFit()
    {
        var x = Leaf(1, 2);
        Fails<GradientException>(n => n.RegisterPreHook(g => [g[0], g[0]]), "has returned an incorrect number of values (got 2, but expected 1)");
        Fails<GradientException>(n => n.RegisterHook((i, o) => []), "has returned an incorrect number of values (got 0, but expected 2)");
        Fails<ShapeException>(n => n.RegisterPreHook(g => [g[0]!.Sum()]), "has changed the size of value");
        Fails<DTypeException>(n => n.RegisterHook((i, o) => [i[0]!.To(DType.Float32), null]), "has changed the type of value");
        Fails<GradientException>(n => n.RegisterHook((i, o) => [i[0], i[0]]), "can't replace a None gradient with a non-None value");
        (x * 2).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 2, 2 }));

        void Fails<T>(Action<Node> register, string phrase)
            where T : AutogradException
        {
            var y = x * Tensor.FromArray([5.0, 6.0], device);
            register(y.GradFn!);
            Assert.That(() => y.Sum().Backward(), Throws.TypeOf<T>().With.Message.Contains(phrase).And.Message.Contains("MulBackward0"));
        }
    }

    [Test]
    public void ExceptionsPassThroughUnchanged()
    {
        var x = Leaf(1, 2);
        var thrown = new InvalidOperationException("mine");
        foreach (var register in new Func<Node, IDisposable>[]
        {
            n => n.RegisterPreHook((IReadOnlyList<Tensor?> _) => throw thrown),
            n => n.RegisterHook((IReadOnlyList<Tensor?> _, IReadOnlyList<Tensor?> _) => throw thrown),
        })
        {
            var y = (x * 2).Exp();
            var handle = register(y.GradFn!);
            Assert.That(Assert.Catch(() => y.Sum().Backward()), Is.SameAs(thrown));
            Assert.That(x.Grad, Is.Null);
            handle.Dispose();
            y.Sum().Backward();
            Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 2 * Math.Exp(2), 2 * Math.Exp(4) }).Within(1e-10));
            x.Grad = null;
        }
    }

    [Test]
    public void ANodeThatGetsNoGradientRunsNoHooks()
    {
        var (x, w) = (Leaf(1), Leaf(2));
        var y = x.Exp();
        y.GradFn!.RegisterPreHook(_ => Assert.Fail("no gradient arrives"));
        y.GradFn.RegisterHook((_, _) => Assert.Fail("no gradient arrives"));
        var product = y * w;
        product.GradFn!.RegisterHook((inputs, _) => [null, inputs[1]]);
        product.Backward();
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(Math.E).Within(1e-12));
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void APreHookMayWithholdTheGradient()
    {
        var x = Leaf(1);
        var y = x.Exp();
        y.GradFn!.RegisterPreHook(_ => [null]);
        y.Backward();
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void AccumulatorsNameTheirLeaf()
    {
        var x = Leaf(1);
        var y = x * 2;
        Assert.That(y.GradFn!.Variable, Is.Null);
        Assert.That(y.GradFn.NextFunctions[0].Function!.Variable, Is.SameAs(x));
    }

    [Test]
    public void NodesCarryNotes()
    {
        var y = Leaf(1) * 2;
        var node = y.GradFn!;
        Assert.That(node.Metadata, Is.Empty);
        node.Metadata["made by"] = "the test";
        Assert.That(y.GradFn!.Metadata, Is.SameAs(node.Metadata));
        Assert.That(node.Metadata["made by"], Is.EqualTo("the test"));
        Assert.That((y * 1).GradFn!.Metadata, Is.Empty);
    }

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);
}
