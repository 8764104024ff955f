using System.Runtime.CompilerServices;
using NormalDouble64 = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.DoubleLane, double, long, bool>;
using NormalSingle32 = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.SingleLane, float, int, bool>;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// Counter-based random numbers, Philox4x32-10 of J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, Parallel random numbers: as
/// easy as 1, 2, 3, 2011: any element of a stream from its index alone, with the same bits on every device.
/// </summary>
/// <remarks>
/// A stream is a seed and a 64-bit counter to start from. Floats take one 32-bit word each, so that element i comes from counter
/// offset + i / 4; doubles take two, so that element i comes from counter offset + i / 2. Elements 2 i and 2 i + 1 of a normal stream are
/// the cosine and the sine of one Box-Muller pair.
/// </remarks>
public static class Philox
{
    internal const uint Multiplier0 = 0xD2511F53;
    internal const uint Multiplier1 = 0xCD9E8D57;
    internal const uint Weyl0 = 0x9E3779B9;
    internal const uint Weyl1 = 0xBB67AE85;
    internal const int Rounds = 10;

    /// <summary>Word <paramref name="lane"/> of the block that counter (low, high, 0, 0) and key (low, high) give.</summary>
    /// <param name="seed">The key.</param>
    /// <param name="counter">The lower half of the counter; the upper is 0.</param>
    /// <param name="lane">0 to 3.</param>
    public static uint Bits(ulong seed, ulong counter, int lane)
    {
        Block((uint)seed, (uint)(seed >> 32), (uint)counter, (uint)(counter >> 32), 0, 0, out ulong lower, out ulong upper);
        ulong pair = (lane & 2) == 0 ? lower : upper;
        return (uint)((lane & 1) == 0 ? pair : pair >> 32);
    }

    /// <summary>Element <paramref name="index"/> of a uniform stream: 24 bits, in [0, 1).</summary>
    /// <param name="seed">The key.</param>
    /// <param name="offset">The counter of element 0.</param>
    /// <param name="index">The element, not negative.</param>
    public static float UniformFloat(ulong seed, ulong offset, long index) =>
        (int)(Bits(seed, offset + ((ulong)index >> 2), (int)index & 3) >> 8) * 5.9604644775390625e-8f;

    /// <summary>Element <paramref name="index"/> of a uniform stream: 53 bits, in [0, 1). Uses counter offset + index / 2.</summary>
    /// <inheritdoc cref="UniformFloat" path="/param"/>
    public static double UniformDouble(ulong seed, ulong offset, long index)
    {
        Block(seed, offset + ((ulong)index >> 1), out ulong lower, out ulong upper);
        return (long)(((index & 1) == 0 ? lower : upper) >> 11) * 1.1102230246251565e-16;
    }

    /// <summary>Element <paramref name="index"/> of a standard normal stream, at most 6.7 in magnitude.</summary>
    /// <inheritdoc cref="UniformFloat" path="/param"/>
    public static float NormalFloat(ulong seed, ulong offset, long index)
    {
        Block(seed, offset + ((ulong)index >> 2), out ulong lower, out ulong upper);
        ulong pair = (index & 2) == 0 ? lower : upper;
        return NormalSingle32.Normal((int)(uint)pair, (int)(uint)(pair >> 32), 1 - ((int)index & 1));
    }

    /// <summary>Element <paramref name="index"/> of a standard normal stream, at most 9.5 in magnitude. Uses counter offset + index / 2.</summary>
    /// <inheritdoc cref="UniformFloat" path="/param"/>
    public static double NormalDouble(ulong seed, ulong offset, long index)
    {
        Block(seed, offset + ((ulong)index >> 1), out ulong lower, out ulong upper);
        return NormalDouble64.Normal((long)lower, (long)upper, 1 - (index & 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(ulong seed, ulong counter, out ulong lower, out ulong upper) =>
        Block((uint)seed, (uint)(seed >> 32), (uint)counter, (uint)(counter >> 32), 0, 0, out lower, out upper);

    /// <summary>The four words of a block, two in each result, the first one in the lower half.</summary>
    internal static void Block(uint k0, uint k1, uint c0, uint c1, uint c2, uint c3, out ulong lower, out ulong upper)
    {
        for (int i = 0; i < Rounds; i++)
        {
            ulong p0 = (ulong)Multiplier0 * c0;
            ulong p1 = (ulong)Multiplier1 * c2;
            c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint)p1;
            c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint)p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }

        lower = c0 | ((ulong)c1 << 32);
        upper = c2 | ((ulong)c3 << 32);
    }
}
