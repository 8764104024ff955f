using Autograd.Gpu.Optim;

namespace Autograd.Gpu.Tests;

/// <summary>The steps of the optimisers against plain loops over doubles.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class OptimizerTests(Device device)
{
    /// <summary>A step on one number: its value, its gradient, what is kept of it (three numbers, 0 at first), and the step counted from 1.</summary>
    private delegate double Rule(double p, double g, double[] state, int step);

    private static readonly (string Name, Func<Tensor[], Optimizer> Make, Rule Rule)[] s_cases =
    [
        ("RMSprop", p => new RMSprop(p, lr: 0.1), (p, g, s, _) => p - 0.1 * g / (Math.Sqrt(s[0] = 0.99 * s[0] + 0.01 * g * g) + 1e-8)),
        ("RMSprop with everything", p => new RMSprop(p, 0.1, 0.9, 1e-3, weightDecay: 0.2, momentum: 0.5, centered: true), (p, g, s, _) =>
        {
            g += 0.2 * p;
            s[0] = 0.9 * s[0] + 0.1 * g * g;
            s[1] = 0.9 * s[1] + 0.1 * g;
            s[2] = 0.5 * s[2] + g / (Math.Sqrt(s[0] - s[1] * s[1]) + 1e-3);
            return p - 0.1 * s[2];
        }),
        ("Adagrad", p => new Adagrad(p, lr: 0.1), (p, g, s, _) => p - 0.1 * g / (Math.Sqrt(s[0] += g * g) + 1e-10)),
        ("Adagrad with everything", p => new Adagrad(p, 0.1, lrDecay: 0.3, weightDecay: 0.2, initialAccumulatorValue: 0.5, eps: 1e-2), (p, g, s, t) =>
        {
            g += 0.2 * p;
            s[0] += (t == 1 ? 0.5 : 0) + g * g;
            return p - 0.1 / (1 + (t - 1) * 0.3) * g / (Math.Sqrt(s[0]) + 1e-2);
        }),
        ("Sgd with everything", p => new Sgd(p, 0.1, momentum: 0.9, weightDecay: 0.2, nesterov: true), (p, g, s, t) =>
        {
            g += 0.2 * p;
            s[0] = t == 1 ? g : 0.9 * s[0] + g;
            return p - 0.1 * (g + 0.9 * s[0]);
        }),
    ];

    private static IEnumerable<string> Names => s_cases.Select(c => c.Name);

    [TestCaseSource(nameof(Names))]
    public void StepsAreThoseOfTheFormula(string name)
    {
        var (_, make, rule) = s_cases.Single(c => c.Name == name);
        double[] start = [1, -2, 0.5, 3];
        var parameter = Tensor.FromArray(start, [2, 2], device).RequiresGrad_();
        var unused = Tensor.Ones([2], DType.Float64, device).RequiresGrad_();
        var optimizer = make([parameter, unused]);
        var expected = (double[])start.Clone();
        var states = start.Select(_ => new double[3]).ToArray();
        for (int step = 1; step <= 5; step++)
        {
            optimizer.ZeroGrad();
            (parameter.Pow(4).Sum() / 4).Backward();
            optimizer.Step();
            for (int i = 0; i < expected.Length; i++)
            {
                expected[i] = rule(expected[i], Math.Pow(expected[i], 3), states[i], step);
            }

            Assert.That(parameter.ToArray<double>(), Is.EqualTo(expected).Within(1e-11), $"step {step}");
        }

        Assert.That(unused.ToArray<double>(), Is.EqualTo(new[] { 1.0, 1 }), "a parameter without a gradient stays");
        Assert.That(parameter.RequiresGrad && parameter.IsLeaf);
    }

    [Test]
    public void StateStaysInMemoryOfItsOwn()
    {
        foreach (var (name, make, _) in s_cases)
        {
            var parameter = Tensor.Ones([64, 64], DType.Float64, device).RequiresGrad_();
            var optimizer = make([parameter]);
            long bytes = 0;
            for (int step = 0; step < 6; step++)
            {
                optimizer.ZeroGrad();
                parameter.Pow(2).Sum().Backward();
                optimizer.Step();
                parameter.Materialize();
                if (step == 2)
                {
                    bytes = Held();
                }
            }

            // A step that held its gradient would add 32 KiB three times; a reduction's result or two may be on their way.
            Assert.That(Held(), Is.LessThan(bytes + 64 * 64 * sizeof(double)), name);
            GC.KeepAlive(optimizer);
        }

        long Held()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return device.Memory.ActiveBytes;
        }
    }

    [Test]
    public void WrongNumbersAreRefused()
    {
        var parameter = Tensor.Ones([2], device: device).RequiresGrad_();
        Assert.Throws<ArgumentException>(() => new RMSprop([parameter], alpha: -1));
        Assert.Throws<ArgumentException>(() => new RMSprop([parameter], lr: -1));
        Assert.Throws<ArgumentException>(() => new RMSprop([]));
        Assert.Throws<ArgumentException>(() => new Adagrad([parameter], lrDecay: -1));
        Assert.Throws<ArgumentException>(() => new Adagrad([parameter], eps: double.NaN));
        Assert.Throws<GradientException>(() => new Adagrad([parameter * 2]));
    }
}
