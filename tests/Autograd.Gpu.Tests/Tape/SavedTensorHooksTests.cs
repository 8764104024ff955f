namespace Autograd.Gpu.Tests;

/// <summary>What is saved for the backward pass: hooks, inspection, and writes after it was saved.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class SavedTensorHooksTests(Device device, bool lazy)
{
    private Laziness? _mode;

    [SetUp]
    public void SetMode() => _mode = Laziness.Set(lazy);

    [TearDown]
    public void RestoreMode() => _mode?.Dispose();

    [Test]
    public void EachSavedTensorGoesThroughTheHooks()
    {
        var x = Leaf(2, 3);
        var packed = new List<double[]>();
        int unpacked = 0;
        Tensor y;
        using (Autodiff.SavedTensorHooks(
            t =>
            {
                Assert.That((t.RequiresGrad, Autodiff.IsGradEnabled), Is.EqualTo((false, false)));
                packed.Add(t.Doubles());
                return t.ToArray<double>();
            },
            values =>
            {
                unpacked++;
                return Tensor.FromArray(values, device);
            }))
        {
            y = (x * x).Exp();
        }

        Assert.That(packed, Has.Count.EqualTo(3), "two inputs of the product, the output of exp");
        Assert.That(packed[2], Is.EqualTo(new[] { Math.Exp(4), Math.Exp(9) }).Within(1e-10));
        _ = (x * 5).Exp();
        Assert.That(packed, Has.Count.EqualTo(3), "not outside of the scope");
        y.Sum().Backward();
        Assert.That(unpacked, Is.EqualTo(3), "once each, however often the formula reads it");
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new[] { 4 * Math.Exp(4), 6 * Math.Exp(9) }).Within(1e-9));
    }

    [Test]
    public void SecondOrderGoesThroughTheHooksToo()
    {
        var x = Leaf(0.5, -1.2);
        var w = Leaf(1.5, 0.3);
        Tensor F(IReadOnlyList<Tensor> t)
        {
            using var hooks = Autodiff.SavedTensorHooks(v => v.ToArray<double>(), v => Tensor.FromArray(v, device));
            return ((t[0] * t[1]).Tanh() * t[0].Exp()).Sum();
        }

        Assert.That(Autodiff.GradCheck(F, [x, w]));
        Assert.That(Autodiff.GradGradCheck(F, [x, w]));
    }

    [Test]
    public void TheInnermostHooksCount()
    {
        var x = Leaf(3);
        var log = new List<string>();
        IDisposable Hooks(string name) => Autodiff.SavedTensorHooks(
            t =>
            {
                log.Add(name);
                return t;
            },
            t => t);
        using (Hooks("outer"))
        {
            var inner = Hooks("inner");
            _ = x.Exp();
            inner.Dispose();
            inner.Dispose();
            _ = x.Sin();
        }

        Assert.That(log, Is.EqualTo(new[] { "inner", "outer" }));
        var elsewhere = new List<string>();
        using (Hooks("here"))
        {
            var thread = new Thread(() => _ = x.Exp());
            thread.Start();
            thread.Join();
        }

        Assert.That(log, Has.Count.EqualTo(2), "scopes belong to their thread");
    }

    [Test]
    public void VersionsAreNotCheckedOfWhatAHookPacked()
    {
        var x = Leaf(2);
        var y = x * 1;
        Tensor z;
        using (Autodiff.SavedTensorHooks(t => t.Clone(), t => t))
        {
            z = y * y;
        }

        y.Add_(100);
        z.Sum().Backward();
        Assert.That(x.Grad!.Item<double>(), Is.EqualTo(4));
    }

    [Test]
    public void HooksThatMisbehaveAreTold()
    {
        var x = Leaf(2);
        using (Autodiff.SavedTensorHooks(t => t.Add_(1), t => t))
        {
            var failure = Assert.Throws<GradientException>(() => _ = (x * 1).Sin());
            Assert.That(failure!.Message, Does.Contain("A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not be modified"));
        }

        Tensor y;
        using (Autodiff.SavedTensorHooks(t => t, _ => Tensor.Ones([7], DType.Float64, device)))
        {
            y = x.Sin();
        }

        Assert.That(
            Assert.Throws<GradientException>(() => y.Sum().Backward())!.Message,
            Does.Contain("SinBackward0").And.Contain("Output of saved tensor unpack_hook").And.Contain("float64 [1]").And.Contain("but got float64 [7]"));
        using (Autodiff.SavedTensorHooks(t => t, _ => (Tensor)null!))
        {
            y = x.Sin();
        }

        Assert.That(Assert.Throws<GradientException>(() => y.Sum().Backward())!.Message, Does.Contain("but got null"));
        using (Autodiff.SavedTensorHooks<Tensor>(_ => throw new InvalidOperationException("mine"), t => t))
        {
            Assert.Throws<InvalidOperationException>(() => _ = x.Sin());
        }

        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void HooksCanBeDisabled()
    {
        var x = Leaf(2);
        using (Autodiff.DisableSavedTensorHooks("no hooks here"))
        {
            Assert.That(Assert.Throws<GradientException>(() => Autodiff.SaveOnCpu())!.Message, Is.EqualTo("no hooks here"));
            Assert.Throws<GradientException>(() => Autodiff.Checkpoint(t => t.Sin(), x));
        }

        using (Autodiff.SaveOnCpu())
        {
            Assert.Throws<GradientException>(() => Autodiff.DisableSavedTensorHooks("too late"));
        }

        Autodiff.SaveOnCpu().Dispose();
    }

    [Test]
    public void SaveOnCpuKeepsWhatIsSavedInTheHostsMemory()
    {
        var x = Leaf(0.5, 1.5);
        var y = x * 1;
        Tensor z;
        using (Autodiff.SaveOnCpu())
        {
            z = (y * y).Exp().Sum();
        }

        // The host's device keeps the value as well, not the tensor.
        y.Zero_();
        Assert.That(z.Device, Is.EqualTo(device));
        z.Backward();
        Assert.That(x.Grad!.Device, Is.EqualTo(device));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new[] { Math.Exp(0.25), 3 * Math.Exp(2.25) }).Within(1e-12));
    }

    [Test]
    public void MutationOfSavedTensorsCanBeAllowed()
    {
        var x = Leaf(2, 3, 4);
        Tensor z;
        using (Autodiff.AllowMutationOnSavedTensors())
        {
            var y = x * 1;
            var head = y[..2];
            z = (y * y).Sum() + (head * head).Sum() + y.Exp().Mul_(0).Sum();
            using (Autodiff.NoGrad())
            {
                y.Fill_(-50);
                head.Add_(7);
            }

            Assert.That(y.Doubles(), Is.EqualTo(new double[] { -43, -43, -50 }));
        }

        z.Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[] { 8, 12, 8 }));

        // Derivatives of higher order see the saved values as well.
        var w = Leaf(2);
        using (Autodiff.AllowMutationOnSavedTensors())
        {
            var y = w * 1;
            z = y * y * y;
            y.Mul_(0);
        }

        var first = Autodiff.Grad(z.Sum(), w, createGraph: true);
        Assert.That(Autodiff.Grad(first.Sum(), w).Item<double>(), Is.EqualTo(12));
    }

    [Test]
    public void WhatIsNotWrittenIsNotCopied()
    {
        var x = Tensor.Ones([1 << 16], DType.Float64, device, requiresGrad: true);
        var y = (x * 2).Materialize();
        using var allowed = Autodiff.AllowMutationOnSavedTensors();
        long before = device.Memory.Allocations;
        var z = y.Sin();
        Assert.That(device.Memory.Allocations - before, Is.LessThanOrEqualTo(lazy ? 0 : 1), "at most the result");
        before = device.Memory.Allocations;
        y.Add_(1).Materialize();
        Assert.That(device.Memory.Allocations - before, Is.EqualTo(1), "the write");
        z.Sum().Backward();
        Assert.That(x.Grad!.Doubles()[0], Is.EqualTo(2 * Math.Cos(2)).Within(1e-12));
    }

    [Test]
    public void ANodeShowsWhatItSaved()
    {
        var x = Leaf(2);
        var w = Leaf(5);
        var y = x * w;
        var saved = y.GradFn!.SavedTensors;
        Assert.That(saved.Select(s => s.Name), Is.EqualTo(new[] { "input0", "input1" }));
        Assert.That(saved.Select(s => s.Value), Is.EqualTo(new[] { x, w }), "the tensors themselves");
        Assert.That(saved[0].ToString(), Is.EqualTo("input0 of MulBackward0"));
        var e = y.Exp();
        var output = e.GradFn!.SavedTensors.Single();
        Assert.That((output.Name, output.Value!.GradFn, output.Value!.Doubles()), Is.EqualTo(("output", e.GradFn, e.Doubles())));
        Assert.That((x + w).GradFn!.SavedTensors, Is.Empty);
        Assert.That(y.GradFn!.NextFunctions[0].Function!.SavedTensors, Is.Empty, "an accumulator");

        e.Sum().Backward();
        Assert.That(
            Assert.Throws<GradientException>(() => _ = saved[0].Value)!.Message,
            Does.Contain("Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed)"));
    }

    [Test]
    public void HooksCanBeGivenToOneSavedTensorAfterwards()
    {
        var x = Leaf(3);
        var y = (x * 1).Sin();
        int packs = 0, unpacks = 0;
        var saved = y.GradFn!.SavedTensors.Single();
        saved.RegisterHooks(
            t =>
            {
                packs++;
                return t * 2;
            },
            t =>
            {
                unpacks++;
                return t / 2;
            });
        Assert.That((packs, unpacks), Is.EqualTo((1, 0)));
        Assert.That(saved.Value!.Item<double>(), Is.EqualTo(3));
        Assert.That(
            Assert.Throws<GradientException>(() => saved.RegisterHooks(t => t, t => t))!.Message,
            Does.Contain("Calling RegisterHooks on a saved tensor whose hooks have already been set. Hint: only one pair of hooks is allowed at a time."));
        var first = Autodiff.Grad(y.Sum(), x, createGraph: true);
        Assert.That(Autodiff.Grad(first.Sum(), x, retainGraph: true).Item<double>(), Is.EqualTo(-Math.Sin(3)).Within(1e-12));
        Assert.That(packs, Is.EqualTo(1));
        Assert.That(unpacks, Is.GreaterThanOrEqualTo(2));

        y.Sum().Backward();
        Assert.That(
            Assert.Throws<GradientException>(() => saved.RegisterHooks(t => t, t => t))!.Message,
            Does.Contain("Calling RegisterHooks on a saved tensor after it has been freed"));
        Assert.Throws<GradientException>(() => y.Sum().Backward(), "a packed value is freed as well");

        var z = new FunctionTests.SavedExp().Apply(x);
        z.GradFn!.SavedTensors[0].RegisterHooks(t => t.ToArray<double>(), v => Tensor.FromArray(v, device));
        Assert.That(Autodiff.Grad(z.Sum(), x).Item<double>(), Is.EqualTo(Math.Exp(3)).Within(1e-10));
    }

    [Test]
    public void ASavedTensorThatWasDetachedInPlaceIsRefused()
    {
        var x = Leaf(3);
        var y = x * 1;
        var z = y.Sin();
        Assert.That(y.Detach_(), Is.SameAs(y));
        Assert.That((y.IsLeaf, y.RequiresGrad), Is.EqualTo((true, false)));
        Assert.That(
            Assert.Throws<GradientException>(() => z.Sum().Backward())!.Message,
            Does.Contain("Trying to use a saved tensor that has been detached in-place").And.Contain("please use out-of-place `Detach()` instead"));
        Assert.That(Assert.Throws<GradientException>(() => (x * 1)[..1].Reshape(1, 1).Detach_())!.Message, Does.Contain("Can't detach views in-place"));
    }

    [Test]
    public void FunctionsOfTheProgramSaveThroughTheHooks()
    {
        var x = Leaf(2);
        int count = 0;
        Tensor y;
        using (Autodiff.SavedTensorHooks(
            t =>
            {
                count++;
                return t.ToArray<double>();
            },
            v => Tensor.FromArray(v, device)))
        {
            y = new FunctionTests.Cube().Apply(x);
        }

        Assert.That(count, Is.EqualTo(1), "what its forward computes on the way is not saved");
        var first = Autodiff.Grad(y.Sum(), x, createGraph: true);
        Assert.That((first.Item<double>(), Autodiff.Grad(first.Sum(), x).Item<double>()), Is.EqualTo((12.0, 12.0)));
    }

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);
}
