using System.Diagnostics;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests.Memory;

public sealed class FlatMemoryTests
{
    /// <summary>Until then the runtime still compiles better code for what runs often, and the pool finds its size.</summary>
    private const int Warm = 10_000;
    private const int Steps = Warm + 20_000;

    [Test]
    public void TwentyThousandStepsWithoutDisposeKeepResidentMemoryFlat()
    {
        Tensor.ManualSeed(7);
        var device = Device.Cpu;
        // As in a program of its own: other tests' steps may have made the budget grow.
        device.Pool.CollectionBudget = 32 << 20;
        var network = new Sequential(new Linear(2, 16, device: device), new Tanh(), new Linear(16, 1, device: device));
        var optimizer = new Sgd(network.Parameters(), lr: 0.1);
        var input = Tensor.FromArray(new float[,] { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }, device);
        var target = Tensor.FromArray(new float[,] { { 0 }, { 1 }, { 1 }, { 0 } }, device);

        Sample warm = default;
        var loss = 0f;
        var watch = Stopwatch.StartNew();
        for (var step = 1; step <= Steps; step++)
        {
            var error = Functional.MseLoss(network.Call(input), target);
            optimizer.ZeroGrad();
            error.Backward();
            optimizer.Step();
            if (step is not Warm and not Steps) continue;

            loss = error.Item<float>();
            var sample = Measure(device);
            TestContext.Out.WriteLine(
                $"step {step}: {sample.Resident >> 10} KiB resident, {sample.Managed >> 10} KiB in objects, "
                + $"{sample.Active} bytes in tensors, {sample.Cached >> 10} KiB cached, loss {loss:E1}, {watch.Elapsed.TotalSeconds:F1} s");
            if (step == Warm)
            {
                warm = sample;
                continue;
            }

            Assert.That(sample.Resident, Is.LessThan(1.1 * warm.Resident));
            // Sharper, since the runtime's own memory is not in these: one tensor kept at each step would be seen.
            Assert.That(sample.Managed, Is.LessThan(warm.Managed + (4 << 20)));
            // A budget that is in use, one that waits for the finaliser, and what is left of others' blocks. How far it fills up to that hangs on the collector, which large
            // objects of other tests make rarer: 4 MB where this test runs alone.
            Assert.That(sample.Cached, Is.LessThan(3 * (32 << 20)));
            Assert.That(sample.Active, Is.LessThanOrEqualTo(warm.Active + (64 << 10)));
        }

        // Exclusive or is learnt, so the steps were steps.
        Assert.That(loss, Is.LessThan(0.01f));
    }

    private static Sample Measure(Device device)
    {
        // What the pool keeps for reuse follows the collections' timing, so it is looked at by itself and given back for the comparison.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var pool = device.Memory;
        device.EmptyCache();

        // Aggressive: the collector gives back what it keeps committed for later, which depends on the tests that ran before.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return new Sample(Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false), pool.ActiveBytes, pool.CachedBytes);
    }

    private readonly record struct Sample(long Resident, long Managed, long Active, long Cached);
}
