using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests;

/// <summary>What fuses, how much of it, and what is kept.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class FusionTests(Device device)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(true);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void AChainIsOneKernelAndWithoutLazinessOneForEachOperation()
    {
        var (x, b, c) = (Random(1), Random(2), Random(3));
        Tensor Chain() => ((x * b + c).Tanh() * x.Exp()).Materialize();
        using var log = new KernelLog();
        var fused = Chain();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
        Assert.That(log.Events[0].Operations, Is.EqualTo("Mul Add Tanh Exp Mul"));
        Assert.That((log.Events[0].Device, log.Events[0].Shape, log.Events[0].Reason), Is.EqualTo((device, x.Shape, "Read")));
        log.Clear();
        using (Laziness.Set(false))
        {
            Assert.That(Chain().ToArray<float>(), Is.EqualTo(fused.ToArray<float>()));
        }

        Assert.That(log.Events.Select(e => e.Operations), Is.EqualTo(new[] { "Mul", "Add", "Tanh", "Exp", "Mul" }));
    }

    [Test]
    public void AReductionTakesWhatItReadsAsItsPrologue()
    {
        var (x, y) = (Random(1), Random(2));
        using var log = new KernelLog();
        ((x - y) * (x - y)).Sum().Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
        Assert.That(log.Events[0].Operations, Does.Contain("Sub").And.Contain("Mul").And.Contain("Sum"));
    }

    [Test]
    public void AnUnreadValueIsNeverComputed()
    {
        using var log = new KernelLog();
        _ = Random(1) * 2 + Tensor.Rand([12], device: device);
        Assert.That(log.Count, Is.Zero, log.ToString());
    }

    [Test]
    public void ASharedValueIsComputedOnceInAKernel()
    {
        var x = Random(1);
        var shared = x.Exp();
        using var log = new KernelLog();
        (shared * shared + shared).Materialize();
        Assert.That(log.Events.Select(e => e.Operations), Is.EqualTo(new[] { "Exp Mul Add" }));
    }

    [Test]
    public void AValueThatManyReductionsReadIsKept()
    {
        var x = Random(1);
        var costly = x.Exp();
        var expected = x.Doubles().Sum(Math.Exp);
        using var log = new KernelLog();
        for (int i = 0; i < 10; i++)
        {
            Assert.That((costly * (i + 1)).Sum().Item<float>(), Is.EqualTo(expected * (i + 1)).Within(1e-5 * expected * (i + 1)));
        }

        Assert.That(log.Events.Count(e => e.Operations.Contains("Exp")), Is.LessThanOrEqualTo(3), log.ToString());
    }

    [Test]
    public void ALoopOfAdditionsStaysFlatAndCompilesOnce()
    {
        var x = Tensor.Ones([5], device: device).Materialize();
        int Epoch()
        {
            var total = Tensor.Zeros([5], device: device).Materialize();
            int most = 0;
            for (int step = 0; step < 1000; step++)
            {
                total += x;
                most = Math.Max(most, total.Storage.Value.Weight.Nodes);
                Assert.That(total.Storage.Value.Weight.Operands, Is.LessThanOrEqualTo(Fuser.MaxReads));
            }

            Assert.That(total.ToArray<float>(), Is.All.EqualTo(1000));
            return most;
        }

        Assert.That(Epoch(), Is.LessThanOrEqualTo(Fuser.MaxNodes).And.GreaterThan(10));
        int kernels = Executor.Of(device).KernelCount;
        Epoch();
        Assert.That(Executor.Of(device).KernelCount, Is.EqualTo(kernels), "the second epoch compiles no kernel");
    }

    [Test]
    public void ManyInputsAndDoublingsAreCut()
    {
        var parts = Enumerable.Range(0, 20).Select(i => Tensor.FromArray([(float)i, 2f * i], device)).ToArray();
        using var log = new KernelLog();
        var sum = parts.Aggregate((a, b) => a + b);
        Assert.That(sum.ToArray<float>(), Is.EqualTo(new[] { 190f, 380 }));
        Assert.That(log.Events.Select(e => e.Reason), Does.Contain("Inputs"));
        Assert.That(log.Count, Is.InRange(3, 5), log.ToString());

        var doubled = Tensor.FromArray([1.0], device);
        for (int i = 0; i < 100; i++)
        {
            doubled = doubled + doubled;
        }

        Assert.That(doubled.Item<double>(), Is.EqualTo(Math.Pow(2, 100)), "a graph with 2^100 paths");
    }

    [Test]
    public void AnAdamStepIsOneKernelForEachParameterAndWritesWhereTheParametersLie()
    {
        var parameters = new[] { Random(1).RequiresGrad_(), Numbers.Of(Numbers.Uniform(2, 12, -1, 1), [3, 4], DType.Float32, device).RequiresGrad_() };
        var blocks = parameters.Select(p => p.Storage.Materialize(CutReason.Read).Block).ToArray();
        var expected = parameters.Select(p => p.Doubles()).ToArray();
        var (mean, square) = (expected.Select(e => new double[e.Length]).ToArray(), expected.Select(e => new double[e.Length]).ToArray());
        var optimizer = new Adam(parameters, lr: 0.1);
        int kernels = 0;
        using var log = new KernelLog();
        for (int step = 1; step <= 4; step++)
        {
            for (int k = 0; k < parameters.Length; k++)
            {
                parameters[k].Grad = Random(10 * step + k).Reshape(parameters[k].Shape).Clone().Materialize();
                var gradient = parameters[k].Grad!.Doubles();
                for (int i = 0; i < gradient.Length; i++)
                {
                    mean[k][i] = 0.9 * mean[k][i] + 0.1 * gradient[i];
                    square[k][i] = 0.999 * square[k][i] + 0.001 * gradient[i] * gradient[i];
                    expected[k][i] -= 0.1 * (mean[k][i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(square[k][i] / (1 - Math.Pow(0.999, step))) + 1e-8);
                }
            }

            log.Clear();
            optimizer.Step();
            parameters[0].Materialize();
            parameters[1].Materialize();
            if (step > 1)
            {
                // The first step makes the state as well.
                Assert.That(log.Count, Is.EqualTo(2), log.ToString());
                Assert.That(log.Events.Select(e => e.Operations), Is.All.Contains("Sqrt"));
            }

            if (step == 2)
            {
                kernels = Executor.Of(device).KernelCount;
            }

            for (int k = 0; k < parameters.Length; k++)
            {
                Assert.That(parameters[k].Storage.Materialize(CutReason.Read).Block, Is.SameAs(blocks[k]), $"step {step}, parameter {k}");
                Assert.That(parameters[k].Doubles(), Is.EqualTo(expected[k]).Within(2e-5), $"step {step}, parameter {k}");
            }
        }

        Assert.That(Executor.Of(device).KernelCount, Is.EqualTo(kernels), "later steps compile no kernel");
    }

    [Test]
    public void ASgdStepWithMomentumIsOneKernelAndWritesWhereTheParameterLies()
    {
        var parameter = Random(1).RequiresGrad_();
        var (expected, velocity) = (parameter.Doubles(), new double[12]);
        var optimizer = new Sgd([parameter], lr: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true);
        using var log = new KernelLog();
        for (int step = 0; step < 4; step++)
        {
            parameter.Grad = Random(20 + step).Materialize();
            var block = parameter.Storage.Materialize(CutReason.Read).Block;
            var gradient = parameter.Grad.Doubles();
            for (int i = 0; i < expected.Length; i++)
            {
                double g = gradient[i] + 0.01 * expected[i];
                velocity[i] = 0.9 * velocity[i] + g;
                expected[i] -= 0.1 * (g + 0.9 * velocity[i]);
            }

            log.Clear();
            optimizer.Step();
            parameter.Materialize();
            Assert.That(log.Count, Is.EqualTo(step == 0 ? 2 : 1), $"the first step makes the velocity as well: {log}");
            Assert.That(parameter.Storage.Materialize(CutReason.Read).Block, Is.SameAs(block), $"step {step}");
            Assert.That(parameter.Doubles(), Is.EqualTo(expected).Within(2e-6), $"step {step}");
        }
    }

    [Test]
    public void TheSecondEpochOfTrainingCompilesNoKernelAndRunsAsManyAsTheFirst()
    {
        var model = new Sequential(new Linear(3, 4, device: device), new Nn.Tanh(), new Linear(4, 1, device: device));
        var optimizer = new Adam(model.Parameters(), lr: 0.01);
        var (x, y) = (Random(1).Reshape(4, 3).Clone(), Random(2)[..4].Reshape(4, 1).Clone());
        using var log = new KernelLog();
        var losses = new List<float>();
        int Epoch(int steps)
        {
            log.Clear();
            for (int i = 0; i < steps; i++)
            {
                optimizer.ZeroGrad();
                var loss = Functional.MseLoss(model.Call(x), y);
                loss.Backward();
                optimizer.Step();
                losses.Add(loss.Item<float>());
            }

            model.Parameters().ToList().ForEach(p => p.Materialize());
            return log.Count;
        }

        Epoch(3);
        int kernels = Executor.Of(device).KernelCount;
        int first = Epoch(4), second = Epoch(4);
        Assert.That(Executor.Of(device).KernelCount, Is.EqualTo(kernels));
        Assert.That(second, Is.EqualTo(first), log.ToString());
        Assert.That(losses[^1], Is.LessThan(losses[0]));
    }

    [Test]
    public void TheTraceIsPrintedUntilItIsDisposed()
    {
        var writer = new StringWriter();
        using (KernelTrace.PrintTo(writer))
        {
            (Random(1) * 2).Exp().Materialize();
        }

        (Random(1) * 3).Sin().Materialize();
        Assert.That(writer.ToString(), Does.Match(@$"^{device} Mul Exp \[12\] \d+\.\d us \(Read\)\s*$"));
    }

    private Tensor Random(int seed) => Numbers.Of(Numbers.Uniform(seed, 12, -1, 1), [12], DType.Float32, device);
}
