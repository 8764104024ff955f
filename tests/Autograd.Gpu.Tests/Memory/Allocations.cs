namespace Autograd.Gpu.Tests.Memory;

/// <summary>
/// Counts what calls that go on and on leave to the garbage collector. An operation is one that was recorded: a node of the tape, leaves not counted. The derivative of each is an operation
/// too, but counts only where a test says so.
/// </summary>
internal static class Allocations
{
    public const long BytesPerOperation = 2048;

    /// <summary>The smallest object that the runtime puts on the large object heap.</summary>
    public const long LargeObject = 85_000;

    private const int Runs = 4;
    private const int Calls = 25;

    /// <summary>
    /// The bytes that a call allocates on this thread and on all others, in the quietest of some runs of calls, since kernels that are compiled in the background allocate as well; and the
    /// most that one call allocates here.
    /// </summary>
    /// <remarks>
    /// The pool's own tables grow with what a collection brings back, and stay. So as many calls as are counted come first, and then their blocks come back.
    /// </remarks>
    public static (long Bytes, long Elsewhere, long Most) Of(Action call)
    {
        for (int i = 0; i < Runs * Calls; i++)
        {
            call();
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        _ = Device.Cpu.Memory;
        for (int i = 0; i < Calls; i++)
        {
            call();
        }

        var (best, elsewhere, most) = (long.MaxValue, long.MaxValue, 0L);
        for (int run = 0; run < Runs; run++)
        {
            long everywhere = GC.GetTotalAllocatedBytes(precise: true), start = GC.GetAllocatedBytesForCurrentThread(), before = start;
            for (int i = 0; i < Calls; i++)
            {
                call();
                long now = GC.GetAllocatedBytesForCurrentThread();
                (most, before) = (Math.Max(most, now - before), now);
            }

            long here = before - start;
            everywhere = GC.GetTotalAllocatedBytes(precise: true) - everywhere;
            (best, elsewhere) = (Math.Min(best, here / Calls), Math.Min(elsewhere, (everywhere - here) / Calls));
        }

        return (best, elsewhere, most);
    }

    /// <summary>Checks a step of training against its recorded operations; what the optimiser does counts apart.</summary>
    public static void CheckStep(Action step, Func<Tensor> loss, long forOptimizer = 0)
    {
        using var lazy = Laziness.Set(true);
        int operations = Operations(loss());
        var (bytes, elsewhere, most) = Of(step);
        TestContext.Out.WriteLine($"{operations} operations, {bytes} bytes a step, {bytes / operations} an operation, {elsewhere} on other threads, {most} at most");
        Assert.That(operations, Is.GreaterThan(3));
        Assert.That(bytes + elsewhere, Is.LessThanOrEqualTo(BytesPerOperation * operations + forOptimizer));
        Assert.That(most, Is.LessThan(LargeObject), "a step that allocates less than that has no such object");
    }

    /// <summary>Checks an operation by itself: forward and with the backward pass within so many bytes for each recorded operation.</summary>
    public static void CheckCall(Func<Tensor> call, long forwardMost, long most, params Tensor[] leaves)
    {
        using var lazy = Laziness.Set(true);
        var output = call();
        int operations = Operations(output);
        var gradient = Tensor.OnesLike(output).Detach();
        var forward = Of(() => call().Materialize());
        var both = Of(
            () =>
            {
                foreach (var leaf in leaves)
                {
                    leaf.Grad = null;
                }

                call().Backward(gradient);
                foreach (var leaf in leaves)
                {
                    leaf.Grad!.Materialize();
                }
            });
        TestContext.Out.WriteLine($"{operations} operations, {forward.Bytes} bytes forward, {both.Bytes} with the backward pass, {both.Elsewhere} on other threads, {both.Most} at most");
        Assert.That(forward.Bytes + forward.Elsewhere, Is.LessThanOrEqualTo(forwardMost * operations));
        Assert.That(both.Bytes + both.Elsewhere, Is.LessThanOrEqualTo(most * operations));
        Assert.That(both.Most, Is.LessThan(LargeObject));
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
