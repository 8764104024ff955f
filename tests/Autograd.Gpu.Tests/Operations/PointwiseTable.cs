using System.Reflection;
using Autograd.Gpu.Operations;

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
}

/// <summary>The pointwise operations, found by reflection, and their oracles, by name.</summary>
internal static class PointwiseTable
{
    private static readonly Dictionary<string, Oracle> s_oracles = new()
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
        ["Relu"] = new((a, _, _) => a < 0 ? 0 : a, (a, _, _) => Math.Max(a, 0)) { OtherDomain = (-3, -0.1) },
        ["Abs"] = new((a, _, _) => Math.Abs(a), (a, _, _) => a < 0 ? -a : a) { OtherDomain = (-3, -0.1) },
        ["Sign"] = new((a, _, _) => double.IsNaN(a) ? a : Math.Sign(a), (a, _, _) => Math.Sign(a)) { OtherDomain = (-3, -0.1) },
        ["Maximum"] = new((a, b, _) => Math.Max(a, b), (a, b, _) => Math.Max(a, b)),
        ["Minimum"] = new((a, b, _) => Math.Min(a, b), (a, b, _) => Math.Min(a, b)),
        ["Clamp"] = new((a, low, high) => Math.Min(Math.Max(a, low), high), (a, low, high) => Math.Min(Math.Max(a, low), high)),
        ["Where"] = new((c, a, b) => c != 0 ? a : b, (c, a, b) => c != 0 ? a : b),
        ["Eq"] = new((a, b, _) => a == b ? 1 : 0, (a, b, _) => a == b ? 1 : 0),
        ["Ne"] = new((a, b, _) => a != b ? 1 : 0, (a, b, _) => a != b ? 1 : 0),
        ["Lt"] = new((a, b, _) => a < b ? 1 : 0, (a, b, _) => a < b ? 1 : 0),
        ["Le"] = new((a, b, _) => a <= b ? 1 : 0, (a, b, _) => a <= b ? 1 : 0),
        ["Gt"] = new((a, b, _) => a > b ? 1 : 0, (a, b, _) => a > b ? 1 : 0),
        ["Ge"] = new((a, b, _) => a >= b ? 1 : 0, (a, b, _) => a >= b ? 1 : 0),
    };

    public static IReadOnlyList<PointwiseOperation> Operations { get; } =
    [
        .. typeof(PointwiseOperation).Assembly.GetTypes()
            .Where(t => t.IsSubclassOf(typeof(PointwiseOperation)) && !t.IsAbstract)
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .Select(t => (PointwiseOperation)typeof(Op<>).MakeGenericType(t).GetField("Instance", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!),
    ];

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
        var method = typeof(Pointwise).GetMethod(nameof(Pointwise.ApplyInPlace))!.MakeGenericMethod(operation.GetType());
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
