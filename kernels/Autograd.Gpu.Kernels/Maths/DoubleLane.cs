using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

/// <summary>One double, on the device or the host.</summary>
internal readonly struct DoubleLane : ILane<double, long, bool>
{
    public static bool Wide => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double C(double value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double C(double single, double wide) => wide;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long N(int single, long wide) => wide;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Add(double a, double b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sub(double a, double b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Mul(double a, double b) => DeviceMath.MultiplyRounded(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Div(double a, double b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Fma(double a, double b, double c) => DeviceMath.Fma(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Neg(double a) => -a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Abs(double a) => Math.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sqrt(double a) => Math.Sqrt(a);

    // Constants stand on the right: ILGPU 1.5.3 turns an ordered comparison into an unordered one when it swaps the operands.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Clamp(double a, double low, double high)
    {
        double atLeast = a < low ? low : a;
        return atLeast > high ? high : atLeast;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double AtMost(double a, double high) => a > high ? high : a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Bits(double a) => BitConverter.DoubleToInt64Bits(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double FromBits(long a) => BitConverter.Int64BitsToDouble(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Plus(long a, long b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Minus(long a, long b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long And(long a, long b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Or(long a, long b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Xor(long a, long b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ToExponent(long a) => a << 52;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long FromExponent(long a) => (long)((ulong)a >> 52);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Bit1ToSign(long a) => a << 62;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double ToValue(long a) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Scale(double p, double n) => LaneMath<DoubleLane, double, long, bool>.ScaleInTwo(p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long HalveUnsigned(long a) => (long)((ulong)a >> 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long HighestTwo(long a) => (long)((ulong)a >> 62);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long DropHighestTwo(long a) => a << 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(double a, double b) => a < b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool LessOrEqual(double a, double b) => a <= b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Equal(double a, double b) => a == b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZero(long a) => a == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Both(bool a, bool b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Either(bool a, bool b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Not(bool a) => !a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Select(bool condition, double whenTrue, double whenFalse) => condition ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long SelectInteger(bool condition, long whenTrue, long whenFalse) => condition ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReduceLarge(double a, bool large, ref double r, ref long quadrant)
    {
        if (large) PayneHanek.Reduce(a, out r, out quadrant);
    }
}
