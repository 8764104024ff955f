using System.Numerics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>Functions of two numbers, integers of floating-point numbers, and the Hurwitz zeta function.</summary>
public class BinaryFunctionTests
{
    private static readonly double[] s_special =
    [
        0.0, -0.0, 1, -1, 2, -2, 0.3, -0.3, 3, 1e-30, -1e30, float.MaxValue, float.Epsilon, -float.Epsilon, double.PositiveInfinity,
        double.NegativeInfinity, double.NaN, 16777216, -8388607.5,
    ];

    [Test]
    public void Atan2_StaysWithinItsBoundAndHasTheSpecialCasesOfC99() =>
        Check("Atan2", DeviceMath.Atan2, DeviceMath.Atan2, VectorMath.Atan2, VectorMath.Atan2, Math.Atan2, 3, 3);

    [Test]
    public void Hypot_StaysWithinItsBoundWithoutOverflow() =>
        Check("Hypot", DeviceMath.Hypot, DeviceMath.Hypot, VectorMath.Hypot, VectorMath.Hypot, double.Hypot, 2, 2);

    [Test]
    public void LogAddExp_StaysWithinItsBound() => Check(
        "LogAddExp",
        DeviceMath.LogAddExp,
        DeviceMath.LogAddExp,
        VectorMath.LogAddExp,
        VectorMath.LogAddExp,
        (a, b) => a == b ? a + Math.Log(2) : Math.Max(a, b) + HighPrecision.Log1p(Math.Exp(-Math.Abs(a - b))),
        // Where a and b cancel the error is that of the larger one.
        4,
        4,
        (a, b) => double.IsFinite(a) && double.IsFinite(b) ? Math.Max(Math.Abs(a), Math.Abs(b)) : 0);

    [Test]
    public void Fmod_IsExact()
    {
        Check("Fmod", DeviceMath.Fmod, DeviceMath.Fmod, null, null, (a, b) => a % b, 0, 0);
        var random = new Random(3);
        for (int i = 0; i < 20_000; i++)
        {
            float a = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            float b = i % 2 == 0 ? a / random.Next(1, 20_000_000) : BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            Assert.That(Same(DeviceMath.Fmod(a, b), a % b), $"{a:R} % {b:R}: {DeviceMath.Fmod(a, b):R}, not {a % b:R}");
            double x = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            double y = i % 2 == 0 ? x / random.NextInt64(1, 1L << 54) : BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            Assert.That(Same(DeviceMath.Fmod(x, y), x % y), $"{x:R} % {y:R}: {DeviceMath.Fmod(x, y):R}, not {x % y:R}");
        }
    }

    [Test]
    public void IntegersOfNumbers_AreExact()
    {
        foreach (double x in Samples.Doubles())
        {
            CheckInteger("Round", x, DeviceMath.Round(x), VectorMath.Round(Vector.Create(x))[0], Math.Round(x));
            CheckInteger("Floor", x, DeviceMath.Floor(x), VectorMath.Floor(Vector.Create(x))[0], Math.Floor(x));
            CheckInteger("Ceil", x, DeviceMath.Ceil(x), VectorMath.Ceil(Vector.Create(x))[0], Math.Ceiling(x));
            CheckInteger("Trunc", x, DeviceMath.Trunc(x), VectorMath.Trunc(Vector.Create(x))[0], Math.Truncate(x));
        }

        foreach (float x in Samples.Singles().Where((_, i) => i % 7 == 0).Concat([0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 8388607.5f, -8388606.5f]))
        {
            CheckInteger("Round", x, DeviceMath.Round(x), VectorMath.Round(Vector.Create(x))[0], MathF.Round(x));
            CheckInteger("Floor", x, DeviceMath.Floor(x), VectorMath.Floor(Vector.Create(x))[0], MathF.Floor(x));
            CheckInteger("Ceil", x, DeviceMath.Ceil(x), VectorMath.Ceil(Vector.Create(x))[0], MathF.Ceiling(x));
            CheckInteger("Trunc", x, DeviceMath.Trunc(x), VectorMath.Trunc(Vector.Create(x))[0], MathF.Truncate(x));
        }
    }

    [TestCase(2, 1, 1.6449340668482264)]
    [TestCase(2, 0.5, 4.934802200544679)]
    [TestCase(3, 1, 1.2020569031595942)]
    [TestCase(4, 2.5, 0.03731764146954201)]
    [TestCase(1.5, 0.25, 10.213055360466601)]
    [TestCase(2, 1e10, 1.00000000005e-10)]
    [TestCase(60, 1, 1)]
    [TestCase(2, -0.5, 8.934802200544679)]
    [TestCase(3, -2.25, -61.94847488703008)]
    [TestCase(1, 3, double.PositiveInfinity)]
    [TestCase(2, 0, double.PositiveInfinity)]
    [TestCase(2, -4, double.PositiveInfinity)]
    [TestCase(0.5, 1, double.NaN)]
    [TestCase(2.5, -0.5, double.NaN)]
    [TestCase(2, double.PositiveInfinity, 0)]
    [TestCase(1e300, 2, 0)]
    public void Zeta_IsTheSumOfPowers(double s, double q, double expected)
    {
        Assert.That(Ulp.Error(DeviceMath.Zeta(s, q), expected), Is.LessThanOrEqualTo(16), $"{DeviceMath.Zeta(s, q):R}");
        Assert.That(Ulp.Error(DeviceMath.Zeta((float)s, (float)q), expected), Is.LessThanOrEqualTo(1), $"{DeviceMath.Zeta((float)s, (float)q):R}");
    }

    [Test]
    public void GammaFunctionsOfFloats_AreRoundedOnceEvenNearTheirZeros()
    {
        foreach (float zero in new[] { 1f, 2f, 1.4616321f, -2.4570247f, -2.7476826f, -3.1435809f, -0.5040830f, -1.5734984f, -4.0393610f })
        {
            for (int i = -20; i <= 20; i++)
            {
                float x = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(zero) + i);
                Assert.That(Ulp.Error(DeviceMath.Lgamma(x), HighPrecision.LogGamma(x)), Is.LessThanOrEqualTo(1), $"lgamma({x:R})");
                Assert.That(Ulp.Error(DeviceMath.Digamma(x), HighPrecision.Digamma(x)), Is.LessThanOrEqualTo(1), $"digamma({x:R})");
            }
        }
    }

    private static void CheckInteger(string name, double x, double scalar, double vector, double expected)
    {
        Assert.That(Same(scalar, expected) && Same(vector, expected), $"{name}({x:R}): {scalar:R} and {vector:R}, not {expected:R}");
    }

    private static void Check(
        string name,
        Func<float, float, float> single,
        Func<double, double, double> wide,
        Func<Vector<float>, Vector<float>, Vector<float>>? singles,
        Func<Vector<double>, Vector<double>, Vector<double>>? wides,
        Func<double, double, double> reference,
        double singleBound,
        double doubleBound,
        Func<double, double, double>? scale = null)
    {
        var random = new Random(12);
        var pairs = (from a in s_special from b in s_special select (a, b)).ToList();
        for (int i = 0; i < 20_000; i++)
        {
            double a = (random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-30, 30));
            pairs.Add((a, i % 2 == 0 ? a * random.NextDouble() * 4 : (random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-30, 30))));
        }

        double worstSingle = 0, worstDouble = 0;
        foreach (var (a, b) in pairs)
        {
            float x = (float)a, y = (float)b;
            float actual = single(x, y);
            double expected = reference(x, y);
            if (singles is not null) Assert.That(Same(singles(Vector.Create(x), Vector.Create(y))[0], actual), $"{name}({x:R}, {y:R}): scalar and vector differ");
            double allowance = scale is null || !double.IsFinite(expected) ? 0 : scale(x, y);
            double error = Math.Abs(expected) < allowance ? Math.Abs(actual - expected) / (MathF.BitIncrement((float)allowance) - (float)allowance) : Ulp.Error(actual, expected);
            Assert.That(error, Is.LessThanOrEqualTo(singleBound), $"{name}({x:R}, {y:R}) in float: {actual:R}, not {expected:R}");
            if (expected == 0) Assert.That(Same(actual, (float)expected), $"{name}({x:R}, {y:R}) in float: the sign of zero");
            worstSingle = Math.Max(worstSingle, error);

            double result = wide(a, b);
            expected = reference(a, b);
            if (wides is not null) Assert.That(Same(wides(Vector.Create(a), Vector.Create(b))[0], result), $"{name}({a:R}, {b:R}): scalar and vector differ");
            allowance = scale is null || !double.IsFinite(expected) ? 0 : scale(a, b);
            error = Math.Abs(expected) < allowance ? Math.Abs(result - expected) / (Math.BitIncrement(allowance) - allowance) : Ulp.Error(result, expected);
            Assert.That(error, Is.LessThanOrEqualTo(doubleBound), $"{name}({a:R}, {b:R}): {result:R}, not {expected:R}");
            worstDouble = Math.Max(worstDouble, error);
        }

        TestContext.Out.WriteLine($"{name}: {worstSingle:F3} ulp in float, {worstDouble:F3} in double");
    }

    private static bool Same(float a, float b) =>
        BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    private static bool Same(double a, double b) =>
        BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b) || (double.IsNaN(a) && double.IsNaN(b));
}
