using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Transforms;

/// <summary>
/// One backward pass for many gradients of the same outputs, what <c>is_grads_batched</c> of <c>torch.autograd.grad</c> asks for: each gradient has the batch as its
/// first dimension, and so has each result.
/// </summary>
internal static class BatchedGradients
{
    /// <summary>
    /// As <see cref="Engine.Run(BackwardRequest)"/> with captures; null where nothing arrived.
    /// </summary>
    /// <exception cref="ShapeException">A gradient has not its output's shape behind the batch, or the batches differ in size.</exception>
    public static Tensor?[] Run(
        string operation, IReadOnlyList<Edge> roots, IReadOnlyList<Tensor> gradients, IReadOnlyList<Edge> captures, bool keepGraph, bool createGraph)
    {
        long size = SizeOf(operation, roots, gradients);
        using var level = new BatchLevel(size, VmapRandomness.Error);
        var seeds = new Tensor[gradients.Count];
        for (int i = 0; i < seeds.Length; i++)
        {
            seeds[i] = level.Wrap(gradients[i]);
        }

        var found = Engine.Run(new BackwardRequest(roots, seeds, captures, Captures: true, keepGraph, createGraph));
        var results = new Tensor?[found.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = found[i] is { } gradient ? level.Batch(Level.WithoutClosed(gradient)) : null;
        }

        return results;
    }

    private static long SizeOf(string operation, IReadOnlyList<Edge> roots, IReadOnlyList<Tensor> gradients)
    {
        for (int i = 0; i < gradients.Count; i++)
        {
            var (gradient, output) = (gradients[i].Shape, roots[i].Function!.OutputOf(roots[i].OutputNumber).Shape);
            if (gradient.Rank != output.Rank + 1 || !gradient.AsSpan()[1..].SequenceEqual(output.AsSpan()))
            {
                throw new ShapeException(
                    $"{operation}: If isGradsBatched is true (is_grads_batched=True), we interpret the first dimension of each grad_output as the batch dimension. The sizes of the remaining "
                    + "dimensions are expected to match the shape of corresponding output, but a mismatch was detected: "
                    + $"grad_output[{i}] has a shape of {gradient} and output[{i}] has a shape of {output}.");
            }

            if (gradient[0] != gradients[0].Shape[0])
            {
                throw new ShapeException(
                    $"{operation}: Expected all tensors to have the same size in the mapped dimension, got sizes [{string.Join(", ", gradients.Select(g => g.Shape[0]))}] "
                    + "for the first dimensions of the gradients.");
            }
        }

        return gradients.Count > 0 ? gradients[0].Shape[0] : throw new GradientException($"{operation}: there is no gradient to take the size of the batch from. Give one.");
    }
}
