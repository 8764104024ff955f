using System.Numerics;
using System.Reflection;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tests.Support;

namespace Autograd.Gpu.Tests;

/// <summary>
/// What an operation computes, from System.Math and not from the operation: over doubles, and over longs where the operation takes integers (bools are 0
/// and 1). <paramref name="Single"/> and <paramref name="Double"/> are the ulps by which float32 and float64 results may differ; the oracle of a
/// transcendental function has an error of about one ulp of its own in float64.
/// </summary>
internal sealed record Oracle(Func<double, double, double, double> Real, Func<long, long, long, long>? Whole = null, double Single = 0, double Double = 0)
{
    /// <summary>A second interval on which gradients are checked: the other side of a kink.</summary>
    public (double Low, double High)? OtherDomain { get; init; }

    /// <summary>The function over floats, where rounding an intermediate value is part of its definition.</summary>
    public Func<float, float, float, float>? OverFloats { get; init; }

    /// <summary>Where a result is a difference: the size of its terms, in whose ulps the error counts when the result is smaller.</summary>
    public Func<double, double, double>? Terms { get; init; }

    /// <summary>An input that has no derivative, or -1.</summary>
    public int Undifferentiated { get; init; } = -1;
}

/// <summary>A declaration that is meant to be wrong.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NotInTableAttribute : Attribute;

/// <summary>The pointwise operations, found by reflection, and their oracles, by name.</summary>
internal static class PointwiseTable
{
    /// <summary>The floating-point dtypes in which values are compared with the oracle, on every device.</summary>
    public static IReadOnlyList<DType> Floats { get; } = [DType.Float32, DType.Float64];

    /// <summary>The other dtypes in which results of operations on whole numbers are.</summary>
    public static IReadOnlyList<DType> WholeNumbers { get; } = [DType.Int32, DType.Int64, DType.Bool];

    private static readonly Dictionary<string, Oracle> s_oracles = new(SpecialFunctionOracles.Rows)
    {
        ["Add"] = new((a, b, _) => a + b, (a, b, _) => a + b),
        ["Sub"] = new((a, b, _) => a - b, (a, b, _) => a - b),
        ["Mul"] = new((a, b, _) => a * b, (a, b, _) => a * b),
        ["Div"] = new((a, b, _) => a / b) { OtherDomain = (-3, -0.5) },
        ["Neg"] = new((a, _, _) => -a, (a, _, _) => -a),
        ["Exp"] = new((a, _, _) => Math.Exp(a), Single: 4, Double: 4),
        ["Log"] = new((a, _, _) => Math.Log(a), Single: 4, Double: 4),
        ["Pow"] = new((a, b, _) => Math.Pow(a, b), WholePower, Single: 4, Double: 8),
        ["Sqrt"] = new((a, _, _) => Math.Sqrt(a)),
        ["Rsqrt"] = new((a, _, _) => 1 / Math.Sqrt(a), Single: 2, Double: 2),
        ["Sin"] = new((a, _, _) => Math.Sin(a), Single: 4, Double: 4),
        ["Cos"] = new((a, _, _) => Math.Cos(a), Single: 4, Double: 4),
        ["Tanh"] = new((a, _, _) => Math.Tanh(a), Single: 4, Double: 8),
        ["Sigmoid"] = new((a, _, _) => 1 / (1 + Math.Exp(-a)), Single: 4, Double: 8),
        ["TanhBackward"] = new((g, y, _) => g * (1 - y * y)) { OverFloats = (g, y, _) => g * (1f - y * y) },
        ["ReluBackward"] = new((g, y, _) => y > 0 ? g : 0),
        ["SigmoidBackward"] = new((g, y, _) => g * (y * (1 - y))) { OverFloats = (g, y, _) => g * (y * (1f - y)) },
        ["SquaredError"] = new((x, y, _) => (x - y) * (x - y)) { OverFloats = (x, y, _) => (x - y) * (x - y) },
        ["SquaredErrorBackward"] = new((g, x, y) => 2 * (g * (x - y))) { OverFloats = (g, x, y) => 2f * (g * (x - y)) },
        ["Relu"] = new((a, _, _) => a < 0 ? 0 : a, (a, _, _) => Math.Max(a, 0)) { OtherDomain = (-3, -0.1) },
        ["Abs"] = new((a, _, _) => Math.Abs(a), (a, _, _) => a < 0 ? -a : a) { OtherDomain = (-3, -0.1) },
        ["Sign"] = new((a, _, _) => double.IsNaN(a) ? a : Math.Sign(a), (a, _, _) => Math.Sign(a)) { OtherDomain = (-3, -0.1) },
        ["Maximum"] = new((a, b, _) => Math.Max(a, b), (a, b, _) => Math.Max(a, b)),
        ["Minimum"] = new((a, b, _) => Math.Min(a, b), (a, b, _) => Math.Min(a, b)),
        ["Clamp"] = new((a, low, high) => Math.Min(Math.Max(a, low), high), (a, low, high) => Math.Min(Math.Max(a, low), high)),
        ["Where"] = new((c, a, b) => c != 0 ? a : b, (c, a, b) => c != 0 ? a : b),
        ["Softsign"] = new((a, _, _) => a / (1 + Math.Abs(a)), Single: 2) { OtherDomain = (-3, -0.1) },
        ["LeakySlope"] = new((a, b, _) => a < 0 ? a * b : a) { OtherDomain = (-3, -0.1) },
        ["Eq"] = new((a, b, _) => a == b ? 1 : 0, (a, b, _) => a == b ? 1 : 0),
        ["Ne"] = new((a, b, _) => a != b ? 1 : 0, (a, b, _) => a != b ? 1 : 0),
        ["Lt"] = new((a, b, _) => a < b ? 1 : 0, (a, b, _) => a < b ? 1 : 0),
        ["Le"] = new((a, b, _) => a <= b ? 1 : 0, (a, b, _) => a <= b ? 1 : 0),
        ["Gt"] = new((a, b, _) => a > b ? 1 : 0, (a, b, _) => a > b ? 1 : 0),
        ["Ge"] = new((a, b, _) => a >= b ? 1 : 0, (a, b, _) => a >= b ? 1 : 0),
        ["BitwiseAnd"] = new(NotReal, (a, b, _) => a & b),
        ["BitwiseOr"] = new(NotReal, (a, b, _) => a | b),
        ["BitwiseXor"] = new(NotReal, (a, b, _) => a ^ b),
        ["BitwiseNot"] = new(NotReal, (a, _, _) => ~a),
        ["BitwiseLeftShift"] = new(NotReal, (a, b, _) => b is < 0 or > 63 ? 0 : (long)(ulong)(((BigInteger)a << (int)b) & ulong.MaxValue)),
        ["BitwiseRightShift"] = new(NotReal, (a, b, _) => (long)((BigInteger)a >> (b is < 0 or > 63 ? 64 : (int)b))),
        ["Floor"] = new((a, _, _) => Math.Floor(a), (a, _, _) => a),
        ["Ceil"] = new((a, _, _) => Math.Ceiling(a), (a, _, _) => a),
        ["Round"] = new((a, _, _) => Math.Round(a, MidpointRounding.ToEven), (a, _, _) => a),
        ["Trunc"] = new((a, _, _) => Math.Truncate(a), (a, _, _) => a),
        ["Fmod"] = new((a, b, _) => a % b, (a, b, _) => b is 0 or -1 ? 0 : a % b),
        ["Remainder"] = new(
            (a, b, _) => a % b is var rest && rest != 0 && rest < 0 != b < 0 ? rest + b : a % b,
            (a, b, _) => b is 0 or -1 ? 0 : ((a % b) + b) % b,
            Single: 1,
            Double: 1),
        ["TruncDivide"] = new((a, b, _) => Math.Truncate(a / b), (a, b, _) => b == 0 ? 0 : b == -1 ? -a : a / b)
        {
            OverFloats = (a, b, _) => MathF.Truncate(a / b),
        },
        ["FloorDivide"] = new(
            FloorOfQuotient, (a, b, _) => b == 0 ? 0 : (long)((a - ((((BigInteger)a % b) + b) % b)) / b), Single: 1, Double: 1),
        ["Copysign"] = new((a, b, _) => Math.CopySign(a, b)) { OtherDomain = (-3, -0.1) },
        ["BinaryCrossEntropy"] = new(
            (a, b, _) => (b - 1) * Math.Max(HighPrecision.Log1p(-a), -100) - b * Math.Max(Math.Log(a), -100), Single: 8, Double: 8)
        {
            Terms = (a, b) => Math.Max(Math.Abs((b - 1) * Math.Max(HighPrecision.Log1p(-a), -100)), Math.Abs(b * Math.Max(Math.Log(a), -100))),
        },
        ["Hypot"] = new((a, b, _) => double.Hypot(a, b), Single: 2, Double: 3),
    };

    /// <summary>The library's own operations, and those that this assembly declares as a program would.</summary>
    public static IReadOnlyList<PointwiseOperation> Operations { get; } =
    [
        .. typeof(PointwiseOperation).Assembly.GetTypes()
            .Where(t => t.IsSubclassOf(typeof(PointwiseOperation)) && t is { IsAbstract: false, IsGenericTypeDefinition: false })
            .Concat(typeof(PointwiseTable).Assembly.GetTypes()
                .Where(t => t.BaseType is { IsGenericType: true } b && b.GetGenericTypeDefinition() == typeof(PointwiseFunction<>) && !Attribute.IsDefined(t, typeof(NotInTableAttribute)))
                .Select(t => typeof(ProgramPointwise<>).MakeGenericType(t)))
            .Select(t => (PointwiseOperation)typeof(Op<>).MakeGenericType(t).GetField("Instance", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!)
            .OrderBy(o => o.Name, StringComparer.Ordinal),
    ];

    /// <summary>Whether the operation takes floating-point numbers; those on bits do not.</summary>
    public static bool TakesFloats(PointwiseOperation operation) => operation.Supports(DType.Float32);

    /// <summary>A case for each operation, named after it.</summary>
    public static IEnumerable<TestCaseData> Cases(Func<PointwiseOperation, bool> filter) =>
        from operation in Operations where filter(operation) select Case(operation);

    public static IEnumerable<TestCaseData> CasesOnDevices(Func<PointwiseOperation, bool> filter) =>
        from operation in Operations where filter(operation) from device in TestDevices.All select Case(operation, device);

    public static bool HasOracle(PointwiseOperation operation) => s_oracles.ContainsKey(operation.Name);

    public static Oracle OracleOf(PointwiseOperation operation) => s_oracles.TryGetValue(operation.Name, out var oracle)
        ? oracle
        : throw new AssertionException($"No oracle for {operation.Name}. Add a row over System.Math to {nameof(PointwiseTable)}.");

    public static IEnumerable<string> OraclesWithoutOperation() => s_oracles.Keys.Except(Operations.Select(o => o.Name));

    /// <summary>Applies the operation to as many of the tensors as it takes.</summary>
    public static Tensor Apply(PointwiseOperation operation, IReadOnlyList<Tensor> inputs) =>
        Pointwise.Apply(operation, inputs[0], operation.Arity > 1 ? inputs[1] : null, operation.Arity > 2 ? inputs[2] : null);

    /// <summary>Writes the operation's result over its first input.</summary>
    public static Tensor ApplyInPlace(PointwiseOperation operation, Tensor target, IReadOnlyList<Tensor> others)
    {
        var method = typeof(Pointwise).GetMethod(nameof(Pointwise.Overwrite), BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(operation.GetType());
        try
        {
            return (Tensor)method.Invoke(null, [target, operation.Arity > 1 ? others[0] : null, operation.Arity > 2 ? others[1] : null])!;
        }
        catch (TargetInvocationException e) when (e.InnerException is AutogradException inner)
        {
            throw inner;
        }
    }

    /// <summary>Numbers of the given magnitudes and all that is special, as the dtype holds them.</summary>
    public static double[] Special(DType dtype)
    {
        bool single = dtype == DType.Float32;
        double most = single ? float.MaxValue : double.MaxValue, least = single ? float.Epsilon : double.Epsilon;
        double normal = single ? 1.17549435e-38f : 2.2250738585072014e-308;
        double[] values =
        [
            double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 0.1, -0.7, 1e-3, 17.25, -100, 1000,
            1e10, most, -most, most / 2, normal, -normal, least, -least, normal / 3,
        ];
        return single ? Array.ConvertAll(values, v => (double)(float)v) : values;
    }

    private static TestCaseData Case(PointwiseOperation operation, params object[] arguments) =>
        new TestCaseData([operation, .. arguments]).SetArgDisplayNames([operation.Name, .. arguments.Select(a => a.ToString()!)]);

    private static double NotReal(double a, double b, double c) => throw new AssertionException("an operation on integers alone");

    /// <summary>The largest integer whose product with b is not beyond a, by way of the nearest one.</summary>
    private static double FloorOfQuotient(double a, double b, double unused)
    {
        if (b == 0)
        {
            return a / b;
        }

        if (double.IsInfinity(b) && double.IsFinite(a))
        {
            return a == 0 || a < 0 == b < 0 ? 0 : -1;
        }

        double rest = Math.IEEERemainder(a, b);
        double nearest = Math.Round((a - rest) / b);
        return rest != 0 && rest < 0 != b < 0 ? nearest - 1 : nearest;
    }

    private static long WholePower(long a, long b, long unused)
    {
        long result = 1;
        if (b < 0)
        {
            return a switch { 1 => 1, -1 => b % 2 == 0 ? 1 : -1, _ => 0 };
        }

        for (long i = 0; i < b; i++)
        {
            result *= a;
        }

        return result;
    }
}
