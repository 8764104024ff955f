using System.Runtime.InteropServices;
using Autograd.Gpu.Devices.Host;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Fork and join on the host.</summary>
[NonParallelizable]
public sealed class HostParallelTests
{
    private int _threads;

    [SetUp]
    public void Remember() => _threads = HostParallel.ThreadCount;

    [TearDown]
    public void Restore() => HostParallel.ThreadCount = _threads;

    [Test]
    public void RunsEveryChunkOnce([Values(1, 2, 3, 16)] int threads, [Values(0, 1, 2, 5, 1000)] int chunks)
    {
        HostParallel.ThreadCount = threads;
        for (int repeat = 0; repeat < 50; repeat++)
        {
            var count = new Count(chunks);
            HostParallel.For(chunks, ref count);
            Assert.That(count.Runs, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void SharesTheWorkWithOtherThreads()
    {
        HostParallel.ThreadCount = 2;
        var work = new Rendezvous { Arrived = new CountdownEvent(2) };
        HostParallel.For(2, ref work); // Each chunk waits for the other: returns only if two threads take part.
        Assert.That(work.Arrived.IsSet);
    }

    [Test]
    public void WokenWorkersMayUseAllCoresAgain()
    {
        HostParallel.ThreadCount = 2;
        for (int repeat = 0; repeat < 20; repeat++)
        {
            Thread.Sleep(2); // Longer than a worker stays awake.
            var work = new Placed { Arrived = new CountdownEvent(2), Cores = new int[2] };
            HostParallel.For(2, ref work);
            Assert.That(work.Cores, Is.All.EqualTo(ThreadPlacement.AllowedCores));
        }
    }

    [Test]
    public void AThreadIsKeptOffACoreUntilItIsFree()
    {
        int cores = ThreadPlacement.AllowedCores;
        if (cores < 2)
        {
            Assert.Ignore("takes Linux and two cores");
        }

        var placement = ThreadPlacement.OfCurrentThread();
        try
        {
            for (int repeat = 0; repeat < 20; repeat++)
            {
                int core = ThreadPlacement.CurrentCore;
                placement.KeepOff(core);
                Assert.That(ThreadPlacement.CurrentCore, Is.Not.EqualTo(core));
                Assert.That(ThreadPlacement.AllowedCores, Is.EqualTo(cores - 1), "not one less each time");
            }
        }
        finally
        {
            placement.Free();
        }

        Assert.That(ThreadPlacement.AllowedCores, Is.EqualTo(cores));
    }

    [Test]
    public void EachThreadStartsWithAShareOfItsOwn([Values(2, 3)] int threads)
    {
        HostParallel.ThreadCount = threads;
        int[]? first = null;
        for (int repeat = 0; repeat < 20; repeat++)
        {
            // Each chunk waits for the others, so that none is taken by another thread.
            var work = new Meeting { Arrived = new CountdownEvent(threads), Threads = new int[threads] };
            HostParallel.For(threads, ref work);
            first ??= work.Threads;
            Assert.That(work.Threads, Is.EqualTo(first));
            Assert.That(work.Threads[0], Is.EqualTo(Environment.CurrentManagedThreadId), "the caller's is the first");
        }
    }

    [Test]
    public void EveryOtherCallGoesThroughTheSharesBackwards()
    {
        HostParallel.ThreadCount = 2;
        var orders = new List<int[]>();
        for (int repeat = 0; repeat < 6; repeat++)
        {
            using var both = new Barrier(2);
            var work = new InStep { Both = both, Caller = Environment.CurrentManagedThreadId, Order = [] };
            HostParallel.For(8, ref work);
            orders.Add([.. work.Order]);
        }

        Assert.That(orders[0], Is.EquivalentTo(new[] { 0, 1, 2, 3 }), "the caller's share");
        for (int repeat = 1; repeat < 6; repeat++)
        {
            Assert.That(orders[repeat], Is.EqualTo(orders[repeat - 1].Reverse()));
        }
    }

    [Test]
    public void OthersTakeWhatABusyThreadHasNotComeTo([Values(2, 3)] int threads, [Values(0, 5, 9)] int busy)
    {
        HostParallel.ThreadCount = threads;
        var work = new Busy { Chunk = busy, Others = new CountdownEvent(9) };
        HostParallel.For(10, ref work); // Returns only if the rest of the busy thread's share is done beside it.
        Assert.That(work.Others.IsSet);
    }

    [Test]
    public void OneThreadRunsInOrderOnTheCaller()
    {
        HostParallel.ThreadCount = 1;
        var work = new Record { Threads = [], Chunks = [] };
        HostParallel.For(4, ref work);
        Assert.That(work.Chunks, Is.EqualTo(new[] { 0, 1, 2, 3 }));
        Assert.That(work.Threads, Is.All.EqualTo(Environment.CurrentManagedThreadId));
    }

    [Test]
    public void ExceptionsReachTheCaller([Values(1, 2, 4)] int threads, [Values(0, 7, 63)] int chunk)
    {
        HostParallel.ThreadCount = threads;
        var faulty = new Faulty { Chunk = chunk };
        var error = Assert.Throws<InvalidOperationException>(() => HostParallel.For(64, ref faulty));
        Assert.That(error!.Message, Is.EqualTo($"chunk {chunk}"));
        Assert.That(error.StackTrace, Does.Contain(nameof(Faulty)), "the stack of the thread that threw");

        var count = new Count(64);
        HostParallel.For(64, ref count);
        Assert.That(count.Runs, Is.All.EqualTo(1), "the next call is not affected");
    }

    [Test]
    public void AnExceptionStopsTheRest()
    {
        HostParallel.ThreadCount = 2;
        var work = new FaultyCount(100_000);
        Assert.Throws<InvalidOperationException>(() => HostParallel.For(100_000, ref work));
        Assert.That(work.Runs.Sum(), Is.LessThan(100_000));
    }

    [Test]
    public void NestedCallsRunOnTheirCaller([Values(1, 2, 4)] int threads)
    {
        HostParallel.ThreadCount = threads;
        var outer = new Nested { Inner = [.. Enumerable.Range(0, 20).Select(_ => new Count(30))] };
        HostParallel.For(20, ref outer);
        Assert.That(outer.Inner.SelectMany(x => x.Runs), Is.All.EqualTo(1));
    }

    [Test]
    public void ManyCallersAtOnce()
    {
        HostParallel.ThreadCount = 3;
        var callers = new Thread[6];
        int wrong = 0;
        for (int i = 0; i < callers.Length; i++)
        {
            callers[i] = new Thread(() =>
            {
                for (int repeat = 0; repeat < 500; repeat++)
                {
                    var count = new Count(17);
                    HostParallel.For(17, ref count);
                    if (count.Runs.Any(x => x != 1)) Interlocked.Increment(ref wrong);
                }
            });
            callers[i].Start();
        }

        foreach (Thread caller in callers) caller.Join();
        Assert.That(wrong, Is.Zero);
    }

    [Test]
    public void WorkMayHoldReferencesWhileTheHeapMoves()
    {
        HostParallel.ThreadCount = 2;
        for (int repeat = 0; repeat < 20; repeat++)
        {
            var work = new Garbage { Parts = [.. Enumerable.Range(0, 32).Select(i => new[] { i })] };
            HostParallel.For(32, ref work);
            Assert.That(work.Parts.Select(x => x[0]), Is.EqualTo(Enumerable.Range(1, 32)));
        }
    }

    [Test]
    public void ThreadCountsOutOfRangeAreRefused([Values(0, -1, 513)] int count)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => HostParallel.ThreadCount = count);
        Assert.That(error!.Message, Does.Contain("1..512"));
    }

    [Test]
    public void FineChunksThatFindTheWorkersAsleepRunOnce([Values(1, 5, 200)] int chunks)
    {
        HostParallel.ThreadCount = 3;
        for (int repeat = 0; repeat < 10; repeat++)
        {
            Thread.Sleep(2);
            var count = new Count(chunks);
            for (int i = 0; i < 3; i++) HostParallel.For(chunks, ref count, isFine: true);
            Assert.That(count.Runs, Is.All.EqualTo(3));
            var faulty = new Faulty { Chunk = chunks / 2 };
            Assert.Throws<InvalidOperationException>(() => HostParallel.For(chunks, ref faulty, isFine: true));
        }
    }

    [Test]
    public void FineChunksWakeTheWorkersWhenTheCallerHasLongBeenAlone()
    {
        HostParallel.ThreadCount = 2;
        var count = new Count(2);
        HostParallel.For(2, ref count);

        // On a busy machine the worker may come when all is done.
        bool hasHelped = false;
        for (int i = 0; i < 50 && !hasHelped; i++)
        {
            Thread.Sleep(5);
            var late = new Late { Threads = new int[400] };
            HostParallel.For(late.Threads.Length, ref late, isFine: true);
            hasHelped = late.Threads.Distinct().Count() == 2;
        }

        Assert.That(hasHelped);
    }

    [Test]
    public unsafe void AllocatesNothing()
    {
        HostParallel.ThreadCount = 2;
        int* runs = (int*)NativeMemory.AllocZeroed(8, sizeof(int));
        try
        {
            var work = new Increment { Runs = runs };
            HostParallel.For(8, ref work);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++) HostParallel.For(8, ref work);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
            Assert.That(new Span<int>(runs, 8).ToArray(), Is.All.EqualTo(101));
        }
        finally
        {
            NativeMemory.Free(runs);
        }
    }

    private readonly struct Count(int chunks) : IHostWork
    {
        public int[] Runs { get; } = new int[chunks];

        public void Run(int chunk) => Interlocked.Increment(ref Runs[chunk]);
    }

    private readonly struct FaultyCount(int chunks) : IHostWork
    {
        public int[] Runs { get; } = new int[chunks];

        public void Run(int chunk)
        {
            Runs[chunk]++;
            if (chunk == 10) throw new InvalidOperationException();
            Thread.SpinWait(100); // All chunks together take longer than an exception does.
        }
    }

    private struct Record : IHostWork
    {
        public List<int> Threads, Chunks;

        public readonly void Run(int chunk)
        {
            Chunks.Add(chunk);
            Threads.Add(Environment.CurrentManagedThreadId);
        }
    }

    private readonly struct Late : IHostWork
    {
        public int[] Threads { get; init; }

        public void Run(int chunk)
        {
            Threads[chunk] = Environment.CurrentManagedThreadId;
            Thread.Sleep(TimeSpan.FromMicroseconds(100));
        }
    }

    private struct Rendezvous : IHostWork
    {
        public CountdownEvent Arrived;

        public readonly void Run(int chunk)
        {
            Arrived.Signal();
            if (!Arrived.Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException("The other chunk did not start.");
        }
    }

    /// <summary>Two threads, one chunk each at a time, so that none is taken from the other's share.</summary>
    private struct InStep : IHostWork
    {
        public Barrier Both;
        public int Caller;
        public List<int> Order;

        public readonly void Run(int chunk)
        {
            if (Environment.CurrentManagedThreadId == Caller)
            {
                Order.Add(chunk);
            }

            if (!Both.SignalAndWait(TimeSpan.FromSeconds(30))) throw new TimeoutException("The other thread did not come.");
        }
    }

    private struct Meeting : IHostWork
    {
        public CountdownEvent Arrived;
        public int[] Threads;

        public readonly void Run(int chunk)
        {
            Threads[chunk] = Environment.CurrentManagedThreadId;
            Arrived.Signal();
            if (!Arrived.Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException("The other chunks did not start.");
        }
    }

    private struct Placed : IHostWork
    {
        public CountdownEvent Arrived;
        public int[] Cores;

        public readonly void Run(int chunk)
        {
            Cores[chunk] = ThreadPlacement.AllowedCores;
            Arrived.Signal();
            if (!Arrived.Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException("The other chunk did not start.");
        }
    }

    private struct Busy : IHostWork
    {
        public int Chunk;
        public CountdownEvent Others;

        public readonly void Run(int chunk)
        {
            if (chunk != Chunk) Others.Signal();
            else if (!Others.Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException("The other chunks did not run.");
        }
    }

    private struct Faulty : IHostWork
    {
        public int Chunk;

        public readonly void Run(int chunk)
        {
            if (chunk == Chunk) throw new InvalidOperationException($"chunk {chunk}");
        }
    }

    private struct Nested : IHostWork
    {
        public Count[] Inner;

        public readonly void Run(int chunk) => HostParallel.For(30, ref Inner[chunk]);
    }

    private struct Garbage : IHostWork
    {
        public int[][] Parts;

        public readonly void Run(int chunk)
        {
            if (chunk % 8 == 0) GC.Collect(0, GCCollectionMode.Forced, blocking: true, compacting: true);
            Parts[chunk] = [Parts[chunk][0] + 1];
        }
    }

    private unsafe struct Increment : IHostWork
    {
        public int* Runs;

        public readonly void Run(int chunk) => Interlocked.Increment(ref Runs[chunk]);
    }
}
