namespace Autograd.Gpu.Tests;

/// <summary>Backward passes inside backward passes.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class ReentrantBackwardTests(Device device)
{
    private const int Levels = 1000;

    [Test]
    public void AHookMayRunAPassOfItsOwn()
    {
        var (x, w) = (Leaf(2), Leaf(3));
        var y = x * x;
        var modes = new List<bool>();
        y.RegisterHook(g =>
        {
            modes.Add(Autodiff.IsGradEnabled);
            using (Autodiff.EnableGrad())
            {
                (w * w * g).Backward();
            }

            modes.Add(Autodiff.IsGradEnabled);
        });
        (y * 5 + x).Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(21));
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(30));
        Assert.That(modes, Is.EqualTo(new[] { false, false }));
        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void TheInnerPassMayUseTheGraphAndTheLeavesOfTheOuterOne()
    {
        var x = Leaf(2);
        var y = x * x;
        var z = y * 3;
        z.RegisterHook(g => Autodiff.Grad([y], [x], [g], retainGraph: true)[0]! + g);
        x.RegisterPostAccumulateGradHook(leaf =>
        {
            if (leaf.Grad!.Item<double>() < 50)
            {
                y.Backward(retainGraph: true);
            }
        });
        z.Backward(retainGraph: true);

        // At z: 4 + 1; at x: 3 * 5 * 4; a second pass from there is not needed.
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(60));
        x.Grad = null;
        y.Backward(retainGraph: true);
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(52), "13 passes inside one another, until it is enough");
    }

    [TestCase(0)]
    [TestCase(256 * 1024)]
    public void AThousandLevelsRun(int stackBytes) => On(stackBytes, () =>
    {
        var x = Leaf(1);
        int level = 0, deepest = 0;
        var threads = new HashSet<int>();

        void Descend()
        {
            level++;
            deepest = Math.Max(deepest, level);
            threads.Add(Environment.CurrentManagedThreadId);
            using (Autodiff.EnableGrad())
            {
                var y = x * 2;
                y.RegisterHook(_ =>
                {
                    Assert.That(Autodiff.IsGradEnabled, Is.False);
                    if (level < Levels)
                    {
                        Descend();
                    }
                });
                y.Backward();
            }

            level--;
        }

        Descend();
        Assert.That((level, deepest), Is.EqualTo((0, Levels)));
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(2 * Levels), "each level ran to its end");
        Assert.That(threads, Has.Count.GreaterThan(10).And.Count.LessThan(Levels), "on a stack of their own every 60 or so");
    });

    [Test]
    public void WhatTheDeepestLevelThrowsArrivesUnchanged()
    {
        var x = Leaf(1);
        var thrown = new InvalidOperationException("from below");
        int level = 0;

        void Descend()
        {
            using var mode = Autodiff.EnableGrad();
            var y = x * 2;
            y.RegisterHook((Tensor _) =>
            {
                if (++level == 200)
                {
                    throw thrown;
                }

                Descend();
            });
            y.Backward();
        }

        Assert.That(Assert.Catch(Descend), Is.SameAs(thrown));
        Assert.That(level, Is.EqualTo(200));
        Assert.That((x.Grad, Autodiff.IsGradEnabled), Is.EqualTo(((Tensor?)null, true)));
        (x * 2).Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(2), "the engine is as good as new");
    }

    [Test]
    public void ValuesThatFlowWithTheCallFlowToOtherThreads()
    {
        var x = Leaf(1);
        var flowing = new AsyncLocal<string> { Value = "here" };
        int level = 0;

        void Descend()
        {
            Assert.That(flowing.Value, Is.EqualTo("here"));
            using var mode = Autodiff.EnableGrad();
            var y = x * 2;
            y.RegisterHook(_ =>
            {
                if (++level < 150)
                {
                    Descend();
                }
            });
            y.Backward();
        }

        Descend();
        Assert.That(level, Is.EqualTo(150));
    }

    [Test]
    public void FunctionTransformsWorkInDeepPasses()
    {
        var x = Leaf(3);
        int level = 0;
        double deepest = 0;

        void Descend()
        {
            using var mode = Autodiff.EnableGrad();
            var y = x * 2;
            y.RegisterHook(g =>
            {
                if (++level < 130)
                {
                    Descend();
                    return null;
                }

                // The second derivative of g t^3 at x, on a thread that began in the middle of the pass.
                var second = Autodiff.Grad(t => Autodiff.Grad(s => s * s * s * g)(t))(x.Detach());
                deepest = second.Item<double>();
                return null;
            });
            y.Backward();
        }

        Descend();
        Assert.That((level, deepest), Is.EqualTo((130, 18.0)));
    }

    [Test]
    public void SavedTensorHooksStayInForceInDeepPasses()
    {
        var x = Leaf(3);
        int level = 0, packed = 0;

        void Descend()
        {
            using var mode = Autodiff.EnableGrad();
            var y = x * 2;
            y.RegisterHook(_ =>
            {
                if (++level < 130)
                {
                    Descend();
                    return;
                }

                packed = 0;
                using var recording = Autodiff.EnableGrad();
                _ = x.Exp();
            });
            y.Backward();
        }

        using (Autodiff.SavedTensorHooks(t =>
        {
            packed++;
            return t;
        }, t => t))
        {
            Descend();
        }

        Assert.That((level, packed), Is.EqualTo((130, 1)));
    }

    private static void On(int stackBytes, Action action)
    {
        if (stackBytes == 0)
        {
            action();
            return;
        }

        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    failure = e;
                }
            },
            stackBytes);
        thread.Start();
        thread.Join();
        if (failure is not null)
        {
            throw new AssertionException(failure.Message, failure);
        }
    }

    private Tensor Leaf(double value) => Tensor.Of(value, DType.Float64, device, requiresGrad: true);
}
