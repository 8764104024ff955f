using Autograd.Gpu.LinearAlgebra;

namespace Autograd.Gpu.Tests;

/// <summary>Derivatives of decompositions: first and second order against differences, forward mode, and maps against loops.</summary>
internal sealed class DecompositionDerivativeTests
{
    /// <summary>What is differentiated: functions that do not depend on the signs of vectors, of matrices without special structure.</summary>
    public sealed record Row(string Name, Shape[] Shapes, Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> Apply)
    {
        public override string ToString() => Name;
    }

    private static IEnumerable<Row> Rows()
    {
        Shape two = [2, 2], three = [3, 3], tall = [3, 2], wide = [2, 3];
        yield return new("Det", [three], x => [x[0].Det()]);
        yield return new("Det of rank n - 1", [[3, 2]], x => [Deficient(x[0]).Det() + Deficient(x[0])[..2, ..2].Det()]);
        yield return new("SlogDet", [[2, 2, 2]], x => [x[0].SlogDet().LogAbsDet]);
        yield return new("Inv", [three], x => [x[0].Inv()]);
        yield return new("Solve", [three, tall], x => [x[0].Solve(x[1])]);
        yield return new("Solve of a stack by one matrix", [two, [2, 2, 1]], x => [x[0].Solve(x[1])]);
        yield return new("Solve of a vector", [[2, 2, 2], [2]], x => [x[0].Solve(x[1])]);
        yield return new("Solve from the right", [two, [1, 2]], x => [x[0].Solve(x[1], left: false)]);
        yield return new("SolveTriangular", [three, [3, 1]], x => [x[0].SolveTriangular(x[1], upper: true), x[0].SolveTriangular(x[1], upper: false, unitriangular: true)]);
        yield return new("SolveTriangular from the right", [two, [1, 2]], x => [x[0].SolveTriangular(x[1], upper: false, left: false)]);
        yield return new("Cholesky", [three], x => [Positive(x[0]).Cholesky()]);
        yield return new("Cholesky above", [two], x => [Positive(x[0]).Cholesky(upper: true)]);
        yield return new("CholeskySolve", [two, [2, 1]], x => [x[1].CholeskySolve(x[0])]);
        yield return new("CholeskyInverse", [two], x => [x[0].CholeskyInverse()]);
        yield return new("Lu", [three], x => [x[0].Lu().L, x[0].Lu().U]);
        yield return new("Lu of a tall one", [tall], x => [x[0].Lu().L, x[0].Lu().U]);
        yield return new("Lu of a wide one", [wide], x => [x[0].Lu().L, x[0].Lu().U]);
        yield return new("LuFactor and LuSolve", [two, [2, 1]], x => { var (lu, pivots) = x[0].LuFactor(); return [Linalg.LuSolve(lu, pivots, x[1])]; });
        yield return new("Qr", [tall], x => Outputs(x[0].Qr()));
        yield return new("Qr of a square", [two], x => Outputs(x[0].Qr()));
        yield return new("Qr of a wide one", [wide], x => Outputs(x[0].Qr()));
        yield return new("Svd", [tall], x => SignFree(x[0].Svd(fullMatrices: false)));
        yield return new("Svd of a square", [two], x => SignFree(x[0].Svd()));
        yield return new("Svd, full", [tall], x => [Projector(x[0].Svd().U.Narrow(-1, 2, 1)), x[0].Svd().S]);
        yield return new("Svd of a wide one, full", [wide], x => [Projector(x[0].Svd().Vh.Narrow(-2, 2, 1).MT), x[0].Svd().S]);
        yield return new("SvdVals", [[2, 2, 2]], x => [x[0].SvdVals()]);
        yield return new("Eigh", [three], x => [Symmetric(x[0]).Eigh().Values, Symmetric(x[0]).Eigh().Vectors.Square()]);
        yield return new("Eigh of the upper half", [two], x => [Symmetric(x[0]).Eigh('U').Vectors.Square()]);
        yield return new("Pinv", [tall], x => [x[0].Pinv()]);
        yield return new("Pinv of a deficient one", [[3, 1]], x => [x[0].MatMul(x[0].MT).Pinv(rtol: 1e-8)]);
        yield return new("Pinv of a symmetric one", [two], x => [Symmetric(x[0]).Pinv(hermitian: true)]);
        yield return new("Lstsq", [tall, [3, 1]], x => [x[0].Lstsq(x[1]).Solution, x[0].Lstsq(x[1]).Residuals]);
        yield return new("Lstsq by QR", [wide, [2, 1]], x => [x[0].Lstsq(x[1], driver: LstsqDriver.Gels).Solution]);
        yield return new("MatrixExp", [two], x => [x[0].MatrixExp()]);
        yield return new("MatrixPower -2", [two], x => [Linalg.MatrixPower(x[0], -2)]);
        yield return new("MatrixNorm", [wide], x => [Linalg.MatrixNorm(x[0], "nuc"), Linalg.MatrixNorm(x[0], 2), Linalg.MatrixNorm(x[0], -2)]);
        yield return new("Cond", [two], x => [x[0].Cond(), x[0].Cond(1)]);
    }

    [TestCaseSource(nameof(Rows))]
    public void BothOrdersAndModesPassTheNumericalCheck(Row row)
    {
        var inputs = Inputs(row, []);
        Assert.That(Autodiff.GradCheck(row.Apply, inputs, checkForwardAd: true, checkBatchedGrad: true));
        Assert.That(Autodiff.GradGradCheck(row.Apply, inputs, checkFwdOverRev: true, checkBatchedGrad: true));
    }

    [TestCaseSource(nameof(Rows))]
    public void MapsAndTheirDerivativesAreThoseOfALoop(Row row)
    {
        // The last input, and all of them, have a batch.
        foreach (bool all in new[] { true, false })
        {
            if (!all && row.Shapes.Length == 1)
            {
                continue;
            }

            int?[] dims = [.. row.Shapes.Select((_, i) => all || i == row.Shapes.Length - 1 ? 0 : (int?)null)];
            var batched = Inputs(row, [2]);
            var inputs = batched.Select((x, i) => dims[i] is null ? x.Select(0, 0).Detach() : x.Detach()).ToArray();
            Tensor[] Sample(int n) => [.. inputs.Select((x, i) => dims[i] is null ? x : x.Select(0, n))];
            var mapped = Autodiff.Vmap(row.Apply, dims)(inputs);
            for (int k = 0; k < mapped.Length; k++)
            {
                Close.AreEqual(mapped[k], Tensor.Stack([row.Apply(Sample(0))[k], row.Apply(Sample(1))[k]]), $"output {k}", 1e-10);
            }

            Tensor Loss(IReadOnlyList<Tensor> x) => row.Apply(x).Select(y => (y * y).Sum() + y.Sum()).Aggregate((a, b) => a + b);
            var gradient = Autodiff.Grad(Loss, [.. Enumerable.Range(0, inputs.Length)]);
            var gradients = Autodiff.Vmap(x => gradient(x), dims)(inputs);
            IReadOnlyList<Tensor> Tangent(IReadOnlyList<Tensor> x) => Autodiff.Jvp(y => gradient(y), x, [.. x.Select(Tensor.OnesLike)]).Tangents;
            var second = Autodiff.Vmap(Tangent, dims)(inputs);
            for (int k = 0; k < gradients.Length; k++)
            {
                Close.AreEqual(gradients[k], Tensor.Stack([gradient(Sample(0))[k], gradient(Sample(1))[k]]), $"gradient {k}", 1e-9);
                Close.AreEqual(second[k], Tensor.Stack([Tangent(Sample(0))[k], Tangent(Sample(1))[k]]), $"second derivative {k}", 1e-8);
            }
        }
    }

    [Test]
    public void DeterminantsOfSingularMatricesHaveTwoDerivatives()
    {
        // Rank 1: the cofactors vanish, the second derivative does not; it is that of the polynomial.
        var a = Tensor.FromArray(new[,] { { 1.0, 2, 3 }, { 2, 4, 6 }, { 3, 6, 9 } }).RequiresGrad_();
        static Tensor ByHand(Tensor x) =>
            x[0, 0] * (x[1, 1] * x[2, 2] - x[1, 2] * x[2, 1]) - x[0, 1] * (x[1, 0] * x[2, 2] - x[1, 2] * x[2, 0]) + x[0, 2] * (x[1, 0] * x[2, 1] - x[1, 1] * x[2, 0]);
        Close.AreEqual(Autodiff.Hessian(x => x.Det(), a), Autodiff.Hessian(ByHand, a), "rank 1", 1e-13);
        var zero = Tensor.Zeros([2, 2], DType.Float64);
        Close.AreEqual(Autodiff.Hessian(x => x.Det(), zero).Reshape(4, 4).Flip(1), Tensor.FromArray(new[] { 1.0, -1, -1, 1 }).Diag(), "rank 0", 1e-15);
        var regular = Tensor.FromArray(new[,] { { 1.0, 2, 0 }, { 0, 1, 1 }, { 1, 0, 2 } });
        Close.AreEqual(
            Autodiff.JacRev(x => Autodiff.Hessian(y => y.Det())(x))(regular), Autodiff.JacRev(x => Autodiff.Hessian(ByHand)(x))(regular), "the third derivative", 1e-12);
    }

    [Test]
    public void RepeatedSingularValuesHaveInfiniteOrMissingGradientsOfVectorsAlone()
    {
        var a = Tensor.Eye(2, null, DType.Float64).RequiresGrad_();
        a.SvdVals().Sum().Backward();
        Close.AreEqual(a.Grad!, Tensor.Eye(2, null, DType.Float64), "the nuclear norm");
        a.Grad = null;
        a.Svd().U.Select(0, 0).Sum().Backward();
        Assert.That(a.Grad!.Doubles().Any(g => !double.IsFinite(g)));
        a.Grad = null;
        a.EighVals().Sum().Backward();
        Close.AreEqual(a.Grad!, Tensor.Eye(2, null, DType.Float64), "the trace");
    }

    [Test]
    public void NodesHaveTheNamesOfTheField()
    {
        var a = (Tensor.Eye(2) * 2).RequiresGrad_();
        Assert.That(
            new[] { a.Det(), a.Inv(), a.Qr().Q, a.Svd().S, a.Eigh().Vectors, a.Cholesky(), a.Solve(a), a.MatrixExp() }.Select(x => x.GradFn!.Name),
            Is.EqualTo(new[]
            {
                "LinalgDetBackward", "LinalgInvExBackward", "LinalgQrBackward", "LinalgSvdBackward", "LinalgEighBackward", "LinalgCholeskyExBackward",
                "LinalgSolveExBackward", "LinalgMatrixExpBackward",
            }));
    }

    private static Tensor Positive(Tensor a) => a.MatMul(a.MT) + 0.5 * Tensor.Eye(a.Shape[-1], null, a.DType);

    private static Tensor Symmetric(Tensor a) => a + a.MT;

    /// <summary>A matrix of rank 2 from one [3, 2].</summary>
    private static Tensor Deficient(Tensor a) => a.MatMul(a.MT);

    private static Tensor Projector(Tensor vectors) => vectors.MatMul(vectors.MT);

    private static IReadOnlyList<Tensor> Outputs((Tensor Q, Tensor R) factors) => [factors.Q, factors.R];

    /// <summary>Functions of the vectors that do not know their signs: squares, and products of pairs.</summary>
    private static IReadOnlyList<Tensor> SignFree((Tensor U, Tensor S, Tensor Vh) svd) => [svd.U.Square(), svd.S, svd.U.MatMul(svd.Vh)];

    private static Tensor[] Inputs(Row row, long[] lead) =>
    [
        .. row.Shapes.Select((shape, i) =>
        {
            Shape whole = [.. lead, .. shape];
            var x = Numbers.Double(11 + i, whole, -1, 1, Device.Cpu);
            return (shape.Rank >= 2 && i == 0 ? x + 2 * Tensor.FromArray(Spread(shape), Device.Cpu) : x).Materialize().Detach().RequiresGrad_();
        }),
    ];

    /// <summary>Different numbers along the diagonal, so that matrices are regular and their singular values apart.</summary>
    private static double[,] Spread(Shape shape)
    {
        var diagonal = new double[shape[-2], shape[-1]];
        for (int k = 0; k < Math.Min(shape[-2], shape[-1]); k++)
        {
            diagonal[k, k] = 1 + 0.7 * k;
        }

        return diagonal;
    }
}
