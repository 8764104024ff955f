using Autograd.Gpu.Nn;
using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Operations along rows of a [1024, 1024] matrix and normalisation of a batch of images, forward and backward.</summary>
[MemoryDiagnoser]
public class Rows
{
    private Tensor _matrix = null!;
    private Tensor _images = null!;
    private Tensor _gradient = null!;
    private Tensor _imageGradient = null!;
    private Tensor _weight = null!;
    private Tensor _channelWeight = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _matrix = Tensor.Randn([1024, 1024], device: device).Materialize().RequiresGrad_();
        _gradient = Tensor.Randn([1024, 1024], device: device).Materialize();
        _weight = Tensor.Randn([1024], device: device).Materialize().RequiresGrad_();
        _images = Tensor.Randn([32, 64, 28, 28], device: device).Materialize().RequiresGrad_();
        _imageGradient = Tensor.Randn([32, 64, 28, 28], device: device).Materialize();
        _channelWeight = Tensor.Randn([64], device: device).Materialize().RequiresGrad_();
    }

    [Benchmark(Description = "softmax")]
    public void Softmax() => Done(_matrix.Softmax(1), _gradient, _matrix);

    [Benchmark(Description = "log-softmax")]
    public void LogSoftmax() => Done(_matrix.LogSoftmax(1), _gradient, _matrix);

    [Benchmark(Description = "layer norm")]
    public void LayerNorm() => Done(Functional.LayerNorm(_matrix, [1024], _weight, _weight), _gradient, _matrix, _weight);

    [Benchmark(Description = "batch norm 32x64x28x28")]
    public void BatchNorm() =>
        Done(Functional.BatchNorm(_images, null, null, _channelWeight, _channelWeight, training: true), _imageGradient, _images, _channelWeight);

    private static void Done(Tensor result, Tensor gradient, params Tensor[] inputs)
    {
        foreach (var slope in Autodiff.Grad([result], inputs, [gradient]))
        {
            slope!.Materialize();
        }

        result.Materialize();
        result.Device.Synchronize();
    }
}
