namespace Autograd.Gpu.Transforms;

/// <summary>A function evaluated on all samples of a batch at once.</summary>
internal static class BatchMap
{
    /// <summary>
    /// Maps over dimension <paramref name="inDims"/>[i] of each input, null where all samples share it; output i gets the batch as dimension <paramref name="outDims"/>[i].
    /// </summary>
    public static Tensor[] Run(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<Tensor> inputs,
        IReadOnlyList<int?> inDims,
        IReadOnlyList<int>? outDims,
        VmapRandomness randomness,
        long? chunkSize)
    {
        ArgumentNullException.ThrowIfNull(function);
        var batches = Batches(inputs, inDims, out long size);
        if (chunkSize is <= 0)
        {
            throw new ArgumentException($"Vmap: Chunk size must be greater than 0, but it is {chunkSize}.");
        }

        var results = chunkSize is { } chunk && chunk < size
            ? RunChunks(function, inputs, batches, inDims, size, chunk, randomness)
            : RunOnce(function, inputs, batches, size, randomness);
        if (outDims is not null && outDims.Count != results.Length)
        {
            throw new ShapeException($"Vmap: out_dims has {outDims.Count} entries, but the function returned {results.Length} tensors. Give one for each.");
        }

        for (int i = 0; i < results.Length; i++)
        {
            int dim = Shape.WrapDim(outDims?[i] ?? 0, results[i].Rank, "Vmap");
            results[i] = results[i].MoveDim(0, dim);
        }

        return results;
    }

    /// <summary>The mapped inputs with the batch as their first dimension; null for the others.</summary>
    private static Tensor?[] Batches(IReadOnlyList<Tensor> inputs, IReadOnlyList<int?> inDims, out long size)
    {
        if (inputs.Count != inDims.Count)
        {
            throw new ShapeException($"Vmap: in_dims has {inDims.Count} entries, but {inputs.Count} inputs were given. Give one for each, null for an input that all samples share.");
        }

        size = -1;
        var batches = new Tensor?[inputs.Count];
        for (int i = 0; i < batches.Length; i++)
        {
            if (inDims[i] is not { } dim)
            {
                continue;
            }

            if (inputs[i].Rank == 0 || dim < -inputs[i].Rank || dim >= inputs[i].Rank)
            {
                throw new ShapeException(
                    $"Vmap: Got in_dim={dim} for input {i} of shape {inputs[i].Shape}, but in_dim must satisfy {-inputs[i].Rank} <= in_dim < {inputs[i].Rank}. "
                    + "Use null for an input that all samples share.");
            }

            batches[i] = inputs[i].MoveDim(dim, 0);
            if (size >= 0 && size != batches[i]!.Shape[0])
            {
                throw new ShapeException(
                    "Vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                    + $"[{string.Join(", ", inputs.Zip(inDims).Where(p => p.Second is not null).Select(p => p.First.Shape[p.Second!.Value]))}] for the mapped dimension. "
                    + "An input that is the same for all samples has the dim null.");
            }

            size = batches[i]!.Shape[0];
        }

        return size >= 0 ? batches : throw new ShapeException("Vmap: in_dims names no dimension of any input, so there is nothing to map over. At least one must not be null.");
    }

    private static Tensor[] RunOnce(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs, Tensor?[] batches, long size, VmapRandomness randomness)
    {
        using var level = new BatchLevel(size, randomness);
        var samples = new Tensor[batches.Length];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = batches[i] is { } batch ? level.Wrap(batch) : inputs[i];
        }

        var outputs = function(samples);
        var results = new Tensor[outputs.Count];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = level.Batch(Level.WithoutClosed(outputs[i]));
        }

        return results;
    }

    private static Tensor[] RunChunks(
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function,
        IReadOnlyList<Tensor> inputs,
        Tensor?[] batches,
        IReadOnlyList<int?> inDims,
        long size,
        long chunk,
        VmapRandomness randomness)
    {
        var pieces = new List<Tensor[]>();
        for (long start = 0; start < size; start += chunk)
        {
            long length = Math.Min(chunk, size - start);
            var part = Array.ConvertAll(batches, b => b?.Narrow(0, start, length));
            pieces.Add(RunOnce(function, inputs, part, length, randomness));
        }

        return [.. Enumerable.Range(0, pieces[0].Length).Select(i => Tensor.Cat([.. pieces.Select(p => p[i])]))];
    }
}
