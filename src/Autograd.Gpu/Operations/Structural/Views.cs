using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>Other sizes for the same elements in the same order: a view where the strides allow it, otherwise a copy.</summary>
internal sealed class Reshaped(Shape input, Shape output, string name = "View") : LinearOperation(name)
{
    protected override Tensor Forward(Tensor input) => input.Layout.Reshape(output) is { } layout
        ? input.AsView(layout)
        : Tensor.FromPieces(input.ShareValue(), Layout.Contiguous(output));

    protected override Tensor Vjp(Tensor gradient) => gradient.Reshape(input);

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.Reshape([batch.Shape[0], .. output.AsSpan()]);
}

/// <summary>The same elements as another view.</summary>
internal sealed class Aliased() : LinearOperation("Alias")
{
    public static Aliased Instance { get; } = new();

    protected override Tensor Forward(Tensor input) => input.AsView(input.Layout);

    protected override Tensor Vjp(Tensor gradient) => gradient;

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(this, batch);
}

/// <summary>A new dimension of size 1.</summary>
internal sealed class Unsqueezed(int dim) : LinearOperation("Unsqueeze")
{
    protected override Tensor Forward(Tensor input)
    {
        var sizes = new long[input.Rank + 1];
        var strides = new long[input.Rank + 1];
        for (int d = 0; d < sizes.Length; d++)
        {
            int from = d < dim ? d : d - 1;
            sizes[d] = d == dim ? 1 : input.Shape[from];
            strides[d] = d != dim ? input.Layout.Strides[from] : d < input.Rank ? input.Shape[d] * input.Layout.Strides[d] : 1;
        }

        return input.AsView(Layout.Strided(Shape.Own(sizes), strides, input.Layout.Offset));
    }

    protected override Tensor Vjp(Tensor gradient) => gradient.Squeeze(dim);

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.Unsqueeze(dim + 1);
}

/// <summary>Only the dimensions <paramref name="kept"/>, the others having size 1.</summary>
internal sealed class Squeezed(Shape input, int[] kept) : LinearOperation("Squeeze")
{
    protected override Tensor Forward(Tensor input) => input.AsView(Layout.Strided(
        Shape.Own(Array.ConvertAll(kept, d => input.Shape[d])), Array.ConvertAll(kept, d => input.Layout.Strides[d]), input.Layout.Offset));

    protected override Tensor Vjp(Tensor gradient) => gradient.Reshape(input);

    protected override Tensor Batch(Tensor batch, Tensor sample) =>
        Structural.Apply(new Squeezed(batch.Shape, [0, .. kept.Select(d => d + 1)]), batch);
}

/// <summary>Dimensions in another order.</summary>
internal sealed class Permuted(int[] order) : LinearOperation("Permute")
{
    protected override Tensor Forward(Tensor input)
    {
        var sizes = new long[order.Length];
        var strides = new long[order.Length];
        for (int d = 0; d < order.Length; d++)
        {
            sizes[d] = input.Shape[order[d]];
            strides[d] = input.Layout.Strides[order[d]];
        }

        return input.AsView(Layout.Strided(Shape.Own(sizes), strides, input.Layout.Offset));
    }

    protected override Tensor Vjp(Tensor gradient)
    {
        var inverse = new int[order.Length];
        for (int d = 0; d < order.Length; d++)
        {
            inverse[order[d]] = d;
        }

        return gradient.Permute(inverse);
    }

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.Permute([0, .. order.Select(d => d + 1)]);
}

/// <summary>Two dimensions exchanged.</summary>
internal sealed class Transposed(int dim0, int dim1) : LinearOperation("Transpose")
{
    /// <summary>That of a matrix, whose dimensions are exchanged whichever comes first.</summary>
    public static Transposed OfMatrix { get; } = new(0, 1);

    protected override Tensor Forward(Tensor input) => input.AsView(input.Layout.Transpose(dim0, dim1));

    protected override Tensor Vjp(Tensor gradient) => gradient.Transpose(dim0, dim1);

    protected override Tensor Batch(Tensor batch, Tensor sample) => batch.Transpose(dim0 + 1, dim1 + 1);
}

/// <summary>Dimensions repeated. The engine sums the gradient to the input's shape: see Note [Un-broadcasting].</summary>
internal sealed class Expanded(Shape output) : LinearOperation("Expand")
{
    protected override Tensor Forward(Tensor input) => input.AsView(input.Layout.Expand(output));

    protected override Tensor Vjp(Tensor gradient) => gradient;

    protected override Tensor Batch(Tensor batch, Tensor sample)
    {
        // New dimensions come between the batch and those that are there.
        var sizes = new long[output.Rank + 1];
        Array.Fill(sizes, 1);
        sizes[0] = batch.Shape[0];
        sample.Shape.AsSpan().CopyTo(sizes.AsSpan(sizes.Length - sample.Rank));
        return batch.Reshape(sizes).Expand([batch.Shape[0], .. output.AsSpan()]);
    }
}

/// <summary>Every <paramref name="step"/>-th element of a dimension from <paramref name="start"/> on.</summary>
internal sealed class Slice(Shape input, int dim, long start, long step, long length) : LinearOperation("Slice")
{
    protected override Tensor Forward(Tensor input) => input.AsView(Of(input.Layout, dim, start, step, length));

    /// <summary>The layout of the elements.</summary>
    public static Layout Of(Layout layout, int dim, long start, long step, long length)
    {
        var sizes = layout.Shape.ToArray();
        var strides = layout.Strides.ToArray();
        sizes[dim] = length;
        long offset = layout.Offset + (length == 0 ? 0 : start * strides[dim]);
        strides[dim] *= step;
        return Layout.Strided(Shape.Own(sizes), strides, offset);
    }

    protected override Tensor Vjp(Tensor gradient) => Structural.Apply(new SliceBackward(input, dim, start, step, length), gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(new Slice(batch.Shape, dim + 1, start, step, length), batch);
}

/// <summary>The elements of a dimension at one index, without the dimension.</summary>
internal sealed class SelectedIndex(Shape input, int dim, long index) : LinearOperation("Select")
{
    protected override Tensor Forward(Tensor input)
    {
        var sizes = input.Shape.AsSpan();
        var strides = input.Layout.Strides;
        return input.AsView(Layout.Strided(
            Shape.Own([.. sizes[..dim], .. sizes[(dim + 1)..]]), [.. strides[..dim], .. strides[(dim + 1)..]], input.Layout.Offset + index * strides[dim]));
    }

    protected override Tensor Vjp(Tensor gradient) => Structural.Apply(new SliceBackward(input, dim, index, 1, 1), gradient.Unsqueeze(dim));

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(new SelectedIndex(batch.Shape, dim + 1, index), batch);
}

/// <summary>One of the parts that a function cuts a tensor into; see <see cref="SplitNode"/>.</summary>
internal sealed class PartOf(string name, int output, Shape input, int dim, long start, long length, bool dropsDim) : LinearOperation(name), IMultiOutput
{
    public int OutputNumber => output;

    protected override Tensor Forward(Tensor input)
    {
        var sizes = input.Shape.ToArray();
        var strides = input.Layout.Strides.ToArray();
        sizes[dim] = length;
        long offset = input.Layout.Offset + (length == 0 ? 0 : start * strides[dim]);
        return input.AsView(dropsDim
            ? Layout.Strided(Shape.Own(Without(sizes)), Without(strides), offset)
            : Layout.Strided(Shape.Own(sizes), strides, offset));
    }

    protected override Tensor Vjp(Tensor gradient) =>
        Structural.Apply(new SliceBackward(input, dim, start, 1, length), dropsDim ? gradient.Unsqueeze(dim) : gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) =>
        Structural.Apply(new PartOf(Name, output, batch.Shape, dim + 1, start, length, dropsDim), batch);

    private long[] Without(long[] values) => [.. values[..dim], .. values[(dim + 1)..]];
}

/// <summary>Zeros with a slice filled: what the backward pass of a slice computes. Its own is the slice.</summary>
internal sealed class SliceBackward(Shape input, int dim, long start, long step, long length) : LinearOperation("SliceBackward")
{
    protected override Tensor Forward(Tensor gradient)
    {
        var result = Tensor.Zeros(input, gradient.DType, gradient.Device);
        using var mode = GradMode.Set(false);
        result.View(Slice.Of(result.Layout, dim, start, step, length)).Copy_(gradient);
        return result;
    }

    protected override Tensor Vjp(Tensor gradient) => gradient.Sliced(dim, start, step, length);

    protected override Tensor Batch(Tensor batch, Tensor sample) =>
        Structural.Apply(new SliceBackward(Shape.Own([batch.Shape[0], .. input.AsSpan()]), dim + 1, start, step, length), batch);
}

/// <summary>Tensors one after the other along a dimension.</summary>
internal sealed class Concatenated(int dim, long[] lengths, DType dtype) : StructuralOperation("Cat")
{
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var sizes = inputs[0].Shape.ToArray();
        sizes[dim] = lengths.Sum();
        var device = inputs[0].Device;
        var buffer = Fuser.NewBuffer(device, dtype, Layout.Contiguous(Shape.Own(sizes)));
        var joined = device.IsHost ? Join(inputs, buffer) : null;
        var result = Tensor.FromNewBuffer(device, buffer);
        using (GradMode.Set(false))
        {
            long start = 0;
            for (int i = 0; i < lengths.Length; i++)
            {
                if (inputs[i].NumElements > 0 && joined?[i].Buffer is null)
                {
                    // A piece lets go of the memory, so that it goes back when the result does.
                    var piece = result.Sliced(dim, start, 1, lengths[i]);
                    piece.Copy_(inputs[i]);
                    if (!ReferenceEquals(piece, result))
                    {
                        piece.Dispose();
                    }
                }

                start += lengths[i];
            }
        }

        // The pieces were written one by one; for the tape this is one operation on a value that nobody has seen before.
        return Tensor.FromPieces(result, result.Layout);
    }

    /// <summary>Copies what lies in memory as the result needs it, in one pass. What is pending or of another dtype is left to be computed into its place.</summary>
    /// <returns>The pieces, those that were left without a buffer; null if nothing was done.</returns>
    private RowPiece[]? Join(ReadOnlySpan<Tensor> inputs, BufferExpression result)
    {
        var pieces = new RowPiece[inputs.Length];
        using (result.Block.Device.Gate.Enter())
        {
            long rows = 0, start = 0;
            bool any = false;
            for (int i = 0; i < pieces.Length; i++)
            {
                var (outer, length, inner) = Lines.Of(inputs[i].Shape, dim);
                if (inputs[i].NumElements > 0 && inputs[i].DType == dtype && !inputs[i].Storage.IsPending)
                {
                    var layout = inputs[i].Layout.IsContiguous ? inputs[i].Layout : inputs[i].Layout.Reshape(Shape.Own([outer, length * inner]));
                    if (layout is not null && (layout.IsContiguous || layout.Stride(1) == 1 || length * inner == 1))
                    {
                        pieces[i] = new RowPiece(inputs[i].StridedBuffer().WithLayout(layout), layout.IsContiguous ? length * inner : layout.Stride(0), start, length * inner);
                        any = true;
                    }
                }

                rows = outer;
                start += length * inner;
            }

            return any && Executor.Of(result.Block.Device).TryJoin(pieces, result, rows) ? pieces : null;
        }
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        long start = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (needs[i])
            {
                inputGradients[i] = gradient.Sliced(dim, start, 1, lengths[i]);
            }

            start += lengths[i];
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var pieces = new Tensor[inputs.Length];
        bool any = false;
        for (int i = 0; i < pieces.Length; i++)
        {
            any |= tangents[i] is not null;
            pieces[i] = tangents[i] ?? Tensor.ZerosLike(inputs[i]);
        }

        return any ? Structural.Apply(this, pieces) : null;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        var pieces = new Tensor[inputs.Count];
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = inputs.Repeated(i);
        }

        return Structural.Apply(new Concatenated(dim + 1, lengths, dtype), pieces);
    }
}
