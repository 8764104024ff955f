namespace Autograd.Gpu.LinearAlgebra;

public static partial class Linalg
{
    /// <summary>
    /// A = Q R of matrices [.., m, n], Q having orthonormal columns and R being upper triangular; the diagonal of R may have either sign.
    /// </summary>
    /// <remarks>The derivative is defined where the first min(m, n) columns of A are linearly independent.</remarks>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="GradientException">In the backward pass: the mode has no derivative.</exception>
    public static (Tensor Q, Tensor R) Qr(this Tensor a, QrMode mode = QrMode.Reduced)
    {
        Checks.Matrix("linalg.qr", a);
        Operations.Defined.Check("linalg.qr", mode);
        long m = a.Shape[-2], n = a.Shape[-1];
        if (mode == QrMode.R)
        {
            return (Tensor.Zeros([0], a.DType, a.Device), new OrthogonalTriangular(mode).Apply(a)[0]);
        }

        if (m < n)
        {
            // The square part on the left has Q; what Q^T makes of the rest is the rest of R.
            var square = new OrthogonalTriangular(QrMode.Reduced).Apply(a.Narrow(-1, 0, m));
            return (square[0], Tensor.Cat([square[1], square[0].MT.MatMul(a.Narrow(-1, m, n - m))], -1));
        }

        var factors = new OrthogonalTriangular(m == n ? QrMode.Reduced : mode).Apply(a);
        return (factors[0], factors[1]);
    }

    /// <summary>
    /// A = U diag(S) Vh of matrices [.., m, n] with k = min(m, n) singular values, the largest first. Full matrices (the default, as in PyTorch): U [.., m, m] and
    /// Vh [.., n, n]; otherwise [.., m, k] and [.., k, n].
    /// </summary>
    /// <remarks>
    /// Gradients of U and Vh are infinite or nan where singular values are equal, and, for matrices that are not square, where one is 0; those of S alone are always finite.
    /// A function should not depend on the signs of the vectors. The further vectors of full matrices may be any basis of their space: derivatives are right for functions of
    /// that space.
    /// </remarks>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix has nan or infinities.</exception>
    public static (Tensor U, Tensor S, Tensor Vh) Svd(this Tensor a, bool fullMatrices = true)
    {
        Checks.Matrix("linalg.svd", a);
        var outputs = new SingularValues(fullMatrices && a.Shape[-1] != a.Shape[-2]).Apply(a);
        return (outputs[0], outputs[1], outputs[2]);
    }

    /// <summary>The singular values of matrices [.., m, n], the largest first: [.., min(m, n)]. The gradient is finite where some are equal.</summary>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix has nan or infinities.</exception>
    public static Tensor SvdVals(this Tensor a)
    {
        Checks.Matrix("linalg.svdvals", a);
        return new SingularValues(full: false).Apply(a)[1];
    }

    /// <summary>
    /// Eigenvalues, ascending, and eigenvectors, the columns of V, of symmetric matrices: A = V diag(L) V^T. One half of A is read.
    /// </summary>
    /// <param name="a">The matrices [.., n, n].</param>
    /// <param name="uplo">'L' to read the lower half, 'U' the upper.</param>
    /// <remarks>The gradient of V is infinite or nan where eigenvalues are equal; that of L is always finite. A function should not depend on the signs of the vectors.</remarks>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="ArgumentException">The half is neither 'L' nor 'U'.</exception>
    /// <exception cref="LinearAlgebraException">A matrix has nan or infinities.</exception>
    public static (Tensor Values, Tensor Vectors) Eigh(this Tensor a, char uplo = 'L')
    {
        Checks.Square("linalg.eigh", a);
        if (char.ToUpperInvariant(uplo) is not ('L' or 'U'))
        {
            throw new ArgumentException($"linalg.eigh: Expected UPLO argument to be 'L' or 'U', but got '{uplo}'.", nameof(uplo));
        }

        var outputs = new SymmetricEigen(char.ToUpperInvariant(uplo) == 'U').Apply(a);
        return (outputs[0], outputs[1]);
    }

    /// <summary>The eigenvalues of symmetric matrices, ascending; see <see cref="Eigh"/>.</summary>
    /// <inheritdoc cref="Eigh"/>
    public static Tensor EighVals(this Tensor a, char uplo = 'L') => Eigh(a, uplo).Values;

    /// <summary>The Moore-Penrose inverse of matrices [.., m, n], by singular values: [.., n, m].</summary>
    /// <param name="a">The matrices.</param>
    /// <param name="atol">Singular values up to this count as 0.</param>
    /// <param name="rtol">So do those up to this, relative to the largest; by default max(m, n) times the dtype's epsilon, or 0 if <paramref name="atol"/> is given.</param>
    /// <param name="hermitian">Whether the matrices are symmetric: only the lower half is read, the magnitudes of eigenvalues are compared, and the gradient is symmetric.</param>
    /// <remarks>The derivative holds where the rank does not change near A.</remarks>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions, or no square matrices that are to be symmetric.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix has nan or infinities.</exception>
    public static Tensor Pinv(this Tensor a, double? atol = null, double? rtol = null, bool hermitian = false)
    {
        if (hermitian)
        {
            Checks.Square("linalg.pinv", a);
            a = new MirroredLower().Apply(a);
        }
        else
        {
            Checks.Matrix("linalg.pinv", a);
        }

        return new Pseudoinverse(atol ?? 0, RelativeTolerance(a, atol, rtol), hermitian).Apply(a);
    }

    /// <summary>The number of singular values above max(atol, rtol times the largest): int64 of shape [..].</summary>
    /// <param name="a">The matrices [.., m, n].</param>
    /// <param name="atol">Singular values up to this count as 0.</param>
    /// <param name="rtol">So do those up to this, relative to the largest; by default max(m, n) times the dtype's epsilon, or 0 if <paramref name="atol"/> is given.</param>
    /// <param name="hermitian">Whether the matrices are symmetric: only the lower half is read, and the magnitudes of eigenvalues take the place of singular values.</param>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions, or no square matrices that are to be symmetric.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix has nan or infinities.</exception>
    public static Tensor MatrixRank(this Tensor a, double? atol = null, double? rtol = null, bool hermitian = false)
    {
        if (hermitian)
        {
            Checks.Square("linalg.matrix_rank", a);
            var magnitudes = EighVals(a.Detach()).Abs().Sort(-1, descending: true).Values;
            return RankOf(magnitudes, atol ?? 0, RelativeTolerance(a, atol, rtol));
        }

        Checks.Matrix("linalg.matrix_rank", a);
        return RankOf(SvdVals(a.Detach()), atol ?? 0, RelativeTolerance(a, atol, rtol));
    }

    /// <summary>
    /// X that makes |A X - B| smallest, for matrices A [.., m, n] and B [.., m, k] (or vectors [.., m] for A [.., m, n]).
    /// </summary>
    /// <param name="a">The matrices.</param>
    /// <param name="b">The right sides; leading dimensions broadcast.</param>
    /// <param name="rcond">Singular values up to this, relative to the largest, count as 0; by default max(m, n) times the dtype's epsilon.</param>
    /// <param name="driver">How it is computed.</param>
    /// <returns>
    /// The solution [.., n, k]; the sums of squares of A X - B [.., k], if m > n and all matrices have full rank, else empty; the rank and the singular values of A, the
    /// latter empty for <see cref="LstsqDriver.Gels"/>, which takes the rank for full.
    /// </returns>
    /// <exception cref="ShapeException">A has less than 2 dimensions, or B does not fit it.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">A matrix has nan or infinities.</exception>
    public static (Tensor Solution, Tensor Residuals, Tensor Rank, Tensor SingularValues) Lstsq(
        this Tensor a, Tensor b, double? rcond = null, LstsqDriver driver = LstsqDriver.Gelsd)
    {
        const string operation = "linalg.lstsq";
        Checks.Matrix(operation, a);
        Checks.Same(operation, a, b);
        Operations.Defined.Check(operation, driver);
        long m = a.Shape[-2], n = a.Shape[-1];
        bool isVector = b.Rank == 1 || (b.Rank == a.Rank - 1 && b.Shape.AsSpan().SequenceEqual(a.Shape.AsSpan()[..^1]));
        var right = isVector ? b.Unsqueeze(-1) : b;
        if (right.Rank < 2 || right.Shape[-2] != m)
        {
            throw new ShapeException($"{operation}: input.size(-2) should match other.size({(isVector ? -1 : -2)}), but the shapes are {a.Shape} and {b.Shape}.");
        }

        Shape.Broadcast([.. a.Shape.AsSpan()[..^2]], [.. right.Shape.AsSpan()[..^2]], operation);
        Tensor solution, rank, values;
        bool hasFullRank = true;
        if (driver == LstsqDriver.Gels)
        {
            var (q, r) = Qr(m >= n ? a : a.MT);
            solution = m >= n
                ? SolveTriangular(r, q.MT.MatMul(right), upper: true)
                : q.MatMul(SolveTriangular(r.MT, right, upper: false));
            values = Tensor.Zeros([0], a.DType, a.Device);
            rank = Tensor.Full([.. a.Shape.AsSpan()[..^2]], Math.Min(m, n), DType.Int64, a.Device);
        }
        else
        {
            double rtol = rcond ?? RelativeTolerance(a, null, null);
            solution = new Pseudoinverse(0, rtol).Apply(a).MatMul(right);
            values = SvdVals(a.Detach());
            rank = RankOf(values, 0, rtol);
            hasFullRank = m <= n || rank.Wrapper is not null || rank.NumElements == 0 || rank.Amin().Item<long>() == n;
        }

        bool hasResiduals = m > n && hasFullRank;
        var residuals = hasResiduals ? (a.MatMul(solution) - right).Square().Sum(-2) : Tensor.Zeros([0], a.DType, a.Device);
        return isVector
            ? (solution.Squeeze(-1), hasResiduals ? residuals.Squeeze(-1) : residuals, rank, values)
            : (solution, residuals, rank, values);
    }

    private static Tensor RankOf(Tensor values, double atol, double rtol)
    {
        if (values.Shape[-1] == 0)
        {
            return values.CountNonZero([-1]);
        }

        return (values > (values.Narrow(-1, 0, 1) * rtol).Clamp(atol, double.PositiveInfinity)).Sum([-1], dtype: DType.Int64);
    }

    private static double RelativeTolerance(Tensor a, double? atol, double? rtol) =>
        rtol ?? (atol is > 0 ? 0 : Math.Max(a.Shape[-2], a.Shape[-1]) * (a.DType == DType.Float32 ? 1.1920929e-7 : double.BitIncrement(1) - 1));
}
