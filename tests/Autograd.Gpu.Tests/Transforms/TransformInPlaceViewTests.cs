namespace Autograd.Gpu.Tests;

/// <summary>Writes through views inside function transforms, against the same function without writes.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AndLaziness))]
[Category(Laziness.Both)]
internal sealed class TransformInPlaceViewTests(Device device, bool lazy)
{
    private Laziness _laziness = null!;

    [SetUp]
    public void Set() => _laziness = Laziness.Set(lazy);

    [TearDown]
    public void Restore() => _laziness.Dispose();

    /// <summary>Functions of x, of shape [3], with writes, and the same without.</summary>
    private static readonly (string Name, Func<Tensor, Tensor> Written, Func<Tensor, Tensor> Plain)[] s_functions =
    [
        ("an element scaled", x =>
        {
            var y = x * 2;
            var v = y[0];
            v.Mul_(3);
            return y * y;
        }, x => x * 2 * Weights(x, 3, 1, 1) * (x * 2 * Weights(x, 3, 1, 1))),
        ("the view and the base", x =>
        {
            var y = x * x;
            var v = y[1..];
            v.Mul_(x[..2]);
            return Tensor.Cat([v, y]);
        }, x => Tensor.Cat([x[1..] * x[1..] * x[..2], (x * x)[..1], x[1..] * x[1..] * x[..2]])),
        ("an older view", x =>
        {
            var y = x + 1;
            var old = y.Reshape(3, 1)[.., 0];
            y[0] = x[1] * x[2];
            y.Mul_(2);
            return old * x;
        }, x => Tensor.Cat([(x[1] * x[2]).Reshape(1), (x + 1)[1..]]) * 2 * x),
        ("numbers", x =>
        {
            var y = x * 1;
            y[1] = 4;
            y[2..].Zero_();
            return y * x;
        }, x => x * (x * Weights(x, 1, 0, 0) + Weights(x, 0, 4, 0))),
        ("after the whole was filled", x =>
        {
            var y = x * 5;
            y.Fill_(1);
            y[0] = x[0] * x[0];
            return y * x;
        }, x => x * (x * x * Weights(x, 1, 0, 0) + Weights(x, 0, 1, 1))),
        ("the input keeps its part", x =>
        {
            var y = x + 1;
            y.Mul_(3);
            return x * y;
        }, x => x * (x + 1) * 3),
    ];

    private static IEnumerable<string> Functions => s_functions.Select(f => f.Name);

    [TestCaseSource(nameof(Functions))]
    public void Grad(string name) => Compare(name, f => Autodiff.Grad(x => f(x).Sum())(Vector()));

    [TestCaseSource(nameof(Functions))]
    public void GradOfGrad(string name) => Compare(name, f => Autodiff.Grad(x => (Autodiff.Grad(z => (f(z) * f(z)).Sum())(x) * x).Sum())(Vector()));

    [TestCaseSource(nameof(Functions))]
    public void Jvp(string name)
    {
        Compare(name, f => Autodiff.Jvp(f, Vector(), Tensor.FromArray([1.0, -2, 0.5], device)).Tangent);
        Compare(name, f => Autodiff.Jvp(f, Vector(), Tensor.Ones([1], DType.Float64, device).Expand(3)).Tangent);
    }

    [TestCaseSource(nameof(Functions))]
    public void Vmap(string name) => Compare(name, f => Autodiff.Vmap(f)(Batch()));

    [TestCaseSource(nameof(Functions))]
    public void VmapOfGrad(string name) => Compare(name, f => Autodiff.Vmap(Autodiff.Grad(x => f(x).Sum()))(Batch()));

    [TestCaseSource(nameof(Functions))]
    public void GradOfVmap(string name) => Compare(name, f => Autodiff.Grad(x => Autodiff.Vmap(f)(x).Sum())(Batch()));

    [TestCaseSource(nameof(Functions))]
    public void JvpOfGrad(string name) =>
        Compare(name, f => Autodiff.Jvp(Autodiff.Grad(x => f(x).Sum()), Vector(), Tensor.FromArray([1.0, -2, 0.5], device)).Tangent);

    [TestCaseSource(nameof(Functions))]
    public void GradOfJvp(string name) =>
        Compare(name, f => Autodiff.Grad(x => Autodiff.Jvp(f, x, Tensor.FromArray([1.0, -2, 0.5], device)).Tangent.Sum())(Vector()));

    [TestCaseSource(nameof(Functions))]
    public void VmapOfGradOfGrad(string name) =>
        Compare(name, f => Autodiff.Vmap(Autodiff.Grad(x => Autodiff.Grad(z => (f(z) * f(z)).Sum())(x).Sum()))(Batch()));

    [TestCaseSource(nameof(Functions))]
    public void OnTheTape(string name) => Compare(name, f =>
    {
        var x = Vector().RequiresGrad_();
        f(x).Sum().Backward();
        return x.Grad!;
    });

    [TestCaseSource(nameof(Functions))]
    public void VmapOnTheTape(string name) => Compare(name, f =>
    {
        var x = Batch().RequiresGrad_();
        Autodiff.Vmap(f)(x).Sum().Backward();
        return x.Grad!;
    });

    [Test]
    public void NoGradInsideKeepsTheHistory()
    {
        var gradient = Autodiff.Grad(x =>
        {
            var y = x * 2;
            using (Autodiff.NoGrad())
            {
                y.Mul_(10);
                y[0] = 5;
            }

            return y.Sum();
        })(Vector());
        Assert.That(gradient.ToArray<double>(), Is.EqualTo(new double[] { 2, 2, 2 }));
    }

    [Test]
    public void ErrorsInside()
    {
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Grad(x =>
            {
                x[0] = 1;
                return x.Sum();
            })(Vector()))!.Message,
            Does.Contain("a view of a leaf Variable that requires grad is being used in an in-place operation."));
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Grad(x =>
            {
                (x * 2).Unbind()[1].Mul_(2);
                return x.Sum();
            })(Vector()))!.Message,
            Does.Contain("Output 1 of UnbindBackward0 is a view and is being modified inplace."));
        var captured = Tensor.Zeros([3], DType.Float64, device);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Grad(x =>
            {
                captured[0] = x[0];
                return captured.Sum();
            })(Vector()))!.Message,
            Does.Contain("captured Tensor"));
    }

    [Test]
    public void SplitChunkAndUnbind()
    {
        static Tensor F(Tensor x) => Tensor.Cat([x.Unbind()[1].Reshape(1) * x.Split(2)[0], x.Chunk(2)[1] * 3]);
        static Tensor Same(Tensor x) => Tensor.Cat([x[1].Reshape(1) * x[..2], x[2..] * 3]);
        Assert.That(Autodiff.Grad(x => F(x).Sum())(Vector()).ToArray<double>(), Is.EqualTo(Autodiff.Grad(x => Same(x).Sum())(Vector()).ToArray<double>()));
        Assert.That(Autodiff.Vmap(F)(Batch()).ToArray<double>(), Is.EqualTo(Autodiff.Vmap(Same)(Batch()).ToArray<double>()));
        var tangent = Tensor.FromArray([1.0, 2, 3], device);
        Assert.That(Autodiff.Jvp(F, Vector(), tangent).Tangent.ToArray<double>(), Is.EqualTo(Autodiff.Jvp(Same, Vector(), tangent).Tangent.ToArray<double>()));
    }

    private static void Compare(string name, Func<Func<Tensor, Tensor>, Tensor> transform)
    {
        var (_, written, plain) = s_functions.Single(f => f.Name == name);
        var (actual, expected) = (transform(written), transform(plain));
        Assert.That(actual.Shape, Is.EqualTo(expected.Shape));
        Assert.That(actual.ToArray<double>(), Is.EqualTo(expected.ToArray<double>()).Within(1e-12));
    }

    private static Tensor Weights(Tensor like, params double[] values) => Tensor.FromArray(values, like.Device);

    private Tensor Vector() => Tensor.FromArray([0.5, -1.5, 2.0], device);

    private Tensor Batch() => Numbers.Double(7, [4, 3], -2, 2, device);
}
