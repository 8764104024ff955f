using Autograd.Gpu.Nn;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests;

/// <summary>
/// A function that is made of pointwise operations: how it is called, and what it should compute, over doubles. Errors count in ulps of the result, or of
/// <paramref name="Floor"/> where that is larger: the size of what cancels.
/// </summary>
internal sealed record Composition(
    string Name, int Arity, Func<Tensor[], Tensor> Apply, Func<double, double, double, double> Oracle, double Ulps = 4, double Floor = 0)
{
    /// <summary>Where it is smooth.</summary>
    public (double Low, double High) Domain { get; init; } = (-2.9, 2.9);

    /// <summary>Another such interval.</summary>
    public (double Low, double High)? OtherDomain { get; init; }

    public bool IsDifferentiable { get; init; } = true;

    /// <summary>The in-place form, if there is one.</summary>
    public Func<Tensor[], Tensor>? InPlace { get; init; }

    public override string ToString() => Name;
}

/// <summary>The activations among them are called as the functions of <see cref="Functional"/>, which pass on to the tensor's methods.</summary>
internal static class CompositionTable
{
    /// <summary>The dtypes in which values are compared with the oracle, on every device; the half types to their own precision.</summary>
    public static IReadOnlyList<DType> Floats { get; } = [DType.Float32, DType.Float64];

    public static IReadOnlyList<DType> Halves { get; } = [DType.Float16, DType.BFloat16];

    public static IReadOnlyList<Composition> Rows { get; } =
    [
        Of("LeakyRelu", x => Functional.LeakyRelu(x, 0.1), x => x > 0 ? x : 0.1 * x) with { Domain = Above, OtherDomain = Below, InPlace = x => x[0].LeakyRelu_(0.1) },
        Of("Elu", x => Functional.Elu(x, 1.5), x => Elu(x, 1.5, 1)) with { Domain = Above, OtherDomain = Below, InPlace = x => x[0].Elu_(1.5) },
        Of("Selu", x => Functional.Selu(x), x => 1.0507009873554805 * Elu(x, 1.6732632423543772, 1)) with { Domain = Above, OtherDomain = Below, InPlace = x => x[0].Selu_() },
        Of("Celu", x => Functional.Celu(x, 2), x => Elu(x, 2, 0.5)) with { Domain = Above, OtherDomain = Below, InPlace = x => x[0].Celu_(2) },
        Of("Hardtanh", x => Functional.Hardtanh(x), Clip) with { Domain = (-0.9, 0.9), OtherDomain = (1.1, 3), InPlace = x => x[0].Hardtanh_() },
        Of("Relu6", x => Functional.Relu6(x), x => 3 + (3 * Clip((x - 3) / 3)), 4, 6) with { Domain = (0.1, 5.9), OtherDomain = Below, InPlace = x => x[0].Relu6_() },
        Of("Hardsigmoid", x => Functional.Hardsigmoid(x), x => 0.5 + (Clip(x / 3) / 2), 4, 1) with { InPlace = x => x[0].Hardsigmoid_() },
        Of("Hardswish", x => Functional.Hardswish(x), x => x * (0.5 + (Clip(x / 3) / 2)), 4, 3) with { InPlace = x => x[0].Hardswish_() },
        Of("Hardshrink", x => Functional.Hardshrink(x), x => x >= -0.5 && x <= 0.5 ? 0 : x) with { Domain = (0.6, 3), OtherDomain = (-0.4, 0.4) },
        Of("Softshrink", x => Functional.Softshrink(x), x => x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : double.IsNaN(x) ? x : 0) with { Domain = (0.6, 3), OtherDomain = (-3, -0.6) },
        Of("Threshold", x => Functional.Threshold(x, 0.125, 20), x => x <= 0.125 ? 20 : x) with { Domain = (0.2, 3), OtherDomain = (-3, 0), InPlace = x => x[0].Threshold_(0.125, 20) },
        Of("Gelu", x => Functional.Gelu(x), HighPrecision.Gelu),
        Of("GeluTanh", x => Functional.Gelu(x, GeluApproximation.Tanh), x => x * HighPrecision.Sigmoid((x + (x * x * x * 0.044715)) * 1.5957691216057308), 64),
        Of("Silu", x => Functional.Silu(x), x => x * HighPrecision.Sigmoid(x)) with { InPlace = x => x[0].Silu_() },
        Of("Mish", x => Functional.Mish(x), x => x * HighPrecision.Tanh(HighPrecision.Softplus(x)), 8) with { InPlace = x => x[0].Mish_() },
        Of("Softplus", x => Functional.Softplus(x, 2, 20), x => 2 * x > 20 ? x : HighPrecision.Softplus(2 * x) / 2),
        Of("LogSigmoid", x => Functional.LogSigmoid(x), x => -HighPrecision.Softplus(-x)),
        Of("Relu", x => Functional.Relu(x), x => x <= 0 ? 0 : x) with { Domain = Above, OtherDomain = Below },
        Of("Sigmoid", x => Functional.Sigmoid(x), HighPrecision.Sigmoid),
        Of("Tanh", x => Functional.Tanh(x), HighPrecision.Tanh),
        Of("Tanhshrink", x => Functional.Tanhshrink(x), x => x - Math.Tanh(x), 4, 1),
        Of("Softsign", x => Functional.Softsign(x), x => x / (1 + Math.Abs(x))),
        Of("Reciprocal", x => x.Reciprocal(), x => 1 / x) with { Domain = (0.5, 3), OtherDomain = (-3, -0.5), InPlace = x => x[0].Reciprocal_() },
        Of("Square", x => x.Square(), x => x * x) with { InPlace = x => x[0].Square_() },
        Of("Frac", x => x.Frac(), x => x - Math.Truncate(x)) with { Domain = (1.1, 1.9), InPlace = x => x[0].Frac_() },
        Of("Sinc", x => x.Sinc(), x => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x), 4, 1) with { Domain = (0.2, 0.9), OtherDomain = (-1.9, -1.1), InPlace = x => x[0].Sinc_() },
        Of("Sgn", x => x.Sgn(), x => double.IsNaN(x) ? x : Math.Sign(x)) with { Domain = Above, InPlace = x => x[0].Sgn_() },
        Of("NanToNum", x => x.NanToNum(1, 2, 3), x => double.IsNaN(x) ? 1 : double.IsPositiveInfinity(x) ? 2 : double.IsNegativeInfinity(x) ? 3 : x) with
        {
            InPlace = x => x[0].NanToNum_(1, 2, 3),
        },
        Of("AbsInPlace", x => x.Abs(), Math.Abs) with { Domain = Above, InPlace = x => x[0].Abs_() },
        Of("IsNan", x => x.IsNan(), x => double.IsNaN(x) ? 1 : 0) with { IsDifferentiable = false },
        Of("IsInf", x => x.IsInf(), x => double.IsInfinity(x) ? 1 : 0) with { IsDifferentiable = false },
        Of("IsPosInf", x => x.IsPosInf(), x => double.IsPositiveInfinity(x) ? 1 : 0) with { IsDifferentiable = false },
        Of("IsNegInf", x => x.IsNegInf(), x => double.IsNegativeInfinity(x) ? 1 : 0) with { IsDifferentiable = false },
        Of("IsFinite", x => x.IsFinite(), x => double.IsFinite(x) ? 1 : 0) with { IsDifferentiable = false },
        Of("LogicalNot", x => x.LogicalNot(), x => x == 0 ? 1 : 0) with { IsDifferentiable = false },
        Of("LogicalAnd", (a, b) => a.LogicalAnd(b), (a, b) => a != 0 && b != 0 ? 1 : 0) with { IsDifferentiable = false },
        Of("LogicalOr", (a, b) => a.LogicalOr(b), (a, b) => a != 0 || b != 0 ? 1 : 0) with { IsDifferentiable = false },
        Of("LogicalXor", (a, b) => a.LogicalXor(b), (a, b) => a != 0 != (b != 0) ? 1 : 0) with { IsDifferentiable = false },
        Of("Heaviside", (a, b) => a.Heaviside(b), (a, b) => a == 0 ? b : a > 0 ? 1 : 0) with { IsDifferentiable = false },
        Of("Add", (a, b) => a.Add(b, 2), (a, b) => a + (2 * b), 2, 6),
        Of("Sub", (a, b) => a.Sub(b, 2), (a, b) => a - (2 * b), 2, 6),
        Of("Mul", (a, b) => a.Mul(b), (a, b) => a * b),
        Of("MaskedFill", (a, b) => a.MaskedFill(b > 0.5, 7), (a, b) => b > 0.5 ? 7 : a) with { Domain = (0.6, 3), InPlace = x => x[0].MaskedFill_(x[1] > 0.5, 7) },
        Of("LerpNear", (a, b) => a.Lerp(b, 0.25), (a, b) => a + (0.25 * (b - a)), 4, 6) with { InPlace = x => x[0].Lerp_(x[1], 0.25) },
        Of("LerpFar", (a, b) => a.Lerp(b, 0.75), (a, b) => b - (0.25 * (b - a)), 4, 6),
        new("Lerp", 3, x => x[0].Lerp(x[1], x[2]), (a, b, w) => Math.Abs(w) < 0.5 ? a + (w * (b - a)) : b - ((b - a) * (1 - w)), 8, 12)
        {
            Domain = (0.55, 3),
            OtherDomain = (-0.4, 0.4),
            InPlace = x => x[0].Lerp_(x[1], x[2]),
        },
        new("Addcmul", 3, x => x[0].Addcmul(x[1], x[2], 0.5), (a, b, c) => a + (0.5 * b * c), 4, 12) { InPlace = x => x[0].Addcmul_(x[1], x[2], 0.5) },
        new("Addcdiv", 3, x => x[0].Addcdiv(x[1], x[2], 0.5), (a, b, c) => a + (0.5 * b / c), 4, 6)
        {
            Domain = (0.5, 3),
            InPlace = x => x[0].Addcdiv_(x[1], x[2], 0.5),
        },
        new("ClampBetween", 3, x => x[0].Clamp(x[1], x[2]), (a, low, high) => Math.Min(Math.Max(a, low), high)) { InPlace = x => x[0].Clamp_(x[1], x[2]) },
        Of("ClampAbove", (a, b) => a.Clamp(b), Math.Max),
        Of("ClampBelow", (a, b) => a.Clamp(null, b), Math.Min),
    ];

    private static (double Low, double High) Above => (0.1, 3);

    private static (double Low, double High) Below => (-3, -0.1);

    private static Composition Of(string name, Func<Tensor, Tensor> apply, Func<double, double> oracle, double ulps = 4, double floor = 0) =>
        new(name, 1, x => apply(x[0]), (a, _, _) => oracle(a), ulps, floor);

    private static Composition Of(string name, Func<Tensor, Tensor, Tensor> apply, Func<double, double, double> oracle, double ulps = 4, double floor = 0) =>
        new(name, 2, x => apply(x[0], x[1]), (a, b, _) => oracle(a, b), ulps, floor);

    private static double Elu(double x, double alpha, double inputScale) => x > 0 ? x : alpha * HighPrecision.Expm1(x * inputScale);

    private static double Clip(double x) => Math.Max(-1, Math.Min(1, x));
}
