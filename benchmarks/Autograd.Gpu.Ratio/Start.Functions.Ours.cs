using System.Diagnostics;
using Autograd.Gpu;

namespace AutogradRatio;

internal static partial class Start
{
    /// <summary>The functions with code of their own; each takes numbers between 0.3 and 0.7.</summary>
    private static readonly (string Name, Func<Tensor, Tensor> Function)[] Elementary =
    [
        ("tanh", x => x.Tanh()), ("sigmoid", x => x.Sigmoid()), ("exp", x => x.Exp()), ("expm1", x => x.Expm1()), ("exp2", x => x.Exp2()),
        ("log", x => x.Log()), ("log1p", x => x.Log1p()), ("log2", x => x.Log2()), ("log10", x => x.Log10()),
        ("sin", x => x.Sin()), ("cos", x => x.Cos()), ("tan", x => x.Tan()), ("asin", x => x.Asin()), ("acos", x => x.Acos()), ("atan", x => x.Atan()),
        ("sinh", x => x.Sinh()), ("cosh", x => x.Cosh()), ("asinh", x => x.Asinh()), ("acosh", x => (x + 1).Acosh()), ("atanh", x => x.Atanh()),
        ("gelu", x => x.Gelu()), ("silu", x => x.Silu()), ("softplus", x => x.Softplus()), ("erf", x => x.Erf()), ("erfc", x => x.Erfc()), ("erfinv", x => x.Erfinv()),
        ("pow", x => x.Pow(x + 1)), ("atan2", x => x.Atan2(x + 1)), ("logaddexp", x => x.LogAddExp(x + 1)), ("lgamma", x => x.Lgamma()), ("digamma", x => x.Digamma()),
    ];

    /// <summary>Operands of other kinds than 32x32 floats: a size that fills no whole vectors, and types that are computed in another.</summary>
    private static readonly (string Name, int Size, DType DType)[] Forms =
    [
        ("33x33", 33, DType.Float32), ("float64 33x33", 33, DType.Float64), ("float16", 32, DType.Float16), ("bfloat16 33x33", 33, DType.BFloat16),
    ];

    /// <summary>
    /// The milliseconds of the first kernel with the functions that <paramref name="names"/> lists, separated by plus signs, and behind a comma the operands' form.
    /// </summary>
    private static double OurFirstFunctions(string names)
    {
        var parts = names.Split(", ");
        var (_, size, dtype) = parts.Length == 1 ? ("", 32, DType.Float32) : Forms.First(form => form.Name == parts[1]);
        OurFirstGradient();
        var a = Tensor.Linspace(0.3, 0.7, size * size).Reshape(size, size).To(dtype);
        var b = Tensor.Linspace(0.5, 1.5, size * size).Reshape(size, size).To(dtype);
        var row = Tensor.Linspace(-1, 1, size).To(dtype);
        foreach (var operand in new[] { a, b, row })
            operand.Materialize();
        (a * b + row).Materialize();
        (a - b * row).Materialize();

        var functions = parts[0].Split('+').Select(name => Elementary.First(entry => entry.Name == name).Function).ToArray();
        var executor = Autograd.Gpu.Lazy.Executor.Of(Device.Cpu);
        int before = executor.KernelCount;
        long start = Stopwatch.GetTimestamp();
        var result = functions[0](a) * b;
        foreach (var function in functions.Skip(1))
            result += function(a);
        (result + row).Materialize();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return executor.KernelCount == before + 1 ? elapsed : throw new InvalidOperationException($"{names} made {executor.KernelCount - before} kernels.");
    }
}
