namespace Autograd.Gpu.Tests;

/// <summary>What the rows of <see cref="ArrangeTable"/> cannot say: nan, ties, whole numbers, sizes that depend on data, and in-place forms.</summary>
internal sealed class ArrangeEdgeTests
{
    private static IEnumerable<Device> Devices => TestDevices.All;

    [TestCaseSource(nameof(Devices))]
    public void NumbersArePreferredToNan(Device device)
    {
        var x = Tensor.FromArray([double.NaN, 1, double.NaN, 2, -0.0], device, requiresGrad: true);
        var y = Tensor.FromArray([3, double.NaN, double.NaN, 2, 1.0], device, requiresGrad: true);
        Assert.That(x.Fmax(y).ToArray<double>(), Is.EqualTo(new[] { 3, 1, double.NaN, 2, 1 }));
        Assert.That(x.Fmin(y).ToArray<double>(), Is.EqualTo(new[] { 3, 1, double.NaN, 2, 0 }));
        x.Fmax(y).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 1, 1, 1, 0 }), "of two that are equal, and of two nan, the first");
        Assert.That(y.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1, 0, 0, 0, 1 }));
        var whole = Tensor.FromArray([3L, -2], device);
        Assert.That(whole.Fmax(whole.Neg()).ToArray<long>(), Is.EqualTo(new long[] { 3, 2 }));
    }

    [TestCaseSource(nameof(Devices))]
    public void FormulasAreExactAtTheirEdges(Device device)
    {
        Tensor Of(params double[] values) => Tensor.FromArray(values, device);
        double inf = double.PositiveInfinity;
        Assert.That(Of(2000, -inf, inf, inf).LogAddExp2(Of(2000, -inf, inf, 1)).ToArray<double>(), Is.EqualTo(new[] { 2001, -inf, inf, inf }).Within(1e-12));
        Assert.That(Of(0, 0, 0, 2, 1).Xlog1py(Of(-1, inf, double.NaN, 1e-20, -1)).ToArray<double>(), Is.EqualTo(new[] { 0, 0, double.NaN, 2e-20, -inf }));
        var (x, y) = (Of(0, 0).RequiresGrad_(), Of(-1, 3).RequiresGrad_());
        x.Xlog1py(y).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 0, Math.Log(4) }).Within(1e-15));
        Assert.That(y.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 0 }));
        Assert.That(Of(-0.0, 0, -3, -inf).SignBit().ToArray<bool>(), Is.EqualTo(new[] { true, false, true, true }));
        var power = Tensor.FromArray([2L, 3], device).FloatPower(-1);
        Assert.That(power.DType, Is.EqualTo(DType.Float64));
        Assert.That(power.ToArray<double>()[1], Is.EqualTo(1.0 / 3).Within(1e-15));
        Assert.That(Tensor.FromArray([1L, 3], device).Ldexp(Tensor.FromArray([4L, -1], device)).ToArray<float>(), Is.EqualTo(new[] { 16f, 1.5f }));
        foreach (var dtype in new[] { DType.Float16, DType.BFloat16 })
        {
            var half = Of(1, 2).To(dtype);
            Assert.That((half.LogAddExp2(half).DType, half.LogAddExp2(half).Doubles()), Is.EqualTo((dtype, new double[] { 2, 3 })));
        }
    }

    [TestCaseSource(nameof(Devices))]
    public void MembersAreFound(Device device)
    {
        var x = Tensor.FromArray([1, 2.5, double.NaN, -3], [2, 2], device);
        Assert.That(x.IsIn(Tensor.FromArray([2.5, double.NaN, -3], device)).ToArray<bool>(), Is.EqualTo(new[] { false, true, false, true }));
        Assert.That(x.IsIn(Tensor.Zeros([0], device: device), invert: true).ToArray<bool>(), Is.All.True);
        Assert.That(Tensor.FromArray([1L, 4], device).IsIn(Tensor.Of(4, device: device), invert: true).ToArray<bool>(), Is.EqualTo(new[] { true, false }));
    }

    [TestCaseSource(nameof(Devices))]
    public void QuantilesKnowNanAndEveryInterpolation(Device device)
    {
        var x = Tensor.FromArray([4.0, 1, double.NaN, 3, 2, 8], [2, 3], device);
        Assert.That(x.Quantile(0.5, 1).ToArray<double>(), Is.EqualTo(new[] { double.NaN, 3 }));
        Assert.That(x.NanQuantile(0.5, 1).ToArray<double>(), Is.EqualTo(new[] { 2.5, 3 }));
        Assert.That(x.NanQuantile(0.5).Item<double>(), Is.EqualTo(3));
        Shape kept = [1, 2, 1];
        Assert.That(x.Quantile([0.5], 1, keepDim: true).Shape, Is.EqualTo(kept));
        Assert.That(Tensor.Full([2], double.NaN, DType.Float64, device).NanQuantile(0.5).Item<double>(), Is.NaN);
        var y = Tensor.FromArray([1.0, 2, 4, 8], device);
        var by = Enum.GetValues<QuantileInterpolation>().ToDictionary(i => i, i => y.Quantile(0.4, interpolation: i).Item<double>());
        Assert.That(by[QuantileInterpolation.Linear], Is.EqualTo(2.4).Within(1e-12));
        Assert.That((by[QuantileInterpolation.Lower], by[QuantileInterpolation.Higher], by[QuantileInterpolation.Midpoint], by[QuantileInterpolation.Nearest]), Is.EqualTo((2.0, 4.0, 3.0, 2.0)));
        Assert.That((x.NanMedian().Item<double>(), x.NanMedian(1).Values.ToArray<double>(), x.NanMedian(1).Indices.ToArray<long>()), Is.EqualTo((3.0, new[] { 1.0, 3 }, new long[] { 1, 0 })));
        Assert.That(Tensor.Full([2], double.NaN, DType.Float64, device).NanMedian().Item<double>(), Is.NaN);
        Assert.That(Tensor.FromArray([5L, 1, 2, 9], device).NanMedian().Item<long>(), Is.EqualTo(2));
    }

    [TestCaseSource(nameof(Devices))]
    public void WeightsOfObservationsCount(Device device)
    {
        // Two observations of weight 1 and 3: mean 2.5, weighted square deviation 3; divided by 4 - 10/4 for the unbiased form.
        var x = Tensor.FromArray([1.0, 3], device);
        var weights = Tensor.FromArray([1.0, 3], device);
        Assert.That(x.Cov(aweights: weights).Item<double>(), Is.EqualTo(2).Within(1e-14));
        Assert.That(x.Cov(correction: 0, aweights: weights).Item<double>(), Is.EqualTo(0.75).Within(1e-14));
        Assert.That(x.CorrCoef().Item<double>(), Is.EqualTo(1));
        Assert.That(Tensor.FromArray([1L, 0, 1], device).To(DType.Bool).Diff().ToArray<bool>(), Is.EqualTo(new[] { true, true }));
        Assert.That(Tensor.FromArray([7L], device).Diff(3).NumElements, Is.Zero);
        Assert.That(Tensor.Ones([2, 0], device: device).Trapezoid().ToArray<float>(), Is.EqualTo(new float[] { 0, 0 }));
    }

    [TestCaseSource(nameof(Devices))]
    public void SlicesAndRunsAreCounted(Device device)
    {
        var x = Tensor.FromArray([2L, 1, 2, 0, 2, 1, 2, 1], [4, 2], device);
        var unique = x.Unique(0, out var inverse, out var counts);
        Assert.That(unique.ToArray<long>(), Is.EqualTo(new long[] { 2, 0, 2, 1 }));
        Assert.That((inverse.ToArray<long>(), counts.ToArray<long>()), Is.EqualTo((new long[] { 1, 0, 1, 1 }, new long[] { 1, 3 })));
        Assert.That(x.Unique(1).ToArray<long>(), Is.EqualTo(new long[] { 1, 2, 0, 2, 1, 2, 1, 2 }), "columns change places");
        var runs = x.UniqueConsecutive(0, out inverse, out counts);
        Assert.That((runs.Shape[0], inverse.ToArray<long>(), counts.ToArray<long>()), Is.EqualTo((3L, new long[] { 0, 1, 2, 2 }, new long[] { 1, 1, 2 })));
        var flat = Tensor.FromArray([1.0, 1, 2, 1], [2, 2], device).UniqueConsecutive(null, out inverse, out counts);
        Assert.That((flat.ToArray<double>(), inverse.Shape.Rank, counts.ToArray<long>()), Is.EqualTo((new double[] { 1, 2, 1 }, 2, new long[] { 2, 1, 1 })));
        Assert.That(Tensor.Zeros([0, 2], device: device).Unique(0, out _, out counts).Shape[0] + counts.NumElements, Is.Zero);
    }

    [Test]
    public void TrianglesAreListed()
    {
        Assert.That(Tensor.TrilIndices(2, 3, 1).ToArray<long>(), Is.EqualTo(new long[] { 0, 0, 1, 1, 1, 0, 1, 0, 1, 2 }));
        Assert.That(Tensor.TriuIndices(2, 2).ToArray<long>(), Is.EqualTo(new long[] { 0, 0, 1, 0, 1, 1 }));
        Shape none = [2, 0];
        Assert.That(Tensor.TriuIndices(0, 4).Shape, Is.EqualTo(none));
        Assert.That(Tensor.Ones([5]).TensorSplit(3).Select(p => p.NumElements), Is.EqualTo(new[] { 2, 2, 1 }));
        Assert.That(Tensor.Ones([5]).TensorSplit([3, 1, 9]).Select(p => p.NumElements), Is.EqualTo(new[] { 3, 0, 4, 0 }));
    }

    [TestCaseSource(nameof(Devices))]
    public void AnswersAreWrittenInPlace(Device device)
    {
        var x = Tensor.FromArray([1f, 2, 0], device);
        var y = Tensor.FromArray([1f, 0, 0], device);
        (string Name, Func<Tensor, Tensor> Apply, float[] Expected)[] rows =
        [
            ("Eq_", t => t.Eq_(y), [1, 0, 1]), ("Ne_", t => t.Ne_(1), [0, 1, 1]), ("Lt_", t => t.Lt_(y), [0, 0, 0]), ("Le_", t => t.Le_(1), [1, 0, 1]), ("Gt_", t => t.Gt_(y), [0, 1, 0]),
            ("Ge_", t => t.Ge_(y), [1, 1, 1]), ("LogicalAnd_", t => t.LogicalAnd_(y), [1, 0, 0]), ("LogicalOr_", t => t.LogicalOr_(y), [1, 1, 0]),
            ("LogicalXor_", t => t.LogicalXor_(y), [0, 1, 0]), ("LogicalNot_", t => t.LogicalNot_(), [0, 0, 1]), ("Eq_ of a number", t => t.Eq_(2), [0, 1, 0]),
            ("Ne_ of a tensor", t => t.Ne_(y), [0, 1, 0]), ("Lt_ of a number", t => t.Lt_(1), [0, 0, 1]), ("Le_ of a tensor", t => t.Le_(y), [1, 0, 1]), ("Gt_ of a number", t => t.Gt_(0), [1, 1, 0]), ("Ge_ of a number", t => t.Ge_(1), [1, 1, 0]),
        ];
        foreach (var (name, apply, expected) in rows)
        {
            var target = x.Clone();
            Assert.That(apply(target), Is.SameAs(target), name);
            Assert.That((target.DType, target.ToArray<float>(), target.Version), Is.EqualTo((DType.Float32, expected, 1)), name);
        }

        var whole = Tensor.FromArray([5, -8], device);
        Assert.That(whole.BitwiseLeftShift_(Tensor.FromArray([1, 1], device)).BitwiseRightShift_(Tensor.FromArray([2, 2], device)).ToArray<int>(), Is.EqualTo(new[] { 2, -4 }));
        var leaf = Tensor.FromArray([3.0, 4], [1, 2], device, requiresGrad: true);
        var scaled = (leaf * 1).Renorm_(2, 0, 1);
        scaled.Sum().Backward();
        Assert.That(scaled.Norm().Item<double>(), Is.EqualTo(1).Within(1e-6));
        var put = (leaf * 1).Put_(Tensor.FromArray([1L], device), Tensor.FromArray([7.0], device));
        Assert.That(put.ToArray<double>(), Is.EqualTo(new double[] { 3, 7 }));
        Assert.That(Autodiff.Grad([put.Sum()], [leaf])[0]!.ToArray<double>(), Is.EqualTo(new double[] { 1, 0 }));
    }

    [TestCaseSource(nameof(Devices))]
    public void OtherNamesAndFormsInPlaceDoTheSame(Device device)
    {
        var x = Tensor.FromArray([0.0, 2, 3, 0], [2, 2], device);
        Assert.That(x.ArgWhere().ToArray<long>(), Is.EqualTo(new long[] { 0, 1, 1, 0 }));
        Assert.That(x.NonZeroAsTuple().Select(t => t.ToArray<long>()), Is.EqualTo(new[] { new long[] { 0, 1 }, [1, 0] }));
        Assert.That((x.Atleast1D(), x.Sum().Atleast1D().Shape.Rank), Is.EqualTo((x, 1)));
        Assert.That(Tensor.Eye(2, 3, DType.Float64, device).ToArray<double>(), Is.EqualTo(new double[] { 1, 0, 0, 0, 1, 0 }));
        Assert.That(Tensor.Logspace(-1, 2, 4, dtype: DType.Float64, device: device).ToArray<double>(), Is.EqualTo(new[] { 0.1, 1, 10, 100 }).Within(1e-14));
        Assert.That(Tensor.Logspace(0, 3, 4, 2, device: device).ToArray<float>(), Is.EqualTo(new float[] { 1, 2, 4, 8 }));
        Assert.That(Tensor.Ones([], device: device).IndexReduce(0, Tensor.FromArray([0L], device), Tensor.Ones([], device: device) * 3, ScatterReduction.Mean).Item<float>(), Is.EqualTo(2));
        var (index, rows, all) = (Tensor.FromArray([1L, 0], device), x + 1, Tensor.FromArray([1L, 0, 0, 1], [2, 2], device));
        (string Name, Func<Tensor, Tensor> InPlace, Func<Tensor, Tensor> Apply)[] forms =
        [
            ("IndexAdd_", t => t.IndexAdd_(0, index, rows), t => t.IndexAdd(0, index, rows)),
            ("IndexReduce_", t => t.IndexReduce_(0, index, rows, ScatterReduction.Prod), t => t.IndexReduce(0, index, rows, ScatterReduction.Prod)),
            ("IndexCopy_", t => t.IndexCopy_(0, index, rows), t => t.IndexCopy(0, index, rows)),
            ("IndexPut_", t => t.IndexPut_([index], rows), t => t.IndexPut([index], rows)),
            ("Scatter_", t => t.Scatter_(0, all, rows), t => t.Scatter(0, all, rows)),
            ("ScatterReduce_", t => t.ScatterReduce_(0, all, rows, ScatterReduction.Prod), t => t.ScatterReduce(0, all, rows, ScatterReduction.Prod)),
        ];
        foreach (var (name, inPlace, apply) in forms)
        {
            var target = x.Clone();
            Assert.That(inPlace(target), Is.SameAs(target), name);
            Assert.That(target.ToArray<double>(), Is.EqualTo(apply(x).ToArray<double>()), name);
            Assert.That(target.Version, Is.EqualTo(1), name);
        }
    }
}
