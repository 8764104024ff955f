namespace Autograd.Gpu.Tests;

/// <summary>The backward pass computes what was asked for and nothing else: its kernels are counted.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class OnlyWhatIsAskedTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void SetLaziness() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void RestoreLaziness() => _laziness.Dispose();

    [Test]
    public void GradComputesOnlyWhatLeadsToItsInputs()
    {
        var (x, w) = (Leaf(1), Leaf(2));
        var y = (x.Sin().Materialize() * w).Materialize();
        var kernels = Kernels(() => Autodiff.Grad([y], [w], [Seed()])[0]!.Materialize());
        Assert.That(kernels, Is.EqualTo(new[] { "Mul" }), "the gradient of w, none of x or its sine");

        y = (x.Sin().Materialize() * w).Materialize();
        kernels = Kernels(() => Autodiff.Grad([y], [x], [Seed()])[0]!.Materialize());
        Assert.That(string.Join(' ', kernels).Split(' ').Order(), Is.EqualTo(new[] { "Cos", "Mul", "Mul" }), "one product for each node on the way");
    }

    [Test]
    public void BackwardWithInputsComputesOnlyWhatLeadsToThem()
    {
        var (x, w) = (Leaf(1), Leaf(2));
        var middle = x.Sin().Materialize();
        var y = (middle * w).Materialize();
        var kernels = Kernels(() =>
        {
            y.Backward(Seed(), retainGraph: true, inputs: [w]);
            w.Grad!.Materialize();
        });
        Assert.That(kernels, Is.EqualTo(new[] { "Mul" }));
        kernels = Kernels(() =>
        {
            y.Backward(Seed(), inputs: [middle]);
            middle.Grad!.Materialize();
        });
        Assert.That(kernels, Is.EqualTo(new[] { "Mul" }), "the sine's derivative is beyond what was asked for");
    }

    [Test]
    public void NothingIsComputedForConstants()
    {
        var (x, w) = (Matrix(requiresGrad: true), Matrix(requiresGrad: false));
        var product = x.MatMul(w).Materialize();
        Assert.That(Kernels(() => product.Backward(Matrix(requiresGrad: false))), Has.Count.EqualTo(1).And.All.Contains("MatMul"));
    }

    [Test]
    public void AMatrixProductComputesTheSideThatIsAsked()
    {
        var (x, w) = (Matrix(requiresGrad: true), Matrix(requiresGrad: true));
        var product = x.MatMul(w).Materialize();
        var seed = Matrix(requiresGrad: false);
        Assert.That(Kernels(() => Autodiff.Grad([product], [w], [seed], retainGraph: true)), Has.Count.EqualTo(1));
        Assert.That(Kernels(() => product.Backward(seed, retainGraph: true, inputs: [x])), Has.Count.EqualTo(1));
        Assert.That(Kernels(() => product.Backward(seed)), Has.Count.EqualTo(lazy ? 2 : 3), "both; eager, x accumulates at once");
    }

    [Test]
    public void TheRootItselfAndUnusedInputsCostNothing()
    {
        var (x, unused) = (Leaf(1), Leaf(2));
        var y = x.Exp().Materialize();
        var seed = Seed();
        Assert.That(Kernels(() => Autodiff.Grad([y], [y], [seed], retainGraph: true)), Is.Empty);
        Assert.That(Kernels(() => Autodiff.Grad([y], [unused], [seed], retainGraph: true, allowUnused: true)), Is.Empty);
        Assert.That(Kernels(() => y.Backward(seed, retainGraph: true, inputs: [unused])), Is.Empty);
        Assert.That(Kernels(() => y.Backward(seed, retainGraph: true, inputs: [y])), Is.Empty);
    }

    [Test]
    public void TheFirstGradientIsMovedInAndNotAddedToZeros()
    {
        var x = Leaf(1);
        var y = (x * 3).Materialize();
        var kernels = Kernels(() =>
        {
            y.Backward(Seed());
            x.Grad!.Materialize();
        });
        Assert.That(kernels, Is.EqualTo(new[] { "Mul" }), "no zeros, no addition");
    }

    [Test]
    public void HooksThatObserveCostNoKernel()
    {
        var x = Leaf(1);
        var y = (x * 3).Materialize();
        y.RegisterHook(_ => { });
        x.RegisterHook(_ => { });
        y.GradFn!.RegisterPreHook(_ => { });
        y.GradFn.RegisterHook((_, _) => { });
        x.RegisterPostAccumulateGradHook(_ => { });
        y.RetainGrad();
        var kernels = Kernels(() =>
        {
            y.Backward(Seed());
            x.Grad!.Materialize();
        });
        Assert.That(kernels, Is.EqualTo(new[] { "Mul" }));
    }

    private static List<string> Kernels(Action action)
    {
        using var log = new KernelLog();
        action();
        return [.. log.Events.Select(e => e.Operations)];
    }

    private Tensor Leaf(int seed) => Numbers.Double(seed, [257], 0.5, 2, device, requiresGrad: true);

    private Tensor Seed() => Numbers.Double(9, [257], 1, 2, device);

    private Tensor Matrix(bool requiresGrad) => Numbers.Double(3, [8, 8], -1, 1, device, requiresGrad);
}
