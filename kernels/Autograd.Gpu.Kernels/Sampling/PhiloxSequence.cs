using NormalDouble64 = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.DoubleLane, double, long, bool>;

namespace Autograd.Gpu.Kernels.Sampling;

/// <summary>
/// The random numbers of one element, as many as it takes: the blocks of Philox whose counter's lower half is the element and whose upper half counts from 1
/// on. Streams of one number an element have 0 there, so that no block is used by both.
/// </summary>
public struct PhiloxSequence
{
    private ulong _seed;
    private ulong _element;
    private ulong _next;
    private uint _block;
    private int _left;

    /// <summary>The sequence of an element.</summary>
    public static PhiloxSequence Of(ulong seed, ulong element) => new() { _seed = seed, _element = element };

    /// <summary>A number in (0, 1), of 52 bits.</summary>
    public static double Uniform(ref PhiloxSequence x)
    {
        ulong bits = x._next;
        if (x._left == 0)
        {
            Block(ref x, out bits, out x._next);
        }

        x._left = 1 - x._left;
        return ((long)(bits >> 12) + 0.5) * 2.220446049250313e-16;
    }

    /// <summary>A standard normal number.</summary>
    public static double Normal(ref PhiloxSequence x)
    {
        Block(ref x, out ulong radius, out ulong angle);
        return NormalDouble64.Normal((long)radius, (long)angle, 1);
    }

    private static void Block(ref PhiloxSequence x, out ulong lower, out ulong upper)
    {
        x._block++;
        Philox.Block((uint)x._seed, (uint)(x._seed >> 32), (uint)x._element, (uint)(x._element >> 32), x._block, 0, out lower, out upper);
    }
}
