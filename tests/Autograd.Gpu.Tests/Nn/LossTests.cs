using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Losses at the edges of their domains, what they refuse, and their modules.</summary>
internal sealed class LossTests
{
    private static readonly Tensor X = Tensor.Zeros([2, 3]);
    private static readonly Tensor Whole = Tensor.Zeros([2, 3], DType.Int64);
    private static readonly Tensor Elsewhere = Tensor.Zeros([2, 3], device: Device.CpuKernels);

    private static Tensor Of(params double[] values) => Tensor.FromArray(values, requiresGrad: true);

    private static double[] GradientOf(Tensor x, Tensor loss)
    {
        loss.Backward(Tensor.OnesLike(loss));
        return x.Grad!.Doubles();
    }

    [Test]
    public void SmoothLossesHaveTheirCurvatureWhereTheDifferenceIsZero()
    {
        var x = Of(0, 1, -3, double.PositiveInfinity);
        var y = Tensor.Zeros([4], DType.Float64);
        foreach (var loss in new[] { Functional.SmoothL1Loss(x, y, LossReduction.Sum, 2), Functional.HuberLoss(x, y, LossReduction.Sum, 2) / 2 })
        {
            var slope = Autodiff.Grad(loss, x, createGraph: true);
            Assert.That(slope.Doubles(), Is.EqualTo(new[] { 0, 0.5, -1, 1 }));
            Assert.That(Autodiff.Grad(slope.Sum(), x).Doubles(), Is.EqualTo(new[] { 0.5, 0.5, 0, 0 }));
        }

        x = Of(0, 2);
        Assert.That(GradientOf(x, Functional.L1Loss(x, Tensor.FromArray(new[] { 0.0, 3 }), LossReduction.None)), Is.EqualTo(new[] { 0.0, -1 }));
    }

    [Test]
    public void CrossEntropyOfCertainProbabilitiesIsFinite()
    {
        var x = Of(0, 1, 0, 1);
        var y = Tensor.FromArray(new[] { 1.0, 0, 0, 1 });
        var loss = Functional.BinaryCrossEntropy(x, y, reduction: LossReduction.None);
        Assert.That(loss.Doubles(), Is.EqualTo(new[] { 100.0, 100, 0, 0 }));
        Assert.That(GradientOf(x, loss), Is.EqualTo(new[] { -1e12, 1e12, 0, 0 }).Within(1e-3));

        x = Of(-800, 800, -800, 800);
        loss = Functional.BinaryCrossEntropyWithLogits(x, y, reduction: LossReduction.None);
        Assert.That(loss.Doubles(), Is.EqualTo(new[] { 800.0, 800, 0, 0 }));
        Assert.That(GradientOf(x, loss), Is.EqualTo(new[] { -1.0, 1, 0, 0 }));
        Assert.That(
            Functional.BinaryCrossEntropyWithLogits(Of(-50), Tensor.Zeros([1], DType.Float64)).Item<double>(),
            Is.EqualTo(Math.Exp(-50)).Within(1e-12).Percent, "no digits are lost");
    }

    [Test]
    public void DivergenceOfATargetOfZeroIsZero()
    {
        var (x, y) = (Of(-1, -2), Of(0, 1));
        var loss = Functional.KLDiv(x, y, KLDivReduction.None);
        Assert.That(loss.Doubles(), Is.EqualTo(new[] { 0.0, 2 }));
        Assert.That(GradientOf(x, loss), Is.EqualTo(new[] { 0.0, -1 }));
        Assert.That(y.Grad!.Doubles().All(double.IsFinite));
    }

    [Test]
    public void GradientsPassToAVarianceThatWasRaised()
    {
        var v = Of(0);
        var loss = Functional.GaussianNllLoss(Tensor.Zeros([1], DType.Float64), Tensor.Zeros([1], DType.Float64), v, eps: 0.25);
        Assert.That(loss.Item<double>(), Is.EqualTo(Math.Log(0.25) / 2).Within(1e-15));
        Assert.That(GradientOf(v, loss), Is.EqualTo(new[] { 2.0 }));
    }

    [TestCase(DType.Float16)]
    [TestCase(DType.BFloat16)]
    public void HalfTypesAreComputedInFloat32(DType dtype)
    {
        // 300^2 is more than float16 holds; its mean with zeros is not.
        var x = Tensor.FromArray(new float[] { 300, 0, 0, 0, 0, 0, 0, 0 }).To(dtype).RequiresGrad_();
        var loss = Functional.MseLoss(x, Tensor.ZerosLike(x));
        Assert.That((loss.DType, loss.To(DType.Float32).Item<float>()), Is.EqualTo((dtype, 11264f)).Within(33));
        loss.Backward();
        Assert.That(x.Grad!.To(DType.Float32).ToArray<float>()[0], Is.EqualTo(75f));
    }

    [Test]
    public void LossesOfNothing()
    {
        var nothing = Tensor.Zeros([0, 3]);
        Assert.That(Functional.L1Loss(nothing, nothing).Item<float>(), Is.NaN);
        Assert.That(Functional.SmoothL1Loss(nothing, nothing, LossReduction.Sum).Item<float>(), Is.Zero);
        Assert.That(Functional.MultiMarginLoss(nothing, Tensor.Zeros([0], DType.Int64), reduction: LossReduction.None).Shape, Is.EqualTo(Shape.Create([0])));
    }

    [Test]
    public void OtherSizesAreWarnedOf()
    {
        var told = new List<string>();
        Warnings.Raised += told.Add;
        try
        {
            Functional.HuberLoss(Tensor.Zeros([7, 1]), Tensor.Zeros([7]));
        }
        finally
        {
            Warnings.Raised -= told.Add;
        }

        Assert.That(told, Has.Count.EqualTo(1).And.One.Contains("Using a target size ([7]) that is different to the input size ([7, 1])"));
    }

    [Test]
    public void ModulesAreTheFunctionsWithTheirOptions()
    {
        var (x, y) = (Numbers.Double(1, [2, 3], 0.1, 0.9, Device.Cpu), Numbers.Double(2, [2, 3], 0.1, 0.9, Device.Cpu));
        var (z, w) = (Numbers.Double(3, [2, 3], 0.1, 0.9, Device.Cpu), Numbers.Double(4, [3], 0.1, 0.9, Device.Cpu));
        var classes = Tensor.FromArray(new long[] { 2, 0 });
        var signs = Tensor.FromArray(new[] { 1.0, -1 });
        (Tensor Module, Tensor Function)[] pairs =
        [
            (new MseLoss(LossReduction.Sum).Call(x, y), Functional.MseLoss(x, y, LossReduction.Sum)),
            (new L1Loss(LossReduction.Sum).Call(x, y), Functional.L1Loss(x, y, LossReduction.Sum)),
            (new SmoothL1Loss(LossReduction.Sum, 0.2).Call(x, y), Functional.SmoothL1Loss(x, y, LossReduction.Sum, 0.2)),
            (new HuberLoss(LossReduction.Sum, 0.2).Call(x, y), Functional.HuberLoss(x, y, LossReduction.Sum, 0.2)),
            (new KLDivLoss(KLDivReduction.Sum, true).Call(x, y), Functional.KLDiv(x, y, KLDivReduction.Sum, true)),
            (new PoissonNllLoss(false, true, 0.1, LossReduction.Sum).Call(x, y), Functional.PoissonNllLoss(x, y, false, true, 0.1, LossReduction.Sum)),
            (new SoftMarginLoss(LossReduction.Sum).Call(x, y), Functional.SoftMarginLoss(x, y, LossReduction.Sum)),
            (new HingeEmbeddingLoss(0.5, LossReduction.Sum).Call(x, y), Functional.HingeEmbeddingLoss(x, y, 0.5, LossReduction.Sum)),
            (new MultilabelMarginLoss(LossReduction.Sum).Call(x, Whole), Functional.MultilabelMarginLoss(x, Whole, LossReduction.Sum)),
            (new GaussianNllLoss(true, 0.5, LossReduction.Sum).Call(x, y, z), Functional.GaussianNllLoss(x, y, z, true, 0.5, LossReduction.Sum)),
            (new CosineEmbeddingLoss(0.2, LossReduction.Sum).Call(x, y, signs), Functional.CosineEmbeddingLoss(x, y, signs, 0.2, LossReduction.Sum)),
            (new MarginRankingLoss(0.2, LossReduction.Sum).Call(x, y, z), Functional.MarginRankingLoss(x, y, z, 0.2, LossReduction.Sum)),
            (new TripletMarginLoss(2, 1, 1e-3, true, LossReduction.Sum).Call(x, y, z), Functional.TripletMarginLoss(x, y, z, 2, 1, 1e-3, true, LossReduction.Sum)),
            (new TripletMarginWithDistanceLoss(null, 2, true, LossReduction.Sum).Call(x, y, z), Functional.TripletMarginWithDistanceLoss(x, y, z, null, 2, true, LossReduction.Sum)),
            (new BceLoss(w, LossReduction.Sum).Call(x, y), Functional.BinaryCrossEntropy(x, y, w, LossReduction.Sum)),
            (new BceWithLogitsLoss(w, w * 2, LossReduction.Sum).Call(x, y), Functional.BinaryCrossEntropyWithLogits(x, y, w, LossReduction.Sum, w * 2)),
            (new MultilabelSoftMarginLoss(w, LossReduction.Sum).Call(x, y), Functional.MultilabelSoftMarginLoss(x, y, w, LossReduction.Sum)),
            (new CrossEntropyLoss(w, 2, LossReduction.Sum, 0.1).Call(x, classes), Functional.CrossEntropy(x, classes, w, 2, LossReduction.Sum, 0.1)),
            (new NLLLoss(w, 2, LossReduction.Sum).Call(x, classes), Functional.NllLoss(x, classes, w, 2, LossReduction.Sum)),
            (new MultiMarginLoss(2, 0.5, w, LossReduction.Sum).Call(x, classes), Functional.MultiMarginLoss(x, classes, 2, 0.5, w, LossReduction.Sum)),
        ];
        Assert.That(new CtcLoss().Call(z.Unsqueeze(1).LogSoftmax(-1), Tensor.FromArray(new long[,] { { 1 } }), [2L], [1L]).Item<double>(), Is.GreaterThan(0));
        Assert.That(pairs.Select(p => p.Module.Item<double>()), Is.EqualTo(pairs.Select(p => p.Function.Item<double>())));
        Assert.That(new BceWithLogitsLoss(w, w).NamedBuffers().Select(b => b.Name), Is.EqualTo(new[] { "weight", "pos_weight" }));
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        foreach (var (name, loss) in new (string, Func<Tensor, Tensor, Tensor>)[]
        {
            ("MseLoss", (x, y) => Functional.MseLoss(x, y)),
            ("L1Loss", (x, y) => Functional.L1Loss(x, y)),
            ("SmoothL1Loss", (x, y) => Functional.SmoothL1Loss(x, y)),
            ("HuberLoss", (x, y) => Functional.HuberLoss(x, y)),
            ("BinaryCrossEntropy", (x, y) => Functional.BinaryCrossEntropy(x, y)),
            ("BinaryCrossEntropyWithLogits", (x, y) => Functional.BinaryCrossEntropyWithLogits(x, y)),
            ("KLDiv", (x, y) => Functional.KLDiv(x, y)),
            ("PoissonNllLoss", (x, y) => Functional.PoissonNllLoss(x, y)),
            ("GaussianNllLoss", (x, y) => Functional.GaussianNllLoss(x, y, x)),
            ("SoftMarginLoss", (x, y) => Functional.SoftMarginLoss(x, y)),
            ("HingeEmbeddingLoss", (x, y) => Functional.HingeEmbeddingLoss(x, y)),
            ("CosineEmbeddingLoss", (x, y) => Functional.CosineEmbeddingLoss(x, y, Tensor.Zeros([2], device: x.Device))),
            ("MarginRankingLoss", (x, y) => Functional.MarginRankingLoss(x, y, x)),
            ("TripletMarginLoss", (x, y) => Functional.TripletMarginLoss(x, y, x)),
            ("TripletMarginWithDistanceLoss", (x, y) => Functional.TripletMarginWithDistanceLoss(x, y, x)),
            ("MultilabelSoftMarginLoss", (x, y) => Functional.MultilabelSoftMarginLoss(x, y)),
            ("PairwiseDistance", (x, y) => Functional.PairwiseDistance(x, y)),
            ("CosineSimilarity", (x, y) => Functional.CosineSimilarity(x, y)),
        })
        {
            yield return Case<ShapeException>($"{name} of other sizes", () => loss(X, Tensor.Zeros([2, 2])), "[2, 3]", "[2, 2]");
            yield return Case<DTypeException>($"{name} of whole numbers", () => loss(Whole, Whole), "int64", "To(DType.Float32)");
            yield return Case<DeviceMismatchException>($"{name} elsewhere", () => loss(X, Elsewhere), "Expected all tensors to be on the same device");
        }

        yield return Case<ArgumentOutOfRangeException>("SmoothL1Loss of beta", () => Functional.SmoothL1Loss(X, X, beta: -1), "does not support negative values for beta");
        yield return Case<ArgumentOutOfRangeException>("HuberLoss of delta", () => Functional.HuberLoss(X, X, delta: 0), "does not support non-positive values for delta");
        yield return Case<ShapeException>("BinaryCrossEntropy of a logit", () => Functional.BinaryCrossEntropy(X - 1, X), "all elements of input should be between 0 and 1");
        yield return Case<ShapeException>("BinaryCrossEntropy that would broadcast", () => Functional.BinaryCrossEntropy(X, X[0]), "Using a target size ([3]) that is different to the input size ([2, 3])");
        yield return Case<ShapeException>("a larger weight", () => Functional.BinaryCrossEntropyWithLogits(X, X, Tensor.Zeros([2, 2, 3])), "[2, 2, 3]", "does not broadcast");
        yield return Case<ShapeException>("GaussianNllLoss of a var", () => Functional.GaussianNllLoss(X, X, X[0]), "var is of incorrect size", "[3]");
        yield return Case<ShapeException>("GaussianNllLoss below 0", () => Functional.GaussianNllLoss(X, X, X - 1), "var has negative entry/entries");
        yield return Case<ShapeException>("CosineEmbeddingLoss of targets", () => Functional.CosineEmbeddingLoss(X, X, X), "0D or 1D target tensor expected, multi-target not supported");
        yield return Case<ShapeException>("CosineEmbeddingLoss of a vector", () => Functional.CosineEmbeddingLoss(X[0], X[0], X[0]), "1D target tensor expects 2D input tensors");
        yield return Case<ShapeException>("MarginRankingLoss of ranks", () => Functional.MarginRankingLoss(X, X, X[0]), "All input tensors should have same dimension");
        yield return Case<ShapeException>("TripletMarginLoss of ranks", () => Functional.TripletMarginLoss(X, X, X[0]), "same number of dimensions", "negative 1D");
        yield return Case<ArgumentOutOfRangeException>("TripletMarginLoss of a margin", () => Functional.TripletMarginLoss(X, X, X, 0), "expected margin to be greater than 0");
        yield return Case<ArgumentOutOfRangeException>("MultiMarginLoss of order 3", () => Functional.MultiMarginLoss(X, Whole[0], 3), "only p == 1 and p == 2 supported");
        yield return Case<DTypeException>("MultiMarginLoss by floats", () => Functional.MultiMarginLoss(X, X[0]), "int64", "float32");
        yield return Case<ShapeException>("MultiMarginLoss of counts", () => Functional.MultiMarginLoss(X, Whole[0]), "inconsistent target size, expected [2]");
        yield return Case<ShapeException>("MultiMarginLoss out of range", () => Functional.MultiMarginLoss(X, Whole[.., 0] + 3), "Target 3 is out of bounds");
        yield return Case<ShapeException>("MultiMarginLoss of weights", () => Functional.MultiMarginLoss(X, Whole[.., 0], weight: X), "inconsistent weight size, expected 3");
        yield return Case<ShapeException>("MultilabelMarginLoss of counts", () => Functional.MultilabelMarginLoss(X, Whole[0]), "inconsistent target size, expected [2, 3]");
        yield return Case<ShapeException>("MultilabelMarginLoss out of range", () => Functional.MultilabelMarginLoss(X, Whole + 3), "out of bounds");
        yield return Case<DTypeException>("MultilabelMarginLoss by floats", () => Functional.MultilabelMarginLoss(X, X), "int64");
        yield return Case<ShapeException>("PairwiseDistance of numbers", () => Functional.PairwiseDistance(X[0, 0], X[0, 0]), "at least one dimension");
        yield return Case<ShapeException>("CosineSimilarity dim", () => Functional.CosineSimilarity(X, X, 2), "Dimension out of range");
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
}
