using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Attention beyond the table's tiny rows: several tiles, masks, dropout, half types, memory, strides.</summary>
internal sealed class AttentionTests
{
    private static Tensor Random(int seed, Shape shape, Device device, bool requiresGrad = true) =>
        Tensor.FromArray(Array.ConvertAll(Numbers.Uniform(seed, shape.NumElements, -1, 1), v => (float)v), shape, device, requiresGrad);

    /// <summary>The formula with the whole matrix of scores.</summary>
    private static Tensor Plain(Tensor q, Tensor k, Tensor v, Tensor? mask, bool isCausal)
    {
        var scores = q.MatMul(k.Transpose(-2, -1)) / Math.Sqrt(q.Shape[-1]);
        if (isCausal)
        {
            mask = Tensor.Ones([q.Shape[-2], k.Shape[-2]], device: q.Device).Tril() > 0;
        }

        scores = mask is null ? scores : mask.DType == DType.Bool ? Tensor.Where(mask, scores, double.NegativeInfinity) : scores + mask;
        return scores.Softmax(-1).MatMul(v);
    }

    private static IEnumerable<TestCaseData> Tiled =>
        from device in TestDevices.All
        from kind in new[] { "plain", "causal", "bool", "added" }
        from wide in new[] { false, true }
        select new TestCaseData(device, kind, wide);

    /// <summary>More than one tile of queries, keys and columns, none of them whole; the host takes few heads and many by different ways.</summary>
    [TestCaseSource(nameof(Tiled))]
    public void AgreesWithTheFormula(Device device, string kind, bool wide)
    {
        bool host = device == Device.Cpu;
        long l = host ? 150 : 11, s = host ? 131 : 9, e = host ? wide ? 33 : 5 : wide ? 37 : 3, f = host ? 19 : 6;
        if (kind == "causal")
        {
            s = l + 2;
        }

        Shape lead = host && !wide ? [4, 2] : [1, 2];
        Tensor q = Random(1, [.. lead, l, e], device), k = Random(2, [.. lead, s, e], device), v = Random(3, [.. lead, s, f], device);
        Tensor? mask = kind switch
        {
            "bool" => Random(4, [lead[0], 1, l, s], device, false) > -0.5,
            "added" => Random(5, [l, s], device, false),
            _ => null,
        };
        var gradient = Random(6, [.. lead, l, f], device, false);
        var expected = Plain(q, k, v, mask, kind == "causal");
        var actual = Functional.ScaledDotProductAttention(q, k, v, mask, isCausal: kind == "causal");
        Close(actual, expected, 3e-6);
        var expectedGradients = Autodiff.Grad([expected], [q, k, v], [gradient]);
        var gradients = Autodiff.Grad([actual], [q, k, v], [gradient]);
        for (int i = 0; i < 3; i++)
        {
            Close(gradients[i]!, expectedGradients[i]!, 2e-5);
        }
    }

    [Test]
    public void NoMatrixOfScoresIsHeld()
    {
        const long L = 1024, Heads = 4;
        var (q, k, v) = (Random(1, [1, Heads, L, 16], Device.Cpu), Random(2, [1, Heads, L, 16], Device.Cpu), Random(3, [1, Heads, L, 16], Device.Cpu));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Device.Cpu.ResetPeakMemory();
        long before = Device.Cpu.Memory.ActiveBytes;
        Functional.ScaledDotProductAttention(q, k, v, isCausal: true, dropoutP: 0.1).Sum().Backward();
        Assert.That(q.Grad!.ToArray<float>(), Has.None.NaN);
        Assert.That(Device.Cpu.Memory.PeakBytes - before, Is.LessThan(L * L * Heads * 4 / 4));
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void HeadsOfAPermutationAreNotCopied(Device device)
    {
        var x = Random(1, [2, 5, 3 * 2 * 4], device);
        var parts = x.Unflatten(-1, 3, 2, 4).Permute(2, 0, 3, 1, 4).Unbind(0);
        using var log = new KernelLog();
        var output = Functional.ScaledDotProductAttention(parts[0], parts[1], parts[2]).Transpose(1, 2);
        Assert.That(output.IsContiguous, "the heads lie side by side again");
        Assert.That(log.Events.Select(e => e.Operations), Is.EqualTo(new[] { "Attention" }));
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void DropoutIsTheSameBackwardAndForEachDtype(Device device)
    {
        Tensor Attend(IReadOnlyList<Tensor> x)
        {
            device.Generator.ManualSeed(11);
            return Functional.ScaledDotProductAttention(x[0], x[1], x[2], dropoutP: 0.4);
        }

        Tensor[] inputs = [.. Enumerable.Range(0, 3).Select(i => Numbers.Double(i, [2, 2, 2], -1, 1, device, requiresGrad: true))];
        Assert.That(Autodiff.GradCheck(Attend, inputs));
        Assert.That(Autodiff.GradGradCheck(Attend, inputs));
        var single = Attend([.. inputs.Select(x => x.Detach().To(DType.Float32))]);
        Close(single, Attend(inputs), 1e-6);
    }

    [Test]
    public void DropoutDropsItsShare()
    {
        // Equal scores and unit values: a row's output is the share that stays, over what is left of 1.
        Tensor q = Tensor.Zeros([8, 64, 4]), ones = Tensor.Ones([8, 100, 1]);
        var output = Functional.ScaledDotProductAttention(q, Tensor.Zeros([8, 100, 4]), ones, dropoutP: 0.3).Doubles();
        Assert.That(output.Average(), Is.EqualTo(1).Within(0.02));
        Assert.That(output.Select(y => (y - 1) * (y - 1)).Average(), Is.EqualTo(0.3 / 0.7 / 100).Within(0.001));
        Assert.That(Functional.ScaledDotProductAttention(q, Tensor.Zeros([8, 100, 4]), ones, dropoutP: 1).Doubles(), Is.All.Zero);
        var mapped = Autodiff.Vmap(x => Functional.ScaledDotProductAttention(x, x, x, dropoutP: 0.5), randomness: VmapRandomness.Same)(Tensor.Ones([2, 6, 4]));
        Assert.That(mapped[0].Doubles(), Is.EqualTo(mapped[1].Doubles()));
        mapped = Autodiff.Vmap(x => Functional.ScaledDotProductAttention(x, x, x, dropoutP: 0.5), randomness: VmapRandomness.Different)(Tensor.Ones([2, 6, 4]));
        Assert.That(mapped[0].Doubles(), Is.Not.EqualTo(mapped[1].Doubles()));
    }

    [TestCase(DType.Float16, 4e-3)]
    [TestCase(DType.BFloat16, 3e-2)]
    public void HalfTypesComputeInSingle(DType dtype, double tolerance)
    {
        Tensor[] x = [.. Enumerable.Range(0, 3).Select(i => Random(i, [2, 5, 4], Device.Cpu, false).To(dtype).Materialize().RequiresGrad_())];
        Tensor[] y = [.. x.Select(t => t.Detach().To(DType.Float32).RequiresGrad_())];
        var half = Functional.ScaledDotProductAttention(x[0], x[1], x[2]);
        var single = Functional.ScaledDotProductAttention(y[0], y[1], y[2]);
        Assert.That(half.DType, Is.EqualTo(dtype));
        Close(half, single, tolerance);
        half.Sum().Backward();
        single.Sum().Backward();
        for (int i = 0; i < 3; i++)
        {
            Assert.That(x[i].Grad!.DType, Is.EqualTo(dtype));
            Close(x[i].Grad!, y[i].Grad!, 2 * tolerance);
        }
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void ARowWithoutKeysIsZeroAndSoIsItsGradient(Device device)
    {
        var (q, k, v) = (Random(1, [3, 2], device), Random(2, [2, 2], device), Random(3, [2, 2], device));
        var mask = Tensor.FromArray(new[,] { { float.NegativeInfinity, float.NegativeInfinity }, { 0, 0 }, { 0, float.NegativeInfinity } }, device);
        var output = Functional.ScaledDotProductAttention(q, k, v, mask);
        output.Sum().Backward();
        Assert.That(output.Doubles()[..2], Is.All.Zero);
        Assert.That(output.Doubles()[4..], Is.EqualTo(v.Doubles()[..2]).Within(1e-6));
        Assert.That(q.Grad!.Doubles()[..2], Is.All.Zero);
        Assert.That(k.Grad!.Doubles(), Has.None.NaN);
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void NoQueriesAndNoHeadsGiveNothing(Device device)
    {
        foreach (var (lead, queries) in new[] { (2L, 0L), (0, 3) })
        {
            var (q, k, v) = (Random(1, [lead, queries, 2], device), Random(2, [lead, 4, 2], device), Random(3, [lead, 4, 3], device));
            var output = Functional.ScaledDotProductAttention(q, k, v);
            Assert.That(output.Shape.ToArray(), Is.EqualTo(new[] { lead, queries, 3 }));
            output.Sum().Backward();
            Assert.That(q.Grad!.NumElements, Is.Zero);
            Assert.That(k.Grad!.Doubles().Concat(v.Grad!.Doubles()), Is.All.Zero);
        }
    }

    [Test]
    public void ManyLeadingDimensionsAndMappedMasks()
    {
        var (q, k, v) = (Random(1, [2, 1, 3, 2, 5, 4], Device.Cpu), Random(2, [2, 2, 1, 2, 6, 4], Device.Cpu), Random(3, [2, 6, 3], Device.Cpu));
        var mask = Random(4, [3, 1, 5, 6], Device.Cpu, false) > -0.5;
        var expected = Plain(q, k, v, mask, false);
        var actual = Functional.ScaledDotProductAttention(q, k, v, mask);
        Close(actual, expected, 1e-6);
        Close(Autodiff.Grad([actual.Square().Sum()], [v])[0]!, Autodiff.Grad([expected.Square().Sum()], [v])[0]!, 1e-5);

        var masks = Random(5, [3, 5, 6], Device.Cpu, false);
        var (row, column) = (q[0, 0, 0, 0].Detach(), k[0, 0, 0, 0].Detach());
        var mapped = Autodiff.Vmap(m => Functional.ScaledDotProductAttention(row, column, v[0].Detach(), m))(masks);
        Close(mapped, Plain(row, column, v[0].Detach(), masks, false), 1e-6);
    }

    [Test]
    public void AWriteOverTheOutputDoesNotChangeTheGradient()
    {
        var (q, k, v) = (Random(1, [3, 2], Device.Cpu), Random(2, [4, 2], Device.Cpu), Random(3, [4, 2], Device.Cpu));
        var weight = Random(4, [3, 2], Device.Cpu, false);
        var expected = Autodiff.Grad([(Functional.ScaledDotProductAttention(q, k, v) * 3 * weight).Sum()], [q])[0]!;
        var output = Functional.ScaledDotProductAttention(q, k, v);
        output.Mul_(3);
        Close(Autodiff.Grad([(output * weight).Sum()], [q])[0]!, expected, 1e-6);
    }

    [Test]
    public void ResultsDoNotDependOnTheNumberOfThreads()
    {
        var (q, k, v) = (Random(1, [1, 200, 24], Device.Cpu), Random(2, [1, 200, 24], Device.Cpu), Random(3, [1, 200, 24], Device.Cpu));
        var results = new List<float[][]>();
        int threads = HostParallel.ThreadCount;
        foreach (int count in new[] { 1, 3 })
        {
            HostParallel.ThreadCount = count;
            try
            {
                var output = Functional.ScaledDotProductAttention(q, k, v);
                results.Add([.. Autodiff.Grad([output.Square().Sum()], [q, k, v]).Select(g => g!.ToArray<float>())]);
            }
            finally
            {
                HostParallel.ThreadCount = threads;
            }
        }

        Assert.That(results[1], Is.EqualTo(results[0]));
    }

    private static readonly Tensor X = Tensor.Zeros([2, 3, 4]);

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("widths", () => Functional.ScaledDotProductAttention(X, Tensor.Zeros([2, 3, 5]), X), "[2, 3, 4], [2, 3, 5]", "last sizes");
        yield return Case<ShapeException>("keys and values", () => Functional.ScaledDotProductAttention(X, X, Tensor.Zeros([2, 4, 4])), "next-to-last");
        yield return Case<ShapeException>("a vector", () => Functional.ScaledDotProductAttention(X[0, 0], X, X), "at least 2 dimensional", "query.dim: 1");
        yield return Case<ShapeException>("heads", () => Functional.ScaledDotProductAttention(Tensor.Zeros([3, 3, 4]), X, X), "must match the size");
        yield return Case<ShapeException>("groups", () => Functional.ScaledDotProductAttention(Tensor.Zeros([3, 3, 4]), X, X, enableGqa: true), "must divide", "2");
        yield return Case<ShapeException>("mask", () => Functional.ScaledDotProductAttention(X, X, X, Tensor.Zeros([4, 3])), "[4, 3]", "[2, 3, 3]");
        yield return Case<DTypeException>("dtypes", () => Functional.ScaledDotProductAttention(X, X.To(DType.Float64), X), "key.dtype: float64");
        yield return Case<DTypeException>("whole numbers", () => Functional.ScaledDotProductAttention(X.To(DType.Int64), X.To(DType.Int64), X.To(DType.Int64)), "floating-point");
        yield return Case<DTypeException>("mask's dtype", () => Functional.ScaledDotProductAttention(X, X, X, Tensor.Zeros([3, 3], DType.Int64)), "attn_mask.dtype: int64");
        yield return Case<DeviceMismatchException>("devices", () => Functional.ScaledDotProductAttention(X, X, X.To(Device.CpuKernels)), "cpu-kernels");
        yield return Case<ArgumentException>("mask and causal", () => Functional.ScaledDotProductAttention(X, X, X, Tensor.Zeros([3, 3]), isCausal: true), "is_causal");
        yield return Case<ArgumentException>("dropout", () => Functional.ScaledDotProductAttention(X, X, X, dropoutP: 1.5), "between 0 and 1", "1.5");
        yield return Case<GradientException>(
            "dropout inside Vmap", () => Autodiff.Vmap(x => Functional.ScaledDotProductAttention(x, x, x, dropoutP: 0.5))(X), "randomness error mode");
    }

    [TestCaseSource(nameof(Refused))]
    public void IsRefused(Type exception, Func<object> call, string[] says)
    {
        string message = Assert.Throws(exception, () => call())!.Message;
        foreach (string phrase in says)
        {
            Assert.That(message, Does.Contain(phrase));
        }
    }

    private static void Close(Tensor actual, Tensor expected, double tolerance)
    {
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape));
        var (a, e) = (actual.Doubles(), expected.Doubles());
        for (int i = 0; i < a.Length; i++)
        {
            Assert.That(a[i], Is.EqualTo(e[i]).Within(tolerance * (1 + Math.Abs(e[i]))), $"element {i}");
        }
    }
}
