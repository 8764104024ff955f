using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>Gelu and its slope where they are hard: in the lower tail, down to subnormal results and beyond, and at arguments that no square holds.</summary>
internal sealed class GeluTests
{
    [Test]
    public void TheTailKeepsItsDigitsInEveryForm()
    {
        double worst = 0;
        for (int i = 0; i < 4000; i++)
        {
            float x = -4f - i * 0.0027f;
            Check(DeviceMath.Gelu(x), HostMath.Gelu(x), DeviceMath.Gelu((double)x), VectorMath.Gelu(new Vector<float>(x))[0], WideTables.Gelu(Vector512.Create(x))[0], x, ref worst);
            Check(DeviceMath.GeluSlope(x), HostMath.GeluSlope(x), DeviceMath.GeluSlope((double)x), VectorMath.GeluSlope(new Vector<float>(x))[0], WideTables.GeluSlope(Vector512.Create(x))[0], x, ref worst);
        }

        Assert.That(worst, Is.LessThanOrEqualTo(4));
    }

    [Test]
    public void SpecialNumbersAreThoseOfPyTorch()
    {
        float[] x = [0f, -0f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, float.MaxValue, float.MinValue, -20f];
        float[] values = [0f, -0f, float.PositiveInfinity, float.NaN, float.NaN, float.MaxValue, -0f, -0f];
        Assert.That(Bits(Tensor.FromArray(x).Gelu().ToArray<float>()), Is.EqualTo(Bits(values)));
        Assert.That(
            Bits(Tensor.FromArray(Array.ConvertAll(x, v => (double)v)).Gelu().To(DType.Float32).ToArray<float>()), Is.EqualTo(Bits(values)), "in float64");
    }

    [Test]
    public void DerivativesAreFiniteWhereTheDensityIsZero()
    {
        var x = Tensor.FromArray<float>([1e20f, -1e20f, 30f, -30f]).RequiresGrad_();
        var first = Autodiff.Grad([x.Gelu().Sum()], [x], createGraph: true)[0]!;
        Assert.That(first.ToArray<float>(), Is.EqualTo(new float[] { 1, 0, 1, 0 }));
        Assert.That(Autodiff.Grad([first.Sum()], [x])[0]!.ToArray<float>(), Is.EqualTo(new float[4]));
    }

    private static void Check(float device, float host, double expected, float vector, float wide, float x, ref double worst)
    {
        Assert.That((vector, wide), Is.EqualTo((host, host)), $"at {x:R}");
        worst = Math.Max(worst, Math.Max(Ulp.Error(device, expected), Ulp.Error(host, expected)));
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, v => float.IsNaN(v) ? 0x7FC00000 : BitConverter.SingleToInt32Bits(v));
}
