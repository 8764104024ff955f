using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>
/// Attention of several heads (A. Vaswani and others, Attention is all you need, 2017): projections of query, key and value are cut into heads, each attends by itself
/// (<see cref="Functional.ScaledDotProductAttention"/>), and a projection of the heads side by side is the output. Parameters, names and start values as in PyTorch.
/// </summary>
public sealed class MultiheadAttention : Module
{
    private readonly long _embedDim;
    private readonly long _numHeads;
    private readonly double _dropout;
    private readonly bool _batchFirst;
    private readonly Parameter? _inWeight;
    private readonly Parameter? _queryWeight;
    private readonly Parameter? _keyWeight;
    private readonly Parameter? _valueWeight;
    private readonly Parameter? _inBias;
    private readonly Projection _out;

    /// <summary>Makes the layer.</summary>
    /// <param name="embedDim">The size of queries and of the output.</param>
    /// <param name="numHeads">How many heads; divides <paramref name="embedDim"/>.</param>
    /// <param name="dropout">The share of attention weights dropped while training.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <param name="kdim">The size of keys, if another.</param>
    /// <param name="vdim">The size of values, if another.</param>
    /// <param name="batchFirst">Whether tensors are [n, length, size] and not [length, n, size].</param>
    /// <param name="dtype">The type of the parameters.</param>
    /// <param name="device">Where they live.</param>
    /// <exception cref="ArgumentException">A size is not positive, the heads do not divide the size, or the dropout is no probability.</exception>
    public MultiheadAttention(
        long embedDim, long numHeads, double dropout = 0, bool bias = true, long? kdim = null, long? vdim = null, bool batchFirst = false,
        DType dtype = DType.Float32, Device? device = null)
    {
        if (embedDim <= 0 || numHeads <= 0 || embedDim % numHeads != 0)
        {
            throw new ArgumentException(
                $"MultiheadAttention: embedDim must be divisible by numHeads, and both positive, but got embedDim = {embedDim} and numHeads = {numHeads}.");
        }

        if (!(dropout >= 0 && dropout <= 1))
        {
            throw new ArgumentException($"MultiheadAttention: dropout probability has to be between 0 and 1, but got {dropout}.");
        }

        (_embedDim, _numHeads, _dropout, _batchFirst) = (embedDim, numHeads, dropout, batchFirst);
        if ((kdim ?? embedDim) == embedDim && (vdim ?? embedDim) == embedDim)
        {
            _inWeight = Register("in_proj_weight", Xavier(3 * embedDim, embedDim, dtype, device));
        }
        else
        {
            _queryWeight = Register("q_proj_weight", Xavier(embedDim, embedDim, dtype, device));
            _keyWeight = Register("k_proj_weight", Xavier(embedDim, kdim ?? embedDim, dtype, device));
            _valueWeight = Register("v_proj_weight", Xavier(embedDim, vdim ?? embedDim, dtype, device));
        }

        _inBias = bias ? Register("in_proj_bias", Tensor.Zeros([3 * embedDim], dtype, device).Materialize()) : null;
        _out = Register("out_proj", new Projection(embedDim, bias, dtype, device));
    }

    /// <summary>Attention of the input to itself.</summary>
    public override Tensor Forward(Tensor input) => Forward(input, input, input, needWeights: false).Output;

    /// <summary>Attention of queries [l, n, size] (or [n, l, size], or [l, size]) to keys and values [s, n, size].</summary>
    /// <param name="query">Queries.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="keyPaddingMask">[n, s] (or [s]): bool, where true leaves a key out (the other way round than in ScaledDotProductAttention, as in PyTorch), or added.</param>
    /// <param name="needWeights">Whether the weights are wanted, which takes the whole matrix of scores.</param>
    /// <param name="attnMask">[l, s] or [n heads, l, s]: bool, where true leaves out, or added to the scores.</param>
    /// <param name="averageAttnWeights">Whether the weights are averaged over the heads: [n, l, s] and not [n, heads, l, s].</param>
    /// <param name="isCausal">Whether query i sees keys 0 to i alone, besides what the masks say.</param>
    /// <returns>The output in the shape of the queries, and the weights if they are wanted.</returns>
    /// <exception cref="ShapeException">Shapes do not fit.</exception>
    /// <exception cref="DTypeException">Dtypes differ, or a mask has another than bool or that of the queries.</exception>
    public (Tensor Output, Tensor? Weights) Forward(
        Tensor query, Tensor key, Tensor value, Tensor? keyPaddingMask = null, bool needWeights = true, Tensor? attnMask = null, bool averageAttnWeights = true,
        bool isCausal = false)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        if (query.Rank is not (2 or 3) || key.Rank != query.Rank || value.Rank != query.Rank || query.Shape[-1] != _embedDim)
        {
            throw new ShapeException(
                $"MultiheadAttention: query should be unbatched 2D or batched 3D tensor, with {_embedDim} as its last size, and key and value of as many dimensions, but "
                + $"got {query.Shape}, {key.Shape} and {value.Shape}.");
        }

        if (query.Rank == 2)
        {
            var single = Forward(
                query.Unsqueeze(BatchDim), key.Unsqueeze(BatchDim), value.Unsqueeze(BatchDim), keyPaddingMask?.Unsqueeze(0), needWeights, attnMask, averageAttnWeights, isCausal);
            return (single.Output.Squeeze(BatchDim), single.Weights?.Squeeze(0));
        }

        if (query.Shape[BatchDim] != key.Shape[BatchDim] || key.Shape[BatchDim] != value.Shape[BatchDim])
        {
            throw new ShapeException($"MultiheadAttention: batches must be of one size, but got {query.Shape}, {key.Shape} and {value.Shape}.");
        }

        var (q, k, v) = Heads(query, key, value);
        var mask = Mask(q, k, keyPaddingMask, attnMask);
        double dropout = Training ? _dropout : 0;
        if (!needWeights)
        {
            if (isCausal && mask is not null)
            {
                mask = WithCausal(mask, q, k);
                isCausal = false;
            }

            return (Join(Functional.ScaledDotProductAttention(q, k, v, mask, dropout, isCausal)), null);
        }

        Shape scores = [.. q.Shape.AsSpan()[..^1], k.Shape[-2]];
        var options = new AttentionOptions(1 / Math.Sqrt(q.Shape[-1]), isCausal, dropout, 0, 0, 0);
        var uniform = dropout > 0 ? Tensor.Rand(scores, DType.Float32, q.Device) : null;
        var weights = new AttentionFormula(AttentionFormula.Real(q), AttentionFormula.Real(k), mask, options, uniform).Dropped;
        var output = Join(weights.MatMul(AttentionFormula.Real(v)).To(q.DType));
        return (output, (averageAttnWeights ? weights.Mean(1) : weights).To(q.DType));
    }

    private int BatchDim => _batchFirst ? 0 : 1;

    /// <summary>The projections, [n, heads, length, head size], as views where they can be.</summary>
    private (Tensor Query, Tensor Key, Tensor Value) Heads(Tensor query, Tensor key, Tensor value)
    {
        if (_inWeight is not null && ReferenceEquals(query, key) && ReferenceEquals(key, value))
        {
            // One product, [.., 3 size].
            var parts = Functional.Linear(query, _inWeight.Value, _inBias?.Value).Chunk(3, -1);
            return (Cut(parts[0]), Cut(parts[1]), Cut(parts[2]));
        }

        var weights = _inWeight?.Value.Chunk(3, 0);
        var biases = _inBias?.Value.Chunk(3, 0);
        return (
            Cut(Functional.Linear(query, weights?[0] ?? _queryWeight!.Value, biases?[0])), Cut(Functional.Linear(key, weights?[1] ?? _keyWeight!.Value, biases?[1])),
            Cut(Functional.Linear(value, weights?[2] ?? _valueWeight!.Value, biases?[2])));

        Tensor Cut(Tensor projected)
        {
            var heads = projected.Unflatten(-1, _numHeads, _embedDim / _numHeads);
            return _batchFirst ? heads.Permute(0, 2, 1, 3) : heads.Permute(1, 2, 0, 3);
        }
    }

    private Tensor Join(Tensor heads) => _out.Call((_batchFirst ? heads.Permute(0, 2, 1, 3) : heads.Permute(2, 0, 1, 3)).Flatten(-2, -1));

    /// <summary>Both masks as one that ScaledDotProductAttention takes.</summary>
    private static Tensor? Mask(Tensor q, Tensor k, Tensor? padding, Tensor? mask)
    {
        long batch = q.Shape[0], heads = q.Shape[1], queries = q.Shape[2], keys = k.Shape[2];
        Shape ofPadding = [batch, keys], shared = [queries, keys], ofEach = [batch * heads, queries, keys];
        if (padding is not null && padding.Shape != ofPadding)
        {
            throw new ShapeException($"MultiheadAttention: expected keyPaddingMask of shape [{batch}, {keys}], but got {padding.Shape}.");
        }

        if (mask is not null && mask.Shape != shared && mask.Shape != ofEach)
        {
            throw new ShapeException(
                $"MultiheadAttention: The shape of the attnMask is {mask.Shape}, but should be [{queries}, {keys}] or [{batch * heads}, {queries}, {keys}].");
        }

        padding = padding?.Unsqueeze(1).Unsqueeze(1);
        mask = mask is { Rank: 3 } ? mask.Unflatten(0, batch, heads) : mask;
        if (padding is null || mask is null)
        {
            return (padding ?? mask) is not { } one ? null : one.DType == DType.Bool ? one.LogicalNot() : one;
        }

        return padding.DType == DType.Bool && mask.DType == DType.Bool
            ? Tensor.Where(padding, padding, mask).LogicalNot()
            : Added(padding, q.DType) + Added(mask, q.DType);
    }

    private static Tensor WithCausal(Tensor mask, Tensor q, Tensor k)
    {
        Shape shape = [q.Shape[-2], k.Shape[-2]];
        var isSeen = Tensor.IndexSequence(shape, [0, 1], q.Device) <= Tensor.IndexSequence(shape, [1, 0], q.Device);
        return mask.DType == DType.Bool ? mask.LogicalAnd(isSeen) : Tensor.Where(isSeen, mask, double.NegativeInfinity);
    }

    private static Tensor Added(Tensor mask, DType dtype) => mask.DType != DType.Bool
        ? mask
        : Tensor.Where(mask, Tensor.Full([], double.NegativeInfinity, dtype, mask.Device), Tensor.Zeros([], dtype, mask.Device));

    private static Tensor Xavier(long rows, long columns, DType dtype, Device? device)
    {
        double bound = Math.Sqrt(6.0 / (rows + columns));
        return (Tensor.Rand([rows, columns], dtype, device) * (2 * bound) - bound).Materialize();
    }

    /// <summary>The output's projection: weights as those of <see cref="Linear"/>, a bias that starts at zero.</summary>
    private sealed class Projection : Module
    {
        private readonly Parameter _weight;
        private readonly Parameter? _bias;

        public Projection(long size, bool bias, DType dtype, Device? device)
        {
            double bound = 1 / Math.Sqrt(size);
            _weight = Register("weight", (Tensor.Rand([size, size], dtype, device) * (2 * bound) - bound).Materialize());
            _bias = bias ? Register("bias", Tensor.Zeros([size], dtype, device).Materialize()) : null;
        }

        public override Tensor Forward(Tensor input) => Functional.Linear(input, _weight.Value, _bias?.Value);
    }
}
