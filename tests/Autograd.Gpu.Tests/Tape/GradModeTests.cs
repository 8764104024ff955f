namespace Autograd.Gpu.Tests;

/// <summary>NoGrad, EnableGrad and SetGradEnabled.</summary>
internal sealed class GradModeTests
{
    [Test]
    public void ModesNestAndRestoreWhatTheyFound()
    {
        var x = Tensor.Ones([2], requiresGrad: true);
        Assert.That((x * 2).RequiresGrad);
        using (Autodiff.NoGrad())
        {
            Assert.That((x * 2).RequiresGrad, Is.False);
            using (Autodiff.EnableGrad())
            {
                Assert.That((x * 2).RequiresGrad);
                using (Autodiff.SetGradEnabled(false))
                {
                    Assert.That((x * 2).RequiresGrad, Is.False);
                }

                Assert.That(Autodiff.IsGradEnabled);
            }

            Assert.That(Autodiff.IsGradEnabled, Is.False);
        }

        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void AnExceptionRestoresTheMode()
    {
        Assert.Throws<ShapeException>(() =>
        {
            using var mode = Autodiff.NoGrad();
            _ = Tensor.Ones([2]) + Tensor.Ones([3]);
        });
        Assert.That(Autodiff.IsGradEnabled);

        // Also one that is thrown in the middle of a backward pass.
        var x = Tensor.Ones([2], requiresGrad: true);
        var square = (x * x).Sum();
        square.Backward();
        Assert.Throws<GradientException>(() => square.Backward());
        Assert.That(Autodiff.IsGradEnabled);
    }

    [Test]
    public void DisposingAModeTwiceDoesNothing()
    {
        var mode = Autodiff.NoGrad();
        mode.Dispose();
        using (Autodiff.NoGrad())
        {
            mode.Dispose();
            Assert.That(Autodiff.IsGradEnabled, Is.False);
        }
    }

    [Test]
    public void AModeBelongsToItsThread()
    {
        using var mode = Autodiff.NoGrad();
        bool elsewhere = false;
        var thread = new Thread(() => elsewhere = Autodiff.IsGradEnabled);
        thread.Start();
        thread.Join();
        Assert.That(elsewhere);
    }

    [Test]
    public void TheModeDoesNotChangeWhatALeafRequires()
    {
        var x = Tensor.Ones([1], requiresGrad: true);
        using (Autodiff.NoGrad())
        {
            Assert.That(x.RequiresGrad);
            Assert.That(Tensor.Ones([1], requiresGrad: true).RequiresGrad);
            (x.Detach() * 3).RequiresGrad_();
        }

        // A pass runs under NoGrad as well; it is not recorded itself.
        var square = x * x;
        using (Autodiff.NoGrad())
        {
            square.Backward();
        }

        Assert.That(x.Grad!.Item<float>(), Is.EqualTo(2));
    }
}
