namespace Autograd.Gpu.Tests;

/// <summary>
/// Zeros keep or lose their sign as the Array API standard (2023.12, special cases of elementwise functions) and IEEE 754 say. The tables of pointwise functions count ulps, to which
/// both zeros are one number.
/// </summary>
internal sealed class SignedZeroTests
{
    private const double Inf = double.PositiveInfinity;

    private static IEnumerable<TestCaseData> Unary()
    {
        static TestCaseData Case(string name, Func<Tensor, Tensor> function, params (double At, double Is)[] expected) => new TestCaseData(function, expected).SetArgDisplayNames(name);
        foreach (var (name, function) in new (string, Func<Tensor, Tensor>)[]
        {
            ("Sin", x => x.Sin()), ("Tan", x => x.Tan()), ("Asin", x => x.Asin()), ("Atan", x => x.Atan()), ("Sinh", x => x.Sinh()), ("Tanh", x => x.Tanh()), ("Asinh", x => x.Asinh()),
            ("Atanh", x => x.Atanh()), ("Sqrt", x => x.Sqrt()), ("Expm1", x => x.Expm1()), ("Log1p", x => x.Log1p()), ("Erf", x => x.Erf()), ("Erfinv", x => x.Erfinv()), ("Deg2Rad", x => x.Deg2Rad()),
        })
        {
            yield return Case(name, function, (0.0, 0.0), (-0.0, -0.0));
        }

        yield return Case("Abs", x => x.Abs(), (-0.0, 0.0), (0.0, 0.0));
        yield return Case("Neg", x => -x, (-0.0, 0.0), (0.0, -0.0));
        yield return Case("Ceil", x => x.Ceil(), (-0.0, -0.0), (-0.5, -0.0), (0.0, 0.0));
        yield return Case("Floor", x => x.Floor(), (-0.0, -0.0), (0.5, 0.0));
        yield return Case("Trunc", x => x.Trunc(), (-0.0, -0.0), (-0.5, -0.0), (0.5, 0.0));
        yield return Case("Round", x => x.Round(), (-0.0, -0.0), (-0.5, -0.0), (-0.25, -0.0), (0.5, 0.0));
        yield return Case("Square", x => x.Square(), (-0.0, 0.0), (0.0, 0.0));
        yield return Case("Reciprocal", x => x.Reciprocal(), (-0.0, -Inf), (0.0, Inf), (-Inf, -0.0), (Inf, 0.0));
        yield return Case("Rsqrt", x => x.Rsqrt(), (0.0, Inf), (Inf, 0.0));
        yield return Case("Exp", x => x.Exp(), (-0.0, 1), (-Inf, 0.0));
        yield return Case("Log", x => x.Log(), (-0.0, -Inf), (1, 0.0));
        yield return Case("Cos", x => x.Cos(), (-0.0, 1));
        yield return Case("Sign", x => x.Sign(), (-0.0, 0.0), (0.0, 0.0));
        yield return Case("SignBit", x => x.SignBit().To(DType.Float64), (-0.0, 1), (0.0, 0.0));
        yield return Case("Clamp", x => x.Clamp(-1, 1), (-0.0, -0.0), (0.0, 0.0));
        yield return Case("Frac", x => x.Frac(), (2, 0.0));
        yield return Case("Clone", x => x.Clone(), (-0.0, -0.0));
        yield return Case("Add 0", x => x + 0.0, (-0.0, 0.0));
        yield return Case("Sub 0", x => x - 0.0, (-0.0, -0.0));
        yield return Case("Mul 1", x => x * 1.0, (-0.0, -0.0));
        yield return Case("Mul -1", x => x * -1.0, (0.0, -0.0));
        yield return Case("Mul 0", x => x * 0.0, (-3, -0.0), (3, 0.0));
        yield return Case("0 - x", x => 0.0 - x, (0.0, 0.0), (-0.0, 0.0));
        yield return Case("Div -2", x => x / -2.0, (0.0, -0.0), (-0.0, 0.0));
        yield return Case("Pow 3", x => x.Pow(3), (-0.0, -0.0), (0.0, 0.0));
        yield return Case("Pow 2", x => x.Pow(2), (-0.0, 0.0));
        yield return Case("Pow -1", x => x.Pow(-1), (-0.0, -Inf), (0.0, Inf));
        yield return Case("Pow 0.5", x => x.Pow(0.5), (-0.0, 0.0), (-Inf, Inf));
    }

    private static IEnumerable<TestCaseData> Binary()
    {
        static TestCaseData Case(string name, Func<Tensor, Tensor, Tensor> function, params (double A, double B, double Is)[] expected) => new TestCaseData(function, expected).SetArgDisplayNames(name);
        yield return Case("Add", (a, b) => a + b, (-0.0, -0.0, -0.0), (-0.0, 0.0, 0.0), (0.0, -0.0, 0.0), (1, -1, 0.0));
        yield return Case("Sub", (a, b) => a - b, (-0.0, 0.0, -0.0), (-0.0, -0.0, 0.0), (0.0, 0.0, 0.0), (1, 1, 0.0));
        yield return Case("Mul", (a, b) => a * b, (-0.0, 2, -0.0), (-0.0, -2, 0.0), (0.0, -0.0, -0.0));
        yield return Case("Div", (a, b) => a / b, (-0.0, 2, -0.0), (1, -0.0, -Inf), (-1, -0.0, Inf), (1, -Inf, -0.0));
        yield return Case(
            "Atan2", (a, b) => a.Atan2(b), (0.0, 1, 0.0), (-0.0, 1, -0.0), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, Math.PI), (-0.0, -0.0, -Math.PI), (0.0, -1, Math.PI), (-0.0, -1, -Math.PI),
            (-1, Inf, -0.0), (1, Inf, 0.0));
        yield return Case("Copysign", (a, b) => a.Copysign(b), (1, -0.0, -1), (-1, 0.0, 1), (0.0, -2, -0.0), (-0.0, 2, 0.0));
        yield return Case("Pow", (a, b) => a.Pow(b), (-0.0, 3, -0.0), (-0.0, 2, 0.0), (-0.0, -3, -Inf), (-0.0, -2, Inf), (-Inf, -3, -0.0), (-Inf, -2, 0.0), (-0.0, 0.5, 0.0), (-0.5, Inf, 0.0));
        yield return Case("Fmod", (a, b) => a.Fmod(b), (-0.0, 3, -0.0), (0.0, -3, 0.0), (-6, 3, -0.0), (6, 3, 0.0), (-0.0, Inf, -0.0));
        yield return Case("FloorDivide", (a, b) => a.FloorDivide(b), (-0.0, 3, -0.0), (0.0, 3, 0.0), (0.0, -3, -0.0));
        yield return Case("Hypot", (a, b) => a.Hypot(b), (-0.0, -0.0, 0.0), (0.0, -0.0, 0.0));
        yield return Case("Where", (a, b) => Tensor.Where(a < 2, a, b), (-0.0, 1, -0.0), (3, -0.0, -0.0));
    }

    [TestCaseSource(nameof(Unary))]
    public void ZerosOfOneInput(Func<Tensor, Tensor> function, (double At, double Is)[] expected) => Check(Array.ConvertAll(expected, e => (new[] { e.At }, e.Is)), x => function(x[0]));

    [TestCaseSource(nameof(Binary))]
    public void ZerosOfTwoInputs(Func<Tensor, Tensor, Tensor> function, (double A, double B, double Is)[] expected) =>
        Check(Array.ConvertAll(expected, e => (new[] { e.A, e.B }, e.Is)), x => function(x[0], x[1]));

    private static void Check((double[] At, double Is)[] expected, Func<Tensor[], Tensor> function)
    {
        foreach (var device in TestDevices.All)
        {
            foreach (var dtype in new[] { DType.Float32, DType.Float64 })
            {
                foreach (var (at, value) in expected)
                {
                    // Enough for every loop of the host: vectors of each width, and the tail.
                    int count = device == Device.Cpu ? 4099 : 3;
                    var result = function(Array.ConvertAll(at, v => Tensor.Full([count], v, dtype, device).Clone().Materialize())).Doubles();
                    string where = $"of ({string.Join(", ", at)}), {dtype} on {device}";
                    Assert.That(result, Is.All.EqualTo(value).Within(value == Math.Round(value) ? 0 : 1e-6), where);
                    Assert.That(result.Select(double.IsNegative), Is.All.EqualTo(double.IsNegative(value)), $"the sign {where}");
                }
            }
        }
    }
}
