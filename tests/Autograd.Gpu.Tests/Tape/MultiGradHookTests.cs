using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests;

/// <summary>Hooks on the gradients of several tensors.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class MultiGradHookTests(Device device)
{
    [Test]
    public void AllWaitsForEveryGradientThatThePassBrings()
    {
        var (a, b, c) = (Leaf(1), Leaf(2), Leaf(3));
        var middle = a * b;
        var calls = new List<double?[]>();
        using (Autodiff.RegisterMultiGradHook([a, middle, b, c], g => calls.Add(Values(g))))
        {
            (middle * c).Sum().Backward(retainGraph: true);
            Assert.That(calls, Is.EqualTo(new[] { new double?[] { 6, 3, 3, 2 } }));

            calls.Clear();
            (middle * 10).Backward(retainGraph: true);
            Assert.That(calls, Is.EqualTo(new[] { new double?[] { 20, 10, 10, null } }), "c is not in this graph");

            calls.Clear();
            Autodiff.Grad([middle * c], [b], retainGraph: true);
            Assert.That(calls, Is.EqualTo(new[] { new double?[] { null, 3, 3, null } }), "only what leads to b");

            calls.Clear();
            (Leaf(1) * 2).Backward();
            Assert.That(calls, Is.Empty);
        }

        (middle * c).Backward();
        Assert.That(calls, Is.Empty, "removed");
    }

    [Test]
    public void AnyRunsOnceForTheFirst()
    {
        var (a, b) = (Leaf(1), Leaf(2));
        var middle = a * b;
        var calls = new List<double?[]>();
        using (Autodiff.RegisterMultiGradHook([a, middle, b], g => calls.Add(Values(g)), MultiGradHookMode.Any))
        {
            (middle * 7).Backward(retainGraph: true);
            (middle * 9).Backward();
        }

        Assert.That(calls, Is.EqualTo(new[] { new double?[] { null, 7, null }, [null, 9, null] }), "once in each pass");
    }

    [Test]
    public void AGradientThatDoesNotArriveIsNotWaitedFor()
    {
        var (a, b) = (Leaf(1), Leaf(2));
        var withheld = a.Exp();
        var product = withheld * b;
        product.GradFn!.RegisterHook((inputs, _) => [null, inputs[1]]);
        var calls = new List<double?[]>();
        Autodiff.RegisterMultiGradHook([a, withheld, b], g => calls.Add(Values(g)));
        product.Backward(retainGraph: true);
        Assert.That(calls, Has.Count.EqualTo(1));
        Assert.That((calls[0][0], calls[0][1]), Is.EqualTo(((double?)null, (double?)null)));
        Assert.That(calls[0][2], Is.EqualTo(Math.E).Within(1e-12));
    }

    [Test]
    public void APassInsideAnotherIsAPassOfItsOwn()
    {
        var (a, b) = (Leaf(1), Leaf(2));
        var calls = new List<double?[]>();
        Autodiff.RegisterMultiGradHook([a, b], g => calls.Add(Values(g)));
        var outer = a * b;
        bool nested = false;
        a.RegisterHook(_ =>
        {
            if (!nested)
            {
                nested = true;
                using var mode = Autodiff.EnableGrad();
                (a * b * 10).Backward();
            }
        });
        outer.Backward();
        Assert.That(calls, Is.EqualTo(new[] { new double?[] { 20, 10 }, [2, 1] }));
    }

    [Test]
    public void AFailedPassLeavesNothingBehind()
    {
        var (a, b) = (Leaf(1), Leaf(2));
        var calls = new List<double?[]>();
        Autodiff.RegisterMultiGradHook([a, b], g => calls.Add(Values(g)));
        bool fails = true;
        foreach (var leaf in new[] { a, b })
        {
            leaf.RegisterHook(_ =>
            {
                if (fails)
                {
                    throw new InvalidOperationException();
                }
            });
        }

        Assert.Throws<InvalidOperationException>(() => (a * b).Backward());
        Assert.That(calls, Is.Empty);
        fails = false;
        (a * b).Backward();
        Assert.That(calls, Is.EqualTo(new[] { new double?[] { 2, 1 } }));
    }

    [Test]
    public void TheHandleKeepsNoGraph()
    {
        var (handle, node) = Register();
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.That(node.IsAlive, Is.False);
        handle.Dispose();
    }

    [Test]
    public void TensorsMustRequireGradients()
    {
        Assert.That(
            () => Autodiff.RegisterMultiGradHook([Leaf(1), Tensor.Ones([1], device: device)], _ => { }),
            Throws.TypeOf<GradientException>().With.Message.Contains("cannot register a hook on a tensor that doesn't require gradient").And.Message.Contains("tensor 1"));
        Assert.That(() => Autodiff.RegisterMultiGradHook([], _ => { }), Throws.TypeOf<GradientException>());
        Assert.That(() => Autodiff.RegisterMultiGradHook([Leaf(1)], _ => { }, (MultiGradHookMode)7), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Autodiff.RegisterMultiGradHook([Leaf(1)], null!), Throws.ArgumentNullException);
    }

    private static double?[] Values(IReadOnlyList<Tensor?> gradients) => [.. gradients.Select(g => g?.Item<double>())];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private (IDisposable Handle, WeakReference Node) Register()
    {
        var x = Leaf(1);
        var y = x * x;
        return (Autodiff.RegisterMultiGradHook([x, y], _ => { }), new WeakReference(y.GradFn));
    }

    private Tensor Leaf(double value) => Tensor.FromArray([value], device, requiresGrad: true);
}
