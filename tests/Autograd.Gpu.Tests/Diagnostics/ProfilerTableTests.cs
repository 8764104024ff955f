using Autograd.Gpu.Diagnostics;
using static Autograd.Gpu.Diagnostics.ProfilerEventKind;

namespace Autograd.Gpu.Tests.Diagnostics;

/// <summary>What a profiler records, and its sums.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class ProfilerTableTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void SetLaziness() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void RestoreLaziness() => _laziness.Dispose();

    [Test]
    public void OperationsAndKernelsAreCountedApart()
    {
        var x = Leaf(6).Detach();
        using var log = new KernelLog();
        using var profiler = Profiler.Start();
        var sum = (x.Tanh() * 2).Sum();

        // On the host, the kernel of a small reduction keeps its elements.
        long bytes = (lazy && device.IsHost ? 13 : 7) * 8;
        Assert.That(Names(profiler, Operation), Is.EqualTo(new[] { "Tanh", "Mul", "Sum" }));
        Assert.That(
            profiler.Averages().Where(r => r.Kind == Kernel).Select(r => (r.Name, r.Reason, r.Device, r.Calls, r.Bytes)),
            Is.EqualTo(lazy
                ? [("Tanh Mul -> Sum", "Operand", device, 1, bytes)]
                : new (string, string?, Device?, int, long)[]
                {
                    ("Tanh", "Eager", device, 1, 12 * 8), ("Mul", "Eager", device, 1, 12 * 8), ("Copy -> Sum", "Operand", device, 1, 7 * 8),
                }));

        Assert.That(
            log.Events.Select(e => (e.Operations, e.Bytes)), Is.EqualTo(profiler.Events.Where(e => e.Kind == Kernel).Select(e => (e.Name, e.Bytes))), "what the trace sees");

        var rows = profiler.Averages().Where(r => r.Kind != Kernel).ToDictionary(r => r.Name);
        Assert.That(rows["Tanh"].Bytes, Is.EqualTo(lazy ? 0 : 12 * 8), "a lazy call runs no kernel");
        Assert.That(rows["Tanh"].DeviceTotal > TimeSpan.Zero, Is.EqualTo(!lazy));
        Assert.That(rows["Sum"].Bytes, Is.EqualTo(bytes), "the kernel ran inside this call");
        Assert.That(rows["Sum"].DeviceTotal, Is.EqualTo(profiler.Averages().Single(r => r.Name.EndsWith("-> Sum", StringComparison.Ordinal)).DeviceTotal));
        Assert.That(profiler.Averages().Select(r => r.SelfHostTotal), Is.All.GreaterThanOrEqualTo(TimeSpan.Zero));
        Assert.That(profiler.Averages().Select(r => r.HostTotal - r.SelfHostTotal), Is.All.GreaterThanOrEqualTo(TimeSpan.Zero));
        Assert.That(sum.Item<double>(), Is.EqualTo(12 * Math.Tanh(1)).Within(1e-12));
    }

    [Test]
    public void BackwardNodesContainTheOperationsOfTheirFormulas()
    {
        var x = Leaf(2, 3);
        using var profiler = Profiler.Start();
        (x * x).Sum().Backward();
        Assert.That(Names(profiler, Backward), Is.EqualTo(new[] { "SumBackward0", "MulBackward0", "AccumulateGrad" }));
        var inside = profiler.Events.Single(e => e.Name == "MulBackward0");
        Assert.That(inside.Shapes, Is.EqualTo(new[] { Shape.Create([2, 3]) }));
        var formulas = profiler.Events.Where(e => e.Kind == Operation && e.Parent == inside).ToArray();
        Assert.That(formulas.Select(e => e.Name), Is.EqualTo(new[] { "Mul", "Mul" }));
        Assert.That(formulas.Select(e => e.Depth), Is.All.EqualTo(1));
        var row = profiler.Averages().Single(r => r.Name == "MulBackward0");
        Assert.That(row.SelfHostTotal, Is.EqualTo(inside.Duration - formulas.Aggregate(TimeSpan.Zero, (sum, e) => sum + e.Duration)));
        Assert.That(row.HostTotal, Is.EqualTo(inside.Duration));
    }

    [Test]
    public void StructuralAndInPlaceOperationsAreThere()
    {
        var x = Leaf(2, 3).Detach();
        var y = Leaf(3, 2).Detach();
        using var profiler = Profiler.Start();
        x.Add_(1);
        x.Copy_(y.Transpose(0, 1));
        x.Fill_(2);
        x.MatMul(y).Materialize();
        var names = Names(profiler, Operation).ToArray();
        Assert.That(names, Is.SupersetOf(new[] { "Add_", "Transpose", "Copy_", "Fill_", "MatMul" }));
        var product = profiler.Events.Single(e => e.Kind == Kernel && e.Name == "MatMul");
        Assert.That(product.Shapes.Select(s => s.NumElements), Is.EqualTo(new long[] { 6, 6 }));
        Assert.That(product.Bytes, Is.EqualTo((6 + 6 + 4) * 8));
        Assert.That(product.Parent?.Name, Is.EqualTo("MatMul"));
    }

    [Test]
    public void AFunctionOfTheProgramIsAnOperationWithItsPartsInside()
    {
        var x = Leaf(3);
        using var profiler = Profiler.Start();
        new TimesThree().Apply(x).Sum().Backward();
        var forward = profiler.Events.Single(e => e.Kind == Operation && e.Name == "TimesThree");
        Assert.That(forward.Shapes, Is.EqualTo(new[] { Shape.Create([3]) }));
        Assert.That(profiler.Events.Where(e => e.Kind == Operation && e.Parent == forward).Select(e => e.Name), Is.EqualTo(new[] { "Mul" }));
        Assert.That(Names(profiler, Backward), Is.EqualTo(new[] { "SumBackward0", "TimesThreeBackward", "AccumulateGrad" }));
    }

    [Test]
    public void RowsGroupByShape()
    {
        var (small, large) = (Leaf(2).Detach(), Leaf(4, 2).Detach());
        using var profiler = Profiler.Start();
        (small + small).Materialize();
        (large + small).Materialize();
        (large + small).Materialize();
        Assert.That(profiler.Averages().Where(r => r.Kind == Operation).Select(r => (r.Name, r.Shapes, r.Calls)), Is.EqualTo(new[] { ("Add", "", 3) }));
        Assert.That(
            profiler.Averages(groupByShape: true).Where(r => r.Kind == Operation).Select(r => (r.Name, r.Shapes, r.Calls)),
            Is.EqualTo(new[] { ("Add", "[2], [2]", 1), ("Add", "[4, 2], [2]", 2) }));
        Assert.That(
            profiler.Averages(groupByShape: true).Where(r => r.Kind == Kernel).Select(r => (r.Name, r.Shapes, r.Calls, r.Bytes)),
            Is.EqualTo(new[] { ("Add", "[2]", 1, 4 * 8L), ("Add", "[4, 2]", 2, 2 * 18 * 8L) }), "a broadcast element is read once");

        var table = profiler.Table(ProfilerSort.Calls, groupByShape: true).Split('\n');
        Assert.That(table.Count(line => line.StartsWith("Add ", StringComparison.Ordinal) && line.EndsWith("  [4, 2], [2]", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public void EmptyScalarStridedAndExpandedOperandsCountTheirElements()
    {
        var matrix = Leaf(4, 6).Detach();
        var scalar = Leaf().Detach();
        var empty = Leaf(0, 3).Detach();
        foreach (var (input, bytes) in new[]
        {
            (empty, 0L), (scalar, 2 * 8), (matrix.Transpose(0, 1), 48 * 8), (scalar.Expand([5]), (1 + 5) * 8), (matrix.Narrow(1, 2, 3), (12 + 12) * 8),
        })
        {
            using var profiler = Profiler.Start();
            input.Exp().Materialize();
            Assert.That(profiler.Averages().Single(r => r.Kind == Kernel).Bytes, Is.EqualTo(bytes), $"{input.Shape}");
            Assert.That(profiler.Table(groupByShape: true), Does.Contain(input.Shape.ToString()));
        }
    }

    [Test]
    public void WithoutShapesAndBeyondTheLimitLessIsKept()
    {
        var x = Leaf(3).Detach();
        using var profiler = Profiler.Start(new ProfilerOptions { RecordShapes = false, MaxEvents = 3 });
        using (Profiler.Range("all"))
        {
            for (int i = 0; i < 5; i++)
            {
                Profiler.Operation("Probe", x, x).Dispose();
            }
        }

        Assert.That(profiler.Events.Select(e => e.Name), Is.EqualTo(new[] { "all", "Probe", "Probe" }));
        Assert.That(profiler.Events.Select(e => e.Shapes), Is.All.Empty);
        Assert.That(profiler.DroppedEvents, Is.EqualTo(3));
        Assert.That(profiler.Table(), Does.Contain("3 events were not kept: ProfilerOptions.MaxEvents is 3"));
    }

    [Test]
    public void AKernelIsCompiledOnce()
    {
        using var isLazy = Laziness.Set(true);
        var x = Leaf(5).Detach();
        for (int run = 0; run < 2; run++)
        {
            using var profiler = Profiler.Start();
            var chain = x.Sin().Exp().Cos().Exp().Sin().Tanh().Exp();
            (lazy ? chain.Cos() : chain.Sin()).Materialize();
            var row = profiler.Averages().Single(r => r.Kind == Kernel);
            Assert.That(row.Name, Is.EqualTo($"Sin Exp Cos Exp Sin Tanh Exp {(lazy ? "Cos" : "Sin")}"));
            int expected = run == 0 ? 1 : 0;
            Assert.That(row.Compilations, Is.EqualTo(expected));
            Assert.That(row.CompileTotal > TimeSpan.Zero, Is.EqualTo(expected == 1));
            Assert.That(row.CompileTotal + row.DeviceTotal, Is.LessThanOrEqualTo(profiler.Elapsed));
            Assert.That(profiler.Table().Contains("1 in ", StringComparison.Ordinal), Is.EqualTo(expected == 1));
        }
    }

    [Test]
    public void RangesNestAndARangeInsideItselfCountsOnce()
    {
        var x = Leaf(3).Detach();
        using var profiler = Profiler.Start();
        using (Profiler.Range("epoch"))
        {
            using (Profiler.Range("epoch"))
            {
                Thread.Sleep(2);
            }

            using (Profiler.Range("step"))
            {
                (x + 1).Materialize();
            }
        }

        var events = profiler.Events;
        Assert.That(events.Where(e => e.Kind == ProfilerEventKind.Range).Select(e => (e.Name, e.Depth)), Is.EqualTo(new[] { ("epoch", 0), ("epoch", 1), ("step", 1) }));
        Assert.That(events.Where(e => e.Kind is Operation or Kernel && e.Depth == 2).Select(e => e.Parent!.Name), Is.All.EqualTo("step"));
        var rows = profiler.Averages().ToDictionary(r => (r.Kind, r.Name));
        var epoch = rows[(ProfilerEventKind.Range, "epoch")];
        var step = rows[(ProfilerEventKind.Range, "step")];
        Assert.That(epoch.Calls, Is.EqualTo(2));
        Assert.That(epoch.HostTotal, Is.EqualTo(events[0].Duration), "the inner one is part of the outer one");
        Assert.That(epoch.SelfHostTotal, Is.EqualTo(epoch.HostTotal - step.HostTotal));
        Assert.That(step.DeviceTotal, Is.EqualTo(events.Single(e => e.Kind == Kernel).DeviceDuration));
        Assert.That(epoch.DeviceTotal, Is.EqualTo(step.DeviceTotal), "once, although two ranges of this name are around");
        Assert.That((epoch.Bytes, step.Bytes), Is.EqualTo((48L, 48L)));
        Assert.That(events[1].Duration, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(1)));
    }

    [Test]
    public void EachThreadHasItsOwnNesting()
    {
        using var profiler = Profiler.Start();
        var threads = Enumerable.Range(0, 3).Select(i => new Thread(() =>
        {
            using var range = Profiler.Range($"thread {i}");
            var x = Leaf(i + 1);
            (x * x).Sum().Backward();
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        profiler.Dispose();
        foreach (var thread in profiler.Events.GroupBy(e => e.ThreadId))
        {
            var root = thread.First();
            Assert.That(root.Kind, Is.EqualTo(ProfilerEventKind.Range));
            Assert.That(thread.Count(e => e.Name == "MulBackward0"), Is.EqualTo(1));
            foreach (var e in thread.Skip(1))
            {
                var outermost = e;
                while (outermost.Parent is { } parent)
                {
                    Assert.That((parent.ThreadId, parent.Start <= e.Start), Is.EqualTo((e.ThreadId, true)));
                    outermost = parent;
                }

                Assert.That(outermost, Is.SameAs(root));
            }
        }

        Assert.That(profiler.Averages().Single(r => r.Name == "MulBackward0").Calls, Is.EqualTo(3));
    }

    [Test]
    public void TheTableHasSectionsAndIsSortedAndCut()
    {
        var x = Leaf(100).Detach();
        using var profiler = Profiler.Start();
        using (Profiler.Range("work | with\nodd \u0007 name"))
        {
            for (int i = 0; i < 3; i++)
            {
                (x + 1).Materialize();
            }

            (x.Exp() * x.Exp()).Materialize();
        }

        profiler.Dispose();
        var lines = profiler.Table(ProfilerSort.Calls, rowLimit: 1).Split('\n');
        Assert.That(lines[0], Is.EqualTo("Ranges"));
        Assert.That(lines[2], Does.StartWith("Name "));
        Assert.That(lines[4], Does.StartWith("work | with odd \uFFFD name  "));
        int operations = Array.FindIndex(lines, l => l.StartsWith("Operations (", StringComparison.Ordinal));
        Assert.That(
            lines[operations + 2].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            Is.EqualTo(new[] { "Name", "Self host", "Self host %", "Host total", "Host avg", "Device total", "Calls", "Bytes" }));
        Assert.That(lines[operations + 4], Does.StartWith("Add  "));
        Assert.That(lines[operations + 6], Is.EqualTo("... 2 more rows"));
        int kernels = Array.FindIndex(lines, l => l.StartsWith("Kernels (", StringComparison.Ordinal));
        Assert.That(kernels, Is.GreaterThan(operations));
        Assert.That(lines[kernels + 4], Does.StartWith("Add  ").And.Contain($"  {(lazy ? "Read" : "Eager")}").And.EndWith($"  {device}"));

        var byName = profiler.Table(ProfilerSort.Name, rowLimit: -1, maxNameWidth: 5).Split('\n');
        Assert.That(
            byName.Skip(Array.FindIndex(byName, l => l.StartsWith("Operations (", StringComparison.Ordinal)) + 4).TakeWhile(l => l[0] != '-').Select(l => l.Split(' ')[0]),
            Is.EqualTo(new[] { "Add", "Exp", "Mul" }));
        Assert.That(byName[4], Does.StartWith("wo...  "));
        foreach (var sort in Enum.GetValues<ProfilerSort>())
        {
            var rows = profiler.Table(sort).Split('\n');
            Assert.That(rows, Has.Length.EqualTo(profiler.Table().Split('\n').Length), $"{sort}");
        }
    }

    [Test]
    public void WhatIsOpenWhenTheProfilerStopsEndsThen()
    {
        var x = Leaf(2).Detach();
        var first = Profiler.Start();
        var outer = Profiler.Range("outer");
        var inner = Profiler.Range("inner");
        Assert.That(first.Events, Is.Empty, "neither has ended");
        first.Dispose();
        Assert.That(first.IsRunning, Is.False);
        Assert.That(first.Events.Select(e => (e.Name, e.Start + e.Duration <= first.Elapsed)), Is.EqualTo(new[] { ("outer", true), ("inner", true) }));
        var durations = first.Events.Select(e => e.Duration).ToArray();

        using var second = Profiler.Start();
        inner.Dispose();
        outer.Dispose();
        (x + 1).Materialize();
        Assert.That(first.Events.Select(e => e.Duration), Is.EqualTo(durations));
        Assert.That((second.Events[0].Name, second.Events[0].Depth, second.Events.Count), Is.EqualTo(("Add", 0, 2)), "the other session's ranges are not around it");
        first.Dispose();
        Assert.That(second.IsRunning, "the first has nothing to stop");
    }

    [Test]
    public void OneProfilerRunsAtATime()
    {
        using (Profiler.Start())
        {
            var error = Assert.Throws<AutogradException>(() => Profiler.Start())!;
            Assert.That(error.Message, Does.Contain("a profiler is running already"));
            Assert.Throws<ArgumentOutOfRangeException>(() => Profiler.Start(new ProfilerOptions { MaxEvents = 0 }));
            Assert.Throws<ArgumentNullException>(() => Profiler.Range(null!));
        }

        Profiler.Start().Dispose();
    }

    [Test]
    public void AnOperationThatThrowsIsOver()
    {
        var (x, y) = (Leaf(2), Leaf(3));
        using var profiler = Profiler.Start();
        Assert.Throws<ShapeException>(() => _ = x + y);
        (x.Detach() + 1).Materialize();
        Assert.That(profiler.Events.Where(e => e.Kind == Operation).Select(e => (e.Name, e.Depth)), Is.EqualTo(new[] { ("Add", 0), ("Add", 0) }));
    }

    [Test]
    public void AnEmptyProfilerHasATable()
    {
        using var profiler = Profiler.Start();
        Assert.That(profiler.Averages(), Is.Empty);
        Assert.That(profiler.Table(), Does.StartWith("Elapsed: ").And.EndWith("device time of 0 kernels: 0.0us\n"));
    }

    private static IEnumerable<string> Names(Profiler profiler, ProfilerEventKind kind) =>
        profiler.Averages().Where(r => r.Kind == kind).Select(r => r.Name);

    private Tensor Leaf(params long[] sizes) => Tensor.Ones(sizes, DType.Float64, device).Materialize().RequiresGrad_();

    private sealed class TimesThree : UnaryFunction
    {
        protected override Tensor Forward(Tensor x) => x * 3;

        protected override Tensor? Backward(Tensor gradient) => gradient * 3;
    }
}
