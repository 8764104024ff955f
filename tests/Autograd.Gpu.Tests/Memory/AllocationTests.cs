using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;
using static Autograd.Gpu.Tests.Memory.Allocations;

namespace Autograd.Gpu.Tests.Memory;

/// <summary>What training steps leave to the garbage collector once kernels, plans and optimiser states are there: at most 2 KB an operation, and no large object.</summary>
[NonParallelizable]
public sealed class AllocationTests
{
    // Adam writes down 13 operations for each parameter, which wait and run as one kernel; they take some 250 bytes each.
    private const long AdamBytes = 13 * 256;

    [Test]
    public void AStepOfASmallNetwork()
    {
        var network = new Sequential(new Linear(2, 16, device: Device.Cpu), new Tanh(), new Linear(16, 1, device: Device.Cpu));
        var (x, y) = (Tensor.Randn([4, 2], device: Device.Cpu), Tensor.Randn([4, 1], device: Device.Cpu));
        var optimizer = new Sgd(network.Parameters(), lr: 0.01);
        CheckStep(() => Train(optimizer, Functional.MseLoss(network.Call(x), y)), () => Functional.MseLoss(network.Call(x), y));
    }

    [Test]
    public void AStepOfAClassifier()
    {
        var network = new Sequential(
            new Linear(24, 32, device: Device.Cpu), new ReLU(), new Linear(32, 32, device: Device.Cpu), new ReLU(), new Linear(32, 10, device: Device.Cpu));
        var (x, labels) = (Tensor.Randn([8, 24], device: Device.Cpu), Tensor.Arange(8, device: Device.Cpu));
        var optimizer = new Adam(network.Parameters(), lr: 0.001);
        CheckStep(
            () => Train(optimizer, Functional.CrossEntropy(network.Call(x), labels)),
            () => Functional.CrossEntropy(network.Call(x), labels),
            AdamBytes * optimizer.Parameters.Count);
    }

    /// <summary>Convolutions, with every kind of weight gradient, and max pooling.</summary>
    [Test]
    public void AStepOfAConvolutionalNetwork([Values] bool adam)
    {
        var network = new Sequential(
            new Conv2d(1, 8, 3, device: Device.Cpu), new ReLU(), new Conv2d(8, 64, 3, device: Device.Cpu), new ReLU(), new MaxPool2d(2), new Flatten(),
            new Linear(64 * 16, 10, device: Device.Cpu));
        var (x, labels) = (Tensor.Randn([4, 1, 12, 12], device: Device.Cpu), Tensor.Arange(4, device: Device.Cpu));
        Optimizer optimizer = adam ? new Adam(network.Parameters(), lr: 0.001) : new Sgd(network.Parameters(), lr: 0.01);
        CheckStep(
            () => Train(optimizer, Functional.CrossEntropy(network.Call(x), labels)),
            () => Functional.CrossEntropy(network.Call(x), labels),
            adam ? AdamBytes * optimizer.Parameters.Count : 0);
    }

    [Test]
    public void AStepWithBatchNormAndPoolings()
    {
        var network = new Sequential(
            new Conv2d(2, 8, 3, device: Device.Cpu), new BatchNorm2d(8, device: Device.Cpu), new ReLU(), new MaxPool2d(2), new Conv2d(8, 16, 3, device: Device.Cpu),
            new BatchNorm2d(16, device: Device.Cpu), new ReLU(), new AvgPool2d(2, stride: 1), new AdaptiveAvgPool2d(1), new Flatten(), new Linear(16, 10, device: Device.Cpu));
        var (x, labels) = (Tensor.Randn([4, 2, 12, 12], device: Device.Cpu), Tensor.Arange(4, device: Device.Cpu));
        var optimizer = new Sgd(network.Parameters(), lr: 0.01);
        CheckStep(() => Train(optimizer, Functional.CrossEntropy(network.Call(x), labels)), () => Functional.CrossEntropy(network.Call(x), labels));
    }

    [Test]
    public void AStepOfATransformer()
    {
        const int width = 32, heads = 4, words = 20;
        var embedding = new Embedding(words, width, device: Device.Cpu);
        var (norm, secondNorm) = (new LayerNorm([width], device: Device.Cpu), new LayerNorm([width], device: Device.Cpu));
        var (cut, mix) = (new Linear(width, 3 * width, device: Device.Cpu), new Linear(width, width, device: Device.Cpu));
        var (widen, narrow) = (new Linear(width, 4 * width, device: Device.Cpu), new Linear(4 * width, width, device: Device.Cpu));
        var head = new Linear(width, words, device: Device.Cpu);
        ModuleBase[] layers = [embedding, norm, secondNorm, cut, mix, widen, narrow, head];
        var optimizer = new Sgd([.. layers.SelectMany(l => l.Parameters())], lr: 0.01);
        var ids = Tensor.Arange(16, device: Device.Cpu).Reshape(2, 8);
        CheckStep(() => Train(optimizer, Loss()), Loss);

        Tensor Loss()
        {
            var x = embedding.Call(ids);
            var parts = cut.Call(norm.Call(x)).Chunk(3, -1);
            var attended = Functional.ScaledDotProductAttention(Heads(parts[0]), Heads(parts[1]), Heads(parts[2]), isCausal: true);
            x = x + mix.Call(attended.Transpose(1, 2).Flatten(2));
            x = x + narrow.Call(widen.Call(secondNorm.Call(x)).Gelu());
            return Functional.CrossEntropy(head.Call(x).Flatten(0, 1), ids.Flatten());
        }

        static Tensor Heads(Tensor part) => part.Unflatten(-1, heads, width / heads).Transpose(1, 2);
    }

    /// <summary>Twice as many steps of time allocate no more.</summary>
    [Test]
    public void AStepOfAnLstm([Values(16, 32)] int time)
    {
        var lstm = new LSTM(16, 16, 2, device: Device.Cpu);
        var x = Tensor.Randn([time, 4, 16], device: Device.Cpu);
        var optimizer = new Sgd(lstm.Parameters(), lr: 0.01);

        // The update of a parameter is an operation too.
        CheckStep(() => Train(optimizer, Loss()), Loss, BytesPerOperation / 4 * optimizer.Parameters.Count);

        Tensor Loss()
        {
            var y = lstm.Call(x);
            return (y * y).Sum();
        }
    }

    [Test]
    public void AStepOfAnLstmCell()
    {
        var cell = new LSTMCell(32, 32, device: Device.Cpu);
        var (x, h, c) = (Tensor.Randn([8, 32], device: Device.Cpu), Tensor.Randn([8, 32], device: Device.Cpu), Tensor.Randn([8, 32], device: Device.Cpu));
        var optimizer = new Sgd(cell.Parameters(), lr: 0.01);
        CheckStep(() => Train(optimizer, Loss()), Loss, BytesPerOperation / 4 * optimizer.Parameters.Count);

        Tensor Loss()
        {
            var (hidden, memory) = cell.Forward(x, (h, c));
            return (hidden * memory).Sum();
        }
    }

    private static void Train(Optimizer optimizer, Tensor loss)
    {
        optimizer.ZeroGrad();
        loss.Backward();
        optimizer.Step();
        loss.Materialize();
        foreach (var parameter in optimizer.Parameters)
        {
            parameter.Materialize();
        }
    }
}
