using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// Rows of a table, as <see cref="Gathered"/> reads them, with the gradient that embeddings have: none for the padding row, and, if asked for, each
/// contribution divided by how often its row was looked up. As in PyTorch the tangent is that of plain rows.
/// </summary>
/// <param name="weight">The table's shape.</param>
/// <param name="dim">The dimension of the rows' numbers: 0, or further in inside a batch.</param>
/// <param name="result">The result's shape.</param>
/// <param name="padding">The row without gradient.</param>
/// <param name="byFrequency">Whether gradients are divided by the number of look-ups.</param>
internal sealed class EmbeddingRows(Shape weight, int dim, Shape result, long? padding, bool byFrequency) : StructuralOperation("Embedding")
{
    private readonly Gathered _rows = new("Embedding", weight, dim, result);

    public override Saves Saves => Saves.Input1;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) => _rows.Forward(inputs);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var index = saved.Input1;
        inputGradients[0] = Structural.Apply(new ScatteredSum(weight, dim), Weighed(gradient.Reshape(index.Shape), index), index);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(this, tangent, inputs[1]) : null;

    public override Tensor Batch(BatchInputs inputs)
    {
        var (table, index) = (inputs.Repeated(0), inputs.Repeated(1));
        var batch = new EmbeddingRows(table.Shape, dim + 1, Shape.Own([inputs.Size, .. result.AsSpan()]), padding, byFrequency);
        return Structural.Apply(batch, table, index);
    }

    private Tensor Weighed(Tensor gradient, Tensor index)
    {
        if (gradient.NumElements == 0)
        {
            return gradient;
        }

        if (byFrequency)
        {
            // All columns of a row have one index.
            var row = index.Narrow(-1, 0, 1);
            var ones = Tensor.Ones(Shape.Scalar, gradient.DType.ComputeType(), gradient.Device).Expand(row.Shape);
            var counts = Structural.Apply(new ScatteredSum(Shape.Own([.. weight.AsSpan()[..^1], 1]), dim), ones, row);
            gradient = (gradient / counts.Gather(dim, row)).To(gradient.DType);
        }

        return padding is { } skipped ? gradient.MaskedFill(index == skipped, 0) : gradient;
    }
}
