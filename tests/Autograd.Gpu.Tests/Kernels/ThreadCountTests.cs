using System.Globalization;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>How many threads the host kernels use, and that it changes no bit of a result.</summary>
[NonParallelizable]
public sealed class ThreadCountTests
{
    private int _threads;

    [SetUp]
    public void Remember() => _threads = Device.HostThreads;

    [TearDown]
    public void Restore() => Device.HostThreads = _threads;

    public static IEnumerable<TestCaseData> Cases => HostBattery.Cases.Select(c => new TestCaseData(c.Run).SetArgDisplayNames(c.Name));

    [TestCaseSource(nameof(Cases))]
    public void ResultsAreTheSameBits(Func<int, Tensor[]> run)
    {
        const int size = (1 << 17) + 77;
        Device.HostThreads = 1;
        byte[][] alone = [.. run(size).Select(HostBattery.Bytes)];
        foreach (int threads in new[] { 2, 3, 7 })
        {
            Device.HostThreads = threads;
            byte[][] shared = [.. run(size).Select(HostBattery.Bytes)];
            for (int i = 0; i < alone.Length; i++)
            {
                Assert.That(shared[i].AsSpan().SequenceEqual(alone[i]), $"result {i} with {threads} threads");
            }
        }
    }

    [Test]
    public void WorkersThatHaveNothingToDoSleep()
    {
        if (!Directory.Exists("/proc/self/task"))
        {
            Assert.Ignore("Only Linux tells the processor time of a thread by its name.");
        }

        Device.HostThreads = 3;
        for (int i = 0; i < 20; i++)
        {
            Tensor.Rand([1 << 18], device: Device.Cpu).Exp().Materialize();
        }

        Thread.Sleep(50);
        long before = WorkerNanoseconds(out int workers);
        Assert.That(workers, Is.GreaterThanOrEqualTo(2));
        Thread.Sleep(200);
        Assert.That(WorkerNanoseconds(out _) - before, Is.LessThan(1_000_000), "nanoseconds on a processor within 0.2 s");
    }

    /// <summary>What the host's workers have spent on a processor, together. The system keeps the first 15 letters of a thread's name.</summary>
    private static long WorkerNanoseconds(out int workers)
    {
        long sum = 0;
        workers = 0;
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (File.ReadAllText(Path.Combine(task, "comm")).StartsWith("Autograd.Gpu ho", StringComparison.Ordinal))
            {
                workers++;
                sum += long.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture);
            }
        }

        return sum;
    }

    [Test]
    public void ThePropertyIsChecked([Values(0, -2, 513)] int count)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Device.HostThreads = count);
        Assert.That(error!.Message, Does.Contain("[Device.HostThreads]").And.Contain("1..512"));
    }
}
