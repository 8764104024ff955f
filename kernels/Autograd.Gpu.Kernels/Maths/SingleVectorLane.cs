using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Kernels;

/// <summary>A host vector of floats.</summary>
internal readonly unsafe struct SingleVectorLane : ILane<Vector<float>, Vector<int>, Vector<int>>, ITableLane<Vector<float>, Vector<int>>
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
    public static void ReduceLarge(Vector<float> a, Vector<int> large, ref Vector<float> r, ref Vector<int> quadrant) =>
        SingleVectors.ReduceLarge(a, large, ref r, ref quadrant);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Lookup(ReadOnlySpan<float> table, int row, Vector<int> index) =>
        SingleVectors.Lookup((float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(table)) + 16 * row, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> LookupFine(ReadOnlySpan<float> table, int row, Vector<int> index) =>
        SingleVectors.LookupFine((float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(table)) + 32 * row, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyNotBelow(Vector<float> a, float bound) => !Vector.LessThanAll(a, Vector.Create(bound));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayReach(Vector<float> a, float bound) => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> AtLeast0(Vector<float> a) => Vector.ConditionalSelect(Vector.LessThan(a, Vector<float>.Zero), Vector<float>.Zero, a);
}
