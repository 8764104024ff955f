using System.Numerics;

namespace Autograd.Gpu.Devices;

/// <summary>The sizes in which the pool hands out memory: 256 bytes, then four steps for each power of two, all multiples of 64.</summary>
internal static class SizeClass
{
    /// <summary>The number of classes; the last one holds <see cref="MaxBytes"/>.</summary>
    public const int Count = 4 * (MaxExponent - MinExponent) + 1;

    /// <summary>The largest request that has a class, 64 TiB.</summary>
    public const long MaxBytes = 1L << MaxExponent;

    private const int MinExponent = 8;
    private const int MaxExponent = 46;

    /// <summary>The smallest class that holds so many bytes.</summary>
    public static int Of(long bytes)
    {
        if (bytes <= 1 << MinExponent)
            return 0;
        var last = (ulong)(bytes - 1);
        var exponent = BitOperations.Log2(last);
        return 4 * (exponent - MinExponent) + (int)(last >> (exponent - 2) & 3) + 1;
    }

    /// <summary>The bytes of a class.</summary>
    public static long Bytes(int sizeClass)
    {
        if (sizeClass == 0)
            return 1 << MinExponent;
        var power = 1L << (MinExponent + (sizeClass - 1) / 4);
        return power + ((sizeClass - 1) % 4 + 1) * (power / 4);
    }
}
