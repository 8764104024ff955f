using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

/// <summary>Parts of networks that take more than one tensor.</summary>
internal sealed class PairModuleTests
{
    /// <summary>An autoencoder's middle: what a program writes itself.</summary>
    private sealed class Unpooled : ModuleBase
    {
        private readonly MaxPool2d _pool = new(2);
        private readonly MaxUnpool2d _unpool;
        private readonly Bilinear _mix;

        public Unpooled()
        {
            _unpool = Register("unpool", new MaxUnpool2d(2));
            _mix = Register("mix", new Bilinear(4, 4, 2));
        }

        public Tensor Forward(Tensor x, Tensor other)
        {
            var (pooled, indices) = _pool.ForwardWithIndices(x);
            return _mix.Call(_unpool.Call(pooled, indices), other);
        }
    }

    [Test]
    public void LayersOfTwoTensorsAreTheFunctions()
    {
        var x = Numbers.Double(1, [1, 2, 4, 4], -1, 1, Device.Cpu);
        var (y, z) = (Numbers.Double(2, [2, 3], -1, 1, Device.Cpu), Numbers.Double(3, [2, 3], -1, 1, Device.Cpu));
        var (pooled, indices) = new MaxPool2d(2).ForwardWithIndices(x);
        Close.AreEqual(new MaxUnpool2d(2).Call(pooled, indices), Functional.MaxUnpool2d(pooled, indices, 2), "MaxUnpool2d");
        Assert.That(new MaxUnpool2d(2).Call(pooled, indices, (5, 5)).Shape, Is.EqualTo(Shape.Create([1, 2, 5, 5])));
        var line = new MaxPool1d(2).ForwardWithIndices(y);
        Close.AreEqual(new MaxUnpool1d(2).Call(line.Output, line.Indices), Functional.MaxUnpool1d(line.Output, line.Indices, 2), "MaxUnpool1d");
        var block = new MaxPool3d((1, 2, 2)).ForwardWithIndices(x);
        Close.AreEqual(new MaxUnpool3d((1, 2, 2)).Call(block.Output, block.Indices), Functional.MaxUnpool3d(block.Output, block.Indices, (1, 2, 2)), "MaxUnpool3d");
        Assert.That(new AdaptiveMaxPool2d(2).ForwardWithIndices(x).Indices.DType, Is.EqualTo(DType.Int64));
        Close.AreEqual(new CosineSimilarity(0, 1e-3).Call(y, z), Functional.CosineSimilarity(y, z, 0, 1e-3), "CosineSimilarity");
        Close.AreEqual(new PairwiseDistance(1, 0, true).Call(y, z), Functional.PairwiseDistance(y, z, 1, 0, true), "PairwiseDistance");
        Assert.That(new Sequential(new Flatten(), new Unflatten(1, 2, -1)).Call(x).Shape, Is.EqualTo(Shape.Create([1, 2, 16])));
    }

    [Test]
    public void AProgramsModuleOfTwoTensorsTrainsAndIsAFunctionOfItsParameters()
    {
        var net = new Unpooled();
        var (x, other) = (Numbers.Double(1, [3, 4, 4], -1, 1, Device.Cpu).To(DType.Float32), Numbers.Double(2, [3, 4, 4], -1, 1, Device.Cpu).To(DType.Float32));
        Assert.That(net.NamedParameters().Select(p => p.Name), Is.EqualTo(new[] { "mix.weight", "mix.bias" }));
        net.Forward(x, other).Sum().Backward();
        Assert.That(net.Parameters().Select(p => p.Grad), Has.None.Null);
        var zeros = net.NamedParameters().ToDictionary(p => p.Name, p => Tensor.ZerosLike(p.Tensor));
        Assert.That(Autodiff.FunctionalCall(net, zeros, () => net.Forward(x, other)).Doubles(), Is.All.Zero);
        Assert.That(net.Forward(x, other).Doubles(), Has.Some.Not.Zero, "the module is not changed");
        Assert.That(net.Eval().Training, Is.False);
    }
}
