using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

public static partial class VectorMath
{
    /// <summary>E^x. 0 below about -745, infinity above about 710.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Exp(Vector<double> x);

    /// <summary>E^x - 1, exact to rounding near 0.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Expm1(Vector<double> x);

    /// <summary>Ln x. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Log(Vector<double> x);

    /// <summary>Ln(1 + x), exact to rounding near 0. -infinity for -1, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Log1p(Vector<double> x);

    /// <summary>Sin x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Sin(Vector<double> x);

    /// <summary>Cos x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Cos(Vector<double> x);

    /// <summary>Tan x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Tan(Vector<double> x);

    /// <summary>Tanh x.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Tanh(Vector<double> x);

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Sigmoid(Vector<double> x);

    /// <summary>The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Erf(Vector<double> x);

    /// <summary>1 - erf(x), with a relative error bound however small it is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Erfc(Vector<double> x);

    /// <summary>X times the standard normal distribution function, with a relative error bound however small it is. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Gelu(Vector<double> x);

    /// <summary>The derivative of <see cref="Gelu(Vector{double})"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> GeluSlope(Vector<double> x);

    /// <summary>X times the sigmoid of x. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Silu(Vector<double> x);

    /// <summary>The derivative of <see cref="Silu(Vector{double})"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> SiluSlope(Vector<double> x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Rsqrt(Vector<double> x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Sqrt(Vector<double> x) => Vector.SquareRoot(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Pow(Vector<double> x, Vector<double> y);

    /// <summary>The arc sine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Asin(Vector<double> x);

    /// <summary>The arc cosine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Acos(Vector<double> x);

    /// <summary>The arc tangent.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Atan(Vector<double> x);

    /// <summary>The hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Sinh(Vector<double> x);

    /// <summary>The hyperbolic cosine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Cosh(Vector<double> x);

    /// <summary>The inverse of the hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Asinh(Vector<double> x);

    /// <summary>The inverse of the hyperbolic cosine. NaN below 1.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Acosh(Vector<double> x);

    /// <summary>The inverse of the hyperbolic tangent. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Atanh(Vector<double> x);

    /// <summary>Ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Softplus(Vector<double> x);

    /// <summary>2^x, exact for integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Exp2(Vector<double> x);

    /// <summary>The logarithm to base 2, exact for powers of two. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Log2(Vector<double> x);

    /// <summary>The logarithm to base 10. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Log10(Vector<double> x);

    /// <summary>The inverse of the error function. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Erfinv(Vector<double> x);

    /// <summary>Ln |Gamma(x)|. Infinite at 0 and the negative integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Lgamma(Vector<double> x);

    /// <summary>The derivative of ln Gamma. -infinity at 0, +infinity at -0, NaN at the negative integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Digamma(Vector<double> x);

    /// <summary>The nearest integer, the even one of two that are as near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Round(Vector<double> x);

    /// <summary>The largest integer that is not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Floor(Vector<double> x);

    /// <summary>The smallest integer that is not below x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Ceil(Vector<double> x);

    /// <summary>X without its fraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Trunc(Vector<double> x);

    /// <summary>The angle of the point (x, y) between -pi and pi, with the special cases of C99.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> Atan2(Vector<double> y, Vector<double> x);

    /// <summary>Ln(e^a + e^b).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<double> LogAddExp(Vector<double> a, Vector<double> b);

    /// <summary>Sqrt(x^2 + y^2) without the overflow of the squares. Infinite if one of them is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Hypot(Vector<double> x, Vector<double> y);

    /// <summary>The magnitude of a with the sign of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<double> Copysign(Vector<double> a, Vector<double> b);
}
