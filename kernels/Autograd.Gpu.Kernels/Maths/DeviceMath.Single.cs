using System.Runtime.CompilerServices;
using Maths = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.SingleLane, float, int, bool>;

namespace Autograd.Gpu.Kernels;

public static partial class DeviceMath
{
    /// <summary>E^x. 0 below about -104, infinity above about 89.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp(float x) => Maths.Exp(x);

    /// <summary>E^x - 1, exact to rounding near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Expm1(float x) => Maths.Expm1(x);

    /// <summary>Ln x. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log(float x) => Maths.Log(x);

    /// <summary>Ln(1 + x), exact to rounding near 0. -infinity for -1, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log1p(float x) => Maths.Log1p(x);

    /// <summary>Sin x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sin(float x) => Maths.Sin(x);

    /// <summary>Cos x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Cos(float x) => Maths.Cos(x);

    /// <summary>Tan x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Tan(float x) => Maths.Tan(x);

    /// <summary>Tanh x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Tanh(float x) => Maths.Tanh(x);

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sigmoid(float x) => Maths.Sigmoid(x);

    /// <summary>The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Erf(float x) => Maths.Erf(x);

    /// <summary>1 - erf(x), with a relative error bound however small it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Erfc(float x) => Maths.Erfc(x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Rsqrt(float x) => Maths.Rsqrt(x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sqrt(float x) => MathF.Sqrt(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Pow(float x, float y) => Maths.Pow(x, y);
}
