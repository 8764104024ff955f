using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>
    /// Elements picked along a dimension: <c>result[i, j] = x[index[i, j], j]</c> for dimension 0. Other sizes of the index may be smaller than this tensor's.
    /// The gradient is summed where an element is picked more than once. On a GPU an index out of range yields nan.
    /// </summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="index">int64 positions along it, of as many dimensions as this tensor; its shape is the result's.</param>
    /// <exception cref="ShapeException">The shapes do not fit, or an index is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32.</exception>
    public Tensor Gather(int dim, Tensor index)
    {
        int d = Shape.WrapDim(dim, "Gather");
        index = IndexRange.Expect("Gather", index, Device);
        CheckIndexShape("Gather", index.Shape, Shape, d);
        return Structural.Apply(new Gathered("Gather", Clipped(index.Shape, d).Shape, d, index.Shape), Clipped(index.Shape, d), index);
    }

    /// <summary>The slices at these positions along a dimension, in their order: <c>result[i, j] = x[index[i], j]</c> for dimension 0.</summary>
    /// <param name="dim">The dimension.</param>
    /// <param name="index">int64 positions along it, 1-d or 0-d.</param>
    /// <exception cref="ShapeException">The index has more than one dimension, or a position is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32.</exception>
    public Tensor IndexSelect(int dim, Tensor index)
    {
        int d = Shape.WrapDim(dim, "IndexSelect");
        index = Vector("IndexSelect", index);
        if (Rank == 0)
        {
            return index.NumElements == 1
                ? Structural.Apply(new Gathered("IndexSelect", Shape, 0, Shape), this, index)
                : throw new ShapeException($"IndexSelect: index_select on a 0-d tensor takes one index, but got {index.NumElements}. Use Expand.");
        }

        var shape = WithSize(d, index.NumElements);
        return Structural.Apply(new Gathered("IndexSelect", Shape, d, shape), this, Places(index, shape, d));
    }

    /// <summary>Elements picked along a dimension, the other sizes broadcasting; without a dimension, from the elements in row-major order.</summary>
    /// <param name="indices">int64 positions, as <see cref="ArgMax"/> (with keepDim), <c>ArgSort</c> and the like give.</param>
    /// <param name="dim">The dimension; null for all elements in a row.</param>
    /// <exception cref="ShapeException">The shapes do not broadcast, or an index is out of range.</exception>
    /// <exception cref="DTypeException">The indices are not int64 or int32.</exception>
    public Tensor TakeAlongDim(Tensor indices, int? dim = null)
    {
        indices = IndexRange.Expect("TakeAlongDim", indices, Device);
        if (dim is null)
        {
            return Flatten().Gather(0, indices.Flatten());
        }

        int d = Shape.WrapDim(dim.Value, "TakeAlongDim");
        if (indices.Rank != Rank)
        {
            throw new ShapeException(
                $"TakeAlongDim: torch.take_along_dim(): input and indices should have the same number of dimensions, but got {Rank} (shape {Shape}) and {indices.Rank} (shape {indices.Shape}).");
        }

        if (Rank == 0)
        {
            return Gather(0, indices);
        }

        var (own, other) = (WithSize(d, 1), indices.WithSize(d, 1));
        var shape = Shape.Broadcast(own, other, "TakeAlongDim").ToArray();
        shape[d] = Shape[d];
        var source = Expand(shape);
        shape[d] = indices.Shape[d];
        return source.Gather(d, indices.Expand(shape));
    }

    /// <summary>Elements at positions in row-major order, negative ones counting from the end; the result has the index's shape.</summary>
    /// <exception cref="ShapeException">A position is out of range.</exception>
    /// <exception cref="DTypeException">The index is not int64 or int32.</exception>
    public Tensor Take(Tensor index)
    {
        index = IndexRange.Expect("Take", index, Device);
        var flat = Flatten();
        return Structural.Apply(new Gathered("Take", flat.Shape, 0, index.Shape, wraps: true), flat, index.Flatten());
    }

    /// <summary>The elements where a mask is true, 1-d, in row-major order. Mask and tensor broadcast. Waits for the device: the size is data.</summary>
    /// <exception cref="DTypeException">The mask is not a bool tensor.</exception>
    public Tensor MaskedSelect(Tensor mask)
    {
        CheckMask("MaskedSelect", mask);
        var shape = Shape.Broadcast(Shape, mask.Shape, "MaskedSelect");
        var places = Operations.NonZero.Places(mask.Readable("MaskedSelect").Detach().Expand(shape));
        var flat = Expand(shape).Reshape(shape.NumElements);
        return Structural.Apply(new Gathered("MaskedSelect", flat.Shape, 0, places.Shape), flat, places);
    }

    /// <summary>This tensor with the elements where a mask is true replaced by those of <paramref name="source"/>, in order.</summary>
    /// <param name="mask">A bool tensor that broadcasts with this one.</param>
    /// <param name="source">At least as many elements as the mask has true ones (checked on the host), of this tensor's dtype.</param>
    /// <exception cref="DTypeException">The mask is not bool, or the dtypes differ.</exception>
    /// <exception cref="ShapeException">The source has too few elements.</exception>
    public Tensor MaskedScatter(Tensor mask, Tensor source)
    {
        CheckMask("MaskedScatter", mask);
        CheckSameDType("MaskedScatter", source);
        var shape = Shape.Broadcast(Shape, mask.Shape, "MaskedScatter");
        var x = Expand(shape);
        if (shape.NumElements == 0)
        {
            return x.Clone();
        }

        var wide = mask.Detach().Expand(shape);
        var running = wide.Reshape(shape.NumElements).To(DType.Int64).CumSum(0);
        if (Device.HasHostMemory && running.Wrapper is null && running[^1].Item<long>() is var needed && needed > source.NumElements)
        {
            throw new ShapeException(
                $"MaskedScatter: expected source to have at least as many elements as the mask has true ones, {needed}, but got {source.NumElements} (shape {source.Shape}).");
        }

        if (source.NumElements == 0)
        {
            return x.Clone();
        }

        var places = (running - 1).Clamp(0, source.NumElements - 1).Reshape(shape);
        return Where(wide, source.Take(places), x);
    }

    /// <summary>
    /// The coordinates of the elements that are not zero, in row-major order: int64 [number, rank]. Waits for the device: the number is data.
    /// </summary>
    public Tensor NonZero() => Operations.NonZero.Of(Readable("NonZero").Detach());

    /// <summary>The same as one 1-d tensor for each dimension, ready to index with.</summary>
    public Tensor[] NonZeroAsTuple()
    {
        var x = Rank == 0 ? Unsqueeze(0) : this;
        var coordinates = x.NonZero();
        return [.. Enumerable.Range(0, x.Rank).Select(d => coordinates.Select(1, d))];
    }

    /// <summary>The coordinates of the elements that are not zero, as <see cref="NonZero"/>.</summary>
    public Tensor ArgWhere() => NonZero();

    /// <summary>A tensor of one dimension with the dimensions of a shape, those that share it expanded.</summary>
    internal static Tensor Along(Tensor line, Shape shape, int dim)
    {
        var sizes = new long[shape.Rank];
        Array.Fill(sizes, 1);
        sizes[dim] = line.NumElements;
        return line.Reshape(sizes).Expand(shape);
    }

    /// <summary><see cref="Along"/> of an index, which has no history to carry on.</summary>
    internal static Tensor Places(Tensor index, Shape shape, int dim)
    {
        if (index.Rank != 1 || index.Wrapper is not null || index.NumElements != shape[dim])
        {
            return Along(index, shape, dim);
        }

        var strides = new long[shape.Rank];
        strides[dim] = index.Layout.Stride(0);
        return index.View(Lazy.Layout.Strided(shape, strides, index.StorageOffset));
    }

    /// <summary>This shape with another size of one dimension.</summary>
    internal Shape WithSize(int dim, long size)
    {
        var sizes = Shape.ToArray();
        sizes[dim] = size;
        return Shape.Own(sizes);
    }

    /// <summary>The leading part of this tensor that an index of a shape reaches: its sizes but for one dimension.</summary>
    private Tensor Clipped(Shape index, int dim)
    {
        var result = this;
        for (int d = 0; d < index.Rank && d < Rank; d++)
        {
            if (d != dim)
            {
                result = result.Sliced(d, 0, 1, index[d]);
            }
        }

        return result;
    }

    /// <summary>The leading part of this tensor with an index's sizes.</summary>
    private Tensor ClippedTo(Shape index)
    {
        var result = this;
        for (int d = 0; d < index.Rank && d < Rank; d++)
        {
            result = result.Sliced(d, 0, 1, index[d]);
        }

        return result;
    }

    private Tensor Vector(string operation, Tensor index)
    {
        index = IndexRange.Expect(operation, index, Device);
        return index.Rank <= 1
            ? index.Flatten()
            : throw new ShapeException($"{operation}: Index is supposed to be a vector, but it has shape {index.Shape}. Use Flatten(), or x[index].");
    }

    /// <summary>Refuses an index that does not lie inside a shape, apart from one dimension.</summary>
    private static void CheckIndexShape(string operation, Shape index, Shape shape, int dim)
    {
        if (Math.Max(index.Rank, 1) != Math.Max(shape.Rank, 1))
        {
            throw new ShapeException(
                $"{operation}: Index tensor must have the same number of dimensions as input tensor, but the index has shape {index} and the input {shape}.");
        }

        for (int d = 0; d < index.Rank && d < shape.Rank; d++)
        {
            if (d != dim && index[d] > shape[d])
            {
                throw new ShapeException(
                    $"{operation}: Size does not match at dimension {d} expected index {index} to be no larger than self {shape} apart from dimension {dim}.");
            }
        }
    }

    private void CheckMask(string operation, Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        if (mask.DType != DType.Bool)
        {
            throw new DTypeException($"{operation}: expected BoolTensor for mask, but got {mask.DType.Name()}. Compare it first, as in x != 0.");
        }

        if (mask.Device != Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {Device} and {mask.Device}. Move one with To(device).");
        }
    }

    private void CheckSameDType(string operation, Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.DType != DType)
        {
            throw new DTypeException(
                $"{operation}: Expected self.dtype to be equal to src.dtype, but got {DType.Name()} and {source.DType.Name()}. Convert the source with To(DType.{DType}).");
        }

        if (source.Device != Device)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {Device} and {source.Device}. Move one with To(device).");
        }
    }
}
