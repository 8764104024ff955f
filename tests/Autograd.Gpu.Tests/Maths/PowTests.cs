using System.Numerics;
using System.Reflection;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Autograd.Gpu.Tests.Maths;

public class PowTests
{
    private const double SingleBound = 1.5;
    private const double DoubleBound = 2;

    [Test]
    public void Single_StaysWithinItsBoundOverTheWholeRange()
    {
        double worst = 0;
        (float X, float Y) at = default;
        foreach (var (x, y) in SinglePairs(400_000))
        {
            float actual = DeviceMath.Pow(x, y);
            float vector = VectorMath.Pow(Vector.Create(x), Vector.Create(y))[0];
            if (!SameBits(actual, vector)) Assert.Fail($"{x:R}^{y:R}: the scalar form gives {actual:R}, the vector form {vector:R}.");
            double error = Ulp.Error(actual, Math.Pow(x, y));
            if (error <= worst) continue;
            worst = error;
            at = (x, y);
        }

        TestContext.Out.WriteLine($"Pow, float: {worst:F3} ulp at {at.X:R}^{at.Y:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(SingleBound), $"{at.X:R}^{at.Y:R}: {DeviceMath.Pow(at.X, at.Y):R}, not {Math.Pow(at.X, at.Y):R}.");
    }

    [Test]
    public void Double_StaysWithinItsBoundOverTheWholeRange()
    {
        double worst = 0;
        (double X, double Y) at = default;
        foreach (var (x, y) in DoublePairs(200_000))
        {
            double actual = DeviceMath.Pow(x, y);
            double vector = VectorMath.Pow(Vector.Create(x), Vector.Create(y))[0];
            if (!SameBits(actual, vector)) Assert.Fail($"{x:R}^{y:R}: the scalar form gives {actual:R}, the vector form {vector:R}.");
            double error = Ulp.Error(actual, Math.Pow(x, y));
            if (error <= worst) continue;
            worst = error;
            at = (x, y);
        }

        TestContext.Out.WriteLine($"Pow, double: {worst:F3} ulp at {at.X:R}^{at.Y:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(DoubleBound), $"{at.X:R}^{at.Y:R}: {DeviceMath.Pow(at.X, at.Y):R}, not {Math.Pow(at.X, at.Y):R}.");
    }

    [Test]
    public void WideVectorsHaveTheBitsOfScalars()
    {
        foreach (var pairs in SinglePairs(40_000).Chunk(16).Where(pairs => pairs.Length == 16))
        {
            // As they come, mostly with a lane that is not ordinary, and with positive bases.
            foreach (float[] x in (float[][])[[.. pairs.Select(pair => pair.X)], [.. pairs.Select(pair => Math.Clamp(Math.Abs(pair.X), 1e-40f, float.MaxValue))]])
            {
                float[] y = [.. pairs.Select(pair => float.IsFinite(pair.Y) ? pair.Y : 2.5f)];
                var result = WideMath.Pow(Vector512.Create(x), Vector512.Create(y));
                for (int i = 0; i < x.Length; i++)
                    Assert.That(SameBits(result[i], DeviceMath.Pow(x[i], y[i])), $"{x[i]:R}^{y[i]:R}: {result[i]:R}, not {DeviceMath.Pow(x[i], y[i]):R}");
            }
        }
    }

    [Test]
    public void OneLaneThatIsNotOrdinaryDoesNotChangeItsNeighbours()
    {
        float smallestNormal = 1.1754944E-38f;
        float[] bases = [smallestNormal, MathF.BitDecrement(smallestNormal), float.Epsilon, 0, -0f, -2, float.MaxValue, float.PositiveInfinity, float.NaN, .. Samples.Special.Select(x => (float)x)];
        foreach (float x in bases)
        {
            foreach (float y in (float[])[2.5f, -3, 0, float.PositiveInfinity, float.NaN])
            {
                var result = WideMath.Pow(Vector512.Create(0.7f).WithElement(5, x), Vector512.Create(2.5f).WithElement(5, y));
                for (int i = 0; i < 16; i++)
                {
                    float expected = i == 5 ? DeviceMath.Pow(x, y) : DeviceMath.Pow(0.7f, 2.5f);
                    Assert.That(SameBits(result[i], expected), $"{x:R}^{y:R}, lane {i}: {result[i]:R}, not {expected:R}");
                }
            }
        }
    }

    [Test]
    public void SpecialCases_AreThoseOfC99()
    {
        foreach (double x in Samples.Special)
        {
            foreach (double y in Samples.Special)
            {
                double expected = Math.Pow(x, y);
                if (expected == 0 || expected == 1 || !double.IsFinite(expected))
                    Assert.That(SameBits(DeviceMath.Pow(x, y), expected), $"double {x:R}^{y:R}: {DeviceMath.Pow(x, y):R}, not {expected:R}");
                float singleX = (float)x, singleY = (float)y;
                expected = Math.Pow(singleX, singleY);
                if (expected == 0 || expected == 1 || !double.IsFinite(expected))
                    Assert.That(SameBits(DeviceMath.Pow(singleX, singleY), (float)expected), $"float {singleX:R}^{singleY:R}: {DeviceMath.Pow(singleX, singleY):R}");
            }
        }
    }

    [Test]
    public void CpuAccelerator_GivesTheBitsOfTheHost()
    {
        using var context = Context.Create(builder => builder.CPU());
        using var accelerator = context.CreateCPUAccelerator(0);
        (float X, float Y)[] pairs = [.. SinglePairs(2000)];
        using var x = accelerator.Allocate1D(pairs.Select(p => p.X).ToArray());
        using var y = accelerator.Allocate1D(pairs.Select(p => p.Y).ToArray());
        accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>, ArrayView<float>>(SingleKernel)(pairs.Length, x.View, y.View);
        accelerator.Synchronize();
        float[] results = x.GetAsArray1D();
        for (int i = 0; i < pairs.Length; i++)
            Assert.That(SameBits(results[i], DeviceMath.Pow(pairs[i].X, pairs[i].Y)), $"{pairs[i].X:R}^{pairs[i].Y:R}");
    }

    [TestCase(8, 0)]
    [TestCase(9, 0)]
    public void Ptx_HasNoApproximation(int major, int minor)
    {
        string single = PtxCompiler.Compile(Kernel(nameof(SingleKernel)), major, minor);
        string wide = PtxCompiler.Compile(Kernel(nameof(DoubleKernel)), major, minor);
        Assert.That(single + wide, Does.Not.Contain(".approx").And.Not.Contain(".ftz").And.Not.Contain("call"));
    }

    [Test]
    public void Ptx_GivesTheBitsOfTheHost()
    {
        string single = PtxCompiler.Compile(Kernel(nameof(SingleKernel)), 9, 0);
        string wide = PtxCompiler.Compile(Kernel(nameof(DoubleKernel)), 9, 0);
        (float X, float Y)[] singles = [.. SinglePairs(4000)];
        float[] singleResults = [.. singles.Select(p => p.X)];
        new PtxInterpreter(single).Run(singles.Length, singleResults, singles.Select(p => p.Y).ToArray());
        for (int i = 0; i < singles.Length; i++)
            Assert.That(SameBits(singleResults[i], DeviceMath.Pow(singles[i].X, singles[i].Y)), $"{singles[i].X:R}^{singles[i].Y:R}");

        (double X, double Y)[] doubles = [.. DoublePairs(4000)];
        double[] doubleResults = [.. doubles.Select(p => p.X)];
        new PtxInterpreter(wide).Run(doubles.Length, doubleResults, doubles.Select(p => p.Y).ToArray());
        for (int i = 0; i < doubles.Length; i++)
            Assert.That(SameBits(doubleResults[i], DeviceMath.Pow(doubles[i].X, doubles[i].Y)), $"{doubles[i].X:R}^{doubles[i].Y:R}");
    }

    private static void SingleKernel(Index1D index, ArrayView<float> x, ArrayView<float> y) => x[index] = DeviceMath.Pow(x[index], y[index]);

    private static void DoubleKernel(Index1D index, ArrayView<double> x, ArrayView<double> y) => x[index] = DeviceMath.Pow(x[index], y[index]);

    private static MethodInfo Kernel(string name) => typeof(PowTests).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>Any bits, integer exponents, results near 1, results spread over the whole range, and the special values.</summary>
    private static IEnumerable<(float X, float Y)> SinglePairs(int count)
    {
        var random = new Random(7);
        foreach (double x in Samples.Special.Take(36))
            foreach (double y in Samples.Special.Take(36)) yield return ((float)x, (float)y);
        for (int i = 0; i < count; i++)
        {
            float x = i % 4 == 0
                ? BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue))
                : (float)Math.Exp((random.NextDouble() - 0.5) * (i % 4 == 1 ? 1e-4 : i % 4 == 2 ? 4 : 170));
            float y = (i / 4 % 4) switch
            {
                0 => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)),
                1 => random.Next(-40, 40),
                _ => (float)(((random.NextDouble() * 2) - 1) * 104 / Math.Max(1e-8, Math.Abs(Math.Log(Math.Abs(x))))),
            };
            yield return (i % 3 == 0 ? -x : x, y);
        }
    }

    private static IEnumerable<(double X, double Y)> DoublePairs(int count)
    {
        var random = new Random(8);
        foreach (double x in Samples.Special)
            foreach (double y in Samples.Special) yield return (x, y);
        for (int i = 0; i < count; i++)
        {
            double x = i % 4 == 0
                ? BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue))
                : Math.Exp((random.NextDouble() - 0.5) * (i % 4 == 1 ? 1e-4 : i % 4 == 2 ? 4 : 1400));
            double y = (i / 4 % 4) switch
            {
                0 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                1 => random.Next(-100, 100),
                _ => ((random.NextDouble() * 2) - 1) * 746 / Math.Max(1e-16, Math.Abs(Math.Log(Math.Abs(x)))),
            };
            yield return (i % 3 == 0 ? -x : x, y);
        }
    }

    private static bool SameBits(float a, float b) =>
        BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    private static bool SameBits(double a, double b) =>
        BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b) || (double.IsNaN(a) && double.IsNaN(b));
}
