using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests.Regressions;

/// <summary>Dtypes and digits that were lost.</summary>
[TestFixture]
public sealed class Numbers
{
    private static IEnumerable<Device> Devices => [Device.Cpu, Device.CpuKernels];

    [Test]
    public void ClampWithOneBoundKeepsIntegers()
    {
        var x = Tensor.FromArray(new long[] { 5, -7, (1L << 53) + 1 }, Device.Cpu);
        Assert.Multiple(() =>
        {
            Assert.That(x.Clamp(min: 0).ToArray<long>(), Is.EqualTo(new long[] { 5, 0, (1L << 53) + 1 }));
            Assert.That(x.Clamp(max: 2).ToArray<long>(), Is.EqualTo(new long[] { 2, -7, 2 }));
            Assert.That(x.To(DType.Int32).Clamp(min: 0).DType, Is.EqualTo(DType.Int32));
            Assert.That(x.Clone().Clamp_(min: 0).ToArray<long>(), Is.EqualTo(new long[] { 5, 0, (1L << 53) + 1 }));
        });
    }

    [TestCaseSource(nameof(Devices))]
    public void BytesWrapAroundInsideAChain(Device device)
    {
        byte[] a = [200, 10, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 250, 100];
        var x = Tensor.FromArray(a, device);
        var expected = a.Select(v => (byte)(v + v) > 50).ToArray();
        Assert.That(((x + x) > 50).ToArray<bool>(), Is.EqualTo(expected));
    }

    [Test]
    public void ConstantsConvertToInt32AsElementsDo()
    {
        var element = Tensor.FromArray(new[] { 3e9f }, Device.Cpu).To(DType.Int32).Item<int>();
        Assert.That(Tensor.Full([1], 3e9, device: Device.Cpu).To(DType.Int32).Item<int>(), Is.EqualTo(element));
    }

    [Test]
    public void LargeLogitsKeepTheDigitsOfTheLogarithm()
    {
        var x = Tensor.FromArray(new[,] { { 1e6f, 1e6f + 0.5f } }, Device.Cpu).RequiresGrad_();
        var loss = Functional.CrossEntropy(x, Tensor.FromArray(new long[] { 0 }, Device.Cpu));
        loss.Backward();
        double p = 1 / (1 + Math.Exp(0.5));
        Assert.Multiple(() =>
        {
            Assert.That(x.LogSoftmax(1).ToArray<float>(), Is.EqualTo(new[] { Math.Log(p), Math.Log(1 - p) }).Within(1e-6));
            Assert.That(loss.Item<float>(), Is.EqualTo(-Math.Log(p)).Within(1e-6));
            Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { p - 1, 1 - p }).Within(1e-6));
        });
    }

    [Test]
    public void HalfTypesCombineWithNumbersBeyondTheirRange()
    {
        var x = Tensor.Ones([100_000], DType.Float16, Device.Cpu).RequiresGrad_();
        var y = x.Mean();
        y.Backward(Tensor.Of(2048.0, DType.Float16, Device.Cpu));
        Assert.Multiple(() =>
        {
            Assert.That((float)y.Item<Half>(), Is.EqualTo(1));
            Assert.That((float)x.Grad![0].Item<Half>(), Is.EqualTo(2048f / 100_000).Within(1e-4));
        });
    }

    [Test]
    public void ProductsOverNothingDifferentiate()
    {
        var a = Tensor.Zeros([2, 3, 0], device: Device.Cpu).RequiresGrad_();
        var b = Tensor.Zeros([0, 4], device: Device.Cpu).RequiresGrad_();
        a.MatMul(b).Sum().Backward();
        Assert.That((a.Grad!.Shape, b.Grad!.Shape), Is.EqualTo((a.Shape, b.Shape)));
    }

    [Test]
    public void ComparingWithNullNamesTheRemedy()
    {
        Tensor? none = null;
        Assert.That(() => none! == Tensor.Of(1.0), Throws.ArgumentNullException.With.Message.Contains("is null"));
    }
}
