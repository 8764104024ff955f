using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Tests;

/// <summary>The derivatives of every pointwise operation: numerical checks of first and second order, and agreement between devices and modes.</summary>
internal sealed class PointwiseGradientTests
{
    private static IEnumerable<TestCaseData> Differentiable => PointwiseTable.CasesOnDevices(o => o.IsDifferentiable);

    private static IEnumerable<TestCaseData> Others => PointwiseTable.CasesOnDevices(o => o.IsPredicate);

    [TestCaseSource(nameof(Differentiable))]
    [Category(Laziness.Both)]
    public void FirstAndSecondOrderPassTheNumericalCheck(PointwiseOperation operation, Device device)
    {
        foreach (bool lazy in new[] { true, false })
        {
            using var mode = Laziness.Set(lazy);
            var other = PointwiseTable.OracleOf(operation).OtherDomain;
            foreach (var domain in other is { } o ? new[] { operation.Domain, o } : [operation.Domain])
            {
                var inputs = Inputs(operation, domain, device);
                Assert.That(Autodiff.GradCheck(x => PointwiseTable.Apply(operation, x), inputs));
                Assert.That(Autodiff.GradGradCheck(x => PointwiseTable.Apply(operation, x), inputs));
            }
        }
    }

    [TestCaseSource(nameof(Differentiable))]
    public void GradientsThroughAnInPlaceFormPassTheNumericalCheck(PointwiseOperation operation, Device device)
    {
        if (operation.TakesCondition)
        {
            Assert.That(operation.Name, Is.EqualTo("Where"), "the one operation whose first input is no number");
            return;
        }

        // What the derivative reads of the old value, which has a history of its own, must outlive the write.
        var inputs = Inputs(operation, operation.Domain, device, broadcast: false);
        Tensor InPlace(IReadOnlyList<Tensor> x) => PointwiseTable.ApplyInPlace(operation, x[0] * 1.5, [.. x.Skip(1)]);
        Assert.That(Autodiff.GradCheck(InPlace, inputs));
        Assert.That(Autodiff.GradGradCheck(InPlace, inputs));
    }

    [TestCaseSource(nameof(Differentiable))]
    public void GradientsAgreeBetweenDevicesAndModes(PointwiseOperation operation, Device device)
    {
        foreach (var dtype in new[] { DType.Float32, DType.Float64 })
        {
            var expected = Gradients(operation, dtype, Device.Cpu, lazy: false);
            foreach (bool lazy in new[] { true, false })
            {
                var actual = Gradients(operation, dtype, device, lazy);
                for (int k = 0; k < expected.Length; k++)
                {
                    for (int i = 0; i < expected[k].Length; i++)
                    {
                        // The slopes of these read the result, whose last bit is not the same on host and device: 1 - y² is only as good as y is near 1.
                        bool readsTables = dtype == DType.Float32 && operation.Name is ("Tanh" or "Sigmoid");
                        Assert.That(
                            readsTables ? Math.Abs(expected[k][i] - actual[k][i]) * (1 << 24) : Numbers.Ulps(expected[k][i], actual[k][i], dtype),
                            Is.LessThanOrEqualTo(8),
                            $"{operation.Name} of {dtype} on {device}, {TestDevices.ModeName(lazy)}, input {k}, element {i}: {expected[k][i]:R} and {actual[k][i]:R}");
                    }
                }
            }
        }
    }

    [TestCaseSource(nameof(Others))]
    public void ResultsWithoutDerivativeAreNotRecorded(PointwiseOperation operation, Device device)
    {
        var result = PointwiseTable.Apply(operation, Inputs(operation, operation.Domain, device));
        Assert.That((result.RequiresGrad, result.GradFn, result.DType), Is.EqualTo((false, (Node?)null, DType.Bool)));
    }

    /// <summary>Small inputs that broadcast against each other.</summary>
    private static Tensor[] Inputs(PointwiseOperation operation, (double Low, double High) domain, Device device, bool broadcast = true)
    {
        Shape[] shapes = broadcast && operation.Arity > 1 ? [[2, 1], [2], [1, 2]] : [[3], [3], [3]];
        return
        [
            .. Enumerable.Range(0, operation.Arity).Select(i => i == 0 && operation.TakesCondition
                ? Tensor.FromArray<bool>(shapes[i].NumElements == 2 ? [true, false] : [true, false, true], shapes[i], device)
                : Numbers.Double(11 + i, shapes[i], domain.Low, domain.High, device, requiresGrad: i != PointwiseTable.OracleOf(operation).Undifferentiated)),
        ];
    }

    private static double[][] Gradients(PointwiseOperation operation, DType dtype, Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var (low, high) = operation.Domain;
        var inputs = Enumerable.Range(0, operation.Arity).Select(i => i == 0 && operation.TakesCondition
            ? Tensor.FromArray(Enumerable.Range(0, 13).Select(j => j % 3 == 0).ToArray(), device)
            : Numbers.Of(Numbers.Uniform(31 + i, 13, low, high), [13], dtype, device).RequiresGrad_(i != PointwiseTable.OracleOf(operation).Undifferentiated)).ToArray();
        var result = PointwiseTable.Apply(operation, inputs);
        var gradient = Numbers.Of(Numbers.Uniform(77, 13, -2, 2), [13], dtype, device);
        result.Backward(gradient);
        return [.. inputs.Where(x => x.RequiresGrad).Select(x => x.Grad!.Doubles())];
    }
}
