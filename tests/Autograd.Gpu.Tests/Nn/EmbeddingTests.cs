using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>What the table does not reach: padding, frequencies, norms, bags at the edges, layers, errors.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class EmbeddingTests(Device device)
{
    private Tensor At(params long[] index) => Tensor.FromArray(index, device);

    private Tensor Table(bool requiresGrad = true) => Tensor.FromArray(new[,] { { 1f, 2 }, { 3, 4 }, { -6, 8 } }, device, requiresGrad);

    [Test]
    public void ThePaddingRowHasNoGradient()
    {
        var table = Table();
        var rows = Functional.Embedding(At(1, 2, 1), table, paddingIdx: -2);
        Assert.That(rows.Doubles(), Is.EqualTo(new double[] { 3, 4, -6, 8, 3, 4 }));
        rows.Backward(Tensor.FromArray(new[,] { { 1f, 2 }, { 3, 4 }, { 5, 6 } }, device));
        Assert.That(table.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0, 0, 0, 3, 4 }));

        // Second order: the gradient is linear in the gradient given.
        var seed = Tensor.Ones([3, 2], device: device, requiresGrad: true);
        var gradient = Autodiff.Grad([Functional.Embedding(At(1, 2, 1), table, 1)], [table], [seed], createGraph: true)[0]!;
        (gradient * 3).Sum().Backward();
        Assert.That(seed.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0, 3, 3, 0, 0 }));
    }

    [Test]
    public void GradientsAreDividedByTheFrequencyIfAskedFor([Values(DType.Float32, DType.Float16)] DType dtype)
    {
        var table = Table(false).To(dtype).RequiresGrad_();
        Functional.Embedding(At(1, 2, 1, 1), table, scaleGradByFreq: true).Sum().Backward();
        Assert.That(table.Grad!.DType, Is.EqualTo(dtype));
        Assert.That(table.Grad.Doubles(), Is.EqualTo(new double[] { 0, 0, 1, 1, 1, 1 }).Within(1e-3));

        var weights = Tensor.Stack([Table(false), Table(false) * 2]).RequiresGrad_();
        Autodiff.Vmap((w, i) => Functional.Embedding(i, w, paddingIdx: 0, scaleGradByFreq: true))(weights, Tensor.FromArray(new[,] { { 1L, 1, 0 }, { 2, 1, 1 } }, device)).Sum().Backward();
        Assert.That(weights.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1 }).Within(1e-6));
    }

    [Test]
    public void RowsThatAreLookedUpAreScaledDownInPlace()
    {
        var table = Table();
        int version = table.Version;
        var rows = Functional.Embedding(At(2, 0, 2), table, maxNorm: 5);
        Assert.That(table.Version, Is.EqualTo(version + 1));
        Assert.That(table.Doubles(), Is.EqualTo(new double[] { 1, 2, 3, 4, -3, 4 }).Within(1e-5));
        Assert.That(rows.Doubles(), Is.EqualTo(new double[] { -3, 4, 1, 2, -3, 4 }).Within(1e-5));
        rows.Sum().Backward();
        Assert.That(table.Grad!.Doubles(), Is.EqualTo(new double[] { 1, 1, 0, 0, 2, 2 }));

        // A kept copy has the old rows; a view of a larger table is written as a part of it.
        var (pair, copy) = (Tensor.Stack([Table(false), Table(false)]), Table(false));
        var kept = copy.Clone();
        Functional.Embedding(At(1), copy, maxNorm: 1, normType: 1);
        Functional.Embedding(At(1), pair[1], maxNorm: 7, normType: 1);
        Functional.Embedding(At(2), pair[1], maxNorm: 7, normType: 1);
        Assert.That(copy.Doubles(), Is.EqualTo(new[] { 1, 2, 3 / 7.0, 4 / 7.0, -6, 8 }).Within(1e-6));
        Assert.That(kept.Doubles(), Is.EqualTo(Table().Doubles()));
        Assert.That(pair.Doubles(), Is.EqualTo(new double[] { 1, 2, 3, 4, -6, 8, 1, 2, 3, 4, -3, 4 }).Within(1e-5));
    }

    [Test]
    public void BagsAtTheEdges()
    {
        var table = Table();
        var padded = Functional.EmbeddingBag(At(0, 0, 2, 1), table, At(0, 2), EmbeddingBagMode.Max, paddingIdx: 0);
        Assert.That(padded.Doubles(), Is.EqualTo(new double[] { 0, 0, 3, 8 }), "a bag of padding alone is empty");
        padded.Sum().Backward();
        Assert.That(table.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0, 1, 0, 0, 1 }));
        var last = Functional.EmbeddingBag(At(0, 1, 2), table, At(0, 1, 2), EmbeddingBagMode.Sum, includeLastOffset: true);
        Assert.That(last.Doubles(), Is.EqualTo(new double[] { 1, 2, 3, 4 }));
        Assert.That(Functional.EmbeddingBag(At(), table, At(0, 0)).Doubles(), Is.EqualTo(new double[4]));
        Assert.That(Functional.EmbeddingBag(At(), table, At()).Shape, Is.EqualTo(Shape.Create([0, 2])));
        Assert.That(Functional.EmbeddingBag(At(0, 1).Unsqueeze(0).To(DType.Int32), table, mode: EmbeddingBagMode.Max).Doubles(), Is.EqualTo(new double[] { 3, 4 }));
        Assert.That(Functional.Embedding(At().Reshape(0, 3), table).Shape, Is.EqualTo(Shape.Create([0, 3, 2])));
        Assert.That(Functional.Embedding(At(2)[0], table).Doubles(), Is.EqualTo(new double[] { -6, 8 }));

        // The first of equal rows gets the gradient.
        var tied = Tensor.Ones([3, 1], device: device, requiresGrad: true);
        Functional.EmbeddingBag(At(2, 1, 0), tied, At(0), EmbeddingBagMode.Max).Sum().Backward();
        Assert.That(tied.Grad!.Doubles(), Is.EqualTo(new double[] { 0, 0, 1 }));
    }

    [Test]
    public void BagsOfAllSizesAreSumsMeansAndMaxima(
        [Values(1, 3, 16, 37, 130)] int columns, [Values(DType.Float16, DType.BFloat16, DType.Float32, DType.Float64)] DType dtype)
    {
        // Around the sizes of vectors and of the blocks in which sums are taken.
        int[] sizes = device == Device.Cpu && columns < 20 ? [0, 1, 63, 64, 65, 0, 129, 4097, 2, 0] : [0, 1, 65, 0, 2];
        var random = new Random(columns);
        var rows = sizes.Select(n => Enumerable.Range(0, n).Select(_ => (long)random.Next(11)).ToArray()).ToArray();
        long[] index = [.. rows.SelectMany(r => r)], offsets = [.. sizes.Select((_, b) => (long)sizes[..b].Sum())];
        var table = Numbers.Double(columns, [11, columns], -1, 1, device).To(dtype);
        var weights = Numbers.Double(9, [index.Length], -1, 1, device).To(dtype);
        double[] values = table.Doubles(), factors = weights.Doubles();
        foreach (long? padding in new long?[] { null, 4 })
        {
            double[] Combined(Func<(double Value, double Factor)[], double> combine) =>
            [
                .. from b in Enumerable.Range(0, sizes.Length)
                   from c in Enumerable.Range(0, columns)
                   select combine([.. rows[b].Select((r, k) => (r, k)).Where(e => e.r != padding).Select(e => (values[e.r * columns + c], factors[offsets[b] + e.k]))]),
            ];
            Tensor Bag(EmbeddingBagMode mode, Tensor? factor = null) => Functional.EmbeddingBag(At(index), table, At(offsets), mode, factor, paddingIdx: padding);
            // The longest bag has some 2,500 units of magnitude in float32, in which halves are summed too: they are rounded once.
            double within = dtype == DType.Float64 ? 1e-10 : 1e-3, unit = dtype switch { DType.Float16 => 1.0 / 2048, DType.BFloat16 => 1.0 / 256, _ => 0 };
            void Compare(Tensor actual, double[] expected) =>
                Assert.That(actual.Doubles().Zip(expected, (a, e) => Math.Abs(a - e) - unit * Math.Abs(e)), Is.All.LessThan(within));
            Compare(Bag(EmbeddingBagMode.Sum), Combined(x => x.Sum(e => e.Value)));
            Compare(Bag(EmbeddingBagMode.Sum, weights), Combined(x => x.Sum(e => e.Value * e.Factor)));
            Compare(Bag(EmbeddingBagMode.Mean), Combined(x => x.Sum(e => e.Value) / Math.Max(1, x.Length)));
            Assert.That(Bag(EmbeddingBagMode.Max).Doubles(), Is.EqualTo(Combined(x => x.Select(e => e.Value).DefaultIfEmpty().Max())));
        }
    }

    [Test]
    public void BagsNeverHoldTheirRows()
    {
        // A hundred thousand rows of 16 would be 6.4 MB; the table is small.
        var index = Tensor.Arange(device == Device.Cpu ? 100_000 : 1000, DType.Int64, device) % 5;
        var offsets = Tensor.FromArray([0L, 10, 500], device);
        var table = Numbers.Double(1, [5, 16], -1, 1, device).To(DType.Float32).RequiresGrad_();
        var weights = Tensor.Ones([index.NumElements], device: device).RequiresGrad_();
        foreach (var mode in Enum.GetValues<EmbeddingBagMode>())
        {
            using var log = new KernelLog();
            Functional.EmbeddingBag(index, table, offsets, mode, mode == EmbeddingBagMode.Sum ? weights : null).Sum().Backward();
            Assert.That(log.Events, Is.Not.Empty);
            Assert.That(log.Events.Select(e => e.Shape.NumElements), Is.All.LessThanOrEqualTo(2 * index.NumElements), log.ToString());
        }

        Close.AreEqual(weights.Grad!, table.Detach().Sum(1).IndexSelect(0, index), "weights", 1e-6);
    }

    [Test]
    public void HalfTablesAreReadInPlaceAndComputedInFloat32([Values(DType.Float16, DType.BFloat16)] DType dtype, [Values] EmbeddingBagMode mode)
    {
        var table = Numbers.Double(1, [500, 19], -1, 1, device).To(dtype);
        var factors = mode == EmbeddingBagMode.Sum ? Numbers.Double(2, [6], -1, 1, device).To(dtype) : null;
        var seed = Numbers.Double(3, [2, 19], -1, 1, device).To(dtype);
        Tensor[] Run(DType computed)
        {
            Tensor weight = table.To(computed).Clone().RequiresGrad_();
            var weights = factors?.To(computed).Clone().RequiresGrad_();
            weight.Materialize();
            using var log = new KernelLog();
            var bags = Functional.EmbeddingBag(At(7, 499, 7, 0, 1, 7), weight, At(0, 4), mode, weights);
            bags.Materialize();
            Assert.That(log.Events.Select(e => e.Shape.NumElements), Is.All.LessThan(500), $"the table is not converted as a whole: {log}");
            bags.Backward(seed.To(computed));
            return [bags.Detach(), weight.Grad!, .. weights is null ? Array.Empty<Tensor>() : [weights.Grad!]];
        }

        foreach (var (half, single) in Run(dtype).Zip(Run(DType.Float32)))
        {
            Assert.That(half.DType, Is.EqualTo(dtype));
            Assert.That(half.Doubles(), Is.EqualTo(single.To(dtype).Doubles()), "as in float32, rounded once");
        }
    }

    [Test]
    public void TheLargestOfABagIsNanWhereOneIs()
    {
        var table = Tensor.FromArray(new[,] { { 1, float.NaN }, { 2, 1 }, { float.NegativeInfinity, 3 } }, device);
        Assert.That(Functional.EmbeddingBag(At(1, 0, 2, 2), table, At(0, 3), EmbeddingBagMode.Max).Doubles(), Is.EqualTo(new[] { 2, double.NaN, double.NegativeInfinity, 3 }));
        Assert.That(
            Functional.EmbeddingBag(At(0, 1, 2), table, At(0, 1), EmbeddingBagMode.Sum, paddingIdx: 0).Doubles(), Is.EqualTo(new[] { 0, 0, double.NegativeInfinity, 4 }), "padding is left out");
    }

    [Test]
    public void GradientsOfWideRowsAreSums([Values(DType.Float32, DType.Float64, DType.BFloat16)] DType dtype)
    {
        // Wider than vectors and not a multiple of them.
        long[] index = [2, 0, 2, 2];
        var values = Numbers.Uniform(1, 4 * 37, -1, 1);
        var table = Tensor.Zeros([3, 37], dtype, device, requiresGrad: true);
        var seed = Tensor.FromArray(values, [4, 37], device).To(dtype);
        Functional.Embedding(At(index), table).Backward(seed);
        var given = seed.Doubles();
        var expected = Enumerable.Range(0, 3 * 37).Select(e => index.Select((row, k) => row == e / 37 ? given[k * 37 + e % 37] : 0).Sum());
        Assert.That(table.Grad!.Doubles(), Is.EqualTo(expected).Within(dtype == DType.BFloat16 ? 1e-2 : 1e-6));
    }

    [Test]
    public void Layers()
    {
        var layer = new Embedding(4, 3, paddingIdx: -1, device: device);
        Assert.That((layer.Weight.Shape, layer.Weight.IsLeaf, layer.Weight.RequiresGrad), Is.EqualTo((Shape.Create([4, 3]), true, true)));
        Assert.That(layer.Weight.Doubles()[9..], Is.EqualTo(new double[3]));
        Assert.That(layer.Weight.Doubles()[..9], Has.None.Zero);
        layer.Call(At(3, 1, 3)).Sum().Backward();
        Assert.That(layer.Weight.Grad!.Sum(1).Doubles(), Is.EqualTo(new double[] { 0, 3, 0, 0 }));
        Assert.That(Embedding.FromPretrained(Table(false)).Weight.RequiresGrad, Is.False);
        Assert.That(EmbeddingBag.FromPretrained(Table(false), freeze: false, mode: EmbeddingBagMode.Sum).Forward(At(0, 1), At(0)).Doubles(), Is.EqualTo(new double[] { 4, 6 }));
        Assert.That(new EmbeddingBag(3, 2, device: device).Call(At(0, 1).Unsqueeze(0)).Shape, Is.EqualTo(Shape.Create([1, 2])));
        Assert.That(Functional.OneHot(At(2, 0)).Doubles(), Is.EqualTo(new double[] { 0, 0, 1, 1, 0, 0 }));
    }

    private static IEnumerable<TestCaseData> Errors()
    {
        var table = Tensor.Zeros([3, 2]);
        Tensor at = Tensor.FromArray([0L, 1]), elsewhere = Tensor.Zeros([2], DType.Int64, Device.CpuKernels);
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        Tensor Mapped(long[,] offsets) =>
            Autodiff.Vmap(o => Functional.EmbeddingBag(at, table, o, EmbeddingBagMode.Sum))(Tensor.FromArray(offsets));
        yield return Case<ShapeException>("table of one dimension", () => Functional.Embedding(at, table[0]), "'weight' must be 2-D");
        yield return Case<ShapeException>("out of range", () => Functional.Embedding(at + 2, table), "Embedding: index 3 is out of bounds for dimension 0 with size 3");
        yield return Case<DTypeException>("by floats", () => Functional.Embedding(table, table), "Expected dtype int64 for index");
        yield return Case<DeviceMismatchException>("elsewhere", () => Functional.Embedding(elsewhere, table), "Expected all tensors to be on the same device");
        yield return Case<ShapeException>("padding", () => Functional.Embedding(at, table, 3), "Padding_idx must be within num_embeddings");
        yield return Case<ShapeException>("layer's padding", () => new Embedding(3, 2, -4), "Padding_idx must be within num_embeddings");
        yield return Case<ShapeException>("bag without offsets", () => Functional.EmbeddingBag(at, table), "offsets has to be a 1D Tensor");
        yield return Case<ShapeException>("bag of the least number", () => Functional.EmbeddingBag(Tensor.FromArray([0L, long.MinValue]), table, at[..1]), "is out of bounds for dimension 0 with size 3");
        yield return Case<ShapeException>("bags of a matrix with offsets", () => Functional.EmbeddingBag(at.Unsqueeze(0), table, at), "If input is 2D, then offsets has to be None");
        yield return Case<ShapeException>("offsets not from 0", () => Functional.EmbeddingBag(at, table, at + 1), "offsets[0] has to be 0");
        yield return Case<ShapeException>("offsets beyond the input, mapped", () => Mapped(new[,] { { 0L, 2 }, { 0, 1 << 28 } }), "offsets[1] is 268435456");
        yield return Case<ShapeException>("offsets below 0, mapped", () => Mapped(new[,] { { 0L, 2 }, { -(1 << 28), 2 } }), "offsets[0] is -268435456");
        yield return Case<ShapeException>("offsets that descend", () => Functional.EmbeddingBag(at, table, Tensor.FromArray([0L, 2, 1])), "offsets[2] is 1");
        yield return Case<ArgumentException>("weights of a mean", () => Functional.EmbeddingBag(at, table, at, perSampleWeights: table[..2, 0]), "only supported for mode='sum'");
        yield return Case<ShapeException>("weights of another shape", () => Functional.EmbeddingBag(at, table, at, EmbeddingBagMode.Sum, table[..1, 0]), "same shape as the input");
        yield return Case<DTypeException>("table of whole numbers", () => Functional.EmbeddingBag(at, table.To(DType.Int32), at), "to have one of the following scalar types: float16, bfloat16, float32, float64; but got int32");
        yield return Case<DTypeException>("weights of another dtype", () => Functional.EmbeddingBag(at, table, at, EmbeddingBagMode.Sum, Tensor.Zeros([2], DType.Float64)), "float64");
        yield return Case<ShapeException>("OneHot of no class", () => Functional.OneHot(at, 0), "num_classes should be positive");
        yield return Case<ShapeException>("FromPretrained", () => Embedding.FromPretrained(table[0]), "expected to be 2-dimensional");
    }

    [TestCaseSource(nameof(Errors))]
    public void IsRefused(Type exception, Func<object> call, string says) =>
        Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));
}
