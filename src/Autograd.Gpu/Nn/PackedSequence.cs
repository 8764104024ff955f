namespace Autograd.Gpu.Nn;

/// <summary>
/// Sequences of different lengths without padding: step by step, the elements of all sequences that are long enough, longest first. Made by
/// <see cref="RnnUtils.PackPaddedSequence(Tensor, IReadOnlyList{long}, bool, bool)"/> or <see cref="RnnUtils.PackSequence"/>.
/// </summary>
public sealed class PackedSequence
{
    internal PackedSequence(Tensor data, long[] batchSizes, long[]? sortedIndices, long[]? unsortedIndices)
    {
        Data = data;
        BatchSizes = batchSizes;
        SortedIndices = sortedIndices;
        UnsortedIndices = unsortedIndices;
    }

    /// <summary>All elements, [sum of lengths, ...].</summary>
    public Tensor Data { get; }

    /// <summary>How many sequences have a first, a second, ... element; does not grow.</summary>
    public IReadOnlyList<long> BatchSizes { get; }

    /// <summary>For each sequence of the pack its place in the batch it was made of; null if these are the same.</summary>
    public IReadOnlyList<long>? SortedIndices { get; }

    /// <summary>For each place of the batch the sequence of the pack; null if these are the same.</summary>
    public IReadOnlyList<long>? UnsortedIndices { get; }

    /// <summary>The same with other elements: one row for each row of <see cref="Data"/>.</summary>
    /// <exception cref="ShapeException">There is not one row for each.</exception>
    public PackedSequence WithData(Tensor data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return data.Rank > 0 && data.Shape[0] == Data.Shape[0]
            ? new PackedSequence(data, [.. BatchSizes], Array(SortedIndices), Array(UnsortedIndices))
            : throw new ShapeException($"PackedSequence: expected data with {Data.Shape[0]} rows, but it has shape {data.Shape}.");
    }

    /// <summary>States of the batch's sequences along a dimension, in the order of the pack.</summary>
    internal Tensor Sorted(Tensor states, int dim) => Permuted(states, dim, SortedIndices);

    /// <summary>States of the pack's sequences along a dimension, in the order of the batch.</summary>
    internal Tensor Unsorted(Tensor states, int dim) => Permuted(states, dim, UnsortedIndices);

    private static Tensor Permuted(Tensor states, int dim, IReadOnlyList<long>? order) =>
        order is null ? states : states.IndexSelect(dim, Tensor.FromArray(Array(order)!, states.Device));

    private static long[]? Array(IReadOnlyList<long>? values) => values is null ? null : [.. values];
}
