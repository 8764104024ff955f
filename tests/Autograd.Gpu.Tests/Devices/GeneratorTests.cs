namespace Autograd.Gpu.Tests.Devices;

public class GeneratorTests
{
    [Test]
    public void ReservesCountersInOrder()
    {
        var generator = new Generator(5);
        Assert.That((generator.InitialSeed, generator.Offset), Is.EqualTo((5UL, 0UL)));
        Assert.That(generator.Reserve(10), Is.EqualTo(0));
        Assert.That(generator.Reserve(3, out var seed), Is.EqualTo(10));
        Assert.That(seed, Is.EqualTo(5));
        Assert.That(generator.Offset, Is.EqualTo(13));
        generator.ManualSeed(7);
        Assert.That((generator.InitialSeed, generator.Offset), Is.EqualTo((7UL, 0UL)));
    }

    [Test]
    public void StateCanBeSavedAndRestored()
    {
        var generator = new Generator();
        Assert.That(generator.InitialSeed, Is.EqualTo(Generator.DefaultSeed));
        generator.Reserve(100);
        var state = generator.State;
        var first = generator.Reserve(5);
        generator.ManualSeed(1);
        generator.State = state;
        Assert.That(generator.Reserve(5), Is.EqualTo(first));
        Assert.That(generator.InitialSeed, Is.EqualTo(Generator.DefaultSeed));
    }

    [Test]
    public void EachDeviceHasItsOwn()
    {
        Assert.That(Device.Cpu.Generator, Is.SameAs(Device.Cpu.Generator));
        Assert.That(Device.Cpu.Generator, Is.Not.SameAs(Device.CpuKernels.Generator));
    }

    [Test]
    public void NoCounterIsReservedTwice()
    {
        var generator = new Generator();
        var firsts = new System.Collections.Concurrent.ConcurrentBag<ulong>();
        Parallel.For(0, 10_000, _ => firsts.Add(generator.Reserve(3)));
        Assert.That(firsts.Order(), Is.EqualTo(Enumerable.Range(0, 10_000).Select(i => (ulong)i * 3)));
    }
}
