using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Copies, look-ups, random numbers, scans and sorts of a million elements.</summary>
[MemoryDiagnoser]
public class DataMovement
{
    private Tensor _matrix = null!;
    private Tensor _places = null!;
    private Tensor _mask = null!;
    private Tensor _table = null!;
    private Tensor _ids = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _matrix = Tensor.Randn([1024, 1024], device: device).Materialize();
        _places = Tensor.RandInt(0, 1024, [1024, 1024], device: device).Materialize();
        _mask = (_matrix > 0).Materialize();
        _table = Tensor.Randn([50_000, 256], device: device).Materialize().RequiresGrad_();
        _ids = Tensor.RandInt(0, 50_000, [2048], device: device).Materialize();
    }

    [Benchmark(Description = "transpose copy")]
    public void Transpose() => Done(_matrix.Transpose(0, 1).Contiguous());

    [Benchmark(Description = "cat along the last dimension")]
    public void Cat() => Done(Tensor.Cat([_matrix, _matrix], 1));

    [Benchmark(Description = "gather along the last dimension")]
    public void Gather() => Done(_matrix.Gather(1, _places));

    [Benchmark(Description = "scatter_add along the last dimension")]
    public void ScatterAdd() => Done(Tensor.Zeros([1024, 1024], device: _matrix.Device).ScatterAdd(1, _places, _matrix));

    [Benchmark(Description = "masked_select of half")]
    public void MaskedSelect() => Done(_matrix.MaskedSelect(_mask));

    [Benchmark(Description = "embedding 50000x256, 2048 ids, forward and backward")]
    public void Embedding()
    {
        _table.Grad = null;
        Nn.Functional.Embedding(_ids, _table).Sum().Backward();
        Done(_table.Grad!);
    }

    [Benchmark(Description = "randn")]
    public void Randn() => Done(Tensor.Randn([1024, 1024], device: _matrix.Device));

    [Benchmark(Description = "dropout")]
    public void Dropout() => Done(Nn.Functional.Dropout(_matrix, 0.1));

    [Benchmark(Description = "cumsum, whole")]
    public void CumSum() => Done(_matrix.Flatten().CumSum(0));

    [Benchmark(Description = "sort, whole")]
    public void Sort() => Done(_matrix.Flatten().Sort().Values);

    [Benchmark(Description = "sort, by rows")]
    public void SortRows() => Done(_matrix.Sort().Values);

    [Benchmark(Description = "topk 10, by rows")]
    public void TopK() => Done(_matrix.TopK(10).Values);

    private static void Done(Tensor tensor)
    {
        tensor.Materialize();
        tensor.Device.Synchronize();
        tensor.Dispose();
    }
}
