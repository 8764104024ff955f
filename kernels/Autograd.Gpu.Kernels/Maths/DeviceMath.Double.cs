using System.Runtime.CompilerServices;
using Maths = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.DoubleLane, double, long, bool>;

namespace Autograd.Gpu.Kernels;

public static partial class DeviceMath
{
    /// <summary>E^x. 0 below about -745, infinity above about 710.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Exp(double x) => Maths.Exp(x);

    /// <summary>E^x - 1, exact to rounding near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Expm1(double x) => Maths.Expm1(x);

    /// <summary>Ln x. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Log(double x) => Maths.Log(x);

    /// <summary>Ln(1 + x), exact to rounding near 0. -infinity for -1, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Log1p(double x) => Maths.Log1p(x);

    /// <summary>Sin x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sin(double x) => Maths.Sin(x);

    /// <summary>Cos x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Cos(double x) => Maths.Cos(x);

    /// <summary>Tan x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Tan(double x) => Maths.Tan(x);

    /// <summary>Tanh x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Tanh(double x) => Maths.Tanh(x);

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sigmoid(double x) => Maths.Sigmoid(x);

    /// <summary>The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Erf(double x) => Maths.Erf(x);

    /// <summary>1 - erf(x), with a relative error bound however small it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Erfc(double x) => Maths.Erfc(x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Rsqrt(double x) => Maths.Rsqrt(x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sqrt(double x) => Math.Sqrt(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Pow(double x, double y) => Maths.Pow(x, y);
}
