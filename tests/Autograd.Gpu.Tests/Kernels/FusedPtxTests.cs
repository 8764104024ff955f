using Autograd.Gpu.Kernels;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Lazy.Ilgpu;
using Autograd.Gpu.Tests.Support;
using ILGPU;
using static Autograd.Gpu.Tests.Kernels.FusedBench;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles generated kernels and every reduction template to PTX, which needs no GPU.</summary>
public class FusedPtxTests
{
    private static readonly DType[] DTypes = Enum.GetValues<DType>();

    private Context _context = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _context = Context.Create(builder => builder.Default().EnableAlgorithms().Optimize(OptimizationLevel.O2));
        DeviceMath.Register(_context);
    }

    [OneTimeTearDown]
    public void TearDown() => _context.Dispose();

    [Test]
    public void Every_reduction_of_every_dtype([Values(80, 90)] int architecture, [Values] DType dtype)
    {
        var body = new FusedProgram(
            [new ValueStep(ValueKind.Load, dtype, 0, null, 0, 0, 0, default)],
            [new OperandInfo(dtype, Access.Contiguous, Access.Contiguous, false)],
            [],
            1,
            0,
            0);
        foreach (var reduction in Enum.GetValues<Reduction>())
        {
            if (dtype == DType.Bool && reduction is (Reduction.Sum or Reduction.Product))
                continue;
            var types = ReductionTypes.For(reduction, dtype);
            foreach (bool isRows in new[] { true, false })
            {
                Check(KernelEntry.Reduce(body, 0, reduction, types, isRows), architecture);
                Check(KernelEntry.Reduce(body, 0, reduction, types.FirstPass(), isRows), architecture);
            }

            Check(KernelEntry.Merge(reduction, types.SecondPass()), architecture);
        }
    }

    private static IEnumerable<TestCaseData> Operations() =>
        from type in typeof(PointwiseFunction).Assembly.GetTypes().Concat(PointwiseTable.Operations.Select(o => o.GetType())).Distinct()
        where type.IsSubclassOf(typeof(PointwiseFunction)) && type is { IsAbstract: false, ContainsGenericParameters: false } && type.GetConstructor([]) is not null
        select new TestCaseData(type).SetArgDisplayNames(type.IsGenericType ? type.GetGenericArguments()[0].Name : type.Name);

    [TestCaseSource(nameof(Operations))]
    public void Every_operation_in_every_dtype_that_it_has(Type type)
    {
        var function = (PointwiseFunction)Activator.CreateInstance(type)!;
        var dtypes = new[] { DType.Bool, DType.Int32, DType.Int64, DType.Float32, DType.Float64 }.Where(function.Supports).ToArray();
        Assert.That(dtypes, Is.Not.Empty);
        foreach (var dtype in dtypes)
        {
            var inputs = Enumerable.Range(0, function.Arity).Select(i => i == 0 && function.TakesCondition ? DType.Bool : dtype).ToArray();
            var result = PointwiseResult(function, dtype);
            var program = new FusedProgram(
                [
                    .. inputs.Select((d, i) => new ValueStep(ValueKind.Load, d, i, null, 0, 0, 0, default)),
                    new ValueStep(ValueKind.Apply, result, 0, function, 0, 1, 2, default),
                ],
                [.. inputs.Append(result).Select(d => new OperandInfo(d, Access.Contiguous, Access.Contiguous, false))],
                [new OutputStep(inputs.Length, inputs.Length)],
                1,
                0,
                0);
            Check(KernelEntry.Pointwise(program), 90);
        }
    }

    [Test]
    public void Programs([Values(80, 90)] int architecture)
    {
        var entries = new List<KernelEntry>();
        void Record(KernelEntry entry) => entries.Add(entry);
        KernelEntry.Generated += Record;
        try
        {
            RunPrograms();
        }
        finally
        {
            KernelEntry.Generated -= Record;
        }

        Assert.That(entries, Has.Count.GreaterThan(70));
        foreach (var entry in entries)
            Check(entry, architecture);
    }

    [Test]
    public void Division_and_square_root_are_rounded_and_nan_is_not_equal()
    {
        var layout = Whole(4);
        var bench = new FusedBench();
        var x = bench.Buffer(DType.Float32, layout, 1, 2, 3, 4);
        var program = Program(bench, Apply(CastFunction.Instance, DType.Bool, Apply(Over.Instance, DType.Float32, Apply(Root.Instance, DType.Float32, x), x)));
        string ptx = PtxCompiler.Compile(_context, KernelEntry.Pointwise(program).Method, 8, 0);
        Assert.That(ptx, Does.Contain("div.rn.f32").And.Contain("sqrt.rn.f32").And.Contain("setp.neu.f32"));
    }

    [Test]
    public void Conversions_to_bytes_wrap_around_on_the_device_too([Values(DType.Float32, DType.Int64)] DType from)
    {
        var bench = new FusedBench();
        var program = Program(bench, Apply(CastFunction.Instance, DType.Float32, Apply(CastFunction.Instance, DType.UInt8, bench.Empty(from, Whole(3)))));
        string ptx = PtxCompiler.Compile(_context, KernelEntry.Pointwise(program).Method, 8, 0);
        Assert.That(ptx, Does.Not.Contain("cvt.rzi.u8").And.Contain("255"));
    }

    private static DType PointwiseResult(PointwiseFunction function, DType dtype) =>
        DTypes.Single(d => d == d.ComputeType() && Registers.Scalar(d) == function.ScalarMethod(dtype).ReturnType);

    private static FusedProgram Program(FusedBench bench, Expression root)
    {
        var target = bench.Empty(root.DType, Layout.Contiguous(root.Shape));
        var graph = bench.Executor.Graph;
        graph.AddOutput(graph.Load(root), target.Block, target.DType, target.Layout);
        graph.Finish();
        return graph.ToProgram();
    }

    private static void RunPrograms()
    {
        var bench = new FusedBench();
        foreach (var dtype in DTypes)
        {
            foreach (var other in DTypes)
                bench.Run(Apply(CastFunction.Instance, other, bench.Empty(dtype, Layout.Strided(Shape.Create([3, 4]), [1, 3], 0), 1)));
            var choice = bench.Empty(DType.Bool, Whole(3), 1);
            bench.Run(Apply(Choose.Instance, dtype, choice, bench.Empty(dtype, Whole(3)), Constant(1, dtype, Whole(3))));
        }

        foreach (var dtype in new[] { DType.Float32, DType.Float64 })
        {
            foreach (var kind in Enum.GetValues<RandomKind>())
            {
                var random = new RandomExpression(kind, 1, 2, dtype, Whole(2, 3));
                var column = new IndexExpression(DType.Int64, Layout.Strided(Shape.Create([2, 3]), [0, 1], 0));
                var sum = Apply(Plus.Instance, dtype, random, Apply(CastFunction.Instance, dtype, column));
                bench.Run(sum);
                bench.Reduce(Reduction.Sum, sum, new(2, 3, 1));
            }
        }
    }

    private void Check(KernelEntry entry, int architecture)
    {
        string ptx = PtxCompiler.Compile(_context, entry.Method, architecture / 10, architecture % 10);
        Assert.That(ptx, Does.Contain(".entry").And.Not.Contain(".approx").And.Not.Contain(".ftz"), entry.Operations);

        // Parameters stay parameters, values stay registers, and views are known to be in global memory.
        Assert.That(ptx, Does.Not.Contain(".local").And.Not.Match(@"\b(ld|st)\.[bfsu]\d"), entry.Operations);
    }
}
