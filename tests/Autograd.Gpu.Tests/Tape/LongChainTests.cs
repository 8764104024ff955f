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
