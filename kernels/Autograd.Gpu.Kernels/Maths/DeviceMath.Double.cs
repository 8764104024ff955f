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

    /// <summary>X times the standard normal distribution function, with a relative error bound however small it is. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Gelu(double x) => Maths.Gelu(x);

    /// <summary>The derivative of <see cref="Gelu(double)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double GeluSlope(double x) => Maths.GeluSlope(x);

    /// <summary>X times the sigmoid of x. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Silu(double x) => Maths.Silu(x);

    /// <summary>The derivative of <see cref="Silu(double)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double SiluSlope(double x) => Maths.SiluSlope(x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Rsqrt(double x) => Maths.Rsqrt(x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sqrt(double x) => Math.Sqrt(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Pow(double x, double y) => Maths.Pow(x, y);

    /// <summary>The arc sine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Asin(double x) => Maths.Asin(x);

    /// <summary>The arc cosine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Acos(double x) => Maths.Acos(x);

    /// <summary>The arc tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Atan(double x) => Maths.Atan(x);

    /// <summary>The hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sinh(double x) => Maths.Sinh(x);

    /// <summary>The hyperbolic cosine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Cosh(double x) => Maths.Cosh(x);

    /// <summary>The inverse of the hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Asinh(double x) => Maths.Asinh(x);

    /// <summary>The inverse of the hyperbolic cosine. NaN below 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Acosh(double x) => Maths.Acosh(x);

    /// <summary>The inverse of the hyperbolic tangent. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Atanh(double x) => Maths.Atanh(x);

    /// <summary>Ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Softplus(double x) => Maths.Softplus(x);

    /// <summary>2^x, exact for integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Exp2(double x) => Maths.Exp2(x);

    /// <summary>The logarithm to base 2, exact for powers of two. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Log2(double x) => Maths.Log2(x);

    /// <summary>The logarithm to base 10. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Log10(double x) => Maths.Log10(x);

    /// <summary>The inverse of the error function. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Erfinv(double x) => Maths.Erfinv(x);

    /// <summary>Ln |Gamma(x)|. Infinite at 0 and the negative integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Lgamma(double x) => Maths.Lgamma(x);

    /// <summary>The derivative of ln Gamma. -infinity at 0, +infinity at -0, NaN at the negative integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Digamma(double x) => Maths.Digamma(x);

    /// <summary>The nearest integer, the even one of two that are as near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Round(double x) => Maths.Round(x);

    /// <summary>The largest integer that is not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Floor(double x) => Maths.Floor(x);

    /// <summary>The smallest integer that is not below x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Ceil(double x) => Maths.Ceil(x);

    /// <summary>X without its fraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Trunc(double x) => Maths.Trunc(x);

    /// <summary>The angle of the point (x, y) between -pi and pi, with the special cases of C99.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Atan2(double y, double x) => Maths.Atan2(y, x);

    /// <summary>Ln(e^a + e^b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double LogAddExp(double a, double b) => Maths.LogAddExp(a, b);

    /// <summary>Sqrt(x^2 + y^2) without the overflow of the squares. Infinite if one of them is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Hypot(double x, double y) => Maths.Hypot(x, y);

    /// <summary>The magnitude of a with the sign of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Copysign(double a, double b) => Maths.Copysign(a, b);
}
