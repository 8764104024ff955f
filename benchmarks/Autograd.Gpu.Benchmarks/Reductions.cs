using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Reductions of a [1024, 1024] matrix and what is built from them.</summary>
public class Reductions
{
    private Tensor _matrix = null!;
    private Tensor _logits = null!;
    private Tensor _classes = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _matrix = Tensor.Randn([1024, 1024], device: device).Materialize();
        _logits = Tensor.Randn([128, 1000], device: device).Materialize().RequiresGrad_();
        _classes = Tensor.RandInt(0, 1000, [128], device: device).Materialize();
    }

    [Benchmark(Description = "sum, whole")]
    public void Whole() => Done(_matrix.Sum());

    [Benchmark(Description = "sum, by rows")]
    public void Rows() => Done(_matrix.Sum(1));

    [Benchmark(Description = "sum, by columns")]
    public void Columns() => Done(_matrix.Sum(0));

    [Benchmark(Description = "argmax, by rows")]
    public void ArgMax() => Done(_matrix.ArgMax(1));

    [Benchmark(Description = "cross entropy 128x1000, forward and backward")]
    public void CrossEntropy()
    {
        _logits.Grad = null;
        Nn.Functional.CrossEntropy(_logits, _classes).Backward();
        Done(_logits.Grad!);
    }

    private static void Done(Tensor tensor)
    {
        tensor.Materialize();
        tensor.Device.Synchronize();
    }
}
