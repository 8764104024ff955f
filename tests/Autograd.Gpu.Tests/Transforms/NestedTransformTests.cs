using Autograd.Gpu.Nn;
using Autograd.Gpu.Transforms;
using F = Autograd.Gpu.Nn.Functional;

namespace Autograd.Gpu.Tests;

/// <summary>Transforms inside one another, in every order, and the programs that they are for.</summary>
internal sealed class NestedTransformTests
{
    private static readonly Func<Func<Tensor, Tensor>, Func<Tensor, Tensor>>[] s_derivatives =
    [
        Autodiff.Grad,
        f => x => Autodiff.Jvp(f, x, Tensor.OnesLike(x)).Tangent,
        f => x => Autodiff.Vjp(f, x).Pullback(Tensor.OnesLike(x)),
        f => x => Autodiff.Vjp(f, x, Tensor.OnesLike(x)).Vjp,
        f => Autodiff.JacRev(f),
        f => Autodiff.JacFwd(f),
        f => x => Autodiff.Jacobian(f, x),
        f => x => Autodiff.Linearize(f, x).Jvp(Tensor.OnesLike(x)),
        f => x => Autodiff.Vmap(y => Autodiff.Jvp(f, x, y).Tangent)(Tensor.Ones([1], x.DType, x.Device)).Reshape(),
        f => x => Autodiff.Vmap(Autodiff.Grad(f))(x.Unsqueeze(0)).Squeeze(0),
    ];

    [Test]
    public void ThreeDerivativesOfEveryKindInEveryOrderGiveTheThird()
    {
        // f = x^4 exp(x): f''' = (x^4 + 12 x^3 + 36 x^2 + 24 x) exp(x).
        static Tensor Function(Tensor x) => x * x * x * x * x.Exp();
        var x = Tensor.Of(0.5, DType.Float64);
        double expected = (Math.Pow(0.5, 4) + 12 * Math.Pow(0.5, 3) + 36 * 0.25 + 12) * Math.Exp(0.5);
        for (int a = 0; a < s_derivatives.Length; a++)
        {
            for (int b = 0; b < s_derivatives.Length; b++)
            {
                for (int c = 0; c < s_derivatives.Length; c++)
                {
                    var third = s_derivatives[a](s_derivatives[b](s_derivatives[c](Function)))(x);
                    Assert.That(third.Shape, Is.EqualTo(Shape.Scalar), $"{a} {b} {c}");
                    Assert.That(third.Item<double>(), Is.EqualTo(expected).Within(1e-11), $"{a} {b} {c}");
                }
            }
        }
    }

    [Test]
    public void FourDerivativesOfTheTapeInsideATransformAgree()
    {
        // The tape of RequiresGrad outside, transforms inside.
        var x = Tensor.Of(0.5, DType.Float64, requiresGrad: true);
        static Tensor Function(Tensor a) => a.Sin() * a;
        foreach (var inner in s_derivatives)
        {
            x.Grad = null;
            var slope = inner is null ? x : ReferenceEquals(inner, s_derivatives[6]) ? Autodiff.Jacobian(Function, x, createGraph: true) : inner(Function)(x);
            if (ReferenceEquals(inner, s_derivatives[3]))
            {
                slope = Autodiff.Vjp(Function, x, Tensor.OnesLike(x), createGraph: true).Vjp;
            }

            slope.Backward();
            Assert.That(x.Grad!.Item<double>(), Is.EqualTo(2 * Math.Cos(0.5) - 0.5 * Math.Sin(0.5)).Within(1e-13));
        }
    }

    [Test]
    public void TransformsDoNotConfuseOneAnothersVariables()
    {
        // d/dx (x * d/dy (x + y)) = 1, whatever the modes.
        var one = Tensor.Of(1.0, DType.Float64);
        Func<Func<Tensor, Tensor>, Tensor, Tensor>[] modes = [(f, a) => Autodiff.Grad(f)(a), (f, a) => Autodiff.Jvp(f, a, one).Tangent];
        foreach (var outer in modes)
        {
            foreach (var inner in modes)
            {
                Assert.That(outer(x => x * inner(y => x + y, one), one).Item<double>(), Is.EqualTo(1));
                Assert.That(outer(x => x * inner(y => x * y, x), one).Item<double>(), Is.EqualTo(2));
            }
        }
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void GradientsOfEachSampleOfANetwork(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var network = new Sequential(new Linear(3, 4, dtype: DType.Float64, device: device), new Nn.Tanh(), new Linear(4, 2, dtype: DType.Float64, device: device));
        var parameters = network.Parameters();
        var x = Numbers.Double(1, [5, 3], -1, 1, device);
        var labels = Tensor.FromArray(new long[] { 0, 1, 1, 0, 1 }, device);
        Tensor Loss(IReadOnlyList<Tensor> p, Tensor sample, Tensor label) => F.CrossEntropy(Autodiff.FunctionalCall(network, p, sample.Unsqueeze(0)), label.Unsqueeze(0));
        var gradients = Autodiff.Vmap(
            a => Autodiff.Grad(p => Loss(p, a[^2], a[^1]), [0, 1, 2, 3])([.. a.Take(4)]),
            [null, null, null, null, 0, 0])([.. parameters.Select(p => p.Detach()), x, labels]);
        for (int i = 0; i < 5; i++)
        {
            network.ZeroGrad();
            F.CrossEntropy(network.Call(x[i].Unsqueeze(0)), labels[i].Unsqueeze(0)).Backward();
            for (int k = 0; k < gradients.Length; k++)
            {
                Close.AreEqual(gradients[k][i], parameters[k].Grad!, $"sample {i}, parameter {k}");
            }
        }

        Assert.That(gradients.Select(g => g.RequiresGrad), Is.All.False);
    }

    [Test]
    public void AModuleIsAFunctionOfItsParameters()
    {
        var network = new Sequential(new Linear(2, 2, dtype: DType.Float64), new Nn.Tanh());
        var (x, zeros) = (Tensor.Ones([1, 2], DType.Float64), Tensor.Zeros([2, 2], DType.Float64));
        var before = network.Call(x).Doubles();
        var named = Autodiff.FunctionalCall(network, new Dictionary<string, Tensor> { ["0.weight"] = zeros }, x);
        Assert.That(named.Doubles(), Is.EqualTo(network.Parameters()[1].Tanh().Doubles()).Within(1e-15), "the bias stays");
        Assert.That(Autodiff.FunctionalCall(network, [zeros, zeros[0]], x).Doubles(), Is.All.Zero);
        Assert.That(network.Call(x).Doubles(), Is.EqualTo(before));

        // An ensemble: parameters are mapped over, the input is shared.
        var weights = Numbers.Double(1, [3, 2, 2], -1, 1, Device.Cpu);
        var ensemble = Autodiff.Vmap(w => Autodiff.FunctionalCall(network, new Dictionary<string, Tensor> { ["0.weight"] = w }, x))(weights);
        Close.AreEqual(ensemble[1], Autodiff.FunctionalCall(network, new Dictionary<string, Tensor> { ["0.weight"] = weights[1] }, x), "one of the ensemble");
        Assert.That(
            Assert.Throws<ArgumentException>(() => Autodiff.FunctionalCall(network, new Dictionary<string, Tensor> { ["weight"] = zeros }, x))!.Message,
            Does.Contain("no parameter 'weight'").And.Contain("0.weight, 0.bias"));
        Assert.That(Assert.Throws<ArgumentException>(() => Autodiff.FunctionalCall(network, [zeros], x))!.Message, Does.Contain("2 parameters, but 1 tensors"));
        Assert.That(Assert.Throws<ShapeException>(() => Autodiff.FunctionalCall(network, [zeros, zeros], x))!.Message, Does.Contain("'0.bias'").And.Contain("[2, 2]"));
        Assert.Throws<ShapeException>(() => Autodiff.FunctionalCall(network, [zeros, zeros[0]], Tensor.Ones([1, 3], DType.Float64)));
        Assert.That(network.Call(x).Doubles(), Is.EqualTo(before), "after an exception inside");
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
    [Category(Laziness.Both)]
    public void ManyGradientsInOnePassAreThoseOfManyPasses(Device device, bool lazy)
    {
        using var mode = Laziness.Set(lazy);
        var x = Numbers.Double(1, [3], 0.5, 1, device, requiresGrad: true);
        var w = Numbers.Double(2, [2, 3], 0.5, 1, device, requiresGrad: true);
        var unused = Tensor.Ones([2], DType.Float64, device, requiresGrad: true);
        var (y, z) = (w.MatMul(x.Exp()), (x * x).Sum());
        var (u, s) = (Numbers.Double(3, [4, 2], -1, 1, device), Numbers.Double(4, [4], -1, 1, device));
        Edge[] roots = [y.GradientEdge(), z.GradientEdge()];
        Edge[] captures = [x.GradientEdge(), w.GradientEdge(), unused.GradientEdge()];
        var batched = BatchedGradients.Run("Grad", roots, [u, s], captures, keepGraph: true, createGraph: true);
        Assert.That(batched[2], Is.Null);
        for (int i = 0; i < 4; i++)
        {
            var single = Autodiff.Grad([y, z], [x, w], [u[i], s[i]], retainGraph: true);
            Close.AreEqual(batched[0]![i], single[0]!, $"x, gradient {i}");
            Close.AreEqual(batched[1]![i], single[1]!, $"w, gradient {i}");
        }

        // The pass is recorded.
        var second = Autodiff.Grad([batched[0]!], [x], [Tensor.OnesLike(batched[0]!)])[0]!;
        var expected = Autodiff.Grad(a => Autodiff.Grad(b => (w.Detach().MatMul(b.Exp()) * u.Sum(0)).Sum() + (b * b).Sum() * s.Sum())(a).Sum())(x.Detach());
        Close.AreEqual(second, expected, "second derivatives");
        Assert.That(x.Grad, Is.Null);
        Assert.That(
            Assert.Throws<ShapeException>(() => BatchedGradients.Run("Grad", roots, [u[0], s], captures, true, false))!.Message,
            Does.Contain("we interpret the first dimension of each grad_output as the batch dimension").And.Contain("grad_output[0] has a shape of [2] and output[0] has a shape of [2]"));
        Assert.That(
            Assert.Throws<ShapeException>(() => BatchedGradients.Run("Grad", roots, [u, s[..3]], captures, true, false))!.Message, Does.Contain("sizes [4, 3]"));
        Assert.Throws<GradientException>(() => BatchedGradients.Run("Grad", [], [], captures, true, false));
    }
}
