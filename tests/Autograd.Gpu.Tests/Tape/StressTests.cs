using System.Collections.Concurrent;
using System.Diagnostics;
using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Tests;

/// <summary>Eight threads with mixed graphs for ten seconds: every gradient has a known value, and all memory comes back.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class StressTests(Device device)
{
    private const int Threads = 8;

    [TestCase(10)]
    public void MixedGraphsOnEightThreads(int seconds)
    {
        // Kernels and tables that stay for the life of the process are made first.
        foreach (var graph in Graphs())
        {
            graph(new Random(1));
        }

        FillGuards();
        Collect();
        long before = device.Memory.ActiveBytes;
        var (passes, sum, expected) = Run(TimeSpan.FromSeconds(seconds));
        TestContext.Out.WriteLine($"{device}: {passes} graphs on {Threads} threads in {seconds} s");
        Assert.That(sum, Is.EqualTo(expected), "the leaf that all threads share");
        Assert.That(passes, Is.GreaterThanOrEqualTo(Threads * Graphs().Length));
        Collect();
        Assert.That(device.Memory.ActiveBytes, Is.EqualTo(before), "no block is still counted as held");
        Assert.That(Autodiff.IsGradEnabled);
    }

    /// <summary>In a method of its own, so that nothing of it is on the stack when memory is counted.</summary>
    private (long Passes, double Sum, double Expected) Run(TimeSpan duration)
    {
        var shared = Leaf(1, 2, 3);
        var failures = new ConcurrentQueue<Exception>();
        long passes = 0, contributions = 0;
        var clock = Stopwatch.StartNew();
        var threads = Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            var random = new Random(number);
            var graphs = Graphs();
            try
            {
                // Each thread runs every kind at least once, however slow the device.
                for (long i = number; (clock.Elapsed < duration || i < number + graphs.Length) && failures.IsEmpty; i++)
                {
                    graphs[i % graphs.Length](random);
                    if (i % 5 == 0)
                    {
                        int factor = random.Next(1, 9);
                        ((shared * factor).Sum() + shared.Mean() * 0).Backward();
                        Interlocked.Add(ref contributions, factor);
                    }

                    Interlocked.Increment(ref passes);
                }
            }
            catch (Exception e)
            {
                failures.Enqueue(e);
            }
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.That(failures, Is.Empty);
        double[] gradient = shared.Grad!.ToArray<double>();
        Assert.That(gradient, Is.All.EqualTo(gradient[0]));
        return (passes, gradient[0], contributions);
    }

    /// <summary>
    /// Small blocks that other tests hold keep dropped ones beside them, see Note [Guards]. With no room left under their guards, what follows comes under others.
    /// A pool that has no piece of a class left serves larger ones, which come under the guards of theirs.
    /// </summary>
    private void FillGuards()
    {
        for (int sizeClass = 0; SizeClass.Bytes(sizeClass) <= BlockGuard.LargestShared; sizeClass++)
        {
            long size = SizeClass.Bytes(sizeClass);
            var held = new List<Block>();
            for (int full = 0; full < BlockGuard.Shared;)
            {
                held.Add(device.Pool.Allocate(size));
                full += held[^1].Capacity == size ? 1 : 0;
            }

            GC.KeepAlive(held);
        }
    }

    private void Collect()
    {
        // Numbers that were computed keep their block, and what shares its guard, until others take their place.
        Array.Clear(device.Numbers);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private Action<Random>[] Graphs() =>
    [
        Chain, Diamond, Broadcast, Matrices, SecondOrder, InPlace, Hooks, Nested, Retained, FromEdges, Failing, Dropped,
    ];

    /// <summary>d/dx of 1.5^n x, for chains of many lengths, some beyond what one kernel holds.</summary>
    private void Chain(Random random)
    {
        int length = random.Next(1, 80);
        var x = Values(random, 100);
        var y = x;
        for (int i = 0; i < length; i++)
        {
            y = y * 1.5;
        }

        y.Sum().Backward();
        Check(x.Grad, _ => Math.Pow(1.5, length), 1e-12);
    }

    private void Diamond(Random random)
    {
        var x = Values(random, 1000);
        var a = x.Sin();
        (a * a + a * 3 + x).Sum().Backward();
        double[] values = x.ToArray<double>();
        Check(x.Grad, i => Math.Cos(values[i]) * (2 * Math.Sin(values[i]) + 3) + 1, 1e-10);
    }

    private void Broadcast(Random random)
    {
        int rows = random.Next(1, 40), columns = random.Next(1, 40);
        var row = Values(random, columns);
        var column = Values(random, rows);
        (row * column.Reshape(rows, 1)).Sum().Backward();
        double sumOfRow = row.ToArray<double>().Sum(), sumOfColumn = column.ToArray<double>().Sum();
        Check(row.Grad, _ => sumOfColumn, 1e-10);
        Check(column.Grad, _ => sumOfRow, 1e-10);
    }

    private void Matrices(Random random)
    {
        var x = Values(random, 12);
        var w = Values(random, 20);
        x.Reshape(3, 4).MatMul(w.Reshape(4, 5)).Sum().Backward();
        double[] xs = x.ToArray<double>(), ws = w.ToArray<double>();
        Check(x.Grad, i => ws.Skip(i % 4 * 5).Take(5).Sum(), 1e-10);
        Check(w.Grad, i => xs[i / 5] + xs[4 + i / 5] + xs[8 + i / 5], 1e-10);
    }

    private void SecondOrder(Random random)
    {
        var x = Values(random, 50);
        var first = Autodiff.Grad((x * x * x).Sum(), x, createGraph: true);
        var second = Autodiff.Grad(first.Sum(), x);
        double[] values = x.ToArray<double>();
        Check(first, i => 3 * values[i] * values[i], 1e-10);
        Check(second, i => 6 * values[i], 1e-10);
    }

    private void InPlace(Random random)
    {
        var x = Values(random, 64);
        var y = x * 2;
        y.Mul_(3).Add_(x);
        y.Sum().Backward();
        Check(x.Grad, _ => 7, 1e-12);
        using (Autodiff.NoGrad())
        {
            x.Sub_(x.Grad! * 0.5);
        }

        x.Grad = null;
        (x * 2).Sum().Backward();
        Check(x.Grad, _ => 2, 0);
    }

    private void Hooks(Random random)
    {
        var x = Values(random, 32);
        var y = x * 2;
        y.RegisterHook(g => g * 5);
        y.GradFn!.RegisterHook((inputs, _) => [inputs[0]! + 1, null]);
        double seen = 0;
        using (Autodiff.RegisterMultiGradHook([x, y], g => seen = g[0]![0].Item<double>() + g[1]![0].Item<double>()))
        {
            y.Sum().Backward();
        }

        Check(x.Grad, _ => 11, 0);
        Assert.That(seen, Is.EqualTo(16));
    }

    private void Nested(Random random)
    {
        var x = Values(random, 8);
        int depth = random.Next(1, 80), level = 0;

        void Descend()
        {
            using var mode = Autodiff.EnableGrad();
            var y = x * 2;
            y.RegisterHook(_ =>
            {
                if (++level < depth)
                {
                    Descend();
                }
            });
            y.Sum().Backward();
        }

        Descend();
        Check(x.Grad, _ => 2 * depth, 0);
    }

    private void Retained(Random random)
    {
        var x = Values(random, 16);
        var middle = x * 4;
        middle.RetainGrad();
        var loss = (middle * 3).Sum();
        loss.Backward(retainGraph: true);
        loss.Backward(inputs: [middle]);
        Check(middle.Grad, _ => 6, 0);
        Check(x.Grad, _ => 12, 0);
    }

    private void FromEdges(Random random)
    {
        var x = Values(random, 16);
        var root = Autodiff.GetGradientEdge((x * x).Sum());
        double[] values = x.ToArray<double>();
        Check(Autodiff.Grad([root], [Autodiff.GetGradientEdge(x)])[0], i => 2 * values[i], 1e-12);
    }

    private void Failing(Random random)
    {
        var x = Values(random, 16);
        var y = (x * x).Exp();
        y.RegisterHook((Tensor _) => throw new InvalidOperationException("expected"));
        Assert.Throws<InvalidOperationException>(() => y.Sum().Backward());
        Assert.That(x.Grad, Is.Null);
    }

    private void Dropped(Random random)
    {
        var x = Values(random, 4096);
        for (int i = 0; i < 5; i++)
        {
            _ = (x * i).Exp() + x;
        }
    }

    private static void Check(Tensor? actual, Func<int, double> expected, double tolerance)
    {
        double[] values = actual!.ToArray<double>();
        for (int i = 0; i < values.Length; i++)
        {
            double exact = expected(i);
            if (!(Math.Abs(values[i] - exact) <= tolerance * Math.Max(1, Math.Abs(exact))))
            {
                Assert.Fail($"element {i} is {values[i]:R} and not {exact:R}");
            }
        }
    }

    private Tensor Values(Random random, int count)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = random.NextDouble() + 0.5;
        }

        return Leaf(values);
    }

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);
}
