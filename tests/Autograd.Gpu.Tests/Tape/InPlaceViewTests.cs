using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests;

/// <summary>Recorded writes through views, and views of what was written: the base, the view and every other view have the gradient of their present value.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class InPlaceViewTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    /// <summary>Computations on x of shape [2, 3] and w of shape [3] that write in place through views. Each has the same gradient as what it computes.</summary>
    private static readonly (string Name, Func<Tensor, Tensor, Tensor> Function)[] s_programs =
    [
        ("a row is scaled", (x, w) =>
        {
            var y = x * 2;
            y[0].Mul_(w);
            return y * y;
        }),
        ("the view after its write", (x, w) =>
        {
            var y = x * 2;
            var row = y[1];
            row.Mul_(w);
            return row.Sin() * y.Sum();
        }),
        ("a view of a view", (x, w) =>
        {
            var y = x * 2;
            var part = y.T[1..][.., 0];
            part.Add_(w[..2]).Mul_(part.Clone());
            return y * x + part.Sum();
        }),
        ("an older view sees the write through a newer one", (x, w) =>
        {
            var y = x * 3;
            var (old, column) = (y[0], y.T[1]);
            y[.., 1].Mul_(w[0]);
            return old * column[1] * w;
        }),
        ("an older view sees the write to its base", (x, w) =>
        {
            var y = x * 3;
            var (row, flat) = (y[0], y.Reshape(6));
            y.Mul_(w).Sigmoid_();
            return row * flat[3..];
        }),
        ("several writes", (x, w) =>
        {
            var y = x + 1;
            var (first, second) = (y[0], y[1]);
            first.Mul_(second.Clone());
            second.Mul_(first.Clone());
            y.Mul_(2);
            second.Add_(first.Clone() * w);
            first.Exp_();
            return y * first;
        }),
        ("the same row twice", (x, w) =>
        {
            var y = x.Clone();
            y[0] = w * w;
            y[0] = y[0].Clone() * y[1].Clone();
            return y;
        }),
        ("assignment into zeros", (x, w) =>
        {
            var y = Tensor.Zeros([3, 3], DType.Float64, x.Device);
            var early = y.T[0];
            y[0] = w;
            y[1..] = x * x;
            return early * y.Sum(1);
        }),
        ("a number over a part", (x, w) =>
        {
            var y = x * w;
            y[.., 1] = 5;
            y[1, 2] = 0.25;
            return y * y * x;
        }),
        ("fill and zero", (x, w) =>
        {
            var y = x * w;
            y[0].Fill_(2).Mul_(w);
            y[1, 1..].Zero_();
            return y * x;
        }),
        ("broadcast over a part", (x, w) =>
        {
            var y = x * x;
            y[.., 1..] = w[0];
            y[..1].Add_(w);
            return y * y;
        }),
        ("a transposed whole", (x, w) =>
        {
            var y = x * 2;
            y.T.Mul_(w.Unsqueeze(1));
            return y.Tanh();
        }),
        ("a reshaped whole", (x, w) =>
        {
            var y = x * 2;
            var flat = y.View(6);
            flat[TensorIndex.Slice(0, null, 2)].Mul_(w);
            return y + flat[1];
        }),
        ("unsqueezed and squeezed", (x, w) =>
        {
            var y = x * 2;
            var cube = y.Unsqueeze(1);
            cube[.., 0].Mul_(w);
            cube.Squeeze(1).Sub_(x, 3);
            return y * cube.Squeeze();
        }),
        ("an expanded dimension with one index", (x, w) =>
        {
            var y = w * 2;
            var rows = y.Expand(2, 3);
            rows[1].Mul_(x[0]);
            return rows * x + y;
        }),
        ("a saved output", (x, w) =>
        {
            var y = x * w;
            y[1].Mul_(2);
            y[0].Sigmoid_();
            return y;
        }),
        ("a saved old value", (x, w) =>
        {
            var y = x.Clone();
            y[0].Pow_(3).Exp_();
            return y * w;
        }),
        ("a view before and after", (x, w) =>
        {
            var y = x * 1.5;
            var row = y[0];
            var before = row + w;
            row.Mul_(w);
            return before * row;
        }),
        ("an empty part", (x, w) =>
        {
            var y = x * w;
            y[2..].Mul_(3);
            y[..0] = x[..0];
            return y * y;
        }),
        ("a view of a constant that comes to require gradients", (x, w) =>
        {
            var y = Tensor.Ones([2, 3], DType.Float64, x.Device);
            var row = y[0];
            row.Add_(w);
            row.Mul_(x[1]);
            return y * row;
        }),
        ("a detached strided base", (x, w) =>
        {
            var y = Tensor.Arange(6, DType.Float64, x.Device).Reshape(2, 3).T.Detach();
            var flat = y.T.Reshape(6);
            flat[1..4].Mul_(w);
            return y.T * x;
        }),
        ("a conversion", (x, w) =>
        {
            var y = (x * 2).To(DType.Float32);
            y[0] = w;
            y[1].Add_(w * 0.5);
            return y.To(DType.Float64) * x;
        }),
        ("an overlap", (x, w) =>
        {
            var y = x.Reshape(6) * 1;
            y[1..] = y[..^1];
            y[..3].Add_(w);
            return y * y;
        }),
    ];

    private static IEnumerable<string> Programs => s_programs.Select(p => p.Name);

    [TestCaseSource(nameof(Programs))]
    public void GradientsAgreeWithNumericalOnes(string name)
    {
        var function = s_programs.Single(p => p.Name == name).Function;
        var (x, w) = (Double(1, [2, 3]).RequiresGrad_(), Double(2, [3]).RequiresGrad_());
        bool isSingle = name == "a conversion";
        Assert.That(Autodiff.GradCheck(i => [function(i[0], i[1])], [x, w], eps: isSingle ? 1e-2 : 1e-6, atol: isSingle ? 1e-3 : 1e-5, rtol: isSingle ? 1e-2 : 1e-3));
        if (!isSingle)
        {
            Assert.That(Autodiff.GradGradCheck(i => [function(i[0], i[1])], [x, w]));
        }
    }

    [Test]
    public void AWriteThroughAViewGivesTheBaseANewHistory()
    {
        var root = Leaf(1, 2, 3, 4);
        var x = root.Clone();
        var view = x[1..3];
        Assert.That((x.GradFn!.Name, view.GradFn!.Name), Is.EqualTo(("CloneBackward0", "SliceBackward0")));
        view.Mul_(10);
        Assert.That((x.GradFn!.Name, view.GradFn!.Name), Is.EqualTo(("CopySlices", "SliceBackward0")));
        Assert.That(view.GradFn.NextFunctions[0].Function, Is.SameAs(x.GradFn), "the view is one of the written base");
        Assert.That((x.Version, view.Version), Is.EqualTo((1, 1)));
        Assert.That(view.GradFn, Is.SameAs(view.GradFn), "asked for again, it is not made again");
        x.Sum().Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1, 10, 10, 1 }));
    }

    [Test]
    public void AConstantBaseBecomesRecorded()
    {
        var w = Leaf(5);
        var x = Vector(1, 2, 3);
        var (view, other) = (x[0], x[..2]);
        Assert.That((x.RequiresGrad, view.RequiresGrad, view.IsLeaf), Is.EqualTo((false, false, true)));
        view.Mul_(w[0]);
        Assert.That((x.RequiresGrad, view.RequiresGrad, other.RequiresGrad), Is.EqualTo((true, true, true)));
        Assert.That((x.IsLeaf, view.IsLeaf, other.IsLeaf), Is.EqualTo((false, false, false)));
        (x.Sum() + other.Sum() * 10 + view * 100).Backward();
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(111));
    }

    [Test]
    public void AGradientForTheViewAloneReachesTheBase()
    {
        // The view's history, before the write and after.
        var root = Leaf(1, 2, 3, 4);
        var x = root * 2;
        var (first, second) = (x[..2], x[2..]);
        second.Mul_(first.Clone());
        Autodiff.Backward([first, second], [Vector(1, 1), Vector(10, 100)]);
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 2 + 10 * 6 * 2, 2 + 100 * 8 * 2, 10 * 2 * 2, 100 * 4 * 2 }));
    }

    [Test]
    public void WritesUnderNoGradKeepHistoriesAndCountVersions()
    {
        var root = Leaf(1, 2, 3);
        var x = root * 2;
        var view = x[1..];
        var node = x.GradFn;
        using (Autodiff.NoGrad())
        {
            view.Zero_();
            x.Add_(1);
        }

        Assert.That((x.Version, view.Version), Is.EqualTo((2, 2)));
        Assert.That(x.GradFn, Is.SameAs(node));
        view.Sum().Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 2, 2 }));
        Assert.That(x.ToArray<double>(), Is.EqualTo(new double[] { 3, 1, 1 }));
    }

    [Test]
    public void AHistoryIsTakenAnewUnderNoGradToo()
    {
        var root = Leaf(1, 2, 3);
        var x = root * 2;
        var view = x[0..2];
        view[0] = 3;
        using (Autodiff.NoGrad())
        {
            Assert.That(view.GradFn!.NextFunctions[0].Function, Is.SameAs(x.GradFn));
        }

        view.Sum().Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 2, 0 }));
    }

    [Test]
    public void AViewOfALeafFollowsTheLeaf()
    {
        var leaf = Leaf(1, 2, 3);
        var view = leaf[..2];
        using (Autodiff.NoGrad())
        {
            leaf.Mul_(3);
        }

        view.Sum().Backward();
        Assert.That(leaf.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1, 1, 0 }));

        // A view made before its base came to require gradients.
        var late = Vector(1, 2);
        var part = late[0];
        late.RequiresGrad_();
        Assert.That(part.RequiresGrad);
        Assert.Throws<GradientException>(() => part.Add_(1));
        using (Autodiff.NoGrad())
        {
            part.Add_(1);
        }

        (part * 5).Backward();
        Assert.That(late.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 5, 0 }));
    }

    [Test]
    public void DetachedTensorsHaveAHistoryOfTheirOwn()
    {
        var (root, w) = (Leaf(1, 2), Leaf(7));
        var x = root * 2;
        var detached = x.Detach();
        detached[0].Mul_(w[0]);
        Assert.That((detached.GradFn!.Name, x.GradFn!.Name), Is.EqualTo(("CopySlices", "MulBackward0")));
        Assert.That(x.ToArray<double>(), Is.EqualTo(new double[] { 14, 4 }), "the memory is shared");
        detached.Sum().Backward();
        Assert.That((w.Grad!.Item<double>(), root.Grad), Is.EqualTo((2.0, (Tensor?)null)));
        x.Sum().Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 2, 2 }));
    }

    [Test]
    public void AViewOutlivesItsDisposedBase()
    {
        var root = Leaf(1, 2, 3);
        var x = root * 2;
        var (view, other) = (x[1..], x[..2]);
        x.Dispose();
        view.Mul_(5);
        (view.Sum() + other.Sum()).Backward();
        Assert.That(view.ToArray<double>(), Is.EqualTo(new double[] { 20, 30 }));
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 2, 20, 10 }));
    }

    [Test]
    public void TheGraphDoesNotHoldTheTensorsThatWereWritten()
    {
        var (root, w) = (Leaf(1, 2, 3), Leaf(4));
        var (last, handles) = WriteInALoop(root, w);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.That(handles.Count(h => h.TryGetTarget(out _)), Is.Zero, "bases and views that the program dropped");
        last.Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 256, 4, 1 }));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor Last, List<WeakReference<Tensor>> Handles) WriteInALoop(Tensor root, Tensor w)
    {
        var handles = new List<WeakReference<Tensor>>();
        var x = root.Clone();
        for (int i = 0; i < 4; i++)
        {
            var view = x[..1];
            view.Mul_(w);
            handles.Add(new(view));
        }

        var other = x[1];
        other.Mul_(w[0]);
        _ = other.GradFn;
        handles.Add(new(other));
        handles.Add(new(x));
        return (x.Sum(), handles);
    }

    [Test]
    public void ManyWritesToOneBaseAreALongChain()
    {
        int steps = device.IsHost && device != Device.CpuKernels ? 10_000 : 300;
        var (root, w) = (Leaf(1, 2, 3), Leaf(1));
        var x = root.Clone();
        var watched = x[2];
        for (int i = 0; i < steps; i++)
        {
            x[i % 2].Add_(w[0]);
        }

        watched.Mul_(2);
        x.Sum().Backward();
        Assert.That(root.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1, 1, 2 }));
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(steps));
        Assert.That(x.Version, Is.EqualTo(steps + 1));
    }

    [Test]
    [Explicit("Prints the time of a loop of assignments.")]
    public void TheTimeOfAssignmentsInALoop()
    {
        const int n = 1000;
        var w = Leaf(0.9);
        for (int repeat = 0; repeat < 3; repeat++)
        {
            var x = Tensor.Zeros([n], DType.Float64, device);
            var watch = System.Diagnostics.Stopwatch.StartNew();
            for (int i = 0; i < n; i++)
            {
                x[i] = w[0] * i;
            }

            var forward = watch.Elapsed;
            x.Sum().Backward();
            TestContext.Progress.WriteLine(
                $"{device} {TestDevices.ModeName(lazy)}: forward {forward.TotalMilliseconds:0.0} ms, backward {(watch.Elapsed - forward).TotalMilliseconds:0.0} ms for {n} assignments");
        }

        Assert.That(w.Grad!.Item<double>(), Is.EqualTo(3 * n * (n - 1) / 2));
    }

    [Test]
    public void ARecurrenceByAssignment()
    {
        const int n = 60;
        var w = Leaf(0.9);
        var x = Tensor.Zeros([n], DType.Float64, device);
        x[0] = 1;
        for (int i = 1; i < n; i++)
        {
            x[i] = x[i - 1].Clone() * w[0];
        }

        x[n - 1].Backward();
        Assert.That(w.Grad!.Item<double>(), Is.EqualTo((n - 1) * Math.Pow(0.9, n - 2)).Within(1e-12));
    }

    [Test]
    public void OnlyTheGradientsThatAreAskedForAreComputed()
    {
        var (x, w) = (Leaf(1, 2, 3), Leaf(4, 5));
        var y = x * 1;
        y[1..].Mul_(w);
        var sum = y.Sum();
        Assert.That(Autodiff.Grad(sum, w, retainGraph: true).ToArray<double>(), Is.EqualTo(new double[] { 2, 3 }));
        Assert.That(Autodiff.Grad(sum, x, retainGraph: true).ToArray<double>(), Is.EqualTo(new double[] { 1, 4, 5 }));
        sum.Backward();
        var failure = Assert.Throws<GradientException>(() => sum.Backward());
        Assert.That(failure!.Message, Does.Contain("Trying to backward through the graph a second time"));
    }

    [Test]
    public void ADetachedTensorThatIsExpandedIsNotWrittenThroughAView()
    {
        var w = Leaf(2, 3);
        var rows = (Vector(1, 1) * 2).Expand(3, 2).Detach();
        var failure = Assert.Throws<GradientException>(() => rows[0].Mul_(w));
        Assert.That(failure!.Message, Does.Contain("is expanded").And.Contain("Clone()"));
    }

    [Test]
    public void PartsOfSplitChunkAndUnbindShareOneNode()
    {
        var x = Double(3, [5, 2]).RequiresGrad_();
        var parts = x.Split(2);
        Assert.That(parts.Select(p => p.Shape.ToString()), Is.EqualTo(new[] { "[2, 2]", "[2, 2]", "[1, 2]" }));
        Assert.That(parts.Select(p => p.GradFn), Is.All.SameAs(parts[0].GradFn));
        Assert.That(parts[0].GradFn!.Name, Is.EqualTo("SplitBackward0"));
        Assert.That(x.Split([1, 4])[1].GradFn!.Name, Is.EqualTo("SplitWithSizesBackward0"));
        Assert.That(x.Chunk(2, -1).Select(p => p.Shape.ToString()), Is.EqualTo(new[] { "[5, 1]", "[5, 1]" }));
        Assert.That(x.Chunk(4).Length, Is.EqualTo(3), "2, 2 and 1 rows");
        Assert.That(x.Unbind(1).Select(p => p.Shape.ToString()), Is.EqualTo(new[] { "[5]", "[5]" }));
        Assert.That(x[..0].Chunk(3).Length + x[..0].Split(2).Length * 10 + x[..0].Unbind().Length * 100, Is.EqualTo(13));
        Assert.That(x.Split(2)[1].ToArray<double>(), Is.EqualTo(x[2..4].ToArray<double>()));
        Assert.That(x.Unbind(1)[1].ToArray<double>(), Is.EqualTo(x[.., 1].ToArray<double>()));
        foreach (var cut in new Func<Tensor, Tensor[]>[] { t => t.Split(2), t => t.Split([1, 0, 4]), t => t.Split(1, 1), t => t.Chunk(3), t => t.Unbind(), t => t.Unbind(-1) })
        {
            Assert.That(Autodiff.GradCheck(i => cut(i[0] * 2), [x]));
            Assert.That(Autodiff.GradGradCheck(i => [cut(i[0])[0] * cut(i[0] * i[0])[1].Sum()], [x]));
        }

        Assert.Throws<ShapeException>(() => x.Split(0));
        Assert.Throws<ShapeException>(() => x.Split([2, 2]));
        Assert.Throws<ShapeException>(() => x.Chunk(0));
        Assert.Throws<ShapeException>(() => x.Sum().Unbind());
    }

    private Tensor Double(int seed, Shape shape) => Numbers.Double(seed, shape, 0.3, 1.7, device);

    private Tensor Vector(params double[] values) => Tensor.FromArray(values, device);

    private Tensor Leaf(params double[] values) => Vector(values).RequiresGrad_();
}
