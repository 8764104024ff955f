namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// The norm of vectors along dimensions (of all elements, if none is named), as <see cref="Norm"/>; derivatives are 0 where the norm is 0.
    /// </summary>
    /// <param name="ord">The order p; infinities give the largest and the smallest magnitude, 0 the number of elements that are not zero.</param>
    /// <param name="dims">The dimensions to reduce.</param>
    /// <param name="keepDim">Whether reduced dimensions stay with size 1.</param>
    /// <param name="dtype">The floating-point type to compute in, and of the result; by default this tensor's.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A dimension does not exist or is named twice, or there is nothing of which the order has a norm.</exception>
    public Tensor VectorNorm(double ord = 2, ReadOnlySpan<int> dims = default, bool keepDim = false, DType? dtype = null)
    {
        CheckFloating("VectorNorm");
        var x = To(dtype ?? DType);
        x.CheckFloating("VectorNorm");
        if (ord < 0 || double.IsPositiveInfinity(ord))
        {
            int[] reduced = dims.Length == 0 ? [.. Enumerable.Range(0, Rank)] : dims.ToArray();
            foreach (int dim in reduced)
            {
                if (Rank > 0 && Shape[Shape.WrapDim(dim, "VectorNorm")] == 0)
                {
                    throw new ShapeException(
                        $"VectorNorm: linalg.vector_norm cannot compute the {(double.IsInfinity(ord) ? ord < 0 ? "-inf" : "inf" : ord)} norm on the dimension {dim} because this dimension is "
                        + $"empty and the operation does not have an identity (shape {Shape}).");
                }
            }
        }

        return x.Norm(ord, dims, keepDim);
    }

    /// <summary>
    /// A norm of matrices: <c>"fro"</c>, the root of the sum of squares. The nuclear norm <c>"nuc"</c> needs singular values: use <c>Linalg.MatrixNorm</c> of
    /// Autograd.Gpu.LinearAlgebra.
    /// </summary>
    /// <param name="ord">The norm's name.</param>
    /// <param name="dim0">The dimension of the rows.</param>
    /// <param name="dim1">The dimension of the columns.</param>
    /// <param name="keepDim">Whether the two dimensions stay with size 1.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions, or the two are the same.</exception>
    /// <exception cref="AutogradException">There is no such norm, or not here.</exception>
    public Tensor MatrixNorm(string ord = "fro", int dim0 = -2, int dim1 = -1, bool keepDim = false)
    {
        CheckMatrixDims(ref dim0, ref dim1);
        return ord == "fro" ? Norm(2, [dim0, dim1], keepDim)
            : ord == "nuc" ? throw SingularValuesNeeded("\"nuc\"")
            : throw new AutogradException($"MatrixNorm: linalg.matrix_norm: Order {ord} not supported. There are \"fro\", \"nuc\", 1, -1, 2, -2 and the infinities.");
    }

    /// <summary>
    /// A norm of matrices: the largest (1) or smallest (-1) sum of magnitudes of a column, or of a row (infinity, -infinity). The spectral norms 2 and -2 need singular
    /// values: use <c>Linalg.MatrixNorm</c> of Autograd.Gpu.LinearAlgebra.
    /// </summary>
    /// <param name="ord">1, -1, infinity or -infinity.</param>
    /// <param name="dim0">The dimension of the rows.</param>
    /// <param name="dim1">The dimension of the columns.</param>
    /// <param name="keepDim">Whether the two dimensions stay with size 1.</param>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions, the two are the same, or there is no column or row to choose.</exception>
    /// <exception cref="AutogradException">There is no such norm, or not here.</exception>
    public Tensor MatrixNorm(double ord, int dim0 = -2, int dim1 = -1, bool keepDim = false)
    {
        CheckMatrixDims(ref dim0, ref dim1);
        if (Math.Abs(ord) == 2)
        {
            throw SingularValuesNeeded(ord.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        if (Math.Abs(ord) != 1 && !double.IsInfinity(ord))
        {
            throw new AutogradException($"MatrixNorm: linalg.matrix_norm: Order {ord} not supported. There are \"fro\", \"nuc\", 1, -1, 2, -2 and the infinities.");
        }

        var (summed, chosen) = double.IsInfinity(ord) ? (dim1, dim0) : (dim0, dim1);
        if (Shape[chosen] == 0)
        {
            throw new ShapeException($"MatrixNorm: linalg.matrix_norm: Expected reduction dim {chosen} to have non-zero size, for order {ord} of shape {Shape}.");
        }

        var sums = Abs().Sum([summed], keepDim: true);
        var norm = ord > 0 ? sums.Amax([chosen], keepDim: true) : sums.Amin([chosen], keepDim: true);
        return keepDim ? norm : norm.Squeeze(Math.Max(dim0, dim1)).Squeeze(Math.Min(dim0, dim1));
    }

    /// <summary>
    /// The distances of each row of this tensor [.., p, m] and each of the other [.., r, m]: [.., p, r]. Leading dimensions broadcast. The derivative is 0 where two rows are
    /// the same.
    /// </summary>
    /// <param name="other">The other rows.</param>
    /// <param name="p">The order of the norm of the differences, as in <see cref="Norm"/>.</param>
    /// <remarks>The differences are taken and reduced in one kernel and are never stored, so that close rows lose no digits.</remarks>
    /// <exception cref="ShapeException">A tensor has less than 2 dimensions, or the last sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are not floating-point.</exception>
    /// <exception cref="AutogradException">The order is negative.</exception>
    public Tensor Cdist(Tensor other, double p = 2)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (Rank < 2 || other.Rank < 2)
        {
            throw new ShapeException(
                $"Cdist: cdist only supports at least 2D tensors, {(Rank < 2 ? $"X1 got: {Rank}D" : $"X2 got: {other.Rank}D")} (shapes {Shape} and {other.Shape}).");
        }

        if (Shape[-1] != other.Shape[-1])
        {
            throw new ShapeException($"Cdist: X1 and X2 must have the same number of columns. X1: {Shape[-1]} X2: {other.Shape[-1]} (shapes {Shape} and {other.Shape}).");
        }

        CheckSame("Cdist", this, other);
        return Distances("Cdist", "cdist", Unsqueeze(-2), other.Unsqueeze(-3), p);
    }

    /// <summary>The distances of all pairs of rows of a matrix [n, m], i before j, in the order of i, then j: n (n - 1) / 2 of them.</summary>
    /// <param name="p">The order of the norm of the differences.</param>
    /// <exception cref="ShapeException">The tensor is no matrix.</exception>
    /// <exception cref="DTypeException">The dtype is not floating-point.</exception>
    /// <exception cref="AutogradException">The order is negative.</exception>
    public Tensor Pdist(double p = 2)
    {
        if (Rank != 2)
        {
            throw new ShapeException($"Pdist: pdist only supports 2D tensors, got: {Rank}D (shape {Shape}).");
        }

        int n = (int)Shape[0];
        var (first, second) = (new List<long>(), new List<long>());
        for (int i = 0; i < n; i++)
        {
            for (int j = i + 1; j < n; j++)
            {
                first.Add(i);
                second.Add(j);
            }
        }

        return Distances("Pdist", "pdist", IndexSelect(0, FromArray(first.ToArray(), Device)), IndexSelect(0, FromArray(second.ToArray(), Device)), p);
    }

    private static Tensor Distances(string operation, string phrase, Tensor a, Tensor b, double p)
    {
        a.CheckFloating(operation);
        if (!(p >= 0))
        {
            throw new AutogradException($"{operation}: {phrase} only supports non-negative p values, but p is {p}.");
        }

        var difference = a - b;
        return difference.Shape[-1] == 0 ? difference.Sum(-1) : difference.Norm(p, [-1]);
    }

    private void CheckMatrixDims(ref int dim0, ref int dim1)
    {
        if (Rank < 2)
        {
            throw new ShapeException($"MatrixNorm: linalg.matrix_norm: The input tensor A must have at least 2 dimensions (shape {Shape}).");
        }

        (int given0, int given1) = (dim0, dim1);
        dim0 = Shape.WrapDim(dim0, "MatrixNorm");
        dim1 = Shape.WrapDim(dim1, "MatrixNorm");
        if (dim0 == dim1)
        {
            throw new ShapeException($"MatrixNorm: linalg.matrix_norm: dims must be different. Got ({given0}, {given1}) for shape {Shape}.");
        }

        CheckFloating("MatrixNorm");
    }

    private static AutogradException SingularValuesNeeded(string ord) => new(
        $"MatrixNorm: linalg.matrix_norm: the order {ord} needs singular values. Use Linalg.MatrixNorm(a, {ord}) of Autograd.Gpu.LinearAlgebra.");
}
