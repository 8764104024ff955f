using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests;

/// <summary>AdamW against the definition in double; schedules and clipping against their formulas.</summary>
internal sealed class AdamWTests
{
    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void ThreeStepsAgreeWithTheDefinition(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        const double Rate = 0.1, B1 = 0.8, B2 = 0.9, Eps = 1e-3, Decay = 0.3;
        double[] p = [1, -2, 0.5], m = new double[3], v = new double[3];
        var parameter = Tensor.FromArray(p, device, requiresGrad: true);
        var optimizer = new AdamW([parameter], Rate, B1, B2, Eps, Decay);
        for (int t = 1; t <= 3; t++)
        {
            optimizer.ZeroGrad();
            (parameter * parameter * parameter).Sum().Backward();
            optimizer.Step();
            for (int i = 0; i < p.Length; i++)
            {
                double g = 3 * p[i] * p[i];
                p[i] -= Rate * Decay * p[i];
                m[i] = B1 * m[i] + (1 - B1) * g;
                v[i] = B2 * v[i] + (1 - B2) * g * g;
                p[i] -= Rate * (m[i] / (1 - Math.Pow(B1, t))) / (Math.Sqrt(v[i] / (1 - Math.Pow(B2, t))) + Eps);
            }

            Assert.That(parameter.Doubles(), Is.EqualTo(p).Within(1e-12), $"step {t}");
        }
    }

    [Test]
    public void OneStepIsOneKernel()
    {
        using var mode = Laziness.Set(true);
        var parameter = Tensor.Ones([1000]).RequiresGrad_();
        var optimizer = new AdamW([parameter]);
        parameter.Grad = Tensor.Ones([1000]).Materialize();
        optimizer.Step();
        parameter.Materialize();
        using var log = new KernelLog();
        optimizer.Step();
        parameter.Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
    }

    [Test]
    public void WithoutDecayItIsAdam()
    {
        var (a, b) = (Tensor.Ones([3]).RequiresGrad_(), Tensor.Ones([3]).RequiresGrad_());
        (a.Grad, b.Grad) = (Tensor.Arange(3, DType.Float32), Tensor.Arange(3, DType.Float32));
        new AdamW([a], weightDecay: 0).Step();
        new Adam([b]).Step();
        Assert.That(a.Doubles(), Is.EqualTo(b.Doubles()));
    }

    [TestCase(-1, 0.9, 0.9, 1e-8, 0, "learning rate")]
    [TestCase(1, 1, 0.9, 1e-8, 0, "beta1 (1)")]
    [TestCase(1, 0.9, -0.1, 1e-8, 0, "beta2 (-0.1)")]
    [TestCase(1, 0.9, 0.9, -1, 0, "eps (-1)")]
    [TestCase(1, 0.9, 0.9, 1e-8, -2, "weightDecay (-2)")]
    public void OddValuesAreRefused(double lr, double beta1, double beta2, double eps, double decay, string says) =>
        Assert.That(() => new AdamW([Tensor.Ones([1])], lr, beta1, beta2, eps, decay), Throws.ArgumentException.With.Message.Contains(says));
}

internal sealed class LRSchedulerTests
{
    private static double[] Rates(Func<Optimizer, LRScheduler> schedule, int steps)
    {
        var optimizer = new Sgd([Tensor.Ones([1])], lr: 2);
        var scheduler = schedule(optimizer);
        var rates = new List<double> { optimizer.LearningRate };
        for (int i = 0; i < steps; i++)
        {
            scheduler.Step();
            rates.Add(optimizer.LearningRate);
        }

        return [.. rates];
    }

    [Test]
    public void LambdaMultipliesTheBase() => Assert.That(Rates(o => new LambdaLR(o, t => 1.0 / (1 + t)), 3), Is.EqualTo(new[] { 2, 1, 2 / 3.0, 0.5 }).Within(1e-15));

    [Test]
    public void LinearGoesToItsEndAndStays() =>
        Assert.That(Rates(o => new LinearLR(o, 0.5, 1, 4), 6), Is.EqualTo(new[] { 1, 1.25, 1.5, 1.75, 2, 2, 2 }).Within(1e-15));

    [Test]
    public void CosineFallsAndRisesAgain() =>
        Assert.That(Rates(o => new CosineAnnealingLR(o, 4, 1), 6), Is.EqualTo(new[] { 2, 1 + (1 + Math.Sqrt(0.5)) / 2, 1.5, 1 + (1 - Math.Sqrt(0.5)) / 2, 1, 1 + (1 - Math.Sqrt(0.5)) / 2, 1.5 }).Within(1e-15));

    [Test]
    public void CosineWarmsUp() => Assert.That(Rates(o => new CosineAnnealingLR(o, 2, 0, 2), 4), Is.EqualTo(new[] { 1, 2, 2, 1, 0 }).Within(1e-15));

    [Test]
    public void OddValuesAreRefused()
    {
        var optimizer = new Sgd([Tensor.Ones([1])], lr: 2);
        Assert.That(() => new LinearLR(optimizer, 0), Throws.ArgumentException.With.Message.Contains("greater than 0"));
        Assert.That(() => new LinearLR(optimizer, 1, 2), Throws.ArgumentException.With.Message.Contains("between 0 and 1"));
        Assert.That(() => new CosineAnnealingLR(optimizer, 0), Throws.ArgumentException.With.Message.Contains("tMax"));
        Assert.That(() => new LambdaLR(optimizer, null!), Throws.ArgumentNullException);
    }
}
