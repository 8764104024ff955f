namespace Autograd.Gpu.Tests;

/// <summary>What derivatives are where functions have none: PyTorch's conventions at kinks, poles and untaken branches.</summary>
internal sealed class DerivativeConventionTests
{
    private const double Inf = double.PositiveInfinity;

    private static IEnumerable<TestCaseData> Unary
    {
        get
        {
            yield return Case("Relu", x => x.Relu(), [0, -0.0, 1], [0, 0, 1]);
            yield return Case("LeakyRelu", x => x.LeakyRelu(0.25), [0, -1, 1], [0.25, 0.25, 1]);
            yield return Case("Elu", x => x.Elu(1.5), [0, 1000, -1000], [1.5, 1, 0]);
            yield return Case("Celu", x => x.Celu(2), [0, 1000, -1000], [1, 1, 0]);
            yield return Case("Hardtanh", x => x.Hardtanh(), [-1, 1, 0.5, -2, 2], [0, 0, 1, 0, 0]);
            yield return Case("Relu6", x => x.Relu6(), [0, 6, 3], [0, 0, 1]);
            yield return Case("Hardsigmoid", x => x.Hardsigmoid(), [-3, 3, 0], [0, 0, 1.0 / 6]);
            yield return Case("Hardswish", x => x.Hardswish(), [-3, 3, 0, -4, 4], [0, 1, 0.5, 0, 1]);
            yield return Case("Hardshrink", x => x.Hardshrink(), [-0.5, 0.5, 0, 1], [0, 0, 0, 1]);
            yield return Case("Softshrink", x => x.Softshrink(), [-0.5, 0.5, 0, 1], [0, 0, 0, 1]);
            yield return Case("Threshold", x => x.Threshold(1, 5), [1, 2], [0, 1]);
            yield return Case("Clamp", x => x.Clamp(-1, 1), [-1, 1, 2], [1, 1, 0]);
            yield return Case("Abs", x => x.Abs(), [0, -0.0, -2], [0, 0, -1]);
            yield return Case("Sgn", x => x.Sgn(), [0, 2, -2], [0, 0, 0]);
            yield return Case("Softplus", x => x.Softplus(), [0, 1000, -1000], [0.5, 1, 0]);
            yield return Case("LogSigmoid", x => x.LogSigmoid(), [0, 1000, -1000], [0.5, 0, 1]);
            yield return Case("Sinc", x => x.Sinc(), [0], [0]);
            yield return Case("Floor", x => x.Floor(), [1, 1.5], [0, 0]);
            yield return Case("Frac", x => x.Frac(), [1, 1.5, -0.5], [1, 1, 1]);
            yield return Case("Round", x => x.Round(2), [1.234, 1.5], [0, 0]);
            yield return Case("NanToNum", x => x.NanToNum(), [double.NaN, Inf, -Inf, 1], [0, 0, 0, 1]);
            yield return Case("MaskedFill", x => x.MaskedFill(x.IsNan(), 1), [double.NaN, 3], [0, 1]);
            yield return Case("Pow0", x => x.Pow(0), [0, 2], [0, 0]);
            yield return Case("Pow2", x => x.Pow(2), [0, 3], [0, 6]);
            yield return Case("Asin", x => x.Asin(), [1, 0], [Inf, 1]);
            yield return Case("Copysign", x => x.Copysign(-1.0), [0, 2, -2], [0, -1, 1]);
            yield return Case("DivFloor", x => x.Div(2.0, DivisionRounding.Floor), [3, 4], [0, 0]);
            yield return Case("DivTrunc", x => x.Div(2.0, DivisionRounding.Trunc), [3, 4], [0, 0]);
            yield return Case("Erfinv", x => x.Erfinv(), [0, 1], [Math.Sqrt(Math.PI) / 2, Inf]);
            yield return Case("Lgamma", x => x.Lgamma(), [1, 0], [-0.5772156649015329, -Inf]);
            yield return Case("Digamma", x => x.Digamma(), [1, -0.5], [Math.PI * Math.PI / 6, 8.934802200544679]);
            yield return Case("Polygamma", x => x.Polygamma(1), [1], [-2 * 1.2020569031595942]);
            yield return Case("Square at 1e200", x => x.Square(), [1e200], [2e200]);
        }
    }

    private static IEnumerable<TestCaseData> Binary
    {
        get
        {
            yield return Case("Pow", (a, b) => a.Pow(b), [0, 0, 2, 0], [0, 2, 0, -1], [0, 0, 0, -Inf], [0, 0, Math.Log(2), -Inf]);
            yield return Case("Div", (a, b) => a / b, [1e200], [1e200], [1e-200], [-1e-200]);
            yield return Case("Xlogy", (a, b) => a.Xlogy(b), [0, 0, 2], [0, 2, 4], [0, Math.Log(2), Math.Log(4)], [double.NaN, 0, 0.5]);
            yield return Case("Maximum", Tensor.Maximum, [1, 2], [1, 1], [0.5, 1], [0.5, 0]);
            yield return Case("Copysign", (a, b) => a.Copysign(b), [0, 2, -3], [-1, -1, -1], [0, -1, 1], [0, 0, 0]);
            yield return Case("Atan2", (a, b) => a.Atan2(b), [1, 0], [0, -1], [0, -1], [-1, 0]);
            yield return Case("Fmod", (a, b) => a.Fmod(b), [7.5, -7.5], [2, 2], [1, 1], [-3, 3]);
            yield return Case("Remainder", (a, b) => a % b, [7.5, -7.5], [2, 2], [1, 1], [-3, 4]);
            yield return Case("Clamp", (a, b) => a.Clamp(b), [1, 0, 2], [1, 1, 1], [1, 0, 1], [0, 1, 0]);
            yield return Case("LogAddExp", (a, b) => a.LogAddExp(b), [0, 1000], [0, 0], [0.5, 1], [0.5, 0]);
            yield return Case("Hypot", (a, b) => a.Hypot(b), [3, 1e200], [4, 0], [0.6, 1], [0.8, 0]);
        }
    }

    [TestCaseSource(nameof(Unary))]
    public void UnaryFunctionsFollowTheConvention(Func<Tensor, Tensor> function, double[] inputs, double[] expected)
    {
        foreach (var device in TestDevices.All)
        {
            var x = Tensor.FromArray(inputs, device).RequiresGrad_();
            function(x).Sum().Backward();
            Compare(expected, x.Grad!.Doubles(), device.ToString());
        }
    }

    [TestCaseSource(nameof(Binary))]
    public void BinaryFunctionsFollowTheConvention(Func<Tensor, Tensor, Tensor> function, double[] a, double[] b, double[] expectedA, double[] expectedB)
    {
        foreach (var device in TestDevices.All)
        {
            var (x, y) = (Tensor.FromArray(a, device).RequiresGrad_(), Tensor.FromArray(b, device).RequiresGrad_());
            function(x, y).Sum().Backward();
            Compare(expectedA, x.Grad!.Doubles(), $"first, {device}");
            Compare(expectedB, y.Grad!.Doubles(), $"second, {device}");
        }
    }

    [Test]
    public void TheGradientOfAFilledValueIsTheSumAtTheMask()
    {
        var x = Tensor.Ones([2, 2], requiresGrad: true);
        var value = Tensor.Of(5, DType.Float32).RequiresGrad_();
        var mask = Tensor.FromArray<bool>([true, false, true, false], [2, 2], Device.Cpu);
        (x.MaskedFill(mask, value) * Tensor.FromArray<float>([1, 2, 3, 4], [2, 2], Device.Cpu)).Sum().Backward();
        Assert.That(value.Grad!.Item<float>(), Is.EqualTo(4));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 2, 0, 4 }));
    }

    [Test]
    public void FactorsThatNoDerivativeReadsAreNotKept()
    {
        var leaf = Tensor.Ones([2], requiresGrad: true);
        var x = leaf * 1.0;
        var scaled = x * 2.0 + x / 4.0 + 3.0 * x;
        x.Add_(1);
        scaled.Sum().Backward();
        Assert.That(leaf.Grad!.ToArray<float>(), Is.EqualTo(new[] { 5.25f, 5.25f }), "a write to x does not matter");

        var (a, b) = (leaf * 1.0, Tensor.Full([2], 3.0, requiresGrad: true) * 1.0);
        var product = a * b;
        a.Add_(1);
        Assert.Throws<GradientException>(() => product.Sum().Backward(), "the derivative with respect to b reads a");
    }

    [Test]
    public void ForwardModeAndBatchesGiveTheSame()
    {
        var x = Numbers.Double(4, [5], 0.2, 0.9, Device.Cpu);
        foreach (Func<Tensor, Tensor> function in new Func<Tensor, Tensor>[] { t => t.Erfinv(), t => t.Lgamma(), t => t.Gelu(), t => t.Sinc(), t => t.Elu(), t => t.Atanh() })
        {
            var (_, tangent) = Autodiff.Jvp(function, x, Tensor.OnesLike(x));
            var leaf = x.Clone().RequiresGrad_();
            function(leaf).Sum().Backward();
            Compare(leaf.Grad!.Doubles(), tangent.Doubles(), "forward mode");
            Compare(function(x).Doubles(), Autodiff.Vmap(function)(x).Doubles(), "batched");
        }
    }

    private static TestCaseData Case(string name, Func<Tensor, Tensor> function, double[] inputs, double[] expected) =>
        new TestCaseData(function, inputs, expected).SetArgDisplayNames(name);

    private static TestCaseData Case(string name, Func<Tensor, Tensor, Tensor> function, double[] a, double[] b, double[] expectedA, double[] expectedB) =>
        new TestCaseData(function, a, b, expectedA, expectedB).SetArgDisplayNames(name);

    private static void Compare(double[] expected, double[] actual, string where)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That(
                double.IsFinite(expected[i]) ? Math.Abs(actual[i] - expected[i]) <= 1e-14 * Math.Abs(expected[i]) : actual[i].Equals(expected[i]),
                $"{where}, element {i}: expected {expected[i]:R}, got {actual[i]:R}");
        }
    }
}
