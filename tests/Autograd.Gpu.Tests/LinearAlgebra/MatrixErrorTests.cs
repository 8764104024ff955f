using Autograd.Gpu.LinearAlgebra;

namespace Autograd.Gpu.Tests;

/// <summary>What products, norms and decompositions refuse, in PyTorch's words.</summary>
internal sealed class MatrixErrorTests
{
    private static readonly Tensor V = Tensor.Zeros([3]), M = Tensor.Zeros([2, 3]), S = Tensor.Zeros([2, 2]), B = Tensor.Zeros([2, 2, 3]);
    private static readonly Tensor Whole = Tensor.Zeros([2, 2], DType.Int64), Half = Tensor.Zeros([2, 2], DType.Float16), Double = Tensor.Zeros([2, 2], DType.Float64);
    private static readonly Tensor Elsewhere = Tensor.Zeros([2, 2], device: Device.CpuKernels), Eye = Tensor.Eye(3);

    private static IEnumerable<TestCaseData> Cases()
    {
        static TestCaseData Case<T>(string what, Func<object> call, string says) where T : Exception => new TestCaseData(typeof(T), call, says).SetArgDisplayNames(what);
        yield return Case<ShapeException>("Mm of a vector", () => M.Mm(V), "mat2 must be a matrix");
        yield return Case<ShapeException>("Mm", () => M.Mm(M), "mat1 and mat2 shapes cannot be multiplied");
        yield return Case<DTypeException>("Mm of dtypes", () => S.Mm(Double), "same dtype");
        yield return Case<DeviceMismatchException>("Mm elsewhere", () => S.Mm(Elsewhere), "same device");
        yield return Case<DTypeException>("MatMul of bool", () => (S > 0).MatMul(S > 0), "not implemented for bool");
        yield return Case<ShapeException>("Bmm of a matrix", () => B.Bmm(M), "batch2 must be a 3D tensor");
        yield return Case<ShapeException>("Bmm", () => B.Bmm(B), "Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [2, 2]");
        yield return Case<DTypeException>("Bmm of dtypes", () => B.Bmm(B.MT.To(DType.Float64)), "same dtype");
        yield return Case<ShapeException>("Mv of matrices", () => M.Mv(M), "matrix @ vector expected, got 2, 2");
        yield return Case<ShapeException>("Mv", () => S.Mv(V), "size mismatch, got mat (2x2), vec (3)");
        yield return Case<DTypeException>("Mv of dtypes", () => M.Mv(V.To(DType.Float64)), "same dtype");
        yield return Case<ShapeException>("Dot of matrices", () => S.Dot(V), "1D tensors expected, but got 2D and 1D tensors");
        yield return Case<ShapeException>("Dot", () => V.Dot(V[..2]), "inconsistent tensor size, expected tensor [3] and src [2] to have the same number of elements, but got 3 and 2 elements respectively");
        yield return Case<DTypeException>("Dot of bool", () => (V > 0).Dot(V > 0), "not implemented for bool");
        yield return Case<ShapeException>("Vdot", () => V.Vdot(M), "1D tensors expected");
        yield return Case<ShapeException>("Inner", () => M.Inner(S), "the last dimension must match on both input tensors but got shapes [2, 3] and [2, 2]");
        yield return Case<DTypeException>("Inner of dtypes", () => S.Inner(Double), "same dtype");
        yield return Case<ShapeException>("Outer", () => V.Outer(M), "Expected 1-D argument vec2, but got 2-D");
        yield return Case<ShapeException>("Ger", () => M.Ger(V), "Expected 1-D argument self, but got 2-D");
        yield return Case<ShapeException>("Tensordot over too many", () => M.Tensordot(V, 2), "tensordot expects dims >= 0");
        yield return Case<ShapeException>("Tensordot of other counts", () => M.Tensordot(V, [1], []), "both dimension lists should have same length");
        yield return Case<ShapeException>("Tensordot", () => M.Tensordot(S, [1], [0]), "contracted dimensions need to match, but first has size 3 in dim 1 and second has size 2 in dim 0");
        yield return Case<ShapeException>("Tensordot twice", () => S.Tensordot(S, [0, 0], [0, 1]), "appears multiple times");
        yield return Case<ShapeException>("Addmm of vectors", () => M.Addmm(V, M), "mat1 must be a matrix");
        yield return Case<ShapeException>("Addmm that does not broadcast", () => V.Addmm(S, S), "does not broadcast to the product's shape [2, 2]");
        yield return Case<DTypeException>("Addmm of dtypes", () => Double.Addmm(S, S), "same dtype");
        yield return Case<DTypeException>("Addmm by fractions", () => Whole.Addmm(Whole, Whole, beta: 0.5), "argument beta must not be a floating point number");
        yield return Case<ShapeException>("Addmv", () => V.Addmv(M, M), "matrix @ vector expected");
        yield return Case<ShapeException>("Addbmm", () => M.Addbmm(B, M), "batch2 must be a 3D tensor");
        yield return Case<ShapeException>("Baddbmm", () => B.Baddbmm(B, B), "Expected size for first two dimensions");
        yield return Case<ShapeException>("Addr", () => M.Addr(M, V), "Expected 1-D argument vec1, but got 2-D");
        yield return Case<ShapeException>("MultiDot of one", () => Tensor.MultiDot(M), "expected at least 2 tensors but got 1");
        yield return Case<ShapeException>("MultiDot of a stack", () => Tensor.MultiDot(B, M), "the first tensor must be 1D or 2D but got 3D");
        yield return Case<ShapeException>("MultiDot around a vector", () => Tensor.MultiDot(M, V, M), "tensor 1 must be 2D but got 1D");
        yield return Case<ShapeException>("MultiDot", () => Tensor.MultiDot(M, M), "tensors 0 and 1 with shapes [2, 3] and [2, 3] cannot be multiplied");
        yield return Case<ShapeException>("ChainMatmul", () => Tensor.ChainMatmul(V, V), "each argument must be a matrix");
        yield return Case<ShapeException>("Cross of two", () => M.Cross(M, 0), "inputs dimension 0 must have length 3. Got 2 and 2");
        yield return Case<ShapeException>("Cross of ranks", () => V.Cross(M), "inputs must have the same number of dimensions");
        yield return Case<ShapeException>("Cross dim", () => V.Cross(V, 1), "Dimension out of range");
        yield return Case<ShapeException>("Trace", () => V.Trace(), "expected a matrix, but got tensor with dim 1");
        yield return Case<ShapeException>("MatrixPower of a vector", () => V.MatrixPower(2), "must have at least 2 dimensions");
        yield return Case<ShapeException>("MatrixPower", () => M.MatrixPower(2), "must be batches of square matrices, but they are 2 by 3 matrices");
        yield return Case<AutogradException>("MatrixPower below 0", () => S.MatrixPower(-1), "Linalg.MatrixPower");
        yield return Case<ShapeException>("VectorNorm of nothing", () => Tensor.Zeros([2, 0]).VectorNorm(double.PositiveInfinity, [1]), "cannot compute the inf norm on the dimension 1 because this dimension is empty");
        yield return Case<DTypeException>("VectorNorm of whole numbers", () => Whole.VectorNorm(), "floating point");
        yield return Case<ShapeException>("MatrixNorm of a vector", () => V.MatrixNorm(), "must have at least 2 dimensions");
        yield return Case<ShapeException>("MatrixNorm of one dim", () => M.MatrixNorm("fro", 0, -2), "dims must be different. Got (0, -2)");
        yield return Case<AutogradException>("MatrixNorm 3", () => M.MatrixNorm(3), "Order 3 not supported");
        yield return Case<AutogradException>("MatrixNorm nuc", () => M.MatrixNorm("nuc"), "Linalg.MatrixNorm");
        yield return Case<ShapeException>("Cdist of vectors", () => V.Cdist(M), "cdist only supports at least 2D tensors, X1 got: 1D");
        yield return Case<ShapeException>("Cdist", () => M.Cdist(S), "X1 and X2 must have the same number of columns. X1: 3 X2: 2");
        yield return Case<AutogradException>("Cdist below 0", () => M.Cdist(M, -1), "cdist only supports non-negative p values");
        yield return Case<DTypeException>("Cdist of whole numbers", () => Whole.Cdist(Whole), "floating point");
        yield return Case<ShapeException>("Pdist", () => B.Pdist(), "pdist only supports 2D tensors, got: 3D");
        yield return Case<ShapeException>("Vander", () => V.Vander(-1), "N must be non-negative");
        yield return Case<ShapeException>("BlockDiag", () => Tensor.BlockDiag(M, B), "Input tensors must have 2 or fewer dimensions. Input 1 has 3 dimensions");

        foreach (var (name, function) in new (string, Func<Tensor, object>)[]
        {
            ("linalg.det", x => x.Det()), ("linalg.slogdet", x => x.SlogDet()), ("linalg.inv", x => x.Inv()), ("linalg.cholesky", x => x.Cholesky()),
            ("linalg.eigh", x => x.Eigh()), ("linalg.matrix_exp", x => x.MatrixExp()), ("linalg.solve", x => x.Solve(V)),
            ("linalg.solve_triangular", x => x.SolveTriangular(M, true)), ("cholesky_inverse", x => x.CholeskyInverse()),
        })
        {
            yield return Case<ShapeException>($"{name} of a vector", () => function(V), $"{name}: The input tensor A must have at least 2 dimensions");
            yield return Case<ShapeException>($"{name} of no square", () => function(M), $"{name}: A must be batches of square matrices, but they are 2 by 3 matrices");
            yield return Case<DTypeException>($"{name} of halves", () => function(Half), "Low precision dtypes not supported. Got float16");
            yield return Case<DTypeException>($"{name} of whole numbers", () => function(Whole), "Expected a floating point tensor as input. Got int64");
        }

        foreach (var (name, function) in new (string, Func<Tensor, object>)[]
        {
            ("linalg.qr", x => x.Qr()), ("linalg.svd", x => x.Svd()), ("linalg.svdvals", x => x.SvdVals()), ("linalg.lu", x => x.Lu()), ("linalg.lu_factor", x => x.LuFactor()),
            ("linalg.pinv", x => x.Pinv()), ("linalg.matrix_rank", x => x.MatrixRank()), ("linalg.lstsq", x => x.Lstsq(V)), ("linalg.cond", x => x.Cond()),
        })
        {
            yield return Case<ShapeException>($"{name} of a vector", () => function(V), $"{name}: The input tensor A must have at least 2 dimensions");
            yield return Case<DTypeException>($"{name} of halves", () => function(Half), "Low precision dtypes not supported");
            yield return Case<DTypeException>($"{name} of whole numbers", () => function(Whole), "Expected a floating point tensor");
        }

        var singular = Tensor.FromArray(new[,] { { 1f, 2, 0 }, { 0, 0, 0 }, { 0, 0, 1 } });
        yield return Case<LinearAlgebraException>("Inv", () => singular.Inv(), "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular.");
        yield return Case<LinearAlgebraException>("Inv in a batch", () => Tensor.Stack([Eye, singular]).Inv(), "linalg.inv: (Batch element 1): The diagonal element");
        yield return Case<LinearAlgebraException>("Solve", () => singular.Solve(V), "linalg.solve: The solver failed because the input matrix is singular.");
        yield return Case<ShapeException>("Solve of other sizes", () => S.Solve(M.T), "Incompatible shapes of A and B for the equation AX = B (2x2 and 3x2)");
        yield return Case<DTypeException>("Solve of dtypes", () => S.Solve(Double), "same dtype");
        yield return Case<DeviceMismatchException>("Solve elsewhere", () => S.Solve(Elsewhere), "same device");
        yield return Case<ShapeException>("Solve of batches", () => Tensor.Zeros([2, 3, 3]).Solve(Tensor.Zeros([3, 3, 1])), "must match the size");
        yield return Case<ShapeException>("SolveTriangular of other sizes", () => S.SolveTriangular(M, false, left: false), "equation XA = B (2x2 and 2x3)");
        yield return Case<LinearAlgebraException>("Cholesky", () => (-Eye).Cholesky(), "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the leading minor of order 1 is not positive-definite).");
        yield return Case<LinearAlgebraException>("Svd of nan", () => (Eye * double.NaN).Svd(), "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values.");
        yield return Case<LinearAlgebraException>("Eigh of infinities", () => (Eye / 0.0).Eigh(), "non-finite values");
        yield return Case<ArgumentException>("Eigh of neither half", () => Eye.Eigh('X'), "Expected UPLO argument to be 'L' or 'U', but got 'X'");
        yield return Case<ShapeException>("Lstsq of other sizes", () => M.Lstsq(Eye), "should match other.size(-2)");
        yield return Case<DTypeException>("LuSolve by other pivots", () => Linalg.LuSolve(S, Whole[0], S), "pivots should be a Tensor of scalar type int32");
        yield return Case<ShapeException>("LuSolve by pivots out of range", () => Linalg.LuSolve(S, Tensor.Zeros([2], DType.Int32), S), "pivots should be between 1 and 2");
        yield return Case<LinearAlgebraException>("MatrixPower below 0 of a singular one", () => Linalg.MatrixPower(singular, -2), "linalg.matrix_power: The diagonal element");
        yield return Case<ShapeException>("MatrixNorm 2 of one dim", () => Linalg.MatrixNorm(M, 2, 1, 1), "dims must be different. Got (1, 1)");
        yield return Case<ShapeException>("Cond 1", () => M.Cond(1), "must be batches of square matrices");
        yield return Case<GradientException>(
            "Qr without Q", () => { M.Detach().RequiresGrad_().Qr(QrMode.R).R.Sum().Backward(); return M; }, "The derivative of linalg.qr depends on Q, which is not computed when mode='r'");
        yield return Case<GradientException>(
            "Qr complete", () => { M.T.Detach().RequiresGrad_().Qr(QrMode.Complete).R.Sum().Backward(); return M; },
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols");
    }

    [TestCaseSource(nameof(Cases))]
    public void IsRefused(Type exception, Func<object> call, string says) => Assert.That(Assert.Throws(exception, () => call())!.Message, Does.Contain(says));
}
