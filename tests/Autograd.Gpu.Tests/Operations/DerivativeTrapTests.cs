using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Derivatives where a formula would give another one than PyTorch has: ties, nan, nothing to average, outputs written over, branches not taken.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class DerivativeTrapTests(Device device)
{
    private const double NaN = double.NaN;

    private double[] Gradient(double[] at, Func<Tensor, Tensor> function)
    {
        var leaf = Tensor.FromArray(at, device, requiresGrad: true);
        function(leaf).Sum().Backward();
        return leaf.Grad!.ToArray<double>();
    }

    [Test]
    public void ElementsThatAreAllNanShareTheGradientOfWhatIsTakenOfAll()
    {
        double[] third = [1 / 3.0, 1 / 3.0, 1 / 3.0];
        foreach (double value in new[] { 2, NaN })
        {
            foreach (Func<Tensor, Tensor> reduce in new Func<Tensor, Tensor>[] { x => x.Max(), x => x.Min(), x => x.Median(), x => x.Amax(), x => x.Amin([0]) })
            {
                Assert.That(Gradient([value, value, value], reduce), Is.EqualTo(third), $"{value}");
            }
        }

        Assert.That(Gradient([NaN, 1, NaN], x => x.Max()), Is.EqualTo(new[] { 0.5, 0, 0.5 }), "nan is the largest");
        Assert.That(Gradient([NaN, 1, NaN], x => x.Max(0).Values), Is.EqualTo(new double[] { 1, 0, 0 }), "over a dim the first alone");
    }

    [Test]
    public void ProductsOfNothingAndOfNumbers()
    {
        Assert.That(Gradient([], x => x.Prod()), Is.Empty);
        Assert.That(Gradient([0, 0, 0, 5], x => x.Prod()), Is.EqualTo(new double[4]));
        var number = Tensor.Of(0.0, DType.Float64, device, requiresGrad: true);
        (number.Prod() + number.CumProd(0)).Backward();
        Assert.That(number.Grad!.Item<double>(), Is.EqualTo(2));
        var none = Tensor.Zeros([2, 0], DType.Float64, device, requiresGrad: true);
        none.Prod(1).Sum().Backward();
        Assert.That(none.Grad!.Shape, Is.EqualTo(none.Shape));
    }

    [Test]
    public void OutputsThatDerivativesReadMayNotBeWritten()
    {
        foreach (Func<Tensor, Tensor> function in new Func<Tensor, Tensor>[]
        {
            x => x.Softmax(0), x => x.LogSoftmax(0), x => x.Exp(), x => x.Tanh(), x => x.Sigmoid(), x => x.Sqrt(), x => x.Std(0, keepDim: true), x => x.Norm(2, [0], true), x => x.LogSumExp(0, true),
        })
        {
            var leaf = Tensor.FromArray([1.0, 2, 3], device, requiresGrad: true);
            var y = function(leaf);
            var kept = y * 1;
            y.Mul_(2);
            var e = Assert.Throws<GradientException>(() => y.Sum().Backward());
            Assert.That(e!.Message, Does.Contain("modified by an inplace operation"));
            Assert.That(kept.Detach().Doubles(), Is.EqualTo(function(leaf.Detach()).Doubles()));
        }
    }

    [Test]
    public void ABranchThatIsNotTakenStillMultipliesByZero()
    {
        Assert.That(Gradient([0, 4], x => Tensor.Where(x > 0, x.Sqrt(), 0.0)), Is.EqualTo(new[] { NaN, 0.25 }), "0 times infinity, as in PyTorch");
        Assert.That(
            Gradient([0, 4], x => Tensor.Where(x > 0, Tensor.Where(x > 0, x, 1.0).Sqrt(), 0.0)), Is.EqualTo(new[] { 0, 0.25 }), "the argument made harmless before it is used");
    }

    [Test]
    public void LossesThatIgnoreEverythingHaveNoMean()
    {
        var x = Tensor.FromArray(new[,] { { 1.0, 2, 3 }, { 3, 1, 2 } }, device, requiresGrad: true);
        var ignored = Tensor.Full([2], -100L, device: device);
        foreach (var loss in new[] { Functional.CrossEntropy(x, ignored), Functional.NllLoss(x, ignored) })
        {
            Assert.That(loss.Item<double>(), Is.NaN);
        }

        Assert.That(Functional.CrossEntropy(x, ignored, reduction: LossReduction.Sum).Item<double>(), Is.Zero);
        Functional.CrossEntropy(x, ignored, reduction: LossReduction.Sum).Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(new double[6]));

        // A mean with weights divides by the weights that were picked, not by their number.
        var (target, weight) = (Tensor.FromArray([0L, 2], device), Tensor.FromArray([1.0, 5, 3], device));
        Assert.That(Functional.NllLoss(x.Detach(), target, weight).Item<double>(), Is.EqualTo(-(1 * 1.0 + 3 * 2) / 4).Within(1e-15));
    }

    [Test]
    public void PartsOfASplitThatAreNotUsedHaveAGradientOfZero()
    {
        Assert.That(Gradient([1, 2, 3, 4], x => x.Split(2)[1] * x.Unbind()[0]), Is.EqualTo(new double[] { 7, 0, 1, 1 }));
        Assert.That(Gradient([1, 2, 3], x => x.Chunk(3)[2]), Is.EqualTo(new double[] { 0, 0, 1 }));
        Assert.That(Gradient([1, 2, 3], x => x.Sort().Indices.To(DType.Float64) * x), Is.EqualTo(new double[] { 0, 1, 2 }), "indices have none");
    }

    [Test]
    public void TheLargestNormCountsEveryElementThatHasIt()
    {
        Assert.That(Gradient([-2, 2, 1, 2], x => x.Norm(double.PositiveInfinity)), Is.EqualTo(new[] { -1 / 3.0, 1 / 3.0, 0, 1 / 3.0 }));
        Assert.That(Gradient([0, 0], x => x.Norm(double.PositiveInfinity)), Is.EqualTo(new double[] { 0, 0 }));
        Assert.That(Gradient([0, 0], x => x.Norm(double.NegativeInfinity)), Is.EqualTo(new double[] { 0, 0 }));
    }
}
