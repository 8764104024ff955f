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
        var training = new Training(Networks.Named("mlp"), train.Rows, train.Columns, Device.Cpu, seed: 1);
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
    public void TheConvolutionalNetworkLearnsToTellTwoDrawingsApartInAFewSteps()
    {
        // Bars that stand and bars that lie, at any place.
        var random = new Random(1);
        var (images, labels) = (new byte[192 * 64], new byte[192]);
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = (byte)(i % 2);
            var at = random.Next(8);
            for (var p = 0; p < 8; p++) images[(64 * i) + (i % 2 == 0 ? (8 * at) + p : (8 * p) + at)] = 255;
        }

        var bars = new DigitSet(8, 8, images, labels);
        var states = new List<TrainingState>();
        var training = new Training(Networks.Named("cnn"), 8, 8, Device.Cpu, seed: 1);
        training.Fit(bars, epochs: 24, states.Add);
        Assert.That(states[^1].Loss, Is.LessThan(0.2 * states[0].Loss));
        Assert.That(training.Predict(bars), Is.EqualTo(labels));
    }

    [Test]
    public void OtherModelsAreRefused() =>
        Assert.That(() => Networks.Named("rnn"), Throws.ArgumentException.With.Message.Contains("'rnn'").And.Message.Contains("mlp or cnn"));

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
