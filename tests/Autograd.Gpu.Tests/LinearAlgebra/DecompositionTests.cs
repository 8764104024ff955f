using Autograd.Gpu.LinearAlgebra;

namespace Autograd.Gpu.Tests;

/// <summary>Factors multiply to what they were made of, for tall, wide, empty, strided and stacked matrices of both dtypes, wherever they lie.</summary>
internal sealed class DecompositionTests
{
    private static readonly Shape[] s_shapes = [[4, 4], [7, 3], [3, 7], [2, 3, 5, 5], [2, 6, 4], [1, 1], [50, 50], [60, 20], [3, 0], [0, 3], [0, 0], [0, 3, 3], [2, 0, 2]];

    private static IEnumerable<TestCaseData> Cases() =>
        from shape in s_shapes
        from dtype in new[] { DType.Float64, DType.Float32 }
        where dtype == DType.Float64 || shape.NumElements is > 0 and < 100
        select new TestCaseData(shape, dtype).SetArgDisplayNames($"{shape} {dtype}");

    private static IEnumerable<TestCaseData> Squares() => Cases().Where(c => ((Shape)c.Arguments[0]!)[-1] == ((Shape)c.Arguments[0]!)[-2]);

    [TestCaseSource(nameof(Cases))]
    public void FactorsMultiplyToTheMatrix(Shape shape, DType dtype)
    {
        var a = Matrix(shape, dtype);
        long m = shape[-2], n = shape[-1], k = Math.Min(m, n);
        double tolerance = Tolerance(dtype, shape);

        var (q, r) = a.Qr();
        Assert.That((q.Shape[-1], r.Shape[-2]), Is.EqualTo((k, k)));
        Near(q.MatMul(r), a, tolerance, "Q R");
        Near(q.MT.MatMul(q), Tensor.Eye(k, null, dtype).Expand([.. Lead(shape), k, k]), tolerance, "Q^T Q");
        Near(r.Tril(-1), Tensor.ZerosLike(r), 0, "R below its diagonal");
        var (wholeQ, wholeR) = a.Qr(QrMode.Complete);
        Near(wholeQ.MatMul(wholeR), a, tolerance, "complete Q R");
        Near(wholeQ.MT.MatMul(wholeQ), Tensor.Eye(m, null, dtype).Expand([.. Lead(shape), m, m]), tolerance, "complete Q^T Q");
        var (none, onlyR) = a.Qr(QrMode.R);
        Assert.That(none.NumElements, Is.Zero);
        Near(onlyR.Abs(), r.Abs(), tolerance, "R alone");

        var (u, s, vh) = a.Svd(fullMatrices: false);
        Near((u * s.Unsqueeze(-2)).MatMul(vh), a, tolerance, "U S Vh");
        Near(u.MT.MatMul(u), Tensor.Eye(k, null, dtype).Expand([.. Lead(shape), k, k]), tolerance, "U^T U");
        Near(vh.MatMul(vh.MT), Tensor.Eye(k, null, dtype).Expand([.. Lead(shape), k, k]), tolerance, "Vh Vh^T");
        Assert.That(s.Doubles(), Is.All.GreaterThanOrEqualTo(0));
        Near(s.Sort(-1, descending: true).Values, s, 0, "the order of S");
        Near(a.SvdVals(), s, 0, "SvdVals");
        var (wholeU, _, wholeVh) = a.Svd();
        Near(wholeU.MT.MatMul(wholeU), Tensor.Eye(m, null, dtype).Expand([.. Lead(shape), m, m]), tolerance, "full U");
        Near(wholeVh.MatMul(wholeVh.MT), Tensor.Eye(n, null, dtype).Expand([.. Lead(shape), n, n]), tolerance, "full Vh");
        Near((wholeU.Narrow(-1, 0, k) * s.Unsqueeze(-2)).MatMul(wholeVh.Narrow(-2, 0, k)), a, tolerance, "full U S Vh");

        var (p, l, upper) = a.Lu();
        Near(p.MatMul(l).MatMul(upper), a, tolerance, "P L U");
        Assert.That(l.Abs().Doubles(), Is.All.LessThanOrEqualTo(1), "pivots are the largest of their column");
        var inverse = a.Pinv();
        Near(a.MatMul(inverse).MatMul(a), a, 100 * tolerance, "A A+ A");
        Near(a.MatrixRank(), Tensor.Full([.. Lead(shape)], k, DType.Int64), 0, "rank");
    }

    [TestCaseSource(nameof(Squares))]
    public void SquareMatricesAreInvertedAndSolved(Shape shape, DType dtype)
    {
        var a = Matrix(shape, dtype);
        long n = shape[-1];
        double tolerance = Tolerance(dtype, shape);
        var eye = Tensor.Eye(n, null, dtype).Expand(shape);
        Near(a.MatMul(a.Inv()), eye, 50 * tolerance, "A A^-1");
        var b = Matrix([.. Lead(shape), n, 2], dtype, seed: 5);
        Near(a.MatMul(a.Solve(b)), b, 50 * tolerance, "A X");
        Near(a.MT.Solve(b).MT.MatMul(a), b.MT, 50 * tolerance, "X A, turned");
        Near(a.Solve(b.MT, left: false).MatMul(a), b.MT, 50 * tolerance, "X A");
        Near(a.Solve(b.Select(-1, 0)), a.Solve(b).Select(-1, 0), tolerance, "a vector");
        var (lu, pivots) = a.LuFactor();
        Near(a.MatMul(Linalg.LuSolve(lu, pivots, b)), b, 50 * tolerance, "LuSolve");
        var (sign, logarithm) = a.SlogDet();
        Near(sign * logarithm.Exp(), a.Det(), 100 * tolerance, "det");

        var positive = a.MatMul(a.MT) + Tensor.Eye(n, null, dtype);
        var l = positive.Cholesky();
        Near(l.MatMul(l.MT), positive, 10 * tolerance, "L L^T");
        Near(positive.Cholesky(upper: true), l.MT, tolerance, "U");
        Near(positive.MatMul(b.CholeskySolve(l)), b, 50 * tolerance, "CholeskySolve");
        Near(l.MT.CholeskyInverse(upper: true), positive.Inv(), 10 * tolerance, "CholeskyInverse");
        var (values, vectors) = positive.Eigh();
        Near((vectors * values.Unsqueeze(-2)).MatMul(vectors.MT), positive, 10 * tolerance, "V L V^T");
        Near(values.Sort(-1).Values, values, 0, "the order of the eigenvalues");
        var half = positive.Triu() + 9 * Tensor.OnesLike(positive).Tril(-1);
        Near(half.EighVals('U'), values, 10 * tolerance, "the upper half");
        Near(half.Cholesky(upper: true), l.MT, tolerance, "the upper half's U");
        Near((-a).MatrixExp().MatMul(a.MatrixExp()), eye, 1e4 * tolerance, "exp(-A) exp(A)");
        Near(Linalg.MatrixPower(a, -2).MatMul(a.MatrixPower(2)), eye, 1e3 * tolerance, "A^-2 A^2");
        foreach (bool upper in new[] { true, false })
        {
            var triangle = (upper ? a.Triu() : a.Tril()) + 3 * eye;
            Near(triangle.MatMul((triangle + (a - (upper ? a.Triu() : a.Tril()))).SolveTriangular(b, upper)), b, 10 * tolerance, "triangular");
            Near(triangle.SolveTriangular(b.MT, upper, left: false).MatMul(triangle), b.MT, 10 * tolerance, "triangular, right");
        }
    }

    [Test]
    public void SymmetricMatricesAreReadFromTheirLowerHalf()
    {
        // Eigenvalues 3, -1 and, below the tolerance, 1e-9; above the diagonal stands something else.
        var q = Numbers.Double(5, [2, 3, 3], -1, 1, Device.Cpu).Qr().Q;
        var symmetric = q.MatMul((Tensor.FromArray([3, -1, 1e-9]).Unsqueeze(-1) * q.MT));
        var given = symmetric.Tril() + Tensor.Full([3, 3], 7, DType.Float64).Triu(1);
        var expected = q.MatMul(Tensor.FromArray([1 / 3.0, -1, 0]).Unsqueeze(-1) * q.MT);
        Close.AreEqual(given.Pinv(rtol: 1e-6, hermitian: true), expected, "pinv", 1e-12);
        Close.AreEqual(given.Pinv(atol: 2, hermitian: true), q.MatMul(Tensor.FromArray([1 / 3.0, 0, 0]).Unsqueeze(-1) * q.MT), "magnitudes against atol", 1e-12);
        Assert.That(given.MatrixRank(rtol: 1e-6, hermitian: true).ToArray<long>(), Is.EqualTo(new[] { 2L, 2 }));
        Assert.That(given.MatrixRank(atol: 2, hermitian: true).ToArray<long>(), Is.EqualTo(new[] { 1L, 1 }));
        Assert.That(Tensor.Zeros([0, 0]).MatrixRank(hermitian: true).Item<long>(), Is.Zero);
        Assert.Throws<ShapeException>(() => Tensor.Ones([2, 3]).Pinv(hermitian: true));
        Assert.Throws<ShapeException>(() => Tensor.Ones([2, 3]).MatrixRank(hermitian: true));
    }

    [Test]
    public void WhatIsKnownInNumbers()
    {
        var a = Tensor.FromArray(new[,] { { 2.0, 1, 0 }, { 1, 3, 1 }, { 0, 1, 4 } });
        Assert.That(a.Det().Item<double>(), Is.EqualTo(18).Within(1e-13));
        Assert.That((-a).SlogDet().Sign.Item<double>(), Is.EqualTo(-1));
        Assert.That((-a).LogDet().Item<double>(), Is.NaN);
        Assert.That(Linalg.MatrixNorm(a, "nuc").Item<double>(), Is.EqualTo(9).Within(1e-13), "the trace of a positive-definite matrix");
        double root3 = Math.Sqrt(3);
        Assert.That(a.EighVals().Doubles(), Is.EqualTo(new[] { 3 - root3, 3, 3 + root3 }).Within(1e-13));
        Assert.That(Linalg.MatrixNorm(a, 2).Item<double>(), Is.EqualTo(3 + root3).Within(1e-13));
        Assert.That(Linalg.MatrixNorm(a, -2, keepDim: true).Shape, Is.EqualTo(Shape.Create([1, 1])));
        Assert.That(a.Cond().Item<double>(), Is.EqualTo((3 + root3) / (3 - root3)).Within(1e-13));
        Assert.That(a.Cond(1).Item<double>(), Is.EqualTo(5 * a.Inv().MatrixNorm(1).Item<double>()).Within(1e-13));
        Assert.That(Tensor.Zeros([2, 2]).Cond("fro").Item<float>(), Is.EqualTo(float.PositiveInfinity));
        var turn = Tensor.FromArray(new[,] { { 0.0, -20 }, { 20, 0 } }).MatrixExp().Doubles();
        Assert.That(turn, Is.EqualTo(new[] { Math.Cos(20), -Math.Sin(20), Math.Sin(20), Math.Cos(20) }).Within(1e-13));
        Assert.That(Tensor.Zeros([0, 0]).Det().Item<float>(), Is.EqualTo(1));
        Assert.That(Tensor.Zeros([3, 3]).SlogDet().LogAbsDet.Item<float>(), Is.EqualTo(float.NegativeInfinity));
        Assert.That(Tensor.FromArray(new[] { 1f, 0 }).Diag().SolveTriangular(Tensor.Ones([2, 1]), upper: true)[1, 0].Item<float>(), Is.EqualTo(float.PositiveInfinity));
        Assert.That(Tensor.Full([1, 1], double.NaN, DType.Float64).Det().Item<double>(), Is.NaN);
    }

    [Test]
    public void LeastSquares()
    {
        // A line through (0, 1), (1, 2), (2, 4): 5/6 + 3/2 x, the squares summing to 1/6.
        var a = Tensor.FromArray(new[,] { { 1.0, 0 }, { 1, 1 }, { 1, 2 } });
        var b = Tensor.FromArray(new[] { 1.0, 2, 4 });
        foreach (var driver in Enum.GetValues<LstsqDriver>())
        {
            var (solution, residuals, rank, _) = a.Lstsq(b, driver: driver);
            Assert.That(solution.Doubles(), Is.EqualTo(new[] { 5.0 / 6, 1.5 }).Within(1e-14));
            Assert.That(residuals.Item<double>(), Is.EqualTo(1.0 / 6).Within(1e-14));
            Assert.That(rank.Item<long>(), Is.EqualTo(2));
            var wide = a.T.Lstsq(b[..2], driver: driver);
            Near(a.T.MatMul(wide.Solution), b[..2], 1e-14, "a wide system is solved");
            Near(wide.Solution, a.MatMul(a.T.MatMul(a).Solve(b[..2])), 1e-14, "by the smallest solution");
            Assert.That(wide.Residuals.NumElements, Is.Zero);
        }

        var deficient = Tensor.Cat([a, a], 1);
        var least = deficient.Lstsq(b);
        Assert.That(least.Rank.Item<long>(), Is.EqualTo(2));
        Assert.That(least.Residuals.NumElements, Is.Zero);
        Assert.That(least.Solution.Doubles(), Is.EqualTo(new[] { 5.0 / 12, 0.75, 5.0 / 12, 0.75 }).Within(1e-14));
        Assert.That(least.SingularValues.NumElements, Is.EqualTo(3));
    }

    [Test]
    public void BetaZeroIgnoresTheInput()
    {
        var (m, nan) = (Tensor.Ones([2, 2], DType.Float64), Tensor.Full([2, 2], double.NaN, DType.Float64).RequiresGrad_());
        var sum = nan.Addmm(m, m, beta: 0, alpha: 0.5);
        Assert.That(sum.Doubles(), Is.All.EqualTo(1));
        sum.Sum().Backward();
        Assert.That(nan.Grad!.Doubles(), Is.All.EqualTo(0));
        Assert.That(Tensor.Full([2], double.NaN).Addmv(m.To(DType.Float32), Tensor.Ones([2]), beta: 0).Doubles(), Is.All.EqualTo(2));
        var whole = Tensor.Arange(4).Reshape(2, 2);
        Assert.That(whole.Addmm(whole, whole, beta: 2, alpha: 3).ToArray<long>(), Is.EqualTo(new long[] { 6, 11, 22, 39 }));
        Assert.That(Tensor.Ones([2, 2, 2]).Baddbmm(Tensor.Ones([2, 2, 1]), Tensor.Ones([2, 1, 2])).Doubles(), Is.All.EqualTo(2));
        Assert.That(Tensor.Ones([2, 2]).Addr(Tensor.Ones([2]), Tensor.Ones([2]), alpha: 4).Doubles(), Is.All.EqualTo(5));
    }

    [Test]
    public void DistancesAtEqualRows()
    {
        var x = Tensor.Ones([2, 3], DType.Float64).RequiresGrad_();
        foreach (double p in new[] { 0, 0.5, 1, 2, 3, double.PositiveInfinity })
        {
            x.Grad = null;
            var distances = x.Cdist(x.Detach(), p);
            Assert.That(distances.Doubles(), Is.All.EqualTo(0));
            distances.Sum().Backward();
            Assert.That(x.Grad!.Doubles(), Is.All.EqualTo(0), $"p = {p}");
        }

        Assert.That(Tensor.Zeros([2, 0]).Cdist(Tensor.Zeros([3, 0])).Doubles(), Is.EqualTo(new double[6]));
    }

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.All))]
    public void ResultsLieWhereTheInputDoes(Device device)
    {
        var a = (Matrix([3, 3], DType.Float32) * 2).To(device);
        var strided = Tensor.Stack([a, a + 1], -1).Select(-1, 0).MT;
        foreach (var result in new[]
        {
            strided.Inv(), strided.Det(), strided.Qr().Q, strided.Svd().U, strided.Eigh().Values, strided.Lu().L, strided.MatrixExp(), strided.Pinv(),
            strided.Solve(a), strided.MatMul(strided.MT).Cholesky(),
        })
        {
            Assert.That((result.Device, result.DType), Is.EqualTo((device, DType.Float32)));
        }

        Near(strided.Inv().MatMul(a.MT), Tensor.Eye(3, device: device), 1e-5, "the inverse of a pending, strided matrix");
        var leaf = a.Detach().RequiresGrad_();
        leaf.SlogDet().LogAbsDet.Backward();
        Near(leaf.Grad!, a.Inv().MT, 1e-6, "the gradient of log |det|");
    }

    private static long[] Lead(Shape shape) => shape.ToArray()[..^2];

    private static double Tolerance(DType dtype, Shape shape) => (dtype == DType.Float32 ? 2e-6 : 4e-15) * (1 + Math.Max(shape[-1], shape[-2]));

    /// <summary>Numbers in (-1, 1), with the diagonal moved away from zero so that no condition is bad.</summary>
    private static Tensor Matrix(Shape shape, DType dtype, int seed = 1)
    {
        var noise = Numbers.Of(Numbers.Uniform(seed, shape.NumElements, -1, 1), shape, dtype, Device.Cpu);
        return noise + (2 + Math.Sqrt(shape[-1])) * Tensor.Eye(shape[-2], shape[-1], dtype);
    }

    private static void Near(Tensor actual, Tensor expected, double tolerance, string what)
    {
        Assert.That((actual.Shape, actual.DType), Is.EqualTo((expected.Shape, expected.DType)), what);
        var (a, e) = (actual.Doubles(), expected.Doubles());
        double scale = e.Select(Math.Abs).Append(1).Max();
        Assert.That(a, Is.EqualTo(e).Within(tolerance * scale), what);
    }
}
