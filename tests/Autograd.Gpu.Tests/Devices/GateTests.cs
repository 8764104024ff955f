using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Tests.Devices;

public sealed class GateTests
{
    [TestCase(2, 20_000)]
    [TestCase(6, 4_000)]
    public void OneThreadIsInsideAtATime(int threads, int entries)
    {
        // A bias after every third entry in a row: it is given and revoked all the time.
        var state = new GateState(entriesToBias: 3);
        var gate = new Gate(state);
        int inside = 0, violations = 0;
        long sum = 0;
        On(threads, thread =>
        {
            for (int i = 0; i < entries; i++)
            {
                using (gate.Enter())
                {
                    violations += inside++ == 0 ? 0 : 1;
                    sum++;
                    if (i % 4 == thread % 4)
                    {
                        using (gate.Enter())
                        {
                            sum++;
                        }
                    }

                    inside--;
                }

                if (i % 64 == 0)
                {
                    // Lets the threads take turns, so that entries in a row come about and end.
                    Thread.Yield();
                }
            }
        });
        Assert.That(violations, Is.Zero);
        Assert.That(sum, Is.EqualTo((long)threads * entries * 5 / 4));
    }

    [Test]
    public void AnOwnerThatIsInsideKeepsOthersOutUntilItLeaves()
    {
        var gate = new Gate(new GateState(entriesToBias: 2));
        using var isInside = new ManualResetEventSlim();
        using var otherIsInside = new ManualResetEventSlim();
        using var mayNest = new ManualResetEventSlim();
        using var hasNested = new ManualResetEventSlim();
        using var mayLeave = new ManualResetEventSlim();
        var owner = new Thread(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                using (gate.Enter())
                {
                }
            }

            using (gate.Enter())
            {
                isInside.Set();
                mayNest.Wait();
                using (gate.Enter())
                {
                    hasNested.Set();
                }

                mayLeave.Wait();
            }
        });
        var other = new Thread(() =>
        {
            using (gate.Enter())
            {
                otherIsInside.Set();
            }
        });
        owner.Start();
        isInside.Wait();
        other.Start();
        Assert.That(otherIsInside.Wait(30), Is.False, "the owner is inside");
        mayNest.Set();
        hasNested.Wait();
        Assert.That(otherIsInside.Wait(30), Is.False, "it has left the inner scope alone");
        mayLeave.Set();
        Assert.That(otherIsInside.Wait(10_000), "the owner has left");
        owner.Join();
        other.Join();
    }

    [Test]
    public void AnOwnerWhoseThreadHasEndedKeepsNobodyOut()
    {
        var gate = new Gate(new GateState(entriesToBias: 2));
        int entered = 0;
        for (int i = 0; i < 3; i++)
        {
            On(1, _ =>
            {
                for (int k = 0; k < 10; k++)
                {
                    using (gate.Enter())
                    {
                        entered++;
                    }
                }
            });
        }

        Assert.That(entered, Is.EqualTo(30));
    }

    [Test]
    public void AnExceptionLeaves()
    {
        var gate = new Gate(new GateState(entriesToBias: 2));
        for (int i = 0; i < 10; i++)
        {
            Assert.Throws<InvalidOperationException>(() =>
            {
                using (gate.Enter())
                {
                    throw new InvalidOperationException();
                }
            });
        }

        bool entered = false;
        On(1, _ =>
        {
            using (gate.Enter())
            {
                entered = true;
            }
        });
        Assert.That(entered);
    }

    [Test]
    public void AThreadThatIsInterruptedWhileItWaitsIsNotInside()
    {
        var gate = new Gate(new GateState(entriesToBias: 2));
        using var isInside = new ManualResetEventSlim();
        using var mayLeave = new ManualResetEventSlim();
        var owner = new Thread(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                using (gate.Enter())
                {
                }
            }

            using (gate.Enter())
            {
                isInside.Set();
                mayLeave.Wait();
            }

            using (gate.Enter())
            {
            }
        })
        {
            IsBackground = true,
        };
        bool wasInterrupted = false, entered = false;
        var other = new Thread(() => wasInterrupted = Throws(gate));
        owner.Start();
        isInside.Wait();
        other.Start();
        other.Interrupt();
        other.Join();
        mayLeave.Set();
        var last = new Thread(() =>
        {
            using (gate.Enter())
            {
                entered = true;
            }
        })
        {
            IsBackground = true,
        };
        last.Start();
        Assert.That(wasInterrupted);
        Assert.That(last.Join(10_000) && owner.Join(10_000) && entered);

        static bool Throws(Gate gate)
        {
            try
            {
                using (gate.Enter())
                {
                    return false;
                }
            }
            catch (ThreadInterruptedException)
            {
                return true;
            }
        }
    }

    private static void On(int count, Action<int> work)
    {
        var threads = Enumerable.Range(0, count).Select(i => new Thread(() => work(i))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }
}
