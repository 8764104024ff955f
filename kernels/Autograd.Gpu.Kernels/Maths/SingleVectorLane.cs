using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Kernels;

/// <summary>A host vector of floats.</summary>
internal readonly struct SingleVectorLane : ILane<Vector<float>, Vector<int>, Vector<int>>, ITableLane<Vector<float>, Vector<int>>
{
    public static bool Wide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> C(double value) => Vector.Create((float)value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> C(double single, double wide) => Vector.Create((float)single);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> N(int single, long wide) => Vector.Create(single);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Add(Vector<float> a, Vector<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sub(Vector<float> a, Vector<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Mul(Vector<float> a, Vector<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Div(Vector<float> a, Vector<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Fma(Vector<float> a, Vector<float> b, Vector<float> c) => Vector.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Mul(Vector<float> a, double b) => a * Vector.Create((float)b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Fma(Vector<float> a, Vector<float> b, double c) => Vector.FusedMultiplyAdd(a, b, Vector.Create((float)c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Less(Vector<float> a, double b) => Vector.LessThan(a, Vector.Create((float)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Equal(Vector<float> a, double b) => Vector.Equals(a, Vector.Create((float)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Neg(Vector<float> a) => -a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Abs(Vector<float> a) => Vector.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sqrt(Vector<float> a) => Vector.SquareRoot(a);

    // The native forms give the second operand when one is NaN (x86) or NaN itself (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Clamp(Vector<float> a, Vector<float> low, Vector<float> high) =>
        Vector.MinNative(high, Vector.MaxNative(low, a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> AtMost(Vector<float> a, Vector<float> high) => Vector.MinNative(high, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Bits(Vector<float> a) => Vector.AsVectorInt32(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> FromBits(Vector<int> a) => Vector.AsVectorSingle(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Plus(Vector<int> a, Vector<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Minus(Vector<int> a, Vector<int> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> And(Vector<int> a, Vector<int> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Or(Vector<int> a, Vector<int> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Xor(Vector<int> a, Vector<int> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> ToExponent(Vector<int> a) => a << 23;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> FromExponent(Vector<int> a) => a >>> 23;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Bit1ToSign(Vector<int> a) => a << 30;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> ToValue(Vector<int> a) => Vector.ConvertToSingle(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Scale(Vector<float> p, Vector<float> n) => LaneMath<SingleVectorLane, Vector<float>, Vector<int>, Vector<int>>.ScaleInTwo(p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> HalveUnsigned(Vector<int> a) => a >>> 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> HighestTwo(Vector<int> a) => a >>> 30;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> DropHighestTwo(Vector<int> a) => a << 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Less(Vector<float> a, Vector<float> b) => Vector.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> LessOrEqual(Vector<float> a, Vector<float> b) => Vector.LessThanOrEqual(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Equal(Vector<float> a, Vector<float> b) => Vector.Equals(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> IsZero(Vector<int> a) => Vector.Equals(a, Vector<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Both(Vector<int> a, Vector<int> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Either(Vector<int> a, Vector<int> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Not(Vector<int> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Select(Vector<int> condition, Vector<float> whenTrue, Vector<float> whenFalse) =>
        Vector.ConditionalSelect(condition, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> SelectInteger(Vector<int> condition, Vector<int> whenTrue, Vector<int> whenFalse) =>
        Vector.ConditionalSelect(condition, whenTrue, whenFalse);

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Lookup(ReadOnlySpan<float> table, int row, Vector<int> index)
    {
        ref float values = ref Unsafe.Add(ref MemoryMarshal.GetReference(table), 16 * row);
        if (Vector<float>.Count == 16 && Avx512F.IsSupported)
        {
            return Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref values), index.AsVector512()).AsVector();
        }

        if (Vector<float>.Count == 8 && Avx512F.VL.IsSupported)
        {
            return Avx512F.VL.PermuteVar8x32x2(Vector256.LoadUnsafe(ref values), index.AsVector256(), Vector256.LoadUnsafe(ref values, 8)).AsVector();
        }

        if (Vector<float>.Count == 8 && Avx2.IsSupported)
        {
            Vector256<int> i = index.AsVector256();
            Vector256<float> low = Avx2.PermuteVar8x32(Vector256.LoadUnsafe(ref values), i);
            Vector256<float> high = Avx2.PermuteVar8x32(Vector256.LoadUnsafe(ref values, 8), i);
            return Avx.BlendVariable(low, high, (i << 28).AsSingle()).AsVector();
        }

        if (Vector<float>.Count == 4 && AdvSimd.Arm64.IsSupported)
        {
            ref byte bytes = ref Unsafe.As<float, byte>(ref values);
            Vector128<byte> places = ((index.AsVector128() & Vector128.Create(15)) * 0x04040404 + Vector128.Create(0x03020100)).AsByte();
            return AdvSimd.Arm64.VectorTableLookup(
                (Vector128.LoadUnsafe(ref bytes), Vector128.LoadUnsafe(ref bytes, 16), Vector128.LoadUnsafe(ref bytes, 32), Vector128.LoadUnsafe(ref bytes, 48)),
                places).AsSingle().AsVector();
        }

        return LookupLanes(ref values, index);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<float> LookupLanes(ref float values, Vector<int> index)
    {
        var result = Vector<float>.Zero;
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            result = result.WithElement(i, Unsafe.Add(ref values, index[i] & 15));
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyNotBelow(Vector<float> a, float bound) => !Vector.LessThanAll(a, Vector.Create(bound));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> AtLeast0(Vector<float> a) => Vector.ConditionalSelect(Vector.LessThan(a, Vector<float>.Zero), Vector<float>.Zero, a);
}
