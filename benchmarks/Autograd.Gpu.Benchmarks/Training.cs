using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;
using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>A whole training step.</summary>
public class Training
{
    private Sequential _network = null!;
    private Optimizer _optimizer = null!;
    private Tensor _input = null!;
    private Tensor _classes = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _network = new Sequential(
            new Linear(784, 512, device: device), new ReLU(), new Linear(512, 512, device: device), new ReLU(), new Linear(512, 10, device: device));
        _optimizer = new Adam(_network.Parameters());
        _input = Tensor.Randn([128, 784], device: device).Materialize();
        _classes = Tensor.RandInt(0, 10, [128], device: device).Materialize();
    }

    [Benchmark(Description = "784-512-512-10 network, batch 128, Adam step")]
    public void AdamStep()
    {
        _optimizer.ZeroGrad();
        Functional.CrossEntropy(_network.Call(_input), _classes).Backward();
        _optimizer.Step();
        foreach (var parameter in _optimizer.Parameters)
        {
            parameter.Materialize();
        }

        _input.Device.Synchronize();
    }
}
