using System.Numerics;
using System.Reflection;
using Autograd.Gpu.Tests.Support;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Autograd.Gpu.Tests.Maths;

[TestFixture(typeof(ExpFunction))]
[TestFixture(typeof(Expm1Function))]
[TestFixture(typeof(LogFunction))]
[TestFixture(typeof(Log1pFunction))]
[TestFixture(typeof(SinFunction))]
[TestFixture(typeof(CosFunction))]
[TestFixture(typeof(TanFunction))]
[TestFixture(typeof(TanhFunction))]
[TestFixture(typeof(SigmoidFunction))]
[TestFixture(typeof(ErfFunction))]
[TestFixture(typeof(ErfcFunction))]
[TestFixture(typeof(GeluFunction))]
[TestFixture(typeof(GeluSlopeFunction))]
[TestFixture(typeof(SiluFunction))]
[TestFixture(typeof(SiluSlopeFunction))]
[TestFixture(typeof(RsqrtFunction))]
[TestFixture(typeof(SqrtFunction))]
[TestFixture(typeof(AsinFunction))]
[TestFixture(typeof(AcosFunction))]
[TestFixture(typeof(AtanFunction))]
[TestFixture(typeof(SinhFunction))]
[TestFixture(typeof(CoshFunction))]
[TestFixture(typeof(AsinhFunction))]
[TestFixture(typeof(AcoshFunction))]
[TestFixture(typeof(AtanhFunction))]
[TestFixture(typeof(SoftplusFunction))]
[TestFixture(typeof(Exp2Function))]
[TestFixture(typeof(Log2Function))]
[TestFixture(typeof(Log10Function))]
[TestFixture(typeof(ErfinvFunction))]
[TestFixture(typeof(LgammaFunction))]
[TestFixture(typeof(DigammaFunction))]
public class MathFunctionTests<T>
    where T : struct, IMathFunction
{
    [Test]
    public void Single_StaysWithinItsBoundOverTheWholeRange()
    {
        double worst = 0;
        float at = 0;
        var x = new float[Vector<float>.Count];
        foreach (float[] batch in Samples.Singles().Chunk(x.Length))
        {
            batch.CopyTo(x, 0);
            Vector<float> vector = T.Apply(new Vector<float>(x));
            for (int i = 0; i < batch.Length; i++)
            {
                float scalar = T.Apply(x[i]);
                if (!SameBits(scalar, vector[i])) Assert.Fail($"At {x[i]:R} the scalar form gives {scalar:R}, the vector form {vector[i]:R}.");
                double expected = SingleReference(x[i]);
                double scale = T.SingleScale(x[i]);
                double error = Math.Abs(expected) < scale ? Math.Abs(scalar - expected) / (MathF.BitIncrement((float)scale) - (float)scale) : Ulp.Error(scalar, expected);
                if (error <= worst) continue;
                worst = error;
                at = x[i];
            }
        }

        TestContext.Out.WriteLine($"{typeof(T).Name}, float: {worst:F3} ulp at {at:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(T.SingleBound), $"At {at:R}: {T.Apply(at):R}, not {SingleReference(at):R}.");
    }

    [Test]
    public void Double_StaysWithinItsBound()
    {
        double worst = 0;
        double at = 0;
        var x = new double[Vector<double>.Count];
        foreach (double[] batch in Samples.Doubles().Chunk(x.Length))
        {
            batch.CopyTo(x, 0);
            Vector<double> vector = T.Apply(new Vector<double>(x));
            for (int i = 0; i < batch.Length; i++)
            {
                double scalar = T.Apply(x[i]);
                if (!SameBits(scalar, vector[i])) Assert.Fail($"At {x[i]:R} the scalar form gives {scalar:R}, the vector form {vector[i]:R}.");
                double expected = T.Reference(x[i]);
                double scale = T.Scale(x[i]);
                double error = double.IsFinite(expected) && double.IsFinite(scalar) && Math.Abs(expected) < scale
                    ? Math.Abs(scalar - expected) / (Math.BitIncrement(scale) - scale)
                    : Ulp.Error(scalar, expected);
                if (error <= worst) continue;
                worst = error;
                at = x[i];
            }
        }

        TestContext.Out.WriteLine($"{typeof(T).Name}, double: {worst:F3} ulp at {at:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(T.DoubleBound), $"At {at:R}: {T.Apply(at):R}, not {T.Reference(at):R}.");
    }

    [Test]
    public void ZerosInfinitiesAndNaN_AreExact()
    {
        foreach (double x in Samples.Special)
        {
            double expected = T.Reference(x);
            if (expected != 0 && double.IsFinite(expected)) continue;
            Assert.That(SameBits(T.Apply(x), expected), $"double at {x:R}: {T.Apply(x):R}, not {expected:R}");
            if (x != (float)x && double.IsFinite(x)) continue;
            Assert.That(SameBits(T.Apply((float)x), (float)expected), $"float at {x:R}: {T.Apply((float)x):R}, not {expected:R}");
        }
    }

    [Test]
    public void CpuAccelerator_GivesTheBitsOfTheHost()
    {
        using var context = Context.Create(builder => builder.CPU());
        using var accelerator = context.CreateCPUAccelerator(0);
        float[] singles = SomeSingles();
        double[] doubles = SomeDoubles();
        using var singleBuffer = accelerator.Allocate1D(singles);
        using var doubleBuffer = accelerator.Allocate1D(doubles);
        accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>>(SingleKernel)(singles.Length, singleBuffer.View);
        accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<double>>(DoubleKernel)(doubles.Length, doubleBuffer.View);
        accelerator.Synchronize();
        AssertHostBits(singles, singleBuffer.GetAsArray1D());
        AssertHostBits(doubles, doubleBuffer.GetAsArray1D());
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
        float[] singles = SomeSingles();
        double[] doubles = SomeDoubles();
        var singleResults = (float[])singles.Clone();
        var doubleResults = (double[])doubles.Clone();
        new PtxInterpreter(single).Run(singles.Length, singleResults);
        new PtxInterpreter(wide).Run(doubles.Length, doubleResults);
        AssertHostBits(singles, singleResults);
        AssertHostBits(doubles, doubleResults);
    }

    private static void SingleKernel(Index1D index, ArrayView<float> values) => values[index] = T.Apply(values[index]);

    private static void DoubleKernel(Index1D index, ArrayView<double> values) => values[index] = T.Apply(values[index]);

    private static float[] SomeSingles() => [.. Samples.Singles().Where((_, i) => i < Samples.Special.Length || i % 97 == 0)];

    private static double[] SomeDoubles() => [.. Samples.Doubles().Where((_, i) => i < Samples.Special.Length || i % 4 == 0)];

    private static MethodInfo Kernel(string name) =>
        typeof(MathFunctionTests<T>).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>For floats, whose reference needs but a few digits more, the quick forms of what is slow in many digits.</summary>
    private static double SingleReference(float x) => default(T) switch
    {
        Expm1Function when Math.Abs(x) >= 1e-3 => Math.Exp(x) - 1,
        Expm1Function => x * (1.0 + (x / 2.0 * (1 + (x / 3.0 * (1 + (x / 4.0)))))),
        Log1pFunction when Math.Abs(x) >= 1e-3 => Math.Log(1.0 + x),
        Log1pFunction => x * (1.0 - (x * (0.5 - (x * ((1.0 / 3) - (x * (0.25 - (x / 5.0)))))))),
        TanhFunction => Math.Tanh(x),
        SqrtFunction => Math.Sqrt(x),
        RsqrtFunction => 1 / Math.Sqrt(x),
        SigmoidFunction => x > 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x)),
        // Held against many digits by the tests of the double forms.
        ErfFunction or ErfcFunction or GeluFunction or GeluSlopeFunction or SiluFunction or SiluSlopeFunction or ErfinvFunction or SoftplusFunction or LgammaFunction or DigammaFunction => T.Apply((double)x),
        Exp2Function => Math.Pow(2, x),
        _ => T.Reference(x),
    };

    private static void AssertHostBits(float[] x, float[] results)
    {
        for (int i = 0; i < x.Length; i++)
            Assert.That(SameBits(results[i], T.Apply(x[i])), $"At {x[i]:R}: {results[i]:R}, on the host {T.Apply(x[i]):R}.");
    }

    private static void AssertHostBits(double[] x, double[] results)
    {
        for (int i = 0; i < x.Length; i++)
            Assert.That(SameBits(results[i], T.Apply(x[i])), $"At {x[i]:R}: {results[i]:R}, on the host {T.Apply(x[i]):R}.");
    }

    private static bool SameBits(float a, float b) =>
        BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    private static bool SameBits(double a, double b) =>
        BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b) || (double.IsNaN(a) && double.IsNaN(b));
}
