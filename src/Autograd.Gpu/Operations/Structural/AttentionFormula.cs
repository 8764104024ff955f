using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// Attention as formulas of tensors, with the whole matrix of scores: what derivatives of second order, forward mode and masks with a gradient of their own use.
/// </summary>
internal readonly struct AttentionFormula
{
    private readonly double _scale;

    /// <summary>The weights, scaled products through the softmax; rows in which no key takes part are zero.</summary>
    public Tensor Weights { get; }

    /// <summary>What dropout multiplies them by, or null.</summary>
    public Tensor? Kept { get; }

    /// <param name="query">q, of the computing dtype.</param>
    /// <param name="key">k.</param>
    /// <param name="mask">A mask that broadcasts to the scores.</param>
    /// <param name="options">Scale, causal mask and dropout.</param>
    /// <param name="uniform">The numbers that say what is dropped, in the shape of the scores; those of the options' stream if null.</param>
    public AttentionFormula(Tensor query, Tensor key, Tensor? mask, AttentionOptions options, Tensor? uniform = null)
    {
        _scale = options.Scale;
        var scores = Scores(query, key);
        if (mask is not null)
        {
            scores = mask.DType == DType.Bool ? Tensor.Where(mask, scores, double.NegativeInfinity) : scores + mask.To(scores.DType);
        }

        if (options.IsCausal)
        {
            Shape shape = [query.Shape[-2], key.Shape[-2]];
            var isSeen = Tensor.IndexSequence(shape, [0, 1], query.Device) <= Tensor.IndexSequence(shape, [1, 0], query.Device);
            scores = Tensor.Where(isSeen, scores, double.NegativeInfinity);
        }

        if (key.Shape[-2] == 0)
        {
            Weights = scores;
        }
        else
        {
            var largest = scores.Amax([-1], keepDim: true);
            var exponential = (scores - Tensor.Where(largest == double.NegativeInfinity, 0.0, largest)).Exp();
            var sum = exponential.Sum(-1, keepDim: true);
            Weights = exponential / Tensor.Where(sum == 0, 1.0, sum);
        }

        Kept = uniform is not null ? Factors(uniform, query.DType, options) : options.Dropout > 0 ? KeptOf(Weights.Shape, query, options) : null;
    }

    /// <summary>The tensor in the dtype that it is computed in.</summary>
    public static Tensor Real(Tensor x) => x.To(x.DType.ComputeType());

    /// <summary>The weights that dropout leaves.</summary>
    public Tensor Dropped => Drop(Weights);

    /// <summary>scale (a b^T).</summary>
    public Tensor Scores(Tensor a, Tensor b) => a.MatMul(b.Transpose(-2, -1)) * _scale;

    public Tensor Drop(Tensor weights) => Kept is null ? weights : weights * Kept;

    /// <summary>The derivative of the softmax on a vector: p (x - sum(p x)); symmetric.</summary>
    public Tensor Project(Tensor x) => Weights * (x - (Weights * x).Sum(-1, keepDim: true));

    /// <summary>The factors that the kernels multiply weights by, from the same random numbers.</summary>
    private static Tensor KeptOf(Shape weights, Tensor like, AttentionOptions options)
    {
        long queries = weights[-2], keys = weights[-1], row = AttentionOptions.StreamRow(keys);
        Shape lead = [.. weights.AsSpan()[..^2]];
        long count = options.Period > 0 ? options.Period : lead.NumElements;
        using var mode = GradMode.Set(false);
        var uniform = Tensor.FromStream(RandomKind.Uniform, options.Seed, options.Offset, [count, queries, row], like.Device).Narrow(2, 0, keys);
        var kept = Factors(uniform, like.DType, options);
        if (count == lead.NumElements)
        {
            return kept.Reshape(weights);
        }

        // The stream begins again after each period.
        return kept.Unsqueeze(0).Expand(lead.NumElements / count, count, queries, keys).Reshape(weights);
    }

    private static Tensor Factors(Tensor uniform, DType dtype, AttentionOptions options) =>
        (uniform >= (double)(float)options.Dropout).To(dtype) * options.KeepScale;
}
