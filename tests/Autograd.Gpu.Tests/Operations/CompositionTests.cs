namespace Autograd.Gpu.Tests;

/// <summary>Every composition against its oracle, in every floating-point dtype, and its derivatives of first and second order.</summary>
internal sealed class CompositionTests
{
    // The largest numbers overflow on the way in some formulas, as in PyTorch; 1e4 does not.
    private static readonly double[] s_special =
    [
        double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0, -0.0, 1, -1, 0.5, -0.5, 0.1, 3, -3, 6, 17.25, -17.25, 1000, -1000, 1e-30, -1e-30,
    ];

    private static IEnumerable<TestCaseData> OnDevices =>
        from row in CompositionTable.Rows from device in TestDevices.All select new TestCaseData(row, device).SetArgDisplayNames(row.Name, device.ToString());

    private static IEnumerable<Composition> Differentiable => CompositionTable.Rows.Where(r => r.IsDifferentiable);

    private static IEnumerable<Composition> WithInPlaceForm => CompositionTable.Rows.Where(r => r.InPlace is not null);

    [TestCaseSource(nameof(OnDevices))]
    [Category(Laziness.Both)]
    public void ResultsAgreeWithTheOracle(Composition composition, Device device)
    {
        foreach (var dtype in CompositionTable.Floats)
        {
            var columns = Columns(composition, dtype);
            foreach (bool lazy in new[] { true, false })
            {
                using var mode = Laziness.Set(lazy);
                var actual = composition.Apply([.. columns.Select(c => Numbers.Of(c, [c.Length], dtype, device))]);
                Assert.That(actual.DType, Is.EqualTo(composition.IsDifferentiable || composition.Name == "Heaviside" ? dtype : DType.Bool));
                Check(composition, columns, actual.Doubles(), dtype == DType.Float32 ? 23 : 52, $"{dtype} on {device}, {TestDevices.ModeName(lazy)}");
            }
        }
    }

    [TestCaseSource(nameof(OnDevices))]
    [Category(Laziness.Both)]
    public void HalfTypesAreComputedInFloat32(Composition composition, Device device)
    {
        foreach (var dtype in CompositionTable.Halves)
        {
            foreach (bool lazy in new[] { true, false })
            {
                using var mode = Laziness.Set(lazy);
                Tensor[] inputs =
                [
                    .. Enumerable.Range(0, composition.Arity)
                        .Select(i => Numbers.Of(Numbers.Uniform(5 + i, 40, composition.Domain.Low, composition.Domain.High), [40], DType.Float32, device).To(dtype)),
                ];
                var actual = composition.Apply(inputs);
                Assert.That(actual.DType, Is.EqualTo(composition.IsDifferentiable || composition.Name == "Heaviside" ? dtype : DType.Bool));
                Check(
                    composition with { Ulps = 2 }, [.. inputs.Select(x => x.Doubles())], actual.Doubles(), dtype == DType.Float16 ? 10 : 7,
                    $"{dtype} on {device}, {TestDevices.ModeName(lazy)}");
            }
        }
    }

    [TestCaseSource(nameof(Differentiable))]
    [Category(Laziness.Both)]
    public void FirstAndSecondOrderPassTheNumericalCheck(Composition composition)
    {
        foreach (bool lazy in new[] { true, false })
        {
            using var mode = Laziness.Set(lazy);
            foreach (var (low, high) in composition.OtherDomain is { } other ? new[] { composition.Domain, other } : [composition.Domain])
            {
                Shape[] shapes = composition.Arity > 1 ? [[2, 2], [2], [2, 1]] : [[3]];
                Tensor[] inputs =
                    [.. Enumerable.Range(0, composition.Arity).Select(i => Numbers.Double(21 + i, shapes[i], low, high, Device.Cpu, requiresGrad: true))];
                Assert.That(Autodiff.GradCheck(x => composition.Apply([.. x]), inputs));
                Assert.That(Autodiff.GradGradCheck(x => composition.Apply([.. x]), inputs));
            }
        }
    }

    [TestCaseSource(nameof(WithInPlaceForm))]
    [Category(Laziness.Both)]
    public void InPlaceFormsWriteTheSameAndKeepTheHistory(Composition composition)
    {
        foreach (bool lazy in new[] { true, false })
        {
            using var mode = Laziness.Set(lazy);
            Tensor[] inputs = [.. Enumerable.Range(0, composition.Arity)
                .Select(i => Numbers.Double(31 + i, [4], composition.Domain.Low, composition.Domain.High, Device.Cpu))];
            var expected = composition.Apply(inputs).Doubles();
            var target = inputs[0].Clone();
            var view = target.Reshape(2, 2);
            var returned = composition.InPlace!([target, .. inputs[1..]]);
            Assert.That(returned, Is.SameAs(target));
            Assert.That(target.Doubles(), Is.EqualTo(expected));
            Assert.That(view.Doubles(), Is.EqualTo(expected), "a view sees the write");
            Assert.That(target.Version, Is.EqualTo(1));

            Tensor[] leaves = [.. inputs.Select(x => x.Clone().RequiresGrad_())];
            Assert.That(Autodiff.GradCheck(x => composition.InPlace([x[0] * 1.0, .. x.Skip(1)]), leaves));
            var failure = Assert.Throws<GradientException>(() => composition.InPlace(leaves));
            Assert.That(failure!.Message, Does.Contain("a leaf Variable that requires grad is being used in an in-place operation"));
        }
    }

    [Test]
    public void EmptyAndZeroDimensionalTensorsWork()
    {
        foreach (var composition in CompositionTable.Rows)
        {
            foreach (Shape shape in new Shape[] { [0], [2, 0], [], [1] })
            {
                var inputs = Enumerable.Range(0, composition.Arity).Select(_ => Tensor.Full(shape, 0.7)).ToArray();
                Assert.That(composition.Apply(inputs).Shape, Is.EqualTo(shape), composition.Name);
            }
        }
    }

    private static double[][] Columns(Composition composition, DType dtype)
    {
        var columns = new double[composition.Arity][];
        for (int i = 0; i < columns.Length; i++)
        {
            // Special numbers meet in different pairs.
            int step = i;
            var special = s_special.Concat(s_special).Select((_, k) => s_special[(k + (step * ((k / s_special.Length * 6) + 1))) % s_special.Length]);
            var drawn = Numbers.Uniform(3 + i, 60, composition.Domain.Low, composition.Domain.High * 2);
            columns[i] = [.. special.Concat(drawn).Select(v => dtype == DType.Float32 ? (float)v : v)];
        }

        return columns;
    }

    private static void Check(Composition composition, double[][] inputs, double[] actual, int bits, string where)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            double expected = composition.Oracle(inputs[0][i], At(inputs, 1, i), At(inputs, 2, i));
            double size = Math.Max(Math.Max(Math.Abs(expected), composition.Floor), bits <= 10 ? 1e-4 : bits == 23 ? 1e-37 : 1e-300);
            bool same = double.IsFinite(expected)
                ? Math.Abs(actual[i] - expected) <= composition.Ulps * Math.ScaleB(1, Math.ILogB(size) - bits)
                : actual[i].Equals(expected);
            Assert.That(same, $"{composition.Name}({string.Join(", ", inputs.Select(c => c[i]))}) in {where}: expected {expected:R}, got {actual[i]:R}");
        }
    }

    private static double At(double[][] columns, int column, int row) => column < columns.Length ? columns[column][row] : 0;
}
