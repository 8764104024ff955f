using System.Reflection;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Fused;
using Autograd.Gpu.Kernels.Indexing;
using Autograd.Gpu.Tests.Support;
using ILGPU;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>Compiles the kernels of gather, scatter, bags of rows, scans and sorting to PTX, which needs no GPU. None of them may use an atomic or an approximation.</summary>
public sealed class IndexKernelPtxTests
{
    private Context _context = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _context = Context.Create(builder => builder.Default().EnableAlgorithms().Optimize(OptimizationLevel.O2));
        DeviceMath.Register(_context);
    }

    [OneTimeTearDown]
    public void TearDown() => _context.Dispose();

    private static IEnumerable<TestCaseData> Kernels()
    {
        var kernels = new List<(string Name, MethodInfo Method)>();
        void Add(Type owner, string name, params Type[] types)
        {
            var method = owner.GetMethod(name)!;
            kernels.Add(($"{name} {string.Join(" ", types.Select(t => t.Name))}", types.Length > 0 ? method.MakeGenericMethod(types) : method));
        }

        foreach (var type in new[] { typeof(byte), typeof(short), typeof(int), typeof(long) })
        {
            Add(typeof(IndexKernels), nameof(IndexKernels.Gather), type);
            Add(typeof(IndexKernels), nameof(IndexKernels.ScatterByLine), type, typeof(Replace<>).MakeGenericType(type));
            Add(typeof(IndexKernels), nameof(IndexKernels.ScatterByTarget), type, typeof(Replace<>).MakeGenericType(type));
        }

        foreach (var type in new[] { typeof(int), typeof(long), typeof(float), typeof(double) })
        {
            Add(typeof(SortKernels), nameof(SortKernels.Merge), type);
            Add(typeof(SortKernels), nameof(SortKernels.Search), type);
            foreach (var combination in new[] { typeof(Accumulate<>), typeof(Multiply<>), typeof(KeepLarger<>), typeof(KeepSmaller<>) })
            {
                Add(typeof(IndexKernels), nameof(IndexKernels.ScatterByLine), type, combination.MakeGenericType(type));
                Add(typeof(IndexKernels), nameof(IndexKernels.ScatterByTarget), type, combination.MakeGenericType(type));
            }
        }

        foreach (var types in new Type[][]
        {
            [typeof(float), typeof(float), typeof(AsStored<float>)], [typeof(double), typeof(double), typeof(AsStored<double>)],
            [typeof(ushort), typeof(float), typeof(StoredFloat16)], [typeof(ushort), typeof(float), typeof(StoredBFloat16)],
        })
        {
            Add(typeof(BagKernels), nameof(BagKernels.Sum), types);
            Add(typeof(BagKernels), nameof(BagKernels.Largest), types);
            Add(typeof(BagKernels), nameof(BagKernels.Dot), types);
        }

        Add(typeof(SortKernels), nameof(SortKernels.Positions));
        Add(typeof(SortKernels), nameof(SortKernels.Coordinate));
        foreach (var scan in new[]
        {
            typeof(FloatSumScan), typeof(FloatProductScan), typeof(SumScan<long>), typeof(SumScan<double>), typeof(ProductScan<long>), typeof(ProductScan<double>),
            typeof(ArgMaxScan<int, Int32Range>), typeof(ArgMaxScan<long, Int64Range>), typeof(ArgMaxScan<float, Float32Range>), typeof(ArgMaxScan<double, Float64Range>),
            typeof(ArgMinScan<int, Int32Range>), typeof(ArgMinScan<long, Int64Range>), typeof(ArgMinScan<float, Float32Range>), typeof(ArgMinScan<double, Float64Range>),
            typeof(FloatLogSumExpScan), typeof(DoubleLogSumExpScan), typeof(FloatRecurrenceScan), typeof(DoubleRecurrenceScan),
        })
        {
            var types = scan.GetInterfaces().Single(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IScan<,,>)).GetGenericArguments();
            foreach (string name in new[] { nameof(ScanKernels.Totals), nameof(ScanKernels.Prefixes), nameof(ScanKernels.Scan) })
            {
                Add(typeof(ScanKernels), name, [.. types, scan]);
            }
        }

        return from kernel in kernels select new TestCaseData(kernel.Method).SetArgDisplayNames(kernel.Name);
    }

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(_context, kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain("red.global").And.Not.Contain(".approx"));
        }
    }
}
