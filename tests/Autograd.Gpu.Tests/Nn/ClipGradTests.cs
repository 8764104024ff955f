using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Clipping of gradients by norm and by value.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class ClipGradTests(Device device)
{
    private Tensor[] Parameters()
    {
        Tensor a = Tensor.Zeros([2], device: device).RequiresGrad_(), b = Tensor.Zeros([1, 1], device: device).RequiresGrad_();
        a.Grad = Tensor.FromArray([3f, 0f], device);
        b.Grad = Tensor.FromArray(new[,] { { -4f } }, device);
        return [a, b, Tensor.Zeros([2], device: device).RequiresGrad_()];
    }

    [TestCase(2, 1, 5, 0.2)]
    [TestCase(2, 10, 5, 1)]
    [TestCase(1, 3.5, 7, 0.5)]
    [TestCase(double.PositiveInfinity, 1, 4, 0.25)]
    public void TheNormIsThatOfAllTogether(double normType, double maxNorm, double total, double factor)
    {
        var parameters = Parameters();
        Assert.That(Utils.ClipGradNorm_(parameters, maxNorm, normType).Item<float>(), Is.EqualTo(total).Within(1e-6));
        Assert.That(parameters[0].Grad!.Doubles(), Is.EqualTo(new[] { 3 * factor, 0 }).Within(1e-6));
        Assert.That(parameters[1].Grad!.Doubles(), Is.EqualTo(new[] { -4 * factor }).Within(1e-6));
        Assert.That(parameters[2].Grad, Is.Null);
    }

    [Test]
    public void ValuesAreClamped()
    {
        var parameters = Parameters();
        Utils.ClipGradValue_(parameters, 3.5);
        Assert.That(parameters[0].Grad!.Doubles(), Is.EqualTo(new[] { 3.0, 0 }));
        Assert.That(parameters[1].Grad!.Doubles(), Is.EqualTo(new[] { -3.5 }));
    }

    [Test]
    public void OddOnesAreRefusedOrPassed()
    {
        var parameters = Parameters();
        parameters[0].Grad = Tensor.FromArray([float.NaN, 1], device);
        Assert.That(() => Utils.ClipGradNorm_(parameters, 1, errorIfNonfinite: true), Throws.TypeOf<GradientException>().With.Message.Contains("is non-finite"));
        Assert.That(Utils.ClipGradNorm_(parameters, 1).Item<float>(), Is.NaN);
        Assert.That(() => Utils.ClipGradNorm_(parameters, -1), Throws.ArgumentException.With.Message.Contains("maxNorm"));
        Assert.That(() => Utils.ClipGradValue_(parameters, double.NaN), Throws.ArgumentException.With.Message.Contains("clipValue"));
        Assert.That(Utils.ClipGradNorm_([], 1).Item<float>(), Is.Zero);
    }
}
