using Autograd.Gpu.Nn;
using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>A forward and a backward pass through layers over a sequence.</summary>
[MemoryDiagnoser]
public class RecurrentLayers
{
    private LSTM _lstm = null!;
    private GRU _gru = null!;
    private Tensor _input = null!;

    [ParamsSource(nameof(Devices))]
    public string On { get; set; } = "cpu";

    [Params(16, 256)]
    public long Hidden { get; set; }

    public static IEnumerable<string> Devices => Pointwise.Devices;

    [GlobalSetup]
    public void Setup()
    {
        var device = Device.Parse(On);
        _lstm = new LSTM(Hidden, Hidden, 2, device: device);
        _gru = new GRU(Hidden, Hidden, 2, device: device);
        _input = Tensor.Randn([64, 16, Hidden], device: device).Materialize();
    }

    [Benchmark]
    public void LstmStep() => Step(_lstm);

    [Benchmark]
    public void GruStep() => Step(_gru);

    private void Step(RecurrentLayer layer)
    {
        layer.ZeroGrad();
        layer.Call(_input).Sum().Backward();
        foreach (var parameter in layer.Parameters())
        {
            parameter.Grad!.Materialize();
        }

        _input.Device.Synchronize();
    }
}
