using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Kernels;

/// <summary>
/// What <see cref="SingleVectorLane"/> does by more than one instruction. It stands apart since <see cref="VectorMath"/> calls it: a type that implements the lane's interface takes
/// the runtime most of a millisecond to load.
/// </summary>
internal static unsafe class SingleVectors
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReduceLarge(Vector<float> a, Vector<int> large, ref Vector<float> r, ref Vector<int> quadrant)
    {
        if (!Vector.EqualsAll(large, Vector<int>.Zero))
        {
            // Copies: locals whose address goes into a call would live in memory on the usual path too.
            Vector<float> newR = r;
            Vector<int> newQuadrant = quadrant;
            ReduceLanes(a, large, ref newR, ref newQuadrant);
            r = newR;
            quadrant = newQuadrant;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReduceLanes(Vector<float> a, Vector<int> large, ref Vector<float> r, ref Vector<int> quadrant)
    {
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            if (large[i] == 0) continue;
            PayneHanek.Reduce(a[i], out float laneR, out int laneQuadrant);
            r = r.WithElement(i, laneR);
            quadrant = quadrant.WithElement(i, laneQuadrant);
        }
    }

    /// <summary>Elements <paramref name="index"/>, of which the low four bits count, of the sixteen numbers from <paramref name="values"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Lookup(float* values, Vector<int> index)
    {
        if (Vector<float>.Count == 8 && Avx512F.VL.IsSupported)
        {
            return Avx512F.VL.PermuteVar8x32x2(*(Vector256<float>*)values, index.AsVector256(), *(Vector256<float>*)(values + 8)).AsVector();
        }

        return LookupElsewhere(values, index);
    }

    /// <summary>Elements <paramref name="index"/>, of which the low five bits count, of the thirty-two numbers from <paramref name="values"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> LookupFine(float* values, Vector<int> index) => Vector.ConditionalSelect(
        Vector.Equals(index & Vector.Create(16), Vector<int>.Zero), Lookup(values, index), Lookup(values + 16, index));

    // A method of its own, so that a processor with the instruction above does not load the types of the others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> LookupElsewhere(float* values, Vector<int> index)
    {
        if (Vector<float>.Count == 16 && Avx512F.IsSupported)
        {
            return Avx512F.PermuteVar16x32(*(Vector512<float>*)values, index.AsVector512()).AsVector();
        }

        if (Vector<float>.Count == 8 && Avx2.IsSupported)
        {
            Vector256<int> i = index.AsVector256();
            Vector256<float> low = Avx2.PermuteVar8x32(*(Vector256<float>*)values, i);
            Vector256<float> high = Avx2.PermuteVar8x32(*(Vector256<float>*)(values + 8), i);
            return Avx.BlendVariable(low, high, (i << 28).AsSingle()).AsVector();
        }

        if (Vector<float>.Count == 4 && AdvSimd.Arm64.IsSupported)
        {
            var bytes = (Vector128<byte>*)values;
            Vector128<byte> places = ((index.AsVector128() & Vector128.Create(15)) * 0x04040404 + Vector128.Create(0x03020100)).AsByte();
            return AdvSimd.Arm64.VectorTableLookup(
                (bytes[0], bytes[1], bytes[2], bytes[3]),
                places).AsSingle().AsVector();
        }

        return LookupLanes(values, index);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<float> LookupLanes(float* values, Vector<int> index)
    {
        var result = Vector<float>.Zero;
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            result = result.WithElement(i, values[index[i] & 15]);
        }

        return result;
    }
}
