using BenchmarkDotNet.Attributes;
using F = Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Convolutions of float32 images, their gradients, and pooling.</summary>
public class Convolutions
{
    private Tensor _images = null!;
    private Tensor _weight = null!;
    private Tensor _depthwise = null!;
    private Tensor _gradient = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _images = Tensor.Randn([16, 32, 28, 28], device: device).Materialize().RequiresGrad_();
        _weight = Tensor.Randn([64, 32, 3, 3], device: device).Materialize().RequiresGrad_();
        _depthwise = Tensor.Randn([32, 1, 3, 3], device: device).Materialize().RequiresGrad_();
        _gradient = Tensor.Randn([16, 64, 28, 28], device: device).Materialize();
    }

    [Benchmark(Description = "3x3, 16x32x28x28 to 64")]
    public void Forward() => Done(F.Conv2d(_images.Detach(), _weight.Detach(), padding: 1));

    [Benchmark(Description = "3x3, 16x32x28x28 to 64, forward and backward")]
    public void Backward()
    {
        (_images.Grad, _weight.Grad) = (null, null);
        F.Conv2d(_images, _weight, padding: 1).Backward(_gradient);
        Done(_images.Grad!);
        Done(_weight.Grad!);
    }

    [Benchmark(Description = "3x3 depthwise, 16x32x28x28, forward and backward")]
    public void Depthwise()
    {
        (_images.Grad, _depthwise.Grad) = (null, null);
        F.Conv2d(_images, _depthwise, padding: 1, groups: 32).Sum().Backward();
        Done(_images.Grad!);
        Done(_depthwise.Grad!);
    }

    [Benchmark(Description = "max pool 2x2, 16x32x28x28, forward and backward")]
    public void MaxPool()
    {
        _images.Grad = null;
        F.MaxPool2d(_images, 2).Sum().Backward();
        Done(_images.Grad!);
    }

    [Benchmark(Description = "average pool 2x2, 16x32x28x28, forward and backward")]
    public void AveragePool()
    {
        _images.Grad = null;
        F.AvgPool2d(_images, 2).Sum().Backward();
        Done(_images.Grad!);
    }

    private static void Done(Tensor tensor)
    {
        tensor.Materialize();
        tensor.Device.Synchronize();
    }
}
