using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests.Memory;

/// <summary>What training steps leave to the garbage collector once kernels and optimiser states are there.</summary>
public sealed class AllocationTests
{
    private const long BytesPerOperation = 2048;

    /// <summary>The smallest object that the runtime puts on the large object heap.</summary>
    private const long LargeObject = 85_000;

    [Test]
    public void AStepOfASmallNetwork()
    {
        var network = new Sequential(new Linear(2, 16, device: Device.Cpu), new Tanh(), new Linear(16, 1, device: Device.Cpu));
        var (x, y) = (Tensor.Randn([4, 2], device: Device.Cpu), Tensor.Randn([4, 1], device: Device.Cpu));
        var optimizer = new Sgd(network.Parameters(), lr: 0.01);
        Check(() => Train(optimizer, Functional.MseLoss(network.Call(x), y)), () => Functional.MseLoss(network.Call(x), y));
    }

    [Test]
    public void AStepOfAClassifier()
    {
        var network = new Sequential(
            new Linear(24, 32, device: Device.Cpu), new ReLU(), new Linear(32, 32, device: Device.Cpu), new ReLU(), new Linear(32, 10, device: Device.Cpu));
        var (x, labels) = (Tensor.Randn([8, 24], device: Device.Cpu), Tensor.Arange(8, device: Device.Cpu));
        var optimizer = new Adam(network.Parameters(), lr: 0.001);

        // Adam writes down 13 operations for each parameter, which wait and run as one kernel; they take some 250 bytes each.
        Check(
            () => Train(optimizer, Functional.CrossEntropy(network.Call(x), labels)),
            () => Functional.CrossEntropy(network.Call(x), labels),
            13 * 256 * optimizer.Parameters.Count);
    }

    [Test]
    public void AStepOfAnLstmCell()
    {
        var cell = new LSTMCell(32, 32, device: Device.Cpu);
        var (x, h, c) = (Tensor.Randn([8, 32], device: Device.Cpu), Tensor.Randn([8, 32], device: Device.Cpu), Tensor.Randn([8, 32], device: Device.Cpu));
        var optimizer = new Sgd(cell.Parameters(), lr: 0.01);
        // The update of a parameter is an operation too.
        Check(() => Train(optimizer, Loss()), Loss, BytesPerOperation / 4 * optimizer.Parameters.Count);

        Tensor Loss()
        {
            var (hidden, memory) = cell.Forward(x, (h, c));
            return (hidden * memory).Sum();
        }
    }

    private static void Train(Optimizer optimizer, Tensor loss)
    {
        optimizer.ZeroGrad();
        loss.Backward();
        optimizer.Step();
        loss.Materialize();
        foreach (var parameter in optimizer.Parameters)
        {
            parameter.Materialize();
        }
    }

    private static void Check(Action step, Func<Tensor> loss, long forOptimizer = 0)
    {
        using var lazy = Laziness.Set(true);
        int operations = Operations(loss());
        for (int i = 0; i < 100; i++)
        {
            step();
        }

        long total = 0, most = 0;
        const int steps = 50;
        for (int i = 0; i < steps; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            step();
            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            total += bytes;
            most = Math.Max(most, bytes);
        }

        TestContext.Out.WriteLine($"{operations} operations, {total / steps} bytes a step, {total / steps / operations} an operation, {most} at most");
        Assert.That(operations, Is.GreaterThan(3));
        Assert.That(total / steps, Is.LessThanOrEqualTo(BytesPerOperation * operations + forOptimizer));
        Assert.That(most, Is.LessThan(LargeObject), "a step that allocates less than that has no such object");
    }

    /// <summary>The operations that the tape of <paramref name="loss"/> holds.</summary>
    private static int Operations(Tensor loss)
    {
        var seen = new HashSet<Node>(ReferenceEqualityComparer.Instance);
        var open = new Stack<Node>([loss.GradFn!]);
        while (open.TryPop(out var node))
        {
            if (node.Variable is not null || !seen.Add(node))
            {
                continue;
            }

            foreach (var edge in node.NextFunctions)
            {
                if (edge.Function is { } next)
                {
                    open.Push(next);
                }
            }
        }

        return seen.Count;
    }
}
