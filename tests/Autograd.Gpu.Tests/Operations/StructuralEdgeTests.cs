using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Structural operations at their edges: ties, nan, nothing to reduce, sizes around a vector's length, other dtypes and devices.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class StructuralEdgeTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    [Test]
    public void TiesShareTheGradientOfAmaxAndTheFirstGetsThatOfMaxOverADim()
    {
        double[,] values = { { 2, 5, 5 }, { 7, 7, 7 } };
        Assert.That(Gradient(values, x => x.Amax([1])), Is.EqualTo(new[] { 0, 0.5, 0.5, 1 / 3.0, 1 / 3.0, 1 / 3.0 }));
        Assert.That(Gradient(values, x => x.Max()), Is.EqualTo(new[] { 0, 0, 0, 1 / 3.0, 1 / 3.0, 1 / 3.0 }));
        Assert.That(Gradient(values, x => x.Amin([0])), Is.EqualTo(new[] { 1.0, 1, 1, 0, 0, 0 }));
        Assert.That(Gradient(values, x => x.Max(1).Values), Is.EqualTo(new[] { 0.0, 1, 0, 1, 0, 0 }));
        Assert.That(Gradient(values, x => x.Min(1, true).Values), Is.EqualTo(new[] { 1.0, 0, 0, 1, 0, 0 }));
        var x = Tensor.FromArray(values, device);
        Assert.That(x.ArgMax(1).ToArray<long>(), Is.EqualTo(new long[] { 1, 0 }), "the first of those that tie");
        Assert.That((x.ArgMax().Item<long>(), x.ArgMin().Item<long>()), Is.EqualTo((3L, 0L)));

        double[] Gradient(double[,] at, Func<Tensor, Tensor> function)
        {
            var leaf = Tensor.FromArray(at, device, requiresGrad: true);
            function(leaf).Sum().Backward();
            return leaf.Grad!.ToArray<double>();
        }
    }

    [Test]
    public void NanAndInfinitiesGoThroughReductions()
    {
        float[] values = [1, float.NaN, 3, float.NegativeInfinity];
        var x = Tensor.FromArray(values, device);
        Assert.That(x.Sum().Item<float>(), Is.NaN);
        Assert.That(x.Amax().Item<float>(), Is.NaN);
        Assert.That(x.Amin().Item<float>(), Is.NaN);
        Assert.That(x.Max(0).Values.Item<float>(), Is.NaN);
        Assert.That((x.ArgMax().Item<long>(), x.ArgMin().Item<long>()), Is.EqualTo((1L, 1L)), "nan counts as the largest and the smallest");
        Assert.That(x[2..].Sum().Item<float>(), Is.EqualTo(float.NegativeInfinity));
        Assert.That(x[2..].Amin().Item<float>(), Is.EqualTo(float.NegativeInfinity));
        Assert.That(x[3..].Amax().Item<float>(), Is.EqualTo(float.NegativeInfinity));
        Assert.That(Tensor.FromArray([float.PositiveInfinity, float.NegativeInfinity], device).Sum().Item<float>(), Is.NaN);
    }

    [Test]
    public void ReductionsOfNothing()
    {
        var empty = Tensor.Zeros([2, 0], device: device);
        Assert.That(empty.Sum().Item<float>(), Is.Zero);
        Assert.That(empty.Sum(1).ToArray<float>(), Is.EqualTo(new float[2]));
        Assert.That(empty.Sum(0).Shape, Is.EqualTo(Shape.Create([0])));
        Assert.That(empty.Mean().Item<float>(), Is.NaN);
        Assert.That(empty.Mean(1).ToArray<float>(), Is.All.NaN);
        Assert.That(empty.Amax([0]).Shape, Is.EqualTo(Shape.Create([0])), "nothing is asked of no element");
        foreach (var reduce in new Action[] { () => empty.Amax(), () => empty.Amin([1]), () => empty.Max(1), () => empty.ArgMax(), () => empty.Min() })
        {
            Assert.That(Assert.Throws<ShapeException>(reduce)!.Message, Does.Contain("has no identity").And.Contain("[2, 0]"));
        }

        Assert.That(Assert.Throws<ShapeException>(() => empty.Sum([0, -2]))!.Message, Does.Contain("appears multiple times"));
        Assert.That(Assert.Throws<ShapeException>(() => empty.Sum(2))!.Message, Does.Contain("Dimension out of range (expected to be in range of [-2, 1], but got 2)"));
    }

    [Test]
    public void SizesAroundAVectorsLengthReduceRight()
    {
        int most = device == Device.CpuKernels ? 5 : 40;
        for (int n = 1; n <= most; n++)
        {
            foreach (var (rows, columns) in new[] { (n, 3), (3, n), (1, n), (n, 1) })
            {
                var matrix = new NdArray([rows, columns], Numbers.Uniform(n, rows * columns, -1, 1));
                var x = Tensor.FromArray(matrix.Values, [rows, columns], device);
                for (int dim = 0; dim < 2; dim++)
                {
                    string where = $"[{rows}, {columns}] over {dim}";
                    Assert.That(x.Sum(dim).Doubles(), Is.EqualTo(matrix.Reduce([dim], false, v => v.Sum()).Values).Within(1e-13), where);
                    Assert.That((x * x).Amax([dim]).Doubles(), Is.EqualTo(matrix.Reduce([dim], false, v => v.Max(e => e * e)).Values), where);
                    Assert.That(x.ArgMin(dim).Doubles(), Is.EqualTo(matrix.Reduce([dim], false, v => Array.IndexOf(v, v.Min())).Values), where);
                }

                Assert.That(x.T.Mean().Item<double>(), Is.EqualTo(matrix.Values.Average()).Within(1e-14));
            }
        }
    }

    [Test]
    public void WholeNumbersAndBoolsReduceAsPyTorchReducesThem()
    {
        var x = Tensor.FromArray(new[,] { { 2_000_000_000, 2_000_000_000 }, { -1, 5 } }, device);
        Assert.That((x.Sum().DType, x.Sum().Item<long>()), Is.EqualTo((DType.Int64, 4_000_000_004L)));
        Assert.That((x.Amax().DType, x.Amax([0]).ToArray<int>()), Is.EqualTo((DType.Int32, new[] { 2_000_000_000, 2_000_000_000 })));
        Assert.That(Tensor.FromArray([true, false, true], device).Sum().Item<long>(), Is.EqualTo(2));
        Assert.That(Assert.Throws<DTypeException>(() => x.Mean())!.Message, Does.Contain("Input dtype must be a floating point dtype. Got: int32"));
        Assert.That(x.Sum([], dtype: DType.Float64).Item<double>(), Is.EqualTo(4_000_000_004d));
        Assert.That(x.Sum([1], dtype: DType.Float32).DType, Is.EqualTo(DType.Float32));
    }

    [Test]
    public void SoftmaxOfLargeNumbersDoesNotOverflow()
    {
        var x = Tensor.FromArray(new[] { 1000f, 1001f, float.NegativeInfinity }, device, requiresGrad: true);
        var y = x.Softmax(0);
        float e = 1 / (1 + MathF.E);
        Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { e, 1 - e, 0 }).Within(1e-6));
        Assert.That(x.LogSoftmax(0).ToArray<float>(), Is.EqualTo(new[] { MathF.Log(e), MathF.Log(1 - e), float.NegativeInfinity }).Within(1e-6));
        Assert.That(Tensor.Full([2], double.NegativeInfinity, device: device).Softmax(0).ToArray<float>(), Is.All.NaN, "as in PyTorch");
        var loss = Functional.CrossEntropy(x[..2].Unsqueeze(0), Tensor.FromArray([1L], device));
        Assert.That(loss.Item<float>(), Is.EqualTo(-MathF.Log(1 - e)).Within(1e-6));
        loss.Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { e, -e, 0 }).Within(1e-6));
    }

    [Test]
    public void ClassNumbersAreChecked()
    {
        var logits = Tensor.Zeros([2, 3], device: device);
        Assert.That(
            Assert.Throws<ShapeException>(() => Functional.CrossEntropy(logits, Tensor.FromArray([0L], device)))!.Message, Does.Contain("[2, 3]").And.Contain("[1]"));
        Assert.That(
            Assert.Throws<DTypeException>(() => Functional.CrossEntropy(logits, Tensor.Zeros([2], device: device)))!.Message, Does.Contain("int64").And.Contain("float32"));
        if (device.HasHostMemory)
        {
            Assert.That(
                Assert.Throws<ShapeException>(() => Functional.CrossEntropy(logits, Tensor.FromArray([0L, 3L], device)))!.Message, Does.Contain("Target 3 is out of bounds"));
            Assert.That(Assert.Throws<ShapeException>(() => Tensor.FromArray([-1L], device).OneHot(2))!.Message, Does.Contain("Target -1 is out of bounds"));
        }

        Assert.That(Tensor.FromArray([2L, 0L], device).OneHot(3).ToArray<long>(), Is.EqualTo(new long[] { 0, 0, 1, 1, 0, 0 }));
    }

    [Test]
    public void CastsAreDifferentiableBetweenFloatsAndExactWhereTheyCanBe()
    {
        var x = Tensor.FromArray([1.5, -2.25, 1e300], device, requiresGrad: true);
        var single = x.To(DType.Float32);
        Assert.That((single.DType, single.GradFn!.Name), Is.EqualTo((DType.Float32, "ToCopyBackward0")));
        Assert.That(single.ToArray<float>(), Is.EqualTo(new[] { 1.5f, -2.25f, float.PositiveInfinity }));
        (single * 3).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 3, 3, 3 }));
        Assert.That(x.To(DType.Float64), Is.SameAs(x));
        Assert.That(x.To(DType.Int64).RequiresGrad, Is.False);
        Assert.That(x[..2].To(DType.Int32).ToArray<int>(), Is.EqualTo(new[] { 1, -2 }), "towards zero");
        Assert.That(Tensor.FromArray([0, 2.5, double.NaN, -0.0], device).To(DType.Bool).ToArray<bool>(), Is.EqualTo(new[] { false, true, true, false }));
        Assert.That(Tensor.FromArray([true, false], device).To(DType.Float32).ToArray<float>(), Is.EqualTo(new float[] { 1, 0 }));
        Assert.That(Tensor.FromArray([(1L << 40) + 3], device).To(DType.Float64).Item<double>(), Is.EqualTo((1L << 40) + 3d));
    }

    [Test]
    public void TensorsTravelBetweenDevicesWithTheirGradients()
    {
        foreach (var other in TestDevices.All)
        {
            var x = Tensor.FromArray(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } }, device, requiresGrad: true);
            var there = (x * 2).T[1..].To(other);
            Assert.That((there.Device, there.ToArray<double>()), Is.EqualTo((other, new double[] { 4, 10, 6, 12 })));
            (there * there).Sum().Backward();
            Assert.That(x.Grad!.Device, Is.SameAs(device));
            Assert.That(x.Grad.ToArray<double>(), Is.EqualTo(new double[] { 0, 16, 24, 0, 40, 48 }));
            Assert.That(Tensor.Zeros([0, 2], device: device).To(other).Shape, Is.EqualTo(Shape.Create([0, 2])));
        }
    }
}
