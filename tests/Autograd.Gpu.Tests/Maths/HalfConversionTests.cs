using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;
using ILGPU;
using Half = System.Half;

namespace Autograd.Gpu.Tests.Maths;

public class HalfConversionTests
{
    [Test]
    public void Half_ToFloat_IsThatOfTheRuntimeForEveryValue()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            float actual = HalfConversion.HalfToFloat((ushort)bits);
            bool same = BitConverter.SingleToInt32Bits(actual) == BitConverter.SingleToInt32Bits(expected);
            Assert.That(same || (float.IsNaN(actual) && float.IsNaN(expected)), $"{bits:X4}: {actual:R}, not {expected:R}");
        }
    }

    [Test]
    public void Half_FromFloat_IsThatOfTheRuntime()
    {
        foreach (float x in Floats())
        {
            ushort actual = HalfConversion.FloatToHalf(x);
            ushort expected = BitConverter.HalfToUInt16Bits((Half)x);
            bool nan = float.IsNaN(x) && Half.IsNaN(BitConverter.UInt16BitsToHalf(actual));
            Assert.That(nan || actual == expected, $"{x:R}: {actual:X4}, not {expected:X4}");
        }
    }

    [Test]
    public void BFloat16_ToFloat_IsTheUpperHalf()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float actual = HalfConversion.BFloat16ToFloat((ushort)bits);
            Assert.That(BitConverter.SingleToUInt32Bits(actual), Is.EqualTo((uint)bits << 16));
            ushort back = HalfConversion.FloatToBFloat16(actual);
            if (float.IsNaN(actual)) Assert.That(float.IsNaN(HalfConversion.BFloat16ToFloat(back)));
            else Assert.That(back, Is.EqualTo((ushort)bits));
        }
    }

    [Test]
    public void BFloat16_FromFloat_IsTheNearestWithTiesToEven()
    {
        foreach (float x in Floats().Where(float.IsFinite))
        {
            ushort actual = HalfConversion.FloatToBFloat16(x);
            uint bits = BitConverter.SingleToUInt32Bits(x);
            ushort below = (ushort)(bits >> 16);
            uint rest = bits & 0xFFFF;
            ushort expected = (ushort)(rest > 0x8000 || (rest == 0x8000 && below % 2 == 1) ? below + 1 : below);
            Assert.That(actual, Is.EqualTo(expected), $"{x:R}");
        }

        Assert.That(HalfConversion.FloatToBFloat16(BitConverter.UInt32BitsToSingle(0x7F800001)), Is.EqualTo(0x7FC0), "a NaN whose upper half is infinity's");
        Assert.That(HalfConversion.FloatToBFloat16(float.MaxValue), Is.EqualTo(0x7F80), "rounds up to infinity");
    }

    [Test]
    public void Ptx_GivesTheBitsOfTheHost()
    {
        float[] values = [.. Floats().Where((_, i) => i % 20 == 0)];
        var halves = new ushort[values.Length];
        var brains = new ushort[values.Length];
        var results = (float[])values.Clone();
        var ptx = PtxCompiler.Compile(typeof(HalfConversionTests).GetMethod(nameof(Kernel), BindingFlags.NonPublic | BindingFlags.Static)!, 8, 0);
        new PtxInterpreter(ptx).Run(values.Length, results, halves, brains);
        for (int i = 0; i < values.Length; i++)
        {
            Assert.That(halves[i], Is.EqualTo(HalfConversion.FloatToHalf(values[i])), $"{values[i]:R}");
            Assert.That(brains[i], Is.EqualTo(HalfConversion.FloatToBFloat16(values[i])), $"{values[i]:R}");
            float expected = HalfConversion.HalfToFloat(halves[i]) - HalfConversion.BFloat16ToFloat(brains[i]);
            Assert.That(results[i], Is.EqualTo(expected), $"{values[i]:R}");
        }
    }

    private static void Kernel(Index1D index, ArrayView<float> values, ArrayView<ushort> halves, ArrayView<ushort> brains)
    {
        halves[index] = HalfConversion.FloatToHalf(values[index]);
        brains[index] = HalfConversion.FloatToBFloat16(values[index]);
        values[index] = HalfConversion.HalfToFloat(halves[index]) - HalfConversion.BFloat16ToFloat(brains[index]);
    }

    /// <summary>Every exponent, the neighbourhood of every half, and what lies exactly between two of either format.</summary>
    private static IEnumerable<float> Floats()
    {
        for (long bits = 0; bits <= uint.MaxValue; bits += 100_003) yield return BitConverter.UInt32BitsToSingle((uint)bits);
        for (uint bits = 0x33000000; bits < 0x47900000; bits += 0x1000)
        {
            yield return BitConverter.UInt32BitsToSingle(bits);
            yield return BitConverter.UInt32BitsToSingle(bits + 1);
            yield return -BitConverter.UInt32BitsToSingle(bits - 1);
        }
    }
}
