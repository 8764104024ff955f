using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Tests;

public sealed class ModuleTests
{
    private sealed class Counter : Module
    {
        private readonly Nn.Buffer _count;

        public Counter() => _count = RegisterBuffer("count", Tensor.Zeros([]));

        public override Tensor Forward(Tensor input)
        {
            if (Training)
            {
                _count.Value = _count.Value + 1;
            }

            return input + _count.Value;
        }
    }

    [Test]
    public void TrainAndEvalReachEveryModuleBelow()
    {
        var inner = new Counter();
        var net = new Sequential(new ReLU(), new Sequential(inner));
        Assert.That(net.NamedModules().Select(m => m.Module.Training), Is.All.True);
        Assert.That(net.Eval(), Is.SameAs(net));
        Assert.That(net.NamedModules().Select(m => m.Module.Training), Is.All.False);
        Assert.That(net.Call(Tensor.Zeros([])).Item<float>(), Is.EqualTo(0));
        net.Train();
        Assert.That(inner.Training);
        Assert.That(net.Call(Tensor.Zeros([])).Item<float>(), Is.EqualTo(1));
    }

    [Test]
    public void BuffersHavePathsAndAreNotParameters()
    {
        var net = new Sequential(new Counter(), new Sequential(new Counter(), new Linear(2, 1)));
        Assert.That(net.NamedBuffers().Select(b => b.Name), Is.EqualTo(new[] { "0.count", "1.0.count" }));
        Assert.That(net.NamedParameters().Select(b => b.Name), Is.EqualTo(new[] { "1.1.weight", "1.1.bias" }));
        Assert.That(net.NamedModules().Select(m => m.Name), Is.EqualTo(new[] { "", "0", "1", "1.0", "1.1" }));
        net.Call(Tensor.Zeros([2]));
        Assert.That(net.NamedBuffers().Select(b => b.Tensor.Item<float>()), Is.EqualTo(new[] { 1f, 1f }));
    }
}
