using System.Globalization;

namespace Autograd.Gpu.LinearAlgebra;

public static partial class Linalg
{
    /// <summary>Square matrices times themselves: <paramref name="n"/> factors, the identity for 0, for negative n as many of the inverse.</summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The power is negative and the dtype neither float32 nor float64.</exception>
    /// <exception cref="LinearAlgebraException">The power is negative and a matrix is singular.</exception>
    public static Tensor MatrixPower(Tensor a, long n)
    {
        ArgumentNullException.ThrowIfNull(a);
        if (n >= 0)
        {
            return a.MatrixPower(n);
        }

        Checks.Square("linalg.matrix_power", a);
        return new Inverse("linalg.matrix_power").Apply(a).MatrixPower(checked(-n));
    }

    /// <summary>The exponential of square matrices, sum_k A^k / k!, by scaling and squaring.</summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    public static Tensor MatrixExp(this Tensor a)
    {
        Checks.Square("linalg.matrix_exp", a);
        return new Exponential().Apply(a);
    }

    /// <summary>A norm of matrices: <c>"fro"</c>, or <c>"nuc"</c>, the sum of the singular values.</summary>
    /// <param name="a">The matrices.</param>
    /// <param name="ord">The norm's name.</param>
    /// <param name="dim0">The dimension of the rows.</param>
    /// <param name="dim1">The dimension of the columns.</param>
    /// <param name="keepDim">Whether the two dimensions stay with size 1.</param>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions, or the two are the same.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point, or a half type where singular values are needed.</exception>
    /// <exception cref="AutogradException">There is no such norm.</exception>
    public static Tensor MatrixNorm(Tensor a, string ord = "fro", int dim0 = -2, int dim1 = -1, bool keepDim = false)
    {
        ArgumentNullException.ThrowIfNull(a);
        return ord == "nuc"
            ? OfSingularValues(a, dim0, dim1, keepDim, static s => s.Sum(-1))
            : a.MatrixNorm(ord, dim0, dim1, keepDim);
    }

    /// <summary>
    /// A norm of matrices: the largest (2) or smallest (-2) singular value, the largest (1) or smallest (-1) sum of magnitudes of a column, or of a row (infinity, -infinity).
    /// </summary>
    /// <inheritdoc cref="MatrixNorm(Tensor, string, int, int, bool)"/>
    public static Tensor MatrixNorm(Tensor a, double ord, int dim0 = -2, int dim1 = -1, bool keepDim = false)
    {
        ArgumentNullException.ThrowIfNull(a);
        return ord == 2 ? OfSingularValues(a, dim0, dim1, keepDim, static s => s.Amax([-1]))
            : ord == -2 ? OfSingularValues(a, dim0, dim1, keepDim, static s => s.Amin([-1]))
            : a.MatrixNorm(ord, dim0, dim1, keepDim);
    }

    /// <summary>The condition number: the largest singular value by the smallest (or, for -2, the reverse).</summary>
    /// <param name="a">The matrices [.., m, n].</param>
    /// <param name="p">2 or -2, or for square matrices 1, -1, infinity or -infinity: |A| |A^-1| in that norm.</param>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions, or, for other norms than 2 and -2, the matrices are not square.</exception>
    /// <exception cref="DTypeException">The dtype is neither float32 nor float64.</exception>
    /// <exception cref="AutogradException">There is no such norm.</exception>
    public static Tensor Cond(this Tensor a, double p = 2)
    {
        Checks.Matrix("linalg.cond", a);
        if (Math.Abs(p) == 2)
        {
            var s = SvdVals(a);
            if (s.Shape[-1] == 0)
            {
                return Tensor.Zeros([.. a.Shape.AsSpan()[..^2]], a.DType, a.Device);
            }

            Tensor largest = s.Select(-1, 0), smallest = s.Select(-1, -1);
            return p > 0 ? largest / smallest : smallest / largest;
        }

        Checks.Square("linalg.cond", a);
        return ConditionOf(a, x => x.MatrixNorm(p));
    }

    /// <summary>The condition number |A| |A^-1| of square matrices in the norm <c>"fro"</c> or <c>"nuc"</c>.</summary>
    /// <inheritdoc cref="Cond(Tensor, double)"/>
    public static Tensor Cond(this Tensor a, string p)
    {
        Checks.Square("linalg.cond", a);
        return ConditionOf(a, x => MatrixNorm(x, p));
    }

    /// <summary>|A| |A^-1|, infinite for a singular matrix.</summary>
    private static Tensor ConditionOf(Tensor a, Func<Tensor, Tensor> norm)
    {
        var (sign, _) = SlogDet(a.Detach());
        var isSingular = sign == 0;

        // A singular matrix is replaced by the identity, whose inverse there is, and its condition by infinity.
        var regular = Tensor.Where(Matrices.Scales(isSingular), Matrices.Eye(a, a.Shape[-1]), a);
        return Tensor.Where(isSingular, double.PositiveInfinity, norm(regular) * norm(Inv(regular)));
    }

    private static Tensor OfSingularValues(Tensor a, int dim0, int dim1, bool keepDim, Func<Tensor, Tensor> norm)
    {
        Checks.Matrix("linalg.matrix_norm", a);
        int rows = Shape.WrapDim(dim0, a.Rank, "linalg.matrix_norm"), columns = Shape.WrapDim(dim1, a.Rank, "linalg.matrix_norm");
        if (rows == columns)
        {
            throw new ShapeException(string.Create(CultureInfo.InvariantCulture, $"linalg.matrix_norm: dims must be different. Got ({dim0}, {dim1}) for shape {a.Shape}."));
        }

        var result = norm(SvdVals(a.MoveDim([rows, columns], [-2, -1])));
        return keepDim ? result.Unsqueeze(Math.Min(rows, columns)).Unsqueeze(Math.Max(rows, columns)) : result;
    }
}
