using System.Diagnostics;
using System.Globalization;
using Autograd.Gpu;

namespace AutogradRatio;

internal static partial class Start
{
    private static readonly (string Name, Func<Tensor, Tensor> Function)[] Functions =
    [
        ("tanh", x => x.Tanh()), ("sigmoid", x => x.Sigmoid()), ("exp", x => (x * 0.5).Exp()), ("sin", x => x.Sin()),
        ("relu", x => x.Relu()), ("abs", x => x.Abs()), ("log", x => (x * x + 1).Log()), ("sqrt", x => (x * x + 2).Sqrt()),
        ("square", x => x * x), ("where", x => Tensor.Where(x > 0, x, x * 0.1)),
    ];

    private static double OurFirstGradient()
    {
        var x = Tensor.Ones([2, 2]).RequiresGrad_();
        var y = x + 2;
        var z = y * y * 3;
        z.Mean().Backward();
        return x.Grad!.ToArray<float>()[0];
    }

    /// <summary>Prints the first use of each of some kernels of different structure: kind, name and milliseconds a kernel.</summary>
    private static double OurFirstUses()
    {
        OurFirstGradient();
        var a = Tensor.Linspace(-2, 2, 1024).Reshape(32, 32);
        var b = Tensor.Linspace(0.5, 1.5, 1024).Reshape(32, 32);
        var row = Tensor.Linspace(-1, 1, 32);

        // One of each kind has been used before: what a kind needs beside its kernel is not a kernel's cost.
        Forward(Functions[^1], Functions[^1], a, b, row, -1);
        for (var i = 0; i < Functions.Length; i++)
        {
            var (f, g) = (Functions[i], Functions[(i * 3 + 1) % Functions.Length]);
            Report("pointwise chain", $"{f.Name} {g.Name}", () => g.Function(f.Function(a) * b + row).Materialize());
        }

        a.Sum().Materialize();
        a.Sum([1]).Materialize();
        a.Sum([0]).Materialize();
        for (var i = 0; i < Functions.Length; i++)
        {
            var (f, g) = (Functions[i], Functions[(i * 7 + 2) % Functions.Length]);
            Report("with a reduction", $"{f.Name} {g.Name}", () => Reduced(g.Function(f.Function(b) - row), i).Materialize());
        }

        Forward(Functions[0], Functions[1], a, b, row, 0);
        for (var i = 0; i < Functions.Length; i++)
        {
            var (f, g) = (Functions[i], Functions[(i * 9 + 3) % Functions.Length]);
            Report("forward and backward", $"{f.Name} {g.Name}", () => Forward(f, g, a, b, row, i));
        }

        return 0;
    }

    private static void Forward((string, Func<Tensor, Tensor> Function) f, (string, Func<Tensor, Tensor> Function) g, Tensor a, Tensor b, Tensor row, int kind)
    {
        var x = a.Detach().RequiresGrad_();
        Reduced(g.Function(f.Function(x) + b) * row, kind).Sum().Backward();
        x.Grad!.Materialize();
    }

    private static Tensor Reduced(Tensor x, int kind) => (kind % 3) switch
    {
        0 => x.Sum(),
        1 => x.Sum([1]),
        _ => x.Sum([0]),
    };

    private static void Report(string kind, string name, Action action)
    {
        var executor = Autograd.Gpu.Lazy.Executor.Of(Device.Cpu);
        int before = executor.KernelCount;
        long start = Stopwatch.GetTimestamp();
        action();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        int kernels = executor.KernelCount - before;
        if (kernels == 0)
            throw new InvalidOperationException($"{kind} {name} made no kernel.");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind}\t{name} ({kernels} kernels)\t{elapsed / kernels}"));
    }
}
