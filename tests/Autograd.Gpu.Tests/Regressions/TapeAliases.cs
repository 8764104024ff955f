using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests.Regressions;

/// <summary>Gradients and saved values that must not change with what the program writes in place.</summary>
[TestFixture]
public sealed class TapeAliases
{
    private static Tensor Row(params float[] values) => Tensor.FromArray(values, Device.Cpu);

    [Test]
    public void LeavesOfARecordedPassHaveGradientsOfTheirOwn()
    {
        var (a, b) = (Row(1, 2).RequiresGrad_(), Row(3, 4).RequiresGrad_());
        (a + b).Sum().Backward(createGraph: true);
        a.Sum().Backward();
        Assert.Multiple(() =>
        {
            Assert.That(a.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 2, 2 }));
            Assert.That(b.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 1, 1 }));
        });
    }

    [Test]
    public void CrossEntropyRemembersTheClassesOfItsForwardPass()
    {
        var x = Tensor.FromArray(new float[,] { { 1, 2, 3 } }, Device.Cpu).RequiresGrad_();
        var target = Tensor.FromArray(new long[] { 0 }, Device.Cpu);
        var loss = Functional.CrossEntropy(x, target);
        target.Fill_(2);
        loss.Backward();
        Assert.That(x.Grad!.ToArray<float>()[0], Is.EqualTo(0.0900306f - 1).Within(1e-5));
    }

    [Test]
    public void MaxRemembersTheIndicesOfItsForwardPass()
    {
        var x = Tensor.FromArray(new float[,] { { 1, 5, 3 } }, Device.Cpu).RequiresGrad_();
        var (values, indices) = x.Max(1);
        indices.Fill_(0);
        values.Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 1, 0 }));
    }

    [Test]
    public void RecordedWritesThroughWholeViewsReachTheBase()
    {
        var leaf = Row(1, 2).RequiresGrad_();
        var x = leaf * 2;
        var rows = Tensor.Zeros([1, 2], device: Device.Cpu);
        x.View(2, 1).Mul_(3);
        rows[0] = leaf;
        Assert.Throws<GradientException>(() => leaf.View(2, 1).Mul_(3));
        (x.Sum() + rows.Sum() * 10).Backward();
        Assert.That(leaf.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 16, 16 }));
    }

    [Test]
    public void ViewsOlderThanARecordedWriteHaveTheHistoryOfTheirPresentValue()
    {
        var leaf = Row(1, 2).RequiresGrad_();
        var x = leaf * 2;
        var old = x[0];
        x.Mul_(3);
        old.Backward(retainGraph: true);
        x[0].Backward();
        Assert.That(leaf.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 12, 0 }));
    }

    [Test]
    public void ViewsSurviveWritesThatAreNotRecorded()
    {
        var leaf = Row(1, 2).RequiresGrad_();
        var view = leaf.View(2, 1);
        using (Autodiff.NoGrad())
        {
            leaf.Mul_(3);
        }

        view.Sum().Backward();
        Assert.That(leaf.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 1, 1 }));
    }
}
