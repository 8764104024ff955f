using System.Numerics;
using System.Runtime.Intrinsics;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;
using Tables = Autograd.Gpu.Kernels.TableMath<Autograd.Gpu.Kernels.SingleLane, float, int, bool>;

namespace Autograd.Gpu.Tests.Maths;

/// <summary>A function that the host computes from a table, in all its forms.</summary>
internal interface ITableFunction
{
    /// <summary>Where the table ends, and the width of its intervals.</summary>
    static abstract (float End, float Width) Range { get; }

    static abstract float Apply(float x);

    static abstract Vector<float> Apply(Vector<float> x);

    static abstract Vector512<float> Apply(Vector512<float> x);

    /// <summary>In double, which <see cref="MathFunctionTests{T}"/> holds against many digits.</summary>
    static abstract double Reference(double x);

    static virtual double Scale(double x) => 0;
}

/// <summary>Gelu, silu, their derivatives, the sigmoid and the hyperbolic tangent as the host computes them: at the ends of all intervals, within them and beyond them.</summary>
[TestFixture(typeof(GeluTable))]
[TestFixture(typeof(GeluSlopeTable))]
[TestFixture(typeof(SiluTable))]
[TestFixture(typeof(SiluSlopeTable))]
[TestFixture(typeof(SigmoidTable))]
[TestFixture(typeof(TanhTable))]
internal sealed class TableMathTests<T>
    where T : ITableFunction
{
    [Test]
    public void AllFormsGiveTheSameBitsWithinSomeTwoUnits()
    {
        double worst = 0;
        float at = 0;
        foreach (float x in Arguments())
        {
            float y = T.Apply(x);
            int bits = Bits(y);
            Assert.That((Bits(T.Apply(new Vector<float>(x))[0]), Bits(T.Apply(Vector512.Create(x))[0])), Is.EqualTo((bits, bits)), $"at {x:R}");
            // Beyond the table it is the function of all lanes, with bounds of its own.
            if (!(Math.Abs(x) < T.Range.End))
            {
                continue;
            }

            double expected = T.Reference(x);
            double scale = T.Scale(x);
            double error = Math.Abs(expected) < scale ? Math.Abs(y - expected) / (MathF.BitIncrement((float)scale) - (float)scale) : Ulp.Error(y, expected);
            if (error > worst)
            {
                (worst, at) = (error, x);
            }
        }

        TestContext.Out.WriteLine($"{typeof(T).Name}: {worst:F2} ulp at {at:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(2.05), $"at {at:R}");
    }

    [Test]
    public void EachLaneLooksUpItsOwnInterval()
    {
        // Neighbours far apart, from the first interval to beyond the last.
        var x = new float[6 * 16];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = (i * 37 % x.Length + 0.3f) / (x.Length - 2) * T.Range.End * (i % 3 == 0 ? -1 : 1);
        }

        Assert.That(x.Max(Math.Abs), Is.GreaterThan(T.Range.End));

        var expected = Array.ConvertAll(x, v => T.Apply(v));
        var wide = new float[x.Length];
        var usual = new float[x.Length];
        for (int i = 0; i < x.Length; i += 16)
        {
            T.Apply(Vector512.Create(x, i)).CopyTo(wide, i);
        }

        for (int i = 0; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            T.Apply(new Vector<float>(x, i)).CopyTo(usual, i);
        }

        Assert.That(wide, Is.EqualTo(expected));
        Assert.That(usual, Is.EqualTo(expected));
    }

    private static IEnumerable<float> Arguments()
    {
        var (end, width) = T.Range;
        for (float edge = 0; edge <= end + width; edge += width / 2)
        {
            for (float x = edge, y = edge, i = 0; i < 4; i++, x = MathF.BitIncrement(x), y = MathF.BitDecrement(y))
            {
                yield return x;
                yield return -x;
                yield return Math.Abs(y);
                yield return -Math.Abs(y);
            }
        }

        yield return -2.8253736f; // gelu's worst

        var random = new Random(3);
        for (int i = 0; i < 60_000; i++)
        {
            yield return (random.NextSingle() * 2 - 1) * 1.1f * end;
        }

        foreach (double x in Samples.Special)
        {
            yield return (float)x;
        }
    }

    private static int Bits(float value) => float.IsNaN(value) ? 0x7FC00000 : BitConverter.SingleToInt32Bits(value);
}

internal readonly struct GeluTable : ITableFunction
{
    public static (float End, float Width) Range => (Tables.GeluFarEnd, 1f / 16);

    public static float Apply(float x) => HostMath.Gelu(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Gelu(x);

    public static Vector512<float> Apply(Vector512<float> x) => WideTables.Gelu(x);

    public static double Reference(double x) => DeviceMath.Gelu(x);
}

internal readonly struct GeluSlopeTable : ITableFunction
{
    public static (float End, float Width) Range => (Tables.GeluFarEnd, 1f / 16);

    public static float Apply(float x) => HostMath.GeluSlope(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.GeluSlope(x);

    public static Vector512<float> Apply(Vector512<float> x) => WideTables.GeluSlope(x);

    public static double Reference(double x) => DeviceMath.GeluSlope(x);

    public static double Scale(double x) => GeluSlopeFunction.Term(x);
}

internal readonly struct SiluTable : ITableFunction
{
    public static (float End, float Width) Range => (Tables.SiluEnd, 0.5f);

    public static float Apply(float x) => HostMath.Silu(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Silu(x);

    public static Vector512<float> Apply(Vector512<float> x) => WideTables.Silu(x);

    public static double Reference(double x) => DeviceMath.Silu(x);
}

internal readonly struct SiluSlopeTable : ITableFunction
{
    public static (float End, float Width) Range => (Tables.SiluEnd, 0.25f);

    public static float Apply(float x) => HostMath.SiluSlope(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.SiluSlope(x);

    public static Vector512<float> Apply(Vector512<float> x) => WideTables.SiluSlope(x);

    public static double Reference(double x) => DeviceMath.SiluSlope(x);

    public static double Scale(double x) => SiluSlopeFunction.Term(x);
}

internal readonly struct SigmoidTable : ITableFunction
{
    public static (float End, float Width) Range => (Tables.SiluEnd, 0.5f);

    public static float Apply(float x) => HostMath.Sigmoid(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Sigmoid(x);

    public static Vector512<float> Apply(Vector512<float> x) => WideTables.Sigmoid(x);

    public static double Reference(double x) => DeviceMath.Sigmoid(x);
}

internal readonly struct TanhTable : ITableFunction
{
    public static (float End, float Width) Range => (Tables.TanhEnd, (float)Tables.TanhWidth);

    public static float Apply(float x) => HostMath.Tanh(x);

    public static Vector<float> Apply(Vector<float> x) => VectorMath.Tanh(x);

    public static Vector512<float> Apply(Vector512<float> x) => WideTables.Tanh(x);

    public static double Reference(double x) => DeviceMath.Tanh(x);
}
