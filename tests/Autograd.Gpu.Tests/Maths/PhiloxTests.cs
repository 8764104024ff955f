using System.Numerics;
using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;
using ILGPU;

namespace Autograd.Gpu.Tests.Maths;

public class PhiloxTests
{
    private const ulong Seed = 0x0123456789ABCDEF;

    /// <summary>The known answers that Random123 publishes (kat_vectors, philox4x32 10).</summary>
    [TestCase(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [TestCase(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [TestCase(0xa4093822u, 0x299f31d0u, 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u)]
    public void Block_GivesTheKnownAnswers(uint k0, uint k1, uint c0, uint c1, uint c2, uint c3, uint w0, uint w1, uint w2, uint w3)
    {
        Philox.Block(k0, k1, c0, c1, c2, c3, out ulong lower, out ulong upper);
        Assert.That(new[] { (uint)lower, (uint)(lower >> 32), (uint)upper, (uint)(upper >> 32) }, Is.EqualTo(new[] { w0, w1, w2, w3 }));
    }

    [Test]
    public void Bits_AreTheWordsOfTheBlock()
    {
        uint[] words = [.. Enumerable.Range(0, 4).Select(lane => Philox.Bits(0, 0, lane))];
        Assert.That(words, Is.EqualTo(new[] { 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u }));
    }

    [Test]
    public void Uniform_IsMadeOfTheWordsThatTheDocumentationNames()
    {
        for (long i = 0; i < 100; i++)
        {
            float single = (Philox.Bits(Seed, 77 + ((ulong)i / 4), (int)(i % 4)) >> 8) / 16777216f;
            Assert.That(Philox.UniformFloat(Seed, 77, i), Is.EqualTo(single));
            ulong counter = 77 + ((ulong)i / 2);
            int lane = (int)(i % 2) * 2;
            ulong bits = Philox.Bits(Seed, counter, lane) | ((ulong)Philox.Bits(Seed, counter, lane + 1) << 32);
            Assert.That(Philox.UniformDouble(Seed, 77, i), Is.EqualTo((bits >> 11) / 9007199254740992.0));
        }
    }

    [TestCase(0L)]
    [TestCase(4L)]
    [TestCase(8L)]
    [TestCase(1L)]
    [TestCase(2L)]
    [TestCase(3L)]
    [TestCase(1_000_000_007L)]
    [TestCase((1L << 40) + 6)]
    public void VectorForms_GiveTheBitsOfTheScalarForms(long index)
    {
        foreach (ulong offset in new ulong[] { 0, 5, uint.MaxValue - 1UL, ulong.MaxValue - 1 })
        {
            for (long start = index; start < index + 400; start += 8)
            {
                Vector<float> uniform = VectorPhilox.UniformFloat(Seed, offset, start);
                Vector<float> normal = VectorPhilox.NormalFloat(Seed, offset, start);
                for (int i = 0; i < Vector<float>.Count; i++)
                {
                    Assert.That(uniform[i], Is.EqualTo(Philox.UniformFloat(Seed, offset, start + i)));
                    Assert.That(BitConverter.SingleToInt32Bits(normal[i]), Is.EqualTo(BitConverter.SingleToInt32Bits(Philox.NormalFloat(Seed, offset, start + i))));
                }

                Vector<double> wideUniform = VectorPhilox.UniformDouble(Seed, offset, start);
                Vector<double> wideNormal = VectorPhilox.NormalDouble(Seed, offset, start);
                for (int i = 0; i < Vector<double>.Count; i++)
                {
                    Assert.That(wideUniform[i], Is.EqualTo(Philox.UniformDouble(Seed, offset, start + i)));
                    Assert.That(BitConverter.DoubleToInt64Bits(wideNormal[i]), Is.EqualTo(BitConverter.DoubleToInt64Bits(Philox.NormalDouble(Seed, offset, start + i))));
                }
            }
        }
    }

    [Test]
    public void Uniform_HasTheMomentsAndTheRange()
    {
        double[] values = [.. Enumerable.Range(0, 400_000).Select(i => (double)Philox.UniformFloat(3, 9, i))];
        Assert.That(values.Min(), Is.GreaterThanOrEqualTo(0));
        Assert.That(values.Max(), Is.LessThan(1));
        AssertDistribution(values, x => x);
        double[] wide = [.. Enumerable.Range(0, 400_000).Select(i => Philox.UniformDouble(4, 9, i))];
        AssertDistribution(wide, x => x);
    }

    [Test]
    public void Normal_HasTheDistribution()
    {
        double[] single = [.. Enumerable.Range(0, 400_000).Select(i => (double)Philox.NormalFloat(3, 9, i))];
        double[] wide = [.. Enumerable.Range(0, 400_000).Select(i => Philox.NormalDouble(3, 9, i))];
        foreach (double[] values in new[] { single, wide })
        {
            AssertDistribution(values, x => 0.5 * DeviceMath.Erfc(-x / Math.Sqrt(2)));
            Assert.That(values.Average(), Is.EqualTo(0).Within(0.008));
            Assert.That(values.Average(x => x * x), Is.EqualTo(1).Within(0.012));
            Assert.That(values.Average(x => x * x * x * x), Is.EqualTo(3).Within(0.08));
            double neighbours = Enumerable.Range(0, values.Length / 2).Average(i => values[2 * i] * values[(2 * i) + 1]);
            Assert.That(neighbours, Is.EqualTo(0).Within(0.012));
        }
    }

    [Test]
    public void Normal_IsFiniteForEveryExtremeOfItsBits()
    {
        int[] extremes = [0, 1, -1, int.MinValue, int.MaxValue, 2, 1 << 30];
        foreach (int radius in extremes)
        {
            foreach (int angle in extremes)
            {
                float single = LaneMath<SingleLane, float, int, bool>.Normal(radius, angle, 1);
                Assert.That(Math.Abs(single), Is.LessThan(6.7));
                double wide = LaneMath<DoubleLane, double, long, bool>.Normal(((long)radius << 32) | 0xFFFFFFFF, (long)angle << 32, 0);
                Assert.That(Math.Abs(wide), Is.LessThan(9.5));
            }
        }
    }

    [Test]
    public void Ptx_GivesTheBitsOfTheHost()
    {
        var single = new float[2000];
        var wide = new double[2000];
        new PtxInterpreter(PtxCompiler.Compile(Kernel(nameof(SingleKernel)), 9, 0)).Run(1000, single);
        new PtxInterpreter(PtxCompiler.Compile(Kernel(nameof(DoubleKernel)), 9, 0)).Run(1000, wide);
        for (int i = 0; i < 1000; i++)
        {
            Assert.That(single[2 * i], Is.EqualTo(Philox.UniformFloat(Seed, 5, i)));
            Assert.That(single[(2 * i) + 1], Is.EqualTo(Philox.NormalFloat(Seed, 5, i)));
            Assert.That(wide[2 * i], Is.EqualTo(Philox.UniformDouble(Seed, 5, i)));
            Assert.That(wide[(2 * i) + 1], Is.EqualTo(Philox.NormalDouble(Seed, 5, i)));
        }
    }

    private static void SingleKernel(Index1D index, ArrayView<float> values)
    {
        values[2 * index] = Philox.UniformFloat(Seed, 5, index);
        values[(2 * index) + 1] = Philox.NormalFloat(Seed, 5, index);
    }

    private static void DoubleKernel(Index1D index, ArrayView<double> values)
    {
        values[2 * index] = Philox.UniformDouble(Seed, 5, index);
        values[(2 * index) + 1] = Philox.NormalDouble(Seed, 5, index);
    }

    private static MethodInfo Kernel(string name) => typeof(PhiloxTests).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>Kolmogorov and Smirnov's distance, whose 0.1 % point is 1.95 / sqrt(n).</summary>
    private static void AssertDistribution(double[] values, Func<double, double> cumulative)
    {
        double[] sorted = [.. values.Order()];
        double distance = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            double expected = cumulative(sorted[i]);
            distance = Math.Max(distance, Math.Max(expected - ((double)i / sorted.Length), ((i + 1.0) / sorted.Length) - expected));
        }

        Assert.That(distance * Math.Sqrt(sorted.Length), Is.LessThan(1.95));
    }
}
