using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// What <see cref="DoubleVectorLane"/> does by more than one instruction. It stands apart since <see cref="VectorMath"/> calls it: a type that implements the lane's interface takes
/// the runtime most of a millisecond to load.
/// </summary>
internal static class DoubleVectors
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReduceLarge(Vector<double> a, Vector<long> large, ref Vector<double> r, ref Vector<long> quadrant)
    {
        if (!Vector.EqualsAll(large, Vector<long>.Zero))
        {
            // Copies: locals whose address goes into a call would live in memory on the usual path too.
            Vector<double> newR = r;
            Vector<long> newQuadrant = quadrant;
            ReduceLanes(a, large, ref newR, ref newQuadrant);
            r = newR;
            quadrant = newQuadrant;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReduceLanes(Vector<double> a, Vector<long> large, ref Vector<double> r, ref Vector<long> quadrant)
    {
        for (int i = 0; i < Vector<double>.Count; i++)
        {
            if (large[i] == 0) continue;
            PayneHanek.Reduce(a[i], out double laneR, out long laneQuadrant);
            r = r.WithElement(i, laneR);
            quadrant = quadrant.WithElement(i, laneQuadrant);
        }
    }
}
