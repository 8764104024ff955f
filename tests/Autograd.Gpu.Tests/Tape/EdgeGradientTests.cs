using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Tests;

/// <summary>Edges of the graph as roots and inputs.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
internal sealed class EdgeGradientTests(Device device)
{
    [Test]
    public void AnEdgeIsTheNodeThatMadeATensorOrTheAccumulatorOfALeaf()
    {
        var x = Leaf(1, 2);
        var y = x * 2;
        Assert.That(Autodiff.GetGradientEdge(y), Is.EqualTo(new Edge(y.GradFn, 0)));
        Assert.That(Autodiff.GetGradientEdge(x), Is.EqualTo(y.GradFn!.NextFunctions[0]));
        Assert.That(
            () => Autodiff.GetGradientEdge(Tensor.Ones([2], device: device)),
            Throws.TypeOf<GradientException>().With.Message.Contains("It is not possible to get the gradient edge for a Tensor that does not require gradients"));
    }

    [Test]
    public void EdgesStandForTensorsAsInputsAndAsRoots()
    {
        var x = Leaf(1, 2);
        var middle = x * 3;
        var result = (middle * middle).Sum();
        var (root, at, leaf) = (Autodiff.GetGradientEdge(result), Autodiff.GetGradientEdge(middle), Autodiff.GetGradientEdge(x));
        foreach (var gradients in new[]
        {
            Autodiff.Grad([result], [at, leaf], retainGraph: true),
            Autodiff.Grad([root], [at, leaf], retainGraph: true),
            Autodiff.Grad([root], [middle, x], retainGraph: true),
            Autodiff.Grad([root], [middle, x], [Tensor.Ones([], DType.Float64, device)], retainGraph: true),
        })
        {
            Assert.That(gradients[0]!.ToArray<double>(), Is.EqualTo(new double[] { 6, 12 }));
            Assert.That(gradients[1]!.ToArray<double>(), Is.EqualTo(new double[] { 18, 36 }));
            Assert.That(gradients[0]!.Device, Is.EqualTo(device));
        }

        var second = Autodiff.Grad([root], [leaf], createGraph: true)[0]!;
        Assert.That(Autodiff.Grad([second.Sum()], [leaf], retainGraph: true)[0]!.ToArray<double>(), Is.EqualTo(new double[] { 18, 18 }));
        Autodiff.Backward([root]);
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 18, 36 }));
    }

    [Test]
    public void TheEdgeOfALeafIsARootAsWell()
    {
        var x = Leaf(1, 2);
        var leaf = Autodiff.GetGradientEdge(x);
        var gradient = Autodiff.Grad([leaf], [leaf], [Tensor.FromArray([5.0, 6.0], device)])[0]!;
        Assert.That(gradient.ToArray<double>(), Is.EqualTo(new double[] { 5, 6 }));
        Autodiff.Backward([leaf], [gradient]);
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 5, 6 }));
    }

    [Test]
    public void AnEdgeFromBeforeAWriteStandsForTheValueBefore()
    {
        var x = Leaf(1, 2);
        var y = x * 3;
        var before = Autodiff.GetGradientEdge(y);
        y.Mul_(5);
        var gradients = Autodiff.Grad([y.Sum()], [before, Autodiff.GetGradientEdge(y)]);
        Assert.That(gradients[0]!.ToArray<double>(), Is.EqualTo(new double[] { 5, 5 }));
        Assert.That(gradients[1]!.ToArray<double>(), Is.EqualTo(new double[] { 1, 1 }));
    }

    [Test]
    public void EdgesThatDoNotFitAreRefused()
    {
        var x = Leaf(1, 2);
        var y = x * 2;
        var edge = Autodiff.GetGradientEdge(y);
        Assert.That(
            () => Autodiff.Grad([edge], [x]),
            Throws.TypeOf<GradientException>().With.Message.Contains("grad can be implicitly created only for scalar outputs").And.Message.Contains("[2]"));
        Assert.That(() => Autodiff.Grad([edge], [x], [Tensor.Ones([3], device: device)]), Throws.TypeOf<ShapeException>());
        Assert.That(
            () => Autodiff.Grad([default(Edge)], [x]), Throws.TypeOf<GradientException>().With.Message.Contains("element 0 of tensors does not require grad"));
        Assert.That(
            () => Autodiff.Grad([y.Sum()], [default(Edge)]),
            Throws.TypeOf<GradientException>().With.Message.Contains("One of the differentiated Tensors does not require grad"));
        Assert.That(() => Autodiff.Grad([y.Sum()], [new Edge(y.GradFn, 1)]), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Autodiff.Grad([y.Sum()], [new Edge(y.GradFn, -1)]), Throws.TypeOf<ArgumentOutOfRangeException>());

        var unused = Autodiff.GetGradientEdge(Leaf(1) * 2);
        Assert.That(() => Autodiff.Grad([y.Sum()], [unused]), Throws.TypeOf<GradientException>().With.Message.Contains("to not have been used in the graph"));
        Assert.That(Autodiff.Grad([y.Sum()], [unused], allowUnused: true)[0], Is.Null);
        Assert.That(
            () => Autodiff.Grad([y.Sum()], [unused], materializeGrads: true),
            Throws.TypeOf<GradientException>().With.Message.Contains("materialize_grads cannot be used when the given input is a GradientEdge"));
    }

    [Test]
    public void AnEdgeDoesNotKeepTheValue()
    {
        var x = Tensor.Ones([1 << 16], DType.Float64, device, requiresGrad: true).Materialize();
        Collect();
        long before = device.Memory.ActiveBytes;
        var edge = EdgeOfSum(x);
        Collect();
        Assert.That(device.Memory.ActiveBytes, Is.LessThan(before + (1 << 16)), "the sum's value is gone, its node is there");
        var gradient = Autodiff.Grad([edge], [x], [Tensor.Ones([1 << 16], DType.Float64, device)])[0]!;
        Assert.That(gradient[17].Item<double>(), Is.EqualTo(1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Edge EdgeOfSum(Tensor x) => Autodiff.GetGradientEdge((x + 1).Materialize());

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private Tensor Leaf(params double[] values) => Tensor.FromArray(values, device, requiresGrad: true);
}
