using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests;

/// <summary>Learning rates, step by step.</summary>
internal sealed class ScheduleTests
{
    private static Sgd Optimizer(double lr = 1) => new([Tensor.Ones([1]).RequiresGrad_()], lr);

    private static double[] Rates(LRScheduler schedule, int count)
    {
        var rates = new double[count];
        for (int i = 0; i < count; i++)
        {
            rates[i] = schedule.Optimizer.LearningRate;
            if (i < count - 1)
            {
                schedule.Step();
            }
        }

        return rates;
    }

    private static void Check(LRScheduler schedule, params double[] expected) =>
        Assert.That(Rates(schedule, expected.Length), Is.EqualTo(expected).Within(1e-12), schedule.GetType().Name);

    [Test]
    public void StepsGoDown()
    {
        Check(new StepLR(Optimizer(), 2, 0.5), 1, 1, 0.5, 0.5, 0.25);
        Check(new MultiStepLR(Optimizer(2), [1, 3], 0.1), 2, 0.2, 0.2, 0.02);
        Check(new ExponentialLR(Optimizer(), 0.5), 1, 0.5, 0.25);
        Check(new ConstantLR(Optimizer(3), 1.0 / 3, 2), 1, 1, 3, 3);
        Check(new PolynomialLR(Optimizer(), 4, 2), 1, 9.0 / 16, 0.25, 1.0 / 16, 0, 0);
    }

    [Test]
    public void CosinesStartAgain()
    {
        Check(new CosineAnnealingWarmRestarts(Optimizer(), 2), 1, 0.5, 1, 0.5, 1);
        double eighth = (1 + Math.Cos(Math.PI / 4)) / 2;
        Check(new CosineAnnealingWarmRestarts(Optimizer(), 2, tMult: 2), 1, 0.5, 1, eighth, 0.5, 1 - eighth, 1);
    }

    [Test]
    public void OneCycleGoesUpAndDown()
    {
        var schedule = new OneCycleLR(Optimizer(), 1, 10, pctStart: 0.3, divFactor: 10, finalDivFactor: 100);
        var rates = Rates(schedule, 10);
        Assert.That(rates[0], Is.EqualTo(0.1).Within(1e-12));
        Assert.That(rates[1], Is.EqualTo(0.55).Within(1e-12), "half the way up");
        Assert.That(rates[2], Is.EqualTo(1).Within(1e-12));
        Assert.That(rates[9], Is.EqualTo(0.001).Within(1e-12));
        Assert.That(rates[2..], Is.Ordered.Descending);
        Assert.That(() => schedule.Step(), Throws.InvalidOperationException.With.Message.Contains("Tried to step 11 times. The specified number of total steps is 10"));
    }

    [Test]
    public void SchedulesFollowOneAnother()
    {
        var optimizer = Optimizer(1);
        var warmup = new ConstantLR(optimizer, 0.1, 100);
        var decay = new ExponentialLR(optimizer, 0.5);
        Check(new SequentialLR(optimizer, [warmup, decay], [2]), 0.1, 0.1, 1, 0.5, 0.25);
    }

    [Test]
    public void APlateauLowersTheRate()
    {
        var optimizer = Optimizer(1);
        var schedule = new ReduceLROnPlateau(optimizer, factor: 0.5, patience: 1, cooldown: 1, minLr: 0.3);
        var rates = new List<double>();
        foreach (double metric in new[] { 1, 0.9, 0.9, 0.95, 2, 0.9, 0.9, 0.9, 0.8 })
        {
            schedule.Step(metric);
            rates.Add(optimizer.LearningRate);
        }

        // The third bad step is the first beyond the patience; the step after it cools down; then two bad ones more reach the lowest rate.
        Assert.That(rates, Is.EqualTo(new[] { 1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3 }).Within(1e-12));
        Assert.That(schedule.Best, Is.EqualTo(0.8));

        var rising = new ReduceLROnPlateau(optimizer, maximize: true, factor: 0.1, patience: 0, relativeThreshold: false, threshold: 0.1);
        rising.Step(1);
        rising.Step(1.05);
        Assert.That(optimizer.LearningRate, Is.EqualTo(0.03).Within(1e-12), "better by less than the threshold");
    }

    [Test]
    public void WrongNumbersAreRefused()
    {
        var optimizer = Optimizer();
        Assert.Throws<ArgumentException>(() => new StepLR(optimizer, 0));
        Assert.Throws<ArgumentException>(() => new MultiStepLR(optimizer, [-1]));
        Assert.Throws<ArgumentException>(() => new ConstantLR(optimizer, 2));
        Assert.Throws<ArgumentException>(() => new PolynomialLR(optimizer, 0));
        Assert.Throws<ArgumentException>(() => new CosineAnnealingWarmRestarts(optimizer, 0));
        Assert.Throws<ArgumentException>(() => new OneCycleLR(optimizer, 1, 0));
        Assert.Throws<ArgumentException>(() => new ReduceLROnPlateau(optimizer, factor: 1));
        Assert.Throws<ArgumentException>(() => new SequentialLR(optimizer, [], []));
        Assert.Throws<ArgumentException>(() => new SequentialLR(optimizer, [new StepLR(Optimizer(), 1)], []));
        Assert.Throws<ArgumentException>(() => new SequentialLR(optimizer, [new StepLR(optimizer, 1)], [1]));
    }
}
