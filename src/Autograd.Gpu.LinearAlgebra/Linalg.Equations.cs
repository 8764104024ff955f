namespace Autograd.Gpu.LinearAlgebra;

/// <summary>
/// Decompositions of matrices and what is made of them, as in <c>torch.linalg</c>: for float32 and float64, over any leading dimensions, with derivatives of every order,
/// forward mode and <c>Vmap</c>.
/// </summary>
/// <remarks>
/// <para>
/// Everything is computed on the host in double precision and rounded to the dtype of the input: a tensor on another device is copied to the host, which waits for that
/// device, and the result back. What is derived from the factors (gradients, tangents) runs on the input's device.
/// </para>
/// <para>
/// The same input gives the same factors, signs included, at every run and inside a batch. Signs that a factorisation leaves open (the diagonal of R in QR, pairs of singular
/// vectors, eigenvectors) are as the algorithm finds them and not normalised, as in LAPACK; functions to be differentiated should not depend on them.
/// </para>
/// <para>A program that chooses a native provider of Math.NET Numerics (<c>Control.UseNativeMKL()</c>) gets QR, singular values and eigenvalues from it.</para>
/// </remarks>
public static partial class Linalg
{
    /// <summary>The determinants of square matrices [.., n, n]: [..]. Its first and second derivatives are right for singular matrices too.</summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    public static Tensor Det(this Tensor a)
    {
        Checks.Square("linalg.det", a);
        return new Determinant().Apply(a);
    }

    /// <summary>
    /// The sign and the logarithm of the magnitude of the determinants, which may be beyond the range of numbers. A singular matrix has 0 and minus infinity, and no derivative.
    /// </summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">In the backward pass: a matrix is singular.</exception>
    public static (Tensor Sign, Tensor LogAbsDet) SlogDet(this Tensor a)
    {
        Checks.Square("linalg.slogdet", a);
        var outputs = new SignAndLogDeterminant().Apply(a);
        return (outputs[0], outputs[1]);
    }

    /// <summary>log(det(A)): nan where the determinant is negative, minus infinity where it is 0.</summary>
    /// <inheritdoc cref="SlogDet"/>
    public static Tensor LogDet(this Tensor a)
    {
        Checks.Square("logdet", a);
        var (sign, logarithm) = SlogDet(a);
        return Tensor.Where(sign < 0, double.NaN, logarithm);
    }

    /// <summary>The inverses of square matrices, by LU with partial pivoting. To solve equations, <see cref="Solve"/> is faster and more exact.</summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix is singular.</exception>
    public static Tensor Inv(this Tensor a)
    {
        Checks.Square("linalg.inv", a);
        return new Inverse("linalg.inv").Apply(a);
    }

    /// <summary>
    /// X with A X = B, or X A = B with <paramref name="left"/> false. B is a stack of matrices [.., n, k], whose leading dimensions broadcast with those of A, or of vectors:
    /// one [n], or [.., n] where A is [.., n, n].
    /// </summary>
    /// <exception cref="ShapeException">A is no stack of square matrices, or B does not fit it.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix is singular.</exception>
    public static Tensor Solve(this Tensor a, Tensor b, bool left = true)
    {
        const string operation = "linalg.solve";
        Checks.Square(operation, a);
        Checks.Same(operation, a, b);
        bool isVector = b.Rank == 1 || (b.Rank == a.Rank - 1 && b.Shape.AsSpan().SequenceEqual(a.Shape.AsSpan()[..^1]));
        var right = isVector ? b.Unsqueeze(-1) : b;
        if (isVector && !left)
        {
            throw new ShapeException($"{operation}: Vector broadcasting of the left hand side is not supported for left=False. In this case {operation} is equivalent to B / A.squeeze(-1).");
        }

        CheckFits(operation, a, right, left);
        if (!left)
        {
            return new Solution().Apply(a.MT, right.MT).MT;
        }

        var x = new Solution().Apply(a, right);
        return isVector ? x.Squeeze(-1) : x;
    }

    /// <summary>X with A X = B, or X A = B with <paramref name="left"/> false, for triangular matrices A, of which the other half is not read.</summary>
    /// <param name="a">The matrices [.., n, n].</param>
    /// <param name="b">The right sides [.., n, k]; leading dimensions broadcast.</param>
    /// <param name="upper">Whether the upper or the lower half of A is read.</param>
    /// <param name="left">Whether A stands on the left of X.</param>
    /// <param name="unitriangular">Whether the diagonal is taken for ones, and not read.</param>
    /// <remarks>A zero on the diagonal gives infinities and nan, no error, as in PyTorch.</remarks>
    /// <exception cref="ShapeException">A is no stack of square matrices, or B does not fit it.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are neither float32 nor float64.</exception>
    public static Tensor SolveTriangular(this Tensor a, Tensor b, bool upper, bool left = true, bool unitriangular = false)
    {
        const string operation = "linalg.solve_triangular";
        Checks.Square(operation, a);
        Checks.Same(operation, a, b);
        Checks.Matrix(operation, b, "B");
        CheckFits(operation, a, b, left);
        return left
            ? new TriangularSolution(upper, unitriangular).Apply(a, b)
            : new TriangularSolution(!upper, unitriangular).Apply(a.MT, b.MT).MT;
    }

    /// <summary>
    /// The factor L with A = L L^T of symmetric positive-definite matrices; only the lower half is read. With <paramref name="upper"/> the upper half is, and the factor U
    /// with A = U^T U returned. The gradient is symmetric.
    /// </summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix is not positive-definite.</exception>
    public static Tensor Cholesky(this Tensor a, bool upper = false)
    {
        Checks.Square("linalg.cholesky", a);
        return upper ? new CholeskyFactor().Apply(a.MT).MT : new CholeskyFactor().Apply(a);
    }

    /// <summary>X with A X = B, where <paramref name="factor"/> is what <see cref="Cholesky"/> made of A.</summary>
    /// <exception cref="ShapeException">The factor is no stack of square matrices, or B does not fit it.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are neither float32 nor float64.</exception>
    public static Tensor CholeskySolve(this Tensor b, Tensor factor, bool upper = false)
    {
        const string operation = "cholesky_solve";
        Checks.Square(operation, factor);
        Checks.Same(operation, factor, b);
        Checks.Matrix(operation, b, "B");
        CheckFits(operation, factor, b, left: true);
        var lower = upper ? factor.MT : factor;
        var half = new TriangularSolution(upper: false, unit: false).Apply(lower, b);
        return new TriangularSolution(upper: true, unit: false).Apply(lower.MT, half);
    }

    /// <summary>A^-1, where <paramref name="factor"/> is what <see cref="Cholesky"/> made of A.</summary>
    /// <exception cref="ShapeException">The factor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    public static Tensor CholeskyInverse(this Tensor factor, bool upper = false)
    {
        Checks.Square("cholesky_inverse", factor);
        return CholeskySolve(Matrices.Eye(factor, factor.Shape[-1]), factor, upper);
    }

    /// <summary>A = P L U of matrices [.., m, n] by partial pivoting: P [.., m, m], L [.., m, k] with ones on its diagonal and U [.., k, n].</summary>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    public static (Tensor P, Tensor L, Tensor U) Lu(this Tensor a)
    {
        Checks.Matrix("linalg.lu", a);
        var outputs = new LuFactors().Apply(a);
        return (outputs[0], outputs[1], outputs[2]);
    }

    /// <summary>The factors of <see cref="Lu"/> in one matrix, U on and above the diagonal, L below it, and the pivots: int32, from 1 on, row i having changed places with row pivot[i].</summary>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    public static (Tensor Lu, Tensor Pivots) LuFactor(this Tensor a)
    {
        Checks.Matrix("linalg.lu_factor", a);
        var outputs = new LuFactors().Apply(a);
        Tensor l = outputs[1].Tril(-1), u = outputs[2];
        long m = a.Shape[-2], n = a.Shape[-1], k = Math.Min(m, n);
        if (n > k)
        {
            l = Tensor.Cat([l, Tensor.Zeros([.. l.Shape.AsSpan()[..^1], n - k], l.DType, l.Device)], -1);
        }
        else if (m > k)
        {
            u = Tensor.Cat([u, Tensor.Zeros([.. u.Shape.AsSpan()[..^2], m - k, n], u.DType, u.Device)], -2);
        }

        return (l + u, outputs[3]);
    }

    /// <summary>X with A X = B, where the other arguments are what <see cref="LuFactor"/> made of A.</summary>
    /// <exception cref="ShapeException">The factors are no stack of square matrices, or pivots or B do not fit them.</exception>
    /// <exception cref="DTypeException">The dtypes differ, are neither float32 nor float64, or the pivots are not int32.</exception>
    public static Tensor LuSolve(Tensor lu, Tensor pivots, Tensor b)
    {
        const string operation = "linalg.lu_solve";
        Checks.Square(operation, lu, "LU");
        ArgumentNullException.ThrowIfNull(pivots);
        Checks.Same(operation, lu, b);
        Checks.Matrix(operation, b, "B");
        CheckFits(operation, lu, b, left: true);
        if (pivots.DType != DType.Int32)
        {
            throw new DTypeException($"{operation}: pivots should be a Tensor of scalar type int32, but it is {pivots.DType.Name()}. Take those of LuFactor.");
        }

        if (!pivots.Shape.AsSpan().SequenceEqual(lu.Shape.AsSpan()[..^1]))
        {
            throw new ShapeException($"{operation}: Number of pivots per batch should be same as the dimension of the matrix, but the shapes are {pivots.Shape} and {lu.Shape}.");
        }

        var moved = new PivotOrder().Apply(pivots).OneHot(lu.Shape[-1]).To(lu.DType).MatMul(b);
        var half = new TriangularSolution(upper: false, unit: true).Apply(lu, moved);
        return new TriangularSolution(upper: true, unit: false).Apply(lu, half);
    }

    private static void CheckFits(string operation, Tensor a, Tensor b, bool left)
    {
        if (b.Rank < 2 || b.Shape[left ? -2 : -1] != a.Shape[-1])
        {
            throw new ShapeException(
                $"{operation}: Incompatible shapes of A and B for the equation {(left ? "AX = B" : "XA = B")} ({a.Shape[-2]}x{a.Shape[-1]} and "
                + $"{(b.Rank < 2 ? $"{b.NumElements}" : $"{b.Shape[-2]}x{b.Shape[-1]}")}), of shapes {a.Shape} and {b.Shape}.");
        }

        Shape.Broadcast([.. a.Shape.AsSpan()[..^2]], [.. b.Shape.AsSpan()[..^2]], operation);
    }
}
