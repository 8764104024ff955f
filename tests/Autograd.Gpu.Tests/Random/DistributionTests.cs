namespace Autograd.Gpu.Tests;

/// <summary>A draw, and what it should look like.</summary>
internal sealed record Drawing(string Name, Func<long, Device, Tensor> Draw, Action<double[]> Fits)
{
    /// <summary>Whether values pass through functions whose last digits a GPU may round otherwise.</summary>
    public bool IsExact { get; init; } = true;

    public override string ToString() => Name;
}

/// <summary>Every distribution: what it looks like, and that one seed gives the same numbers on each device, with pending values and without.</summary>
internal sealed class DistributionTests
{
    private static Tensor New(long count, Device device, DType dtype = DType.Float32) => Tensor.Empty([count], dtype, device);

    private static Tensor Of(double value, long count, Device device, DType dtype = DType.Float32) => Tensor.Full([count], value, dtype, device);

    private static IEnumerable<Drawing> Drawings()
    {
        static Action<double[]> Continuous(Func<double, double> distribution) => values => Fit.Continuous(values, distribution);
        static Action<double[]> Discrete(Func<long, double> probability, long from, long to) => values => Fit.Discrete(values, probability, from, to);
        foreach (var dtype in new[] { DType.Float32, DType.Float64 })
        {
            yield return new($"Uniform_ {dtype}", (n, d) => New(n, d, dtype).Uniform_(2, 5), Continuous(x => Math.Clamp((x - 2) / 3, 0, 1)));
            yield return new($"Normal_ {dtype}", (n, d) => New(n, d, dtype).Normal_(1, 2), Continuous(x => Fit.Normal((x - 1) / 2))) { IsExact = false };
            yield return new($"Exponential_ {dtype}", (n, d) => New(n, d, dtype).Exponential_(2), Continuous(x => 1 - Math.Exp(-2 * x))) { IsExact = false };
        }

        yield return new("LogNormal_", (n, d) => New(n, d).LogNormal_(0, 0.5), Continuous(x => Fit.Normal(Math.Log(x) / 0.5))) { IsExact = false };
        yield return new("Cauchy_", (n, d) => New(n, d).Cauchy_(1, 3), Continuous(x => 0.5 + Math.Atan((x - 1) / 3) / Math.PI)) { IsExact = false };
        foreach (double shape in new[] { 0.1, 1, 4.5, 100 })
        {
            yield return new($"StandardGamma {shape}", (n, d) => Tensor.StandardGamma(Of(shape, n, d, DType.Float64)), Continuous(x => Fit.Gamma(shape, x))) { IsExact = false };
        }

        yield return new("StandardGamma float32", (n, d) => Tensor.StandardGamma(Of(2, n, d)), Continuous(x => Fit.Gamma(2, x))) { IsExact = false };
        yield return new(
            "Dirichlet", (n, d) => Tensor.Dirichlet(Tensor.FromArray([1f, 0.5f, 1.5f], d).Expand(n, 3))[.., 0], Continuous(x => 1 - (1 - x) * (1 - x)))
        { IsExact = false };
        yield return new(
            "Normal of tensors", (n, d) => Tensor.Normal(Of(-1, n, d), Tensor.Of(0.5, DType.Float32, d)), Continuous(x => Fit.Normal((x + 1) / 0.5)))
        { IsExact = false };
        yield return new("Geometric_", (n, d) => New(n, d, DType.Int64).Geometric_(0.3), Discrete(k => Math.Pow(0.7, k - 1) * 0.3, 1, 200));
        yield return new("Bernoulli_", (n, d) => New(n, d, DType.Bool).Bernoulli_(0.2), Discrete(k => k == 1 ? 0.2 : 0.8, 0, 1));
        yield return new("Bernoulli", (n, d) => Of(0.7, n, d).Bernoulli(), Discrete(k => k == 1 ? 0.7 : 0.3, 0, 1));
        yield return new("Random_ of a range", (n, d) => New(n, d, DType.Int32).Random_(-2, 5), Discrete(_ => 1 / 7.0, -2, 4));
        yield return new("Random_ of uint8", (n, d) => New(n, d, DType.UInt8).Random_(), Discrete(_ => 1 / 256.0, 0, 255));
        yield return new("Random_ of int64", (n, d) => New(n, d, DType.Int64).Random_() / (1L << 61), values => Fit.Discrete([.. values.Select(Math.Floor)], _ => 0.25, 0, 3));
        yield return new("RandInt of a long range", (n, d) => Tensor.RandInt(0, 3L << 61, [n], device: d) / (1L << 61), values => Fit.Discrete([.. values.Select(Math.Floor)], _ => 1 / 3.0, 0, 2));
        yield return new(
            "RandInt of nearly all", (n, d) => Tensor.RandInt(long.MinValue, long.MaxValue - (1L << 62), [n], device: d) / (1L << 62),
            values => Fit.Discrete([.. values.Select(Math.Floor)], _ => 1 / 3.0, -2, 0));
        foreach (double rate in new[] { 0.5, 9, 12, 300 })
        {
            yield return new($"Poisson {rate}", (n, d) => Tensor.Poisson(Of(rate, n, d)), Discrete(k => Fit.Poisson(rate, k), 0, 1000));
        }

        foreach (var (count, p) in new[] { (10, 0.3), (200, 0.01), (100, 0.4), (1000, 0.9) })
        {
            yield return new(
                $"Binomial {count} {p}", (n, d) => Tensor.Binomial(Of(count, n, d, DType.Float64), Tensor.Of(p, DType.Float64, d)),
                Discrete(k => Fit.Binomial(count, p, k), 0, count));
        }

        double[] weights = [1, 0, 3, 0.5, 0];
        yield return new(
            "Multinomial, replaced", (n, d) => Tensor.FromArray(weights, d).Multinomial(n, replacement: true), Discrete(k => weights[k] / 4.5, 0, 4));
        yield return new(
            "Multinomial, second of two", (n, d) => Tensor.FromArray(weights, d).Expand(n, 5).Multinomial(2)[.., 1],
            Discrete(k => weights[k] / 4.5 * weights.Where((_, j) => j != k).Sum(w => w / (4.5 - w)), 0, 4));
        yield return new(
            "RandPerm", (n, d) => Tensor.Cat([.. Enumerable.Range(0, (int)Math.Min(n, 600)).Select(_ => Tensor.RandPerm(3, device: d)[..2])]).Reshape(-1, 2) is var p ? p[.., 0] * 3 + p[.., 1] : null!,
            Discrete(k => k / 3 == k % 3 ? 0 : 1 / 6.0, 0, 8));
    }

    private static IEnumerable<TestCaseData> OnEachDevice() =>
        from drawing in Drawings() from device in TestDevices.All select new TestCaseData(drawing, device).SetArgDisplayNames(drawing.Name, device.ToString());

    [TestCaseSource(nameof(OnEachDevice))]
    public void HasItsDistribution(Drawing drawing, Device device)
    {
        device.Generator.ManualSeed(2024);
        drawing.Fits(drawing.Draw(device == Device.CpuKernels ? 1000 : 20_000, device).Doubles());
    }

    [TestCaseSource(nameof(OnEachDevice))]
    [Category(Laziness.Both)]
    public void IsTheSameOnEachDeviceAndInEachMode(Drawing drawing, Device device)
    {
        using var eager = Laziness.Set(false);
        Device.Cpu.Generator.ManualSeed(11);
        var expected = drawing.Draw(33, Device.Cpu).Doubles();
        var state = Device.Cpu.Generator.State;
        foreach (bool lazy in new[] { false, true })
        {
            using var mode = Laziness.Set(lazy);
            device.Generator.ManualSeed(11);
            var values = drawing.Draw(33, device).Doubles();
            Assert.That(device.Generator.State, Is.EqualTo(state));
            if (drawing.IsExact)
            {
                Assert.That(values, Is.EqualTo(expected));
                continue;
            }

            for (int i = 0; i < values.Length; i++)
            {
                Assert.That(values[i], Is.EqualTo(expected[i]).Within(1e-6 * Math.Max(Math.Abs(expected[i]), 1)));
            }
        }
    }

    [Test]
    public void ElementsOfAnySizeOfDrawAreIndependentOfOneAnother()
    {
        // Sequences of elements must not overlap: neighbours with the same shape are uncorrelated, also where they take several blocks.
        var x = Tensor.StandardGamma(Tensor.Full([20_000], 0.7, DType.Float64), new Generator(5));
        var centred = x - x.Mean();
        double covariance = (centred[1..] * centred[..^1]).Mean().Item<double>();
        Assert.That(Math.Abs(covariance / x.Var().Item<double>()), Is.LessThan(4.5 / Math.Sqrt(20_000)));
        Assert.That(x.Doubles().Distinct().Count(), Is.EqualTo(20_000));
    }
}
