using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// A tensor with the elements of one of its views replaced: the inputs are the tensor and the new elements. The view is given by the operations that lead to
/// it; <paramref name="order"/> names the dimensions in the order of descending strides of the tensor that it was made of, null for a contiguous one; the first
/// <paramref name="batches"/> dimensions of both inputs are those of batches.
/// </summary>
internal sealed class ViewScatter(IReplayable[] path, int[]? order, int batches) : StructuralOperation("ViewScatter")
{
    public static ViewScatter Of(IReplayable[] path, Layout layout) => new(
        path, layout.IsContiguous ? null : [.. Enumerable.Range(0, layout.Rank).OrderByDescending(d => layout.Strides[d])], 0);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var result = OwnCopy(inputs[0]);
        var part = Part(result, batches);
        if (!ReferenceEquals(part.Storage, result.Storage))
        {
            throw new GradientException(
                $"{Name}: the part of shape {part.Shape} is no view of a tensor of shape {result.Shape} and strides {Shape.Describe(result.Strides)}. Write to a Clone() instead of the view.");
        }

        part.Copy_(inputs[1]);
        return Tensor.FromPieces(result, result.Layout);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var part = Part(gradient, batches);
        if (needs[0])
        {
            inputGradients[0] = Structural.Apply(this, gradient, Tensor.ZerosLike(part));
        }

        inputGradients[1] = part;
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => tangents[0] is null && tangents[1] is null
        ? null
        : Structural.Apply(this, tangents[0] ?? Tensor.ZerosLike(inputs[0]), tangents[1] ?? Tensor.ZerosLike(inputs[1]));

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new ViewScatter(path, order, batches + 1), inputs.Repeated(0), inputs.Repeated(1));

    /// <summary>The view of another tensor, batch dimensions in front.</summary>
    private Tensor Part(Tensor tensor, int batchDims)
    {
        if (batchDims == 0)
        {
            return ViewInfo.Replay(path, tensor);
        }

        using var level = new BatchLevel(tensor.Shape[0], VmapRandomness.Error);
        return level.Unwrap(Part(level.Wrap(tensor), batchDims - 1));
    }

    /// <summary>A copy whose strides are in the same order as those of the tensor that the view was made of, so that the operations make views of it too.</summary>
    private Tensor OwnCopy(Tensor tensor)
    {
        if (order is null)
        {
            return tensor.ShareValue();
        }

        int[] permutation = [.. Enumerable.Range(0, batches), .. order.Select(d => d + batches)];
        var inverse = new int[permutation.Length];
        for (int d = 0; d < inverse.Length; d++)
        {
            inverse[permutation[d]] = d;
        }

        return tensor.Permute(permutation).ShareValue().Permute(inverse);
    }
}
