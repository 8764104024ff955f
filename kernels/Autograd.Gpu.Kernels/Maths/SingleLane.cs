using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Kernels;

/// <summary>One float, on the device or the host.</summary>
internal readonly struct SingleLane : ILane<float, int, bool>, ITableLane<float, int>
{
    public static bool Wide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float C(double value) => (float)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float C(double single, double wide) => (float)single;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int N(int single, long wide) => single;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add(float a, float b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sub(float a, float b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Mul(float a, float b) => DeviceMath.MultiplyRounded(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Div(float a, float b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fma(float a, float b, float c) => DeviceMath.Fma(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Mul(float a, double b) => DeviceMath.MultiplyRounded(a, (float)b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fma(float a, float b, double c) => DeviceMath.Fma(a, b, (float)c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(float a, double b) => a < (float)b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Equal(float a, double b) => a == (float)b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Neg(float a) => -a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Abs(float a) => MathF.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sqrt(float a) => MathF.Sqrt(a);

    // Constants stand on the right: ILGPU 1.5.3 turns an ordered comparison into an unordered one when it swaps the operands.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Clamp(float a, float low, float high)
    {
        float atLeast = a < low ? low : a;
        return atLeast > high ? high : atLeast;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AtMost(float a, float high) => a > high ? high : a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bits(float a) => BitConverter.SingleToInt32Bits(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FromBits(int a) => BitConverter.Int32BitsToSingle(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Plus(int a, int b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Minus(int a, int b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int And(int a, int b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Or(int a, int b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Xor(int a, int b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ToExponent(int a) => a << 23;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FromExponent(int a) => (int)((uint)a >> 23);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bit1ToSign(int a) => a << 30;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToValue(int a) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(float p, float n) => LaneMath<SingleLane, float, int, bool>.ScaleInTwo(p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int HalveUnsigned(int a) => (int)((uint)a >> 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int HighestTwo(int a) => (int)((uint)a >> 30);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DropHighestTwo(int a) => a << 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(float a, float b) => a < b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool LessOrEqual(float a, float b) => a <= b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Equal(float a, float b) => a == b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZero(int a) => a == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Both(bool a, bool b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Either(bool a, bool b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Not(bool a) => !a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Select(bool condition, float whenTrue, float whenFalse) => condition ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SelectInteger(bool condition, int whenTrue, int whenFalse) => condition ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReduceLarge(float a, bool large, ref float r, ref int quadrant)
    {
        if (large) PayneHanek.Reduce(a, out r, out quadrant);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Lookup(ReadOnlySpan<float> table, int row, int index) => Unsafe.Add(ref MemoryMarshal.GetReference(table), 16 * row + (index & 15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LookupFine(ReadOnlySpan<float> table, int row, int index) => Unsafe.Add(ref MemoryMarshal.GetReference(table), 32 * row + (index & 31));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyNotBelow(float a, float bound) => !(a < bound);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayReach(float a, float bound) => AnyNotBelow(a, bound);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AtLeast0(float a) => a < 0f ? 0f : a;
}
