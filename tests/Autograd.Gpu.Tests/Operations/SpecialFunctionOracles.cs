using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Maths;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests;

/// <summary>The rows of the transcendental functions, over System.Math and <see cref="HighPrecision"/>.</summary>
internal static class SpecialFunctionOracles
{
    public static IReadOnlyDictionary<string, Oracle> Rows { get; } = new Dictionary<string, Oracle>
    {
        ["Tan"] = Of(Math.Tan),
        ["Asin"] = Of(Math.Asin),
        ["Acos"] = Of(Math.Acos),
        ["Atan"] = Of(Math.Atan),
        ["Atan2"] = new((y, x, _) => Math.Atan2(y, x), Single: 4, Double: 4) { OtherDomain = (-3, -0.3) },
        ["Sinh"] = Of(Math.Sinh),
        ["Cosh"] = Of(Math.Cosh),
        ["Asinh"] = Of(Math.Asinh),
        ["Acosh"] = Of(Math.Acosh),
        ["Atanh"] = Of(Math.Atanh),
        ["Expm1"] = Of(HighPrecision.Expm1),
        ["Exp2"] = Of(x => Math.Pow(2, x)),
        ["Log1p"] = Of(HighPrecision.Log1p),
        ["Log2"] = Of(Math.Log2),
        ["Log10"] = Of(Math.Log10),
        ["Softplus"] = Of(HighPrecision.Softplus),
        ["LogAddExp"] = new(
            (a, b, _) => a == b ? a + Math.Log(2) : Math.Max(a, b) + HighPrecision.Log1p(Math.Exp(-Math.Abs(a - b))), Single: 4, Double: 4)
        {
            Terms = (a, b) => Math.Max(Math.Abs(a), Math.Abs(b)),
        },
        ["Xlogy"] = new((x, y, _) => x == 0 && !double.IsNaN(y) ? 0 : x * Math.Log(y), Single: 4, Double: 4),
        ["Erf"] = Of(HighPrecision.Erf),
        ["Erfc"] = Of(HighPrecision.Erfc),
        ["Gelu"] = Of(HighPrecision.Gelu),
        ["GeluBackward"] = new((g, x, _) => g * HighPrecision.GeluSlope(x), Single: 5, Double: 5) { Terms = (g, x) => Math.Abs(g) * Math.Max(GeluSlopeFunction.Term(x), SmallestNormal) },
        ["Silu"] = Of(HighPrecision.Silu),
        ["SiluBackward"] = new((g, x, _) => g * HighPrecision.SiluSlope(x), Single: 5, Double: 5) { Terms = (g, x) => Math.Abs(g) * Math.Max(SiluSlopeFunction.Term(x), SmallestNormal) },
        ["Erfinv"] = Of(y => HighPrecision.Erfinv(y, DeviceMath.Erfinv(y))),
        ["Lgamma"] = new((x, _, _) => HighPrecision.LogGamma(x), Single: 1, Double: 8) { OtherDomain = (-2.9, -2.1) },
        ["Digamma"] = new((x, _, _) => HighPrecision.Digamma(x), Single: 1, Double: 8) { Terms = (_, _) => 2, OtherDomain = (-2.9, -2.1) },
        ["Zeta"] = new((s, q, _) => Zeta(s, q), Single: 1, Double: 32) { Undifferentiated = 0 },
    };

    /// <summary>Of float: what is computed below it has fewer digits before it is multiplied.</summary>
    private const double SmallestNormal = 1.1754943508222875e-38;

    private static Oracle Of(Func<double, double> function) => new((x, _, _) => function(x), Single: 4, Double: 4);

    /// <summary>The sum of (q + k)^-s: some terms and three of the Euler-Maclaurin formula for the others.</summary>
    private static double Zeta(double s, double q)
    {
        if (double.IsNaN(s) || double.IsNaN(q) || s < 1)
        {
            return double.NaN;
        }

        if (s == 1 || (q <= 0 && q == Math.Floor(q)))
        {
            return double.PositiveInfinity;
        }

        if (q < 0 && s != Math.Floor(s))
        {
            return double.NaN;
        }

        // The smallest terms first.
        int terms = q < 100 ? 200 : 0;
        double a = q + terms;
        double sum = double.IsInfinity(a) || double.IsInfinity(s) ? 0 : Math.Pow(a, 1 - s) / (s - 1) + Math.Pow(a, -s) * (0.5 + (s / (12 * a) * (1 - ((s + 1) * (s + 2) / (60 * a * a)))));
        sum = double.IsFinite(sum) ? sum : 0;
        for (int k = terms - 1; k >= 0; k--)
        {
            sum += Math.Pow(q + k, -s);
        }

        return sum;
    }
}
