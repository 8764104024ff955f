using Autograd.Gpu.Kernels;
using Autograd.Gpu.Lazy;
using static Autograd.Gpu.Tests.Kernels.FusedBench;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Reductions with their prologue on the kernels that the GPU runs, against plain loops.</summary>
public class FusedReductionTests
{
    private static readonly ReductionShape[] Shapes =
    [
        new(1, 1, 1), new(3, 5, 1), new(700, 2, 1), new(2, 33, 1), new(4, 1000, 1), new(1, 10007, 1), new(3, 8193, 1),
        new(2, 3, 5), new(1, 7, 300), new(3, 64, 7), new(2, 1001, 3), new(1, 5000, 2),
    ];

    private FusedBench _bench = null!;

    private static IEnumerable<TestCaseData> FloatingPointCases() => Cases().Where(c => ((DType)c.Arguments[1]!).IsFloatingPoint());

    private static IEnumerable<TestCaseData> Cases() =>
        from reduction in Enum.GetValues<Reduction>()
        from dtype in Enum.GetValues<DType>()
        where dtype != DType.Bool || reduction is not (Reduction.Sum or Reduction.Product)
        select new TestCaseData(reduction.ToString(), dtype);

    [SetUp]
    public void SetUp() => _bench = new FusedBench();

    [TestCaseSource(nameof(Cases))]
    public void Against_a_plain_loop(string name, DType dtype)
    {
        var reduction = Enum.Parse<Reduction>(name);
        foreach (var shape in Shapes)
        {
            var values = Draw(reduction, dtype, shape);
            var input = _bench.Buffer(dtype, Whole(values.Length), values);
            Assert.That(_bench.Reduce(reduction, input, shape), Is.EqualTo(Expected(reduction, dtype, values, shape)), shape.ToString());
        }
    }

    [TestCaseSource(nameof(FloatingPointCases))]
    public void Nan_wins_where_it_is(string name, DType dtype)
    {
        var reduction = Enum.Parse<Reduction>(name);
        foreach (var shape in new ReductionShape[] { new(3, 5, 1), new(4, 1000, 1), new(1, 10007, 1), new(2, 1001, 3) })
        {
            var values = Draw(reduction, dtype, shape);
            for (int i = values.Length / 3; i < values.Length; i += 50)
                values[i] = double.NaN;
            var input = _bench.Buffer(dtype, Whole(values.Length), values);
            Assert.That(_bench.Reduce(reduction, input, shape), Is.EqualTo(Expected(reduction, dtype, values, shape)), shape.ToString());
        }
    }

    [Test]
    public void Infinities([Values("Max", "Min")] string name, [Values(DType.Float16, DType.Float32, DType.Float64)] DType dtype)
    {
        var reduction = Enum.Parse<Reduction>(name);
        double infinity = reduction == Reduction.Max ? double.NegativeInfinity : double.PositiveInfinity;
        var input = _bench.Buffer(dtype, Whole(40), [.. Enumerable.Repeat(infinity, 40)]);
        Assert.Multiple(() =>
        {
            Assert.That(_bench.Reduce(reduction, input, new(1, 40, 1)), Is.EqualTo(new[] { infinity }));
            Assert.That(_bench.Reduce(Reduction.Sum, input, new(1, 40, 1)), Is.EqualTo(new[] { infinity }));
        });
    }

    [Test]
    public void Nothing_sums_to_0_and_multiplies_to_1([Values(DType.Int64, DType.Float16, DType.Float32, DType.Float64)] DType dtype)
    {
        var input = _bench.Empty(dtype, Whole(0));
        Assert.Multiple(() =>
        {
            Assert.That(_bench.Reduce(Reduction.Sum, input, new(3, 0, 2)), Is.EqualTo(new double[6]));
            Assert.That(_bench.Reduce(Reduction.Product, input, new(3, 0, 1)), Is.EqualTo(new double[] { 1, 1, 1 }));
            Assert.That(_bench.Reduce(Reduction.Sum, input, new(0, 4, 1)), Is.Empty);
        });
    }

    [Test]
    public void Prologues_are_computed_on_the_way()
    {
        // The rows of a transposed matrix, scaled and squared, plus the row number.
        var memory = Enumerable.Range(0, 40 * 6).Select(i => (double)(i % 11)).ToArray();
        var layout = Layout.Strided(Shape.Create([40, 6]), [1, 40], 0);
        var twice = Apply(Times.Instance, DType.Float32, _bench.Buffer(DType.Float32, layout, memory), Constant(2, DType.Float32, Whole(40, 6)));
        var row = Apply(CastFunction.Instance, DType.Float32, new IndexExpression(DType.Int64, Layout.Strided(layout.Shape, [1, 0], 0)));
        var elements = Walk(layout, memory).Select((v, i) => 4 * v * v + i / 6).ToArray();
        foreach (var shape in new ReductionShape[] { new(40, 6, 1), new(1, 40, 6), new(1, 240, 1), new(4, 10, 6) })
        {
            // Fresh expressions: the third kernel that computes a value keeps it.
            var input = Apply(Plus.Instance, DType.Float32, Apply(Times.Instance, DType.Float32, twice, twice), row);
            twice.TimesComputed = row.TimesComputed = 0;
            Assert.That(_bench.Reduce(Reduction.Sum, input, shape), Is.EqualTo(Expected(Reduction.Sum, DType.Float32, elements, shape)));
        }
    }

    [Test]
    public void Float32_sums_do_not_stop_at_2_to_the_24()
    {
        const long n = 20_000_001;
        Assert.Multiple(() =>
        {
            Assert.That(
                _bench.Reduce(Reduction.Sum, Constant(1, DType.Float32, Whole(n)), new(1, n, 1))[0], Is.EqualTo((double)n).Within(4));
            double tenths = (double)0.1f * (n / 2);
            Assert.That(
                _bench.Reduce(Reduction.Sum, Constant(0.1, DType.Float32, Whole(n - 1)), new(1, n / 2, 2)), Is.All.EqualTo(tenths).Within(2e-6 * tenths));
        });
    }

    [Test]
    public void The_same_bits_each_time()
    {
        var random = new Random(3);
        var values = Enumerable.Range(0, 9001).Select(_ => random.NextDouble() - 0.5).ToArray();
        var input = _bench.Buffer(DType.Float32, Whole(9001), values);
        var first = _bench.Reduce(Reduction.Sum, input, new(1, 9001, 1));
        Assert.That(first[0], Is.EqualTo(values.Sum(v => (double)(float)v)).Within(1e-4));
        for (int i = 0; i < 5; i++)
            Assert.That(_bench.Reduce(Reduction.Sum, input, new(1, 9001, 1)), Is.EqualTo(first));
    }

    [Test]
    public void Sizes_make_no_new_kernel()
    {
        foreach (long n in new[] { 40, 500, 1000 })
            _bench.Reduce(Reduction.Sum, Constant(1, DType.Float32, Whole(n)), new(1, n, 1));
        Assert.That(_bench.Executor.KernelCount, Is.EqualTo(1));
        foreach (long n in new[] { 9000, 20000 })
            _bench.Reduce(Reduction.Sum, Constant(1, DType.Float32, Whole(n)), new(1, n, 1));
        Assert.That(_bench.Executor.KernelCount, Is.EqualTo(3), "a first and a second pass");
        _bench.Reduce(Reduction.Max, Constant(1, DType.Float32, Whole(50)), new(1, 50, 1));
        Assert.That(_bench.Executor.KernelCount, Is.EqualTo(4));
    }

    private static double[] Draw(Reduction reduction, DType dtype, ReductionShape shape)
    {
        var random = new Random(shape.GetHashCode());
        var values = new double[shape.Outer * shape.Reduced * shape.Inner];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (reduction, dtype) switch
            {
                (Reduction.Product, _) => random.Next(40) == 0 ? (dtype == DType.UInt8 ? 255 : -1) : 1,
                (_, DType.Bool) => random.Next(2),
                (_, DType.UInt8) => random.Next(200),
                _ => random.Next(-100, 100),
            };
        }

        return values;
    }

    private static double[] Expected(Reduction reduction, DType dtype, double[] values, ReductionShape shape)
    {
        var results = new double[shape.Results];
        for (long o = 0; o < shape.Outer; o++)
        {
            for (long i = 0; i < shape.Inner; i++)
            {
                var line = Enumerable.Range(0, (int)shape.Reduced).Select(r => values[(o * shape.Reduced + r) * shape.Inner + i]).ToArray();
                double exact = Expected(reduction, line);
                bool isPosition = reduction is Reduction.ArgMax or Reduction.ArgMin;
                results[o * shape.Inner + i] = isPosition ? exact : dtype switch
                {
                    DType.UInt8 => (byte)(long)exact,
                    DType.Float16 => (double)(Half)exact,
                    DType.BFloat16 => HalfConversion.RoundToBFloat16((float)exact),
                    _ => exact,
                };
            }
        }

        return results;
    }

    private static double Expected(Reduction reduction, double[] line)
    {
        int nan = Array.FindIndex(line, double.IsNaN);
        return reduction switch
        {
            Reduction.Sum => line.Sum(),
            Reduction.Product => nan >= 0 ? double.NaN : line.Aggregate(1.0, (a, b) => a * (b == 255 ? -1 : b)),
            Reduction.Max => nan >= 0 ? double.NaN : line.Max(),
            Reduction.Min => nan >= 0 ? double.NaN : line.Min(),
            Reduction.ArgMax => nan >= 0 ? nan : Array.IndexOf(line, line.Max()),
            _ => nan >= 0 ? nan : Array.IndexOf(line, line.Min()),
        };
    }
}
