using System.Numerics;
using System.Runtime.CompilerServices;
using Maths = Autograd.Gpu.Kernels.LaneMath<Autograd.Gpu.Kernels.DoubleVectorLane, System.Numerics.Vector<double>, System.Numerics.Vector<long>, System.Numerics.Vector<long>>;

namespace Autograd.Gpu.Kernels;

public static partial class VectorMath
{
    /// <summary>E^x. 0 below about -745, infinity above about 710.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Exp(Vector<double> x) => Maths.Exp(x);

    /// <summary>E^x - 1, exact to rounding near 0.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Expm1(Vector<double> x) => Maths.Expm1(x);

    /// <summary>Ln x. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Log(Vector<double> x) => Maths.Log(x);

    /// <summary>Ln(1 + x), exact to rounding near 0. -infinity for -1, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Log1p(Vector<double> x) => Maths.Log1p(x);

    /// <summary>Sin x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Sin(Vector<double> x) => Maths.Sin(x);

    /// <summary>Cos x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Cos(Vector<double> x) => Maths.Cos(x);

    /// <summary>Tan x for any finite x. NaN for infinities.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Tan(Vector<double> x) => Maths.Tan(x);

    /// <summary>Tanh x.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Tanh(Vector<double> x) => Maths.Tanh(x);

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Sigmoid(Vector<double> x) => Maths.Sigmoid(x);

    /// <summary>The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Erf(Vector<double> x) => Maths.Erf(x);

    /// <summary>1 - erf(x), with a relative error bound however small it is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Erfc(Vector<double> x) => Maths.Erfc(x);

    /// <summary>X times the standard normal distribution function, with a relative error bound however small it is. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Gelu(Vector<double> x) => Maths.Gelu(x);

    /// <summary>The derivative of <see cref="Gelu(Vector{double})"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> GeluSlope(Vector<double> x) => Maths.GeluSlope(x);

    /// <summary>X times the sigmoid of x. NaN for -infinity.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Silu(Vector<double> x) => Maths.Silu(x);

    /// <summary>The derivative of <see cref="Silu(Vector{double})"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> SiluSlope(Vector<double> x) => Maths.SiluSlope(x);

    /// <summary>1 / sqrt(x). Infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Rsqrt(Vector<double> x) => Maths.Rsqrt(x);

    /// <summary>The square root, correctly rounded. NaN below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Sqrt(Vector<double> x) => Vector.SquareRoot(x);

    /// <summary>x^y, with the special cases of C99: 1 for y = 0 and for x = 1, NaN for x below 0 unless y is an integer.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Pow(Vector<double> x, Vector<double> y) => Maths.Pow(x, y);

    /// <summary>The arc sine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Asin(Vector<double> x) => Maths.Asin(x);

    /// <summary>The arc cosine. NaN outside of [-1, 1].</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Acos(Vector<double> x) => Maths.Acos(x);

    /// <summary>The arc tangent.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Atan(Vector<double> x) => Maths.Atan(x);

    /// <summary>The hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Sinh(Vector<double> x) => Maths.Sinh(x);

    /// <summary>The hyperbolic cosine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Cosh(Vector<double> x) => Maths.Cosh(x);

    /// <summary>The inverse of the hyperbolic sine.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Asinh(Vector<double> x) => Maths.Asinh(x);

    /// <summary>The inverse of the hyperbolic cosine. NaN below 1.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Acosh(Vector<double> x) => Maths.Acosh(x);

    /// <summary>The inverse of the hyperbolic tangent. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Atanh(Vector<double> x) => Maths.Atanh(x);

    /// <summary>Ln(1 + e^x).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Softplus(Vector<double> x) => Maths.Softplus(x);

    /// <summary>2^x, exact for integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Exp2(Vector<double> x) => Maths.Exp2(x);

    /// <summary>The logarithm to base 2, exact for powers of two. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Log2(Vector<double> x) => Maths.Log2(x);

    /// <summary>The logarithm to base 10. -infinity for 0, NaN below it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Log10(Vector<double> x) => Maths.Log10(x);

    /// <summary>The inverse of the error function. Infinite at 1 and -1, NaN beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Erfinv(Vector<double> x) => Maths.Erfinv(x);

    /// <summary>Ln |Gamma(x)|. Infinite at 0 and the negative integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Lgamma(Vector<double> x) => Maths.Lgamma(x);

    /// <summary>The derivative of ln Gamma. -infinity at 0, +infinity at -0, NaN at the negative integers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Digamma(Vector<double> x) => Maths.Digamma(x);

    /// <summary>The nearest integer, the even one of two that are as near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Round(Vector<double> x) => Maths.Round(x);

    /// <summary>The largest integer that is not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Floor(Vector<double> x) => Maths.Floor(x);

    /// <summary>The smallest integer that is not below x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Ceil(Vector<double> x) => Maths.Ceil(x);

    /// <summary>X without its fraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Trunc(Vector<double> x) => Maths.Trunc(x);

    /// <summary>The angle of the point (x, y) between -pi and pi, with the special cases of C99.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> Atan2(Vector<double> y, Vector<double> x) => Maths.Atan2(y, x);

    /// <summary>Ln(e^a + e^b).</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector<double> LogAddExp(Vector<double> a, Vector<double> b) => Maths.LogAddExp(a, b);

    /// <summary>Sqrt(x^2 + y^2) without the overflow of the squares. Infinite if one of them is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Hypot(Vector<double> x, Vector<double> y) => Maths.Hypot(x, y);

    /// <summary>The magnitude of a with the sign of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<double> Copysign(Vector<double> a, Vector<double> b) => Maths.Copysign(a, b);
}
