using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// softmax(scale q k^T + mask) v of q [.., l, e], k [.., s, e] and v [.., s, f] with the same leading dimensions, by a kernel that never holds the matrix of
/// scores. It leaves the logarithms of the rows' sums, from which the backward kernel computes the weights again.
/// </summary>
/// <param name="options">Scale, causal mask, dropout.</param>
/// <param name="mask">A tensor without gradient that no transform wraps: bool (true takes part) or of the computing dtype (added), broadcast to the scores.</param>
internal sealed class Attention(AttentionOptions options, Tensor? mask) : StructuralOperation("ScaledDotProductAttention")
{
    private BufferExpression? _logSum;
    private Tensor? _output;

    public override Saves Saves => Saves.Inputs | Saves.Input2;

    public static Tensor Apply(AttentionOptions options, Tensor? mask, Tensor query, Tensor key, Tensor value) =>
        Structural.Apply(new Attention(options, mask), [query, key, value]);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        (var output, _output, _logSum) = Compute(inputs[0], inputs[1], inputs[2], mask, options);
        return output.CastIfNeeded(inputs[0].DType);
    }

    /// <summary>The output, the same value kept from writes over it, and the logarithms of the sums, [.., l]; all in the computing dtype.</summary>
    public static (Tensor Output, Tensor Kept, BufferExpression LogSum) Compute(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options)
    {
        using var mode = GradMode.Set(false);
        var dtype = query.DType.ComputeType();
        var device = query.Device;
        using (device.Gate.Enter())
        {
            var shape = query.Shape[-1] == value.Shape[-1] ? query.Shape : Shape.Own([.. query.Shape.AsSpan()[..^1], value.Shape[-1]]);
            var rows = Shape.Own(query.Shape.AsSpan()[..^1].ToArray());
            var (result, layout) = AttentionOperands.NewLike(query, shape, dtype);
            var logSum = new BufferExpression(device.Allocate(rows.NumElements * dtype.Size()), dtype, Layout.Contiguous(rows));
            if (rows.NumElements > 0)
            {
                var call = new AttentionCall(
                    AttentionOperands.Read(query.CastIfNeeded(dtype)), AttentionOperands.Read(key.CastIfNeeded(dtype)),
                    AttentionOperands.Read(value.CastIfNeeded(dtype)), Mask(mask, query, key), AttentionOperands.Stack(result.WithLayout(layout)), logSum,
                    AttentionOperands.Shape(query, key, value), options);
                Executor.Of(device).Run(call, shape);
            }

            var storage = new Storage(device, result);
            return (new Tensor(storage, layout), new Tensor(storage.Share(), layout), logSum);
        }
    }

    public static MatrixStack? Mask(Tensor? mask, Tensor query, Tensor key)
    {
        if (mask is null)
        {
            return null;
        }

        Shape shape = [.. query.Shape.AsSpan()[..^1], key.Shape[-2]];
        var buffer = mask.StridedBuffer();
        return AttentionOperands.Stack(buffer.WithLayout(buffer.Layout.Expand(shape)));
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        Tensor query = saved.Input0, key = saved.Input1, value = saved.Input2;
        (Tensor, BufferExpression)? kept = _logSum is null ? null : (_output!, _logSum);
        (inputGradients[0], inputGradients[1], inputGradients[2]) = AttentionGradients.Of(options, mask, gradient, query, key, value, kept);
        for (int i = 0; i < needs.Length; i++)
        {
            if (!needs[i])
            {
                Temporary.Drop(inputGradients[i]!);
                inputGradients[i] = null;
            }
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var dtype = inputs[0].DType;
        var (query, key, value) = (AttentionFormula.Real(inputs[0]), AttentionFormula.Real(inputs[1]), AttentionFormula.Real(inputs[2]));
        var formula = new AttentionFormula(query, key, mask, options);
        var scores = Add(
            tangents[0] is { } q ? formula.Scores(AttentionFormula.Real(q), key) : null, tangents[1] is { } k ? formula.Scores(query, AttentionFormula.Real(k)) : null);
        var result = Add(
            scores is not null ? formula.Drop(formula.Project(scores)).MatMul(value) : null,
            tangents[2] is { } v ? formula.Dropped.MatMul(AttentionFormula.Real(v)) : null);
        return result?.To(dtype);

        static Tensor? Add(Tensor? a, Tensor? b) => a is null ? b : b is null ? a : a + b;
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        var batched = Batched(options, inputs, 0);
        var (query, key, value) = (inputs.Repeated(0), inputs.Repeated(1), inputs.Repeated(2));
        return query.Rank <= AttentionOperands.MaxLeading + 2
            ? Apply(batched, mask, query, key, value)
            : Apply(batched, Folded(mask, query, key), query.Flatten(0, 1), key.Flatten(0, 1), value.Flatten(0, 1)).Unflatten(0, query.Shape[0], query.Shape[1]);
    }

    /// <summary>The options for a batch: dropout is the same for all samples, so that its stream begins again with each.</summary>
    public static AttentionOptions Batched(AttentionOptions options, BatchInputs inputs, int query) => options.Dropout > 0 && options.Period == 0
        ? options with { Period = Math.Max(1, Leading(inputs.Samples[query]).NumElements) }
        : options;

    private static Shape Leading(Tensor tensor) => [.. tensor.Shape.AsSpan()[..^2]];

    /// <summary>A mask with leading dimensions as those of q are once the first two are one.</summary>
    public static Tensor? Folded(Tensor? mask, Tensor query, Tensor key)
    {
        Shape shape = [.. query.Shape.AsSpan()[..^1], key.Shape[-2]];
        return mask is null || mask.Rank < query.Rank - 1 ? mask : mask.Expand(shape).Flatten(0, 1);
    }
}
