using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

internal static partial class LaneMath<L, F, I, M>
{
    /// <summary>
    /// A standard normal number from random bits by G. E. P. Box and M. E. Muller, A note on the generation of random normal deviates,
    /// 1958: sqrt(-2 ln u) sin(t), with u from (0, 1] out of <paramref name="radius"/> and an angle t out of <paramref name="angle"/>.
    /// </summary>
    /// <param name="radius">Random bits.</param>
    /// <param name="angle">Random bits.</param>
    /// <param name="turn">0 for the sine, 1 for the cosine: the two numbers of a pair.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Normal(I radius, I angle, I turn)
    {
        // 31 (63) bits and a half more, so that u is never 0.
        F u = L.Fma(
            L.ToValue(L.HalveUnsigned(radius)),
            L.C(4.656612873077393e-10, 1.0842021724855044e-19),
            L.C(2.3283064365386963e-10, 5.421010862427522e-20));
        F n = Decompose(u, out F f);
        F length = L.Sqrt(L.Mul(L.C(-2), LogNear1(f, n)));

        // The angle needs no reduction: two bits are the quadrant, the others a signed fraction of it.
        F r = L.Mul(L.ToValue(L.DropHighestTwo(angle)), L.C(3.657295198167899e-10, 8.515303950216386e-20));
        return L.Mul(length, SinOfQuadrant(r, L.Plus(L.HighestTwo(angle), turn)));
    }
}
