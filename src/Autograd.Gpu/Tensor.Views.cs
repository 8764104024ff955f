using System.Runtime.CompilerServices;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The transpose of a matrix: <c>Transpose(0, 1)</c>; tensors of less than 2 dimensions are returned as they are.</summary>
    /// <exception cref="ShapeException">The tensor has more than 2 dimensions.</exception>
    public Tensor T => Rank switch
    {
        < 2 => this,
        2 => Transpose(0, 1),
        _ => throw new ShapeException($"T: expects a tensor with at most 2 dimensions, but got shape {Shape}. Use Transpose(dim0, dim1) or Permute(...)."),
    };

    /// <summary>The same elements with other sizes, as a view where the strides allow it and a copy otherwise. One size may be -1 and is inferred.</summary>
    /// <exception cref="ShapeException">The number of elements differs.</exception>
    [OverloadResolutionPriority(1)]
    public Tensor Reshape(params ReadOnlySpan<long> sizes)
    {
        var shape = InferShape("Reshape", sizes);
        return shape == Shape ? this : Reshaped(shape);
    }

    /// <summary>As <see cref="Reshape(ReadOnlySpan{long})"/>.</summary>
    public Tensor Reshape(Shape shape) => shape == Shape ? this : shape.NumElements == NumElements ? Reshaped(shape) : Reshape(shape.AsSpan());

    /// <summary>The same elements with other sizes, never a copy. One size may be -1 and is inferred.</summary>
    /// <exception cref="ShapeException">The number of elements differs, or the strides do not allow a view.</exception>
    public Tensor View(params ReadOnlySpan<long> sizes)
    {
        var shape = InferShape("View", sizes);
        return IsContiguous || Layout.Reshape(shape) is not null
            ? Structural.Apply(new Reshaped(Shape, shape), this)
            : throw new ShapeException(
                $"View: view size is not compatible with input tensor's size and stride (shape {Shape}, strides {Shape.Describe(Strides)}, asked {shape}). Use Reshape(...) instead.");
    }

    /// <summary>All dimensions in one, or those from <paramref name="startDim"/> to <paramref name="endDim"/>.</summary>
    public Tensor Flatten(int startDim = 0, int endDim = -1)
    {
        int start = Shape.WrapDim(startDim, "Flatten"), end = Shape.WrapDim(endDim, "Flatten");
        if (start > end)
        {
            throw new ShapeException($"Flatten: flatten() has invalid args: start_dim ({startDim}) cannot come after end_dim ({endDim}) in shape {Shape}.");
        }

        if (Rank == 0)
        {
            return Reshape(1L);
        }

        var sizes = Shape.AsSpan();
        Span<long> flat = Rank <= 16 ? stackalloc long[16] : new long[Rank];
        flat = flat[..(Rank - (end - start))];
        sizes[..start].CopyTo(flat);
        sizes[(end + 1)..].CopyTo(flat[(start + 1)..]);
        flat[start] = 1;
        foreach (long size in sizes[start..(end + 1)])
        {
            flat[start] *= size;
        }

        return Reshape(flat);
    }

    /// <summary>The dimensions in another order; a view.</summary>
    /// <exception cref="ShapeException">The order does not name each dimension once.</exception>
    public Tensor Permute(params ReadOnlySpan<int> dims)
    {
        if (dims.Length != Rank)
        {
            throw new ShapeException($"Permute: number of dimensions in the tensor input does not match the length of the desired ordering: shape {Shape}, {dims.Length} dims given.");
        }

        var order = new int[Rank];
        var isSeen = new bool[Rank];
        for (int d = 0; d < Rank; d++)
        {
            int from = order[d] = Shape.WrapDim(dims[d], "Permute");
            if (isSeen[from])
            {
                throw new ShapeException($"Permute: duplicate dims are not allowed: dim {from} is named twice for shape {Shape}.");
            }

            isSeen[from] = true;
        }

        return Structural.Apply(new Permuted(order), this);
    }

    /// <summary>One dimension moved to another place, the others keeping their order; a view.</summary>
    public Tensor MoveDim(int source, int destination)
    {
        int from = Shape.WrapDim(source, "MoveDim"), to = Shape.WrapDim(destination, "MoveDim");
        if (from == to)
        {
            return this;
        }

        var order = Enumerable.Range(0, Rank).Where(d => d != from).ToList();
        order.Insert(to, from);
        return Permute([.. order]);
    }

    /// <summary>Two dimensions exchanged; a view.</summary>
    public Tensor Transpose(int dim0, int dim1)
    {
        int a = Shape.WrapDim(dim0, "Transpose"), b = Shape.WrapDim(dim1, "Transpose");
        return Rank == 0 ? this : Structural.Apply(Rank == 2 && a != b ? Transposed.OfMatrix : new Transposed(a, b), this);
    }

    /// <summary>Size-1 dimensions repeated to a larger size, and new dimensions in front, without memory; -1 keeps a size. A view.</summary>
    /// <exception cref="ShapeException">A size other than 1 would change.</exception>
    [OverloadResolutionPriority(1)]
    public Tensor Expand(params ReadOnlySpan<long> sizes)
    {
        int lead = sizes.Length - Rank;
        var target = sizes.ToArray();
        for (int d = 0; d < target.Length; d++)
        {
            long own = d < lead ? 1 : lead < 0 ? -1 : Shape[d - lead];
            if (target[d] == -1 && d >= lead && lead >= 0)
            {
                target[d] = own;
            }

            if (lead < 0 || target[d] < 0 || (own != 1 && own != target[d]))
            {
                throw new ShapeException(
                    $"Expand: The expanded size of the tensor ({target[d]}) must match the existing size ({own}) at non-singleton dimension {d}. "
                    + $"Target sizes: {Shape.Describe(sizes)}. Tensor sizes: {Shape}.");
            }
        }

        var shape = Shape.Create(target);
        return shape == Shape ? this : Structural.Apply(new Expanded(shape), this);
    }

    /// <summary>As <see cref="Expand(ReadOnlySpan{long})"/>.</summary>
    public Tensor Expand(Shape shape) => Expand(shape.AsSpan());

    /// <summary>Without its size-1 dimensions; a view.</summary>
    public Tensor Squeeze()
    {
        var kept = Enumerable.Range(0, Rank).Where(d => Shape[d] != 1).ToArray();
        return Kept(kept);
    }

    /// <summary>Without one dimension, if its size is 1; a view.</summary>
    public Tensor Squeeze(int dim)
    {
        int d = Shape.WrapDim(dim, "Squeeze");
        return Rank == 0 || Shape[d] != 1 ? this : Kept(Without(d));

        int[] Without(int d)
        {
            var kept = new int[Rank - 1];
            for (int k = 0; k < kept.Length; k++)
            {
                kept[k] = k < d ? k : k + 1;
            }

            return kept;
        }
    }

    /// <summary>With a new dimension of size 1 at <paramref name="dim"/>; a view.</summary>
    public Tensor Unsqueeze(int dim)
    {
        return Structural.Apply(new Unsqueezed(Shape.WrapDim(dim, Rank + 1, "Unsqueeze")), this);
    }

    /// <summary><paramref name="length"/> elements of a dimension from <paramref name="start"/> on; a view.</summary>
    /// <exception cref="ShapeException">The range does not lie in the dimension.</exception>
    public Tensor Narrow(int dim, long start, long length)
    {
        int d = Shape.WrapDim(dim, "Narrow");
        if (Rank == 0)
        {
            throw new ShapeException("Narrow: narrow() cannot be applied to a 0-dim tensor.");
        }

        long first = start < 0 ? start + Shape[d] : start;
        if (first < 0 || length < 0 || first + length > Shape[d])
        {
            throw new ShapeException($"Narrow: start ({start}) + length ({length}) exceeds dimension size ({Shape[d]}) of dim {dim} in shape {Shape}.");
        }

        return Sliced(d, first, 1, length);
    }

    /// <summary>The elements of a dimension at one index, without the dimension; a view.</summary>
    /// <exception cref="ShapeException">The index does not lie in the dimension.</exception>
    public Tensor Select(int dim, long index)
    {
        int d = Shape.WrapDim(dim, "Select");
        if (Rank == 0 || index < -Shape[d] || index >= Shape[d])
        {
            throw new ShapeException(
                $"Select: index {index} is out of bounds for dimension {dim} with size {(Rank == 0 ? 0 : Shape[d])} (shape {Shape}).");
        }

        return Structural.Apply(new SelectedIndex(Shape, d, index < 0 ? index + Shape[d] : index), this);
    }

    internal Tensor Sliced(int dim, long start, long step, long length)
    {
        return start == 0 && step == 1 && length == Shape[dim] ? this : Structural.Apply(new Slice(Shape, dim, start, step, length), this);
    }

    /// <summary>Only these dimensions, the others having size 1.</summary>
    private Tensor Kept(int[] dims) => dims.Length == Rank ? this : Structural.Apply(new Squeezed(Shape, dims), this);

    private Tensor Reshaped(Shape shape) =>
        Structural.Apply(new Reshaped(Shape, shape, IsContiguous || Layout.Reshape(shape) is not null ? "View" : "UnsafeView"), this);

    private Shape InferShape(string operation, ReadOnlySpan<long> sizes)
    {
        var result = sizes.ToArray();
        int inferred = -1;
        long product = 1;
        for (int d = 0; d < result.Length; d++)
        {
            if (result[d] == -1 && inferred < 0)
            {
                inferred = d;
            }
            else if (result[d] < 0)
            {
                throw new ShapeException($"{operation}: invalid shape dimension {result[d]} in {Shape.Describe(sizes)}: only one dimension can be inferred, others must not be negative.");
            }
            else
            {
                product *= result[d];
            }
        }

        if (inferred >= 0 && product > 0 && NumElements % product == 0)
        {
            result[inferred] = NumElements / product;
            product = NumElements;
        }

        return product == NumElements && (inferred < 0 || result[inferred] >= 0)
            ? Shape.Own(result)
            : throw new ShapeException($"{operation}: shape '{Shape.Describe(sizes)}' is invalid for input of size {NumElements} (shape {Shape}).");
    }
}
