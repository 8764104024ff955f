using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>The 512-bit inverse square root takes no division, and has the bits of one that does.</summary>
internal sealed class WideRsqrtTests
{
    [OneTimeSetUp]
    public void Needs512Bits()
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            Assert.Ignore("There are no 512-bit vectors, so no loop takes these functions.");
        }
    }

    [Test]
    public void EverySignificandHasTheBitsOfASquareRootAndADivision()
    {
        // Both parities of the exponent; all other powers of four only scale.
        for (uint bits = 0x3F800000; bits < 0x40800000; bits += 16)
        {
            AssertSame((Vector512.Create(bits) + Vector512<uint>.Indices).AsSingle());
        }
    }

    [Test]
    public void SpecialNumbersHaveThemToo()
    {
        for (uint high = 0; high < 0x10000; high++)
        {
            // All signs and exponents, with significands near both ends: zeros, subnormal numbers, infinities and NaN among them.
            AssertSame((Vector512.Create((high << 16) + (high & 1) * 0xFFF0) + Vector512<uint>.Indices).AsSingle());
        }

        foreach (double x in Samples.Special)
        {
            AssertSame(Vector512.Create((float)x));
            AssertSame(Vector512.Create(2f).WithElement(5, (float)x));
        }
    }

    [TestCase(0.0)]
    [TestCase(1.0)]
    [TestCase(-1.0)]
    [TestCase(0.37)]
    [TestCase(-0.83)]
    public void TheEstimateDoesNotMatter(double error)
    {
        float scale = (float)(1 + error / 8192);
        for (uint bits = 0x3F800000; bits < 0x40000000; bits += 16)
        {
            var s = (Vector512.Create(bits) + Vector512<uint>.Indices).AsSingle();
            var exact = Vector512<float>.One / s;
            if (!Vector512.EqualsAll(WideMath.Reciprocal(s, exact * scale), exact))
            {
                Assert.Fail($"1 / {s}: {WideMath.Reciprocal(s, exact * scale)}, not {exact}");
            }
        }
    }

    [Test]
    public void AStepFromEitherNeighbourIsRoundedAsTheQuotientButForTheLargestSignificand()
    {
        for (int significand = 0; significand < (1 << 23) - 1; significand++)
        {
            float s = BitConverter.Int32BitsToSingle(0x3F800000 + significand);
            float exact = 1 / s;
            float below = MathF.BitDecrement(exact);
            if (Step(s, exact) != exact || Step(s, below) != exact)
            {
                Assert.Fail($"1 / {s:R}");
            }
        }

        float largest = MathF.BitDecrement(2);
        Assert.That(1 - largest * (double)MathF.BitDecrement(1 / largest), Is.EqualTo(Math.Pow(2, -24)));
    }

    private static float Step(float s, float y) => MathF.FusedMultiplyAdd(y, MathF.FusedMultiplyAdd(-s, y, 1), y);

    private static void AssertSame(Vector512<float> x)
    {
        var expected = Vector512<float>.One / Vector512.Sqrt(x);
        var result = WideMath.Rsqrt(x);
        if (!Vector512.EqualsAll(result.AsInt32(), expected.AsInt32()))
        {
            Assert.Fail($"rsqrt of {x}: {result}, not {expected}");
        }
    }
}
