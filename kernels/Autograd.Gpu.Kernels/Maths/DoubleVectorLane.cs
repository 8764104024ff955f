using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>A host vector of doubles.</summary>
internal readonly struct DoubleVectorLane : ILane<Vector<double>, Vector<long>, Vector<long>>
{
    public static bool Wide => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> C(double value) => Vector.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> C(double single, double wide) => Vector.Create(wide);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> N(int single, long wide) => Vector.Create(wide);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Add(Vector<double> a, Vector<double> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Sub(Vector<double> a, Vector<double> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Mul(Vector<double> a, Vector<double> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Div(Vector<double> a, Vector<double> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Fma(Vector<double> a, Vector<double> b, Vector<double> c) => Vector.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Mul(Vector<double> a, double b) => a * Vector.Create(b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Fma(Vector<double> a, Vector<double> b, double c) => Vector.FusedMultiplyAdd(a, b, Vector.Create(c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Less(Vector<double> a, double b) => Vector.LessThan(a, Vector.Create(b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Equal(Vector<double> a, double b) => Vector.Equals(a, Vector.Create(b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Neg(Vector<double> a) => -a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Abs(Vector<double> a) => Vector.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Sqrt(Vector<double> a) => Vector.SquareRoot(a);

    // The native forms give the second operand when one is NaN (x86) or NaN itself (Arm).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Clamp(Vector<double> a, Vector<double> low, Vector<double> high) =>
        Vector.MinNative(high, Vector.MaxNative(low, a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> AtMost(Vector<double> a, Vector<double> high) => Vector.MinNative(high, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Bits(Vector<double> a) => Vector.AsVectorInt64(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> FromBits(Vector<long> a) => Vector.AsVectorDouble(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Plus(Vector<long> a, Vector<long> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Minus(Vector<long> a, Vector<long> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> And(Vector<long> a, Vector<long> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Or(Vector<long> a, Vector<long> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Xor(Vector<long> a, Vector<long> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> ToExponent(Vector<long> a) => a << 52;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> FromExponent(Vector<long> a) => a >>> 52;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Bit1ToSign(Vector<long> a) => a << 62;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> ToValue(Vector<long> a) => Vector.ConvertToDouble(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Scale(Vector<double> p, Vector<double> n) => LaneMath<DoubleVectorLane, Vector<double>, Vector<long>, Vector<long>>.ScaleInTwo(p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> HalveUnsigned(Vector<long> a) => a >>> 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> HighestTwo(Vector<long> a) => a >>> 62;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> DropHighestTwo(Vector<long> a) => a << 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Less(Vector<double> a, Vector<double> b) => Vector.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> LessOrEqual(Vector<double> a, Vector<double> b) => Vector.LessThanOrEqual(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Equal(Vector<double> a, Vector<double> b) => Vector.Equals(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> IsZero(Vector<long> a) => Vector.Equals(a, Vector<long>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Both(Vector<long> a, Vector<long> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Either(Vector<long> a, Vector<long> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> Not(Vector<long> a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Select(Vector<long> condition, Vector<double> whenTrue, Vector<double> whenFalse) =>
        Vector.ConditionalSelect(condition, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<long> SelectInteger(Vector<long> condition, Vector<long> whenTrue, Vector<long> whenFalse) =>
        Vector.ConditionalSelect(condition, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReduceLarge(Vector<double> a, Vector<long> large, ref Vector<double> r, ref Vector<long> quadrant) =>
        DoubleVectors.ReduceLarge(a, large, ref r, ref quadrant);
}
