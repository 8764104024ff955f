namespace Autograd.Gpu.Tests;

/// <summary>Every row of the structural table: values against loops, gradients of both orders, each layout, device and mode.</summary>
[Category(Laziness.Both)]
internal sealed class StructuralTests
{
    private static IEnumerable<TestCaseData> All => Cases(_ => true);

    private static IEnumerable<TestCaseData> Differentiable => Cases(s => s.IsDifferentiable);

    [TestCaseSource(nameof(All))]
    public void ValuesAgreeWithLoops(Sample sample, Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        foreach (var dtype in StructuralTable.DTypes)
        {
            foreach (bool strided in new[] { false, true })
            {
                var inputs = Inputs(sample, dtype, device, strided, requiresGrad: false);
                var expected = sample.Oracle([.. inputs.Select(x => new NdArray(x.Shape.ToArray(), x.Doubles()))]);
                var result = sample.Apply(inputs);
                double tolerance = dtype == DType.Float32 ? 2e-6 : 4e-15;
                Assert.That(result.Shape.ToArray(), Is.EqualTo(expected.Shape));
                Assert.That(result.DType, Is.EqualTo(sample.IsDifferentiable ? dtype : DType.Int64));
                var actual = result.Doubles();
                for (int i = 0; i < actual.Length; i++)
                {
                    Assert.That(
                        actual[i],
                        Is.EqualTo(expected.Values[i]).Within(tolerance * (1 + Math.Abs(expected.Values[i]))),
                        $"{sample.Name} of {dtype}, {(strided ? "strided" : "contiguous")}, element {i}");
                }
            }
        }
    }

    [TestCaseSource(nameof(Differentiable))]
    public void FirstAndSecondOrderPassTheNumericalCheck(Sample sample, Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        if (device == Device.CpuKernels)
        {
            AgreesWithTheHost(sample, device, strided: !lazy);
            return;
        }

        foreach (bool strided in new[] { false, true })
        {
            var inputs = Inputs(sample, DType.Float64, device, strided, requiresGrad: true);
            Assert.That(Autodiff.GradCheck(sample.Apply, inputs));
            Assert.That(Autodiff.GradGradCheck(sample.Apply, inputs));
        }
    }

    [TestCaseSource(nameof(Differentiable))]
    public void TheResultIsRecordedOnlyWhereAnInputRequiresIt(Sample sample, Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var inputs = Inputs(sample, DType.Float32, device, strided: false, requiresGrad: true);
        var result = sample.Apply(inputs);
        Assert.That(result.RequiresGrad);
        result.Backward(Tensor.OnesLike(result));
        foreach (var input in inputs)
        {
            Assert.That(input.Grad, Is.Not.Null);
            Assert.That((input.Grad!.Shape, input.Grad.DType, input.Grad.Device), Is.EqualTo((input.Shape, input.DType, input.Device)));
        }

        using (Autodiff.NoGrad())
        {
            Assert.That(sample.Apply(inputs).RequiresGrad, Is.False, "under NoGrad");
        }

        Assert.That(sample.Apply([.. inputs.Select(x => x.Detach())]).RequiresGrad, Is.False, "of detached inputs");
    }

    /// <summary>Launches of the kernel accelerator are slow: there the derivatives of both orders are compared with those that the host's kernels had checked.</summary>
    private static void AgreesWithTheHost(Sample sample, Device device, bool strided)
    {
        double[][] expected = Derivatives(Device.Cpu), actual = Derivatives(device);
        for (int k = 0; k < expected.Length; k++)
        {
            Assert.That(actual[k], Has.Length.EqualTo(expected[k].Length));
            for (int i = 0; i < expected[k].Length; i++)
            {
                Assert.That(actual[k][i], Is.EqualTo(expected[k][i]).Within(1e-12 * (1 + Math.Abs(expected[k][i]))), $"{sample.Name} on {device}, derivative {k}, element {i}");
            }
        }

        double[][] Derivatives(Device on)
        {
            var inputs = Inputs(sample, DType.Float64, on, strided, requiresGrad: true);
            var output = sample.Apply(inputs);
            var gradient = Numbers.Double(91, output.Shape, -1, 1, on, requiresGrad: true);
            var first = Autodiff.Grad([output], inputs, [gradient], createGraph: true, allowUnused: true);
            var (roots, weights) = (new List<Tensor>(), new List<Tensor?>());
            foreach (var found in first)
            {
                if (found is { RequiresGrad: true })
                {
                    roots.Add(found);
                    weights.Add(Numbers.Double(92 + roots.Count, found.Shape, -1, 1, on));
                }
            }

            Tensor[] all = [.. inputs, gradient];
            var second = roots.Count > 0 ? Autodiff.Grad(roots, all, weights, allowUnused: true) : [];
            return [output.Doubles(), .. first.Concat(second).Select(x => x?.Doubles() ?? [])];
        }
    }

    private static IEnumerable<TestCaseData> Cases(Func<Sample, bool> filter) =>
        from sample in StructuralTable.Samples
        where filter(sample)
        from device in TestDevices.All
        from lazy in new[] { true, false }
        select new TestCaseData(sample, device, lazy).SetArgDisplayNames(sample.Name, device.ToString(), TestDevices.ModeName(lazy));

    /// <summary>Numbers that are all different, in row-major memory or with the dimensions' order in memory reversed and a gap before them.</summary>
    private static Tensor[] Inputs(Sample sample, DType dtype, Device device, bool strided, bool requiresGrad) =>
    [
        .. sample.Shapes.Select((shape, i) =>
        {
            var values = Numbers.Uniform(3 + i, shape.NumElements, sample.Domain.Low, sample.Domain.High);
            var x = Numbers.Of(values, shape, dtype, device);
            if (strided && shape.Rank > 0)
            {
                int[] reversed = [.. Enumerable.Range(0, shape.Rank).Reverse()];
                x = Tensor.Stack([Tensor.ZerosLike(x.Permute(reversed)), x.Permute(reversed)], -1)[TensorIndex.Ellipsis, 1].Permute(reversed).Detach();
                Assert.That(x.Doubles(), Is.EqualTo(Numbers.Of(values, shape, dtype, device).Doubles()));
            }

            return requiresGrad ? x.RequiresGrad_() : x;
        }),
    ];
}
