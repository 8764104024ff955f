using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests;

/// <summary>Graphs of 100,000 nodes, on a thread whose stack would not bear a call for each.</summary>
internal sealed class LongChainTests
{
    private const int Length = 100_000;

    [Test]
    public void AChainOfSumsDifferentiatesAndIsFreed() => Check(Sums, 1);

    [Test]
    public void AChainOfProductsDifferentiatesAndIsFreed() => Check(Products, Math.Pow(1.00001, Length));

    [Test]
    public void AChainThatIsNeverDifferentiatedIsFreed() => Check(Forgotten, double.NaN);

    [Test]
    public void AChainHasATangentInForwardMode() => OnASmallStack(() =>
    {
        var x = Tensor.Ones([2], DType.Float64, Device.Cpu);
        var (output, tangent) = Autodiff.Jvp(Chain, x, Tensor.FromArray([1.0, 2.0], Device.Cpu));
        double expected = Math.Pow(1.00001, Length);
        Assert.That(output.ToArray<double>(), Is.All.EqualTo(expected).Within(1e-9));
        Assert.That(tangent.ToArray<double>(), Is.EqualTo(new[] { expected, 2 * expected }).Within(1e-9));

        static Tensor Chain(Tensor y)
        {
            for (int i = 0; i < Length; i++)
            {
                y = y * 1.00001;
            }

            return y;
        }
    });

    [Test]
    public void AChainIsDifferentiatedByATransformToTheSecondOrder() => OnASmallStack(() =>
    {
        // Forward over reverse: the gradient of prod c x^2 along a tangent.
        var x = Tensor.Of(3.0, DType.Float64, Device.Cpu);
        var (gradient, second) = Autodiff.Jvp(
            Autodiff.Grad(y =>
            {
                var z = y * y;
                for (int i = 0; i < Length / 10; i++)
                {
                    z = z * 1.00001;
                }

                return z;
            }),
            x,
            Tensor.Of(1.0, DType.Float64, Device.Cpu));
        double factor = Math.Pow(1.00001, Length / 10);
        Assert.That(gradient.Item<double>(), Is.EqualTo(6 * factor).Within(1e-9));
        Assert.That(second.Item<double>(), Is.EqualTo(2 * factor).Within(1e-9));
    });

    private static void Check(Func<(double Gradient, WeakReference Graph)> chain, double expected) => OnASmallStack(() =>
    {
        Collect();
        long before = Device.Cpu.Memory.ActiveBytes;
        var (gradient, graph) = chain();
        Assert.That(gradient, Is.EqualTo(expected).Within(1e-9));
        Collect();
        Assert.That(graph.IsAlive, Is.False, "the graph is garbage");
        Assert.That(Device.Cpu.Memory.ActiveBytes, Is.LessThanOrEqualTo(before + (1 << 16)), "its memory came back");
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (double Gradient, WeakReference Graph) Sums()
    {
        var x = Tensor.Ones([2], DType.Float64, Device.Cpu, requiresGrad: true);
        var y = x;
        for (int i = 0; i < Length; i++)
        {
            y = y + 1;
        }

        Assert.That(y.ToArray<double>(), Is.All.EqualTo(Length + 1));
        y.Sum().Backward();
        return (x.Grad!.ToArray<double>()[1], new WeakReference(y.GradFn));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (double Gradient, WeakReference Graph) Products()
    {
        var x = Tensor.Ones([2], DType.Float64, Device.Cpu, requiresGrad: true);
        var y = x;
        for (int i = 0; i < Length; i++)
        {
            y = y * 1.00001;
        }

        y.Sum().Backward();
        return (x.Grad!.ToArray<double>()[0], new WeakReference(y.GradFn));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (double Gradient, WeakReference Graph) Forgotten()
    {
        var x = Tensor.Ones([2], DType.Float64, Device.Cpu, requiresGrad: true);
        var y = x;
        for (int i = 0; i < Length; i++)
        {
            y = y * x;
        }

        return (double.NaN, new WeakReference(y.GradFn));
    }

    private static void OnASmallStack(Action action)
    {
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
            256 * 1024);
        thread.Start();
        thread.Join();
        if (failure is not null)
        {
            throw new AssertionException(failure.Message, failure);
        }
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
