using Autograd.Gpu.Samples.Digits;

namespace Autograd.Gpu.Tests.Samples;

public sealed class DigitsTrainingTests
{
    private static Mnist Load()
    {
        var folder = Environment.GetEnvironmentVariable("AUTOGRAD_MNIST");
        if (string.IsNullOrEmpty(folder)) Assert.Ignore("AUTOGRAD_MNIST names no folder with MNIST in it.");
        return Mnist.Read(folder);
    }

    private static DigitSet First(DigitSet digits, int count) =>
        new(digits.Rows, digits.Columns, digits.Images[..(count * digits.Rows * digits.Columns)], digits.Labels[..count]);

    [Test]
    public void ANetworkLearnsASmallPartOfTheRealDigits()
    {
        var mnist = Load();
        var (train, test) = (First(mnist.Train, 1500), First(mnist.Test, 500));
        var states = new List<TrainingState>();
        var training = new Training(train.Rows * train.Columns, Device.Cpu, seed: 1);
        training.Fit(train, epochs: 5, states.Add);

        var predictions = training.Predict(test);
        var accuracy = predictions.Zip(test.Labels).Count(pair => pair.First == pair.Second) / (double)test.Count;
        TestContext.Out.WriteLine($"{states[^1].Steps} steps, {states[^1].StepsPerSecond:F0} a second, test accuracy {100 * accuracy:F1} %");
        Assert.That(accuracy, Is.GreaterThan(0.85));
        Assert.That(states[^1].Loss, Is.LessThan(0.5 * states[0].Loss));
        Assert.That(states.Select(state => state.Step), Is.Ordered);
        Assert.That((states[^1].Epoch, states[^1].Step), Is.EqualTo((5, states[^1].Steps)));
    }

    [Test]
    public void TheProgramTrainsAndEndsWithTheAccuracy()
    {
        var mnist = Load();
        var result = SampleProcess.Run(
            "Digits", "--data", Environment.GetEnvironmentVariable("AUTOGRAD_MNIST")!, "--device", "cpu", "--epochs", "1", "--seed", "3");
        Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")));
        var lines = result.Output.TrimEnd('\n').Split('\n');
        Assert.That(lines[0], Does.StartWith($"{mnist.Train.Count} digits to learn, {mnist.Test.Count} to test with, 28 x 28 pixels, on cpu ("));
        Assert.That(lines[1], Does.Match(@"^epoch 1: loss \d\.\d{4}, accuracy \d\d\.\d %, \d+ steps/s$"));
        Assert.That(result.Output, Does.Contain("true digit (rows) read as (columns)"));
        Assert.That(result.Output, Does.Match(@"a \d read as \d"));
        Assert.That(lines[^1], Does.Match(@"^test accuracy (8[5-9]|9\d)\.\d %$"));
    }
}
