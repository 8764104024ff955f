using System.Diagnostics;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>How the training stands: the mean of the last steps that were looked at.</summary>
internal readonly record struct TrainingState(int Epoch, int Step, int Steps, double Loss, double Accuracy, double StepsPerSecond);

/// <summary>A network that learns digits with Adam and cross entropy.</summary>
internal sealed class Training
{
    private const int BatchSize = 64;
    private const double LearningRate = 2e-3;

    /// <summary>Reading the loss waits for the device, so only each so many-th step is looked at.</summary>
    private const int StepsBetweenLooks = 10;

    private readonly Device _device;
    private readonly int _seed;
    private readonly Module _network;

    public Training(Func<int, int, Device, Module> network, int rows, int columns, Device device, int seed)
    {
        Tensor.ManualSeed((ulong)seed);
        _device = device;
        _seed = seed;
        _network = network(rows, columns, device);
    }

    /// <summary>Shows the network each digit once an epoch, in a new order, with a learning rate that falls to zero.</summary>
    public void Fit(DigitSet digits, int epochs, Action<TrainingState> report)
    {
        var optimizer = new Adam(_network.Parameters(), LearningRate);
        var random = new Random(_seed);
        var order = Enumerable.Range(0, digits.Count).ToArray();
        var stepsPerEpoch = (digits.Count + BatchSize - 1) / BatchSize;
        var steps = epochs * stepsPerEpoch;
        var step = 0;
        for (var epoch = 1; epoch <= epochs; epoch++)
        {
            random.Shuffle(order);
            var (looks, loss, accuracy) = (0, 0.0, 0.0);
            var start = Stopwatch.GetTimestamp();
            foreach (var batch in order.Chunk(BatchSize))
            {
                var target = Labels(digits, batch);
                var logits = _network.Call(Images(digits, batch));
                var batchLoss = Functional.CrossEntropy(logits, target);
                optimizer.ZeroGrad();
                batchLoss.Backward();
                optimizer.LearningRate = LearningRate * (1 - ((double)step / steps));
                optimizer.Step();

                step++;
                var inEpoch = step - ((epoch - 1) * stepsPerEpoch);
                if (inEpoch % StepsBetweenLooks != 0 && inEpoch != stepsPerEpoch) continue;
                looks++;
                loss += batchLoss.Item<float>();
                accuracy += logits.Detach().ArgMax(1).Eq(target).To(DType.Float32).Mean().Item<float>();
                var speed = inEpoch / Stopwatch.GetElapsedTime(start).TotalSeconds;
                report(new TrainingState(epoch, step, steps, loss / looks, accuracy / looks, speed));
            }
        }
    }

    /// <summary>The digit that the network reads in each image.</summary>
    public byte[] Predict(DigitSet digits)
    {
        using var mode = Autodiff.NoGrad();
        var predictions = Enumerable.Range(0, digits.Count)
            .Chunk(1000)
            .SelectMany(batch => _network.Call(Images(digits, batch)).ArgMax(1).ToArray<long>());
        return [.. predictions.Select(digit => (byte)digit)];
    }

    /// <summary>Ink from 0 to 1, one image a row.</summary>
    private Tensor Images(DigitSet digits, int[] indices)
    {
        var pixels = digits.Rows * digits.Columns;
        var values = new float[indices.Length * pixels];
        for (var i = 0; i < indices.Length; i++)
        {
            var row = values.AsSpan(i * pixels, pixels);
            var image = digits.Image(indices[i]);
            for (var p = 0; p < row.Length; p++) row[p] = image[p] / 255f;
        }

        return Tensor.FromArray(values, [indices.Length, pixels], _device);
    }

    private Tensor Labels(DigitSet digits, int[] indices) =>
        Tensor.FromArray(Array.ConvertAll(indices, index => (long)digits.Labels[index]), _device);
}
