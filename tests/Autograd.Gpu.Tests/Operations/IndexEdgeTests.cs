namespace Autograd.Gpu.Tests;

/// <summary>Picking and placing at their edges: duplicates, long lines, order of sums, dtypes, nothing, tape and writes in place.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class IndexEdgeTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    private Tensor Long(params long[] values) => Tensor.FromArray(values, device);

    private Tensor Float(params float[] values) => Tensor.FromArray(values, device);

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(70)]
    [TestCase(500)]
    public void SumsAreTakenInTheOrderOfTheIndexOnEveryDevice(int count)
    {
        // Numbers of many magnitudes: another order would show.
        var random = new Random(count);
        var index = Enumerable.Range(0, count).Select(_ => (long)random.Next(7)).ToArray();
        var values = Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 8)))).ToArray();
        var expected = new float[7];
        for (int i = 0; i < count; i++)
        {
            expected[index[i]] += values[i];
        }

        var zeros = Tensor.Zeros([7], device: device);
        Assert.That(zeros.ScatterAdd(0, Long(index), Float(values)).ToArray<float>(), Is.EqualTo(expected));
        Assert.That(zeros.IndexAdd(0, Long(index), Float(values)).ToArray<float>(), Is.EqualTo(expected));
        Assert.That(zeros.IndexPut([Long(index)], Float(values), accumulate: true).ToArray<float>(), Is.EqualTo(expected));
        var negative = Long(Array.ConvertAll(index, i => i - 7));
        Assert.That(zeros.IndexPut([negative], Float(values), accumulate: true).ToArray<float>(), Is.EqualTo(expected), "negative positions");

        var rows = Tensor.Zeros([7, 3], device: device).IndexAdd(0, Long(index), Float(values).Unsqueeze(1).Expand(-1, 3));
        Assert.That(rows.ToArray<float>(), Is.EqualTo(expected.SelectMany(e => new[] { e, e, e })), "one index for all columns, values of stride 0");

        var last = new float[7];
        for (int i = 0; i < count; i++)
        {
            last[index[i]] = values[i];
        }

        Assert.That(zeros.Scatter(0, Long(index), Float(values)).ToArray<float>(), Is.EqualTo(last), "the last one stays");
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(33)]
    [TestCase(300)]
    public void RowsArePickedWhereverTheyLie(int columns)
    {
        // Rows of a part of a table and of a turned one, by negative positions as well, in batches.
        var table = Tensor.Arange(0, 3 * 5 * (columns + 2), dtype: DType.Float32, device: device).Reshape(3, 5, columns + 2);
        var array = table.ToArray<float>();
        long[] picked = [4, 0, 2, 2, 1, 4, 3];
        var part = table[1, .., 1..(columns + 1)];
        float At(long row, int column) => array[(5 + row) * (columns + 2) + 1 + column];
        var expected = picked.SelectMany(row => Enumerable.Range(0, columns).Select(column => At(row, column))).ToArray();
        Assert.That(part.IndexSelect(0, Long(picked)).ToArray<float>(), Is.EqualTo(expected));
        Assert.That(part[Long(Array.ConvertAll(picked, row => row - 5))].ToArray<float>(), Is.EqualTo(expected));
        Assert.That(part.To(DType.Float64).IndexSelect(0, Long(picked)).ToArray<double>(), Is.EqualTo(expected));
        var turned = part.Transpose(0, 1).Contiguous().Transpose(0, 1);
        Assert.That(turned.IndexSelect(0, Long(picked)).ToArray<float>(), Is.EqualTo(expected));
        Assert.That(table.IndexSelect(1, Long(picked))[1, .., 1..(columns + 1)].ToArray<float>(), Is.EqualTo(expected));
        Assert.Throws<ShapeException>(() => part.IndexSelect(0, Long(0, 5)));
    }

    [Test]
    public void KernelsWrittenByHandTellTheBytesThatTheyMove()
    {
        var x = Tensor.FromArray(new double[] { 3, 1, 2, 5, 4, 6 }, [2, 3], device);
        var index = Tensor.FromArray(new long[] { 0, 2, 1, 1 }, [2, 2], device);
        using var log = new KernelLog();
        x.Gather(1, index);
        x.CumSum(1);
        x.Sort(1);
        var bytes = log.Events.GroupBy(e => e.Operations).ToDictionary(g => g.Key, g => g.First().Bytes);
        Assert.That(bytes["Gather"], Is.EqualTo(4 * 8 + 2 * 4 * 8));
        Assert.That(bytes["Scan Sum"], Is.EqualTo(2 * 6 * 8));
        Assert.That(bytes["Sort"], Is.EqualTo(6 * 8 + 6 * 8));
    }

    [Test]
    public void LinesOfTheirOwnAndCombinationsAgreeWithLoops()
    {
        foreach (var (rows, columns, count) in new[] { (4, 3, 80), (3, 5, 2), (2, 1, 100) })
        {
            var random = new Random(rows);
            var index = new long[count, columns];
            var source = new double[count, columns];
            for (int c = 0; c < count; c++)
            {
                for (int k = 0; k < columns; k++)
                {
                    (index[c, k], source[c, k]) = (random.Next(rows), random.NextDouble() + 0.5);
                }
            }

            foreach (var reduce in Enum.GetValues<ScatterReduction>())
            {
                var expected = new double[rows * columns];
                for (int r = 0; r < rows; r++)
                {
                    for (int k = 0; k < columns; k++)
                    {
                        var come = Enumerable.Range(0, count).Where(c => index[c, k] == r).Select(c => source[c, k]).Prepend(1.0).ToArray();
                        expected[r * columns + k] = reduce switch
                        {
                            ScatterReduction.Sum => come.Sum(),
                            ScatterReduction.Prod => come.Aggregate(1.0, (a, b) => a * b),
                            ScatterReduction.Mean => come.Average(),
                            ScatterReduction.Amax => come.Max(),
                            _ => come.Min(),
                        };
                    }
                }

                var ones = Tensor.Ones([rows, columns], DType.Float64, device);
                var actual = ones.ScatterReduce(0, Tensor.FromArray(index, device), Tensor.FromArray(source, device), reduce);
                Assert.That(actual.ToArray<double>(), Is.EqualTo(expected).Within(1e-12), $"{reduce} of {count}");
                var turned = ones.T.ScatterReduce(1, Tensor.FromArray(index, device).T, Tensor.FromArray(source, device).T, reduce);
                Assert.That(turned.T.ToArray<double>(), Is.EqualTo(expected).Within(1e-12), $"{reduce} of {count}, transposed");
            }
        }
    }

    [Test]
    public void EveryDTypeIsPickedAndPlaced()
    {
        foreach (var dtype in Enum.GetValues<DType>())
        {
            var x = Tensor.FromArray([1L, 0, 3, 1], device).To(dtype);
            var picked = x.IndexSelect(0, Long(2, 1, 2));
            Assert.That((picked.DType, picked.To(DType.Int64).ToArray<long>()), Is.EqualTo((dtype, dtype == DType.Bool ? new long[] { 1, 0, 1 } : [3, 0, 3])), $"{dtype}");
            Assert.That(x.Scatter(0, Long(3), x).To(DType.Int64).ToArray<long>(), Is.EqualTo(dtype == DType.Bool ? new long[] { 1, 0, 1, 1 } : [1, 0, 3, 1]), $"{dtype}");
            var sum = x.ScatterAdd(0, Long(1, 1), x);
            Assert.That((sum.DType, sum.To(DType.Int64).ToArray<long>()), Is.EqualTo((dtype, dtype == DType.Bool ? new long[] { 1, 1, 1, 1 } : [1, 1, 3, 1])), $"{dtype}");
            Assert.That(x[x.Ne(0)].To(DType.Int64).Sum().Item<long>(), Is.EqualTo(dtype == DType.Bool ? 3 : 5), $"{dtype}");
            Assert.That(x.Sort().Values.To(DType.Int64).ToArray<long>(), Is.EqualTo(dtype == DType.Bool ? new long[] { 0, 1, 1, 1 } : [0, 1, 1, 3]), $"{dtype}");
            Assert.That(x.CumMax(0).Indices.ToArray<long>(), Is.EqualTo(dtype == DType.Bool ? new long[] { 0, 0, 2, 3 } : [0, 0, 2, 2]), $"{dtype}");
            Assert.That(x.CumSum(0).To(DType.Int64).ToArray<long>(), Is.EqualTo(dtype == DType.Bool ? new long[] { 1, 1, 2, 3 } : [1, 1, 4, 5]), $"{dtype}");
        }

        Assert.That(Tensor.FromArray([1, 2], device)[Tensor.FromArray([1], device)].ToArray<int>(), Is.EqualTo(new[] { 2 }), "an int32 index");
    }

    [Test]
    public void NothingAndNumbers()
    {
        var empty = Tensor.Zeros([0, 3], device: device);
        Assert.That(empty.IndexSelect(1, Long(0, 2)).Shape, Is.EqualTo(Shape.Create([0, 2])));
        Assert.That(empty.NonZero().Shape, Is.EqualTo(Shape.Create([0, 2])));
        Assert.That(empty.CumSum(0).Shape, Is.EqualTo(Shape.Create([0, 3])));
        Assert.That(empty.CumProd(0).Shape, Is.EqualTo(Shape.Create([0, 3])));
        Assert.That(empty.Sort(0).Indices.Shape, Is.EqualTo(Shape.Create([0, 3])));
        Assert.That(empty.ScatterAdd(0, Tensor.Zeros([0, 3], DType.Int64, device), empty).Shape, Is.EqualTo(Shape.Create([0, 3])));
        Assert.That(Tensor.Zeros([2], device: device)[Tensor.Zeros([0], DType.Int64, device)].Shape, Is.EqualTo(Shape.Create([0])));
        Assert.That(empty.Prod().Item<float>(), Is.EqualTo(1));
        Assert.That((empty.Any().Item<bool>(), empty.All().Item<bool>()), Is.EqualTo((false, true)));
        Assert.That(empty.LogSumExp([0]).ToArray<float>(), Is.All.EqualTo(float.NegativeInfinity));
        Assert.That(empty.Flip(0).Shape, Is.EqualTo(Shape.Create([0, 3])));
        Assert.That(empty.Repeat(2, 1).Shape, Is.EqualTo(Shape.Create([0, 3])));
        Assert.That(empty.Unique().Shape, Is.EqualTo(Shape.Create([0])));
        var number = Tensor.Of(3.0, device: device);
        Assert.That(number.NonZero().Shape, Is.EqualTo(Shape.Create([1, 0])));
        Assert.That(number.CumSum(0).Item<float>(), Is.EqualTo(3));
        Assert.That(number.Sort().Indices.Item<long>(), Is.Zero);
        Assert.That(number.Scatter(0, Long(0), 5).Item<float>(), Is.EqualTo(5));
        Assert.That(number.ScatterAdd(0, Long(0, 0), Float(1, 2)).Item<float>(), Is.EqualTo(6));
        Assert.That(number.IndexSelect(0, Long(0)).Item<float>(), Is.EqualTo(3));
        Assert.That(number.Median(0).Values.Item<float>(), Is.EqualTo(3));
        Assert.That(number[Tensor.Of(false, device: device)].Shape, Is.EqualTo(Shape.Create([0])));
    }

    [Test]
    public void IndexingSavesTheIndexAndNotTheTensor()
    {
        var x = Float(1, 2, 3).RequiresGrad_();
        var y = x * 1;
        var picked = y[Long(0, 0, 2)];
        Assert.That(picked.GradFn!.Name, Is.EqualTo("IndexBackward0"));
        y.Mul_(5);
        picked.Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 2, 0, 1 }));

        var index = Long(0, 1);
        var gathered = x.Gather(0, index);
        index.Add_(1);
        Assert.That(Assert.Throws<GradientException>(() => gathered.Sum().Backward())!.Message, Does.Contain("modified by an inplace operation"));
    }

    [Test]
    public void WritesThroughAnIndexAreRecorded()
    {
        var x = Float(1, 2, 3).RequiresGrad_();
        var v = Float(10, 20).RequiresGrad_();
        var y = x * 2;
        int version = y.Version;
        y[Long(2, 0)] = v;
        Assert.That(y.Version, Is.GreaterThan(version));
        Assert.That(y.ToArray<float>(), Is.EqualTo(new float[] { 20, 4, 10 }));
        (y * Float(1, 10, 100)).Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 20, 0 }));
        Assert.That(v.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 100, 1 }));

        x.Grad = v.Grad = null;
        var z = (x * 1).ScatterAdd_(0, Long(0, 0), v).IndexFill_(0, Long(2), 7);
        Assert.That(z.ToArray<float>(), Is.EqualTo(new float[] { 31, 2, 7 }));
        z.Sum().Backward();
        Assert.That((x.Grad!.ToArray<float>(), v.Grad!.ToArray<float>()), Is.EqualTo((new float[] { 1, 1, 0 }, new float[] { 1, 1 })));
        Assert.That(
            Assert.Throws<GradientException>(() => x[Long(0)] = v[0])!.Message, Does.Contain("a leaf Variable that requires grad is being used in an in-place operation"));

        var table = Tensor.Zeros([3, 4], device: device);
        table[1.., Long(0, 3)] = Float(1, 2);
        table[Tensor.FromArray([true, false, false], device)] = Tensor.Of(9.0);
        Assert.That(table.ToArray<float>(), Is.EqualTo(new float[] { 9, 9, 9, 9, 1, 0, 0, 2, 1, 0, 0, 2 }));
        table.MaskedScatter_(table == 0, Float(3, 4, 5, 6));
        Assert.That(table[1..].ToArray<float>(), Is.EqualTo(new float[] { 1, 3, 4, 2, 1, 5, 6, 2 }));
    }

    [Test]
    public void ViewsShowTheSameMemory()
    {
        var x = Tensor.Arange(6, DType.Float32, device).Reshape(2, 3).Clone();
        x.Diagonal(1).Fill_(-1);
        x.Unfold(1, 2, 1)[0, 0].Add_(10);
        x.AsStrided([2], [3], 2).Mul_(2);
        Assert.That(x.ToArray<float>(), Is.EqualTo(new float[] { 10, 9, 4, 3, 4, -2 }));
        Assert.That(x.Flip(0)[0].Add_(1).ToArray<float>(), Is.EqualTo(new float[] { 4, 5, -1 }));
        Assert.That(x[1].ToArray<float>(), Is.EqualTo(new float[] { 3, 4, -2 }), "a flip is a copy");
    }

    [Test]
    public void AsStridedSharesTheGradientOfSharedMemory()
    {
        var x = Tensor.FromArray(new[] { 1.0, 2, 3 }, device, requiresGrad: true);
        var wide = x.Expand(2, 3);
        wide.AsStrided([3, 2], [1, 0]).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 2, 2, 2 }));
        x.Grad = null;
        x[1..].AsStrided([2, 2], [1, 1], 0).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 2, 1 }), "elements outside of the view that it is taken of get none");
    }

    [Test]
    public void TiesOfAScatterShareTheGradient()
    {
        var x = Float(5, 1).RequiresGrad_();
        var source = Float(5, 5, 0).RequiresGrad_();
        x.ScatterReduce(0, Long(0, 0, 1), source, ScatterReduction.Amax).Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1 / 3f, 1 }));
        Assert.That(source.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1 / 3f, 1 / 3f, 0 }));
        x.Grad = source.Grad = null;
        var zeros = Float(2, 0, 3).RequiresGrad_();
        x.ScatterReduce(0, Long(0, 0, 0), zeros, ScatterReduction.Prod).Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 1 }));
        Assert.That(zeros.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 30, 0 }), "the one factor that is zero");
    }

    [TestCase(2, 3, 5, 7)]
    [TestCase(0, 3, 5, 7)]
    [TestCase(2, 0, 5, 7)]
    [TestCase(0, 3, 0, 7)]
    [TestCase(2, 0, 0, 7)]
    [TestCase(0, 0, 0, 7)]
    public void ProductsThatAScatterTakesHaveThreeDerivativesWhereFactorsAreZero(double own, double a, double b, double other)
    {
        var x = Tensor.FromArray([own, a, b, other], device);
        foreach (bool seeded in new[] { true, false })
        {
            Tensor Scattered(Tensor t) => t[Long(0, 3)].ScatterReduce(0, Long(0, 0), t[1..3], ScatterReduction.Prod, seeded).Sum();
            Tensor ByHand(Tensor t) => (seeded ? t[0] * t[1] * t[2] : t[1] * t[2]) + t[3];
            Close.AreEqual(Autodiff.Hessian(Scattered, x), Autodiff.Hessian(ByHand, x), $"second, seeded {seeded}", 1e-12);
            Close.AreEqual(Autodiff.JacRev(y => Autodiff.Hessian(Scattered)(y))(x), Autodiff.JacRev(y => Autodiff.Hessian(ByHand)(y))(x), $"third, seeded {seeded}", 1e-12);
        }
    }
}
