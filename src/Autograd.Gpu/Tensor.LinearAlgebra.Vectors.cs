namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The cross product of vectors in three dimensions, which lie along <paramref name="dim"/>; other dimensions broadcast.</summary>
    /// <exception cref="ShapeException">The ranks differ, the dimension has not size 3 in both, or others do not broadcast.</exception>
    public Tensor Cross(Tensor other, int dim = -1)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (Rank != other.Rank)
        {
            throw new ShapeException($"Cross: linalg.cross: inputs must have the same number of dimensions (shapes {Shape} and {other.Shape}).");
        }

        int d = Shape.WrapDim(dim, "Cross");
        if (Rank == 0 || Shape[d] != 3 || other.Shape[d] != 3)
        {
            throw new ShapeException(
                $"Cross: linalg.cross: inputs dimension {dim} must have length 3. Got {(Rank == 0 ? "none" : $"{Shape[d]} and {other.Shape[d]}")} (shapes {Shape} and {other.Shape}).");
        }

        return Roll(-1, d) * other.Roll(-2, d) - Roll(-2, d) * other.Roll(-1, d);
    }

    /// <summary>The sum of a matrix's diagonal, a 0-d tensor; whole numbers sum to int64.</summary>
    /// <exception cref="ShapeException">The tensor is no matrix.</exception>
    public Tensor Trace() => Rank == 2
        ? Diagonal().Sum()
        : throw new ShapeException($"Trace: trace: expected a matrix, but got tensor with dim {Rank} (shape {Shape}). Use Diagonal(0, -2, -1).Sum(-1) for stacks.");

    /// <summary>
    /// The Vandermonde matrix of each vector [.., n]: its powers from n - 1 down to 0 as columns, [.., n, columns].
    /// </summary>
    /// <param name="columns">The number of powers; by default that of the vector's elements.</param>
    /// <param name="increasing">Whether the powers go up from 0, as in <c>torch.linalg.vander</c>, rather than down to it, as in <c>torch.vander</c>.</param>
    /// <remarks>Computed as running products, so that the derivative is right at 0. Whole numbers give int64.</remarks>
    /// <exception cref="ShapeException">The tensor is 0-d, or the number is negative.</exception>
    public Tensor Vander(long? columns = null, bool increasing = false)
    {
        if (Rank == 0)
        {
            throw new ShapeException("Vander: x must be a one-dimensional tensor, or a stack of such, but it is 0-d. Use Reshape(1).");
        }

        long count = columns ?? Shape[-1];
        if (count < 0)
        {
            throw new ShapeException($"Vander: N must be non-negative, but it is {count}.");
        }

        var x = DType.IsFloatingPoint() ? this : To(DType.Int64);
        var ones = Ones([.. Shape.AsSpan(), Math.Min(count, 1)], x.DType, Device);
        var powers = count < 2 ? ones : Cat([ones, x.Unsqueeze(-1).Expand([.. Shape.AsSpan(), count - 1])], -1).CumProd(-1);
        return increasing || count < 2 ? powers : powers.Flip(-1);
    }

    /// <summary>The matrix that has these along its diagonal and zeros elsewhere; vectors count as rows, numbers as 1 by 1. Dtypes promote.</summary>
    /// <exception cref="ShapeException">There is none, or one has more than 2 dimensions.</exception>
    public static Tensor BlockDiag(params IReadOnlyList<Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        if (tensors.Count == 0)
        {
            throw new ShapeException("BlockDiag: expected a non-empty list of Tensors.");
        }

        var blocks = new Tensor[tensors.Count];
        long width = 0;
        for (int i = 0; i < blocks.Length; i++)
        {
            ArgumentNullException.ThrowIfNull(tensors[i]);
            blocks[i] = tensors[i].Rank <= 2
                ? tensors[i].Atleast2D()
                : throw new ShapeException($"BlockDiag: torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {tensors[i].Rank} dimensions (shape {tensors[i].Shape}).");
            width += blocks[i].Shape[1];
        }

        long before = 0;
        for (int i = 0; i < blocks.Length; i++)
        {
            var block = blocks[i];
            Tensor Gap(long columns) => Zeros([block.Shape[0], columns], block.DType, block.Device);
            long after = width - before - block.Shape[1];
            before += block.Shape[1];
            blocks[i] = Cat([Gap(before - block.Shape[1]), block, Gap(after)], 1);
        }

        return Cat(blocks);
    }
}
