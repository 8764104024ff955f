namespace Autograd.Gpu.Tests;

/// <summary>Running reductions, moments, norms and sorting at their edges: zeros, nan, ties, long lines, accuracy.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class ScanAndSortEdgeTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    private Tensor Double(params double[] values) => Tensor.FromArray(values, device);

    private double[] Gradient(double[] at, Func<Tensor, Tensor> function)
    {
        var leaf = Tensor.FromArray(at, device, requiresGrad: true);
        function(leaf).Sum().Backward();
        return leaf.Grad!.ToArray<double>();
    }

    [TestCase(new[] { 2.0, 0, 3 }, new[] { 0.0, 6, 0 })]
    [TestCase(new[] { 0.0, 0, 3 }, new[] { 0.0, 0, 0 })]
    [TestCase(new[] { 2.0, 5, 3 }, new[] { 15.0, 6, 10 })]
    [TestCase(new[] { 0.0 }, new[] { 1.0 })]
    public void ProductsOfZerosHaveTheirGradients(double[] values, double[] expected)
    {
        Assert.That(Gradient(values, x => x.Prod()), Is.EqualTo(expected));
        Assert.That(Gradient(values, x => x.Unsqueeze(0).Prod(1)), Is.EqualTo(expected));
        var at = Tensor.FromArray(values, device, requiresGrad: true);
        Assert.That(Autodiff.GradCheck(x => x.Prod(), at));
        Assert.That(Autodiff.GradGradCheck(x => x.Prod(), at), "second derivatives do not vanish with two zeros");
        Assert.That(Autodiff.GradCheck(x => x.CumProd(0), at));
        Assert.That(Autodiff.GradGradCheck(x => x.CumProd(0), at));
    }

    [Test]
    public void LongLinesAgreeWithLoops()
    {
        // Beyond the length of a chunk, so that a device needs its three passes.
        const int Length = 150, Inner = 2;
        var values = Numbers.Uniform(1, Length * Inner, -1, 1);
        var x = Tensor.FromArray(values, [Length, Inner], device, requiresGrad: true);
        var array = new NdArray([Length, Inner], values);
        double[] Running(double[] v, Func<double, double, double> next) => [.. v.Skip(1).Aggregate(new List<double> { v[0] }, (l, e) => [.. l, next(l[^1], e)])];
        Assert.That(x.CumSum(0).Doubles(), Is.EqualTo(array.AlongDim(0, v => Running(v, (a, b) => a + b)).Values).Within(1e-13));
        Assert.That(x.CumMax(0).Values.Doubles(), Is.EqualTo(array.AlongDim(0, v => Running(v, Math.Max)).Values));
        Assert.That(x.CumMin(0).Values.Doubles(), Is.EqualTo(array.AlongDim(0, v => Running(v, Math.Min)).Values));
        Assert.That((x + 2).CumProd(0).Log().Doubles(), Is.EqualTo(array.Map(v => Math.Log(v + 2)).AlongDim(0, v => Running(v, (a, b) => a + b)).Values).Within(1e-11));
        Assert.That(x.LogCumSumExp(0).Exp().Doubles(), Is.EqualTo(array.Map(Math.Exp).AlongDim(0, v => Running(v, (a, b) => a + b)).Values).Within(1e-11));
        x.CumSum(0).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(Enumerable.Range(0, Length * Inner).Select(i => (double)(Length - i / Inner))));
        x.Grad = null;

        // d/dx[k] of sum over i of exp(x[0] + .. + x[i]), by the chain rule and by the products themselves.
        (x * 0.1).Exp().CumProd(0).Sum().Backward();
        var cumulative = array.Map(v => 0.1 * v).AlongDim(0, v => Running(v, (a, b) => a + b)).Map(Math.Exp);
        var expected = cumulative.AlongDim(0, v => [.. v.Select((_, k) => 0.1 * v[k..].Sum())]);
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(expected.Values).Within(1e-10));
    }

    [Test]
    public void RunningExtremesKeepTheLastOfTiesAndNan()
    {
        var x = Double(1, 3, 3, double.NaN, 5);
        Assert.That(x.CumMax(0).Indices.ToArray<long>(), Is.EqualTo(new long[] { 0, 1, 2, 3, 3 }));
        Assert.That(x.CumMax(0).Values.ToArray<double>(), Is.EqualTo(new[] { 1, 3, 3, double.NaN, double.NaN }));
        Assert.That((-x).CumMin(0).Indices.ToArray<long>(), Is.EqualTo(new long[] { 0, 1, 2, 3, 3 }));
        Assert.That(Gradient([1, 3, 3, 2], v => v.CumMax(0).Values), Is.EqualTo(new double[] { 1, 1, 2, 0 }));
        Assert.That(Double(double.NegativeInfinity, double.NegativeInfinity).CumMax(0).Indices.ToArray<long>(), Is.EqualTo(new long[] { 0, 1 }));
    }

    [Test]
    public void LogCumSumExpKeepsWhatIsFarBelowTheLargest()
    {
        var x = Double(-1000, 0, 1000, 2000);
        Assert.That(x.LogCumSumExp(0).ToArray<double>(), Is.EqualTo(new double[] { -1000, 0, 1000, 2000 }));
        Assert.That(Double(double.NegativeInfinity, double.NegativeInfinity, 1).LogCumSumExp(0).ToArray<double>(), Is.EqualTo(new[] { double.NegativeInfinity, double.NegativeInfinity, 1 }));
        Assert.That(Double(0, double.PositiveInfinity, 1).LogCumSumExp(0).ToArray<double>(), Is.EqualTo(new[] { 0, double.PositiveInfinity, double.PositiveInfinity }));
        Assert.That(Gradient([-1000, 0, 1], v => v.LogCumSumExp(0) * Double(1, -1, 2)), Is.EqualTo(new[] { 1, -1 + 2 / (1 + Math.E), 2 * Math.E / (1 + Math.E) }).Within(1e-12));
        Assert.That(x.LogSumExp(0).Item<double>(), Is.EqualTo(2000));
        Assert.That(Gradient([double.NegativeInfinity, double.NegativeInfinity], v => v.LogSumExp(0)), Is.EqualTo(new double[] { 0, 0 }));
    }

    [Test]
    public void AVarianceThatOverflowsIsInfinite()
    {
        var x = Tensor.FromArray(new[] { 1e30f, 2.1e30f, 4.7e30f, 5.3e30f, 7.7e30f, 8.1e29f, 9.9e30f }, device);
        Assert.That(x.Var().Item<float>(), Is.EqualTo(float.PositiveInfinity));
        Assert.That((x * 1e-15f).Std().Item<float>(), Is.EqualTo(3.45702e15f).Within(1e12f));
    }

    [Test]
    public void MomentsAreAccurateAndTheirGradientsAreConventional()
    {
        // 1 and 3 around a large mean: the formula with squares would lose every digit.
        var x = Tensor.FromArray(Enumerable.Range(0, 1000).Select(i => 1e6f + (i % 2 == 0 ? 1 : 3)).ToArray(), device);
        Assert.That(x.Var([], 0).Item<float>(), Is.EqualTo(1).Within(1e-5));
        Assert.That(x.StdMean().Mean.Item<float>(), Is.EqualTo(1e6f + 2));
        Assert.That(Gradient([4, 4, 4], v => v.Std()), Is.EqualTo(new double[] { 0, 0, 0 }));
        Assert.That(Double(4).Var().Item<double>(), Is.NaN);
        Assert.That(Double(4).Var([], 0).Item<double>(), Is.Zero);
        foreach (double p in new[] { 0, 0.5, 1, 1.5, 2, 3 })
        {
            Assert.That(Gradient([0, 0], v => v.Norm(p)), Is.EqualTo(new double[] { 0, 0 }), $"p = {p} at 0");
        }

        Assert.That(Gradient([3, 0, -4], v => v.Norm()), Is.EqualTo(new[] { 0.6, 0, -0.8 }).Within(1e-15));
        Assert.That(Gradient([3, 0, -4], v => v.Norm(1)), Is.EqualTo(new double[] { 1, 0, -1 }));
        Assert.That(Gradient([3, 0, -4], v => v.Norm(0)), Is.EqualTo(new double[] { 0, 0, 0 }));
        Assert.That(Double(3, 0, -4).Norm(0).Item<double>(), Is.EqualTo(2));
        Assert.That(Gradient([3, -3, 1], v => v.Norm(double.PositiveInfinity)), Is.EqualTo(new[] { 0.5, -0.5, 0 }));
        Assert.That(Gradient([1, double.NaN, 3], v => v.NanSum()), Is.EqualTo(new double[] { 1, 0, 1 }));
        Assert.That(Double(1, double.NaN, 3).NanMean().Item<double>(), Is.EqualTo(2));
        Assert.That(Double(double.NaN).NanMean().Item<double>(), Is.NaN);
        Assert.That((Double(0, double.NaN).Any().Item<bool>(), Double(1, double.NaN).All().Item<bool>(), Double(1, 0).All().Item<bool>()), Is.EqualTo((true, true, false)));
        Assert.That(Tensor.FromArray(Enumerable.Repeat(0.1f, 100_00).ToArray(), device).CumSum(0)[^1].Item<float>(), Is.EqualTo(1000).Within(1e-4), "summed in double");
    }

    [Test]
    public void SortingIsStableAndPutsNanLast()
    {
        var x = Double(2, double.NaN, 1, 2, -0.0, 0, double.NegativeInfinity, 1);
        Assert.That(x.Sort().Indices.ToArray<long>(), Is.EqualTo(new long[] { 6, 4, 5, 2, 7, 0, 3, 1 }));
        Assert.That(x.Sort(descending: true).Indices.ToArray<long>(), Is.EqualTo(new long[] { 1, 0, 3, 2, 7, 4, 5, 6 }));
        Assert.That(x.TopK(3).Values.ToArray<double>(), Is.EqualTo(new[] { double.NaN, 2, 2 }));
        Assert.That(x.Median(0).Indices.Item<long>(), Is.EqualTo(1), "the nan");
        Assert.That(x.Median().Item<double>(), Is.NaN);
        Assert.That(Double(1, 1, 0, 0).Mode(0).Values.Item<double>(), Is.Zero);
        Assert.That(Double(3, 1, 3, 2, 3).Mode(0).Indices.Item<long>(), Is.EqualTo(4), "the last position");
        Assert.That(Gradient([2, 1, 2, 3], v => v.Median()), Is.EqualTo(new[] { 0.5, 0, 0.5, 0 }), "the lower median's ties share");
        Assert.That(Gradient([2, 1, 2, 3], v => v.Median(0).Values), Is.EqualTo(new double[] { 1, 0, 0, 0 }));
        Assert.That(Gradient([5, 1, 4], v => v.Sort().Values * Double(1, 10, 100)), Is.EqualTo(new double[] { 100, 1, 10 }));
    }

    [TestCase(47)]
    [TestCase(48)]
    [TestCase(49)]
    [TestCase(130)]
    public void LongLinesSortInEveryDType(int length)
    {
        var random = new Random(length);
        var numbers = Enumerable.Range(0, 2 * length).Select(_ => (double)random.Next(-40, 40)).ToArray();
        foreach (var dtype in new[] { DType.Int32, DType.Int64, DType.Float32, DType.Float64 })
        {
            var x = Numbers.Of(numbers, [2, length], dtype, device);
            foreach (bool descending in new[] { false, true })
            {
                var expected = Enumerable.Range(0, 2).SelectMany(line =>
                {
                    var places = Enumerable.Range(0, length);
                    return (descending ? places.OrderByDescending(i => numbers[line * length + i]) : places.OrderBy(i => numbers[line * length + i])).Select(i => (long)i);
                });
                Assert.That(x.ArgSort(1, descending).ToArray<long>(), Is.EqualTo(expected), $"{dtype}, descending: {descending}");
            }
        }
    }

    [Test]
    public void CountingAgreesWithLoops()
    {
        var x = Tensor.FromArray([3L, 1, 3, 0, 3, 1], device);
        Assert.That(x.BinCount(minLength: 6).ToArray<long>(), Is.EqualTo(new long[] { 1, 2, 0, 3, 0, 0 }));
        Assert.That(x.BinCount(Tensor.Full([6], 0.5, device: device)).ToArray<float>(), Is.EqualTo(new[] { 0.5f, 1, 0, 1.5f }));
        Assert.That(x[..0].BinCount().Shape, Is.EqualTo(Shape.Create([0])));
        var different = x.Reshape(2, 3).Unique(out var inverse, out var counts);
        Assert.That(different.ToArray<long>(), Is.EqualTo(new long[] { 0, 1, 3 }));
        Assert.That((inverse.Shape, inverse.ToArray<long>()), Is.EqualTo((Shape.Create([2, 3]), new long[] { 2, 1, 2, 0, 2, 1 })));
        Assert.That(counts.ToArray<long>(), Is.EqualTo(new long[] { 1, 2, 3 }));
        Assert.That(Double(double.NaN, 1, double.NaN).Unique().NumElements, Is.EqualTo(3), "each nan is different");
        Assert.That(Double(1, 2, 1, 4, 9, -1, double.NaN).Histc(4, 0, 4).ToArray<double>(), Is.EqualTo(new double[] { 0, 2, 1, 1 }));
        var (histogram, edges) = Double(0, 1, 2, 3).Histogram(2, density: true);
        Assert.That(histogram.ToArray<double>(), Is.EqualTo(new[] { 1 / 3.0, 1 / 3.0 }).Within(1e-15));
        Assert.That(edges.ToArray<double>(), Is.EqualTo(new[] { 0, 1.5, 3 }));
        Assert.That(Double(1, 3, 3, 5).SearchSorted(Double(3, double.NaN, 0)).ToArray<long>(), Is.EqualTo(new long[] { 1, 4, 0 }));
        Assert.That(Double(1, 3, 3, 5).SearchSorted(Double(3, double.NaN, 9), right: true).ToArray<long>(), Is.EqualTo(new long[] { 3, 4, 4 }));
        Assert.That(Tensor.FromArray(new[,] { { 0, 2 }, { 3, 0 } }, device).NonZero().ToArray<long>(), Is.EqualTo(new long[] { 0, 1, 1, 0 }));
    }
}
