using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Dropout: what it computes, that its mask is never kept, and what randomness means inside transforms and checkpoints.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class DropoutTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set()
    {
        _laziness = Laziness.Set(lazy);
        device.Generator.ManualSeed(3);
    }

    [TearDown]
    public void Restore() => _laziness.Dispose();

    private Tensor X(Shape shape, DType dtype = DType.Float32) => Tensor.Full(shape, 2, dtype, device, requiresGrad: true);

    [Test]
    public void DropsTheRightShareAndScalesTheRest([Values(DType.Float32, DType.Float64, DType.Float16)] DType dtype)
    {
        const int count = 2000;
        var x = X([count], dtype);
        var y = Functional.Dropout(x, 0.2);
        y.Sum().Backward();
        var values = y.Doubles();
        double kept = dtype == DType.Float16 ? (double)(Half)(2 / 0.8) : 2 / 0.8;
        Assert.That(values, Has.All.EqualTo(0).Or.EqualTo(kept).Within(1e-6));
        Assert.That(values.Count(v => v == 0), Is.EqualTo(count * 0.2).Within(5 * Math.Sqrt(count * 0.2 * 0.8)));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(values.Select(v => v / 2)).Within(1e-3), "the same elements in the backward pass");
        Assert.That(y.DType, Is.EqualTo(dtype));
        Assert.That(Functional.Dropout(x, 0.2).Doubles(), Is.Not.EqualTo(values), "other elements at the next call");
    }

    [Test]
    public void TheNumbersAreTheSameOnEachDevice()
    {
        var here = Functional.Dropout(X([33])).Doubles();
        Device.Cpu.Generator.ManualSeed(3);
        Assert.That(Functional.Dropout(Tensor.Full([33], 2.0, device: Device.Cpu)).Doubles(), Is.EqualTo(here));
        var own = new Generator(3);
        Assert.That(Functional.Dropout(X([33]), generator: own).Doubles(), Is.EqualTo(here), "a generator of the caller's");
        Assert.That(own.Offset, Is.EqualTo(9));
    }

    [Test]
    public void ForwardIsOneKernelAndKeepsNoMask()
    {
        if (!lazy)
        {
            Assert.Pass("eager operations are kernels each");
        }

        const long count = 1 << 15;
        var x = Tensor.Full([count], 1.0, device: device).Clone().Materialize();
        x.Storage.Materialize(Autograd.Gpu.Lazy.CutReason.Read);
        x.RequiresGrad_();
        using var log = new KernelLog();
        long before = device.Memory.ActiveBytes;
        var y = Functional.Dropout(x * 3, 0.5);
        y.Materialize();
        Assert.That(log.Count, Is.EqualTo(1), log.ToString());
        Assert.That(device.Memory.ActiveBytes - before, Is.LessThan(count * sizeof(float) * 3 / 2), "the result and nothing else of its size");
        y.Backward(Tensor.Ones([count], device: device));
        x.Grad!.Materialize();
        Assert.That(log.Count, Is.EqualTo(2), log.ToString());
        Assert.That(x.Grad.Doubles(), Is.EqualTo(y.Doubles()));
    }

    [Test]
    public void AtTheEndsOfTheRange()
    {
        var x = X([4]);
        var none = Functional.Dropout(x, 1);
        none.Sum().Backward();
        Assert.That((none.Doubles(), x.Grad!.Doubles()), Is.EqualTo((new double[4], new double[4])));
        Assert.That(Functional.AlphaDropout(x, 1, training: true).Doubles(), Is.EqualTo(new double[4]));
        Assert.That(Functional.Dropout(x, 0), Is.SameAs(x));
        Assert.That(Functional.Dropout(x, 0.5, training: false), Is.SameAs(x));
        Assert.That(Functional.Dropout(Tensor.Zeros([0, 3], device: device)).Shape, Is.EqualTo(Shape.Create([0, 3])));
        var layer = new Sequential(new Dropout(0.5), new AlphaDropout(0.5));
        Assert.That(layer.Call(x).Doubles(), Is.Not.EqualTo(x.Doubles()));
        layer.Eval();
        Assert.That(layer.Call(x), Is.SameAs(x));
    }

    [Test]
    public void ChannelsAreDroppedWhole()
    {
        foreach (var (result, batches, channels) in new[]
        {
            (Functional.Dropout1d(X([16, 3])), 16, 1), (Functional.Dropout1d(X([4, 4, 3])), 4, 4), (Functional.Dropout2d(X([4, 4, 2, 2])), 4, 4),
            (Functional.Dropout2d(X([4, 4, 3])), 4, 4), (Functional.Dropout3d(X([4, 4, 2, 1, 2])), 4, 4), (Functional.Dropout3d(X([16, 2, 1, 2])), 16, 1),
            (Functional.FeatureAlphaDropout(X([4, 4, 3]), training: true), 4, 4),
        })
        {
            var lines = result.Detach().Reshape(batches * channels, -1);
            Assert.That(lines.Amax([1]).Doubles(), Is.EqualTo(lines.Amin([1]).Doubles()), result.Shape.ToString());
            Assert.That(lines[.., 0].Doubles().Distinct().Count(), Is.EqualTo(2), result.Shape.ToString());
        }
    }

    [Test]
    public void AlphaDropoutKeepsMeanAndVariance()
    {
        var x = Tensor.Randn([device == Device.CpuKernels ? 4000 : 40_000], DType.Float64, device, requiresGrad: true);
        var y = Functional.AlphaDropout(x, 0.3, training: true);
        double error = 8 / Math.Sqrt(x.NumElements);
        Assert.That(y.Mean().Item<double>(), Is.EqualTo(0).Within(error));
        Assert.That(y.Var().Item<double>(), Is.EqualTo(1).Within(2 * error));
        y.Sum().Backward();
        double a = 1 / Math.Sqrt((1.7580993408473766 * 1.7580993408473766 * 0.3 + 1) * 0.7);
        Assert.That(x.Grad!.Doubles(), Has.All.EqualTo(0).Or.EqualTo(a).Within(1e-12));
    }

    [Test]
    public void InPlace()
    {
        var x = X([64]);
        Assert.Throws<GradientException>(() => Functional.Dropout(x, inplace: true));
        var middle = x * 1.5;
        var y = Functional.Dropout(middle, 0.5, inplace: true);
        Assert.That(y, Is.SameAs(middle));
        y.Sum().Backward();
        Assert.That(y.Doubles(), Has.Some.EqualTo(0).And.Some.EqualTo(6));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(y.Doubles().Select(v => v / 2)));
    }

    [Test]
    public void InsideVmapAndCheckpoint()
    {
        var x = X([5, 40]);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Vmap(s => Functional.Dropout(s))(x))!.Message,
            Does.Contain("called random operation while in randomness error mode"));
        var same = Autodiff.Vmap(s => Functional.Dropout(s), randomness: VmapRandomness.Same)(x);
        Assert.That(same.Doubles(), Is.EqualTo(same[0].Expand(5, 40).Doubles()));
        var different = Autodiff.Vmap(s => Functional.Dropout(s), randomness: VmapRandomness.Different)(x);
        Assert.That(different[1].Doubles(), Is.Not.EqualTo(different[0].Doubles()));
        var y = Autodiff.Checkpoint(s => Functional.Dropout(s * s), x);
        y.Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.EqualTo(y.Doubles()).Within(1e-5), "2 x m against x^2 m at x = 2");
    }

    private static IEnumerable<TestCaseData> Errors()
    {
        var x = Tensor.Zeros([2]);
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        yield return Case<ArgumentException>("p", () => Functional.Dropout(x, 1.5), "dropout probability has to be between 0 and 1, but got 1.5");
        yield return Case<ArgumentException>("nan", () => Functional.Dropout(x, double.NaN), "between 0 and 1");
        yield return Case<ArgumentException>("layer", () => new AlphaDropout(-0.5), "AlphaDropout: dropout probability");
        yield return Case<DTypeException>("whole numbers", () => Functional.Dropout(x.To(DType.Int64)), "result type Float can't be cast");
        yield return Case<ShapeException>("1d", () => Functional.Dropout1d(x), "Expected 2D or 3D input, but received a 1D input");
        yield return Case<ShapeException>("2d", () => Functional.Dropout2d(x), "Expected 3D or 4D input");
        yield return Case<ShapeException>("3d", () => Functional.Dropout3d(x), "Expected 4D or 5D input");
        yield return Case<ShapeException>("feature", () => Functional.FeatureAlphaDropout(x), "at least 2D");
    }

    [TestCaseSource(nameof(Errors))]
    public void IsRefused(Type exception, Func<object> call, string says) =>
        Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));
}
