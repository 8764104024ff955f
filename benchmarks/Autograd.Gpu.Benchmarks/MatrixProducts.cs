using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Square products of float32 matrices.</summary>
public class MatrixProducts
{
    private Tensor _a = null!;
    private Tensor _b = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    [Params(64, 256, 1024)]
    public long Size { get; set; }

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _a = Tensor.Randn([Size, Size], device: device).Materialize();
        _b = Tensor.Randn([Size, Size], device: device).Materialize();
    }

    [Benchmark]
    public void Product()
    {
        _a.MatMul(_b);
        _a.Device.Synchronize();
    }

    [Benchmark]
    public void ProductOfTransposed()
    {
        _a.T.MatMul(_b);
        _a.Device.Synchronize();
    }
}
