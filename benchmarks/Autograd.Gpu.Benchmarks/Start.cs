using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;

namespace Autograd.Gpu.Benchmarks;

/// <summary>
/// What a process pays once. Each sample is the first call in a process of its own, whatever job the command line asks for. The whole time from a process's start to its first gradient, with
/// the runtime's own start, is what the ratio runner's <c>--start</c> gives.
/// </summary>
[Config(typeof(FirstCalls))]
public class Start
{
    private Tensor _a = null!;
    private Tensor _b = null!;
    private Tensor _row = null!;

    /// <summary>What the library needs beside the kernels that are measured has been used before.</summary>
    [GlobalSetup(Targets = [nameof(Chain), nameof(Reduction), nameof(Pass)])]
    public void UseLibrary()
    {
        FirstGradient();
        _a = Tensor.Linspace(-2, 2, 1024, device: Device.Cpu).Reshape(32, 32).Materialize();
        _b = Tensor.Linspace(0.5, 1.5, 1024, device: Device.Cpu).Reshape(32, 32).Materialize();
        _row = Tensor.Linspace(-1, 1, 32, device: Device.Cpu).Materialize();
        ((_a * _a + _b) / _row).Materialize();
        (_a - _row).Sum([1]).Materialize();
        Backward(_a.Detach().RequiresGrad_() * _b);
    }

    [Benchmark(Description = "first gradient of a process")]
    public float FirstGradient()
    {
        var x = Tensor.Ones([2, 2], device: Device.Cpu).RequiresGrad_();
        var y = x + 2;
        var z = y * y * 3;
        z.Mean().Backward();
        return x.Grad!.ToArray<float>()[0];
    }

    [Benchmark(Description = "first use of a fused kernel: a chain")]
    public Tensor Chain() => ((_a * _a + 1).Log() * _b + _row).Sqrt().Materialize();

    [Benchmark(Description = "first use of a fused kernel: with a reduction")]
    public Tensor Reduction() => ((_b * _b + 2).Sqrt() - _row).Abs().Sum([1]).Materialize();

    [Benchmark(Description = "first use of fused kernels: forward and backward")]
    public Tensor Pass()
    {
        var x = _a.Detach().RequiresGrad_();
        Backward((x.Sin() + _b) * _row);
        return x.Grad!.Materialize();
    }

    private static void Backward(Tensor x) => x.Sum().Backward();

    /// <summary>One call in each of some processes. There is no memory diagnoser: what it counts is a second call.</summary>
    private sealed class FirstCalls : ManualConfig
    {
        private const int Processes = 7;

        public FirstCalls()
        {
            Add(DefaultConfig.Instance);
            AddJob(Job.Default.WithId("First").WithStrategy(RunStrategy.ColdStart).WithLaunchCount(Processes).WithWarmupCount(0).WithIterationCount(1).WithInvocationCount(1).WithUnrollFactor(1));
            WithUnionRule(ConfigUnionRule.AlwaysUseLocal);
        }
    }
}
