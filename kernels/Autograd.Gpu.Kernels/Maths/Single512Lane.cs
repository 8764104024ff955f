using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autograd.Gpu.Kernels;

/// <summary>A 512-bit vector of floats.</summary>
internal readonly struct Single512Lane : ILane<Vector512<float>, Vector512<int>, Vector512<int>>, ITableLane<Vector512<float>, Vector512<int>>
{
    public static bool Wide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> C(double value) => Vector512.Create((float)value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> C(double single, double wide) => Vector512.Create((float)single);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> N(int single, long wide) => Vector512.Create(single);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sub(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Mul(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Div(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Mul(Vector512<float> a, double b) => a * Vector512.Create((float)b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, double c) => Vector512.FusedMultiplyAdd(a, b, Vector512.Create((float)c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Less(Vector512<float> a, double b) => Vector512.LessThan(a, Vector512.Create((float)b)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Equal(Vector512<float> a, double b) => Vector512.Equals(a, Vector512.Create((float)b)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Neg(Vector512<float> a) => -a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> a) => Vector512.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sqrt(Vector512<float> a) => Vector512.Sqrt(a);

    // The native forms give the second operand when one is NaN (x86) or NaN itself (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Clamp(Vector512<float> a, Vector512<float> low, Vector512<float> high) =>
        Vector512.MinNative(high, Vector512.MaxNative(low, a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AtMost(Vector512<float> a, Vector512<float> high) => Vector512.MinNative(high, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Bits(Vector512<float> a) => a.AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromBits(Vector512<int> a) => a.AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Plus(Vector512<int> a, Vector512<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Minus(Vector512<int> a, Vector512<int> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> And(Vector512<int> a, Vector512<int> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Or(Vector512<int> a, Vector512<int> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Xor(Vector512<int> a, Vector512<int> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ToExponent(Vector512<int> a) => a << 23;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> FromExponent(Vector512<int> a) => a >>> 23;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Bit1ToSign(Vector512<int> a) => a << 30;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToValue(Vector512<int> a) => Vector512.ConvertToSingle(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scale(Vector512<float> p, Vector512<float> n) =>
        Avx512F.IsSupported ? Avx512F.Scale(p, n) : LaneMath<Single512Lane, Vector512<float>, Vector512<int>, Vector512<int>>.ScaleInTwo(p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> HalveUnsigned(Vector512<int> a) => a >>> 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> HighestTwo(Vector512<int> a) => a >>> 30;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> DropHighestTwo(Vector512<int> a) => a << 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Less(Vector512<float> a, Vector512<float> b) => Vector512.LessThan(a, b).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LessOrEqual(Vector512<float> a, Vector512<float> b) => Vector512.LessThanOrEqual(a, b).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Equal(Vector512<float> a, Vector512<float> b) => Vector512.Equals(a, b).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> IsZero(Vector512<int> a) => Vector512.Equals(a, Vector512<int>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Both(Vector512<int> a, Vector512<int> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Either(Vector512<int> a, Vector512<int> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Not(Vector512<int> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Select(Vector512<int> condition, Vector512<float> whenTrue, Vector512<float> whenFalse) =>
        Vector512.ConditionalSelect(condition.AsSingle(), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> SelectInteger(Vector512<int> condition, Vector512<int> whenTrue, Vector512<int> whenFalse) =>
        Vector512.ConditionalSelect(condition, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReduceLarge(Vector512<float> a, Vector512<int> large, ref Vector512<float> r, ref Vector512<int> quadrant)
    {
        if (!Vector512.EqualsAll(large, Vector512<int>.Zero))
        {
            // Copies: locals whose address goes into a call would live in memory on the usual path too.
            Vector512<float> newR = r;
            Vector512<int> newQuadrant = quadrant;
            ReduceLanes(a, large, ref newR, ref newQuadrant);
            r = newR;
            quadrant = newQuadrant;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReduceLanes(Vector512<float> a, Vector512<int> large, ref Vector512<float> r, ref Vector512<int> quadrant)
    {
        for (int i = 0; i < Vector512<float>.Count; i++)
        {
            if (large[i] == 0) continue;
            PayneHanek.Reduce(a[i], out float laneR, out int laneQuadrant);
            r = r.WithElement(i, laneR);
            quadrant = quadrant.WithElement(i, laneQuadrant);
        }
    }

    // With constants for the first two, the JIT makes an operand in its read-only data of the row, aligned to 64 bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lookup(ReadOnlySpan<float> table, int row, Vector512<int> index)
    {
        Vector512<float> values = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(table), (nuint)(16 * row));
        return Lookup(values, index);
    }

    /// <summary>An element of a row that is held in a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lookup(Vector512<float> row, Vector512<int> index) =>
        Avx512F.IsSupported ? Avx512F.PermuteVar16x32(row, index) : Vector512.Shuffle(row, index & Vector512.Create(15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LookupFine(ReadOnlySpan<float> table, int row, Vector512<int> index)
    {
        ref float values = ref MemoryMarshal.GetReference(table);
        return Lookup(Vector512.LoadUnsafe(ref values, (nuint)(32 * row)), Vector512.LoadUnsafe(ref values, (nuint)(32 * row + 16)), index);
    }

    /// <summary>An element of a row of thirty-two that is held in two registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lookup(Vector512<float> low, Vector512<float> high, Vector512<int> index) => Avx512F.IsSupported
        ? Avx512F.PermuteVar16x32x2(low, index, high)
        : Vector512.ConditionalSelect(Vector512.Equals(index & Vector512.Create(16), Vector512<int>.Zero).AsSingle(), Lookup(low, index), Lookup(high, index));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayReach(Vector512<float> a, float bound) => AnyNotBelow(a, bound);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyNotBelow(Vector512<float> a, float bound) => Avx512F.IsSupported
        ? Avx512F.CompareNotLessThan(a, Vector512.Create(bound)).ExtractMostSignificantBits() != 0
        : !Vector512.LessThanAll(a, Vector512.Create(bound));

    // The native form gives the second of two zeros (x86) or 0 (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AtLeast0(Vector512<float> a) => Avx512F.IsSupported
        ? Vector512.MaxNative(Vector512<float>.Zero, a)
        : Vector512.ConditionalSelect(Vector512.LessThan(a, Vector512<float>.Zero), Vector512<float>.Zero, a);
}
