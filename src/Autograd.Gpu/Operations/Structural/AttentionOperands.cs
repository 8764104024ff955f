using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Operations;

/// <summary>Reads tensors as the stacks of matrices that attention kernels take.</summary>
internal static class AttentionOperands
{
    /// <summary>Leading dimensions that a kernel takes.</summary>
    public const int MaxLeading = 3;

    /// <summary>The sizes of q [.., l, e], k [.., s, e] and v [.., s, f] with the same leading dimensions.</summary>
    public static AttentionShape Shape(Tensor query, Tensor key, Tensor value)
    {
        int rank = query.Rank;
        long Lead(int fromEnd) => rank - 2 >= fromEnd ? query.Shape[rank - 2 - fromEnd] : 1;
        return new AttentionShape(
            Lead(1) * Lead(2) * Lead(3), Lead(2), Lead(1), checked((int)query.Shape[-2]), checked((int)key.Shape[-2]), checked((int)query.Shape[-1]),
            checked((int)value.Shape[-1]));
    }

    /// <summary>The tensor as it lies, in any strides.</summary>
    public static MatrixStack Read(Tensor tensor) => Stack(tensor.StridedBuffer());

    public static MatrixStack Stack(BufferExpression buffer)
    {
        var layout = buffer.Layout;
        int rank = layout.Rank;
        long Stride(int fromEnd) => rank - 2 >= fromEnd && layout.Shape[rank - 2 - fromEnd] != 1 ? layout.Stride(rank - 2 - fromEnd) : 0;
        return new MatrixStack(buffer, Stride(3), Stride(2), Stride(1), layout.Stride(rank - 2), layout.Stride(rank - 1));
    }

    /// <summary>
    /// The order of a tensor's dimensions in memory, outermost first and the columns last, so that a gradient or result can lie as it does: heads that were split off
    /// by a permutation are put together again without a copy. The order as they stand for a tensor inside a transform.
    /// </summary>
    public static int[] Order(Tensor tensor)
    {
        var order = new int[tensor.Rank];
        for (int d = 0; d < order.Length; d++)
        {
            order[d] = d;
        }

        if (tensor.Wrapper is null)
        {
            var layout = tensor.Layout;
            for (int d = 1; d < order.Length - 1; d++)
            {
                // A stable insertion; dimensions of size 1 and repeated ones stay beside their neighbours.
                for (int at = d; at > 0 && Moves(layout, order[at - 1], order[at]); at--)
                {
                    (order[at - 1], order[at]) = (order[at], order[at - 1]);
                }
            }
        }

        return order;
    }

    /// <summary>A contiguous layout of the dimensions in an order, seen in their own.</summary>
    public static Layout Ordered(Shape shape, int[] order, long offset)
    {
        var strides = new long[shape.Rank];
        long stride = 1;
        for (int i = order.Length - 1; i >= 0; i--)
        {
            strides[order[i]] = stride;
            stride *= Math.Max(1, shape[order[i]]);
        }

        return Layout.Strided(shape, strides, offset);
    }

    /// <summary>Room for a tensor of a shape, whose dimensions lie in memory as those of <paramref name="like"/>, and its layout; under the device's gate.</summary>
    public static (BufferExpression Flat, Layout Layout) NewLike(Tensor like, Shape shape, DType dtype)
    {
        var layout = like.Wrapper is null && !like.IsContiguous ? Ordered(shape, Order(like), 0) : shape == like.Shape ? like.Layout.Compact : Layout.Contiguous(shape);
        var flat = layout.IsContiguous ? layout : Layout.Contiguous([layout.Count]);
        return (new BufferExpression(like.Device.Allocate(layout.Count * dtype.Size()), dtype, flat), layout);
    }

    private static bool Moves(Layout layout, int before, int after) =>
        layout.Shape[before] > 1 && layout.Shape[after] > 1 && layout.Stride(before) > 0 && layout.Stride(before) < layout.Stride(after);
}
