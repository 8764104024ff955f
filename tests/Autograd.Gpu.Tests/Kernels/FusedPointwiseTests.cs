using Autograd.Gpu.Kernels;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Lazy.Ilgpu;
using static Autograd.Gpu.Tests.Kernels.FusedBench;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Pointwise programs on the kernels that the GPU runs, against plain loops.</summary>
public class FusedPointwiseTests
{
    private FusedBench _bench = null!;

    [SetUp]
    public void SetUp() => _bench = new FusedBench();

    private static double[] Count(long n, double start = 0) => [.. Enumerable.Range(0, (int)n).Select(i => start + i % 7)];

    [Test]
    public void Contiguous_scalar_and_constant_operands_in_each_dtype(
        [Values(DType.UInt8, DType.Int32, DType.Int64, DType.Float16, DType.BFloat16, DType.Float32, DType.Float64)] DType dtype,
        [Values(1, 31, 1000)] int n)
    {
        var layout = Whole(n);
        double[] a = Count(n), b = Count(n, 1);
        var scalar = _bench.Buffer(dtype, Layout.Strided(layout.Shape, [0], 2), 9, 9, 5);
        var product = Apply(Times.Instance, dtype, _bench.Buffer(dtype, layout, a), _bench.Buffer(dtype, layout, b));
        var sum = Apply(Plus.Instance, dtype, Apply(Plus.Instance, dtype, product, scalar), Constant(3, dtype, layout));

        Assert.That(_bench.Run(sum), Is.EqualTo(a.Zip(b, (x, y) => x * y + 8)));
    }

    private static IEnumerable<TestCaseData> Layouts()
    {
        TestCaseData Case(string name, long[] sizes, long[] strides, long offset) =>
            new TestCaseData(Layout.Strided(Shape.Create(sizes), strides, offset)).SetArgDisplayNames(name);
        yield return Case("transposed", [5, 4], [1, 5], 0);
        yield return Case("row broadcast", [6, 4], [0, 1], 3);
        yield return Case("column broadcast", [6, 4], [1, 0], 0);
        yield return Case("every other", [10], [2], 1);
        yield return Case("backwards", [10], [-1], 9);
        yield return Case("backwards in two dimensions", [3, 4], [-4, -1], 11);
        yield return Case("permuted", [3, 4, 5], [1, 15, 3], 0);
        yield return Case("sliced in the middle", [3, 2, 4], [20, 8, 1], 2);
        yield return Case("four dimensions", [2, 3, 2, 3], [1, 12, 6, 2], 0);
        yield return Case("eight dimensions", [2, 2, 2, 2, 2, 2, 2, 2], [1, 2, 4, 8, 16, 32, 64, 128], 0);
    }

    [TestCaseSource(nameof(Layouts))]
    public void Strided_operands_and_outputs(object given)
    {
        var layout = (Layout)given;
        var memory = Enumerable.Range(0, 256).Select(i => (double)i).ToArray();
        var read = _bench.Buffer(DType.Float32, layout, memory);
        var other = Count(layout.Count);
        var sum = Apply(Plus.Instance, DType.Float32, read, _bench.Buffer(DType.Float32, Layout.Contiguous(layout.Shape), other));
        var expected = Walk(layout, memory).Zip(other, (x, y) => x + y).ToArray();
        Assert.That(_bench.Run(sum), Is.EqualTo(expected));

        if (layout.Strides.Contains(0))
            return;
        var target = _bench.Empty(DType.Float32, Whole(256));
        _bench.Run(sum, target.WithLayout(layout));
        var written = _bench.Read(target);
        Assert.Multiple(() =>
        {
            Assert.That(Walk(layout, written), Is.EqualTo(expected));
            Assert.That(written.Count(v => v == -77), Is.EqualTo(256 - layout.Count), "elements outside the layout were written");
        });
    }

    [Test]
    public void Half_types_stay_in_float32_between_load_and_store([Values(DType.Float16, DType.BFloat16)] DType dtype)
    {
        // 1 + 2^-12 is no half: the two additions must see it, as they do in float32.
        var layout = Whole(3);
        var x = _bench.Buffer(dtype, layout, 1, 2, 4);
        var tiny = Constant(Math.ScaleB(1, -12), dtype, layout);
        var sum = Apply(Plus.Instance, dtype, Apply(Plus.Instance, dtype, x, tiny), Constant(-1, dtype, layout));
        Assert.That(_bench.Run(sum)[0], Is.EqualTo(Math.ScaleB(1, -12)));
    }

    [Test]
    public void Float32_division_and_square_root_round_as_the_host_does()
    {
        var random = new Random(1);
        var a = Enumerable.Range(0, 500).Select(_ => (double)(float)(random.NextDouble() * 100)).ToArray();
        var layout = Whole(a.Length);
        var x = _bench.Buffer(DType.Float32, layout, a);
        var quotient = Apply(Over.Instance, DType.Float32, Apply(Root.Instance, DType.Float32, x), Constant(3, DType.Float32, layout));
        Assert.That(_bench.Run(quotient), Is.EqualTo(a.Select(v => (double)(MathF.Sqrt((float)v) / 3f))));
    }

    [Test]
    public void Casts_between_all_dtypes([Values] DType from, [Values] DType to)
    {
        double[] values = from switch
        {
            DType.Bool => [0, 1, 1, 0],
            DType.UInt8 => [0, 1, 200, 255],
            DType.Int32 or DType.Int64 => [0, -1, 300, 7],
            _ => [0, -1.75, 300.5, double.NaN, -0.0],
        };
        var layout = Whole(values.Length);
        var cast = Apply(CastFunction.Instance, to, _bench.Buffer(from, layout, values));
        var expected = values.Select(v => to switch
        {
            DType.Bool => v != 0 ? 1 : 0,
            DType.UInt8 => (byte)(double.IsNaN(v) ? 0 : (long)v),
            DType.Int32 or DType.Int64 => double.IsNaN(v) ? 0 : Math.Truncate(from == DType.BFloat16 && v == 300.5 ? 300 : v),
            DType.BFloat16 => v == 300.5 ? 300 : v,
            _ => from == DType.BFloat16 && v == 300.5 ? 300 : v,
        });
        Assert.That(_bench.Run(cast), Is.EqualTo(expected));
    }

    [Test]
    public void Comparisons_and_choices([Values] DType dtype)
    {
        var layout = Whole(4);
        var condition = _bench.Buffer(DType.Bool, layout, 1, 0, 0, 1);
        Expression a = _bench.Buffer(dtype, layout, 1, 1, 0, 0), b = _bench.Buffer(dtype, layout, 0, 0, 1, 1);
        Assert.That(_bench.Run(Apply(Choose.Instance, dtype, condition, a, b)), Is.EqualTo(new double[] { 1, 0, 1, 0 }));
        if (dtype != DType.Bool)
            Assert.That(_bench.Run(Apply(Less.Instance, DType.Bool, a, b)), Is.EqualTo(new double[] { 0, 0, 1, 1 }));
    }

    [Test]
    public void Index_sequences()
    {
        Assert.Multiple(() =>
        {
            Assert.That(_bench.Run(new IndexExpression(DType.Int64, Layout.Strided(Shape.Create([4]), [1], 10))), Is.EqualTo(new double[] { 10, 11, 12, 13 }));
            Assert.That(
                _bench.Run(new IndexExpression(DType.Int64, Layout.Strided(Shape.Create([3]), [5_000_000_000], -1))),
                Is.EqualTo(new double[] { -1, 4_999_999_999, 9_999_999_999 }));
            Assert.That(_bench.Run(new IndexExpression(DType.Int64, Layout.Strided(Shape.Create([2, 3]), [1, 0], 0))), Is.EqualTo(new double[] { 0, 0, 0, 1, 1, 1 }));
            Assert.That(_bench.Run(new IndexExpression(DType.Int32, Layout.Strided(Shape.Create([2, 3]), [0, -2], 4))), Is.EqualTo(new double[] { 4, 2, 0, 4, 2, 0 }));
        });
    }

    [Test]
    public void Several_outputs_and_an_output_that_replaces_an_input()
    {
        var layout = Whole(100);
        var a = Count(100);
        var x = _bench.Buffer(DType.Float32, layout, a);
        var square = Apply(Times.Instance, DType.Float32, x, x);
        var sum = Apply(Plus.Instance, DType.Float32, square, Constant(1, DType.Float32, layout));
        var second = _bench.Empty(DType.Float32, layout);
        _bench.Run(sum, [(square, x), (sum, second)]);
        Assert.Multiple(() =>
        {
            Assert.That(_bench.Read(x), Is.EqualTo(a.Select(v => v * v)));
            Assert.That(_bench.Read(second), Is.EqualTo(a.Select(v => v * v + 1)));
        });
    }

    [Test]
    public void Random_streams([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        const ulong seed = 0xFEDCBA9876543210, offset = 12345;
        var layout = Whole(9);
        var uniform = new RandomExpression(RandomKind.Uniform, seed, offset, dtype, layout);
        var normal = new RandomExpression(RandomKind.Normal, seed + 1, offset, dtype, layout);
        var one = Constant(1, dtype, layout);
        var indices = Enumerable.Range(0, 9);
        bool isDouble = dtype == DType.Float64;
        var expected = indices.Select(i => isDouble
            ? Philox.UniformDouble(seed, offset, i) + 1 + Philox.NormalDouble(seed + 1, offset, i)
            : Philox.UniformFloat(seed, offset, i) + 1f + Philox.NormalFloat(seed + 1, offset, i));
        Assert.That(_bench.Run(Apply(Plus.Instance, dtype, Apply(Plus.Instance, dtype, uniform, one), normal)), Is.EqualTo(expected));
    }

    [Test]
    public void Int64_constants_and_elements_keep_all_bits()
    {
        var layout = Whole(2);
        const long big = (1L << 62) + 1;
        var sum = Apply(Plus.Instance, DType.Int64, new IndexExpression(DType.Int64, Layout.Strided(layout.Shape, [1], big)), Constant(-big, DType.Int64, layout));
        Assert.That(_bench.Run(sum), Is.EqualTo(new double[] { 0, 1 }));
    }

    [Test]
    public void Sizes_and_numbers_make_no_new_kernel()
    {
        foreach (int n in new[] { 5, 64, 1000 })
        {
            var layout = Whole(n);
            var a = Count(n);
            var sum = Apply(Plus.Instance, DType.Float32, _bench.Buffer(DType.Float32, layout, a), Constant(n, DType.Float32, layout));
            Assert.That(_bench.Run(sum), Is.EqualTo(a.Select(v => v + n)));
            Assert.That(_bench.Executor.KernelCount, Is.EqualTo(1));
        }

        var transposed = Layout.Strided(Shape.Create([3, 4]), [1, 3], 0);
        _bench.Run(Apply(Plus.Instance, DType.Float32, _bench.Buffer(DType.Float32, transposed, Count(12)), Constant(1, DType.Float32, Whole(3, 4))));
        Assert.That(_bench.Executor.KernelCount, Is.EqualTo(2), "another layout class is another kernel");
    }

    [Test]
    public void A_kernel_that_cannot_be_compiled()
    {
        var x = _bench.Empty(DType.Float32, Whole(3));
        var error = Assert.Throws<KernelCompilationException>(() => _bench.Run(Apply(Unsupported.Instance, DType.Float32, x)))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Operations, Is.EqualTo("Unsupported"));
            Assert.That(error.Message, Does.Contain("cpu-kernels").And.Contain("'Unsupported'"));
            Assert.That(error.InnerException, Is.Not.Null);
        });
        Assert.That(_bench.Run(Apply(Plus.Instance, DType.Float32, x, x)), Is.EqualTo(new double[] { -154, -154, -154 }), "the executor goes on");
    }

    [Test]
    public void Expressions_stay_within_the_numbers_that_a_kernel_takes()
    {
        using var lazy = Laziness.Set(true);
        var layout = Whole(5);
        Expression sum = _bench.Buffer(DType.Float32, layout, 0, 1, 2, 3, 4);
        const int terms = FusedGraph.MaxNumbers + 5;
        using (_bench.Device.Gate.Enter())
        {
            for (int i = 0; i < terms; i++)
                sum = Fuser.Apply(_bench.Device, Plus.Instance, DType.Float32, layout, sum, Constant(i, DType.Float32, layout));
        }

        Assert.Multiple(() =>
        {
            Assert.That(sum.Weight.Numbers, Is.EqualTo(5), "the first kernel took as many as it could");
            Assert.That(_bench.Run(sum)[1], Is.EqualTo(1 + terms * (terms - 1) / 2));
        });
    }

    [Test]
    public void More_elements_than_a_launch_can_have()
    {
        var layout = Whole(1L << 31);
        var target = _bench.Empty(DType.Bool, Whole(1));
        var error = Assert.Throws<LaunchLimitException>(
            () => _bench.Run(Constant(true, DType.Bool, layout), new BufferExpression(target.Block, DType.Bool, layout)))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Elements, Is.EqualTo(1L << 31));
            Assert.That(error.Limit, Is.EqualTo(IlgpuExecutor.MaxElements));
            Assert.That(error.Message, Does.Contain("Fill").And.Contain("2147483648"));
        });
    }
}
