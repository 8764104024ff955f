using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>What a map over a batch promises beyond the rule of each operation: dtypes, chunks, random numbers, errors.</summary>
internal sealed class VmapTests
{
    private static IEnumerable<TestCaseData> Pointwise => PointwiseTable.Cases(o => o.Arity == 2 || o.TakesCondition);

    private static IEnumerable<TestCaseData> PointwiseOnDevices => PointwiseTable.CasesOnDevices(o => o.Supports(DType.Int64) || o.Supports(DType.Bool));

    [TestCaseSource(nameof(Pointwise))]
    public void DtypesPromoteAsInTheLoop(PointwiseOperation operation)
    {
        // Samples of different rank, a batch of 0-d samples among them: for promotion these are still 0-d.
        DType[] dtypes = [DType.Bool, DType.Int32, DType.Int64, DType.Float32, DType.Float64];
        foreach (var (a, b) in from a in dtypes from b in dtypes select (a, b))
        {
            foreach (var (left, right) in new (Shape, Shape)[] { ([], [2]), ([2], []), ([], []), ([2], [2]), ([2, 1], [2]) })
            {
                foreach (int which in new[] { 1, 2, 3 })
                {
                    var x = Of(a, left, (which & 1) != 0);
                    var y = Of(b, right, (which & 2) != 0);
                    int?[] dims = [(which & 1) != 0 ? 0 : null, (which & 2) != 0 ? 0 : null];
                    var condition = Tensor.FromArray([true, false], [2]);
                    Tensor Apply(Tensor s, Tensor t) => PointwiseTable.Apply(operation, operation.TakesCondition ? [condition, s, t] : [s, t]);
                    Tensor Expected() => Tensor.Stack([.. Enumerable.Range(0, 3).Select(i => Apply(At(x, dims[0], i), At(y, dims[1], i)))]);
                    Tensor Actual() => Autodiff.Vmap(s => [Apply(s[0], s[1])], dims)([x, y])[0];
                    string what = $"{a} {left}, {b} {right}, batched {which}";
                    Tensor expected;
                    try
                    {
                        expected = Expected();
                    }
                    catch (DTypeException e)
                    {
                        Assert.That(Assert.Throws<DTypeException>(() => Actual())!.Message, Is.EqualTo(e.Message), what);
                        continue;
                    }

                    Close.AreEqual(Actual(), expected, what, 1e-6);
                }
            }
        }

        static Tensor Of(DType dtype, Shape shape, bool batched)
        {
            Shape full = [.. batched ? new long[] { 3 } : [], .. shape];
            return Numbers.Of(Array.ConvertAll(Numbers.Uniform(5, full.NumElements, 0.6, 4), v => dtype.IsFloatingPoint() ? v : Math.Floor(v)), full, dtype, Device.Cpu);
        }
    }

    [TestCaseSource(nameof(PointwiseOnDevices))]
    public void IntegersBoolsAndNumbersAreMapped(PointwiseOperation operation, Device device)
    {
        foreach (var dtype in new[] { DType.Int64, DType.Int32, DType.Bool }.Where(operation.Supports))
        {
            var inputs = Enumerable.Range(0, operation.Arity).Select(i =>
                Numbers.Of(Array.ConvertAll(Numbers.Uniform(i, 6, 0, 3), Math.Floor), [3, 2], i == 0 && operation.TakesCondition ? DType.Bool : dtype, device)).ToArray();
            var actual = Autodiff.Vmap(s => [PointwiseTable.Apply(operation, s)], [.. inputs.Select(_ => (int?)1)])(inputs)[0];
            var expected = Tensor.Stack([.. Enumerable.Range(0, 2).Select(i => PointwiseTable.Apply(operation, [.. inputs.Select(x => x.Select(1, i))]))]);
            Close.AreEqual(actual, expected, $"{dtype}");
        }
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void NumbersBesideZeroDimensionalSamplesPromoteAsOutside(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var whole = Tensor.FromArray(new long[] { 1, 2, 3 }, device);
        foreach (var f in new Func<Tensor, Tensor>[] { s => s * 0.5, s => s + 2, s => 1 / s, s => s.Clamp(min: 2), s => s > 1.5, s => s * s.To(DType.Float64), s => Tensor.Where(s > 1, s, 0.5), s => s.Mean(), s => s.Sum() })
        {
            Tensor expected;
            try
            {
                expected = Tensor.Stack([.. Enumerable.Range(0, 3).Select(i => f(whole[i]))]);
            }
            catch (DTypeException)
            {
                Assert.Throws<DTypeException>(() => Autodiff.Vmap(f)(whole));
                continue;
            }

            Close.AreEqual(Autodiff.Vmap(f)(whole), expected, "whole numbers");
        }
    }

    [Test]
    public void EachOperationRunsOnceForAllSamples()
    {
        using var mode = Laziness.Set(true);
        var x = Numbers.Double(1, [64, 5], -1, 1, Device.Cpu);
        var f = Autodiff.Vmap(s => (s.Exp() * 2).Sum());
        f(x).Materialize();
        using var log = new KernelLog();
        f(x).Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
    }

    [Test]
    public void ChunksGiveWhatTheWholeDoes()
    {
        var (x, w) = (Numbers.Double(1, [5, 3], -1, 1, Device.Cpu), Numbers.Double(2, [3], -1, 1, Device.Cpu));
        int runs = 0;
        Tensor Function(Tensor s, Tensor t)
        {
            runs++;
            return s * t;
        }

        var expected = Autodiff.Vmap(Function, (0, null), 1)(x, w);
        foreach (var (chunk, count) in new[] { (1, 5), (2, 3), (4, 2), (5, 1), (9, 1) })
        {
            runs = 0;
            Close.AreEqual(Autodiff.Vmap(Function, (0, null), 1, chunkSize: chunk)(x, w), expected, $"chunks of {chunk}");
            Assert.That(runs, Is.EqualTo(count));
        }

        Close.AreEqual(Autodiff.JacRev(a => a * a, 2)(w), Autodiff.JacRev(a => a * a)(w), "JacRev");
        Close.AreEqual(Autodiff.JacFwd(a => a * a, 2)(w), Autodiff.JacRev(a => a * a)(w), "JacFwd");
        Assert.That(Assert.Throws<ArgumentException>(() => Autodiff.Vmap(a => a, chunkSize: 0)(x))!.Message, Does.Contain("Chunk size").And.Contain("greater than 0"));
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void RandomNumbersAreAnErrorTheSameOrDifferent(Device device)
    {
        var x = Tensor.Zeros([4, 3], device: device);
        Tensor Function(Tensor s) => s + Tensor.Rand([3], device: s.Device);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Vmap(Function)(x))!.Message, Does.StartWith("Rand: vmap: called random operation while in randomness error mode"));
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Vmap(s => s + Tensor.Randn([3], device: s.Device))(x))!.Message, Does.StartWith("Randn: vmap: called random operation"));
        var same = Autodiff.Vmap(Function, randomness: VmapRandomness.Same)(x);
        Assert.That((same - same[0]).Abs().Max().Item<float>(), Is.Zero);
        var different = Autodiff.Vmap(Function, randomness: VmapRandomness.Different)(x).Doubles();
        Assert.That(different.Distinct().Count(), Is.EqualTo(12));

        // Inside other transforms the mode of the map around them counts; among maps each has its own.
        Assert.Throws<GradientException>(() => Autodiff.Vmap(Autodiff.Grad(s => Function(s).Sum()))(x));
        var gradients = Autodiff.Vmap(Autodiff.Grad(s => (s * Tensor.Rand([3], device: device)).Sum()), randomness: VmapRandomness.Different)(x).Doubles();
        Assert.That(gradients.Distinct().Count(), Is.EqualTo(12));
        var inner = Autodiff.Vmap(Autodiff.Vmap(s => s + Tensor.Rand([], device: device), randomness: VmapRandomness.Same), randomness: VmapRandomness.Different)(x);
        Assert.That(inner.Doubles().Distinct().Count(), Is.EqualTo(4), "one number for each outer sample");
        Assert.That((inner - inner[.., 0].Unsqueeze(1)).Abs().Max().Item<float>(), Is.Zero);
        Assert.Throws<GradientException>(() => Autodiff.Vmap(Autodiff.Vmap(s => s + Tensor.Rand([], device: device), randomness: VmapRandomness.Different))(x));
        Tensor.ManualSeed(3);
        var first = Autodiff.Vmap(Function, randomness: VmapRandomness.Same)(x)[0].Doubles();
        Tensor.ManualSeed(3);
        Assert.That(Tensor.Rand([3], device: device).Doubles(), Is.EqualTo(first));
    }

    [Test]
    public void ResultsThatDoNotDependOnTheSampleAreRepeated()
    {
        var x = Tensor.Ones([4, 2]);
        var shared = Tensor.FromArray([1f, 2f]);
        var results = Autodiff.Vmap(s => [shared, s[0] + s[0], Tensor.Of(7)], [0], [0, 0, 0])([x]);
        Assert.That(results.Select(r => r.Shape), Is.EqualTo(new Shape[] { [4, 2], [4, 2], [4] }));
        Assert.That(results[0].Doubles(), Is.EqualTo(new double[] { 1, 2, 1, 2, 1, 2, 1, 2 }));
        Assert.That(results[2].DType, Is.EqualTo(DType.Int64));
    }

    [Test]
    public void WrongDimensionsAreRefused()
    {
        var x = Tensor.Ones([2, 3]);
        Message<ShapeException>(() => Autodiff.Vmap(s => s, 2)(x), "Got in_dim=2", "[2, 3]", "-2 <= in_dim < 2");
        Message<ShapeException>(() => Autodiff.Vmap(s => s)(Tensor.Of(1f)), "in_dim=0", "[]", "null for an input that all samples share");
        Message<ShapeException>(() => Autodiff.Vmap((s, t) => s)(x, Tensor.Ones([4])), "Expected all tensors to have the same size in the mapped dimension", "[2, 4]");
        Message<ShapeException>(() => Autodiff.Vmap((s, t) => s, (null, null))(x, x), "nothing to map over");
        Message<ShapeException>(() => Autodiff.Vmap(s => [s[0]], [0])([x, x]), "1 entries, but 2 inputs");
        Message<ShapeException>(() => Autodiff.Vmap(s => [s[0], s[0]], [0], [0])([x]), "out_dims has 1 entries", "2 tensors");
        Message<ShapeException>(() => Autodiff.Vmap(s => s, 0, 2)(x), "Dimension out of range");
        Message<ArgumentNullException>(() => Autodiff.Vmap((Func<Tensor, Tensor>)null!));
    }

    [Test]
    public void ValuesCannotBeReadInside()
    {
        var x = Tensor.Ones([2, 1]);
        foreach (var read in new Func<Tensor, object>[] { s => s.Item<float>(), s => s.ToArray<float>(), s => s.Exp().Item<float>(), s => (s > 0).Item<bool>() })
        {
            Message<GradientException>(() => Autodiff.Vmap(s => read(s) is null ? s : s * 2)(x), "it looks like you're reading the elements", "inside Vmap", "Tensor.Where instead of if");
            Message<GradientException>(() => Autodiff.Vmap(Autodiff.Grad(s => read(s) is null ? s : s.Sum()))(x), "inside Vmap");
        }

        // Inside a differentiation there is one value.
        Assert.That(Autodiff.Grad(s => s.Item<float>() > 0 ? s * 2 : s)(Tensor.Of(1f)).Item<float>(), Is.EqualTo(2));
        Assert.That(Autodiff.Vmap(s => s)(x).ToString(), Does.StartWith("tensor"));
        string? shown = null;
        Autodiff.Vmap(s =>
        {
            shown = s.ToString();
            return s;
        })(x);
        Assert.That(shown, Does.Contain("BatchedTensor").And.Contain("[1]"));
    }

    [Test]
    public void TensorsThatEscapeAreRefused()
    {
        Tensor? kept = null;
        Autodiff.Vmap(s => kept = s * 2)(Tensor.Ones([2, 3]));
        Message<GradientException>(() => _ = kept! + 1, "from inside Vmap is used after Vmap has ended", "[3]", "Add");
        Message<GradientException>(() => kept!.Sum(), "used after Vmap has ended");
        Message<GradientException>(() => kept!.Add_(1), "used after Vmap has ended");
        Message<GradientException>(() => kept!.ToArray<float>(), "inside Vmap");
        Message<GradientException>(() => Autodiff.Vmap(s => s * kept!)(Tensor.Ones([2, 3])), "used after Vmap has ended");

        // A tensor kept from inside a differentiation is its value.
        Autodiff.Grad(a => (kept = a * a).Sum())(Tensor.FromArray([3f]));
        Assert.That((kept! + 1).Item<float>(), Is.EqualTo(10));
        Assert.That((kept! + 1).RequiresGrad, Is.False);
    }

    [Test]
    public void TheTapeInsideIsThatOfATransform()
    {
        var x = Tensor.Ones([2, 3], requiresGrad: true);
        Message<GradientException>(() => Autodiff.Vmap(s => { s.Sum().Backward(); return s; })(x), "no place on the tape of its own", "Autodiff.Grad(f)");
        Message<GradientException>(() => Autodiff.Vmap(s => s.RequiresGrad_())(x.Detach()), "inside Vmap", "Autodiff.Grad(f)");
        Autodiff.Vmap(s => s * s)(x).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.All.EqualTo(2.0));
    }

    [Test]
    public void AnOperationWithoutARuleRunsInALoopAndSaysSo()
    {
        var warnings = new List<string>();
        void Add(string text) => warnings.Add(text);
        Warnings.Raised += Add;
        try
        {
            var (x, w) = (Numbers.Double(1, [3, 2], -1, 1, Device.Cpu), Numbers.Double(2, [2], -1, 1, Device.Cpu));
            for (int i = 0; i < 2; i++)
            {
                var result = Autodiff.Vmap((s, t) => Structural.Apply(new NoRule(), s, t), (0, null))(x, w);
                Close.AreEqual(result, x * w, "the loop");
                Close.AreEqual(Autodiff.Vmap(Autodiff.Grad(s => Structural.Apply(new NoRule(), s, w).Sum()))(x), w.Expand(3, 2), "its gradient");
            }

            // Without samples there is nothing that could tell the result's shape.
            Assert.Throws<ShapeException>(() => Autodiff.Vmap(s => Structural.Apply(new NoRule(), s, w))(Tensor.Zeros([0, 2], DType.Float64)));
        }
        finally
        {
            Warnings.Raised -= Add;
        }

        Assert.That(warnings, Has.Exactly(1).Contains("there is a performance drop because NoRule has no batching rule"));
    }

    private static void Message<T>(Action action, params string[] parts) where T : Exception
    {
        string message = Assert.Throws<T>(() => action())!.Message;
        foreach (string part in parts)
        {
            Assert.That(message, Does.Contain(part));
        }

        Assert.That(Transforms.Level.Current, Is.Null, "an open level was left behind");
    }

    private static Tensor At(Tensor x, int? dim, int index) => dim is null ? x : x.Select(0, index);

    /// <summary>a * b, without a rule for batches.</summary>
    private sealed class NoRule() : StructuralOperation("NoRule")
    {
        public override Saves Saves => Saves.Inputs;

        public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => inputs[0].Detach() * inputs[1].Detach();

        public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
        {
            inputGradients[0] = gradient * saved.Input1;
            inputGradients[1] = gradient * saved.Input0;
        }

        public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;
    }
}
