namespace Autograd.Gpu.Tests;

/// <summary>Draws beyond their distribution: gradients, transforms, generators, edges and errors.</summary>
internal sealed class DrawTests
{
    private static IEnumerable<(double X, double Shape)> Points =>
        from shape in new[] { 0.01, 0.3, 1, 4.5, 30, 500, 1999, 2000, 1e5 }
        from place in new[] { -3, -1, 0.1, 2, 5 }
        let x = shape < 1 ? shape * Math.Exp(place) : shape + place * Math.Sqrt(shape) * (place < 0 ? 0.3 : 1)
        where x > 0
        select (x, shape);

    [Test]
    public void GammaHasItsImplicitDerivative()
    {
        foreach (var (x, shape) in Points)
        {
            var random = default(Autograd.Gpu.Kernels.Sampling.PhiloxSequence);
            double slope = Autograd.Gpu.Kernels.Sampling.GammaDerivative.Sample(x, shape, ref random), expected = Fit.GammaSlope(x, shape);
            Assert.That(slope, Is.EqualTo(expected).Within(1e-8 * Math.Abs(expected)), $"at {x} of shape {shape}");
        }
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void GammaPassesItsGradientOn(Device device)
    {
        var shape = Tensor.FromArray([0.2, 3, 40.0], device, requiresGrad: true);
        var x = Tensor.StandardGamma(shape, new Generator(1));
        (x * 2).Sum().Backward();
        var expected = x.Doubles().Zip(shape.Doubles(), (v, a) => 2 * Fit.GammaSlope(v, a)).ToArray();
        Assert.That(shape.Grad!.Doubles(), Is.EqualTo(expected).Within(1e-7));
        var tangent = Autodiff.Jvp(s => Tensor.StandardGamma(s, new Generator(1)), shape.Detach(), Tensor.Full([3], 2, DType.Float64, device)).Item2;
        Assert.That(tangent.Doubles(), Is.EqualTo(expected).Within(1e-7));
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.GradGradCheck(s => Tensor.StandardGamma(s[0], new Generator(1)), [shape]))!.Message,
            Does.Contain("the derivative for '_standard_gamma_grad' is not implemented"));

        // The parts of a point of the simplex sum to 1 whatever the concentration.
        shape.Grad = null;
        var point = Tensor.Dirichlet(shape);
        Assert.That(point.Sum().Item<double>(), Is.EqualTo(1).Within(1e-12));
        point.Sum().Backward();
        Assert.That(shape.Grad!.Doubles(), Is.All.EqualTo(0).Within(1e-12));
    }

    [Test]
    public void OtherDrawsHaveAGradientOfZero()
    {
        var p = Tensor.Full([3], 0.5, requiresGrad: true);
        foreach (var draw in new[] { p.Bernoulli(), Tensor.Poisson(p), Tensor.Normal(p, p), Tensor.Normal(p, 2), Tensor.Normal(0, p), Tensor.Binomial(p * 8, p) })
        {
            p.Grad = null;
            Assert.That(draw.RequiresGrad);
            draw.Sum().Backward();
            Assert.That(p.Grad!.Doubles(), Is.EqualTo(new double[3]));
        }

        var x = Tensor.Ones([3], requiresGrad: true);
        var y = x * 2;
        y.Normal_();
        Assert.That(y.GradFn!.Name, Is.EqualTo("NormalBackward0"));
        (y * x).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(y.Doubles()));
        Assert.That(
            Assert.Throws<GradientException>(() => x.Uniform_())!.Message,
            Does.Contain("a leaf Variable that requires grad is being used in an in-place operation"));
        using (Autodiff.NoGrad())
        {
            int version = x.Version;
            x.Uniform_();
            Assert.That(x.Version, Is.EqualTo(version + 1));
        }

        var part = Tensor.Zeros([2, 3]);
        part[1].Exponential_();
        Assert.That((part[0].Sum().Item<float>(), part[1].Sum().Item<float>() > 0), Is.EqualTo((0f, true)), "through a view");
    }

    [Test]
    public void InsideVmap([Values] VmapRandomness randomness)
    {
        var shape = Tensor.Full([4, 5], 0.6, DType.Float64);
        foreach (var draw in new Func<Tensor, Tensor>[]
        {
            s => Tensor.StandardGamma(s), s => Tensor.Poisson(s * 20), s => s.Bernoulli() + Tensor.Normal(s, s), s => Tensor.StandardGamma(shape[0]) + 0 * s, s => (s * 1).Exponential_(),
        })
        {
            var mapped = Autodiff.Vmap(draw, randomness: randomness);
            if (randomness == VmapRandomness.Error)
            {
                Assert.That(Assert.Throws<GradientException>(() => mapped(shape))!.Message, Does.Contain("randomness error mode"));
                continue;
            }

            var values = mapped(shape);
            Assert.That(values[0].Doubles().SequenceEqual(values[1].Doubles()), Is.EqualTo(randomness == VmapRandomness.Same));
        }

        if (randomness == VmapRandomness.Different)
        {
            var nested = Autodiff.Vmap(Autodiff.Vmap(s => Tensor.StandardGamma(s), randomness: VmapRandomness.Same), randomness: VmapRandomness.Different)(Tensor.Full([3, 2, 4], 2.0));
            Assert.That(nested[0, 0].Doubles(), Is.EqualTo(nested[0, 1].Doubles()));
            Assert.That(nested[0, 0].Doubles(), Is.Not.EqualTo(nested[1, 0].Doubles()));
            nested = Autodiff.Vmap(Autodiff.Vmap(s => Tensor.StandardGamma(s), randomness: VmapRandomness.Different), randomness: VmapRandomness.Same)(Tensor.Full([3, 2, 4], 2.0));
            Assert.That(nested[0].Doubles(), Is.EqualTo(nested[1].Doubles()));
            Assert.That(nested[0, 0].Doubles(), Is.Not.EqualTo(nested[0, 1].Doubles()));
        }
    }

    [Test]
    public void GeneratorsAreSavedAndRestored()
    {
        var generator = new Generator(9);
        Tensor.Rand([7], generator: generator);
        var state = generator.GetState();
        var copy = generator.CloneState();
        var expected = Tensor.Poisson(Tensor.Full([9], 3.0), generator).Doubles();
        Assert.That((state.DType, state.Shape), Is.EqualTo((DType.UInt8, Shape.Create([16]))));
        Assert.That(generator.Seed(), Is.EqualTo(generator.InitialSeed).And.Not.EqualTo(9));
        generator.SetState(state);
        Assert.That(Tensor.Poisson(Tensor.Full([9], 3.0), generator).Doubles(), Is.EqualTo(expected));
        Assert.That(Tensor.Poisson(Tensor.Full([9], 3.0), copy).Doubles(), Is.EqualTo(expected));
        Tensor.ManualSeed(4);
        var saved = Tensor.GetRngState(Device.Cpu);
        var first = Tensor.RandLike(Tensor.Zeros([3], DType.Float64, Device.Cpu)).Doubles();
        Tensor.SetRngState(saved, Device.Cpu);
        Assert.That(Tensor.Rand([3], DType.Float64, Device.Cpu).Doubles(), Is.EqualTo(first));
        Assert.That(Tensor.InitialSeed(Device.CpuKernels), Is.EqualTo(4));
        Assert.That(Tensor.Seed(), Is.EqualTo(Tensor.InitialSeed()));
        Assert.Throws<DTypeException>(() => generator.SetState(Tensor.Zeros([16])));
        Assert.Throws<ShapeException>(() => generator.SetState(Tensor.Zeros([8], DType.UInt8)));

        var shape = Tensor.Full([6], 0.5, DType.Float64, requiresGrad: true);
        var sample = Autodiff.Checkpoint(s => Tensor.StandardGamma(s * 2) * s, shape);
        sample.Sum().Backward();
        Assert.That(shape.Grad!.Doubles(), Is.EqualTo(sample.Doubles().Select(v => 2 * v + Fit.GammaSlope(2 * v, 1))).Within(1e-7), "a checkpoint draws the same again");
    }

    [Test]
    public void Edges()
    {
        foreach (var dtype in new[] { DType.Float16, DType.BFloat16 })
        {
            var half = Tensor.Rand([4000], dtype).Doubles();
            Assert.That((half.Max() < 1, Math.Abs(half.Average() - 0.5) < 0.03), Is.EqualTo((true, true)));
            Assert.That(Tensor.Empty([4000], dtype).Uniform_(1, 2).Doubles(), Has.All.InRange(1.0, 1.9999));
            Assert.That(Tensor.StandardGamma(Tensor.Full([4], 0.5, dtype)).Doubles(), Has.All.GreaterThan(0));
        }

        Assert.That(Tensor.Empty([3]).Uniform_(2, 2).Doubles(), Is.All.EqualTo(2));
        Assert.That(Tensor.Empty([3]).Normal_(2, 0).Doubles(), Is.All.EqualTo(2));
        Assert.That(Tensor.Empty([50]).Bernoulli_(1).Doubles(), Is.All.EqualTo(1));
        Assert.That(Tensor.Empty([2, 3]).Bernoulli_(Tensor.FromArray([0.0, 1, 0])).Doubles(), Is.EqualTo(new double[] { 0, 1, 0, 0, 1, 0 }));
        Assert.That(Tensor.Empty([20], DType.Float16).Random_().Doubles(), Has.All.InRange(0, 2048));
        double nan = double.NaN;
        Assert.That(Tensor.Poisson(Tensor.FromArray([0, nan])).Doubles(), Is.EqualTo(new[] { 0, nan }));
        Assert.That(Tensor.StandardGamma(Tensor.FromArray([0, nan, -1])).Doubles(), Is.EqualTo(new[] { 2.2250738585072014e-308, nan, nan }));
        Assert.That(
            Tensor.Binomial(Tensor.FromArray([0, 5, 5, 5, nan, 5]), Tensor.FromArray([0.5, 0, 1, -1, 0.5, nan])).Doubles(), Is.EqualTo(new[] { 0, 0, 5, 0, nan, nan }));
        Assert.That(Tensor.RandPerm(0).Shape, Is.EqualTo(Shape.Create([0])));
        Assert.That(Tensor.RandPerm(50, DType.Int32).Doubles().Order(), Is.EqualTo(Enumerable.Range(0, 50)));
        Assert.That(Tensor.Poisson(Tensor.Zeros([0, 2])).Shape, Is.EqualTo(Shape.Create([0, 2])));
        var orders = Tensor.Ones([30, 4]).Multinomial(4);
        Assert.That(orders.Sort(-1).Values.Doubles(), Is.EqualTo(Enumerable.Range(0, 120).Select(i => (double)(i % 4))));
        Assert.That(Tensor.RandInt(long.MinValue, long.MaxValue, [100]).Doubles(), Has.Some.Negative.And.Some.Positive);
        Assert.That(Tensor.RandIntLike(Tensor.Zeros([5], DType.Int32), 3, 4).Doubles(), Is.All.EqualTo(3));
        Assert.That((Tensor.RandnLike(Tensor.Zeros([2], DType.Int64), DType.Float64).DType, Tensor.FullLike(Tensor.Zeros([2]), 7).Doubles()[1]), Is.EqualTo((DType.Float64, 7.0)));
    }

    private static IEnumerable<TestCaseData> Errors()
    {
        var x = Tensor.Zeros([2]);
        Tensor whole = Tensor.Zeros([2], DType.Int64), elsewhere = Tensor.Zeros([2], device: Device.CpuKernels);
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        yield return Case<ArgumentException>("Uniform_", () => x.Uniform_(2, 1), "uniform_ expects to return a [from, to) range, but found from=2 > to=1");
        yield return Case<DTypeException>("Uniform_ of whole numbers", () => whole.Uniform_(), "not implemented for int64");
        yield return Case<ArgumentException>("Normal_", () => x.Normal_(0, -1), "normal expects std >= 0.0, but found std -1");
        yield return Case<ArgumentException>("Normal_ of nan", () => x.Normal_(0, double.NaN), "normal expects std >= 0.0");
        yield return Case<DTypeException>("Normal_ of whole numbers", () => whole.Normal_(), "Normal_: not implemented for int64");
        yield return Case<ArgumentException>("LogNormal_", () => x.LogNormal_(0, 0), "log_normal_ expects std > 0.0, but found std=0");
        yield return Case<ArgumentException>("Exponential_", () => x.Exponential_(0), "exponential_ expects lambda > 0.0, but found lambda=0");
        yield return Case<ArgumentException>("Geometric_", () => x.Geometric_(1), "geometric_ expects p to be in (0, 1), but got p=1");
        yield return Case<DTypeException>("Geometric_ of bool", () => (whole > 0).Geometric_(0.5), "bool");
        yield return Case<ArgumentException>("Cauchy_", () => x.Cauchy_(0, -2), "cauchy_ expects sigma > 0.0, but found sigma=-2");
        yield return Case<ArgumentException>("Bernoulli_", () => x.Bernoulli_(1.5), "bernoulli_ expects p to be in [0, 1], but got p=1.5");
        yield return Case<ArgumentException>("Bernoulli_ of a tensor", () => x.Bernoulli_(x + 2), "Expected p_in >= 0 && p_in <= 1");
        yield return Case<DeviceMismatchException>("Bernoulli_ elsewhere", () => x.Bernoulli_(elsewhere), "Expected all tensors to be on the same device");
        yield return Case<ShapeException>("Bernoulli_ of another shape", () => x.Bernoulli_(Tensor.Zeros([3])), "[3]");
        yield return Case<ArgumentException>("Bernoulli", () => (x - 1).Bernoulli(), "Expected p_in >= 0 && p_in <= 1");
        yield return Case<DTypeException>("Bernoulli of whole numbers", () => whole.Bernoulli(), "only supports floating-point dtypes for input, got: int64");
        yield return Case<ArgumentException>("Random_", () => x.Random_(3, 3), "random_ expects 'from' to be less than 'to', but got from=3 >= to=3");
        yield return Case<ArgumentException>("Random_ of uint8", () => x.To(DType.UInt8).Random_(0, 257), "to - 1 is out of bounds for uint8");
        yield return Case<ArgumentException>("Random_ of bool", () => (x > 0).Random_(-1, 1), "from is out of bounds for bool");
        yield return Case<ArgumentException>("RandInt", () => Tensor.RandInt(3, 2, [1]), "from=3 >= to=2");
        yield return Case<ArgumentException>("RandPerm", () => Tensor.RandPerm(-1), "n must be non-negative");
        yield return Case<ArgumentException>("Normal", () => Tensor.Normal(x, x - 1), "normal expects all elements of std >= 0.0");
        yield return Case<DeviceMismatchException>("Normal elsewhere", () => Tensor.Normal(x, elsewhere), "Expected all tensors to be on the same device");
        yield return Case<ShapeException>("Normal of other shapes", () => Tensor.Normal(x, Tensor.Ones([3])), "must match");
        yield return Case<ArgumentException>("Poisson", () => Tensor.Poisson(x - 1), "expected rate to be non-negative");
        yield return Case<DTypeException>("Poisson of whole numbers", () => Tensor.Poisson(whole), "poisson only supports floating-point");
        yield return Case<DTypeException>("Binomial of two dtypes", () => Tensor.Binomial(x, x.To(DType.Float64)), "same dtype");
        yield return Case<DeviceMismatchException>("Binomial elsewhere", () => Tensor.Binomial(x, elsewhere), "same device");
        yield return Case<ShapeException>("Binomial of other shapes", () => Tensor.Binomial(x, Tensor.Zeros([3])), "must match");
        yield return Case<DTypeException>("StandardGamma of whole numbers", () => Tensor.StandardGamma(whole), "int64");
        yield return Case<ShapeException>("Dirichlet of a number", () => Tensor.Dirichlet(x[0]), "at least one-dimensional");
        yield return Case<ShapeException>("Multinomial of a number", () => x[0].Multinomial(1), "prob_dist must be 1 or 2 dim");
        yield return Case<DTypeException>("Multinomial of whole numbers", () => whole.Multinomial(1), "multinomial only supports floating-point dtypes");
        yield return Case<ArgumentException>("Multinomial of nothing", () => x.Multinomial(0), "cannot sample n_sample <= 0 samples");
        yield return Case<ArgumentException>("Multinomial of too many", () => x.Multinomial(3), "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
        yield return Case<ArgumentException>("Multinomial of zeros", () => x.Multinomial(1), "invalid multinomial distribution (sum of probabilities <= 0)");
        yield return Case<ArgumentException>("Multinomial of negative numbers", () => (x - 1).Multinomial(1), "contains either `inf`, `nan` or element < 0");
        yield return Case<ArgumentException>("Multinomial of too few", () => Tensor.FromArray([1f, 0]).Multinomial(2), "not enough non-negative category to sample");
    }

    [TestCaseSource(nameof(Errors))]
    public void IsRefused(Type exception, Func<object> call, string says) =>
        Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));
}
