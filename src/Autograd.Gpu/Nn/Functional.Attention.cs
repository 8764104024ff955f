using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    private const string Sdpa = "ScaledDotProductAttention";

    /// <summary>
    /// softmax(scale q k^T + mask) v for each query, for q of shape [.., l, e], k [.., s, e] and v [.., s, f]; leading dimensions broadcast. The matrix of scores,
    /// l x s for each head, is never held, forward or backward; a strided operand (heads that a permutation split off) is read where it lies.
    /// A query that no key may answer gives zeros.
    /// </summary>
    /// <param name="query">q, float.</param>
    /// <param name="key">k, of the same dtype.</param>
    /// <param name="value">v, of the same dtype.</param>
    /// <param name="attnMask">
    /// Broadcasts to [.., l, s]: bool, where true takes part, or of q's dtype, which is added to the scores. A mask that requires a gradient, or that a function
    /// transform wraps, has the scores computed as a whole.
    /// </param>
    /// <param name="dropoutP">The share of weights that become 0; the others are divided by what is left of 1. Not to be given when evaluating.</param>
    /// <param name="isCausal">Whether query i sees keys 0 to i alone.</param>
    /// <param name="scale">What scores are multiplied by; 1 / sqrt(e) if null.</param>
    /// <param name="enableGqa">Whether q may have a multiple of the heads (third dimension from the end) of k and v, each of which then answers several.</param>
    /// <exception cref="ShapeException">Sizes do not fit together.</exception>
    /// <exception cref="DTypeException">Dtypes differ or are no floats, or the mask is neither bool nor of q's dtype.</exception>
    /// <exception cref="DeviceMismatchException">Devices differ.</exception>
    /// <exception cref="ArgumentException">A probability outside of [0, 1], or both a mask and <paramref name="isCausal"/>.</exception>
    public static Tensor ScaledDotProductAttention(
        Tensor query, Tensor key, Tensor value, Tensor? attnMask = null, double dropoutP = 0, bool isCausal = false, double? scale = null, bool enableGqa = false)
    {
        CheckAttention(query, key, value, attnMask, dropoutP, isCausal);
        if (enableGqa)
        {
            var grouped = Grouped(ref query, ref key, ref value, ref attnMask);
            if (grouped > 1)
            {
                return Attend(query, key, value, attnMask, dropoutP, isCausal, scale).Flatten(-4, -3);
            }
        }

        return Attend(query, key, value, attnMask, dropoutP, isCausal, scale);
    }

    private static Tensor Attend(Tensor query, Tensor key, Tensor value, Tensor? mask, double dropout, bool isCausal, double? scale)
    {
        if (!HasLeading(key, query) || !HasLeading(value, query))
        {
            var common = Shape.Broadcast(Shape.Broadcast(Leading(query), Leading(key), Sdpa), Leading(value), Sdpa);
            (query, key, value) = (Expanded(query, common), Expanded(key, common), Expanded(value, common));
        }

        var lead = query.Shape.AsSpan()[..^2];
        if (mask is not null)
        {
            Shape scores = [.. lead, query.Shape[-2], key.Shape[-2]];
            if (Shape.Broadcast(mask.Shape, scores, Sdpa) != scores)
            {
                throw new ShapeException($"{Sdpa}: a mask of shape {mask.Shape} does not broadcast to the scores' shape {scores}. Give it [.., l, s].");
            }
        }

        // Kernels take three leading dimensions.
        int extra = lead.Length - AttentionOperands.MaxLeading, scoresRank = query.Rank;
        if (extra > 0)
        {
            (query, key, value) = (query.Flatten(0, extra), key.Flatten(0, extra), value.Flatten(0, extra));
            mask = mask is null || mask.Rank < scoresRank - extra ? mask : mask.Expand([.. lead, mask.Shape[-2], mask.Shape[-1]]).Flatten(0, extra);
        }

        var output = Fused(query, key, value, mask, dropout, isCausal, scale ?? 1 / Math.Sqrt(query.Shape[-1]));
        return extra > 0 ? output.Unflatten(0, lead[..(extra + 1)]) : output;
    }

    private static Tensor Fused(Tensor query, Tensor key, Tensor value, Tensor? mask, double dropout, bool isCausal, double scale)
    {
        var options = new AttentionOptions(scale, isCausal, dropout, 0, 0, 0);
        bool drawsForEach = dropout > 0 && DrawsForEachSample();
        if (drawsForEach || mask is not null && (mask.Wrapper is not null || mask.RequiresGrad && GradMode.IsEnabled))
        {
            return Unfused(query, key, value, mask, options);
        }

        mask = mask is null || mask.DType == DType.Bool ? mask?.ShareValue() : mask.Detach().To(mask.DType.ComputeType()).ShareValue();
        if (dropout > 0)
        {
            long numbers = Leading(query).NumElements * query.Shape[-2] * AttentionOptions.StreamRow(key.Shape[-2]);
            ulong offset = query.Device.Generator.Reserve((ulong)(numbers / 4), out ulong seed);
            options = options with { Seed = seed, Offset = offset };
        }

        return Attention.Apply(options, mask, query, key, value);
    }

    /// <summary>The formula with the whole matrix of scores, for a mask with a gradient and for random numbers that a transform gives to each sample.</summary>
    private static Tensor Unfused(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options)
    {
        var dtype = query.DType;
        Shape scores = [.. query.Shape.AsSpan()[..^1], key.Shape[-2]];
        var uniform = options.Dropout > 0 ? Tensor.Rand(scores, DType.Float32, query.Device) : null;
        var formula = new AttentionFormula(AttentionFormula.Real(query), AttentionFormula.Real(key), mask, options, uniform);
        return formula.Dropped.MatMul(AttentionFormula.Real(value)).To(dtype);
    }

    /// <summary>Whether a map over a batch wants random numbers of each sample's own, or none.</summary>
    private static bool DrawsForEachSample()
    {
        var level = Level.Current;
        while (level is not (null or BatchLevel { Randomness: not VmapRandomness.Same }))
        {
            level = level.Outer;
        }

        return level is not null;
    }

    /// <summary>Cuts the heads of q into groups that share a head of k and v; returns how many share one.</summary>
    private static long Grouped(ref Tensor query, ref Tensor key, ref Tensor value, ref Tensor? mask)
    {
        long heads = query.Rank > 2 ? query.Shape[-3] : 1, keyHeads = key.Rank > 2 ? key.Shape[-3] : 1, valueHeads = value.Rank > 2 ? value.Shape[-3] : 1;
        if (query.Rank < 3 || key.Rank < 3 || value.Rank < 3 || keyHeads == 0 || heads % keyHeads != 0 || keyHeads != valueHeads)
        {
            throw new ShapeException(
                $"{Sdpa}: with enableGqa the number of heads in key and value must divide the number of heads in query, but they are {keyHeads}, {valueHeads} "
                + $"and {heads} (shapes {key.Shape}, {value.Shape} and {query.Shape}).");
        }

        long group = heads / keyHeads;
        if (group > 1)
        {
            (query, key, value) = (query.Unflatten(-3, keyHeads, group), key.Unsqueeze(-3), value.Unsqueeze(-3));
            if (mask is { Rank: > 2 })
            {
                mask = mask.Shape[-3] == 1 ? mask.Unsqueeze(-3) : mask.Unflatten(-3, keyHeads, group);
            }
        }

        return group;
    }

    private static bool HasLeading(Tensor tensor, Tensor other) => tensor.Shape.AsSpan()[..^2].SequenceEqual(other.Shape.AsSpan()[..^2]);

    private static Shape Leading(Tensor tensor) => [.. tensor.Shape.AsSpan()[..^2]];

    private static Tensor Expanded(Tensor tensor, Shape lead)
    {
        Shape shape = [.. lead, tensor.Shape[-2], tensor.Shape[-1]];
        return tensor.Shape == shape ? tensor : tensor.Expand(shape);
    }

    private static void CheckAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, double dropout, bool isCausal)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        ReadOnlySpan<Tensor?> others = [key, value, mask];
        foreach (var other in others)
        {
            if (other is not null && other.Device != query.Device)
            {
                throw new DeviceMismatchException(
                    $"{Sdpa}: Expected all tensors to be on the same device, but found at least two devices, {query.Device} and {other.Device}. Move one with To(device).");
            }
        }

        if (query.DType != key.DType || query.DType != value.DType || !query.DType.IsFloatingPoint())
        {
            throw new DTypeException(
                $"{Sdpa}: Expected query, key, and value to have the same dtype, a floating-point one, but got query.dtype: {query.DType.Name()} "
                + $"key.dtype: {key.DType.Name()} and value.dtype: {value.DType.Name()} instead. Convert with To(dtype).");
        }

        if (query.Rank < 2 || key.Rank < 2 || value.Rank < 2)
        {
            throw new ShapeException(
                $"{Sdpa}: Expected query, key, and value to all be at least 2 dimensional, but got query.dim: {query.Rank}, key.dim: {key.Rank} and "
                + $"value.dim: {value.Rank} instead. Unsqueeze them.");
        }

        if (query.Shape[-1] != key.Shape[-1] || key.Shape[-2] != value.Shape[-2])
        {
            throw new ShapeException(
                $"{Sdpa}: expected query [.., l, e], key [.., s, e] and value [.., s, f], but got {query.Shape}, {key.Shape} and {value.Shape}: the last sizes of "
                + "query and key must be equal, and the next-to-last sizes of key and value.");
        }

        if (mask is not null && mask.DType != DType.Bool && mask.DType != query.DType)
        {
            throw new DTypeException(
                $"{Sdpa}: Expected attn_mask dtype to be bool or to match query dtype, but got attn_mask.dtype: {mask.DType.Name()} and query.dtype: "
                + $"{query.DType.Name()} instead. Convert it with To(dtype).");
        }

        if (mask is not null && isCausal)
        {
            throw new ArgumentException($"{Sdpa}: Explicit attn_mask should not be set when is_causal=True: give one of the two, or put both into the mask.");
        }

        if (!(dropout >= 0 && dropout <= 1))
        {
            throw new ArgumentException($"{Sdpa}: dropout probability has to be between 0 and 1, but got {dropout}.");
        }
    }
}
