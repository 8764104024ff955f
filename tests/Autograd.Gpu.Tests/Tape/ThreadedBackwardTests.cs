using System.Collections.Concurrent;

namespace Autograd.Gpu.Tests;

/// <summary>Backward passes on several threads at a time.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class ThreadedBackwardTests(Device device)
{
    private const int Threads = 6;
    private const int Rounds = 40;

    [Test]
    public void GraphsOfTheirOwn() => OnThreads(thread =>
    {
        for (int round = 0; round < Rounds; round++)
        {
            double a = thread + 1, b = round + 2;
            var (x, w) = (Leaf(a, a), Leaf(b, b));
            var y = x * w + x;
            (y * y).Sum().Backward();
            double value = a * b + a;
            Assert.That(x.Grad!.ToArray<double>(), Is.All.EqualTo(2 * value * (b + 1)));
            Assert.That(w.Grad!.ToArray<double>(), Is.All.EqualTo(2 * value * a));
        }
    });

    [Test]
    public void LeavesThatAreSharedGetTheSumOfAll()
    {
        var shared = Leaf(1, 2, 3);
        var pending = (Leaf(1, 1, 1).Detach() * 2 + 1).RequiresGrad_();
        int hooks = 0, accumulated = 0;
        shared.RegisterHook(_ => { Interlocked.Increment(ref hooks); });
        shared.RegisterPostAccumulateGradHook(_ => Interlocked.Increment(ref accumulated));
        OnThreads(thread =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                (shared * pending * (thread + 1) + shared).Sum().Backward();
            }
        });

        // Small whole numbers: their sums are exact in any order.
        int sum = Threads * (Threads + 1) / 2;
        Assert.That(shared.Grad!.ToArray<double>(), Is.All.EqualTo(Rounds * (3 * sum + Threads)));
        Assert.That(pending.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1, 2, 3 }.Select(v => Rounds * sum * v)));
        Assert.That((hooks, accumulated), Is.EqualTo((Threads * Rounds, Threads * Rounds)));
    }

    [Test]
    public void AGradientMayBeTakenAwayWhileOthersAddToIt()
    {
        var x = Leaf(1, 2, 3);
        int adding = Threads / 2;
        OnThreads(thread =>
        {
            if (thread % 2 == 0)
            {
                while (Volatile.Read(ref adding) > 0)
                {
                    x.Grad = null;
                    Thread.Yield();
                }

                return;
            }

            try
            {
                for (int round = 0; round < Rounds; round++)
                {
                    (x * 2).Sum().Backward();
                }
            }
            finally
            {
                Interlocked.Decrement(ref adding);
            }
        });
        x.Grad = null;
        (x * 2).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.All.EqualTo(2));
    }

    [Test]
    public void OneGraphThatIsRetained()
    {
        var x = Leaf(1, 2);
        var y = (x * 3).Exp();
        y.RetainGrad();
        int whole = 0;
        Autodiff.RegisterMultiGradHook([x, y], g => Interlocked.Add(ref whole, g.Count(t => t is not null)));
        var loss = y.Sum();
        OnThreads(_ =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                loss.Backward(retainGraph: true);
                Assert.That(Autodiff.Grad([loss], [y], retainGraph: true)[0]!.ToArray<double>(), Is.All.EqualTo(1));
            }
        });
        Assert.That(y.Grad!.ToArray<double>(), Is.All.EqualTo(2 * Threads * Rounds), "a retained gradient counts both kinds of passes");
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 3 * Math.Exp(3), 3 * Math.Exp(6) }.Select(v => Threads * Rounds * v)).Within(1e-9).Percent);
        Assert.That(whole, Is.EqualTo(Threads * Rounds * 3), "each pass counts for itself: both gradients, or one");
    }

    [Test]
    public void AFailureOnOneThreadIsNoneOnTheOthers()
    {
        var shared = Leaf(1);
        var failures = new ConcurrentBag<Exception>();
        OnThreads(thread =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                var y = shared * 2;
                if (thread == 0)
                {
                    var thrown = new InvalidOperationException();
                    y.RegisterHook((Tensor _) => throw thrown);
                    Assert.That(Assert.Catch(() => y.Backward()), Is.SameAs(thrown));
                    failures.Add(thrown);
                }
                else
                {
                    y.Backward();
                }
            }
        });
        Assert.That(failures, Has.Count.EqualTo(Rounds));
        Assert.That(shared.Grad!.Item<double>(), Is.EqualTo(2 * Rounds * (Threads - 1)));
    }

    [Test]
    public void PassesInsideHooksOfALeafThatIsShared()
    {
        var (a, b) = (Leaf(1), Leaf(1));
        a.RegisterPostAccumulateGradHook(_ => Inner(b));
        b.RegisterPostAccumulateGradHook(_ =>
        {
            // Long enough for both locks to be wanted by the other side, if they were held here.
            Thread.Sleep(1);
        });
        OnThreads(thread =>
        {
            for (int round = 0; round < 10; round++)
            {
                ((thread % 2 == 0 ? a : b) * 2).Backward();
            }
        });
        Assert.That(a.Grad!.Item<double>(), Is.EqualTo(2 * 10 * Threads / 2));
        Assert.That(b.Grad!.Item<double>(), Is.EqualTo((2 + 3) * 10 * Threads / 2));

        static void Inner(Tensor leaf)
        {
            using var mode = Autodiff.EnableGrad();
            (leaf * 3).Backward();
        }
    }

    private static void OnThreads(Action<int> action)
    {
        var failures = new ConcurrentQueue<Exception>();
        using var start = new Barrier(Threads);
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                action(i);
            }
            catch (Exception e)
            {
                failures.Enqueue(e);
            }
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.That(failures, Is.Empty);
    }

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);
}
