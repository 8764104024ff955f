using System.Runtime.CompilerServices;

namespace Autograd.Gpu;

// Products of vectors and matrices. All are compositions of MatMul, views and pointwise operations, from which their derivatives come.
public sealed partial class Tensor
{
    /// <summary>The product of two matrices [m, k] and [k, n]; nothing broadcasts.</summary>
    /// <exception cref="ShapeException">An operand is not a matrix, or the inner sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public Tensor Mm(Tensor mat2)
    {
        CheckRank("Mm", "self must be a matrix", this, 2);
        CheckRank("Mm", "mat2 must be a matrix", mat2, 2);
        return MatMul(mat2);
    }

    /// <summary>The products of two stacks of matrices [b, m, k] and [b, k, n]; nothing broadcasts.</summary>
    /// <exception cref="ShapeException">An operand is not a stack of matrices, or sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public Tensor Bmm(Tensor mat2)
    {
        CheckStacks("Bmm", this, mat2);
        return MatMul(mat2);
    }

    /// <summary>The product of a matrix [m, k] and a vector [k].</summary>
    /// <exception cref="ShapeException">The operands are not a matrix and a vector, or the sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public Tensor Mv(Tensor vec)
    {
        ArgumentNullException.ThrowIfNull(vec);
        if (Rank != 2 || vec.Rank != 1)
        {
            throw new ShapeException($"Mv: matrix @ vector expected, got {Rank}, {vec.Rank} dimensions (shapes {Shape} and {vec.Shape}). Use MatMul for others.");
        }

        if (Shape[1] != vec.Shape[0])
        {
            throw new ShapeException($"Mv: size mismatch, got mat ({Shape[0]}x{Shape[1]}), vec ({vec.Shape[0]}).");
        }

        return MatMul(vec);
    }

    /// <summary>The sum of the products of two vectors' elements, a 0-d tensor; computed in one pass over both.</summary>
    /// <exception cref="ShapeException">An operand is not a vector, or the sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are bool.</exception>
    public Tensor Dot(Tensor tensor) => DotOf("Dot", tensor);

    /// <summary>As <see cref="Dot"/>: for real numbers the conjugate of the first vector is itself.</summary>
    /// <exception cref="ShapeException">An operand is not a vector, or the sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ, or are bool.</exception>
    public Tensor Vdot(Tensor other) => DotOf("Vdot", other);

    /// <summary>The sums of products along the last dimensions: [.., k] and [.., k] give all other dimensions of the first, then of the second. A 0-d operand multiplies.</summary>
    /// <exception cref="ShapeException">The last sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public Tensor Inner(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (Rank == 0 || other.Rank == 0)
        {
            return this * other;
        }

        return Shape[-1] == other.Shape[-1]
            ? Tensordot(other, [-1], [-1])
            : throw new ShapeException($"Inner: inner() the last dimension must match on both input tensors but got shapes {Shape} and {other.Shape}.");
    }

    /// <summary>All products of an element of this vector [m] and one of the other [n]: a matrix [m, n].</summary>
    /// <exception cref="ShapeException">An operand is not a vector.</exception>
    public Tensor Outer(Tensor vec2)
    {
        CheckVector("Outer", "self", this);
        CheckVector("Outer", "vec2", vec2);
        return Unsqueeze(1) * vec2;
    }

    /// <summary>As <see cref="Outer"/>, by its name in BLAS.</summary>
    /// <exception cref="ShapeException">An operand is not a vector.</exception>
    public Tensor Ger(Tensor vec2) => Outer(vec2);

    /// <summary>
    /// The Kronecker product: every element of this tensor times the whole of the other, as one tensor of the rank of the larger; its sizes are the products of theirs.
    /// </summary>
    public Tensor Kron(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        int rank = Math.Max(Rank, other.Rank);
        var (left, right, result) = (new long[2 * rank], new long[2 * rank], new long[rank]);
        Array.Fill(left, 1);
        Array.Fill(right, 1);
        for (int d = 0; d < rank; d++)
        {
            left[2 * d] = d < rank - Rank ? 1 : Shape[d - (rank - Rank)];
            right[2 * d + 1] = d < rank - other.Rank ? 1 : other.Shape[d - (rank - other.Rank)];
            result[d] = left[2 * d] * right[2 * d + 1];
        }

        return (Reshape(left) * other.Reshape(right)).Reshape(result);
    }

    /// <summary>The sums of products over the last <paramref name="dims"/> dimensions of this tensor and the first ones of the other; 0 gives all products.</summary>
    /// <exception cref="ShapeException">There are fewer dimensions, or their sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public Tensor Tensordot(Tensor other, int dims = 2)
    {
        ArgumentNullException.ThrowIfNull(other);
        return dims >= 0 && dims <= Rank && dims <= other.Rank
            ? Tensordot(other, [.. Enumerable.Range(Rank - dims, dims)], [.. Enumerable.Range(0, dims)])
            : throw new ShapeException($"Tensordot: tensordot expects dims >= 0 and at most the number of dimensions of both, but got dims={dims} for shapes {Shape} and {other.Shape}.");
    }

    /// <summary>
    /// The sums of products over pairs of dimensions, <paramref name="dims"/>[i] of this tensor with <paramref name="otherDims"/>[i] of the other. What is left of the first
    /// comes first. One matrix product of views, or of copies where strides do not merge.
    /// </summary>
    /// <exception cref="ShapeException">The lists differ in length, name a dimension twice or one that does not exist, or sizes differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public Tensor Tensordot(Tensor other, ReadOnlySpan<int> dims, ReadOnlySpan<int> otherDims)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (dims.Length != otherDims.Length)
        {
            throw new ShapeException($"Tensordot: both dimension lists should have same length, but they have {dims.Length} and {otherDims.Length}.");
        }

        CheckSame("Tensordot", this, other);
        var left = Enumerable.Range(0, Rank).ToArray();
        var right = Enumerable.Range(Rank, other.Rank).ToArray();
        for (int i = 0; i < dims.Length; i++)
        {
            int a = Shape.WrapDim(dims[i], "Tensordot"), b = other.Shape.WrapDim(otherDims[i], "Tensordot");
            if (Rank == 0 || other.Rank == 0 || left[a] != a || right[b] != Rank + b)
            {
                throw new ShapeException($"Tensordot: dim {dims[i]} or {otherDims[i]} appears multiple times in the list of dims, or does not exist (shapes {Shape} and {other.Shape}).");
            }

            if (Shape[a] != other.Shape[b])
            {
                throw new ShapeException(
                    $"Tensordot: contracted dimensions need to match, but first has size {Shape[a]} in dim {a} and second has size {other.Shape[b]} in dim {b}.");
            }

            left[a] = right[b] = Rank + other.Rank + i;
        }

        int[] output = [.. left.Where((l, d) => l == d), .. right.Where((l, d) => l == Rank + d)];
        return Operations.Contraction.Of([this, other], [left, right], output);
    }

    private Tensor DotOf(string operation, Tensor other, [CallerArgumentExpression(nameof(other))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(other, name);
        if (Rank != 1 || other.Rank != 1)
        {
            throw new ShapeException($"{operation}: 1D tensors expected, but got {Rank}D and {other.Rank}D tensors (shapes {Shape} and {other.Shape}). Use MatMul for matrices.");
        }

        CheckSame(operation, this, other);
        if (Shape[0] != other.Shape[0])
        {
            throw new ShapeException(
                $"{operation}: inconsistent tensor size, expected tensor {Shape} and src {other.Shape} to have the same number of elements, but got {Shape[0]} and "
                + $"{other.Shape[0]} elements respectively.");
        }

        CheckNumbers(operation);
        return InComputeType(this, other, static (a, b) => (a * b).Sum([], dtype: a.DType));
    }

    /// <summary>Applies a function of tensors of one dtype in float32 where that is a half type, so that intermediate values are not rounded to it.</summary>
    private static Tensor InComputeType(Tensor a, Tensor b, Func<Tensor, Tensor, Tensor> function) => Operations.Contraction.IsHalf(a.DType)
        ? function(a.To(DType.Float32), b.To(DType.Float32)).To(a.DType)
        : function(a, b);

    private static void CheckSame(string operation, Tensor a, Tensor b)
    {
        if (a.Device != b.Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {a.Device} and {b.Device}. Move one with To(device).");
        }

        if (a.DType != b.DType)
        {
            throw new DTypeException($"{operation}: expected both tensors to have the same dtype, but got {a.DType.Name()} and {b.DType.Name()}. Convert one with To(dtype).");
        }
    }

    private static void CheckRank(string operation, string expected, Tensor tensor, int rank, [CallerArgumentExpression(nameof(tensor))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.Rank != rank)
        {
            throw new ShapeException($"{operation}: {expected}, but it has {tensor.Rank} dimensions (shape {tensor.Shape}). Use MatMul for vectors and stacks.");
        }
    }

    private static void CheckVector(string operation, string argument, Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.Rank != 1)
        {
            throw new ShapeException($"{operation}: Expected 1-D argument {argument}, but got {tensor.Rank}-D (shape {tensor.Shape}). Use Flatten().");
        }
    }

    private static void CheckStacks(string operation, Tensor batch1, Tensor batch2)
    {
        CheckRank(operation, "batch1 must be a 3D tensor", batch1, 3);
        CheckRank(operation, "batch2 must be a 3D tensor", batch2, 3);
        if (batch1.Shape[0] != batch2.Shape[0] || batch1.Shape[2] != batch2.Shape[1])
        {
            throw new ShapeException(
                $"{operation}: Expected size for first two dimensions of batch2 tensor to be: [{batch1.Shape[0]}, {batch1.Shape[2]}] but got: "
                + $"[{batch2.Shape[0]}, {batch2.Shape[1]}] (shapes {batch1.Shape} and {batch2.Shape}).");
        }
    }

    private void CheckNumbers(string operation)
    {
        if (DType == DType.Bool)
        {
            throw new DTypeException($"{operation}: not implemented for bool. Convert the operands with To(DType.Int64) or To(DType.Float32).");
        }
    }
}
