using System.Globalization;
using Autograd.Gpu.Printing;

namespace Autograd.Gpu.Tests.Printing;

public sealed class TensorFormatterTests
{
    private const double Inf = double.PositiveInfinity;
    private const double NaN = double.NaN;

    private static string Floats(long[] shape, double[] values, string? suffix = null, DType dtype = DType.Float32) =>
        TensorFormatter.Format(shape, dtype, i => values[i], NoIntegers, suffix);

    private static string Integers(long[] shape, long[] values, DType dtype = DType.Int64, string? suffix = null) =>
        TensorFormatter.Format(shape, dtype, NoFloats, i => values[i], suffix);

    private static double NoFloats(long index) => throw new AssertionException("asked for a float");

    private static long NoIntegers(long index) => throw new AssertionException("asked for an integer");

    private static double[] Full(int count, double value)
    {
        var values = new double[count];
        Array.Fill(values, value);
        return values;
    }

    private static double[] Range(int count) => [.. Enumerable.Range(0, count).Select(i => (double)i)];

    private static object[][] Vectors() =>
    [
        [new[] { 1.0 }, "tensor([1.])"],
        [new[] { 0.0, 0.0 }, "tensor([0., 0.])"],
        [new[] { -0.0, 1.0 }, "tensor([-0., 1.])"],
        [new[] { 1.0, -2.0, 10.0 }, "tensor([ 1., -2., 10.])"],
        [new[] { 0.5, 1.0 }, "tensor([0.5000, 1.0000])"],
        [new[] { 1.0, -0.5 }, "tensor([ 1.0000, -0.5000])"],
        [new[] { 3.14159, 100.0 }, "tensor([  3.1416, 100.0000])"],
        [new[] { 1.0, 1000.0 }, "tensor([   1., 1000.])"],
        [new[] { 1.0, 1001.0 }, "tensor([1.0000e+00, 1.0010e+03])"],
        [new[] { 1e8 }, "tensor([100000000.])"],
        [new[] { 1.5e9 }, "tensor([1.5000e+09])"],
        [new[] { 0.5, 500.0 }, "tensor([  0.5000, 500.0000])"],
        [new[] { 0.5, 500.5 }, "tensor([5.0000e-01, 5.0050e+02])"],
        [new[] { 0.001, 0.002 }, "tensor([0.0010, 0.0020])"],
        [new[] { 0.00005 }, "tensor([5.0000e-05])"],
        [new[] { (double)0.0001f }, "tensor([1.0000e-04])"],
        [new[] { 1e-45, -1.0 }, "tensor([ 1.0000e-45, -1.0000e+00])"],
        [new[] { 1e100, 1.0 }, "tensor([1.0000e+100,  1.0000e+00])"],
        [new[] { NaN }, "tensor([nan])"],
        [new[] { Inf, -Inf, NaN }, "tensor([inf, -inf, nan])"],
        [new[] { 1.0, NaN }, "tensor([1., nan])"],
        [new[] { 1.0, Inf, 2.5 }, "tensor([1.0000,    inf, 2.5000])"],
        [new[] { 0.0, Inf }, "tensor([0., inf])"],
        [new[] { 1e-6, -Inf, NaN, 0.0 }, "tensor([1.0000e-06,       -inf,        nan, 0.0000e+00])"],
        // Ties go to the even digit.
        [new[] { 0.03125, 0.09375 }, "tensor([0.0312, 0.0938])"],
        [new[] { 100005.0, 1.0 }, "tensor([1.0000e+05, 1.0000e+00])"],
    ];

    [TestCaseSource(nameof(Vectors))]
    public void AFloatVectorPrintsAsInPyTorch(double[] values, string expected) =>
        Assert.That(Floats([values.Length], values), Is.EqualTo(expected));

    [TestCase(0.0, "tensor(0.)")]
    [TestCase(27.0, "tensor(27.)")]
    [TestCase(-4.5, "tensor(-4.5000)")]
    [TestCase(12345.678, "tensor(12345.6777)")]
    [TestCase(double.NaN, "tensor(nan)")]
    [TestCase(double.NegativeInfinity, "tensor(-inf)")]
    public void AZeroDimensionalTensorHasNoBrackets(double value, string expected) =>
        Assert.That(Floats([], [(float)value]), Is.EqualTo(expected));

    [Test]
    public void TheTutorialPrintsAsInPyTorch() => Assert.Multiple(() =>
    {
        Assert.That(
            Floats([2, 2], Full(4, 1), "requires_grad=True"),
            Is.EqualTo("tensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"));
        Assert.That(
            Floats([2, 2], Full(4, 27), "grad_fn=<MulBackward0>"),
            Is.EqualTo("tensor([[27., 27.],\n        [27., 27.]], grad_fn=<MulBackward0>)"));
        Assert.That(Floats([], [27], "grad_fn=<MeanBackward0>"), Is.EqualTo("tensor(27., grad_fn=<MeanBackward0>)"));
        Assert.That(Floats([2, 2], Full(4, 4.5)), Is.EqualTo("tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])"));
    });

    [Test]
    public void EachDimensionBeyondTwoAddsABlankLine()
    {
        Assert.That(
            Floats([2, 2, 2], Range(8)),
            Is.EqualTo("tensor([[[0., 1.],\n         [2., 3.]],\n\n        [[4., 5.],\n         [6., 7.]]])"));
        Assert.That(Floats([2, 1, 1, 1], Range(2)), Is.EqualTo("tensor([[[[0.]]],\n\n\n        [[[1.]]]])"));
    }

    [Test]
    public void LongRowsWrapAtEightyColumns()
    {
        Assert.That(
            Floats([12], Range(12)),
            Is.EqualTo("tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11.])"));
        Assert.That(
            Integers([30], [.. Enumerable.Range(0, 30).Select(i => (long)i)]),
            Is.EqualTo(
                "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
                + "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"));
        Assert.That(
            Floats([2, 10], Full(20, 0.25)),
            Is.EqualTo(
                "tensor([[0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500,\n"
                + "         0.2500],\n"
                + "        [0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500,\n"
                + "         0.2500]])"));
    }

    [Test]
    public void AThousandElementsPrintInFullAndOneMoreIsSummarised()
    {
        Assert.That(Floats([1000], Full(1000, 1)), Does.Not.Contain("..."));
        Assert.That(
            Integers([1001], [.. Enumerable.Range(0, 1001).Select(i => (long)i)]),
            Is.EqualTo("tensor([   0,    1,    2,  ...,  998,  999, 1000])"));
    }

    [Test]
    public void ASummaryKeepsThreeOfEachEnd()
    {
        const string Row = "[0., 0., 0.,  ..., 0., 0., 0.]";
        Assert.That(
            Floats([100, 100], Full(10000, 0)),
            Is.EqualTo($"tensor([{Row},\n        {Row},\n        {Row},\n        ...,\n        {Row},\n        {Row},\n        {Row}])"));
        Assert.That(
            Floats([2, 1000], Full(2000, 0), "requires_grad=True"),
            Is.EqualTo($"tensor([{Row},\n        {Row}], requires_grad=True)"));
    }

    [Test]
    public void ASummaryOfThreeDimensionsSetsTheEllipsisBetweenBlankLines()
    {
        const string Slice = "[[1.],\n         [1.]]";
        Assert.That(
            Floats([501, 2, 1], Full(1002, 1)),
            Is.EqualTo(
                $"tensor([{Slice},\n\n        {Slice},\n\n        {Slice},\n\n        ...,\n\n        "
                + $"{Slice},\n\n        {Slice},\n\n        {Slice}])"));
    }

    [Test]
    public void ASummaryReadsWhatItPrintsOnceAndTakesItsFormatFromThat()
    {
        var read = new List<long>();
        var text = TensorFormatter.Format(
            [1L << 40, 10],
            DType.Float32,
            index =>
            {
                read.Add(index);
                return index % 10 is 5 ? 1e20 : 1;
            },
            NoIntegers,
            null);

        long[] columns = [0, 1, 2, 7, 8, 9];
        long last = (1L << 40) - 1;
        long[] rows = [0, 1, 2, last - 2, last - 1, last];
        Assert.That(read, Is.EqualTo(rows.SelectMany(row => columns.Select(column => (row * 10) + column))));
        // The hidden 1e20 would have switched to scientific notation.
        Assert.That(text, Does.StartWith("tensor([[1., 1., 1.,  ..., 1., 1., 1.],\n"));
    }

    [TestCase(new long[] { 0 }, DType.Float32, "tensor([])")]
    [TestCase(new long[] { 0 }, DType.Int64, "tensor([], dtype=int64)")]
    [TestCase(new long[] { 0 }, DType.Bool, "tensor([], dtype=bool)")]
    [TestCase(new long[] { 0, 3 }, DType.Float32, "tensor([], size=(0, 3))")]
    [TestCase(new long[] { 2, 0, 1 }, DType.Float64, "tensor([], size=(2, 0, 1), dtype=float64)")]
    public void AnEmptyTensorShowsItsShapeAndDType(long[] shape, DType dtype, string expected) =>
        Assert.That(TensorFormatter.Format(shape, dtype, NoFloats, NoIntegers, null), Is.EqualTo(expected));

    [TestCase(DType.Int64, "tensor([ 1, -2,  0])")]
    [TestCase(DType.Int32, "tensor([ 1, -2,  0], dtype=int32)")]
    [TestCase(DType.Bool, "tensor([ True,  True, False])")]
    public void IntegersAndBooleans(DType dtype, string expected) =>
        Assert.That(Integers([3], [1, -2, 0], dtype), Is.EqualTo(expected));

    [Test]
    public void BytesAndExtremes()
    {
        Assert.That(Integers([2], [0, 255], DType.UInt8), Is.EqualTo("tensor([  0, 255], dtype=uint8)"));
        Assert.That(
            Integers([2], [long.MinValue, long.MaxValue]),
            Is.EqualTo("tensor([-9223372036854775808,  9223372036854775807])"));
        Assert.That(Integers([], [1], DType.Bool), Is.EqualTo("tensor(True)"));
    }

    [TestCase(DType.Float16, "tensor([1.5000], dtype=float16, grad_fn=<CloneBackward0>)")]
    [TestCase(DType.BFloat16, "tensor([1.5000], dtype=bfloat16, grad_fn=<CloneBackward0>)")]
    [TestCase(DType.Float64, "tensor([1.5000], dtype=float64, grad_fn=<CloneBackward0>)")]
    public void TheDTypeComesBeforeTheGradient(DType dtype, string expected) =>
        Assert.That(Floats([1], [1.5], "grad_fn=<CloneBackward0>", dtype), Is.EqualTo(expected));

    [Test]
    public void ASuffixThatWouldPassTheLineGoesToTheNext()
    {
        // PyTorch counts the 63 characters of the line as 65: with the comma and the space, 13 more end at its column 80.
        const string Line = "tensor([0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500]";
        Assert.That(Floats([7], Full(7, 0.25), new string('x', 13)), Is.EqualTo($"{Line}, xxxxxxxxxxxxx)"));
        Assert.That(Floats([7], Full(7, 0.25), new string('x', 14)), Is.EqualTo($"{Line},\n       xxxxxxxxxxxxxx)"));
        // Behind a wrapped vector only the last of its lines counts.
        Assert.That(
            Floats([10], Full(10, 0.25), "requires_grad=True"),
            Is.EqualTo(
                "tensor([0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500,\n"
                + "        0.2500], requires_grad=True)"));
    }

    [Test]
    public void ADeviceComesFirst() =>
        Assert.That(
            TensorFormatter.Format([1], DType.Float64, _ => 2, NoIntegers, "requires_grad=True", "cuda:0"),
            Is.EqualTo("tensor([2.], device='cuda:0', dtype=float64, requires_grad=True)"));

    [Test]
    public void TheCultureDoesNotMatter()
    {
        var before = CultureInfo.CurrentCulture;
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NegativeSign = "~";
        CultureInfo.CurrentCulture = culture;
        try
        {
            Assert.That(Floats([2], [-1.5, 2]), Is.EqualTo("tensor([-1.5000,  2.0000])"));
            Assert.That(Floats([2], [-1.5e-9, 2]), Is.EqualTo("tensor([-1.5000e-09,  2.0000e+00])"));
            Assert.That(Integers([2], [-1, 2]), Is.EqualTo("tensor([-1,  2])"));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
