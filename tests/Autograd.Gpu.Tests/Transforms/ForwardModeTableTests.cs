namespace Autograd.Gpu.Tests;

/// <summary>Forward mode for every operation: against differences, against reverse mode, and every way to nest the two.</summary>
internal sealed class ForwardModeTableTests
{
    private const double Step = 1e-6;

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.Differentiable))]
    public void TangentsAgreeWithDifferences(TransformRow row, Device device)
    {
        var inputs = row.Inputs(device);
        var (f, x, v) = (row.Of(inputs), row.Smooth(inputs), row.Directions(device, 7));
        var (outputs, tangents) = Autodiff.Jvp(a => [f(a)], x, v);
        Close.AreEqual(outputs[0], f(x), "the value");
        Close.AreEqual(tangents[0], Difference(f, x, v), "the tangent", 1e-6);

        // An input that is no dual number is a constant.
        for (int i = 0; i < x.Length && x.Length > 1 && device == Device.Cpu; i++)
        {
            Tensor One(Tensor a) => f([.. x.Select((t, k) => k == i ? a : t)]);
            Close.AreEqual(Autodiff.Jvp(One, x[i], v[i]).Tangent, Difference(a => One(a[0]), [x[i]], [v[i]]), $"the tangent along input {i}", 1e-6);
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.Differentiable))]
    public void ForwardAndReverseModeAreAdjoint(TransformRow row, Device device)
    {
        var inputs = row.Inputs(device);
        var (f, x, v) = (row.Of(inputs), row.Smooth(inputs), row.Directions(device, 7));
        var tangent = Autodiff.Jvp(a => [f(a)], x, v).Tangents[0];
        var u = Numbers.Double(9, tangent.Shape, -1, 1, device);
        var gradients = Autodiff.Vjp(a => [f(a)], x).Pullback([u]);
        Assert.That(Close.Dot(tangent, u), Is.EqualTo(Close.Dot(gradients, v)).Within(1e-12));
        Assert.That(gradients.Select(g => g.Shape), Is.EqualTo(x.Select(t => t.Shape)));

        // The same gradient by the tape that requires_grad makes.
        var leaves = x.Select(t => t.Detach().RequiresGrad_()).ToArray();
        f(leaves).Backward(u);
        for (int i = 0; i < x.Length; i++)
        {
            Close.AreEqual(gradients[i], leaves[i].Grad!, $"gradient {i}");
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.DifferentiableOnHost))]
    public void SecondDerivativesAgreeInEveryOrderOfModes(TransformRow row, Device device)
    {
        var inputs = row.Inputs(device);
        var (f, x, v, w) = (row.Of(inputs), row.Smooth(inputs), row.Directions(device, 7), row.Directions(device, 8));
        var u = Numbers.Double(9, f(x).Shape, -1, 1, device);
        IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor> a) => Autodiff.Jvp(b => [f(b)], a, v).Tangents;
        IReadOnlyList<Tensor> Reverse(IReadOnlyList<Tensor> a) => Autodiff.Vjp(b => [f(b)], a).Pullback([u]);

        // Each is u . f''[v, w].
        var forwardOverReverse = Autodiff.Jvp(Reverse, x, w).Tangents;
        var forwardOverForward = Autodiff.Jvp(Forward, x, w).Tangents[0];
        var reverseOverForward = Autodiff.Vjp(Forward, x).Pullback([u]);
        var reverseOverReverse = Autodiff.Vjp(Reverse, x).Pullback(v);
        double expected = Close.Dot(forwardOverForward, u);
        Assert.Multiple(() =>
        {
            Assert.That(Close.Dot(forwardOverReverse, v), Is.EqualTo(expected).Within(1e-11), "forward over reverse");
            Assert.That(Close.Dot(reverseOverForward, w), Is.EqualTo(expected).Within(1e-11), "reverse over forward");
            Assert.That(Close.Dot(reverseOverReverse, w), Is.EqualTo(expected).Within(1e-11), "reverse over reverse");
        });

        // The same from a pass over the tape inside of the forward one.
        var leaves = x.Select(t => t.Detach().RequiresGrad_()).ToArray();
        var forwardOverTape = Autodiff.Jvp(a => [.. Autodiff.Grad([f(a)], a, [u], materializeGrads: true).Select(g => g!)], leaves, w).Tangents;
        for (int i = 0; i < x.Length; i++)
        {
            Close.AreEqual(forwardOverTape[i], forwardOverReverse[i], $"forward over the tape, input {i}");
        }

        Close.AreEqual(forwardOverForward, Difference(a => Forward(a)[0], x, w), "forward over forward, numerically", 1e-5);
        for (int i = 0; i < x.Length; i++)
        {
            int index = i;
            Close.AreEqual(forwardOverReverse[i], Difference(a => Reverse(a)[index], x, w), $"forward over reverse, numerically, input {i}", 1e-5);
        }
    }

    [TestCaseSource(typeof(TransformTable), nameof(TransformTable.AllOnHost))]
    public void ADualNumberOverTheTapeIsRecorded(TransformRow row, Device device)
    {
        var inputs = row.Inputs(device);
        if (!row.IsDifferentiable)
        {
            var (values, zeros) = Autodiff.Jvp(a => [row.Apply(a)], inputs, row.Directions(device, 7));
            Close.AreEqual(values[0], row.Apply(inputs), "the value");
            Assert.That((zeros[0].Shape, zeros[0].Doubles()), Is.EqualTo((values[0].Shape, new double[values[0].NumElements])), "no tangent");
            return;
        }

        // Value and tangent both depend on leaves outside of the transform.
        var (f, x, v) = (row.Of(inputs), row.Smooth(inputs), row.Directions(device, 7));
        var leaves = x.Select(t => t.Detach().RequiresGrad_()).ToArray();
        var directions = v.Select(t => t.Detach().RequiresGrad_()).ToArray();
        var (outputs, tangents) = Autodiff.Jvp(a => [f(a)], leaves, directions);
        var u = Numbers.Double(9, outputs[0].Shape, -1, 1, device);
        Autodiff.Backward([outputs[0]], [u], retainGraph: true);
        var expected = Autodiff.Vjp(a => [f(a)], x).Pullback([u]);
        for (int i = 0; i < x.Length; i++)
        {
            Close.AreEqual(leaves[i].Grad!, expected[i], $"the gradient of the value, input {i}");
            leaves[i].Grad = null;
        }

        if (tangents[0].RequiresGrad)
        {
            tangents[0].Backward(u);
        }

        for (int i = 0; i < x.Length; i++)
        {
            var slope = directions[i].Grad ?? Tensor.ZerosLike(directions[i]);
            Close.AreEqual(slope, expected[i], $"the tangent is linear in the direction, input {i}");
        }
    }

    /// <summary>(f(x + h v) - f(x - h v)) / 2h.</summary>
    private static Tensor Difference(Func<IReadOnlyList<Tensor>, Tensor> f, IReadOnlyList<Tensor> x, IReadOnlyList<Tensor> v)
    {
        var above = f([.. x.Zip(v, (a, d) => (a + d * Step).Materialize())]);
        var below = f([.. x.Zip(v, (a, d) => (a - d * Step).Materialize())]);
        return (above - below) / (2 * Step);
    }
}
