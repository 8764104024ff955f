using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests.Devices;

/// <summary>From where on the pool counts what it hands out, and when it asks for a collection before a budget that has grown is used up.</summary>
internal sealed class BufferPoolBudgetTests
{
    private const long Mebibyte = 1 << 20;

    private Device _device = null!;

    [SetUp]
    public void MakeDevice() => _device = Device.OnHost(DeviceKind.Cpu);

    [TearDown]
    public void FreeDevice() => _device.EmptyCache();

    [Test]
    public void AGrownBudgetIsNoReasonToWaitWhereCollectionsTakeLittleTime()
    {
        // Without a pause nearly all of the time goes into collections, so that the budget grows.
        _device.Pool.CollectionBudget = Mebibyte;
        for (var i = 0; i < 400 && _device.Pool.CollectionBudget == Mebibyte; i++)
        {
            _device.EmptyCache();
            Drop(_device, 4, Mebibyte / 4);
        }

        Assert.That(_device.Pool.CollectionBudget, Is.GreaterThan(Mebibyte));
        Collect();
        _device.EmptyCache();
        var before = _device.Memory.Collections;
        Thread.Sleep(500);
        Drop(_device, 2, 3 * Mebibyte / 2);
        Assert.That(_device.Memory.Collections, Is.EqualTo(before + 1));
    }

    [Test]
    public void TheCountStartsAnewWhenAnybodysCollectionHasGivenMemoryBack()
    {
        Hold(_device);
        Collect();
        Assert.That(_device.Memory.ActiveBytes, Is.Zero);
        _device.EmptyCache();
        var before = _device.Memory.Collections;
        Drop(_device, 6, Mebibyte);
        Assert.That(_device.Memory.Collections, Is.EqualTo(before + 1));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Hold(Device device)
        {
            var held = Enumerable.Range(0, 100).Select(_ => device.Allocate(Mebibyte)).ToArray();
            device.Pool.CollectionBudget = 4 * Mebibyte; // counted from here on
            Assert.That(device.Memory.ActiveBytes, Is.EqualTo(100 * Mebibyte));
            GC.KeepAlive(held);
        }
    }

    [Test]
    public void AProgramThatHoldsItsMemoryIsNotAskedAtEachStepForTheLittleThatItDrops()
    {
        _device.Pool.CollectionBudget = Mebibyte;
        long settled = 0;
        for (var step = 0; step < 12; step++)
        {
            if (step == 4)
                settled = _device.Memory.Collections;
            var held = Enumerable.Range(0, 64).Select(_ => _device.Allocate(Mebibyte)).ToArray();
            foreach (var block in held)
                block.Release();
            Drop(_device, 1, Mebibyte);
            Collect();
            _device.EmptyCache();
        }

        Assert.That(settled, Is.GreaterThan(0));
        Assert.That(_device.Memory.Collections, Is.EqualTo(settled));
    }

    [Test]
    public void MemoryThatWasHeldAndIsDroppedAfterAllCountsNoMore()
    {
        _device.Pool.CollectionBudget = Mebibyte;
        Hold(_device);
        Collect();
        _device.EmptyCache();
        var before = _device.Memory.Collections;
        Drop(_device, 6, Mebibyte);
        Assert.That(_device.Memory.Collections, Is.GreaterThan(before));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Hold(Device device)
        {
            var held = Enumerable.Range(0, 100).Select(_ => device.Allocate(Mebibyte)).ToArray();
            Assert.That(device.Memory.Collections, Is.GreaterThan(0).And.LessThan(20));
            GC.KeepAlive(held);
        }
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
}
