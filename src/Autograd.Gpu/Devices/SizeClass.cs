using System.Numerics;

namespace Autograd.Gpu.Devices;

/// <summary>The sizes in which the pool hands out memory, all multiples of 64: every one to 256 bytes, then four steps for each power of two.</summary>
internal static class SizeClass
{
    /// <summary>The number of classes; the last one holds <see cref="MaxBytes"/>.</summary>
    public const int Count = 4 * (MaxExponent - MinExponent) + Lines;

    /// <summary>The largest request that has a class, 64 TiB.</summary>
    public const long MaxBytes = 1L << MaxExponent;

    /// <summary>The classes of whole cache lines: a handful of numbers is to take one, not four, of the lines and pages that go round.</summary>
    private const int Lines = 4;

    private const int Line = 64;
    private const int MinExponent = 8;
    private const int MaxExponent = 46;

    /// <summary>The smallest class that holds so many bytes.</summary>
    public static int Of(long bytes)
    {
        if (bytes <= 1 << MinExponent)
            return bytes <= Line ? 0 : (int)((bytes - 1) / Line);
        var last = (ulong)(bytes - 1);
        var exponent = BitOperations.Log2(last);
        return 4 * (exponent - MinExponent) + (int)(last >> (exponent - 2) & 3) + Lines;
    }

    /// <summary>The bytes of a class.</summary>
    public static long Bytes(int sizeClass)
    {
        if (sizeClass < Lines)
            return (sizeClass + 1) * Line;
        var power = 1L << (MinExponent + (sizeClass - Lines) / 4);
        return power + ((sizeClass - Lines) % 4 + 1) * (power / 4);
    }
}
