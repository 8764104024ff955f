namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// The product of two or more matrices in the order of multiplications that needs the fewest. The first and the last may be vectors, which count as a row and a column
    /// and whose dimension the result does not have.
    /// </summary>
    /// <remarks>The order is found by dynamic programming over the sizes (Cormen et al., "Introduction to Algorithms", matrix-chain multiplication).</remarks>
    /// <exception cref="ShapeException">There are fewer than two, one is no matrix, or neighbours do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public static Tensor MultiDot(params IReadOnlyList<Tensor> tensors) => Chain("MultiDot", "multi_dot()", tensors);

    /// <summary>As <see cref="MultiDot"/>, by its older name, for matrices alone; one matrix is returned as it is.</summary>
    /// <exception cref="ShapeException">There is none, one is no matrix, or neighbours do not fit.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public static Tensor ChainMatmul(params IReadOnlyList<Tensor> matrices)
    {
        NotNull(matrices);
        foreach (var matrix in matrices)
        {
            CheckRank("ChainMatmul", "each argument must be a matrix", matrix, 2);
        }

        return matrices.Count switch
        {
            0 => throw new ShapeException("ChainMatmul: chain_matmul(): Expected one or more matrices."),
            1 => matrices[0],
            _ => Chain("ChainMatmul", "chain_matmul()", matrices),
        };
    }

    /// <summary>
    /// A square matrix, or each of a stack, times itself: <paramref name="n"/> factors by repeated squaring; the identity for 0. For negative powers use
    /// <c>Linalg.MatrixPower</c> of Autograd.Gpu.LinearAlgebra, which has the inverse.
    /// </summary>
    /// <exception cref="ShapeException">The tensor is no stack of square matrices.</exception>
    /// <exception cref="AutogradException">The power is negative.</exception>
    public Tensor MatrixPower(long n)
    {
        if (Rank < 2)
        {
            throw new ShapeException($"MatrixPower: linalg.matrix_power: The input tensor A must have at least 2 dimensions (shape {Shape}).");
        }

        if (Shape[-1] != Shape[-2])
        {
            throw new ShapeException(
                $"MatrixPower: linalg.matrix_power: A must be batches of square matrices, but they are {Shape[-2]} by {Shape[-1]} matrices (shape {Shape}).");
        }

        if (n < 0)
        {
            throw new AutogradException(
                $"MatrixPower: the power {n} is negative, which needs the inverse. Use Linalg.MatrixPower(a, {n}) of Autograd.Gpu.LinearAlgebra.");
        }

        if (n == 0)
        {
            return Eye(Shape[-1], null, DType, Device).Expand(Shape).Clone();
        }

        Tensor? result = null;
        var square = this;
        while (true)
        {
            if ((n & 1) != 0)
            {
                result = result is null ? square : result.MatMul(square);
            }

            if ((n >>= 1) == 0)
            {
                return ReferenceEquals(result, this) ? Clone() : result!;
            }

            square = square.MatMul(square);
        }
    }

    private static Tensor Chain(string operation, string phrase, IReadOnlyList<Tensor> tensors)
    {
        NotNull(tensors);
        int count = tensors.Count;
        if (count < 2)
        {
            throw new ShapeException($"{operation}: {phrase}: expected at least 2 tensors but got {count}.");
        }

        var matrices = new Tensor[count];
        for (int i = 0; i < count; i++)
        {
            var tensor = tensors[i];
            ArgumentNullException.ThrowIfNull(tensor);
            bool isEnd = i == 0 || i == count - 1;
            if (tensor.Rank != 2 && !(isEnd && tensor.Rank == 1))
            {
                throw new ShapeException(
                    $"{operation}: {phrase}: {(i == 0 ? "the first tensor must be 1D or 2D" : isEnd ? "the last tensor must be 1D or 2D" : $"tensor {i} must be 2D")} "
                    + $"but got {tensor.Rank}D (shape {tensor.Shape}).");
            }

            CheckSame(operation, tensors[0], tensor);
            matrices[i] = tensor.Rank == 2 ? tensor : tensor.Unsqueeze(i == 0 ? 0 : 1);
            if (i > 0 && matrices[i - 1].Shape[1] != matrices[i].Shape[0])
            {
                throw new ShapeException(
                    $"{operation}: {phrase}: tensors {i - 1} and {i} with shapes {tensors[i - 1].Shape} and {tensor.Shape} cannot be multiplied.");
            }
        }

        var product = new ChainOrder(matrices).Product();
        if (tensors[^1].Rank == 1)
        {
            product = product.Squeeze(1);
        }

        return tensors[0].Rank == 1 ? product.Squeeze(0) : product;
    }

    /// <summary>Where to cut each run of matrices, so that the fewest multiplications are needed.</summary>
    private sealed class ChainOrder
    {
        private readonly Tensor[] _matrices;
        private readonly int[,] _cut;

        public ChainOrder(Tensor[] matrices)
        {
            _matrices = matrices;
            int count = matrices.Length;
            var cost = new double[count, count];
            _cut = new int[count, count];
            for (int length = 2; length <= count; length++)
            {
                for (int first = 0; first + length <= count; first++)
                {
                    int last = first + length - 1;
                    cost[first, last] = double.PositiveInfinity;
                    for (int cut = first; cut < last; cut++)
                    {
                        double own = (double)matrices[first].Shape[0] * matrices[cut].Shape[1] * matrices[last].Shape[1];
                        double total = cost[first, cut] + cost[cut + 1, last] + own;
                        if (total < cost[first, last])
                        {
                            (cost[first, last], _cut[first, last]) = (total, cut);
                        }
                    }
                }
            }
        }

        public Tensor Product() => Product(0, _matrices.Length - 1);

        private Tensor Product(int first, int last) => first == last
            ? _matrices[first]
            : Product(first, _cut[first, last]).MatMul(Product(_cut[first, last] + 1, last));
    }
}
