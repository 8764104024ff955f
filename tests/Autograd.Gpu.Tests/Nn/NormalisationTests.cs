using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Nn;
using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Normalisation layers: running statistics, modes, half types, the number of kernels, and what is refused.</summary>
internal sealed class NormalisationTests
{
    private static IEnumerable<Device> Devices => TestDevices.All;

    [TestCaseSource(nameof(Devices))]
    public void BatchNormKeepsRunningStatisticsWithUnbiasedVariance(Device device)
    {
        var layer = new BatchNorm1d(1, momentum: 0.25, device: device);
        var x = Tensor.FromArray(new[,] { { 1f }, { 3 }, { 8 } }, device);

        // Mean 4, biased variance 26 / 3, unbiased 13.
        var y = layer.Call(x).Doubles();
        double deviation = Math.Sqrt(26 / 3.0 + 1e-5);
        Assert.That(y, Is.EqualTo(new[] { -3 / deviation, -1 / deviation, 4 / deviation }).Within(1e-6));
        Assert.That(layer.RunningMean!.Doubles(), Is.EqualTo(new[] { 1.0 }).Within(1e-6));
        Assert.That(layer.RunningVar!.Doubles(), Is.EqualTo(new[] { 0.75 + 0.25 * 13 }).Within(1e-6));
        layer.Call(x + 1);
        Assert.That(layer.RunningMean!.Doubles(), Is.EqualTo(new[] { 0.75 + 0.25 * 5 }).Within(1e-6));
        Assert.That(layer.NumBatchesTracked!.Item<long>(), Is.EqualTo(2));
        Assert.That(layer.NamedBuffers().Select(b => b.Name), Is.EqualTo(new[] { "running_mean", "running_var", "num_batches_tracked" }));
        Assert.That(layer.NamedParameters().Select(b => b.Name), Is.EqualTo(new[] { "weight", "bias" }));

        layer.Eval();
        var (mean, variance) = (layer.RunningMean!.Item<float>(), layer.RunningVar!.Item<float>());
        Assert.That(layer.Call(x).Doubles(), Is.EqualTo(new[] { 1.0, 3, 8 }.Select(v => (v - mean) / Math.Sqrt(variance + 1e-5))).Within(1e-6));
        Assert.That((layer.RunningMean!.Item<float>(), layer.NumBatchesTracked!.Item<long>()), Is.EqualTo((mean, 2L)), "evaluation changes nothing");
    }

    [TestCaseSource(nameof(Devices))]
    public void WithoutMomentumRunningStatisticsAreTheMeanOfAll(Device device)
    {
        var layer = new BatchNorm2d(1, momentum: null, affine: false, device: device);
        foreach (float value in new[] { 1f, 2, 6 })
        {
            layer.Call(Tensor.FromArray([value, value + 2], [1, 1, 1, 2], device));
        }

        Assert.That(layer.RunningMean!.Item<float>(), Is.EqualTo(4).Within(1e-6));
        Assert.That(layer.RunningVar!.Item<float>(), Is.EqualTo(2).Within(1e-6));
        Assert.That(layer.Weight, Is.Null);

        // Nothing is tracked: the batch's own statistics serve in evaluation too.
        var untracked = new BatchNorm2d(1, trackRunningStats: false, device: device);
        untracked.Eval();
        Assert.That(untracked.Call(Tensor.FromArray([1f, 3], [1, 1, 1, 2], device)).Doubles(), Is.EqualTo(new[] { -1.0, 1 }).Within(1e-5));
        Assert.That(untracked.NamedBuffers(), Is.Empty);
    }

    [TestCaseSource(nameof(Devices))]
    public void InstanceNormTracksTheMeanOverSamples(Device device)
    {
        var layer = new InstanceNorm1d(1, momentum: 1, affine: true, trackRunningStats: true, device: device);
        var x = Tensor.FromArray([1f, 3, 4, 8], [2, 1, 2], device);
        Assert.That(layer.Call(x).Doubles(), Is.EqualTo(new double[] { -1, 1, -1, 1 }).Within(1e-5));
        Assert.That(layer.RunningMean!.Item<float>(), Is.EqualTo(4).Within(1e-6));
        Assert.That(layer.RunningVar!.Item<float>(), Is.EqualTo(5).Within(1e-6), "the mean of 2 and 8");
        layer.Eval();
        Assert.That(layer.Call(x[0]).Doubles(), Is.EqualTo(new[] { -3 / Math.Sqrt(5), -1 / Math.Sqrt(5) }).Within(1e-5), "without a batch");
        Assert.That(new InstanceNorm2d(1).Call(Tensor.FromArray([1f, 3], [1, 1, 1, 2])).Doubles(), Is.EqualTo(new double[] { -1, 1 }).Within(1e-5));
        Assert.That(new InstanceNorm3d(1).Call(Tensor.FromArray([1f, 3], [1, 1, 1, 2])).Doubles(), Is.EqualTo(new double[] { -1, 1 }).Within(1e-5));
        Assert.That(new BatchNorm3d(1).Call(Tensor.FromArray([1f, 3], [1, 1, 1, 1, 2])).Doubles(), Is.EqualTo(new double[] { -1, 1 }).Within(1e-5));
        Assert.That(new GroupNorm(1, 2).Call(Tensor.FromArray([1f, 3], [1, 2])).Doubles(), Is.EqualTo(new double[] { -1, 1 }).Within(1e-5));
        Assert.That(new LocalResponseNorm(1, alpha: 1, beta: 1, k: 0).Call(Tensor.FromArray([2f, 4], [1, 2, 1])).Doubles(), Is.EqualTo(new[] { 0.5, 0.25 }).Within(1e-6));
    }

    [TestCaseSource(nameof(Devices))]
    public void HalfTypesNormaliseInFloat32BesideFloat32Parameters(Device device)
    {
        foreach (var dtype in device == Device.Cpu ? new[] { DType.Float16, DType.BFloat16 } : [DType.Float16])
        {
            // Sums of squares beyond 65504 would be infinite in float16.
            var layer = new BatchNorm1d(1, device: device);
            var x = Tensor.FromArray(new[,] { { 1024f }, { 3072 } }, device).To(dtype).RequiresGrad_();
            var y = layer.Call(x);
            Assert.That(y.DType, Is.EqualTo(dtype));
            Assert.That(y.Doubles(), Is.EqualTo(new double[] { -1, 1 }));
            y.Backward(Tensor.FromArray(new[,] { { 1f }, { 3 } }, device).To(dtype));
            Assert.That((x.Grad!.DType, layer.Weight!.Grad!.DType), Is.EqualTo((dtype, DType.Float32)));
            Assert.That(layer.Weight!.Grad!.Item<float>(), Is.EqualTo(2).Within(1e-5));
            Assert.That(layer.Bias!.Grad!.Item<float>(), Is.EqualTo(4));
            Assert.That(layer.RunningMean!.Item<float>(), Is.EqualTo(204.8).Within(1e-3));
        }
    }

    [TestCaseSource(nameof(Devices))]
    public void AnEmptyBatchChangesNoStatistics(Device device)
    {
        var layer = new BatchNorm2d(2, device: device);
        var y = layer.Call(Tensor.Zeros([0, 2, 3, 3], device: device));
        Assert.That(y.Shape, Is.EqualTo(Shape.Create([0, 2, 3, 3])));
        y.Sum().Backward();
        Assert.That(layer.Weight!.Grad!.Doubles(), Is.EqualTo(new double[2]));
        Assert.That(layer.RunningVar!.Doubles(), Is.EqualTo(new double[] { 1, 1 }));
    }

    [Test]
    public void ForwardIsOnePassAndOneKernelAndBackwardOneKernelForAllGradients()
    {
        using var mode = Laziness.Set(true);
        var layer = new BatchNorm2d(3);
        var x = Numbers.Double(1, [4, 3, 16, 16], -1, 1, Device.Cpu).To(DType.Float32).Detach().RequiresGrad_();
        x.Materialize();
        var gradient = Tensor.Ones([4, 3, 16, 16]).Mul_(2).Materialize();
        static bool IsLarge(KernelEvent e) => e.Shape.NumElements == 4 * 3 * 16 * 16;
        using var log = new KernelLog();
        var y = layer.Call(x).Relu().Materialize();
        TestContext.Out.WriteLine(log);
        Assert.That(log.Events.Count(IsLarge), Is.EqualTo(2), "moments, and normalisation with what follows");
        log.Clear();
        y.Backward(gradient);
        x.Grad!.Materialize();
        TestContext.Out.WriteLine(log);
        Assert.That(log.Events.Count(IsLarge), Is.EqualTo(2), "what follows, and all gradients");
    }

    [TestCaseSource(nameof(Devices))]
    public void StatisticsFarFromZeroAndOfManyElementsAreExact(Device device)
    {
        // A sum of squares around 0 would lose the variance altogether; the first element is far from all others. Several parts, runs and columns.
        foreach (Shape shape in device == Device.Cpu ? new Shape[] { [2, 3, 70_001], [300, 70], [2500, 40], [1100, 3, 5], [40, 1030], [1, 2, 140_000] } : [[2, 3, 601], [90, 5]])
        {
            var values = Numbers.Uniform(7, shape.NumElements, 9999, 10001);
            values[0] = 0;
            var x = Numbers.Of(values, shape, DType.Float32, device);
            var (mean, variance) = (Tensor.Zeros([shape[1]], device: device), Tensor.Zeros([shape[1]], device: device));
            BatchNorm(x, mean, variance, training: true, momentum: 1);
            int[] dims = shape.Rank == 2 ? [0] : [0, 2];
            var exact = x.To(DType.Float64);
            Assert.That(mean.Doubles(), Is.EqualTo(exact.Mean(dims).Doubles()).Within(1e-3));
            var expected = exact.Var(dims).Doubles();
            Assert.That(variance.Doubles().Zip(expected, (a, e) => Math.Abs(a - e) / e), Is.All.LessThan(1e-6), $"{shape}");
        }
    }

    [Test]
    public void RunningStatisticsUnderTransforms()
    {
        var layer = new BatchNorm1d(2, affine: false, dtype: DType.Float64);
        var x = Numbers.Double(3, [3, 2], -1, 1, Device.Cpu);
        Autodiff.Grad(v => (layer.Call(v) * x).Sum())(x);
        Assert.That(layer.RunningMean!.Doubles(), Is.EqualTo((x.Mean(0) * 0.1).Doubles()).Within(1e-15));
        var batch = Numbers.Double(4, [4, 3, 2], -1, 1, Device.Cpu);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Vmap(layer.Call)(batch))!.Message, Does.Contain("running statistics are shared by all samples"));
        layer.Eval();
        Assert.That(Autodiff.Vmap(layer.Call)(batch).Shape, Is.EqualTo(batch.Shape));
    }

    private static readonly Tensor X = Tensor.Zeros([2, 4, 3]);
    private static readonly Tensor Four = Tensor.Ones([4]);
    private static readonly Tensor Three = Tensor.Ones([3]);
    private static readonly Tensor Whole = Tensor.Zeros([2, 4, 3], DType.Int64);
    private static readonly Tensor Elsewhere = Tensor.Ones([4], device: Device.CpuKernels);

    private static IEnumerable<TestCaseData> Refusals()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("BatchNorm of one", () => new BatchNorm1d(3).Call(Tensor.Zeros([1, 3])), "Expected more than 1 value per channel when training, got input size [1, 3]");
        yield return Case<ShapeException>("BatchNorm running", () => BatchNorm(X, Three, Four), "running_mean should contain 4 elements not 3");
        yield return Case<ShapeException>("BatchNorm weight", () => BatchNorm(X, Four, Four, Three), "Expected weight to be a vector of size equal to the number of channels in input", "[3]");
        yield return Case<ArgumentException>("BatchNorm without running", () => BatchNorm(X, null, null), "Expected running_mean and running_var to be defined when training=False");
        yield return Case<DTypeException>("BatchNorm of whole numbers", () => BatchNorm(Whole, Four, Four), "int64");
        yield return Case<DeviceMismatchException>("BatchNorm elsewhere", () => BatchNorm(X, Four, Four, Elsewhere), "weight");
        yield return Case<ShapeException>("BatchNorm of a vector", () => BatchNorm(Four, Four, Four), "Expected at least 2 dimensions");
        yield return Case<ShapeException>("BatchNorm1d of images", () => new BatchNorm1d(4).Call(X.Unsqueeze(0)), "expected 2D or 3D input (got 4D input");
        yield return Case<ShapeException>("BatchNorm2d of lines", () => new BatchNorm2d(4).Call(X), "expected 4D input (got 3D input");
        yield return Case<ShapeException>("InstanceNorm of one", () => InstanceNorm(X[.., .., ..1]), "Expected more than 1 spatial element when training, got input size [2, 4, 1]");
        yield return Case<ShapeException>("InstanceNorm bias", () => InstanceNorm(X, bias: Three), "Expected bias");
        yield return Case<DTypeException>("InstanceNorm of whole numbers", () => InstanceNorm(Whole), "int64");
        yield return Case<ShapeException>("InstanceNorm2d of a vector", () => new InstanceNorm2d(4).Call(Four), "expected 3D or 4D input");
        yield return Case<ShapeException>("GroupNorm in thirds", () => GroupNorm(X, 3), "divisible by num_groups, but got input of shape [2, 4, 3] and num_groups=3");
        yield return Case<ShapeException>("GroupNorm of one", () => GroupNorm(X[.., .., 0], 4), "Expected more than 1 value per channel");
        yield return Case<ShapeException>("GroupNorm weight", () => GroupNorm(X, 2, Three), "Expected weight");
        yield return Case<ShapeException>("GroupNorm made in thirds", () => new GroupNorm(3, 4), "num_channels must be divisible by num_groups");
        yield return Case<ShapeException>("LocalResponseNorm of a matrix", () => LocalResponseNorm(X[0], 2), "Expected 3D or higher dimensionality input (got 2D input");
        yield return Case<ShapeException>("LocalResponseNorm of none", () => LocalResponseNorm(X, 0), "size must be positive");
        yield return Case<DTypeException>("LocalResponseNorm of whole numbers", () => LocalResponseNorm(Whole, 2), "int64");
        yield return Case<ShapeException>("Normalize dim", () => Normalize(Four), "Dimension out of range");
        yield return Case<DTypeException>("Normalize whole numbers", () => Normalize(Whole), "int64");
        yield return Case<ArgumentNullException>("Normalize nothing", () => Normalize(null!));
    }

    [TestCaseSource(nameof(Refusals))]
    public void IsRefused(Type exception, Func<object> call, string[] says)
    {
        string message = Assert.Throws(exception, () => call())!.Message;
        foreach (string phrase in says)
        {
            Assert.That(message, Does.Contain(phrase));
        }
    }
}
