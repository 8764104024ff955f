using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>The elements of some dimensions in reverse order, as a copy; its own inverse.</summary>
internal sealed class Flipped(int[] dims) : LinearOperation("Flip")
{
    protected override Tensor Forward(Tensor input)
    {
        var strides = input.Layout.Strides.ToArray();
        long offset = input.Layout.Offset;
        foreach (int d in dims)
        {
            offset += (input.Shape[d] - 1) * strides[d];
            strides[d] = -strides[d];
        }

        using (input.Device.Gate.Enter())
        {
            var layout = input.NumElements == 0 ? Layout.Contiguous(input.Shape) : Layout.Strided(input.Shape, strides, offset);
            var source = input.Storage.Materialize(CutReason.View).WithLayout(layout);
            return Tensor.FromNewBuffer(input.Device, Fuser.Copy(input.Device, source, CutReason.View));
        }
    }

    protected override Tensor Vjp(Tensor gradient) => Structural.Apply(this, gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(new Flipped(Array.ConvertAll(dims, d => d + 1)), batch);
}

/// <summary>The elements of two dimensions whose positions differ by an offset, as a new last dimension.</summary>
internal sealed class DiagonalView(Shape input, long offset, int dim1, int dim2) : LinearOperation("Diagonal")
{
    protected override Tensor Forward(Tensor input) => input.AsView(Of(input.Layout, offset, dim1, dim2));

    protected override Tensor Vjp(Tensor gradient) => Structural.Apply(new DiagonalBackward(input, offset, dim1, dim2), gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(new DiagonalView(batch.Shape, offset, dim1 + 1, dim2 + 1), batch);

    /// <summary>Where the diagonal of a layout lies.</summary>
    public static Layout Of(Layout layout, long offset, int dim1, int dim2)
    {
        long rows = layout.Shape[dim1], columns = layout.Shape[dim2];
        long length = Math.Max(0, offset >= 0 ? Math.Min(rows, columns - offset) : Math.Min(rows + offset, columns));
        var sizes = new List<long>();
        var strides = new List<long>();
        for (int d = 0; d < layout.Rank; d++)
        {
            if (d != dim1 && d != dim2)
            {
                sizes.Add(layout.Shape[d]);
                strides.Add(layout.Strides[d]);
            }
        }

        long start = offset >= 0 ? offset * layout.Strides[dim2] : -offset * layout.Strides[dim1];
        return Layout.Strided(
            Shape.Own([.. sizes, length]), [.. strides, layout.Strides[dim1] + layout.Strides[dim2]], layout.Offset + (length == 0 ? 0 : start));
    }
}

/// <summary>Zeros with a diagonal filled; its own backward pass is the diagonal.</summary>
internal sealed class DiagonalBackward(Shape output, long offset, int dim1, int dim2, string name = "DiagonalBackward") : LinearOperation(name)
{
    protected override Tensor Forward(Tensor gradient)
    {
        var result = Tensor.Zeros(output, gradient.DType, gradient.Device);
        using var mode = GradMode.Set(false);
        result.View(DiagonalView.Of(result.Layout, offset, dim1, dim2)).Copy_(gradient);
        return result;
    }

    protected override Tensor Vjp(Tensor gradient) => gradient.Diagonal(offset, dim1, dim2);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(
        new DiagonalBackward(Shape.Own([batch.Shape[0], .. output.AsSpan()]), offset, dim1 + 1, dim2 + 1, Name), batch);
}

/// <summary>All windows of a dimension, whose elements become a new last dimension. Windows may overlap: the gradient is summed.</summary>
internal sealed class Unfolded(Shape input, int dim, long size, long step) : LinearOperation("Unfold")
{
    private long Windows => (input[dim] - size) / step + 1;

    protected override Tensor Forward(Tensor input)
    {
        var sizes = input.Shape.ToArray();
        var strides = input.Layout.Strides.ToArray();
        sizes[dim] = Windows;
        long along = strides[dim];
        strides[dim] *= step;
        return input.AsView(Layout.Strided(Shape.Own([.. sizes, size]), [.. strides, along], input.Layout.Offset));
    }

    protected override Tensor Vjp(Tensor gradient)
    {
        var shape = gradient.Shape.ToArray()[..^1];
        shape[dim] = Windows * size;
        var places = Tensor.IndexSequence(Shape.Own([Windows, size]), [step, 1], gradient.Device);
        var lines = gradient.MoveDim(-1, dim + 1).Reshape(shape);
        return Structural.Apply(new ScatteredSum(input, dim), lines, Tensor.Places(places, Shape.Own(shape), dim));
    }

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(new Unfolded(batch.Shape, dim + 1, size, step), batch);
}

/// <summary>
/// Any sizes and strides over the tensor's memory, from an offset relative to its own. The gradient goes to the memory, where it is summed, and from there to the
/// input's elements; where these share memory it is shared evenly.
/// </summary>
internal sealed class AsStridedView(Layout input, Shape sizes, long[] strides, long offset) : LinearOperation("AsStrided")
{
    protected override Tensor Forward(Tensor input)
    {
        long start = input.Layout.Offset + offset, last = start + Reach(sizes, strides);
        if (sizes.NumElements > 0 && (start < 0 || last >= input.Storage.Count))
        {
            throw new ShapeException(
                $"AsStrided: setStorage: sizes {sizes}, strides {Shape.Describe(strides)}, storage offset {start} requiring a storage size of {last + 1} elements "
                + $"are out of bounds for storage of size {input.Storage.Count}.");
        }

        return input.AsView(Layout.Strided(sizes, strides, start));
    }

    protected override Tensor Vjp(Tensor gradient)
    {
        long low = Math.Min(0, offset), count = Math.Max(Reach(input.Shape, input.Strides), offset + Reach(sizes, strides)) - low + 1;
        if (input.Count == 0 || sizes.NumElements == 0)
        {
            return Tensor.Zeros(input.Shape, gradient.DType, gradient.Device);
        }

        var memory = Shape.Own([count]);
        var written = Places(sizes, strides, offset - low, gradient.Device);
        var read = Places(input.Shape, input.Strides, -low, gradient.Device);
        var sums = Structural.Apply(new ScatteredSum(memory, 0), gradient.Reshape(sizes.NumElements), written);
        if (MayOverlap(input))
        {
            var ones = Tensor.Ones(Shape.Scalar, gradient.DType, gradient.Device).Expand(input.Count);
            sums /= Structural.Apply(new ScatteredSum(memory, 0), ones, read).Clamp(1);
        }

        return Structural.Apply(new Gathered("AsStridedBackward", memory, 0, input.Shape), sums, read);
    }

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(
        new AsStridedView(batch.Layout, Shape.Own([batch.Shape[0], .. sizes.AsSpan()]), [batch.Layout.Strides[0], .. strides], offset), batch);

    private static Tensor Places(Shape sizes, long[] strides, long start, Device device) =>
        (Tensor.IndexSequence(sizes, strides, device) + start).Reshape(sizes.NumElements);

    /// <summary>The distance of the last element from the first.</summary>
    private static long Reach(Shape sizes, long[] strides)
    {
        long reach = 0;
        for (int d = 0; d < sizes.Rank; d++)
        {
            reach += Math.Max(0, sizes[d] - 1) * strides[d];
        }

        return reach;
    }

    private static bool MayOverlap(Layout layout)
    {
        long reach = 0;
        foreach (int d in Enumerable.Range(0, layout.Rank).Where(d => layout.Shape[d] > 1).OrderBy(d => layout.Strides[d]))
        {
            if (layout.Strides[d] <= reach)
            {
                return true;
            }

            reach += (layout.Shape[d] - 1) * layout.Strides[d];
        }

        return false;
    }
}
