using System.Text.Json;
using Autograd.Gpu.Diagnostics;

namespace Autograd.Gpu.Tests.Diagnostics;

/// <summary>The timeline that a profiler writes.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class ChromeTraceTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void SetLaziness() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void RestoreLaziness() => _laziness.Dispose();

    [Test]
    public void SlicesNestOnEveryRow()
    {
        var trace = Record(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                using var step = Profiler.Range("step");
                Train();
            }
        });
        Assert.That(trace, Has.Some.Matches<Slice>(s => s.Phase == "X" && s.Name == "MulBackward0" && s.Category == "backward"));
        AssertNested(trace);
    }

    [Test]
    public void RangesContainOperationsAndLaunchesAndDevicesHaveRows()
    {
        var x = Leaf();
        var trace = Record(() =>
        {
            using var step = Profiler.Range("step");
            Train(x);
        });
        var range = trace.Single(s => s.Phase == "X" && s.Category == "range");
        Assert.That(range.Name, Is.EqualTo("step"));
        var others = trace.Where(s => s.Phase == "X" && s.Process == range.Process && s != range).ToArray();
        Assert.That(others.Select(s => s.Category).Distinct(), Is.SupersetOf(new[] { "operation", "backward", "kernel launch" }));
        Assert.That(others, Is.All.Matches<Slice>(s => s.Start >= range.Start && s.End <= range.End && s.Thread == range.Thread));

        var launches = others.Where(s => s.Category == "kernel launch").ToArray();
        var kernels = trace.Where(s => s.Phase == "X" && s.Process != range.Process).ToArray();
        Assert.That(kernels.Select(k => (k.Name, k.Category)), Is.EqualTo(launches.Select(l => (l.Name, "device kernel"))));
        string first = kernels[0].Name;
        Assert.That(first, Is.EqualTo(lazy ? "Mul -> Sum" : "Mul"));
        var args = kernels[0].Args;
        Assert.That(args.GetProperty("device").GetString(), Is.EqualTo(device.ToString()));
        Assert.That(args.GetProperty("reason").GetString(), Is.EqualTo(lazy ? "Operand" : "Eager"));

        // On the host, the kernel of a small reduction keeps its elements.
        Assert.That(args.GetProperty("bytes").GetInt64(), Is.EqualTo(lazy ? (device.IsHost ? 7 : 4) * 8 : 6 * 8));
        Assert.That(args.GetProperty("shapes").GetString(), Is.EqualTo("[3]"));
        Assert.That(args.GetProperty("operations").EnumerateArray().Select(o => o.GetString()), Is.EqualTo(lazy ? ["Mul", "Sum"] : new[] { "Mul" }));

        var names = trace.Where(s => s.Phase == "M").ToDictionary(s => (s.Name, s.Process, s.Thread), s => s.Args.GetProperty("name").GetString());
        Assert.That(names[("process_name", range.Process, 0)], Is.EqualTo("host"));
        Assert.That(names[("process_name", kernels[0].Process, 0)], Does.StartWith($"device {device} ("));
        Assert.That(names, Does.ContainKey(("thread_name", range.Process, range.Thread)));

        var starts = trace.Where(s => s.Phase == "s").ToDictionary(s => s.Id);
        var ends = trace.Where(s => s.Phase == "f").ToDictionary(s => s.Id);
        Assert.That(ends.Keys, Is.EquivalentTo(starts.Keys));
        Assert.That(starts, Has.Count.EqualTo(launches.Length));
        foreach (var (id, start) in starts)
        {
            Assert.That(launches, Has.Some.Matches<Slice>(l => l.Start == start.Start && l.Thread == start.Thread), "arrows start at a launch");
            Assert.That(kernels, Has.Some.Matches<Slice>(k => k.Start == ends[id].Start && k.Process == ends[id].Process), "and end at a kernel");
            Assert.That(ends[id].Start, Is.GreaterThanOrEqualTo(start.Start));
        }
    }

    [Test]
    public void ThreadsHaveRowsOfTheirOwn()
    {
        var trace = Record(() =>
        {
            using var main = Profiler.Range("main");
            var threads = new[] { "first", "second" }.Select(name => new Thread(() =>
            {
                using var work = Profiler.Range($"work of {name}");
                for (int i = 0; i < 20; i++)
                {
                    Train();
                }
            })
            { Name = name }).ToArray();
            Array.ForEach(threads, t => t.Start());
            Array.ForEach(threads, t => t.Join());
        });
        var names = trace.Where(s => s.Name == "thread_name" && s.Process == 0).ToDictionary(s => s.Thread, s => s.Args.GetProperty("name").GetString());
        AssertNested(trace);
        var rows = trace.Where(s => s is { Phase: "X", Process: 0 }).GroupBy(s => s.Thread).ToArray();
        Assert.That(rows, Has.Length.EqualTo(3));
        foreach (var row in rows)
        {
            var range = row.Single(s => s.Category == "range");
            if (range.Name != "main")
            {
                Assert.That(range.Name, Is.EqualTo($"work of {names[row.Key]}"));
                Assert.That(row.Count(s => s.Name == "MulBackward0"), Is.EqualTo(20));
            }
        }
    }

    [Test]
    public void ARangeThatEndsOutOfTurnOrElsewhereIsNoSlice()
    {
        var trace = Record(() =>
        {
            var outer = Profiler.Range("outer");
            var inner = Profiler.Range("inner");
            outer.Dispose();
            Train();
            inner.Dispose();
            var moved = Profiler.Range("moved");
            var thread = new Thread(moved.Dispose);
            thread.Start();
            thread.Join();
            Profiler.Range("after").Dispose();
        });
        Assert.That(trace.Where(s => s is { Phase: "X", Category: "range" }).Select(s => s.Name), Is.EqualTo(new[] { "inner", "after" }));
        foreach (string name in new[] { "outer", "moved" })
        {
            var pair = trace.Where(s => s.Name == name).ToArray();
            Assert.That(pair.Select(s => s.Phase), Is.EqualTo(new[] { "b", "e" }));
            Assert.That((pair[0].Id, pair[0].Start <= pair[1].Start), Is.EqualTo((pair[1].Id, true)));
        }
    }

    [Test]
    public void TheFileIsValidJsonWhateverRangesAreCalled()
    {
        const string name = "a\"b\\c\n\t\u0001 <é> 重 \uD83D\uDE00";
        var path = Path.Combine(Path.GetTempPath(), $"trace-{Guid.NewGuid():N}.json");
        try
        {
            File.WriteAllText(path, new string('x', 100_000));
            using (var profiler = Profiler.Start())
            {
                using (Profiler.Range(name))
                {
                    Train();
                }

                profiler.ExportChromeTrace(path);
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            Assert.That(document.RootElement.GetProperty("traceEvents").EnumerateArray().Select(e => e.GetProperty("name").GetString()), Does.Contain(name));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void AnEmptyProfilerHasATimeline()
    {
        var trace = Record(() => { });
        Assert.That(trace.Select(s => s.Name), Is.EqualTo(new[] { "process_name" }));
    }

    /// <summary>The slices of a row contain one another or lie apart.</summary>
    private static void AssertNested(List<Slice> trace)
    {
        foreach (var row in trace.Where(s => s.Phase == "X").GroupBy(s => (s.Process, s.Thread)))
        {
            var open = new Stack<Slice>();
            decimal last = 0;
            foreach (var slice in row)
            {
                Assert.That(slice.Start >= last, $"{slice.Name} is in order");
                Assert.That(slice.Duration, Is.GreaterThanOrEqualTo(0));
                last = slice.Start;
                while (open.Count > 0 && open.Peek().End <= slice.Start && !(open.Peek().Start == slice.Start && slice.End <= open.Peek().End))
                {
                    open.Pop();
                }

                Assert.That(open.Count == 0 || slice.End <= open.Peek().End, $"{slice} sticks out of {(open.Count > 0 ? open.Peek() : default)}");
                open.Push(slice);
            }
        }
    }

    private static List<Slice> Record(Action action)
    {
        using var stream = new MemoryStream();
        using (var profiler = Profiler.Start())
        {
            action();
            profiler.Dispose();
            profiler.ExportChromeTrace(stream);
        }

        using var document = JsonDocument.Parse(stream.ToArray());
        return [.. document.RootElement.GetProperty("traceEvents").EnumerateArray().Select(Slice.Of)];
    }

    private Tensor Leaf() => Tensor.Full([3], 2, DType.Float64, device).Materialize().RequiresGrad_();

    private void Train() => Train(Leaf());

    private static void Train(Tensor x)
    {
        (x * x).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.All.EqualTo(4));
    }

    private readonly record struct Slice(
        string Name, string Category, string Phase, int Process, int Thread, decimal Start, decimal Duration, int Id, JsonElement Args)
    {
        public decimal End => Start + Duration;

        public static Slice Of(JsonElement e) => new(
            e.GetProperty("name").GetString()!,
            e.TryGetProperty("cat", out var category) ? category.GetString()! : "",
            e.GetProperty("ph").GetString()!,
            e.GetProperty("pid").GetInt32(),
            e.GetProperty("tid").GetInt32(),
            e.TryGetProperty("ts", out var start) ? start.GetDecimal() : 0,
            e.TryGetProperty("dur", out var duration) ? duration.GetDecimal() : 0,
            e.TryGetProperty("id", out var id) ? id.GetInt32() : 0,
            e.TryGetProperty("args", out var args) ? args.Clone() : default);
    }
}
