using Autograd.Gpu.Nn;
using Autograd.Gpu.Operations;
using static Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Pooling where the table's small rows do not reach: ties, nan, rows longer than a vector, other dtypes, empty batches, PyTorch's documented values.</summary>
internal sealed class PoolingTests
{
    private static IEnumerable<Device> Devices => TestDevices.All;

    private static Tensor Counting(Device device, Shape shape, double from = 0) =>
        Tensor.FromArray([.. Enumerable.Range(0, (int)shape.NumElements).Select(i => (float)(i + from))], shape, device);

    [TestCaseSource(nameof(Devices))]
    public void TheFirstOfEqualElementsIsChosenAndNanWins(Device device)
    {
        const float nan = float.NaN;
        var x = Tensor.FromArray(new[,] { { 1f, 3, 2, nan }, { 3, 3, nan, 5 }, { 0, -1, -0f, 0 }, { -1, -2, 0, 0 } }, device).Unsqueeze(0).RequiresGrad_();
        var (values, places) = MaxPool2dWithIndices(x, 2);
        Assert.That(values.Doubles(), Is.EqualTo(new[] { 3, nan, 0, 0 }));

        // As in PyTorch the last of several nans.
        Assert.That(places.ToArray<long>(), Is.EqualTo(new long[] { 1, 6, 8, 10 }));
        Assert.That(MaxPool2d(x.Detach(), 2).Doubles(), Is.EqualTo(values.Doubles()), "without places");
        places.Add_(1);
        values.Sum().Backward();
        Assert.That(x.Grad!.Doubles().Select((g, i) => (g, i)).Where(p => p.g != 0).Select(p => p.i), Is.EqualTo(new[] { 1, 6, 8, 10 }), "the node has places of its own");
    }

    [TestCaseSource(nameof(Devices))]
    public void RowsLongerThanAVectorAgreeWithLoops(Device device)
    {
        Shape shape = device == Device.Cpu ? [2, 3, 9, 37] : [1, 2, 5, 19];
        long height = (shape[2] + 1) / 2, width = (shape[3] + 1) / 2;
        (long, long, long) Window(int d, long o) => (2 * o - 1, 3, 1);

        // Few distinct numbers, so that windows hold equal ones.
        var numbers = Array.ConvertAll(Numbers.Uniform(5, shape.NumElements, -6, 6), Math.Round);
        var oracle = new NdArray(shape.ToArray(), numbers);
        var ordinals = new NdArray(shape.ToArray(), [.. Enumerable.Range(0, numbers.Length).Select(i => (double)(i % (shape[2] * shape[3])))]);
        var largest = PoolTable.Windows(oracle, 2, Window, [height, width], (v, _) => v.Max());
        var candidates = new Queue<double[]>();
        PoolTable.Windows(ordinals, 2, Window, [height, width], (v, _) => { candidates.Enqueue(v); return 0; });
        var chosen = PoolTable.Windows(oracle, 2, Window, [height, width], (v, _) => candidates.Dequeue()[Array.IndexOf(v, v.Max())]);
        foreach (var dtype in new[] { DType.Float32, DType.Float64, DType.Int32, DType.Int64, DType.Float16, DType.BFloat16 })
        {
            var x = Tensor.FromArray(numbers, shape, device).To(dtype);
            var (values, places) = MaxPool2dWithIndices(x, 3, stride: 2, padding: 1);
            Assert.That(values.DType, Is.EqualTo(dtype));
            Assert.That(values.Doubles(), Is.EqualTo(largest.Values));
            Assert.That(places.Doubles(), Is.EqualTo(chosen.Values));
            Assert.That(MaxPool2d(x, 3, stride: 2, padding: 1).Doubles(), Is.EqualTo(largest.Values));
            if (!dtype.IsFloatingPoint())
            {
                continue;
            }

            var means = PoolTable.Windows(oracle, 2, Window, [height, width], (v, _) => v.Sum() / 9);
            double tolerance = dtype switch { DType.Float64 => 1e-14, DType.Float32 => 1e-6, _ => 0.02 };
            Assert.That(AvgPool2d(x, 3, stride: 2, padding: 1).Doubles(), Is.EqualTo(means.Values).Within(tolerance), $"{dtype}");

            // Each place gets the gradients of the windows that chose it; whole numbers are exact in every dtype.
            x.RequiresGrad_();
            MaxPool2d(x, 3, stride: 2, padding: 1).Backward(Tensor.OnesLike(values));
            var expected = new double[numbers.Length];
            for (int i = 0; i < chosen.Values.Length; i++)
            {
                expected[i / (height * width) * shape[2] * shape[3] + (long)chosen.Values[i]]++;
            }

            Assert.That(x.Grad!.DType, Is.EqualTo(dtype));
            Assert.That(x.Grad!.Doubles(), Is.EqualTo(expected));
        }
    }

    /// <summary>Vectors of windows against the plain loops, which float64 takes: sizes around a vector's length, windows on borders, ties, nan and infinities.</summary>
    [Test]
    public void WindowsInVectorsAreThoseOfThePlainLoops(
        [Values(1, 2, 3)] int kernel, [Values(1, 2, 3)] int stride, [Values(1, 2)] int dilation, [Values(16, 17, 39)] int width)
    {
        var numbers = Array.ConvertAll(Numbers.Uniform(width + kernel, 2 * 7 * width, -3, 3), Math.Round);
        (numbers[3], numbers[width + 4], numbers[width + 5], numbers[2 * width + 4]) = (double.NaN, double.NaN, double.NegativeInfinity, double.NaN);
        Array.Fill(numbers, double.NegativeInfinity, 4 * width, 3 * width);
        numbers[5 * width + 7] = double.PositiveInfinity;
        (double[] Values, double[] Places, double[] Alone) Run(DType dtype, int rows)
        {
            var x = Tensor.FromArray(numbers, [1, 2, 7, width]).To(dtype);
            Sizes size = (rows, kernel), padding = (rows / 2, kernel / 2);
            var (values, places) = MaxPool2dWithIndices(x, size, stride, padding, dilation);
            return (values.Doubles(), places.Doubles(), MaxPool2d(x, size, stride, padding, dilation).Doubles());
        }

        foreach (int rows in new[] { 1, 2, 3 })
        {
            var (plain, inVectors) = (Run(DType.Float64, rows), Run(DType.Float32, rows));
            Assert.That(inVectors.Values, Is.EqualTo(plain.Values));
            Assert.That(inVectors.Places, Is.EqualTo(plain.Places));
            Assert.That(inVectors.Alone, Is.EqualTo(plain.Values));
        }
    }

    [TestCaseSource(nameof(Devices))]
    public void ManyShapesOneAfterTheOtherFindTheirOwnTables(Device device)
    {
        // More shapes than tables are kept, and the first ones again.
        foreach (int size in Enumerable.Range(4, DeviceTables.Most / 2 + 8).Concat([4, 5]))
        {
            var x = Counting(device, [1, 1, size]).RequiresGrad_();
            var y = MaxPool1d(x, 2, stride: 1);
            Assert.That(y.Doubles(), Is.EqualTo(Enumerable.Range(1, size - 1).Select(i => (double)i)));
            y.Sum().Backward();
            Assert.That(x.Grad!.Doubles(), Is.EqualTo(Enumerable.Range(0, size).Select(i => i == 0 ? 0.0 : 1)));
        }
    }

    [TestCaseSource(nameof(Devices))]
    public void DocumentedExamples(Device device)
    {
        Assert.That(AvgPool1d(Counting(device, [1, 1, 7], 1), 3, stride: 2).Doubles(), Is.EqualTo(new[] { 2.0, 4, 6 }));
        var (values, places) = MaxPool2dWithIndices(Counting(device, [1, 1, 4, 4], 1), 2, stride: 2);
        Assert.That(places.Doubles(), Is.EqualTo(new[] { 5.0, 7, 13, 15 }));
        var back = MaxUnpool2d(values, places, 2, stride: 2);
        Assert.That(back.Shape, Is.EqualTo(Shape.Create([1, 1, 4, 4])));
        Assert.That(back.Doubles().Select((v, i) => (v, i)).Where(p => p.v != 0), Is.EqualTo(new[] { (6.0, 5), (8.0, 7), (14.0, 13), (16.0, 15) }));
        Assert.That(MaxUnpool2d(values, places, 2, stride: 2, outputSize: (5, 5)).Shape, Is.EqualTo(Shape.Create([1, 1, 5, 5])));

        // Ceil mode keeps a last window only if it begins inside of the input or its left padding.
        Assert.That(MaxPool1d(Counting(device, [1, 5]), 2, ceilMode: true).Shape, Is.EqualTo(Shape.Create([1, 3])));
        Assert.That(MaxPool1d(Counting(device, [1, 2]), 2, stride: 3, padding: 1, ceilMode: true).Shape, Is.EqualTo(Shape.Create([1, 1])));
        Assert.That(AdaptiveMaxPool1dWithIndices(Counting(device, [1, 5]), 3).Indices.Doubles(), Is.EqualTo(new[] { 1.0, 3, 4 }));
        Assert.That(AdaptiveAvgPool2d(Counting(device, [1, 2, 2]), (0, 2)).Shape, Is.EqualTo(Shape.Create([1, 0, 2])));
        Assert.That(MaxPool3dWithIndices(Counting(device, [1, 2, 2, 2]), 2).Indices.Doubles(), Is.EqualTo(new[] { 7.0 }));
    }

    [TestCaseSource(nameof(Devices))]
    public void AnEmptyBatchStaysEmpty(Device device)
    {
        foreach (var pool in new Module[] { new MaxPool2d(2), new AvgPool2d(2), new AdaptiveAvgPool2d(2), new AdaptiveMaxPool2d(2), new LpPool2d(2, 2) })
        {
            var x = Tensor.Zeros([0, 3, 4, 4], device: device, requiresGrad: true);
            var y = pool.Call(x);
            Assert.That(y.Shape, Is.EqualTo(Shape.Create([0, 3, 2, 2])));
            y.Sum().Backward();
            Assert.That(x.Grad!.Shape, Is.EqualTo(x.Shape));
        }
    }

    [Test]
    public void LayersOfEachRankCallTheirFunctions()
    {
        var x = Counting(Device.Cpu, [1, 2, 4, 4, 4], 1);
        foreach (var (layer, rank, expected) in new (Module, int, double)[]
        {
            (new MaxPool1d(2), 1, 2), (new MaxPool2d(2), 2, 6), (new MaxPool3d(2), 3, 22), (new AvgPool1d(2), 1, 1.5), (new AvgPool2d(2), 2, 3.5), (new AvgPool3d(2), 3, 11.5),
            (new AdaptiveAvgPool1d(2), 1, 1.5), (new AdaptiveAvgPool2d(1), 2, 8.5), (new AdaptiveAvgPool3d(1), 3, 32.5), (new AdaptiveMaxPool1d(2), 1, 2), (new AdaptiveMaxPool2d(1), 2, 16),
            (new AdaptiveMaxPool3d(1), 3, 64), (new LpPool1d(1, 2), 1, 3), (new LpPool2d(1, 2), 2, 14), (new LpPool3d(1, 2), 3, 92),
        })
        {
            var planes = rank == 3 ? x : rank == 2 ? x[0, 0].Unsqueeze(0) : x[0, 0, 0].Unsqueeze(0);
            var y = layer.Call(planes);
            Assert.That((y.Rank, y.Flatten()[0].Item<float>()), Is.EqualTo((planes.Rank, (float)expected)), layer.GetType().Name);
        }
    }

    private static readonly Tensor X = Tensor.Zeros([1, 2, 4, 4]);
    private static readonly Tensor Whole = Tensor.Zeros([1, 2, 4, 4], DType.Int64);
    private static readonly Tensor Elsewhere = Tensor.Zeros([1, 2, 4, 4], DType.Int64, Device.CpuKernels);

    private static IEnumerable<TestCaseData> Refusals()
    {
        static TestCaseData Case<T>(string what, Func<object> call, params string[] says) where T : Exception =>
            new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);

        yield return Case<ShapeException>("MaxPool2d of a matrix", () => MaxPool2d(X[0, 0], 2), "Expected 3D or 4D (batch mode) tensor for input, but got: [4, 4]");
        yield return Case<ShapeException>("MaxPool2d of nothing", () => MaxPool2d(X[.., .., ..0], 2), "non-zero size for non-batch dimensions", "dimension 2 being empty");
        yield return Case<ShapeException>("MaxPool2d of too little", () => MaxPool2d(X, 5), "Given input size: (2x4x4). Calculated output size: (2x0x0). Output size is too small");
        yield return Case<ShapeException>("MaxPool2d pad", () => MaxPool2d(X, 3, padding: 2), "pad should be at most half of effective kernel size, but got pad=2, kernel_size=3 and dilation=1");
        yield return Case<ShapeException>("MaxPool2d negative pad", () => MaxPool2d(X, 3, padding: -1), "pad must be non-negative, but got pad: -1");
        yield return Case<ShapeException>("MaxPool2d kernel", () => MaxPool2d(X, (0, 1)), "kernel size should be greater than zero");
        yield return Case<ShapeException>("MaxPool2d stride", () => MaxPool2d(X, 2, stride: 0), "stride should be greater than zero");
        yield return Case<ShapeException>("MaxPool2d dilation", () => MaxPool2d(X, 2, dilation: 0), "dilation should be greater than zero");
        yield return Case<ShapeException>("MaxPool2d of three sizes", () => MaxPool2d(X, (1, 2, 3)), "kernel_size must either be a single int, or a tuple of two ints");
        yield return Case<ShapeException>("MaxPool2d in padding alone", () => MaxPool2d(X[.., .., ..1], 2, 1, padding: 2, dilation: 3), "lies in the padding");
        yield return Case<DTypeException>("MaxPool2d of bools", () => MaxPool2d(X > 0, 2), "not implemented for bool");
        yield return Case<DTypeException>("AvgPool2d of whole numbers", () => AvgPool2d(Whole, 2), "not implemented for int64");
        yield return Case<ArgumentException>("AvgPool2d by zero", () => AvgPool2d(X, 2, divisorOverride: 0), "divisor must be not zero");
        yield return Case<ShapeException>("AvgPool3d of two dims", () => AvgPool3d(X[0, 0], 2), "Expected 4D or 5D");
        yield return Case<ShapeException>("AvgPool1d of too little", () => AvgPool1d(X[0], 5), "Output size is too small");
        yield return Case<ShapeException>("AdaptiveAvgPool2d of less", () => AdaptiveAvgPool2d(X, -2), "elements of output_size must be greater than or equal to 0");
        yield return Case<ShapeException>("AdaptiveAvgPool2d of three sizes", () => AdaptiveAvgPool2d(X, [1, 1, 1]), "output_size must either be a single int");
        yield return Case<DTypeException>("AdaptiveAvgPool2d of whole numbers", () => AdaptiveAvgPool2d(Whole, 1), "int64");
        yield return Case<ShapeException>("AdaptiveMaxPool3d of two dims", () => AdaptiveMaxPool3d(X[0, 0], 1), "Expected 4D or 5D");
        yield return Case<DTypeException>("AdaptiveMaxPool2d of bools", () => AdaptiveMaxPool2d(X > 0, 1), "bool");
        yield return Case<ShapeException>("AdaptiveMaxPool2d of less", () => AdaptiveMaxPool2d(X, (1, -3)), "output_size");
        yield return Case<ShapeException>("LpPool1d of a batch of images", () => LpPool1d(X, 2, 2), "Expected 2D or 3D");
        yield return Case<DTypeException>("LpPool2d of whole numbers", () => LpPool2d(Whole, 2, 2), "int64");
        yield return Case<ShapeException>("LpPool2d of too little", () => LpPool2d(X, 2, 7), "Output size is too small");
        yield return Case<DTypeException>("MaxUnpool2d by floats", () => MaxUnpool2d(X, X, 2), "elements in indices should be type int64 but got: float32");
        yield return Case<ShapeException>("MaxUnpool2d of other places", () => MaxUnpool2d(X, Whole[0], 2), "Expected shape of indices to be same as that of the input tensor");
        yield return Case<ShapeException>("MaxUnpool2d out of range", () => MaxUnpool2d(X, Whole + 64, 2), "index 64 is out of bounds");
        yield return Case<ShapeException>("MaxUnpool2d to other sizes", () => MaxUnpool2d(X, Whole, 2, outputSize: 10), "invalid output_size", "must be between 6 and 10");
        yield return Case<DeviceMismatchException>("MaxUnpool2d elsewhere", () => MaxUnpool2d(X, Elsewhere, 2), "cpu-kernels");
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
