using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Chains and single operations over many elements, on each device that is here.</summary>
public class Pointwise
{
    private const long Elements = 1 << 20;
    private Tensor _x = null!;
    private Tensor _b = null!;
    private Tensor _c = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Device.IsCudaAvailable ? ["cpu", "cuda"] : ["cpu"];

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _x = Tensor.Randn([Elements], device: device).Materialize().RequiresGrad_();
        _b = Tensor.Randn([Elements], device: device).Materialize();
        _c = Tensor.Randn([Elements], device: device).Materialize();
    }

    [Benchmark(Description = "mean(tanh(x*b+c)*exp(x)) of 1M, forward and backward")]
    public void Chain() => Backward(((_x * _b + _c).Tanh() * _x.Exp()).Mean());

    [Benchmark(Description = "mean squared error of 1M, forward and backward")]
    public void MeanSquaredError() => Backward(Nn.Functional.MseLoss(_x, _b));

    [Benchmark(Description = "add of 1M")]
    public void Add() => Done(_b + _c);

    [Benchmark(Description = "randn of 1M")]
    public void Randn() => Done(Tensor.Randn([Elements], device: _x.Device));

    private void Backward(Tensor loss)
    {
        _x.Grad = null;
        loss.Backward();
        Done(_x.Grad!);
    }

    private static void Done(Tensor tensor)
    {
        tensor.Materialize();
        tensor.Device.Synchronize();
    }
}
