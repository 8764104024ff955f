using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Kernels;

public static partial class VectorMath
{
    /// <summary>E^x. 0 below about -104, infinity above about 89.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Exp(Vector<float> x);

    /// <summary>E^x - 1, exact to rounding near 0.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Expm1(Vector<float> x);

    /// <summary>Ln x. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Log(Vector<float> x);

    /// <summary>Ln(1 + x), exact to rounding near 0. -infinity for -1, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Log1p(Vector<float> x);

    /// <summary>Sin x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Sin(Vector<float> x);

    /// <summary>Cos x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Cos(Vector<float> x);

    /// <summary>Tan x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Tan(Vector<float> x);

    /// <summary>Tanh x.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Tanh(Vector<float> x);

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Sigmoid(Vector<float> x);

    /// <summary>The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Erf(Vector<float> x);

    /// <summary>1 - erf(x), with a relative error bound however small it is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Erfc(Vector<float> x);

    /// <summary>X times the standard normal distribution function, with a relative error bound however small it is. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Gelu(Vector<float> x);

    /// <summary>The derivative of <see cref="Gelu(Vector{float})"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> GeluSlope(Vector<float> x);

    /// <summary>X times the sigmoid of x. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Silu(Vector<float> x);

    /// <summary>The derivative of <see cref="Silu(Vector{float})"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> SiluSlope(Vector<float> x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Rsqrt(Vector<float> x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sqrt(Vector<float> x) => Vector.SquareRoot(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Pow(Vector<float> x, Vector<float> y);

    /// <summary>The arc sine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Asin(Vector<float> x);

    /// <summary>The arc cosine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Acos(Vector<float> x);

    /// <summary>The arc tangent.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Atan(Vector<float> x);

    /// <summary>The hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Sinh(Vector<float> x);

    /// <summary>The hyperbolic cosine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Cosh(Vector<float> x);

    /// <summary>The inverse of the hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Asinh(Vector<float> x);

    /// <summary>The inverse of the hyperbolic cosine. NaN below 1.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Acosh(Vector<float> x);

    /// <summary>The inverse of the hyperbolic tangent. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Atanh(Vector<float> x);

    /// <summary>Ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Softplus(Vector<float> x);

    /// <summary>2^x, exact for integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Exp2(Vector<float> x);

    /// <summary>The logarithm to base 2, exact for powers of two. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Log2(Vector<float> x);

    /// <summary>The logarithm to base 10. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Log10(Vector<float> x);

    /// <summary>The inverse of the error function. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Erfinv(Vector<float> x);

    /// <summary>Ln |Gamma(x)|. Infinite at 0 and the negative integers. Computed in double.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> Lgamma(Vector<float> x)
    {
        Vector.Widen(x, out var low, out var high);
        return Vector.Narrow(Lgamma(low), Lgamma(high));
    }

    /// <summary>The derivative of ln Gamma. -infinity at 0, +infinity at -0, NaN at the negative integers. Computed in double.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<float> Digamma(Vector<float> x)
    {
        Vector.Widen(x, out var low, out var high);
        return Vector.Narrow(Digamma(low), Digamma(high));
    }

    /// <summary>The nearest integer, the even one of two that are as near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Round(Vector<float> x);

    /// <summary>The largest integer that is not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Floor(Vector<float> x);

    /// <summary>The smallest integer that is not below x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Ceil(Vector<float> x);

    /// <summary>X without its fraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Trunc(Vector<float> x);

    /// <summary>The angle of the point (x, y) between -pi and pi, with the special cases of C99.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> Atan2(Vector<float> y, Vector<float> x);

    /// <summary>Ln(e^a + e^b).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static partial Vector<float> LogAddExp(Vector<float> a, Vector<float> b);

    /// <summary>Sqrt(x^2 + y^2) without the overflow of the squares. Infinite if one of them is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Hypot(Vector<float> x, Vector<float> y);

    /// <summary>The magnitude of a with the sign of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static partial Vector<float> Copysign(Vector<float> a, Vector<float> b);
}
