using Autograd.Gpu.Nn;
using F = Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Activations as functions and as layers, and the layers beside them.</summary>
internal sealed class ActivationTests
{
    private static readonly Tensor X = Tensor.FromArray(new[,] { { -2.5f, -0.25f, 0, 0.25f }, { 0.75f, 3.5f, 7, -4 } });

    private static IEnumerable<TestCaseData> Pairs()
    {
        static TestCaseData Pair(Module layer, Tensor function, Tensor method) => new TestCaseData(layer, function, method).SetArgDisplayNames(layer.GetType().Name);
        yield return Pair(new ReLU(), F.Relu(X), X.Relu());
        yield return Pair(new ReLU6(), F.Relu6(X), X.Clamp(0, 6));
        yield return Pair(new LeakyReLU(0.2), F.LeakyRelu(X, 0.2), X.LeakyRelu(0.2));
        yield return Pair(new ELU(2), F.Elu(X, 2), X.Elu(2));
        yield return Pair(new SELU(), F.Selu(X), X.Selu());
        yield return Pair(new CELU(2), F.Celu(X, 2), X.Celu(2));
        yield return Pair(new GELU(GeluApproximation.Tanh), F.Gelu(X, GeluApproximation.Tanh), X.Gelu(GeluApproximation.Tanh));
        yield return Pair(new SiLU(), F.Silu(X), X.Silu());
        yield return Pair(new Mish(), F.Mish(X), X.Mish());
        yield return Pair(new Softplus(2, 3), F.Softplus(X, 2, 3), X.Softplus(2, 3));
        yield return Pair(new LogSigmoid(), F.LogSigmoid(X), X.LogSigmoid());
        yield return Pair(new Nn.Sigmoid(), F.Sigmoid(X), X.Sigmoid());
        yield return Pair(new Nn.Tanh(), F.Tanh(X), X.Tanh());
        yield return Pair(new Tanhshrink(), F.Tanhshrink(X), X.Tanhshrink());
        yield return Pair(new Nn.Softsign(), F.Softsign(X), X.Softsign());
        yield return Pair(new Hardtanh(-2, 3), F.Hardtanh(X, -2, 3), X.Clamp(-2, 3));
        yield return Pair(new Hardswish(), F.Hardswish(X), X.Hardswish());
        yield return Pair(new Hardsigmoid(), F.Hardsigmoid(X), X.Hardsigmoid());
        yield return Pair(new Hardshrink(0.25), F.Hardshrink(X, 0.25), X.Hardshrink(0.25));
        yield return Pair(new Softshrink(0.5), F.Softshrink(X, 0.5), X.Softshrink());
        yield return Pair(new Threshold(0.5, 9), F.Threshold(X, 0.5, 9), X.Threshold(0.5, 9));
        yield return Pair(new GLU(0), F.Glu(X, 0), X.Glu(0));
        yield return Pair(new PReLU(4, 0.5), F.Prelu(X, Tensor.Full([1], 0.5)), X.LeakyRelu(0.5));
        yield return Pair(new RReLU(0.25, 0.75).Eval(), F.Rrelu(X, 0.25, 0.75), X.LeakyRelu(0.5));
        yield return Pair(new Nn.Softmax(1), F.Softmax(X, 1), X.Softmax(1));
        yield return Pair(new Nn.LogSoftmax(0), F.LogSoftmax(X, 0), X.LogSoftmax(0));
        yield return Pair(new Softmin(1), F.Softmin(X, 1), (-X).Softmax(1));
        yield return Pair(new Identity(), X, X.Clone());
        yield return Pair(new LayerNorm([4]), F.LayerNorm(X, [4]), F.LayerNorm(X, [4], Tensor.Ones([4]), Tensor.Zeros([4])));
        yield return Pair(new RMSNorm([2, 4], 0.5), F.RmsNorm(X, [2, 4], eps: 0.5), X * (X.Square().Mean() + 0.5).Rsqrt());
    }

    [TestCaseSource(nameof(Pairs))]
    public void LayerFunctionAndMethodAgree(Module layer, Tensor function, Tensor method)
    {
        Assert.That(layer.Call(X).Doubles(), Is.EqualTo(method.Doubles()).Within(1e-6));
        Assert.That(function.Doubles(), Is.EqualTo(method.Doubles()).Within(1e-6));
    }

    [Test]
    public void LayersHaveTheirParameters()
    {
        static string Names(ModuleBase module) => string.Join(" ", module.NamedParameters().Select(p => $"{p.Name}{p.Tensor.Shape}"));
        Assert.That(Names(new LayerNorm([2, 3])), Is.EqualTo("weight[2, 3] bias[2, 3]"));
        Assert.That(Names(new LayerNorm([3], bias: false)), Is.EqualTo("weight[3]"));
        Assert.That(Names(new LayerNorm([3], elementwiseAffine: false)), Is.Empty);
        Assert.That(Names(new RMSNorm([3])), Is.EqualTo("weight[3]"));
        Assert.That(Names(new PReLU(2)), Is.EqualTo("weight[2]"));
        Assert.That(Names(new Bilinear(2, 3, 4)), Is.EqualTo("weight[4, 2, 3] bias[4]"));
        var bilinear = new Bilinear(4, 4, 2, bias: false);
        Assert.That(bilinear.Weight.Abs().Max().Item<float>(), Is.LessThanOrEqualTo(0.5));
        Assert.That(bilinear.Call(X, X).Doubles(), Is.EqualTo(F.Bilinear(X, X, bilinear.Weight).Doubles()));
    }

    [Test]
    public void RreluDrawsASlopeForEachElement()
    {
        var x = Tensor.Full([200], -1.0, requiresGrad: true);
        var y = new RReLU(0.2, 0.4).Call(x);
        y.Sum().Backward();
        Assert.That(y.Doubles(), Is.All.InRange(-0.4001, -0.1999));
        Assert.That(y.Doubles().Distinct().Count(), Is.GreaterThan(100));
        Assert.That(x.Grad!.Doubles(), Is.EqualTo((-y).Doubles()), "the slopes of the forward pass");
    }

    [Test]
    public void GumbelSoftmaxSamplesInProportion()
    {
        Tensor.ManualSeed(5);
        var logits = Tensor.FromArray([0.5, 0.3, 0.2]).Log().Expand(4000, 3).Contiguous().RequiresGrad_();
        var hard = F.GumbelSoftmax(logits, hard: true);
        Assert.That(hard.Sum(1).Doubles(), Is.All.EqualTo(1).Within(1e-12));
        Assert.That(hard.Mean(0).Doubles(), Is.EqualTo(new[] { 0.5, 0.3, 0.2 }).Within(0.03));
        var soft = F.GumbelSoftmax(logits, 0.5);
        Assert.That(soft.Sum(1).Doubles(), Is.All.EqualTo(1).Within(1e-12));
        hard.Select(1, 0).Sum().Backward();
        Assert.That(logits.Grad!.Abs().Max().Item<double>(), Is.GreaterThan(0.01).And.LessThanOrEqualTo(0.25), "of the soft sample");
    }

    [Test]
    public void ALinearLayerIsOneNode()
    {
        var (x, w, b) = (Tensor.Ones([2, 3], requiresGrad: true), Tensor.Ones([4, 3], requiresGrad: true), Tensor.Ones([4], requiresGrad: true));
        var y = F.Linear(x, w, b);
        Assert.That(y.GradFn!.Name, Is.EqualTo("AddmmBackward0"));
        Assert.That(y.GradFn.NextFunctions.Select(e => e.Function?.Name), Is.All.EqualTo("AccumulateGrad"));
        Assert.That(F.Linear(x, w).GradFn!.Name, Is.EqualTo("MmBackward0"));
        y.Sum().Backward();
        Assert.That((w.Grad!.IsContiguous, w.Grad.Shape), Is.EqualTo((true, w.Shape)));
        Assert.That(b.Grad!.ToArray<float>(), Is.All.EqualTo(2));
        Assert.That(F.Linear(Tensor.Zeros([2, 0]), Tensor.Zeros([4, 0]), b).ToArray<float>(), Is.All.EqualTo(1), "without inputs the bias is left");
        Assert.That(F.Linear(Tensor.Zeros([0, 3]), w, b).Shape.ToArray(), Is.EqualTo(new long[] { 0, 4 }));
    }

    [Test]
    public void ALinearLayerIsTheProductAndTheSum([Values(1, 7, 130)] int rows, [Values(1, 67, 200)] int columns)
    {
        foreach (var device in TestDevices.All)
        {
            var x = Numbers.Double(1, [rows, 150], -1, 1, device);
            var (w, b) = (Numbers.Double(2, [columns, 150], -1, 1, device), Numbers.Double(3, [columns], -1, 1, device));
            var expected = (x.MatMul(w.T) + b).Doubles();
            Assert.That(F.Linear(x, w, b).Doubles(), Is.EqualTo(expected).Within(1e-12), device.ToString());
            Assert.That(F.Linear(x, w.T.Contiguous().T, b).Doubles(), Is.EqualTo(expected).Within(1e-12), "a transposed weight");
            Assert.That(F.Linear(x.To(DType.Float32), w.To(DType.Float32), b.To(DType.Float32)).Doubles(), Is.EqualTo(expected).Within(1e-4));
        }
    }
}
