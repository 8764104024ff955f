using System.Runtime.CompilerServices;
using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Tests.Devices;

public unsafe class BufferPoolTests
{
    private const long Mebibyte = 1 << 20;
    private Device _device = null!;

    [SetUp]
    public void MakeDevice() => _device = Device.OnHost(DeviceKind.Cpu);

    [TearDown]
    public void FreeDevice() => _device.EmptyCache();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1000)]
    [TestCase(256 << 10)]
    [TestCase((256 << 10) + 1)]
    [TestCase(3 << 20)]
    [TestCase(17 << 20)]
    public void BlocksAreAlignedAndWritableToTheEnd(long bytes)
    {
        var block = _device.Allocate(bytes);
        Assert.That(block.Bytes, Is.EqualTo(bytes));
        Assert.That(block.Capacity, Is.GreaterThanOrEqualTo(bytes));
        Assert.That((long)block.Pointer % 64, Is.Zero);
        new Span<byte>((void*)block.Pointer, (int)block.Capacity).Fill(0xA5);
        Assert.That(((byte*)block.Pointer)[block.Capacity - 1], Is.EqualTo(0xA5));
        Assert.That(block.View.Length, Is.EqualTo(bytes));
        block.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
    }

    [Test]
    public void BlocksDoNotOverlap()
    {
        var random = new Random(1);
        var blocks = Enumerable.Range(0, 500).Select(_ => _device.Allocate(random.Next(1, 400_000))).ToArray();
        for (var i = 0; i < blocks.Length; i++)
            new Span<byte>((void*)blocks[i].Pointer, (int)blocks[i].Capacity).Fill((byte)i);
        for (var i = 0; i < blocks.Length; i++)
            Assert.That(new Span<byte>((void*)blocks[i].Pointer, (int)blocks[i].Capacity).IndexOfAnyExcept((byte)i), Is.EqualTo(-1), $"block {i}");
        foreach (var block in blocks)
            block.Release();
    }

    [TestCase(1000)]
    [TestCase(5 << 20)]
    public void ReleaseReturnsMemoryAtOnceAndItIsReused(long bytes)
    {
        var first = _device.Allocate(bytes);
        var pointer = first.Pointer;
        var reserved = _device.Memory.ReservedBytes;
        first.Release();
        Assert.That(first.References, Is.Zero);
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        var second = _device.Allocate(bytes);
        Assert.That(second.Pointer, Is.EqualTo(pointer));
        Assert.That(_device.Memory, Has.Property(nameof(MemoryStatistics.Reuses)).EqualTo(1).And.Property(nameof(MemoryStatistics.ReservedBytes)).EqualTo(reserved));
        second.Release();
    }

    [Test]
    public void AFreeBlockServesRequestsOfHalfItsSizeAndMore()
    {
        var large = _device.Allocate(8 * Mebibyte);
        var pointer = large.Pointer;
        large.Release();
        var half = _device.Allocate(4 * Mebibyte);
        Assert.That(half.Pointer, Is.EqualTo(pointer));
        Assert.That(half.Capacity, Is.EqualTo(8 * Mebibyte));
        half.Release();
        var quarter = _device.Allocate(2 * Mebibyte);
        Assert.That(quarter.Pointer, Is.Not.EqualTo(pointer));
        quarter.Release();
    }

    [Test]
    public void TheLastHolderReturnsTheMemory()
    {
        var block = _device.Allocate(1000);
        block.Retain();
        block.Retain();
        Assert.That(block.References, Is.EqualTo(3));
        block.Release();
        block.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(1024));
        block.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        var refused = Assert.Throws<ObjectDisposedException>(block.Retain);
        Assert.That(refused!.Message, Does.Contain("1000 bytes"));
    }

    [Test]
    public void StatisticsCountWhatHappens()
    {
        var a = _device.Allocate(1 << 20);
        var b = _device.Allocate(3 << 20);
        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(4 * Mebibyte));
        Assert.That(_device.Memory.ReservedBytes, Is.EqualTo(4 * Mebibyte));
        a.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(3 * Mebibyte));
        Assert.That(_device.Memory.CachedBytes, Is.EqualTo(Mebibyte));
        Assert.That(_device.Memory.PeakBytes, Is.EqualTo(4 * Mebibyte));
        _device.ResetPeakMemory();
        Assert.That(_device.Memory.PeakBytes, Is.EqualTo(3 * Mebibyte));
        b.Release();
        _device.EmptyCache();
        var memory = _device.Memory;
        Assert.That(memory.ReservedBytes, Is.Zero);
        Assert.That((memory.Allocations, memory.Reuses, memory.Flushes, memory.Collections), Is.EqualTo((2L, 0L, 1L, 0L)));
    }

    [Test]
    public void EmptyCacheKeepsWhatIsInUse()
    {
        var kept = _device.Allocate(1000);
        kept.CopyFrom([1, 2, 3]);
        var gone = Enumerable.Range(0, 10_000).Select(_ => _device.Allocate(1000)).ToArray();
        foreach (var block in gone)
            block.Release();
        Assert.That(_device.Memory.ReservedBytes, Is.GreaterThanOrEqualTo(10 * Mebibyte));
        _device.EmptyCache();
        Assert.That(_device.Memory.ReservedBytes, Is.EqualTo(BufferPool.SlabBytes));
        Span<byte> read = stackalloc byte[3];
        kept.CopyTo(read);
        Assert.That(read.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
        var next = _device.Allocate(1000);
        Assert.That(_device.Memory.ReservedBytes, Is.EqualTo(BufferPool.SlabBytes), "the kept slab serves on");
        next.Release();
        kept.Release();
        _device.EmptyCache();
        Assert.That(_device.Memory.ReservedBytes, Is.Zero);
    }

    [Test]
    public void TheCacheStaysBelowItsLimit()
    {
        _device.CacheLimit = 10 * Mebibyte;
        var blocks = Enumerable.Range(0, 20).Select(_ => _device.Allocate(Mebibyte)).ToArray();
        foreach (var block in blocks)
        {
            block.Release();
            Assert.That(_device.Memory.CachedBytes, Is.LessThanOrEqualTo(10 * Mebibyte));
        }

        Assert.That(_device.Memory.CachedBytes, Is.EqualTo(10 * Mebibyte));
        _device.CacheLimit = 3 * Mebibyte;
        Assert.That(_device.Memory.CachedBytes, Is.EqualTo(3 * Mebibyte));
        _device.CacheLimit = 0;
        var small = _device.Allocate(100);
        small.Release();
        Assert.That(_device.Memory.ReservedBytes, Is.Zero);
    }

    [Test]
    public void DroppedBlocksComeBackThroughTheCollector()
    {
        Drop(_device, 100, 10_000);
        Drop(_device, 3, Mebibyte);
        Collect();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        Assert.That(_device.Memory.Finalized, Is.EqualTo(103));
    }

    [Test]
    public void AKeptBlockKeepsFewDroppedOnesBesideIt()
    {
        var kept = new List<Block>();
        Keep(kept);
        Collect();
        int shared = BlockGuard.CapacityFor(SizeClass.Of(1000));
        Assert.That(shared, Is.EqualTo(32));
        Assert.That(_device.Memory.ActiveBytes, Is.LessThanOrEqualTo(10 * shared * 1024));
        Assert.That(_device.Memory.Finalized, Is.GreaterThanOrEqualTo(1000 - 10 * (shared - 1)));
        Release(kept);
        Collect();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        Assert.That(_device.Memory.Finalized, Is.EqualTo(1000));

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Keep(List<Block> blocks)
        {
            for (var i = 0; i < 10; i++)
            {
                Drop(_device, 100, 1000);
                blocks.Add(_device.Allocate(1000));
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Release(List<Block> blocks)
        {
            blocks.ForEach(b => b.Release());
            blocks.Clear();
        }
    }

    [Test]
    public void BlocksReleasedOutOfOrderLeaveTheirNeighboursAlone()
    {
        var blocks = Enumerable.Range(0, 3 * BlockGuard.Shared).Select(_ => _device.Allocate(1000)).ToArray();
        for (var round = 0; round < 100; round++)
        {
            for (var i = round % 3; i < blocks.Length; i += 3)
                blocks[i].Release();
            for (var i = round % 3; i < blocks.Length; i += 3)
                blocks[i] = _device.Allocate(1000);
            Assert.That(blocks.Select(b => b.Pointer).Distinct().Count(), Is.EqualTo(blocks.Length));
        }

        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(blocks.Length * 1024));
        foreach (var block in blocks)
            block.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        Collect();
        Assert.That(_device.Memory.Finalized, Is.Zero);
    }

    [Test]
    public void AReleaseAfterTheFinaliserFreesNothing()
    {
        var holder = new StrongBox<Holder?>();
        MakeHolder(_device, holder);
        Collect();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        Assert.That(holder.Value, Is.Not.Null, "the finaliser of the holder has kept it");
        var next = _device.Allocate(1000);
        holder.Value!.Block.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(1024), "the next owner's memory");
        Assert.Throws<ObjectDisposedException>(holder.Value.Block.Retain);
        next.Release();
    }

    [Test]
    public void DroppedMemoryStaysFlat()
    {
        _device.Pool.CollectionBudget = 64 * Mebibyte;
        for (var i = 0; i < 10_000; i++)
            Drop(_device, 1, Mebibyte);
        var memory = _device.Memory;
        Assert.That(memory.Collections, Is.GreaterThan(0));
        Assert.That(memory.ReservedBytes, Is.LessThanOrEqualTo(600 * Mebibyte), "10,000 MiB were handed out");
        Assert.That(memory.Allocations, Is.EqualTo(10_000));
    }

    [Test]
    public void ACollectionFindsDroppedBlocksAmongThoseThatLive()
    {
        _device.Pool.CollectionBudget = 16 * Mebibyte;
        var kept = new List<Block>();
        for (var i = 0; i < 200; i++)
        {
            Drop(_device, 2, Mebibyte);
            if (i % 20 == 0)
                kept.Add(_device.Allocate(Mebibyte));
            if (i % 30 == 0 && kept.Count > 1)
            {
                kept[0].Release();
                kept.RemoveAt(0);
            }
        }

        Assert.That(_device.Memory.Collections, Is.GreaterThan(0));
        Collect();
        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(kept.Count * Mebibyte));
        Assert.That(_device.Memory.Finalized, Is.EqualTo(400));
        Assert.That(kept.Select(b => b.Pointer).Distinct().Count(), Is.EqualTo(kept.Count));
        foreach (var block in kept)
            block.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
    }

    [Test]
    public void ABlockThatAFinaliserCanStillReachIsNotGivenAway()
    {
        var holder = new StrongBox<Holder?>();
        MakeHolder(_device, holder, Mebibyte);
        Collect();
        Assert.That(holder.Value, Is.Not.Null, "the finaliser of the holder has kept it");
        Assert.That(_device.Memory.ActiveBytes, Is.EqualTo(Mebibyte));
        var next = _device.Allocate(Mebibyte);
        Assert.That(next.Pointer, Is.Not.EqualTo(holder.Value!.Block.Pointer));
        holder.Value.Block.Release();
        next.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        Assert.That(_device.Memory.Finalized, Is.Zero);
    }

    [Test]
    public void WatchedBlocksOfEveryAgeComeBackWhenTheyAreDropped()
    {
        const long Bytes = 5000;
        long held = SizeClass.Bytes(SizeClass.Of(Bytes));
        var random = new Random(1);
        var live = new List<Block>();
        for (var round = 0; round < 12; round++)
        {
            Change();
            // Some rounds age the blocks by a young collection, which does not find what is old.
            if (round % 3 == 1)
                GC.Collect(0);
            else
                Collect();
            Assert.That(_device.Memory.ActiveBytes, round % 3 == 1 ? Is.GreaterThanOrEqualTo(live.Count * held) : Is.EqualTo(live.Count * held), $"round {round}");
            Assert.That(live.Select(b => b.Pointer).Distinct().Count(), Is.EqualTo(live.Count));
        }

        Assert.That(_device.Memory.Finalized, Is.GreaterThan(200));
        foreach (var block in live)
            block.Release();
        Collect();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);

        // Takes new blocks, releases some of all ages and drops others.
        [MethodImpl(MethodImplOptions.NoInlining)]
        void Change()
        {
            for (var i = 0; i < 60; i++)
                live.Add(_device.Allocate(Bytes));
            for (var i = 0; i < 40; i++)
            {
                var at = random.Next(live.Count);
                if (i % 2 == 0)
                    live[at].Release();
                live.RemoveAt(at);
            }
        }
    }

    [Test]
    public void AnybodysCollectionBringsLargeBlocksBackWithoutTheFinaliserThread()
    {
        Drop(_device, 3, 5 * Mebibyte);
        GC.Collect();
        var next = _device.Allocate(5 * Mebibyte);
        Assert.That(_device.Memory, Has.Property(nameof(MemoryStatistics.Finalized)).EqualTo(3).And.Property(nameof(MemoryStatistics.Reuses)).EqualTo(1));
        next.Release();
    }

    [Test]
    public void ReleasedMemoryAsksForNoCollection()
    {
        _device.Pool.CollectionBudget = 4 * Mebibyte;
        for (var i = 0; i < 1_000; i++)
            _device.Allocate(Mebibyte).Release();
        Assert.That(_device.Memory.Collections, Is.Zero);
        Assert.That(_device.Memory.ReservedBytes, Is.EqualTo(Mebibyte));
    }

    [Test]
    public void MemoryThatIsReallyHeldAsksLessAndLessOften()
    {
        _device.Pool.CollectionBudget = 4 * Mebibyte;
        var held = Enumerable.Range(0, 1_000).Select(_ => _device.Allocate(Mebibyte)).ToArray();
        Assert.That(_device.Memory.Collections, Is.InRange(2, 40));
        foreach (var block in held)
            block.Release();
    }

    [TestCase(1000)]
    [TestCase(4 << 20)]
    public void ExhaustionTellsTheNumbersAndTheProcessGoesOn(long bytes)
    {
        _device.MemoryLimit = 16 * Mebibyte;
        var held = new List<Block>();
        var failure = Assert.Throws<OutOfDeviceMemoryException>(() =>
        {
            while (true)
                held.Add(_device.Allocate(bytes));
        });
        Assert.That(failure, Is.InstanceOf<AutogradException>());
        Assert.That(failure!.Device, Is.SameAs(_device));
        Assert.That(failure.RequestedBytes, Is.EqualTo(bytes));
        Assert.That(failure.ActiveBytes, Is.EqualTo(_device.Memory.ActiveBytes).And.GreaterThan(15 * Mebibyte));
        Assert.That(failure.LimitBytes, Is.EqualTo(16 * Mebibyte));
        Assert.That(failure.Message, Does.Contain("cpu is out of memory").And.Contain("16.0 MiB (16777216 bytes)").And.Contain("smaller batch"));
        Assert.That(_device.Memory.Collections, Is.GreaterThan(0));
        Assert.That(_device.Memory.Flushes, Is.GreaterThan(0));

        foreach (var block in held)
            block.Release();
        var usable = _device.Allocate(12 * Mebibyte);
        usable.Release();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
    }

    [Test]
    public void ExhaustionCollectsWhatWasDropped()
    {
        _device.MemoryLimit = 64 * Mebibyte;
        for (var i = 0; i < 500; i++)
            Drop(_device, 1, 5 * Mebibyte);
        Assert.That(_device.Memory.ReservedBytes, Is.LessThanOrEqualTo(64 * Mebibyte));
    }

    [Test]
    public void ExhaustionFlushesPiecesOfTheWrongSize()
    {
        _device.MemoryLimit = 16 * Mebibyte;
        foreach (var block in Enumerable.Range(0, 16).Select(_ => _device.Allocate(Mebibyte)).ToArray())
            block.Release();
        var large = _device.Allocate(16 * Mebibyte);
        Assert.That(_device.Memory.ReservedBytes, Is.EqualTo(16 * Mebibyte));
        large.Release();
    }

    [Test]
    public void ALimitBelowASlabServesSmallBlocks()
    {
        _device.MemoryLimit = 10_000;
        var block = _device.Allocate(1000);
        Assert.That(_device.Memory.ReservedBytes, Is.EqualTo(1024));
        block.Release();
        _device.EmptyCache();
        Assert.That(_device.Memory.ReservedBytes, Is.Zero);
    }

    [Test]
    public void ARequestBeyondAllMemoryFailsWithTheNumbers()
    {
        foreach (var bytes in new[] { 1L << 45, long.MaxValue })
            Assert.That(Assert.Throws<OutOfDeviceMemoryException>(() => _device.Allocate(bytes))!.RequestedBytes, Is.EqualTo(bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => _device.Allocate(-1));
    }

    [Test]
    public void EightThreadsLeaveThePoolAsItWas()
    {
        _device.Pool.CollectionBudget = 16 * Mebibyte;
        var failures = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            var random = new Random(thread);
            var mine = new List<Block>();
            for (var i = 0; i < 20_000; i++)
            {
                var bytes = random.Next(100) == 0 ? random.Next(300_000, 2_000_000) : random.Next(0, 20_000);
                var block = _device.Allocate(bytes);
                var mark = (int*)block.Pointer;
                (mark[0], mark[1]) = (thread, i);
                if (random.Next(10) == 0)
                    continue; // dropped
                block.Retain();
                mine.Add(block);
                if (mine.Count < 50)
                    continue;
                var at = random.Next(mine.Count);
                var old = mine[at];
                if (*(int*)old.Pointer != thread)
                    Interlocked.Increment(ref failures);
                mine.RemoveAt(at);
                old.Release();
                old.Release();
            }

            foreach (var block in mine)
            {
                block.Release();
                block.Release();
            }
        });
        Collect();
        Assert.That(failures, Is.Zero, "a block was handed out twice");
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        Assert.That(_device.Memory.Allocations, Is.EqualTo(160_000));
        _device.EmptyCache();
        Assert.That(_device.Memory.ReservedBytes, Is.Zero);
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(Device device, int count, long bytes)
    {
        for (var i = 0; i < count; i++)
            _ = device.Allocate(bytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeHolder(Device device, StrongBox<Holder?> box, long bytes = 1000) => _ = new Holder(device.Allocate(bytes), box);

    private sealed class Holder(Block block, StrongBox<Holder?> box)
    {
        public Block Block { get; } = block;

        ~Holder() => box.Value = this;
    }
}
