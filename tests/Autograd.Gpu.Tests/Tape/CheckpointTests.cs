namespace Autograd.Gpu.Tests;

/// <summary>Checkpointed functions: they compute what they compute without, and run when they should.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class CheckpointTests(Device device, bool lazy)
{
    private Laziness? _mode;

    [SetUp]
    public void SetMode() => _mode = Laziness.Set(lazy);

    [TearDown]
    public void RestoreMode() => _mode?.Dispose();

    [Test]
    public void GradientsAreThoseWithoutAndTheFunctionRunsTwice()
    {
        var (x, w) = (Random(1, 4, 3), Random(2, 3, 3));
        int runs = 0;
        Tensor Block(Tensor t)
        {
            runs++;
            return (t.MatMul(w).Tanh() + t).Softmax(1) * t.Exp();
        }

        Block(x).Sum().Backward();
        var (expectedX, expectedW) = (x.Grad!.Doubles(), w.Grad!.Doubles());
        x.Grad = w.Grad = null;
        runs = 0;

        var y = Autodiff.Checkpoint(Block, x);
        Assert.That((runs, y.GradFn!.Name), Is.EqualTo((1, "MulBackward0")));
        y.Sum().Backward();
        Assert.That(runs, Is.EqualTo(2));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(expectedX).Within(1e-14));
        Assert.That(w.Grad!.Doubles(), Is.EqualTo(expectedW).Within(1e-14));
    }

    [Test]
    public void DerivativesOfFirstAndSecondOrderPassTheNumericalCheck()
    {
        var (x, w) = (Random(1, 2, 2), Random(2, 2, 2));
        Tensor F(IReadOnlyList<Tensor> t) => Autodiff.Checkpoint((a, b) => (a.MatMul(b).Tanh() * a.Exp()).Sum(0), t[0], t[1]);
        Assert.That(Autodiff.GradCheck(F, [x, w]));
        Assert.That(Autodiff.GradGradCheck(F, [x, w]));
        Tensor Nested(IReadOnlyList<Tensor> t) => Autodiff.Checkpoint(a => Autodiff.Checkpoint(b => b.Sin() * b, a.Exp()) * a, t[0]);
        Assert.That(Autodiff.GradCheck(Nested, [x]));
        Assert.That(Autodiff.GradGradCheck(Nested, [x]));
    }

    [Test]
    public void AllFormsOfInputsAndResultsAreTaken()
    {
        var (a, b, c) = (Leaf(2), Leaf(3), Leaf(5));
        var (sum, product) = Autodiff.Checkpoint((x, y, z) => (x + y + z, x * y * z), a, b, c);
        (sum + product).Sum().Backward();
        Assert.That((a.Grad!.Item<double>(), b.Grad!.Item<double>(), c.Grad!.Item<double>()), Is.EqualTo((16.0, 11.0, 7.0)));

        a.Grad = b.Grad = null;
        var list = Autodiff.Checkpoint(inputs => inputs.Select(x => x.Exp() * 2).ToArray(), [a, b]);
        list[1].Sum().Backward();
        Assert.That((a.Grad, b.Grad!.Item<double>()), Is.EqualTo(((Tensor?)null, 2 * Math.Exp(3))));

        // Inputs that need no gradient, beside a captured parameter that does; and none that does.
        b.Grad = null;
        Autodiff.Checkpoint(x => x * b, a.Detach()).Sum().Backward();
        Assert.That(b.Grad!.Item<double>(), Is.EqualTo(2));
        Assert.That(Autodiff.Checkpoint(x => x.Exp(), a.Detach()).RequiresGrad, Is.False);
        using (Autodiff.NoGrad())
        {
            Assert.That(Autodiff.Checkpoint(x => x.Exp(), a).RequiresGrad, Is.False);
        }

        var empty = Tensor.Ones([0, 2], DType.Float64, device, requiresGrad: true);
        Autodiff.Checkpoint(x => x.Exp().Sin(), empty).Sum().Backward();
        Assert.That(empty.Grad!.Shape, Is.EqualTo(empty.Shape));
    }

    [Test]
    public void TheSecondRunStopsWhenAllIsThere()
    {
        var x = Leaf(2);
        foreach (bool early in new[] { true, false })
        {
            int begun = 0, ended = 0;
            var y = Autodiff.Checkpoint(
                t =>
                {
                    begun++;
                    var z = t.Exp() + 1;
                    ended++;
                    return z;
                },
                x,
                new CheckpointOptions { EarlyStop = early });
            y.Sum().Backward();
            Assert.That((begun, ended), Is.EqualTo((2, early ? 1 : 2)));
        }
    }

    [Test]
    public void AFunctionThatSavesNothingRunsOnce()
    {
        var x = Leaf(2);
        int runs = 0;
        Autodiff.Checkpoint(
            t =>
            {
                runs++;
                return t + 1;
            },
            x).Sum().Backward();
        Assert.That((runs, x.Grad!.Item<double>()), Is.EqualTo((1, 1.0)));
    }

    [Test]
    public void CheckpointsNest()
    {
        var x = Leaf(0.5);
        int outer = 0, inner = 0;
        Tensor Inner(Tensor t)
        {
            inner++;
            return t.Sin() * t;
        }

        Tensor Outer(Tensor t)
        {
            outer++;
            return Autodiff.Checkpoint(Inner, Autodiff.Checkpoint(Inner, t.Exp())).Exp();
        }

        Tensor Plain(Tensor t)
        {
            var e = t.Exp();
            var s = e.Sin() * e;
            return (s.Sin() * s).Exp();
        }

        var expected = Autodiff.Grad(Plain(x).Sum(), x).Item<double>();
        Assert.That(Autodiff.Grad(Autodiff.Checkpoint(Outer, x).Sum(), x).Item<double>(), Is.EqualTo(expected).Within(1e-12));
        Assert.That((outer, inner), Is.EqualTo((2, 6)), "each inner one runs in the forward pass, in the outer's second run and in its own");
    }

    [Test]
    public void ARetainedGraphRunsTheFunctionForEachPass()
    {
        var x = Leaf(2);
        int runs = 0;
        var y = Autodiff.Checkpoint(
            t =>
            {
                runs++;
                return t.Exp() * t;
            },
            x).Sum();
        y.Backward(retainGraph: true);
        y.Backward();
        Assert.That(runs, Is.EqualTo(3));
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(2 * 3 * Math.Exp(2)).Within(1e-12));
        Assert.That(
            Assert.Throws<GradientException>(() => y.Backward())!.Message, Does.Contain("Trying to backward through the graph a second time"));
    }

    [Test]
    public void RandomNumbersAreDrawnAgain()
    {
        var x = Tensor.Ones([64], DType.Float64, device, requiresGrad: true);
        Tensor Dropout(Tensor t) => t * (Tensor.Rand(t.Shape, DType.Float64, device) > 0.5) * t.Exp();
        foreach (bool preserve in new[] { true, false })
        {
            x.Grad = null;
            var y = Autodiff.Checkpoint(Dropout, x, new CheckpointOptions { PreserveRngState = preserve });
            var state = device.Generator.State;
            y.Sum().Backward();
            var kept = y.Doubles().Select(v => v != 0);
            Assert.That(x.Grad!.Doubles().Select(v => v != 0).SequenceEqual(kept), Is.EqualTo(preserve));
            Assert.That(device.Generator.State == state, Is.EqualTo(preserve), "the sequence goes on where it was");
        }

        var own = new Generator(7);
        var seen = new List<GeneratorState>();
        var z = Autodiff.Checkpoint(
            t =>
            {
                seen.Add(own.State);
                own.ManualSeed(own.InitialSeed + 1);
                return t.Exp().Sin();
            },
            x,
            new CheckpointOptions { Generators = [own] });
        own.ManualSeed(99);
        z.Sum().Backward();
        Assert.That((seen.Count, seen[1], own.InitialSeed), Is.EqualTo((2, seen[0], 99UL)));
    }

    [Test]
    public void AnInputThatWasWrittenSinceIsRefused()
    {
        var x = Leaf(2);
        var t = x * 1;
        var y = Autodiff.Checkpoint(a => a.Exp(), t);
        t.Add_(1);
        Assert.That(
            Assert.Throws<GradientException>(() => y.Sum().Backward())!.Message,
            Does.Contain("Checkpoint: one of the variables needed for gradient computation has been modified by an inplace operation"));
    }

    [Test]
    public void ASecondRunThatDiffersIsToldAbout()
    {
        var x = Tensor.Ones([4], DType.Float64, device, requiresGrad: true);
        GradientException Differs(Func<int, Tensor, Tensor> function, CheckpointOptions? options = null)
        {
            int run = 0;
            var y = Autodiff.Checkpoint(t => function(run++, t), x, options);
            return Assert.Throws<GradientException>(() => y.Sum().Backward())!;
        }

        Assert.That(
            Differs((run, t) => (run == 0 ? t : t[..2]).Exp()).Message,
            Does.Contain("Recomputed values for the following tensors have different metadata than during the forward pass.")
                .And.Contain("tensor at position 0: saved metadata: float64 [4] on " + device).And.Contain("recomputed metadata: float64 [2] on " + device));
        Assert.That(
            Differs((run, t) => (run == 0 ? t : t.To(DType.Float32)).Exp()).Message, Does.Contain("recomputed metadata: float32 [4]"));
        Assert.That(
            Differs((run, t) => run == 0 ? t.Exp().Sin() : t.Exp()).Message,
            Does.Contain("A different number of tensors was saved during the original forward and recomputation")
                .And.Contain("Number of tensors saved during forward: 2; during recomputation: 1"));
        Assert.That(
            Differs((run, t) => run == 0 ? t.Exp() : t.Exp().Sin(), new CheckpointOptions { EarlyStop = false }).Message,
            Does.Contain("trying to save more tensors during recomputation than during the original forward pass"));

        // A saved tensor of another shape is noticed in any case, where it is read.
        Assert.That(
            Differs((run, t) => (run == 0 ? t : t[..2]).Exp(), new CheckpointOptions { DeterminismCheck = DeterminismCheck.None }).Message,
            Does.Contain("ExpBackward0"));
        Assert.That(Autodiff.IsGradEnabled);
        _ = x.Exp().GradFn!.SavedTensors[0].Value;
    }

    [Test]
    public void WhatThePolicyKeepsIsNotComputedAgain()
    {
        var (x, w) = (Random(1, 4, 3), Random(2, 3, 3));
        Tensor Block(Tensor t) => t.MatMul(w).Tanh().MatMul(w).Exp().Sum(1);
        var expected = Autodiff.Grad([Block(x).Sum()], [x, w]).Select(g => g!.Doubles()).ToArray();
        var asked = new List<string>();
        int Products(Func<string, CheckpointPolicy>? policy)
        {
            var y = Autodiff.Checkpoint(Block, x, new CheckpointOptions { Policy = policy, EarlyStop = false }).Sum();
            using var log = new KernelLog();
            var actual = Autodiff.Grad([y], [x, w]);
            for (int i = 0; i < actual.Length; i++)
            {
                Assert.That(actual[i]!.Doubles(), Is.EqualTo(expected[i]).Within(1e-13));
            }

            return log.Events.Count(e => e.ToString()!.Contains("MatMul"));
        }

        // Four products are those of the backward pass itself.
        Assert.That(Products(null), Is.EqualTo(4 + 2));
        Assert.That(
            Products(name =>
            {
                asked.Add(name);
                return name == "MatMul" ? CheckpointPolicy.MustSave : CheckpointPolicy.PreferRecompute;
            }),
            Is.EqualTo(4));
        Assert.That(asked, Is.EqualTo(new[] { "MatMul", "Tanh", "MatMul", "Exp", "Sum" }));
        Assert.That(Products(_ => CheckpointPolicy.PreferSave), Is.EqualTo(4));
        Assert.That(Products(_ => CheckpointPolicy.MustRecompute), Is.EqualTo(4 + 2));
    }

    [Test]
    public void WhatIsKeptOrComputedAgainIsNotSpoiltByLaterWrites()
    {
        var x = Leaf(0.5, 1.5);
        Tensor Block(Tensor t)
        {
            var y = t * 2;
            var z = y.Sin();
            using (Autodiff.NoGrad())
            {
                y.Fill_(-9);
            }

            var e = t.Exp();
            var s = e * 1;
            s.Mul_(3);
            return z * e + s * t;
        }

        // Without a checkpoint the write is an error; with one, the second run keeps what there was when it was saved.
        Assert.Throws<GradientException>(() => Block(x).Sum().Backward());
        var expected = new[] { 0.5, 1.5 }.Select(v => 2 * Math.Cos(2 * v) * Math.Exp(v) + Math.Sin(2 * v) * Math.Exp(v) + 3 * Math.Exp(v) * (1 + v));
        foreach (var policy in new Func<string, CheckpointPolicy>?[] { null, _ => CheckpointPolicy.MustSave })
        {
            x.Grad = null;
            Autodiff.Checkpoint(Block, x, new CheckpointOptions { Policy = policy, EarlyStop = false }).Sum().Backward();
            Assert.That(x.Grad!.Doubles(), Is.EqualTo(expected).Within(1e-12));
        }
    }

    [Test]
    public void AFunctionMayDifferentiateInside()
    {
        var x = Leaf(0.5, 2);
        var y = Autodiff.Checkpoint(
            t =>
            {
                var energy = (t * t * t).Sum();
                return Autodiff.Grad(energy, t, createGraph: true) * t.Exp();
            },
            x * 1);
        y.Sum().Backward();
        Assert.That(
            x.Grad!.Doubles(), Is.EqualTo(new[] { 0.5, 2.0 }.Select(v => (6 * v + 3 * v * v) * Math.Exp(v))).Within(1e-11));
    }

    [Test]
    public void OtherHooksGoAroundIt()
    {
        var x = Leaf(2);
        var input = x * 1;
        int packed = 0, unpacked = 0;
        Tensor y;
        using (Autodiff.SavedTensorHooks(
            t =>
            {
                packed++;
                return t.ToArray<double>();
            },
            v =>
            {
                unpacked++;
                return Tensor.FromArray(v, device);
            }))
        {
            y = Autodiff.Checkpoint(t => t.Exp().Sin(), input);
        }

        Assert.That(packed, Is.EqualTo(1), "the input");
        y.Sum().Backward();
        Assert.That(unpacked, Is.EqualTo(1));
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(Math.Cos(Math.Exp(2)) * Math.Exp(2)).Within(1e-11));

        x.Grad = null;
        using (Autodiff.SaveOnCpu())
        {
            y = Autodiff.Checkpoint(t => new FunctionTests.Cube().Apply(t), x * 1);
        }

        y.Sum().Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(12));
    }

    [Test]
    public void AnExceptionInTheFunctionRestoresTheModes()
    {
        var x = Leaf(2);
        Assert.Throws<InvalidOperationException>(() => Autodiff.Checkpoint<Tensor>(_ => throw new InvalidOperationException(), x));
        int run = 0;
        var y = Autodiff.Checkpoint(t => run++ == 0 ? t.Exp() : throw new InvalidOperationException("second"), x);
        Assert.That(Assert.Throws<InvalidOperationException>(() => y.Sum().Backward())!.Message, Is.EqualTo("second"));
        Assert.That(x.Exp().GradFn!.SavedTensors[0].Value!.Item<double>(), Is.EqualTo(Math.Exp(2)).Within(1e-12));
        Assert.That(Autodiff.IsGradEnabled);

        // A function that swallows the signal to stop goes on to its end.
        y = Autodiff.Checkpoint(
            t =>
            {
                var e = t;
                try
                {
                    e = t.Exp();
                }
                catch (Exception)
                {
                    e = t;
                }

                return e.Sin();
            },
            x);
        y.Sum().Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(Math.Cos(Math.Exp(2)) * Math.Exp(2)).Within(1e-11));
    }

    [Test]
    public void ASequenceIsCheckpointedInSegments()
    {
        var x = Random(3, 2, 3);
        var runs = new int[7];
        var functions = Enumerable.Range(0, runs.Length).Select(i => (Func<Tensor, Tensor>)(t =>
        {
            runs[i]++;
            return (t * (i + 1)).Sin() + t;
        })).ToArray();
        var y = x;
        foreach (var function in functions)
        {
            y = function(y);
        }

        y.Sum().Backward();
        var expected = x.Grad!.Doubles();
        Array.Clear(runs);
        x.Grad = null;
        Autodiff.CheckpointSequential(functions, 3, x).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(expected).Within(1e-14));
        Assert.That(runs, Is.EqualTo(new[] { 2, 2, 2, 2, 1, 1, 1 }), "two segments of two, and the last three run once");
        Assert.Throws<ArgumentOutOfRangeException>(() => Autodiff.CheckpointSequential(functions, 8, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => Autodiff.CheckpointSequential(functions, 0, x));
    }

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);

    private Tensor Random(int seed, params long[] shape) => Numbers.Double(seed, shape, -1, 1, device, requiresGrad: true);
}
