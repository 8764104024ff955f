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

    /// <summary>X times the standard normal distribution function, with a relative error bound however small it is. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Gelu(float x) => Maths.Gelu(x);

    /// <summary>The derivative of <see cref="Gelu(float)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float GeluSlope(float x) => Maths.GeluSlope(x);

    /// <summary>X times the sigmoid of x. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Silu(float x) => Maths.Silu(x);

    /// <summary>The derivative of <see cref="Silu(float)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SiluSlope(float x) => Maths.SiluSlope(x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Rsqrt(float x) => Maths.Rsqrt(x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sqrt(float x) => MathF.Sqrt(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Pow(float x, float y) => Maths.Pow(x, y);

    /// <summary>The arc sine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Asin(float x) => Maths.Asin(x);

    /// <summary>The arc cosine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Acos(float x) => Maths.Acos(x);

    /// <summary>The arc tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Atan(float x) => Maths.Atan(x);

    /// <summary>The hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sinh(float x) => Maths.Sinh(x);

    /// <summary>The hyperbolic cosine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Cosh(float x) => Maths.Cosh(x);

    /// <summary>The inverse of the hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Asinh(float x) => Maths.Asinh(x);

    /// <summary>The inverse of the hyperbolic cosine. NaN below 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Acosh(float x) => Maths.Acosh(x);

    /// <summary>The inverse of the hyperbolic tangent. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Atanh(float x) => Maths.Atanh(x);

    /// <summary>Ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Softplus(float x) => Maths.Softplus(x);

    /// <summary>2^x, exact for integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp2(float x) => Maths.Exp2(x);

    /// <summary>The logarithm to base 2, exact for powers of two. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log2(float x) => Maths.Log2(x);

    /// <summary>The logarithm to base 10. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log10(float x) => Maths.Log10(x);

    /// <summary>The inverse of the error function. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Erfinv(float x) => Maths.Erfinv(x);

    /// <summary>Ln |Gamma(x)|. Infinite at 0 and the negative integers. Computed in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Lgamma(float x) => (float)Lgamma((double)x);

    /// <summary>The derivative of ln Gamma. -infinity at 0, +infinity at -0, NaN at the negative integers. Computed in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Digamma(float x) => (float)Digamma((double)x);

    /// <summary>The nearest integer, the even one of two that are as near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float x) => Maths.Round(x);

    /// <summary>The largest integer that is not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Floor(float x) => Maths.Floor(x);

    /// <summary>The smallest integer that is not below x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Ceil(float x) => Maths.Ceil(x);

    /// <summary>X without its fraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Trunc(float x) => Maths.Trunc(x);

    /// <summary>The angle of the point (x, y) between -pi and pi, with the special cases of C99.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Atan2(float y, float x) => Maths.Atan2(y, x);

    /// <summary>Ln(e^a + e^b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LogAddExp(float a, float b) => Maths.LogAddExp(a, b);

    /// <summary>Sqrt(x^2 + y^2) without the overflow of the squares. Infinite if one of them is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Hypot(float x, float y) => Maths.Hypot(x, y);

    /// <summary>The magnitude of a with the sign of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Copysign(float a, float b) => Maths.Copysign(a, b);
}
