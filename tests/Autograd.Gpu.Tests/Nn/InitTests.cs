using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Starting values of parameters.</summary>
internal sealed class InitTests
{
    private static Tensor New(params long[] shape) => Tensor.Empty(shape, DType.Float64, requiresGrad: true);

    [SetUp]
    public void Seed() => Tensor.ManualSeed(8);

    [Test]
    public void Distributions()
    {
        var x = New(60, 80);
        Fit.Continuous(Init.Uniform_(x, -1, 3).Doubles(), v => (v + 1) / 4);
        Fit.Continuous(Init.Normal_(x, 1, 0.1).Doubles(), v => Fit.Normal((v - 1) / 0.1));
        double low = Fit.Normal(-1.5), high = Fit.Normal(0.5);
        Fit.Continuous(Init.TruncNormal_(x, 1, 2, -2, 2).Doubles(), v => (Fit.Normal((v - 1) / 2) - low) / (high - low));
        double bound = 5.0 / 3 * Math.Sqrt(6 / 140.0);
        Fit.Continuous(Init.XavierUniform_(x, Init.CalculateGain(Nonlinearity.Tanh)).Doubles(), v => (v / bound + 1) / 2);
        Fit.Continuous(Init.XavierNormal_(x).Doubles(), v => Fit.Normal(v / Math.Sqrt(2 / 140.0)));
        Fit.Continuous(Init.KaimingUniform_(x, Math.Sqrt(5)).Doubles(), v => (v * Math.Sqrt(80) + 1) / 2);
        Fit.Continuous(
            Init.KaimingNormal_(New(30, 20, 2, 4), mode: FanMode.FanOut, nonlinearity: Nonlinearity.Relu).Doubles(), v => Fit.Normal(v / Math.Sqrt(2 / 240.0)));
        Assert.That((x.IsLeaf, x.RequiresGrad, x.GradFn), Is.EqualTo((true, true, (Node?)null)), "unrecorded");
        Assert.That(Init.TruncNormal_(Tensor.Empty([4000], DType.Float16), 0, 1, -2, 2).Doubles(), Has.All.InRange(-2, 2));
    }

    [Test]
    public void Patterns()
    {
        Assert.That(Init.Constant_(New(2), 3).Doubles(), Is.EqualTo(new double[] { 3, 3 }));
        Assert.That(Init.Ones_(New(2)).Doubles(), Is.EqualTo(new double[] { 1, 1 }));
        Assert.That(Init.Zeros_(New(2)).Doubles(), Is.EqualTo(new double[2]));
        Assert.That(Init.Eye_(New(2, 3)).Doubles(), Is.EqualTo(new double[] { 1, 0, 0, 0, 1, 0 }));
        Assert.That(Init.Dirac_(New(2, 2, 3)).Doubles(), Is.EqualTo(new double[] { 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 }));
        var groups = Init.Dirac_(New(4, 2, 3, 3), 2);
        Assert.That(groups[.., .., 1, 1].Doubles(), Is.EqualTo(new double[] { 1, 0, 0, 1, 1, 0, 0, 1 }));
        Assert.That(groups.Sum().Item<double>(), Is.EqualTo(4));
        var sparse = Init.Sparse_(New(10, 50), 0.25, 2);
        Assert.That(sparse.Ne(0).Sum(0).Doubles(), Is.All.EqualTo(7));
        Assert.That(sparse.Ne(0).Sum(1).Doubles().Distinct().Count(), Is.GreaterThan(3), "other rows in each column");
        Assert.That(sparse.Std().Item<double>(), Is.EqualTo(2 * Math.Sqrt(0.7)).Within(0.3));
    }

    [Test]
    public void OrthogonalRowsOrColumns()
    {
        var wide = Init.Orthogonal_(New(6, 3, 3), 2);
        var rows = wide.Detach().Reshape(6, 9);
        Assert.That(rows.MatMul(rows.T).Doubles(), Is.EqualTo((Tensor.Eye(6, dtype: DType.Float64) * 4).Doubles()).Within(1e-13));
        var tall = Init.Orthogonal_(New(9, 4)).Detach();
        Assert.That(tall.T.MatMul(tall).Doubles(), Is.EqualTo(Tensor.Eye(4, dtype: DType.Float64).Doubles()).Within(1e-13));

        // Every direction is as likely as its opposite.
        var signs = Enumerable.Range(0, 200).Select(_ => Init.Orthogonal_(New(2, 2)).Detach()[0, 0].Item<double>()).ToArray();
        Assert.That(signs.Count(v => v > 0), Is.InRange(60, 140));
    }

    [Test]
    public void Gains() => Assert.That(
        new[] { Nonlinearity.Linear, Nonlinearity.Sigmoid, Nonlinearity.Tanh, Nonlinearity.Relu, Nonlinearity.Selu }.Select(n => Init.CalculateGain(n)).Append(Init.CalculateGain(Nonlinearity.LeakyRelu, 1)),
        Is.EqualTo(new[] { 1, 1, 5.0 / 3, Math.Sqrt(2), 0.75, 1 }));

    private static IEnumerable<TestCaseData> Errors()
    {
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        yield return Case<ShapeException>("Eye_", () => Init.Eye_(New(2)), "Only tensors with 2 dimensions are supported");
        yield return Case<ShapeException>("Dirac_", () => Init.Dirac_(New(2, 2)), "Only tensors with 3, 4, or 5 dimensions are supported");
        yield return Case<ShapeException>("Dirac_ of groups", () => Init.Dirac_(New(3, 2, 1), 2), "dim 0 must be divisible by groups");
        yield return Case<ShapeException>("Sparse_", () => Init.Sparse_(New(2), 0.5), "Only tensors with 2 dimensions are supported");
        yield return Case<ArgumentException>("Sparse_ of too much", () => Init.Sparse_(New(2, 2), 1.5), "1.5");
        yield return Case<ShapeException>("XavierUniform_", () => Init.XavierUniform_(New(2)), "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
        yield return Case<ShapeException>("KaimingNormal_", () => Init.KaimingNormal_(New()), "fewer than 2 dimensions");
        yield return Case<ShapeException>("Orthogonal_", () => Init.Orthogonal_(New(2)), "Only tensors with 2 or more dimensions are supported");
        yield return Case<DTypeException>("Orthogonal_ of whole numbers", () => Init.Orthogonal_(Tensor.Zeros([2, 2], DType.Int64)), "int64");
        yield return Case<DTypeException>("Normal_ of whole numbers", () => Init.Normal_(Tensor.Zeros([2, 2], DType.Int64)), "int64");
        yield return Case<ArgumentException>("TruncNormal_", () => Init.TruncNormal_(New(2), 0, 1, 2, 1), "a < b");
        yield return Case<ArgumentOutOfRangeException>("CalculateGain", () => Init.CalculateGain((Nonlinearity)99), "Unsupported nonlinearity");
    }

    [TestCaseSource(nameof(Errors))]
    public void IsRefused(Type exception, Func<object> call, string says) =>
        Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));
}
