using System.Reflection;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Kernels.Rows;
using Autograd.Gpu.Nn;
using Autograd.Gpu.Tests.Support;
using ILGPU;

namespace Autograd.Gpu.Tests.Kernels;

/// <summary>The kernels that take a row at a time: long rows, special values, half types, and how many of them run.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
[NonParallelizable]
public sealed class RowKernelTests(Device device)
{
    private const float Inf = float.PositiveInfinity;

    [Test]
    public void RowsWithoutASoftmaxAreNanAsInPyTorch()
    {
        var x = Tensor.FromArray(
            new[,] { { 1, Inf, 0 }, { -Inf, -Inf, -Inf }, { float.NaN, 1, 0 }, { -Inf, 2, -Inf } }, device);
        foreach (int dim in new[] { 0, 1 })
        {
            // Along dimension 0 the same numbers are columns, which other kernels take.
            var rows = dim == 1 ? x : x.T;
            var (y, log) = (Lines(rows.Softmax(dim), dim), Lines(rows.LogSoftmax(dim), dim));
            Assert.That(y[..9], Is.All.NaN);
            Assert.That(log[..9], Is.All.NaN);
            Assert.That(y[9..], Is.EqualTo(new[] { 0f, 1, 0 }));
            Assert.That(log[9..], Is.EqualTo(new[] { -Inf, 0, -Inf }));
        }

        var losses = Functional.CrossEntropy(x, Tensor.FromArray([0L, 1, 2, 1], device), reduction: LossReduction.None).ToArray<float>();
        Assert.That(losses, Is.EqualTo(new[] { float.NaN, float.NaN, float.NaN, 0 }));

        static float[] Lines(Tensor t, int dim) => (dim == 1 ? t : t.T).Contiguous().ToArray<float>();
    }

    [Test]
    public void IgnoredRowsHaveNoLossAndNoGradient()
    {
        var x = Tensor.FromArray(new[,] { { 1f, 2 }, { float.NaN, 3 } }, device, requiresGrad: true);
        var target = Tensor.FromArray([0L, 5], device);
        var loss = Functional.CrossEntropy(x, target, ignoreIndex: 5);
        loss.Backward();
        float p = 1 / (1 + MathF.Exp(-1));
        Assert.That(loss.Item<float>(), Is.EqualTo(-MathF.Log(1 - p)).Within(1e-6));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { -p, p, 0, 0 }).Within(1e-6));
        foreach (var weight in new[] { null, Tensor.FromArray([1f, 2], device) })
        {
            var none = Functional.CrossEntropy(x, Tensor.FromArray([5L, 5], device), weight, 5);
            Assert.That(none.Item<float>(), Is.NaN, "nothing to average");
            Assert.That(Functional.NllLoss(x, Tensor.FromArray([5L, 5], device), weight, 5).Item<float>(), Is.NaN);
            Assert.That(Functional.CrossEntropy(x, Tensor.FromArray([5L, 5], device), weight, 5, LossReduction.Sum).Item<float>(), Is.Zero);
        }
    }

    [Test]
    public void LongRowsAreAsExactAsADoubleComputesThem([Values] bool isLong)
    {
        // Threads of a group are threads of the process on the kernel accelerator.
        int columns = (isLong, device.IsHost) switch { (true, true) => 70_001, (true, false) => 300, _ => 100 };
        var values = Numbers.Uniform(7, 9 * columns, -4, 9);
        foreach (var width in device.IsHost ? new[] { HostVectorWidth.V128, HostMatMul.Widest } : [HostMatMul.Widest])
        {
            HostMatMul.Width = width;
            try
            {
                var x = Numbers.Of(values, [9, columns], DType.Float32, device).RequiresGrad_();
                var exact = Numbers.Of(x.Doubles(), [9, columns], DType.Float64, device).RequiresGrad_();
                var g = Numbers.Of(Numbers.Uniform(8, 9 * columns, -1, 1), [9, columns], DType.Float32, device);
                Compare(t => t.Softmax(1), 4e-6);
                Compare(t => t.LogSoftmax(1), 2e-6);
                Compare(t => Functional.LayerNorm(t, [columns]), 2e-6);
                Compare(t => Functional.RmsNorm(t, [columns]), 2e-6);
                Compare(t => Functional.CrossEntropy(t, Tensor.Arange(0, 9, device: device).To(DType.Int64) * 7, reduction: LossReduction.None), 2e-6);

                void Compare(Func<Tensor, Tensor> apply, double tolerance)
                {
                    var (single, wide) = (apply(x), apply(exact));
                    Assert.That(Worst(single.Doubles(), wide.Doubles()), Is.LessThan(tolerance));
                    var gradient = single.Rank == 1 ? g[TensorIndex.Ellipsis, 0] : g;
                    var slope = Autodiff.Grad([single], [x], [gradient])[0]!;
                    Assert.That(Worst(slope.Doubles(), Autodiff.Grad([wide], [exact], [gradient.To(DType.Float64)])[0]!.Doubles()), Is.LessThan(4 * tolerance));
                }
            }
            finally
            {
                HostMatMul.Width = HostMatMul.Widest;
            }
        }

        // Beside the largest element.
        static double Worst(double[] a, double[] b)
        {
            double scale = b.Max(Math.Abs), worst = 0;
            for (int i = 0; i < a.Length; i++)
            {
                worst = Math.Max(worst, Math.Abs(a[i] - b[i]) / scale);
            }

            return worst;
        }
    }

    [Test]
    public void ResultsDoNotDependOnTheNumberOfThreads()
    {
        int threads = HostParallel.ThreadCount;
        var x = Numbers.Of(Numbers.Uniform(3, 60 * 401, -3, 3), [60, 401], DType.Float32, device).RequiresGrad_();
        var weight = Tensor.Linspace(0.5, 2, 401, device: device);
        float[][]? first = null;
        try
        {
            foreach (int count in new[] { 1, 2, 5 })
            {
                HostParallel.ThreadCount = count;
                Tensor[] results =
                [
                    x.Softmax(1), x.LogSoftmax(1), Functional.LayerNorm(x, [401], weight, weight),
                    Functional.CrossEntropy(x, Tensor.Zeros([60], DType.Int64, device), reduction: LossReduction.None),
                ];
                float[][] all = [.. results.SelectMany(r => new[] { r.ToArray<float>(), Autodiff.Grad([r], [x], [r.Detach()])[0]!.ToArray<float>() })];
                first ??= all;
                Assert.That(all, Is.EqualTo(first));
            }
        }
        finally
        {
            HostParallel.ThreadCount = threads;
        }
    }

    [TestCase(DType.Float16)]
    [TestCase(DType.BFloat16)]
    public void HalfTypesAreComputedInFloat32(DType dtype)
    {
        var x = Numbers.Double(1, [2, 5], -3, 3, device).To(dtype);
        var w = Numbers.Double(2, [5], 0.5, 2, device).To(dtype);
        var m = Numbers.Double(3, [3, 5], -1, 1, device).To(dtype);
        var target = Tensor.FromArray([4L, 0], device);
        foreach (var apply in new Func<Tensor, Tensor, Tensor, Tensor>[]
        {
            (x, w, m) => x.Softmax(1), (x, w, m) => x.LogSoftmax(1), (x, w, m) => Functional.LayerNorm(x, [5], w, w), (x, w, m) => Functional.RmsNorm(x, [5], w, 1e-3),
            (x, w, m) => Functional.CrossEntropy(x, target, reduction: LossReduction.None), (x, w, m) => Functional.Linear(x, m, m.Select(1, 0)),
        })
        {
            Tensor[] half = [x.Detach().RequiresGrad_(), w.Detach().RequiresGrad_(), m.Detach().RequiresGrad_()];
            Tensor[] single = [.. half.Select(t => t.Detach().To(DType.Float32).RequiresGrad_())];
            var (y, exact) = (apply(half[0], half[1], half[2]), apply(single[0], single[1], single[2]));
            Assert.That(y.DType, Is.EqualTo(dtype));
            Assert.That(y.Doubles(), Is.EqualTo(exact.To(dtype).Doubles()));

            // A gradient that begins with a rounded output is as good as that.
            y.Sum().Backward();
            exact.Sum().Backward();
            double unit = dtype == DType.Float16 ? 1e-3 : 8e-3;
            for (int i = 0; i < half.Length; i++)
            {
                Assert.That(half[i].Grad is null, Is.EqualTo(single[i].Grad is null));
                if (half[i].Grad is { } grad)
                {
                    Assert.That(grad.DType, Is.EqualTo(dtype));
                    Assert.That(grad.Doubles(), Is.EqualTo(single[i].Grad!.Doubles()).Within(4 * unit));
                }
            }
        }
    }

    [Test]
    public void ARowsKernelsAreFew()
    {
        var x = Numbers.Double(1, [4, 6], -1, 1, device, requiresGrad: true);
        var weight = Tensor.Ones([6], DType.Float64, device, requiresGrad: true);
        var target = Tensor.FromArray([0L, 1, 5, 2], device);
        var (column, matrix) = (Tensor.Ones([4], DType.Float64, device).Materialize(), Tensor.Ones([4, 6], DType.Float64, device).Materialize());
        var bias = Tensor.Ones([4], DType.Float64, device).Materialize();
        using (Laziness.Set(true))
        {
            // The losses, their mean, the gradient of the logits.
            Count(3, () => Functional.CrossEntropy(x, target).Backward());
            Count(2, () => Functional.CrossEntropy(x, target, reduction: LossReduction.None).Backward(column));
            Count(2, () => x.Softmax(1).Backward(matrix));
            Count(3, () => Functional.LayerNorm(x, [6], weight).Backward(matrix));
            Count(1, () => Functional.Linear(x.Detach(), matrix, bias));
        }

        void Count(int most, Action run)
        {
            run();
            (x.Grad, weight.Grad) = (null, null);
            using var log = new KernelLog();
            run();
            x.Grad?.Materialize();
            weight.Grad?.Materialize();
            (x.Grad, weight.Grad) = (null, null);
            Assert.That(log.Count, Is.LessThanOrEqualTo(most), log.ToString());
        }
    }
}

/// <summary>Compiles the row kernels to PTX, which needs no GPU.</summary>
public sealed class RowKernelPtxTests
{
    private static IEnumerable<TestCaseData> Kernels() =>
        from owner in new[] { typeof(SoftmaxKernels), typeof(NormKernels), typeof(CrossEntropyKernels) }
        from name in new[] { "Forward", "Backward" }
        from types in new[] { new[] { typeof(float), typeof(SingleRows) }, [typeof(double), typeof(DoubleRows)] }
        select new TestCaseData(owner.GetMethod(name)!.MakeGenericMethod(types)).SetArgDisplayNames($"{owner.Name} {name} {types[0].Name}");

    [TestCaseSource(nameof(Kernels))]
    public void CompilesForNvidia(MethodInfo kernel)
    {
        using var context = Context.Create(builder => builder.Default().EnableAlgorithms().Optimize(OptimizationLevel.O2));
        DeviceMath.Register(context);
        foreach (int major in new[] { 8, 9 })
        {
            string ptx = PtxCompiler.Compile(context, kernel, major, 0);
            Assert.That(ptx, Does.Contain(".entry"));
            Assert.That(ptx, Does.Not.Contain("atom.").And.Not.Contain("red.global").And.Not.Contain(".approx").And.Not.Contain(".local"));
        }
    }
}
