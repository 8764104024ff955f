using System.Numerics;
using System.Reflection;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Tests.Support;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The GPU kernels of the matrix product: results on ILGPU's CPU accelerator, compilation for NVIDIA GPUs.</summary>
public sealed class MatMulKernelTests
{
    private Context _context = null!;
    private Accelerator _accelerator = null!;

    [OneTimeSetUp]
    public void Start()
    {
        _context = Context.Create(builder => builder.CPU());
        _accelerator = _context.GetCPUDevice(0).CreateAccelerator(_context);
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _accelerator.Dispose();
        _context.Dispose();
    }

    [Test]
    public void AgreesWithTheNaiveProduct(
        [Values("1x1x1", "2x3x5", "16x16x16", "17x15x33", "33x1x7", "1x33x18", "32x32x16", "35x37x19", "3x4x0")] string extents,
        [Values] MatrixLayout left,
        [Values] MatrixLayout right)
    {
        int[] e = [.. extents.Split('x').Select(int.Parse)];
        MatMulCase<float>.Create(1, e[0], e[1], e[2], left, right).Check(Launch);
    }

    [Test]
    public void Batches([Values(1, 3)] int batch, [Values] bool broadcastLeft, [Values] bool broadcastRight, [Values] bool accumulate)
    {
        var x = MatMulCase<double>.Create(batch, 18, 7, 20, MatrixLayout.Rows, MatrixLayout.Columns, broadcastLeft, broadcastRight);
        x.Alpha = -1.5;
        x.Accumulate = accumulate;
        x.Check(Launch);
    }

    [Test]
    public void EmptyProductsLaunchNothing([Values("0x3x5", "3x0x5")] string extents)
    {
        int[] e = [.. extents.Split('x').Select(int.Parse)];
        MatMulCase<float>.Create(2, e[0], e[1], e[2], MatrixLayout.Rows, MatrixLayout.Rows).Check(Launch);
    }

    [Test]
    public void FewerGroupsThanTilesComputeTheSame()
    {
        var x = MatMulCase<float>.Create(3, 37, 50, 20, MatrixLayout.Rows, MatrixLayout.Rows);
        x.Check(c => Launch(c, (stream, a, b, result, arguments) =>
        {
            var small = _accelerator.LoadKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, MatMulArguments<float>>(
                MatMulKernels.Small<float, Side4>);
            small(stream, Groups(2), a.Cast<float>(), b.Cast<float>(), result.Cast<float>(), arguments);
        }));
    }

    [Test]
    public void BothTileSizes([Values] bool large, [Values("13x50x20", "33x35x9")] string extents)
    {
        int[] e = [.. extents.Split('x').Select(int.Parse)];
        var x = MatMulCase<double>.Create(2, e[0], e[1], e[2], MatrixLayout.Columns, MatrixLayout.Rows);
        x.Check(c => Launch(c, (stream, a, b, result, arguments) =>
        {
            var kernel = _accelerator.LoadKernel<ArrayView<double>, ArrayView<double>, ArrayView<double>, MatMulArguments<double>>(
                large ? MatMulKernels.Large<double, Side4> : MatMulKernels.Small<double, Side4>);
            kernel(stream, Groups(5), a.Cast<double>(), b.Cast<double>(), result.Cast<double>(), arguments);
        }));
    }

    [Test]
    public void OtherTypesAreRefused()
    {
        var arguments = new MatMulArguments<System.Half> { Batch = 1, M = 1, N = 1, K = 1 };
        var error = Assert.Throws<NotSupportedException>(
            () => MatMulLauncher.Launch(_accelerator, _accelerator.DefaultStream, default, default, default, arguments));
        Assert.That(error!.Message, Does.Contain("System.Half").And.Contain("float or double"));
    }

    private static IEnumerable<TestCaseData> Kernels() =>
        from name in new[] { nameof(MatMulKernels.Small), nameof(MatMulKernels.Large) }
        from type in new[] { typeof(float), typeof(double) }
        select new TestCaseData(typeof(MatMulKernels).GetMethod(name)!.MakeGenericMethod(type, typeof(Side16))).SetArgDisplayNames($"{name} {type.Name}");

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(kernel, major, 0);
            Assert.Multiple(() =>
            {
                Assert.That(ptx, Does.Contain(".target sm_"));
                Assert.That(ptx, Does.Contain(kernel.GetGenericArguments()[0] == typeof(float) ? "ld.shared.v4.f32" : "ld.shared.v2.f64"), "16-byte reads of shared memory");
                Assert.That(ptx, Does.Contain("bar.sync"));
                Assert.That(ptx, Does.Not.Contain(".local"), "register tiles must not lie in memory");
                Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain(".approx"));
            });
        }
    }

    private static KernelConfig Groups(int count) => new(new Index3D(count, 1, 1), new Index3D(Side4.Value, Side4.Value, 1));

    private void Launch<T>(MatMulCase<T> x) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Launch(x, (stream, a, b, c, arguments) => MatMulLauncher.Launch(_accelerator, stream, a, b, c, arguments));

    private void Launch<T>(
        MatMulCase<T> x, Action<AcceleratorStream, ArrayView<byte>, ArrayView<byte>, ArrayView<byte>, MatMulArguments<T>> launch)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using MemoryBuffer1D<T, Stride1D.Dense> a = _accelerator.Allocate1D(x.A), b = _accelerator.Allocate1D(x.B), c = _accelerator.Allocate1D(x.C);
        AcceleratorStream stream = _accelerator.DefaultStream;
        launch(stream, Bytes(a, x.AStart), Bytes(b, x.BStart), Bytes(c, 0), new MatMulArguments<T>
        {
            Batch = x.Batch,
            M = x.M,
            N = x.N,
            K = x.K,
            ABatch = x.ABatch,
            ARow = x.ARow,
            ACol = x.ACol,
            BBatch = x.BBatch,
            BRow = x.BRow,
            BCol = x.BCol,
            CBatch = x.CBatch,
            CRow = x.CRow,
            Alpha = x.Alpha,
            Accumulate = x.Accumulate ? 1 : 0,
        });
        stream.Synchronize();
        c.CopyToCPU(x.C);
    }

    private static ArrayView<byte> Bytes<T>(MemoryBuffer1D<T, Stride1D.Dense> buffer, long start) where T : unmanaged =>
        buffer.View.AsContiguous().SubView(start).Cast<byte>();
}
