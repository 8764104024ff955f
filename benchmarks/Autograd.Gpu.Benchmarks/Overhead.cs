using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;
using BenchmarkDotNet.Attributes;

namespace Autograd.Gpu.Benchmarks;

/// <summary>Graphs so small that what is measured is recording, launching and the tape.</summary>
public class Overhead
{
    private readonly Tensor _recorded = Tensor.Randn([16], device: Device.Cpu, requiresGrad: true).Materialize();
    private readonly LSTMCell _cell = new(32, 32, device: Device.Cpu);
    private readonly Tensor _step = Tensor.Randn([8, 32], device: Device.Cpu).Materialize();
    private readonly Tensor _hidden = Tensor.Randn([8, 32], device: Device.Cpu).Materialize();
    private readonly Tensor _memory = Tensor.Randn([8, 32], device: Device.Cpu).Materialize();

    private readonly Tensor _x = Tensor.FromArray<float>([1, 1, 1, 1], [2, 2], Device.Cpu, requiresGrad: true);
    private readonly Tensor _small = Tensor.Randn([16], device: Device.Cpu).Materialize();
    private readonly Tensor _input = Tensor.Randn([4, 2], device: Device.Cpu).Materialize();
    private readonly Tensor _target = Tensor.Randn([4, 1], device: Device.Cpu).Materialize();
    private readonly Sequential _network = new(new Linear(2, 16, device: Device.Cpu), new Nn.Tanh(), new Linear(16, 1, device: Device.Cpu));
    private readonly Optimizer _optimizer;

    public Overhead() => _optimizer = new Sgd(_network.Parameters(), lr: 0.01);

    [Benchmark(Description = "tutorial graph 2x2, forward and backward")]
    public Tensor Tutorial()
    {
        _x.Grad = null;
        var y = _x + 2;
        var z = y * y * 3;
        z.Mean().Backward();
        return _x.Grad!.Materialize();
    }

    [Benchmark(Description = "tanh of 16")]
    public Tensor Tanh() => _small.Tanh().Materialize();

    [Benchmark(Description = "tanh of 16, recorded")]
    public Tensor RecordedTanh() => _recorded.Tanh().Materialize();

    [Benchmark(Description = "LSTM cell step, hidden 32, forward and backward")]
    public Tensor Cell()
    {
        _cell.ZeroGrad();
        var (hidden, memory) = _cell.Forward(_step, (_hidden, _memory));
        var loss = (hidden * memory).Sum();
        loss.Backward();
        return loss.Materialize();
    }

    [Benchmark(Description = "2-16-1 network, SGD step")]
    public void SmallNetwork()
    {
        _optimizer.ZeroGrad();
        Functional.MseLoss(_network.Call(_input), _target).Backward();
        _optimizer.Step();
    }
}
