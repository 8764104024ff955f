using Autograd.Gpu.Nn;
using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Padding, interpolation and shuffling: PyTorch's documented values, dtypes, layers, and what is refused.</summary>
internal sealed class ResampleTests
{
    private static IEnumerable<Device> Devices => TestDevices.All;

    private static Tensor Counting(Device device, Shape shape, double from = 0) =>
        Tensor.FromArray([.. Enumerable.Range(0, (int)shape.NumElements).Select(i => (float)(i + from))], shape, device);

    [TestCaseSource(nameof(Devices))]
    public void DocumentedExamples(Device device)
    {
        var x = Counting(device, [1, 1, 2, 2], 1);
        Assert.That(new Upsample(scaleFactor: 2).Call(x).Doubles(), Is.EqualTo(new double[] { 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4 }));
        Assert.That(
            new Upsample(scaleFactor: 2, mode: InterpolationMode.Bilinear).Call(x).Doubles(),
            Is.EqualTo(new[] { 1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4 }));
        Assert.That(
            new Upsample(scaleFactor: 2, mode: InterpolationMode.Bilinear, alignCorners: true).Call(x)[0, 0, 1].Doubles(),
            Is.EqualTo(new[] { 5 / 3.0, 2, 7 / 3.0, 8 / 3.0 }).Within(1e-6));
        Assert.That(Interpolate(Counting(device, [1, 1, 2, 4]), size: 2, mode: InterpolationMode.Area).Doubles(), Is.EqualTo(new[] { 0.5, 2.5, 4.5, 6.5 }));

        var nine = Counting(device, [1, 1, 3, 3]);
        Assert.That(new ReflectionPad2d(2).Call(nine)[0, 0, 0].Doubles(), Is.EqualTo(new double[] { 8, 7, 6, 7, 8, 7, 6 }));
        Assert.That(new ReflectionPad2d([1, 1, 2, 0]).Call(nine)[0, 0, ^1].Doubles(), Is.EqualTo(new double[] { 7, 6, 7, 8, 7 }));
        Assert.That(new ReplicationPad2d([1, 1, 2, 0]).Call(nine)[0, 0, 0].Doubles(), Is.EqualTo(new double[] { 0, 0, 1, 2, 2 }));
        Assert.That(new CircularPad2d([1, 1, 2, 0]).Call(nine)[0, 0, 0].Doubles(), Is.EqualTo(new double[] { 5, 3, 4, 5, 3 }));
        Assert.That(new ConstantPad1d((3, 1), 3.5).Call(Counting(device, [1, 1, 2])).Doubles(), Is.EqualTo(new[] { 3.5, 3.5, 3.5, 0, 1, 3.5 }));
        Assert.That(PixelUnshuffle(PixelShuffle(Counting(device, [1, 9, 4, 4]), 3), 3).Doubles(), Is.EqualTo(Counting(device, [144]).Doubles()));
        Assert.That(new ChannelShuffle(2).Call(Counting(device, [1, 4, 1])).Doubles(), Is.EqualTo(new double[] { 0, 2, 1, 3 }));
    }

    [TestCaseSource(nameof(Devices))]
    public void OtherDTypesAndEmptyBatches(Device device)
    {
        foreach (var dtype in new[] { DType.Float16, DType.BFloat16, DType.Float64 })
        {
            var x = Counting(device, [1, 1, 4]).To(dtype).RequiresGrad_();
            var y = Interpolate(x, size: 7, mode: InterpolationMode.Linear, alignCorners: true);
            Assert.That(y.DType, Is.EqualTo(dtype));
            Assert.That(y.Doubles(), Is.EqualTo(new[] { 0, 0.5, 1, 1.5, 2, 2.5, 3 }));
            (y + Pad(x, [2, 1], PadMode.Replicate)).Backward(Tensor.OnesLike(y));
            Assert.That(x.Grad!.DType, Is.EqualTo(dtype));
            Assert.That(x.Grad!.Doubles(), Is.EqualTo(new[] { 1.5 + 3, 2 + 1, 2 + 1, 1.5 + 2 }));
        }

        foreach (var dtype in new[] { DType.Bool, DType.UInt8, DType.Int32, DType.Int64 })
        {
            var x = Counting(device, [3]).To(dtype);
            Assert.That(Pad(x, [1, 0], value: 1).DType, Is.EqualTo(dtype));
            Assert.That(Pad(x, [1, 0], value: 1).Doubles(), Is.EqualTo(new double[] { 1, 0, 1, dtype == DType.Bool ? 1 : 2 }));
            Assert.That(Pad(x, [1, 0], PadMode.Circular).Doubles()[0], Is.EqualTo(dtype == DType.Bool ? 1 : 2));
        }

        var none = Tensor.Zeros([0, 2, 3, 3], device: device);
        Assert.That(Pad(none, [1, 1, 0, 0]).Shape, Is.EqualTo(Shape.Create([0, 2, 3, 5])));
        Assert.That(Pad(none, [1, 1], PadMode.Reflect).Shape, Is.EqualTo(Shape.Create([0, 2, 3, 5])));
        Assert.That(Interpolate(none, scaleFactor: 2, mode: InterpolationMode.Bicubic).Shape, Is.EqualTo(Shape.Create([0, 2, 6, 6])));
        Assert.That(Pad(Counting(device, [2]), [-2, 3]).Doubles(), Is.EqualTo(new double[3]), "everything cropped");
    }

    [Test]
    public void FactorsAndSizesAreRead()
    {
        var x = Counting(Device.Cpu, [1, 1, 10]);
        Assert.That(Interpolate(x, scaleFactor: 0.35).Shape[-1], Is.EqualTo(3));

        // 10 * 0.35 rounded down is 3; by the factor the second sample lies at 1 / 0.35, by the sizes at 10 / 3.
        Assert.That(Interpolate(x, scaleFactor: 0.35).Doubles()[1], Is.EqualTo(2));
        Assert.That(Interpolate(x, scaleFactor: 0.35, recomputeScaleFactor: true).Doubles()[1], Is.EqualTo(3));
        Assert.That(new PixelShuffle(2).Call(Counting(Device.Cpu, [4, 1, 1])).Shape, Is.EqualTo(Shape.Create([1, 2, 2])));
        Assert.That(new PixelUnshuffle(2).Call(Counting(Device.Cpu, [1, 2, 2])).Shape, Is.EqualTo(Shape.Create([4, 1, 1])));
        foreach (var (layer, rank, expected) in new (Module, int, double)[]
        {
            (new ConstantPad2d(1, 9), 2, 9), (new ConstantPad3d(1, 9), 3, 9), (new ZeroPad1d(1), 1, 0), (new ZeroPad2d(1), 2, 0), (new ZeroPad3d(1), 3, 0), (new ReflectionPad1d(1), 1, 2),
            (new ReflectionPad3d(1), 3, 8), (new ReplicationPad1d(1), 1, 1), (new ReplicationPad3d(1), 3, 1), (new CircularPad1d(1), 1, 2), (new CircularPad3d(1), 3, 8),
        })
        {
            Shape shape = [1, .. Enumerable.Repeat(2L, rank)];
            var y = layer.Call(Counting(Device.Cpu, shape, 1));
            Assert.That((y.Shape[-1], y.Flatten()[0].Item<float>()), Is.EqualTo((4, (float)expected)), layer.GetType().Name);
        }
    }

    private static readonly Tensor X = Tensor.Zeros([1, 2, 4, 4]);
    private static readonly Tensor Whole = Tensor.Zeros([1, 2, 4, 4], DType.Int64);

    private static IEnumerable<TestCaseData> Refusals()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("Pad of three", () => Pad(X, [1, 1, 1]), "Padding length must be divisible by 2");
        yield return Case<ShapeException>("Pad of more dims", () => Pad(X[0, 0, 0], [1, 1, 1, 1]), "Padding length should be less than or equal to two times the input dimension");
        yield return Case<ShapeException>("Pad below nothing", () => Pad(X, [-3, -2]), "input size 4, plus negative padding -3 and -2 resulted in a negative output size");
        yield return Case<ShapeException>("Pad below nothing, then more", () => Pad(X, [-5, 6]), "negative output size");
        yield return Case<ShapeException>("Pad reflecting too far", () => Pad(X, [4, 0], PadMode.Reflect), "Padding size should be less than the corresponding input dimension", "(4, 0) at dimension 3");
        yield return Case<ShapeException>("Pad wrapping twice", () => Pad(X, [0, 5], PadMode.Circular), "Padding value causes wrapping around more than once");
        yield return Case<ShapeException>("Pad replicating nothing", () => Pad(X[.., .., .., ..0], [1, 0], PadMode.Replicate), "non-zero size");
        yield return Case<ArgumentException>("Pad reflecting a value", () => Pad(X, [1, 0], PadMode.Reflect, 1), "doesn't take in value argument");
        yield return Case<ShapeException>("ReflectionPad2d of a vector", () => new ReflectionPad2d(1).Call(X[0, 0, 0]), "Expected 3D or 4D (batch mode) tensor for input");
        yield return Case<ShapeException>("ReflectionPad2d of two numbers", () => new ReflectionPad2d((1, 1)), "padding must either be a single int");
        yield return Case<ArgumentException>("Interpolate to nothing said", () => Interpolate(X), "either size or scale_factor should be defined");
        yield return Case<ArgumentException>("Interpolate to two things", () => Interpolate(X, size: 3, scaleFactor: 2), "only one of size or scale_factor should be defined");
        yield return Case<ArgumentException>("Interpolate nearest, aligned", () => Interpolate(X, size: 3, alignCorners: false), "align_corners option can only be set with the interpolating modes");
        yield return Case<ShapeException>("Interpolate linearly an image", () => Interpolate(X, size: 3, mode: InterpolationMode.Linear), "Got 4D input, but Linear mode needs 3D input");
        yield return Case<ShapeException>("Interpolate a matrix", () => Interpolate(X[0, 0], size: 3), "Only 3D, 4D and 5D input Tensors supported");
        yield return Case<ShapeException>("Interpolate to three sizes", () => Interpolate(X, size: (1, 2, 3)), "Input and output must have the same number of spatial dimensions");
        yield return Case<ShapeException>("Interpolate by three factors", () => Interpolate(X, scaleFactor: (1, 2, 3)), "Input and scale_factor must have the same number of spatial dimensions");
        yield return Case<ShapeException>("Interpolate to nothing", () => Interpolate(X, size: 0), "Input and output sizes should be greater than 0");
        yield return Case<DTypeException>("Interpolate whole numbers", () => Interpolate(Whole, size: 2), "int64");
        yield return Case<ShapeException>("PixelShuffle of channels", () => PixelShuffle(X, 3), "divisible by the square of upscale_factor, but input.size(-3)=2 is not divisible by 9");
        yield return Case<ShapeException>("PixelShuffle of a matrix", () => PixelShuffle(X[0, 0], 1), "at least 3 dimensions, but got input with 2");
        yield return Case<ShapeException>("PixelShuffle by nothing", () => PixelShuffle(X, 0), "expects a positive upscale_factor");
        yield return Case<ShapeException>("PixelUnshuffle of height", () => PixelUnshuffle(X, 3), "expects height to be divisible by downscale_factor, but input.size(-2)=4 is not divisible by 3");
        yield return Case<ShapeException>("PixelUnshuffle by less", () => PixelUnshuffle(X, -1), "positive downscale_factor");
        yield return Case<ShapeException>("PixelUnshuffle of a vector", () => PixelUnshuffle(X[0, 0, 0], 1), "at least 3 dimensions");
        yield return Case<ShapeException>("ChannelShuffle of a matrix", () => ChannelShuffle(X[0, 0], 1), "expects input with > 2 dims");
        yield return Case<ShapeException>("ChannelShuffle in thirds", () => ChannelShuffle(X, 3), "Number of channels must be divisible by groups", "Got 2 channels and 3 groups");
        yield return Case<ShapeException>("ChannelShuffle in none", () => ChannelShuffle(X, 0), "0 groups");
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
