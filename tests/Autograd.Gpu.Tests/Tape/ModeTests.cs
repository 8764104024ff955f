namespace Autograd.Gpu.Tests;

/// <summary>Modes are scopes of one thread, in whatever order and on whatever thread they are disposed.</summary>
internal sealed class ModeTests
{
    [Test]
    public void ScopesMayEndOutOfOrder()
    {
        var outer = Autodiff.NoGrad();
        var inner = Autodiff.EnableGrad();
        outer.Dispose();
        Assert.That(Autodiff.IsGradEnabled, "the inner one is still open");
        inner.Dispose();
        Assert.That(Autodiff.IsGradEnabled, "neither is");

        outer = Autodiff.EnableGrad();
        inner = Autodiff.NoGrad();
        outer.Dispose();
        Assert.That(Autodiff.IsGradEnabled, Is.False);
        inner.Dispose();
        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void AScopeThatIsDisposedOnAnotherThreadEndsWhereItWasOpened()
    {
        var scope = Autodiff.NoGrad();
        bool before = true, after = false;
        OnAnotherThread(() =>
        {
            using var own = Autodiff.NoGrad();
            scope.Dispose();
            before = Autodiff.IsGradEnabled;
            own.Dispose();
            after = Autodiff.IsGradEnabled;
        });
        Assert.That((before, after), Is.EqualTo((false, true)), "the other thread's modes are its own");
        Assert.That(Autodiff.IsGradEnabled, "this thread's scope has ended");

        // Also in the middle of others.
        using (Autodiff.NoGrad())
        {
            var middle = Autodiff.InferenceMode();
            var inner = Autodiff.EnableGrad();
            OnAnotherThread(middle.Dispose);
            Assert.That(Autodiff.IsInferenceModeEnabled, "the inner scope was opened in it");
            inner.Dispose();
            Assert.That((Autodiff.IsInferenceModeEnabled, Autodiff.IsGradEnabled), Is.EqualTo((false, false)));
        }

        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public async Task AnAwaitInsideAScopeLeavesNoThreadBehindInItsMode()
    {
        var seen = new List<bool>();
        using (Autodiff.NoGrad())
        {
            await Task.Run(() => seen.Add(Autodiff.IsGradEnabled));
            await Task.Delay(5).ConfigureAwait(false);
        }

        Assert.That(seen, Is.EqualTo(new[] { true }), "a mode does not flow to the pool");
        Assert.That(Autodiff.IsGradEnabled);
        var modes = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => Autodiff.IsGradEnabled)));
        Assert.That(modes, Is.All.True);
    }

    [Test]
    public void ABackwardPassKeepsTheModesOfItsCaller()
    {
        var x = Tensor.Ones([2], requiresGrad: true);
        foreach (bool createGraph in new[] { false, true })
        {
            using (Autodiff.NoGrad())
            {
                using (Autodiff.EnableGrad())
                {
                    (x * x).Sum().Backward(createGraph: createGraph);
                    Assert.That(Autodiff.IsGradEnabled);
                }

                Assert.That(Autodiff.IsGradEnabled, Is.False);
            }
        }

        using (Autodiff.InferenceMode())
        using (Autodiff.EnableGrad())
        {
            _ = Tensor.Arange(3) * 2;
            Assert.That((Autodiff.IsGradEnabled, Autodiff.IsInferenceModeEnabled), Is.EqualTo((false, true)));
            using (Autodiff.InferenceMode(false))
            {
                Assert.That((Autodiff.IsGradEnabled, Autodiff.IsInferenceModeEnabled), Is.EqualTo((true, false)));
            }
        }

        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void ThreadsHaveModesOfTheirOwn()
    {
        using var mode = Autodiff.InferenceMode();
        bool isInference = true, records = false;
        OnAnotherThread(() =>
        {
            isInference = Tensor.Ones([1]).IsInference;
            records = (Tensor.Ones([1], requiresGrad: true) * 2).RequiresGrad;
        });
        Assert.That((isInference, records), Is.EqualTo((false, true)));
        Assert.That(Tensor.Ones([1]).IsInference);
    }

    private static void OnAnotherThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }
}
