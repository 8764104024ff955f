using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Kernels;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The conversions of half types in vectors, bit for bit against those of single numbers.</summary>
internal sealed unsafe class HalfVectorTests
{
    [Test]
    public void EveryHalfWidensAsItDoesAlone()
    {
        ushort[] halves = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];
        var wide = new float[halves.Length];
        fixed (ushort* from = halves)
        fixed (float* to = wide)
        {
            HostHalves.WidenFloat16(from, to, halves.Length);
            Check(HalfConversion.HalfToFloat);
            HostHalves.WidenBFloat16(from, to, halves.Length);
            Check(HalfConversion.BFloat16ToFloat);
        }

        void Check(Func<ushort, float> alone)
        {
            for (int i = 0; i < wide.Length; i++)
            {
                var (bits, expected) = (BitConverter.SingleToUInt32Bits(wide[i]), alone(halves[i]));
                if (bits != BitConverter.SingleToUInt32Bits(expected) && !IsQuieted(bits, expected))
                {
                    Assert.Fail($"{i:X4}: {bits:X8}, not {BitConverter.SingleToUInt32Bits(expected):X8}");
                }
            }
        }

        // A signalling nan may come out quiet.
        static bool IsQuieted(uint bits, float expected) => float.IsNaN(expected) && bits == (BitConverter.SingleToUInt32Bits(expected) | 0x400000);
    }

    /// <summary>Each half, the numbers halfway to the next, and their neighbours.</summary>
    [Test]
    public void EveryBoundaryRoundsAsItDoesAlone()
    {
        int lanes = Vector<float>.Count;
        ushort* narrow = stackalloc ushort[lanes];
        float* values = stackalloc float[lanes];
        int filled = 0, checks = 0;
        foreach (int shift in new[] { 16, 13 })
        {
            for (uint half = 0; half < 1 << 16; half++)
            {
                uint start = shift == 16 ? half << 16 : BitConverter.SingleToUInt32Bits(HalfConversion.HalfToFloat((ushort)half));
                uint middle = start + (1u << (shift - 1));
                foreach (uint bits in new[] { start, start + 1, middle - 1, middle, middle + 1 })
                {
                    values[filled++] = BitConverter.UInt32BitsToSingle(bits);
                    if (filled == lanes)
                    {
                        filled = 0;
                        Check();
                    }
                }
            }
        }

        Assert.That(checks, Is.GreaterThan(10 * (1 << 16) / lanes - 2));

        void Check()
        {
            checks++;
            var v = Vector.Load(values);
            HostHalves.Store(HostHalves.NarrowBFloat16(v), narrow);
            for (int i = 0; i < lanes; i++)
            {
                if (narrow[i] != HalfConversion.FloatToBFloat16(values[i]))
                {
                    Assert.Fail($"{values[i]:R}: {narrow[i]:X4}");
                }
            }

            HostHalves.Store(HostHalves.NarrowFloat16(v), narrow);
            for (int i = 0; i < lanes; i++)
            {
                if (narrow[i] != HalfConversion.FloatToHalf(values[i]))
                {
                    Assert.Fail($"{values[i]:R}: {narrow[i]:X4}, not {HalfConversion.FloatToHalf(values[i]):X4}");
                }
            }
        }
    }
}
