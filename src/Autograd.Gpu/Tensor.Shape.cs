using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The last two dimensions exchanged; a view.</summary>
    /// <exception cref="ShapeException">The tensor has less than 2 dimensions.</exception>
    public Tensor MT => Rank >= 2
        ? Transpose(-2, -1)
        : throw new ShapeException($"MT: tensor.mT is only supported on matrices or batches of matrices. Got {Rank}-D tensor (shape {Shape}).");

    /// <summary>Two dimensions exchanged, as <see cref="Transpose"/>; a view.</summary>
    public Tensor SwapAxes(int axis0, int axis1) => Transpose(axis0, axis1);

    /// <summary>Several dimensions moved to other places, the others keeping their order; a view.</summary>
    /// <exception cref="ShapeException">The lists differ in length or name a dimension twice.</exception>
    public Tensor MoveDim(ReadOnlySpan<int> source, ReadOnlySpan<int> destination)
    {
        if (source.Length != destination.Length)
        {
            throw new ShapeException(
                $"MoveDim: Invalid source or destination dims: source ({source.Length} dims) should contain the same number of dims as destination ({destination.Length} dims).");
        }

        var order = new int[Rank];
        Array.Fill(order, -1);
        var isMoved = new bool[Rank];
        for (int i = 0; i < source.Length; i++)
        {
            int from = Shape.WrapDim(source[i], "MoveDim"), to = Shape.WrapDim(destination[i], "MoveDim");
            if (Rank == 0)
            {
                continue;
            }

            if (isMoved[from] || order[to] >= 0)
            {
                throw new ShapeException($"MoveDim: repeated dim in source or destination: dim {(isMoved[from] ? from : to)} is named twice for shape {Shape}.");
            }

            isMoved[from] = true;
            order[to] = from;
        }

        int next = 0;
        for (int d = 0; d < order.Length; d++)
        {
            if (order[d] < 0)
            {
                while (isMoved[next])
                {
                    next++;
                }

                order[d] = next++;
            }
        }

        return Permute(order);
    }

    /// <summary>This tensor seen with a shape that it broadcasts to; a view.</summary>
    /// <exception cref="ShapeException">It does not broadcast to it.</exception>
    public Tensor BroadcastTo(Shape shape) => Expand(shape.AsSpan());

    /// <summary>This tensor seen with the shape of another, to which it broadcasts; a view.</summary>
    /// <exception cref="ShapeException">It does not broadcast to it.</exception>
    public Tensor ExpandAs(Tensor other) => Expand(NotNull(other).Shape.AsSpan());

    /// <summary>The same elements with the sizes of another tensor, never a copy.</summary>
    /// <exception cref="ShapeException">The number of elements differs, or the strides do not allow a view.</exception>
    public Tensor ViewAs(Tensor other) => View(NotNull(other).Shape.AsSpan());

    /// <summary>The same elements with the sizes of another tensor, as a view where the strides allow it.</summary>
    /// <exception cref="ShapeException">The number of elements differs.</exception>
    public Tensor ReshapeAs(Tensor other) => Reshape(NotNull(other).Shape.AsSpan());

    /// <summary>The elements in row-major order, 1-d; a view where the strides allow it.</summary>
    public Tensor Ravel() => Flatten();

    /// <summary>One dimension cut into several; one of their sizes may be -1 and is inferred. A view.</summary>
    /// <exception cref="ShapeException">The sizes' product is not the dimension's size.</exception>
    public Tensor Unflatten(int dim, params ReadOnlySpan<long> sizes)
    {
        int d = Shape.WrapDim(dim, "Unflatten");
        if (Rank == 0 || sizes.Length == 0)
        {
            throw new ShapeException($"Unflatten: unflatten: sizes must be non-empty and the tensor have the dimension, but got {Shape.Describe(sizes)} for shape {Shape}.");
        }

        long product = 1, inferred = 0;
        foreach (long size in sizes)
        {
            product *= size == -1 ? 1 : size;
            inferred += size == -1 ? 1 : 0;
        }

        var cut = sizes.ToArray();
        if (inferred == 1 && product > 0 && Shape[d] % product == 0)
        {
            cut[Array.IndexOf(cut, -1)] = Shape[d] / product;
            product = Shape[d];
        }

        return product == Shape[d] && Array.TrueForAll(cut, s => s >= 0)
            ? Reshape([.. Shape.AsSpan()[..d], .. cut, .. Shape.AsSpan()[(d + 1)..]])
            : throw new ShapeException(
                $"Unflatten: unflatten: Provided sizes {Shape.Describe(sizes)} don't multiply up to the size of dim {dim} ({Shape[d]}) in the input tensor (shape {Shape}).");
    }

    /// <summary>With at least one dimension: a number becomes [1].</summary>
    public Tensor Atleast1D() => Rank == 0 ? Reshape(1L) : this;

    /// <summary>With at least two dimensions: a vector becomes a row.</summary>
    public Tensor Atleast2D() => Rank switch
    {
        0 => Reshape(1L, 1L),
        1 => Unsqueeze(0),
        _ => this,
    };

    /// <summary>With at least three dimensions: a vector becomes [1, n, 1], a matrix [m, n, 1].</summary>
    public Tensor Atleast3D() => Rank switch
    {
        0 => Reshape(1L, 1L, 1L),
        1 => Unsqueeze(0).Unsqueeze(-1),
        2 => Unsqueeze(-1),
        _ => this,
    };

    /// <summary>The diagonal of two dimensions, whose positions differ by <paramref name="offset"/>, as a new last dimension; a view.</summary>
    /// <exception cref="ShapeException">The dimensions are the same, or there are less than two.</exception>
    public Tensor Diagonal(long offset = 0, int dim1 = 0, int dim2 = 1)
    {
        int a = Shape.WrapDim(dim1, "Diagonal"), b = Shape.WrapDim(dim2, "Diagonal");
        return a != b
            ? Structural.Apply(new DiagonalView(Shape, offset, a, b), this)
            : throw new ShapeException($"Diagonal: diagonal dimensions cannot be identical {dim1}, {dim2} (shape {Shape}).");
    }

    /// <summary>Zeros but for a diagonal of two new dimensions, which holds this tensor's last dimension.</summary>
    /// <exception cref="ShapeException">The dimensions are the same, or the tensor is 0-d.</exception>
    public Tensor DiagEmbed(long offset = 0, int dim1 = -2, int dim2 = -1)
    {
        int a = Shape.WrapDim(dim1, Rank + 1, "DiagEmbed"), b = Shape.WrapDim(dim2, Rank + 1, "DiagEmbed");
        if (a == b || Rank == 0)
        {
            throw new ShapeException($"DiagEmbed: diagonal dimensions cannot be identical {dim1}, {dim2}, and the tensor needs a dimension (shape {Shape}).");
        }

        var sizes = Shape.ToArray()[..^1].ToList();
        foreach (int d in new[] { Math.Min(a, b), Math.Max(a, b) })
        {
            sizes.Insert(d, Shape[-1] + Math.Abs(offset));
        }

        return Structural.Apply(new DiagonalBackward(Shape.Own([.. sizes]), offset, a, b, "DiagEmbed"), this);
    }

    /// <summary>Of a matrix its diagonal (a copy), of a vector the matrix that has it as its diagonal.</summary>
    /// <exception cref="ShapeException">The tensor has neither one nor two dimensions.</exception>
    public Tensor Diag(long diagonal = 0) => Rank switch
    {
        1 => DiagEmbed(diagonal),
        2 => Diagonal(diagonal).Clone(),
        _ => throw new ShapeException($"Diag: Supports 1D or 2D tensors. Got {Rank}D (shape {Shape}). Use Diagonal or DiagEmbed."),
    };

    /// <summary>All windows of <paramref name="size"/> elements of a dimension, <paramref name="step"/> apart; their elements are a new last dimension. A view; the gradient is summed where they overlap.</summary>
    /// <exception cref="ShapeException">The windows are larger than the dimension, or the step is not positive.</exception>
    public Tensor Unfold(int dim, long size, long step)
    {
        int d = Shape.WrapDim(dim, "Unfold");
        long length = Rank == 0 ? 1 : Shape[d];
        if (size < 0 || size > length)
        {
            throw new ShapeException($"Unfold: maximum size for tensor at dimension {d} is {length} but size is {size} (shape {Shape}).");
        }

        if (step <= 0)
        {
            throw new ShapeException($"Unfold: step is {step} but must be > 0 (shape {Shape}).");
        }

        return Rank == 0
            ? Reshape(1L).Narrow(0, 0, size)
            : Structural.Apply(new Unfolded(Shape, d, size, step), this);
    }

    /// <summary>Any sizes and strides (in elements) over this tensor's memory; a view, whose elements may share memory. The gradient is summed where they do.</summary>
    /// <param name="sizes">The sizes.</param>
    /// <param name="strides">As many strides; none negative.</param>
    /// <param name="storageOffset">Where in the memory the first element lies; by default where this tensor's does.</param>
    /// <exception cref="ShapeException">A stride is negative, or an element would lie outside of the memory.</exception>
    public Tensor AsStrided(Shape sizes, ReadOnlySpan<long> strides, long? storageOffset = null)
    {
        if (strides.Length != sizes.Rank)
        {
            throw new ShapeException($"AsStrided: mismatch in length of strides and shape: {Shape.Describe(strides)} and {sizes}.");
        }

        foreach (long stride in strides)
        {
            if (stride < 0)
            {
                throw new ShapeException($"AsStrided: Negative strides are not supported at the moment, got strides: {Shape.Describe(strides)}. Use Flip.");
            }
        }

        return Structural.Apply(new AsStridedView(Layout, sizes, strides.ToArray(), (storageOffset ?? StorageOffset) - StorageOffset), this);
    }
}
