using System.Runtime.Intrinsics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>
/// The host's vectors for average pooling and interpolation of float32, of each width, against the plain form, which float64 takes. Around vectors, around rows that are
/// taken together, groups that are not whole, windows of one length and of several, several rows of the input for one of the result and the reverse.
/// </summary>
[NonParallelizable]
internal sealed class BandRowTests
{
    private static readonly (string Name, Func<Tensor, Tensor> Call)[] s_calls =
    [
        ("2x2", x => Functional.AvgPool2d(x, 2)),
        ("3x3, stride 2, padding", x => Functional.AvgPool2d(x, 3, stride: 2, padding: 1)),
        ("3x3, stride 2, padding that does not count, ceiling", x => Functional.AvgPool2d(x, 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false)),
        ("5x1, stride 1", x => Functional.AvgPool2d(x, (5, 1), stride: 1, padding: (2, 0))),
        ("1x4, stride 3", x => Functional.AvgPool2d(x, (1, 4), stride: 3, padding: (0, 2))),
        ("depth", x => Functional.AvgPool3d(x, (2, 2, 3), stride: (1, 2, 2), padding: (1, 1, 1))),
        ("adaptive", x => Functional.AdaptiveAvgPool2d(x, (3, 7))),
        ("bilinear", x => Functional.Interpolate(x, size: (11, 29), mode: InterpolationMode.Bilinear)),
        ("bicubic", x => Functional.Interpolate(x, size: (6, 40), mode: InterpolationMode.Bicubic)),
    ];

    private static IEnumerable<TestCaseData> Cases() =>
        from width in new[] { HostVectorWidth.V128, HostVectorWidth.V256, HostVectorWidth.V512 }
        where width <= HostMatMul.Widest
        from call in s_calls
        select new TestCaseData((int)width, call.Call).SetArgDisplayNames(width.ToString(), call.Name);

    [TestCaseSource(nameof(Cases))]
    public void AsThePlainForm(int width, object call)
    {
        var function = (Func<Tensor, Tensor>)call;
        var before = HostMatMul.Width;
        try
        {
            HostMatMul.Width = (HostVectorWidth)width;
            foreach (var (planes, height, columns) in new[] { (1, 5, 4), (3, 6, 7), (2, 7, 15), (5, 8, 16), (3, 5, 17), (2, 9, 24), (7, 6, 31), (2, 5, 33), (40, 13, 34), (1, 6, 130) })
            {
                Compare(function, [2, planes, height, columns]);
            }
        }
        finally
        {
            HostMatMul.Width = before;
        }
    }

    // What a window does not have must not come in from its neighbours, nor from behind the rows.
    [Test]
    public void InfinitiesStayInTheirWindows()
    {
        foreach (int at in new[] { 0, 1, 16, 33, 34, 69 })
        {
            var numbers = Numbers.Uniform(5, 2 * 5 * 35, -1, 1);
            (numbers[at], numbers[^1]) = (double.PositiveInfinity, double.NaN);
            var wide = Numbers.Of(numbers, [2, 5, 35], DType.Float64, Device.Cpu);
            foreach (var (name, call) in s_calls[..5])
            {
                double[] expected = call(wide).ToArray<double>();
                float[] values = call(wide.To(DType.Float32)).ToArray<float>();
                Assert.That(
                    values.Select(v => (float.IsNaN(v), float.IsInfinity(v))), Is.EqualTo(expected.Select(v => (double.IsNaN(v), double.IsInfinity(v)))), $"{name}, {at}");
            }
        }
    }

    // The gradient is then a band matrix for rows without elements.
    [TestCase(3, 0)]
    [TestCase(0, 3)]
    [TestCase(0, 0)]
    public void AResultWithoutElementsHasNoSlope(int height, int width)
    {
        var x = Tensor.Ones([1, 2, 4, 20], device: Device.Cpu, requiresGrad: true);
        Functional.AdaptiveAvgPool2d(x, (height, width)).Sum().Backward();
        Assert.That(x.Grad!.Doubles(), Is.All.Zero);
    }

    [Test]
    public void CopiesKeepTheSignOfZero()
    {
        var x = Tensor.Full([2, 4, 16], -0.0, DType.Float32, Device.Cpu);
        Assert.That(Functional.Interpolate(x.Unsqueeze(0), size: (8, 32)).ToArray<float>(), Is.All.Matches<float>(float.IsNegative));
    }

    // Each lane has a window of its own: to make the whole plan would take seconds.
    [Test]
    public void LongWindowsAreNotPlanned()
    {
        const int Length = 1 << 20;
        int[] bands = [.. Enumerable.Range(0, 16).SelectMany(c => new[] { c * Length, Length, 0 })];
        var weights = new float[Length];
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.That(BandColumns.Of(bands, weights, 16 * Length, 16), Is.Null);
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(0.5)));
    }

    [Test]
    public void RegularWindowsAreTakenByVectorsAndWideOnesAreNot()
    {
        Assert.That(Plan(2, 24, 12), Is.Not.Null.And.Property(nameof(BandColumns.Rows)).EqualTo(4));
        Assert.That(Plan(1, 12, 12), Is.Not.Null);
        Assert.That(Plan(40, 4000, 100), Is.Null);
        Assert.That(Plan(1, 0, 0), Is.Null);
        Assert.That(BandColumns.Of(new int[3 * 20], [], 0, Vector512<float>.Count), Is.Null, "columns of nothing");

        static BandColumns? Plan(int length, int width, int columns)
        {
            int[] bands = [.. Enumerable.Range(0, columns).SelectMany(c => new[] { c * (width / columns), length, 0 })];
            return BandColumns.Of(bands, new float[length], width, Vector512<float>.Count);
        }
    }

    private static void Compare(Func<Tensor, Tensor> call, Shape shape)
    {
        var wide = Numbers.Of(Numbers.Uniform(1, shape.NumElements, -2, 3), shape, DType.Float64, Device.Cpu).RequiresGrad_();
        var single = wide.Detach().To(DType.Float32).Materialize().RequiresGrad_();
        var (expected, values) = (call(wide), call(single));
        var weights = Numbers.Of(Numbers.Uniform(2, expected.NumElements, -1, 1), expected.Shape, DType.Float64, Device.Cpu);
        expected.Backward(weights);
        values.Backward(weights.To(DType.Float32));
        Assert.That((values.To(DType.Float64) - expected).Abs().Max().Item<double>(), Is.LessThan(2e-6), $"{shape}");
        Assert.That((single.Grad!.To(DType.Float64) - wide.Grad!).Abs().Max().Item<double>(), Is.LessThan(2e-6), $"gradient, {shape}");
    }
}
