using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests.Diagnostics;

/// <summary>A profiler that does not run costs nothing.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class ProfilerOffTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void SetLaziness() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void RestoreLaziness() => _laziness.Dispose();

    [Test]
    public void WhatMeasuresAllocatesNothingWhenOff()
    {
        var x = Tensor.Ones([2], device: device, requiresGrad: true);
        Tensor[] inputs = [x, x, x, x];
        var node = (x * x).GradFn!;
        Profiler.Start().Dispose();
        Measure();
        Assert.That(Measure(), Is.Zero);

        long Measure()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10_000; i++)
            {
                using var range = Profiler.Range("range");
                using var one = Profiler.Operation("One", x);
                using var three = Profiler.Operation("Three", x, x, x);
                using var many = Profiler.Operation("Many", inputs);
                using var back = Profiler.Backward(node);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Test]
    public void OperationsAllocateNoMoreAfterAProfilerThanBeforeAndMoreWhileOneRuns()
    {
        var x = Tensor.Ones([4], device: device).Materialize().RequiresGrad_();
        const int Steps = 200;
        PerStep(x, Steps);
        long before = Enumerable.Range(0, 5).Min(_ => PerStep(x, Steps));
        long during;
        using (Profiler.Start())
        {
            during = Enumerable.Range(0, 5).Min(_ => PerStep(x, Steps));
        }

        long after = Enumerable.Range(0, 5).Min(_ => PerStep(x, Steps));

        // A guard for 64 blocks is spread over the steps; growth of a list or a pool that falls into one of them is left to the smallest of five runs. An event alone
        // takes more than 100 bytes.
        Assert.That(after, Is.LessThanOrEqualTo(before + 32), $"{before} bytes a step before, {after} after");
        Assert.That(during, Is.GreaterThan(before + 400), "the measurement sees what a profiler that runs allocates");
    }

    [Test]
    public void NothingIsRecordedBeforeTheStartOrAfterTheEnd()
    {
        var x = Tensor.Ones([4], device: device, requiresGrad: true);
        PerStep(x, 1);
        var profiler = Profiler.Start();
        profiler.Dispose();
        PerStep(x, 1);
        using (Profiler.Range("after"))
        {
            Assert.That(profiler.Events, Is.Empty);
        }

        Assert.That(profiler.Elapsed, Is.EqualTo(profiler.Elapsed), "the time stands still");
    }

    /// <summary>Bytes that this thread allocates for a forward and a backward pass.</summary>
    private static long PerStep(Tensor x, int steps)
    {
        long start = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < steps; i++)
        {
            using (Profiler.Range("step"))
            {
                (x * x + 1).Reshape(2L, 2L).Sum().Backward();
                x.Grad!.Materialize();
                x.Grad = null;
            }
        }

        return (GC.GetAllocatedBytesForCurrentThread() - start) / steps;
    }
}
