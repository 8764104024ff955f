using Autograd.Gpu.Nn;
using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Products that are not square float32 matrices.</summary>
[MemoryDiagnoser]
public class ProductForms
{
    private Tensor _matrix = null!;
    private Tensor _vector = null!;
    private Tensor _stack = null!;
    private Tensor _doubles = null!;
    private Linear _layer = null!;
    private Tensor _rows = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _matrix = Tensor.Randn([4096, 4096], device: device).Materialize();
        _vector = Tensor.Randn([4096], device: device).Materialize();
        _stack = Tensor.Randn([64, 64, 64], device: device).Materialize();
        _doubles = Tensor.Randn([256, 256], dtype: DType.Float64, device: device).Materialize();
        _layer = new Linear(784, 512, device: device);
        _rows = Tensor.Randn([128, 784], device: device).Materialize();
    }

    [Benchmark]
    public void VectorTimesMatrix() => Done(_vector.MatMul(_matrix));

    [Benchmark]
    public void MatrixTimesVector() => Done(_matrix.MatMul(_vector));

    [Benchmark]
    public void Stack() => Done(_stack.MatMul(_stack));

    [Benchmark]
    public void Doubles() => Done(_doubles.MatMul(_doubles));

    [Benchmark]
    public void LinearAndRelu()
    {
        using var mode = Autodiff.NoGrad();
        Done(_layer.Call(_rows).Relu());
    }

    private static void Done(Tensor result)
    {
        result.Materialize();
        result.Device.Synchronize();
    }
}
