using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Convolutions beyond the rows of the table: sizes that are cut into bands, slices and blocks, half types, threads, nothing, errors, layers.</summary>
internal sealed class ConvolutionTests
{
    private sealed record Case(string Name, Shape Input, Shape Weight, Sizes Stride, Sizes Padding, Sizes Dilation, long Groups);

    private static IEnumerable<Case> Cases()
    {
        yield return new("channels in several slices", [2, 70, 5, 4], [21, 70, 3, 3], 1, 1, 1, 1);
        yield return new("wide rows in several bands", [1, 8, 70, 150], [2, 8, 2, 1], 1, (1, 2), 1, 1);
        yield return new("a long row", [1, 16, 2, 5003], [2, 16, 1, 3], (1, 2), (0, 1), 1, 1);
        yield return new("stride and dilation, unlike", [2, 3, 40, 37], [13, 3, 3, 4], (2, 3), (2, 1), (2, 1), 1);
        yield return new("a stride beyond the kernel", [3, 4, 11, 12], [6, 4, 1, 2], (2, 4), 0, 1, 1);
        yield return new("depthwise", [3, 6, 18, 19], [12, 1, 5, 3], 1, (2, 1), 1, 6);
        yield return new("groups of several", [2, 12, 7, 7], [9, 4, 3, 3], (1, 2), 1, 1, 3);
        yield return new("small images, many", [37, 9, 5, 5], [18, 9, 3, 3], 1, 1, 1, 1);
        yield return new("more padding than kernel", [2, 2, 3, 3], [2, 2, 2, 2], 1, (3, 4), 1, 1);
        yield return new("one tap", [2, 5, 6, 7], [4, 5, 1, 1], 1, 0, 1, 1);
        yield return new("one tap with padding", [2, 5, 6, 7], [4, 5, 1, 1], 1, 1, 1, 1);
        yield return new("a volume", [2, 3, 6, 9, 8], [4, 3, 2, 3, 3], (2, 1, 2), 1, (1, 2, 1), 1);
        yield return new("depthwise of three taps, wide", [2, 5, 9, 37], [5, 1, 3, 3], 1, 1, 1, 5);
        yield return new("depthwise of three taps, few rows", [2, 3, 3, 9], [6, 1, 3, 3], 1, (1, 2), 1, 3);
        yield return new("depthwise, stride and dilation", [2, 3, 17, 21], [3, 1, 3, 3], (2, 3), (1, 4), (1, 2), 3);
        yield return new("depthwise in bands", [1, 2, 60, 160], [4, 1, 3, 3], 1, 1, 1, 2);
        yield return new("depthwise of three taps, a vector a row", [2, 3, 4, 16], [6, 1, 3, 3], 1, 1, 1, 3);
        yield return new("depthwise of three taps, one row", [2, 3, 1, 9], [3, 1, 3, 3], 1, 1, 1, 3);
        yield return new("depthwise of three taps, a row too many for a band", [1, 2, 33, 8], [2, 1, 3, 3], 1, 1, 1, 2);
        yield return new("depthwise, narrower than a vector", [2, 3, 5, 2], [3, 1, 3, 1], 1, 1, 1, 3);
        yield return new("depthwise, a volume", [2, 2, 3, 5, 9], [2, 1, 2, 3, 3], 1, 1, (1, 2, 1), 2);
        yield return new("depthwise planes, a stride between them", [2, 3, 5, 6, 20], [3, 1, 1, 3, 3], (2, 1, 1), (0, 1, 1), 1, 3);
        yield return new("depthwise planes, every third of some and padding", [1, 2, 5, 5, 9], [2, 1, 1, 3, 3], (3, 1, 1), 1, 1, 2);
        yield return new("one depthwise plane, beside which the taps look", [1, 2, 1, 6, 20], [2, 1, 1, 3, 3], (3, 1, 1), 1, 1, 2);
        yield return new("one channel", [2, 1, 6, 150], [1, 1, 3, 3], 1, 1, 1, 1);
        yield return new("three channels to four, long rows", [1, 3, 5, 201], [4, 3, 3, 3], 1, 1, 1, 1);
        yield return new("two channels to thirty-five", [1, 2, 23, 25], [35, 2, 3, 3], 1, 1, 1, 1);
        yield return new("small images, many channels", [5, 20, 7, 7], [66, 20, 3, 3], 1, 1, 1, 1);
        yield return new("small images, stride", [5, 4, 9, 8], [70, 4, 3, 3], 2, 1, 1, 1);
        yield return new("small images, many channels in", [4, 65, 6, 7], [5, 65, 3, 3], 1, 1, 1, 1);
        yield return new("small images, many channels in, stride", [4, 64, 6, 7], [3, 64, 3, 3], 2, 1, 1, 1);
        yield return new("small images, several slices of gathered columns", [4, 66, 3, 3], [64, 66, 3, 3], 1, 1, 1, 1);
        yield return new("few columns, shifted", [1, 65, 8, 4], [66, 65, 3, 3], 1, 1, 1, 1);
        yield return new("few columns, shifted, stride", [1, 3, 16, 8], [71, 3, 3, 3], 2, 1, 1, 1);
        yield return new("few columns, shifted, stride of rows", [1, 64, 16, 3], [5, 64, 3, 3], (2, 1), 1, 1, 1);
        yield return new("few columns, shifted, dilation", [2, 64, 8, 4], [4, 64, 3, 3], 1, 2, 2, 1);
        yield return new("few columns, shifted, no padding", [1, 3, 10, 6], [70, 3, 3, 3], 1, 0, 1, 1);
        yield return new("few columns, shifted, a volume", [1, 2, 3, 8, 4], [64, 2, 2, 3, 3], 1, 1, 1, 1);
        yield return new("few columns, shifted, groups", [1, 6, 8, 4], [128, 3, 3, 3], 1, 1, 1, 2);
        yield return new("vectors of images", [16, 17, 5, 6], [21, 17, 3, 3], 1, 1, 1, 1);
        yield return new("vectors of images, the last one not full", [31, 16, 3, 5], [20, 16, 3, 3], 1, 1, 1, 1);
        yield return new("vectors of images, more padding than kernel", [16, 16, 2, 3], [17, 16, 2, 2], 1, (3, 2), 1, 1);
        yield return new("vectors of images, several slices and blocks of channels", [16, 66, 2, 3], [26, 66, 3, 3], 1, 1, 1, 1);
        yield return new("vectors of images, groups and dilation", [16, 34, 6, 5], [32, 17, 3, 3], 1, 2, 2, 2);
        yield return new("vectors of images, a volume", [16, 16, 3, 4, 3], [18, 16, 2, 3, 3], 1, (1, 1, 0), 1, 1);
        yield return new("vectors of images, an even kernel", [32, 16, 1, 9], [16, 16, 1, 4], 1, (0, 2), 1, 1);
        yield return new("one tap, more channels out", [3, 18, 23, 25], [37, 18, 1, 1], 1, 0, 1, 1);
        yield return new("one tap, groups", [2, 36, 5, 5], [40, 18, 1, 1], 1, 0, 1, 2);
    }

    private static readonly HostVectorWidth[] s_widths = [.. Enum.GetValues<HostVectorWidth>().Where(w => w <= HostMatMul.Widest)];

    [Test]
    public void EveryCutComputesTheDefinition([ValueSource(nameof(Cases))] object item, [ValueSource(nameof(s_widths))] object width)
    {
        var x = (Case)item;
        var widest = HostMatMul.Width;
        try
        {
            HostMatMul.Width = (HostVectorWidth)width;
            Check(x, DType.Float32, Device.Cpu, 1e-5);
            Check(x, DType.Float64, Device.Cpu, 1e-13);
        }
        finally
        {
            HostMatMul.Width = widest;
        }
    }

    [Test]
    public void TheKernelsForDevicesAgree([Values(0, 3, 6, 11)] int number)
    {
        var x = Cases().ElementAt(number);
        x = number switch
        {
            0 => x with { Input = [8, 2, 9, 8], Weight = [3, 2, 2, 2] }, // Long sums in parts.
            3 => x with { Input = [1, 3, 16, 15] },
            _ => x,
        };

        foreach (var device in TestDevices.All.Where(d => d != Device.Cpu))
        {
            Check(x, DType.Float32, device, 1e-5);
        }
    }

    private static void Check(Case c, DType dtype, Device device, double tolerance)
    {
        int rank = c.Input.Rank - 2;
        var (x, w) = (Numbers.Of(Numbers.Uniform(1, c.Input.NumElements, -1, 1), c.Input, dtype, device), Numbers.Of(Numbers.Uniform(2, c.Weight.NumElements, -1, 1), c.Weight, dtype, device));
        Tensor Apply(Tensor a, Tensor b) => rank == 2
            ? Functional.Conv2d(a, b, stride: c.Stride, padding: c.Padding, dilation: c.Dilation, groups: c.Groups)
            : Functional.Conv3d(a, b, stride: c.Stride, padding: c.Padding, dilation: c.Dilation, groups: c.Groups);
        var (leafX, leafW) = (x.Detach().RequiresGrad_(), w.Detach().RequiresGrad_());
        var y = Apply(leafX, leafW);
        var expected = Naive.Of(c, x.Doubles(), w.Doubles(), y.Shape);
        Compare(y, expected.Output, tolerance * 10, "output");
        var g = Numbers.Of(Numbers.Uniform(3, y.NumElements, -1, 1), y.Shape, dtype, device);
        y.Backward(g);
        var (dx, dw) = expected.Gradients(g.Doubles());
        Compare(leafX.Grad!, dx, tolerance * 10, "the input's gradient");
        Compare(leafW.Grad!, dw, tolerance * 100, "the weight's gradient");
    }

    private static void Compare(Tensor actual, double[] expected, double tolerance, string what)
    {
        var values = actual.Doubles();
        Assert.That(values, Has.Length.EqualTo(expected.Length));
        for (int i = 0; i < values.Length; i++)
        {
            Assert.That(values[i], Is.EqualTo(expected[i]).Within(tolerance), $"{what}, element {i} of {actual.Shape}");
        }
    }

    [Test]
    public void TheResultDoesNotDependOnTheNumberOfThreads([Values(1, 24)] int groups, [Values(5, 20)] int size, [Values(8, 16)] int batch)
    {
        Shape weights = groups == 1 ? [66, 24, 3, 3] : [24, 1, 3, 3];
        var (x, w) = (Tensor.FromArray(Array.ConvertAll(Numbers.Uniform(1, batch * 24 * size * size, -1, 1), v => (float)v), [batch, 24, size, size], requiresGrad: true), Numbers.Of(Numbers.Uniform(2, weights.NumElements, -1, 1), weights, DType.Float32, Device.Cpu).RequiresGrad_());
        float[][] Run(int threads)
        {
            HostParallel.ThreadCount = threads;
            (x.Grad, w.Grad) = (null, null);
            var y = Functional.Conv2d(x, w, padding: 1, groups: groups);
            y.Backward(y.Detach());
            return [y.ToArray<float>(), x.Grad!.ToArray<float>(), w.Grad!.ToArray<float>()];
        }

        int before = HostParallel.ThreadCount;
        try
        {
            var alone = Run(1);
            foreach (int threads in new[] { 2, 5 })
            {
                Assert.That(Run(threads), Is.EqualTo(alone), $"{threads} threads");
            }
        }
        finally
        {
            HostParallel.ThreadCount = before;
        }
    }

    /// <summary>What is multiplied in vectors beside the definition's own products must not let an infinity reach other taps.</summary>
    [Test]
    public void AnInfiniteInputReachesTheTapsThatSeeIt([Values(1, 3, 40)] int outputs, [Values(1, 2)] int stride, [Values] bool isDepthwise)
    {
        int inputs = isDepthwise ? outputs : 2, groups = isDepthwise ? outputs : 1;
        var c = new Case("", [2, inputs, 6, 11], [outputs, inputs / groups, 3, 3], stride, 1, 1, groups);
        var numbers = Numbers.Uniform(1, c.Input.NumElements, -1, 1);
        foreach (var (row, column) in new[] { (0, 0), (1, 10), (5, 5) })
        {
            var x = (double[])numbers.Clone();
            x[row * 11 + column] = double.PositiveInfinity;
            foreach (var device in TestDevices.All.Where(d => d == Device.Cpu || outputs == 3))
            {
                var input = Numbers.Of(x, c.Input, DType.Float32, device);
                var weight = Tensor.Ones(c.Weight, device: device).RequiresGrad_();
                var y = Functional.Conv2d(input, weight, stride: stride, padding: 1, groups: groups);
                var g = Numbers.Uniform(3, y.NumElements, 0.1, 1);
                var expected = Naive.Of(c, x, weight.Doubles(), y.Shape);
                Compare(y.Detach(), expected.Output, 1e-4, "output");
                y.Backward(Numbers.Of(g, y.Shape, DType.Float32, device));
                var (_, dw) = expected.Gradients(g);
                Assert.That(dw.Count(double.IsInfinity), Is.GreaterThan(0).And.LessThan(dw.Length));
                Compare(weight.Grad!, dw, 1e-3, $"the weight's gradient on {device}");
            }
        }
    }

    /// <summary>Vectors of images leave the products with the padding out.</summary>
    [Test]
    public void AnInfiniteWeightDoesNotMeetThePaddingOfSmallImages([ValueSource(nameof(s_widths))] object width)
    {
        var c = new Case("", [16, 16, 3, 4], [17, 16, 3, 3], 1, 1, 1, 1);
        var widest = HostMatMul.Width;
        try
        {
            HostMatMul.Width = (HostVectorWidth)width;
            var x = Numbers.Uniform(1, c.Input.NumElements, 0.1, 1);
            var w = Numbers.Uniform(2, c.Weight.NumElements, 0.1, 1);
            w[4 * 9] = double.PositiveInfinity;
            var input = Numbers.Of(x, c.Input, DType.Float32, Device.Cpu).RequiresGrad_();
            var y = Functional.Conv2d(input, Numbers.Of(w, c.Weight, DType.Float32, Device.Cpu), padding: 1);
            var expected = Naive.Of(c, x, w, y.Shape);
            Assert.That(expected.Output.Count(double.IsInfinity), Is.EqualTo(16 * 2 * 3));
            Compare(y.Detach(), expected.Output, 1e-4, "output");
            var g = Numbers.Uniform(3, y.NumElements, 0.1, 1);
            y.Backward(Numbers.Of(g, y.Shape, DType.Float32, Device.Cpu));
            Compare(input.Grad!, expected.Gradients(g).Input, 1e-4, "the input's gradient");
        }
        finally
        {
            HostMatMul.Width = widest;
        }
    }

    [Test]
    public void AnInfiniteGradientTimesThePaddingIsNan([Values(3, 16, 20)] int width, [Values(0, 5)] int row)
    {
        var x = Tensor.Ones([1, 2, 6, width], device: Device.Cpu);
        var weight = Tensor.Ones([2, 1, 3, 3], device: Device.Cpu).RequiresGrad_();
        var g = Numbers.Uniform(3, 2 * 6 * width, 0.1, 1);
        g[row * width + 1] = double.PositiveInfinity;
        Functional.Conv2d(x, weight, padding: 1, groups: 2).Backward(Numbers.Of(g, [1, 2, 6, width], DType.Float32, Device.Cpu));
        double[] dw = weight.Grad!.Doubles();
        for (int tap = 0; tap < 9; tap++)
        {
            Assert.That(dw[tap], Is.EqualTo(tap / 3 == (row == 0 ? 0 : 2) ? double.NaN : double.PositiveInfinity), $"tap {tap}");
            Assert.That(dw[9 + tap], Is.InRange(0.0, 6 * width), $"the other channel's tap {tap}");
        }
    }

    [Test]
    public void HalfTypesComputeInFloat32([Values(DType.Float16, DType.BFloat16)] DType dtype)
    {
        foreach (var device in TestDevices.All)
        {
            Tensor Of(int seed, Shape shape) => Numbers.Of(Numbers.Uniform(seed, shape.NumElements, -1, 1), shape, DType.Float32, device).To(dtype);
            Tensor x = Of(1, [1, 8, 3, 3]).RequiresGrad_(), w = Of(2, [2, 8, 3, 3]).RequiresGrad_(), b = Of(3, [2]).RequiresGrad_();
            var y = Functional.Conv2d(x, w, b, padding: 1);
            var exact = Functional.Conv2d(x.Detach().To(DType.Float32), w.Detach().To(DType.Float32), b.Detach().To(DType.Float32), padding: 1);
            Assert.That(y.DType, Is.EqualTo(dtype));
            Assert.That(y.Doubles(), Is.EqualTo(exact.To(dtype).Doubles()), "rounded once");
            y.Sum().Backward();
            Assert.That((x.Grad!.DType, w.Grad!.DType, b.Grad!.DType), Is.EqualTo((dtype, dtype, dtype)));
            Assert.That(Functional.Fold(Functional.Unfold(x.Detach(), 3, padding: 1), 3, 3, padding: 1).DType, Is.EqualTo(dtype));
        }
    }

    [Test]
    public void ABatchOfNothingHasNoOutputAndAWeightGradientOfZeros()
    {
        foreach (var device in TestDevices.All)
        {
            var (x, w) = (Tensor.Zeros([0, 2, 4, 4], device: device).RequiresGrad_(), Tensor.Ones([3, 2, 3, 3], device: device).RequiresGrad_());
            var y = Functional.Conv2d(x, w, Tensor.Ones([3], device: device));
            Assert.That(y.Shape, Is.EqualTo(Sized(0, 3, 2, 2)));
            y.Sum().Backward();
            Assert.That(x.Grad!.Shape, Is.EqualTo(x.Shape));
            Assert.That(w.Grad!.Doubles(), Has.Length.EqualTo(54).And.All.Zero);
            Assert.That(Functional.ConvTranspose2d(y.Detach(), w.Detach()).Shape, Is.EqualTo(Sized(0, 2, 4, 4)));
            Assert.That(Functional.Unfold(x.Detach(), 2).Shape, Is.EqualTo(Sized(0, 8, 9)));
        }
    }

    [Test]
    public void OnlyWhatADerivativeReadsIsKept()
    {
        var (x, w) = (Tensor.Ones([1, 1, 3, 3]), Tensor.Ones([1, 1, 2, 2]).RequiresGrad_());
        var y = Functional.Conv2d(x, w);
        w.Detach().Fill_(5); // no derivative reads the weight
        y.Sum().Backward();
        Assert.That(w.Grad!.Doubles(), Is.All.EqualTo(4.0));
        Assert.That(y.GradFn!.Name, Is.EqualTo("ConvolutionBackward0"));
    }

    [Test]
    public void LayersStartAsPyTorchsAndTrain()
    {
        Tensor.ManualSeed(1);
        var layer = new Conv2d(4, 6, (3, 5), padding: ConvolutionPadding.Same, groups: 2);
        double bound = 1 / Math.Sqrt(2 * 3 * 5);
        Assert.That((layer.Weight.Shape, layer.Bias!.Shape), Is.EqualTo((Sized(6, 2, 3, 5), Sized(6))));
        Assert.That(layer.Weight.Abs().Max().Item<float>(), Is.InRange(0.8 * bound, bound));
        Assert.That(layer.Call(Tensor.Ones([2, 4, 5, 7])).Shape, Is.EqualTo(Sized(2, 6, 5, 7)));
        Assert.That(layer.NamedParameters().Select(p => p.Name), Is.EqualTo(new[] { "weight", "bias" }));
        var network = new Sequential(
            new Conv1d(2, 3, 2, stride: 2), new ConvTranspose1d(3, 4, 3, stride: 2, outputPadding: 1, bias: false), new Flatten());
        Assert.That(network.Call(Tensor.Ones([5, 2, 6])).Shape, Is.EqualTo(Sized(5, 4 * 8)));
        Assert.That(new Conv3d(1, 2, 2).Call(Tensor.Ones([1, 3, 3, 3])).Shape, Is.EqualTo(Sized(2, 2, 2, 2)));
        Assert.That(new ConvTranspose2d(1, 2, 2, stride: 2).Call(Tensor.Ones([1, 1, 3, 3])).Shape, Is.EqualTo(Sized(1, 2, 6, 6)));
        Assert.That(new ConvTranspose3d(1, 2, 2, dilation: 2).Call(Tensor.Ones([1, 1, 2, 2, 2])).Shape, Is.EqualTo(Sized(1, 2, 4, 4, 4)));
        var patches = new Unfold(2, stride: 2).Call(Tensor.Arange(16.0).Reshape(1, 1, 4, 4));
        Assert.That(new Fold(4, 2, stride: 2).Call(patches).Doubles(), Is.EqualTo(Enumerable.Range(0, 16)), "patches that do not overlap");
    }

    private static Shape Sized(params long[] sizes) => sizes;

    private static readonly Tensor X = Tensor.Zeros([1, 4, 5, 5]);
    private static readonly Tensor W = Tensor.Zeros([6, 2, 3, 3]);

    private static IEnumerable<TestCaseData> Refused()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("channels", () => Functional.Conv2d(X, W), "Given groups=1, weight of size [6, 2, 3, 3], expected input[1, 4, 5, 5] to have 2 channels, but got 4 channels instead");
        yield return Case<ShapeException>("groups that do not divide", () => Functional.Conv2d(X, W, groups: 4), "expected weight to be divisible by 4 at dimension 0, but got weight of size [6, 2, 3, 3] instead");
        yield return Case<ShapeException>("more groups than outputs", () => Functional.Conv2d(X, W, groups: 7), "expected weight to be at least 7 at dimension 0");
        yield return Case<ShapeException>("groups", () => Functional.Conv2d(X, W, groups: 0), "non-positive groups is not supported");
        yield return Case<ShapeException>("kernel size", () => Functional.Conv2d(X, W, dilation: 3, padding: (0, 2), groups: 2), "Calculated padded input size per channel: (5 x 9). Kernel size: (7 x 7). Kernel size can't be greater than actual input size");
        yield return Case<ShapeException>("rank", () => Functional.Conv2d(X[0, 0], W), "Expected 3D (unbatched) or 4D (batched) input, but got input of size: [5, 5]", "Conv2d");
        yield return Case<ShapeException>("weight's rank", () => Functional.Conv1d(X[0], W), "expected a weight of 3 dimensions");
        yield return Case<ShapeException>("stride", () => Functional.Conv2d(X, W, stride: 0, groups: 2), "non-positive stride is not supported");
        yield return Case<ShapeException>("strides", () => Functional.Conv2d(X, W, stride: [1, 1, 1], groups: 2), "stride must either be a single int, or a tuple of two ints");
        yield return Case<ShapeException>("padding", () => Functional.Conv2d(X, W, padding: -1, groups: 2), "negative padding is not supported");
        yield return Case<ShapeException>("dilation", () => Functional.Conv2d(X, W, dilation: 0, groups: 2), "dilation should be greater than zero");
        yield return Case<ShapeException>("Same with a stride", () => Functional.Conv2d(X, W, stride: 2, padding: ConvolutionPadding.Same, groups: 2), "padding='same' is not supported for strided convolutions");
        yield return Case<ShapeException>("bias", () => Functional.Conv2d(X, W, Tensor.Zeros([5]), groups: 2), "expected bias to be 1-dimensional with 6 elements, but got bias of size [5] instead");
        yield return Case<DTypeException>("dtypes", () => Functional.Conv2d(X, W.To(DType.Float64), groups: 2), "Input type (float32) and weight type (float64) should be the same");
        yield return Case<DTypeException>("bias dtype", () => Functional.Conv2d(X, W, Tensor.Zeros([6], DType.Float64), groups: 2), "Input type (float32) and bias type (float64) should be the same");
        yield return Case<DTypeException>("integers", () => Functional.Conv2d(X.To(DType.Int64), W.To(DType.Int64), groups: 2), "not implemented for int64");
        yield return Case<DeviceMismatchException>("devices", () => Functional.Conv2d(X, W.To(Device.CpuKernels), groups: 2), "cpu-kernels");
        yield return Case<ShapeException>("transposed channels", () => Functional.ConvTranspose2d(X, W), "Given transposed=1, weight of size [6, 2, 3, 3], expected input[1, 4, 5, 5] to have 6 channels, but got 4 channels instead");
        yield return Case<ShapeException>("output padding", () => Functional.ConvTranspose2d(X, W[..4], outputPadding: 1), "output padding must be smaller than either stride or dilation");
        yield return Case<ShapeException>("cut to nothing", () => Functional.ConvTranspose2d(X, W[..4], padding: 4), "Calculated output size per channel: (-1 x -1). Output size is too small");
        yield return Case<DTypeException>("transposed dtypes", () => Functional.ConvTranspose2d(X, W.To(DType.Float64)), "float64");
        yield return Case<ShapeException>("Unfold of a vector", () => Functional.Unfold(X[0, 0, 0], 2), "Expected 3D or 4D (batch mode) tensor", "[5]");
        yield return Case<ShapeException>("Unfold without patches", () => Functional.Unfold(X, 6), "calculated shape of the array of sliding blocks as (0, 0), but its components must be at least one");
        yield return Case<DTypeException>("Unfold of integers", () => Functional.Unfold(X.To(DType.Int32), 2), "int32");
        yield return Case<ShapeException>("Unfold stride", () => Functional.Unfold(X, 2, stride: 0), "non-positive stride");
        yield return Case<ShapeException>("Fold of other channels", () => Functional.Fold(X[0], 5, 3), "divisible by the product of kernel_size", "input.size(1)=5");
        yield return Case<ShapeException>("Fold of other patches", () => Functional.Fold(X[0, 0][..4], 5, 2), "number of sliding blocks 4 * 4 = 16, but got input.size(2)=5");
        yield return Case<ShapeException>("Fold of images", () => Functional.Fold(X, 5, 2), "Expected 2D or 3D (batch mode) tensor");
        yield return Case<DTypeException>("Fold of booleans", () => Functional.Fold(X[0] > 0, 5, 2), "bool");
        yield return Case<ShapeException>("a layer's groups", () => new Conv2d(4, 6, 3, groups: 3), "in_channels must be divisible by groups");
    }

    [TestCaseSource(nameof(Refused))]
    public void WhatDoesNotFitIsRefused(Type type, Func<object> call, string[] says)
    {
        var error = Assert.Throws(type, () => call());
        foreach (string part in says)
        {
            Assert.That(error!.Message, Does.Contain(part));
        }
    }

    /// <summary>A convolution of flat arrays by its definition: all triples of elements whose product it sums, and so its gradients.</summary>
    private sealed class Naive
    {
        private readonly List<(int X, int W, int Y)> _products = [];
        private readonly double[] _x, _w;

        private Naive(double[] x, double[] w, int outputs)
        {
            (_x, _w) = (x, w);
            Output = new double[outputs];
        }

        public double[] Output { get; }

        public static Naive Of(Case c, double[] x, double[] w, Shape output)
        {
            int rank = output.Rank - 2;
            long[] Three(Shape shape) => [.. Enumerable.Repeat(1L, 3 - rank), .. shape.AsSpan()[2..]];
            long[] Each(Sizes sizes, long missing) => [.. Enumerable.Repeat(missing, 3 - rank), .. sizes.For("", "", rank)];
            var (size, kernel, places) = (Three(c.Input), Three(c.Weight), Three(output));
            var (stride, padding, dilation) = (Each(c.Stride, 1), Each(c.Padding, 0), Each(c.Dilation, 1));
            var result = new Naive(x, w, checked((int)output.NumElements));
            long perGroup = c.Weight[0] / c.Groups, y = 0;
            for (long n = 0; n < output[0]; n++)
            {
                for (long o = 0; o < output[1]; o++)
                {
                    foreach (var at in NdArray.Indices(places))
                    {
                        for (long i = 0; i < c.Weight[1]; i++)
                        {
                            foreach (var k in NdArray.Indices(kernel))
                            {
                                long d = at[0] * stride[0] + k[0] * dilation[0] - padding[0], h = at[1] * stride[1] + k[1] * dilation[1] - padding[1];
                                long v = at[2] * stride[2] + k[2] * dilation[2] - padding[2];
                                if (d >= 0 && d < size[0] && h >= 0 && h < size[1] && v >= 0 && v < size[2])
                                {
                                    long channel = n * c.Input[1] + o / perGroup * c.Weight[1] + i;
                                    long weight = (((o * c.Weight[1] + i) * kernel[0] + k[0]) * kernel[1] + k[1]) * kernel[2] + k[2];
                                    result.Add((int)(((channel * size[0] + d) * size[1] + h) * size[2] + v), (int)weight, (int)y);
                                }
                            }
                        }

                        y++;
                    }
                }
            }

            return result;
        }

        public (double[] Input, double[] Weight) Gradients(double[] gradient)
        {
            var (input, weight) = (new double[_x.Length], new double[_w.Length]);
            foreach (var (x, w, y) in _products)
            {
                input[x] += gradient[y] * _w[w];
                weight[w] += gradient[y] * _x[x];
            }

            return (input, weight);
        }

        private void Add(int x, int w, int y)
        {
            _products.Add((x, w, y));
            Output[y] += _x[x] * _w[w];
        }
    }
}
