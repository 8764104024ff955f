namespace Autograd.Gpu.Tests;

/// <summary>The other names of products, whole numbers, empty operands, and the order of chains.</summary>
internal sealed class ProductTests
{
    private static readonly Tensor M = Tensor.Arange(6).Reshape(2, 3), V = Tensor.Arange(1, 4);

    [Test]
    public void WholeNumbersAreMultipliedAsTheyAre()
    {
        Assert.That(M.Mm(M.T).ToArray<long>(), Is.EqualTo(new long[] { 5, 14, 14, 50 }));
        Assert.That(M.Mv(V).ToArray<long>(), Is.EqualTo(new long[] { 8, 26 }));
        Assert.That(M.To(DType.Int32).MatMul(V.To(DType.Int32)).DType, Is.EqualTo(DType.Int32));
        Assert.That(M.Unsqueeze(0).Bmm(M.T.Unsqueeze(0)).ToArray<long>(), Is.EqualTo(new long[] { 5, 14, 14, 50 }));
        Assert.That((V.Dot(V).Item<long>(), V.Vdot(V).Item<long>()), Is.EqualTo((14L, 14L)));
        Assert.That(M.Inner(V).ToArray<long>(), Is.EqualTo(new long[] { 8, 26 }));
        Assert.That(V.Inner(Tensor.Of(2L)).ToArray<long>(), Is.EqualTo(new long[] { 2, 4, 6 }));
        Assert.That(V[..2].Ger(V).ToArray<long>(), Is.EqualTo(new long[] { 1, 2, 3, 2, 4, 6 }));
        Assert.That(V[..2].Kron(M[..1]).ToArray<long>(), Is.EqualTo(new long[] { 0, 1, 2, 0, 2, 4 }));
        Assert.That(M.Tensordot(M).Item<long>(), Is.EqualTo(55));
        Assert.That(M.Tensordot(V, 0).Shape, Is.EqualTo(Shape.Create([2, 3, 3])));
        Assert.That(V.Vander(increasing: true).ToArray<long>(), Is.EqualTo(new long[] { 1, 1, 1, 1, 2, 4, 1, 3, 9 }));
        Assert.That(V.Vander(0).Shape, Is.EqualTo(Shape.Create([3, 0])));
        Assert.That(M[.., ..2].MatrixPower(0).ToArray<long>(), Is.EqualTo(new long[] { 1, 0, 0, 1 }));
        Assert.That(M[.., ..2].Trace().Item<long>(), Is.EqualTo(4));
    }

    [Test]
    public void NormsAgreeWithTheirDefinitions()
    {
        var x = M.To(DType.Float32) - 2;
        Assert.That(x.VectorNorm(1, dtype: DType.Float64).Item<double>(), Is.EqualTo(9));
        Assert.That(x.VectorNorm(0, [0]).ToArray<float>(), Is.EqualTo(new[] { 2f, 2, 1 }));
        Assert.That(x.MatrixNorm().Item<float>(), Is.EqualTo(MathF.Sqrt(19)).Within(1e-6));
        Assert.That(
            new[] { 1, -1, double.PositiveInfinity, double.NegativeInfinity }.Select(ord => x.MatrixNorm(ord).Item<float>()), Is.EqualTo(new[] { 3f, 3, 6, 3 }));
        Assert.That(x.MatrixNorm(1, -1, -2, keepDim: true).Shape, Is.EqualTo(Shape.Create([1, 1])));
        Assert.That(x.MatrixNorm(1, 1, 0).Item<float>(), Is.EqualTo(6));
    }

    [Test]
    public void EmptyProductsAreZeros()
    {
        var (left, right) = (Tensor.Zeros([2, 0]), Tensor.Zeros([0, 3]));
        Assert.That(left.Mm(right).Doubles(), Is.EqualTo(new double[6]));
        Assert.That(Tensor.MultiDot(left, right, Tensor.Ones([3, 1])).Doubles(), Is.EqualTo(new double[2]));
        Assert.That(Tensor.Zeros([0]).Dot(Tensor.Zeros([0])).Item<float>(), Is.Zero);
        Assert.That(Tensor.Ones([2, 3]).Addmm(left, right).Doubles(), Is.All.EqualTo(1));
        Assert.That(Tensor.Zeros([0, 3]).Cdist(Tensor.Zeros([2, 3])).Shape, Is.EqualTo(Shape.Create([0, 2])));
        Assert.That(Tensor.Zeros([1, 3]).Pdist().NumElements, Is.Zero);
        Assert.That(Tensor.BlockDiag(left, right).Shape, Is.EqualTo(Shape.Create([2, 3])));
    }

    [Test]
    public void AChainTakesTheFewestMultiplications()
    {
        // 2 x 100, 100 x 100, 100 x 1: from the right 10,000 + 200, from the left 20,000 + 200.
        Tensor a = Tensor.Rand([2, 100]), b = Tensor.Rand([100, 100]), c = Tensor.Rand([100, 1]);
        using var log = new KernelLog();
        var product = Tensor.ChainMatmul(a, b, c);
        Assert.That(log.Events.Where(e => e.ToString().Contains("MatMul [100, 1]", StringComparison.Ordinal)).ToArray(), Has.Length.EqualTo(1), log.ToString());
        Close.AreEqual(product, a.MatMul(b).MatMul(c), "the same product", 1e-4);
        Close.AreEqual(Tensor.MultiDot(a[0], b, c), product[0], "between a vector and a matrix", 1e-4);
        Assert.That(Tensor.MultiDot(a[0], b, c.Squeeze(1)).Rank, Is.Zero);
        Assert.That(Tensor.ChainMatmul(a), Is.SameAs(a));
    }
}
