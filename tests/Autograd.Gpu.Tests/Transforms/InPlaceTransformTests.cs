namespace Autograd.Gpu.Tests;

/// <summary>Writes in place inside function transforms give the derivatives and the batches that the out-of-place forms do.</summary>
internal sealed class InPlaceTransformTests
{
    private static readonly (string Name, Func<Tensor, Tensor> InPlace, Func<Tensor, Tensor> Out)[] s_functions =
    [
        ("Mul_", x => (x * 2).Mul_(x), x => x * 2 * x),
        ("Exp_ and Tanh_", x => (x * 0.5).Exp_().Tanh_(), x => (x * 0.5).Exp().Tanh()),
        ("Add_ of the input to a value that depends on it", x => Write(x.Sin(), y => y.Add_(x, 3)) * x, x => (x.Sin() + x * 3) * x),
        ("Copy_ of the input", x => Write(x * 0, y => y.Copy_(x)) * x, x => x * x),
        ("Copy_ of a result", x => Write(x * 0, y => y.Copy_(x * x)), x => x * x),
        ("Copy_ of one element", x => Write(x * 0, y => y.Copy_(x[0])), x => x[0].Expand(x.Shape)),
        ("Fill_", x => Write(x * 2, y => y.Fill_(3)) * x, x => x * 3),
        ("what was read before the write", x => { var y = x * 2; var z = y + 0; y.Mul_(5); return y * z; }, x => x * 10 * (x * 2)),
        ("what shares its tangent", x => { var y = x + 1; y.Mul_(3); return x * y; }, x => x * ((x + 1) * 3)),
        ("a sum of one element", x => { var y = x[0]; var z = y.Sum(); z.Mul_(3); return x * z * y; }, x => x * (x[0] * 3) * x[0]),
    ];

    private static IEnumerable<TestCaseData> Functions =>
        from f in s_functions from device in TestDevices.All select new TestCaseData(f.InPlace, f.Out, device).SetArgDisplayNames(f.Name, device.ToString());

    [TestCaseSource(nameof(Functions))]
    public void DerivativesAndBatchesAreThoseOfTheOutOfPlaceForm(Func<Tensor, Tensor> inPlace, Func<Tensor, Tensor> outOfPlace, Device device)
    {
        var x = Numbers.Double(1, [3], 0.5, 2, device);
        var v = Numbers.Double(2, [3], -1, 1, device);
        var batch = Numbers.Double(3, [4, 3], 0.5, 2, device);
        Check(x, f => f(x), "value");
        Check(x, f => Autodiff.Jvp(f, x, v).Tangent, "tangent");
        Check(x, f => Autodiff.Vjp(f, x, v).Vjp, "gradient");
        Check(x, f => Autodiff.Jacobian(f, x), "Jacobian");
        Check(x, f => Autodiff.JacFwd(f)(x), "Jacobian in forward mode");
        Check(x, f => Autodiff.Hessian(a => f(a).Sum(), x), "Hessian");
        Check(batch, f => Autodiff.Vmap(f)(batch), "batch");
        Check(batch, f => Autodiff.Vmap(f, 1)(batch.T.Contiguous()), "batch along 1");
        Check(batch, f => Autodiff.Vmap(Autodiff.Grad(a => f(a).Sum()))(batch), "gradients per sample");
        Check(v, f => v, "the direction is left alone");

        void Check(Tensor unchanged, Func<Func<Tensor, Tensor>, Tensor> derivative, string what)
        {
            var before = unchanged.Doubles();
            Close.AreEqual(derivative(inPlace), derivative(outOfPlace), what);
            Assert.That(unchanged.Doubles(), Is.EqualTo(before), $"the argument, {what}");
        }
    }

    [Test]
    public void AWriteOverTheArgumentItselfIsAnErrorWhereItIsALeafAndSeenOutsideWhereItIsNot()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Grad(a => a.Mul_(2).Sum())(x))!.Message, Does.Contain("a leaf Variable that requires grad is being used in an in-place operation"));
        Assert.That(x.ToArray<double>(), Is.EqualTo(new[] { 1.0, 2.0 }));
        var v = Tensor.FromArray([5.0, 7.0]);
        Assert.That(Autodiff.Jvp(a => a.Mul_(a), x, v).Tangent.ToArray<double>(), Is.EqualTo(new[] { 10.0, 28.0 }));
        Assert.That((x.ToArray<double>(), v.ToArray<double>()), Is.EqualTo((new[] { 1.0, 4.0 }, new[] { 5.0, 7.0 })), "the value is written, the caller's tangent is not");
        Autodiff.Vmap(a => a.Add_(1))(x);
        Assert.That(x.ToArray<double>(), Is.EqualTo(new[] { 2.0, 5.0 }));
    }

    [Test]
    public void AWriteOverSomethingCapturedThatWouldHaveToBecomeMoreIsRefused()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        var total = Tensor.Zeros([2], DType.Float64);
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Grad(a => total.Add_(a).Sum())(x))!.Message, Does.Contain("would mutate a captured Tensor").And.Contain("[2]"));
        Assert.That(
            Assert.Throws<GradientException>(() => Autodiff.Vmap(a => total.Add_(a))(Tensor.Ones([3, 2], DType.Float64)))!.Message,
            Does.Contain("vmap: inplace arithmetic is not possible"));
        Assert.Throws<GradientException>(() => Autodiff.Jvp(a => total.Copy_(a), x, x));
        Assert.That(total.ToArray<double>(), Is.EqualTo(new double[2]));

        // What all samples share, and no derivative goes through, may be written.
        Autodiff.Vmap(a =>
        {
            total.Add_(1);
            return a * total;
        })(Tensor.Ones([3, 2], DType.Float64));
        Assert.That(total.ToArray<double>(), Is.EqualTo(new[] { 1.0, 1.0 }));
    }

    [Test]
    public void AValueThatTheDerivativeNeedsMustNotBeOverwritten()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        var failure = Assert.Throws<GradientException>(() => Autodiff.Grad(a =>
        {
            var y = a * 1;
            var z = y * y;
            y.Add_(1);
            return z.Sum();
        })(x));
        Assert.That(failure!.Message, Does.Contain("one of the variables needed for gradient computation has been modified by an inplace operation"));
    }

    [Test]
    public void UnderNoGradAWriteLeavesTheHistory()
    {
        var x = Tensor.FromArray([1.0, 2.0]);
        var gradient = Autodiff.Grad(a =>
        {
            var y = a + 0;
            using (Autodiff.NoGrad())
            {
                y.Mul_(10);
            }

            return (y * y.Detach()).Sum();
        })(x);
        Assert.That(gradient.ToArray<double>(), Is.EqualTo(new[] { 10.0, 20.0 }));
    }

    private static Tensor Write(Tensor target, Func<Tensor, Tensor> write)
    {
        var returned = write(target);
        Assert.That(returned, Is.SameAs(target));
        return target;
    }
}
