using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The gradients of <see cref="Attention"/> from its output's gradient, q, and k beside v (a node saves three tensors), by kernels that compute the weights again,
/// tile by tile. The result is one tensor, since an operation has one: the gradients of q, k and v one after the other, each with its dimensions in the order
/// in which its input lies in memory.
/// </summary>
/// <param name="options">Those of the forward pass.</param>
/// <param name="mask">Its mask.</param>
/// <param name="regions">Where the gradients lie in the result.</param>
/// <param name="kept">What the forward kernel left, if it ran on these very values; it runs again otherwise.</param>
internal sealed class AttentionGradients(AttentionOptions options, Tensor? mask, AttentionRegions regions, (Tensor Output, BufferExpression LogSum)? kept)
    : StructuralOperation("ScaledDotProductAttentionBackward")
{
    public override Saves Saves => Saves.Inputs | Saves.Input2;

    /// <summary>The gradients of q, k and v; recorded, or seen by transforms, where anything may ask for that.</summary>
    public static (Tensor Query, Tensor Key, Tensor Value) Of(
        AttentionOptions options, Tensor? mask, Tensor gradient, Tensor query, Tensor key, Tensor value, (Tensor Output, BufferExpression LogSum)? kept)
    {
        bool isLast = !GradMode.IsEnabled && gradient.Wrapper is null && query.Wrapper is null && key.Wrapper is null && value.Wrapper is null;
        if (isLast)
        {
            return Apart(options, mask, gradient, query, key, value, kept);
        }

        var regions = new AttentionRegions(query, key, value);
        return regions.Parts(Structural.Apply(new AttentionGradients(options, mask, regions, kept), [gradient, query, Tensor.Cat([key, value], -1)]));
    }

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (gradient, query) = (inputs[0], inputs[1]);
        var (key, value) = Split(inputs[2]);
        var (dtype, device) = (query.DType.ComputeType(), query.Device);
        using (device.Gate.Enter())
        {
            var result = new BufferExpression(device.Allocate(regions.Count * dtype.Size()), dtype, Layout.Contiguous([regions.Count]));
            var (ofQuery, ofKey, ofValue) = regions.Stacks(result);
            Compute(options, mask, gradient, query, key, value, kept, ofQuery, ofKey, ofValue);
            return Tensor.FromNewBuffer(device, result).CastIfNeeded(query.DType);
        }
    }

    /// <summary>
    /// With P the weights, Z what dropout multiplies them by, A = g v^T, B = A Z, D the rows' sums of P B, S' = P (B - D) and c the scale, the gradients are c S' k,
    /// c S'^T q and (P Z)^T g. For the gradient (u, w, x) of these, with M = c (u k^T + q w^T) and m the rows' sums of P M, that of B is P (M - m), and
    /// that of P is M (B - D) - m B + Z (g x^T).
    /// </summary>
    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var dtype = saved.Input1.DType;
        Tensor g = AttentionFormula.Real(saved.Input0), q = AttentionFormula.Real(saved.Input1);
        var (k, v) = Split(AttentionFormula.Real(saved.Input2));
        var (u, w, x) = regions.Parts(AttentionFormula.Real(gradient));
        var formula = new AttentionFormula(q, k, mask, options);
        var weights = formula.Weights;
        var b = formula.Drop(g.MatMul(v.Transpose(-2, -1)));
        var centred = b - (weights * b).Sum(-1, keepDim: true);
        var slope = weights * centred;
        var m = formula.Scores(u, k) + formula.Scores(q, w);
        var rowSums = (weights * m).Sum(-1, keepDim: true);
        var ofA = formula.Drop(weights * (m - rowSums));
        var ofScores = formula.Project(m * centred - rowSums * b + formula.Drop(g.MatMul(x.Transpose(-2, -1))));
        inputGradients[0] = needs[0] ? (formula.Dropped.MatMul(x) + ofA.MatMul(v)).To(dtype) : null;
        inputGradients[1] = needs[1] ? (ofScores.MatMul(k) + slope.MatMul(w)).Mul(options.Scale).To(dtype) : null;
        if (needs[2])
        {
            var ofKey = (ofScores.Transpose(-2, -1).MatMul(q) + slope.Transpose(-2, -1).MatMul(u)) * options.Scale;
            inputGradients[2] = Tensor.Cat([ofKey, ofA.Transpose(-2, -1).MatMul(g)], -1).To(dtype);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        Tensor g = AttentionFormula.Real(inputs[0]), q = AttentionFormula.Real(inputs[1]);
        var (k, v) = Split(AttentionFormula.Real(inputs[2]));
        Tensor tg = Tangent(g, tangents[0]), tq = Tangent(q, tangents[1]);
        var (tk, tv) = Split(tangents[2] is { } pair ? AttentionFormula.Real(pair) : Tensor.ZerosLike(AttentionFormula.Real(inputs[2])));
        var formula = new AttentionFormula(q, k, mask, options);
        var weights = formula.Weights;
        var b = formula.Drop(g.MatMul(v.Transpose(-2, -1)));
        var centred = b - (weights * b).Sum(-1, keepDim: true);
        var slope = weights * centred;
        var ofWeights = formula.Project(formula.Scores(tq, k) + formula.Scores(q, tk));
        var ofB = formula.Drop(tg.MatMul(v.Transpose(-2, -1)) + g.MatMul(tv.Transpose(-2, -1)));
        var ofSlope = ofWeights * centred + weights * (ofB - (ofWeights * b + weights * ofB).Sum(-1, keepDim: true));
        var ofQuery = (ofSlope.MatMul(k) + slope.MatMul(tk)) * options.Scale;
        var ofKey = (ofSlope.Transpose(-2, -1).MatMul(q) + slope.Transpose(-2, -1).MatMul(tq)) * options.Scale;
        var ofValue = formula.Drop(ofWeights).Transpose(-2, -1).MatMul(g) + formula.Dropped.Transpose(-2, -1).MatMul(tg);
        return regions.Pack(ofQuery, ofKey, ofValue, 0).To(output.DType);

        static Tensor Tangent(Tensor primal, Tensor? tangent) => tangent is null ? Tensor.ZerosLike(primal) : AttentionFormula.Real(tangent);
    }

    public override Tensor Batch(BatchInputs inputs)
    {
        var (gradient, query, pair) = (inputs.Repeated(0), inputs.Repeated(1), inputs.Repeated(2));
        bool folds = query.Rank > AttentionOperands.MaxLeading + 2;
        long outer = query.Shape[0], inner = query.Shape[1];
        var folded = mask;
        if (folds)
        {
            folded = Attention.Folded(mask, query, pair);
            (gradient, query, pair) = (gradient.Flatten(0, 1), query.Flatten(0, 1), pair.Flatten(0, 1));
        }

        var (key, value) = Split(pair);
        var (ofQuery, ofKey, ofValue) = Of(Attention.Batched(options, inputs, 1), folded, gradient, query, key, value, null);
        return folds
            ? regions.Pack(ofQuery.Unflatten(0, outer, inner), ofKey.Unflatten(0, outer, inner), ofValue.Unflatten(0, outer, inner), 1)
            : regions.Pack(ofQuery, ofKey, ofValue, 1);
    }

    /// <summary>The three in tensors of their own, not recorded.</summary>
    private static (Tensor Query, Tensor Key, Tensor Value) Apart(
        AttentionOptions options, Tensor? mask, Tensor gradient, Tensor query, Tensor key, Tensor value, (Tensor Output, BufferExpression LogSum)? kept)
    {
        var (given, dtype, device) = (query.DType, query.DType.ComputeType(), query.Device);
        using (device.Gate.Enter())
        {
            var (ofQuery, queryLayout) = AttentionOperands.NewLike(query, query.Shape, dtype);
            var (ofKey, keyLayout) = AttentionOperands.NewLike(key, key.Shape, dtype);
            var (ofValue, valueLayout) = AttentionOperands.NewLike(value, value.Shape, dtype);
            Compute(
                options, mask, gradient, query, key, value, kept, AttentionOperands.Stack(ofQuery.WithLayout(queryLayout)),
                AttentionOperands.Stack(ofKey.WithLayout(keyLayout)), AttentionOperands.Stack(ofValue.WithLayout(valueLayout)));
            return (Own(ofQuery, queryLayout), Own(ofKey, keyLayout), Own(ofValue, valueLayout));
        }

        Tensor Own(BufferExpression flat, Layout layout) => new Tensor(new Storage(device, flat), layout).CastIfNeeded(given);
    }

    /// <summary>Computes the three, of the computing dtype, into their places; under the device's gate.</summary>
    private static void Compute(
        AttentionOptions options, Tensor? mask, Tensor gradient, Tensor query, Tensor key, Tensor value, (Tensor Output, BufferExpression LogSum)? kept,
        MatrixStack ofQuery, MatrixStack ofKey, MatrixStack ofValue)
    {
        var dtype = query.DType.ComputeType();
        if (ofQuery.Buffer.Layout.Count + ofKey.Buffer.Layout.Count + ofValue.Buffer.Layout.Count == 0)
        {
            return;
        }

        (gradient, query) = (gradient.CastIfNeeded(dtype), query.CastIfNeeded(dtype));
        (key, value) = (key.CastIfNeeded(dtype), value.CastIfNeeded(dtype));
        if (kept is null)
        {
            var (output, _, logSum) = Attention.Compute(query, key, value, mask, options);
            kept = (output, logSum);
        }

        var products = gradient * kept.Value.Output;
        var delta = products.Sum(-1);
        var call = new AttentionGradientCall(
            AttentionOperands.Read(gradient), AttentionOperands.Read(query), AttentionOperands.Read(key), AttentionOperands.Read(value),
            Attention.Mask(mask, query, key), kept.Value.LogSum, delta.ContiguousBuffer(), ofQuery, ofKey, ofValue,
            AttentionOperands.Shape(query, key, value), options);
        Executor.Of(query.Device).Run(call, query.Shape);
        Temporary.Drop(products);
        Temporary.Drop(delta);
    }

    private (Tensor Key, Tensor Value) Split(Tensor pair) => (pair.Narrow(-1, 0, regions.Width), pair.Narrow(-1, regions.Width, pair.Shape[-1] - regions.Width));
}

/// <summary>Three tensors of different shapes in one, one after the other, each with its dimensions in an order of its own.</summary>
internal sealed class AttentionRegions(Tensor query, Tensor key, Tensor value)
{
    private readonly Region _query = new(query.Shape, AttentionOperands.Order(query), 0);
    private readonly Region _key = new(key.Shape, AttentionOperands.Order(key), query.NumElements);
    private readonly Region _value = new(value.Shape, AttentionOperands.Order(value), query.NumElements + key.NumElements);

    /// <summary>Elements in all.</summary>
    public long Count { get; } = query.NumElements + key.NumElements + value.NumElements;

    /// <summary>Columns of k.</summary>
    public long Width { get; } = key.Shape[-1];

    /// <summary>The three, by operations.</summary>
    public (Tensor Query, Tensor Key, Tensor Value) Parts(Tensor packed) => (_query.Of(packed), _key.Of(packed), _value.Of(packed));

    public (MatrixStack Query, MatrixStack Key, MatrixStack Value) Stacks(BufferExpression packed) => (
        AttentionOperands.Stack(packed.WithLayout(_query.Layout)), AttentionOperands.Stack(packed.WithLayout(_key.Layout)),
        AttentionOperands.Stack(packed.WithLayout(_value.Layout)));

    /// <summary>One tensor of three, behind so many dimensions of a batch.</summary>
    public Tensor Pack(Tensor ofQuery, Tensor ofKey, Tensor ofValue, int lead) =>
        Tensor.Cat([_query.Flat(ofQuery, lead), _key.Flat(ofKey, lead), _value.Flat(ofValue, lead)], lead);

    private sealed class Region(Shape shape, int[] order, long offset)
    {
        public Layout Layout { get; } = AttentionOperands.Ordered(shape, order, offset);

        public Tensor Of(Tensor packed)
        {
            var sizes = Array.ConvertAll(order, d => shape[d]);
            var inverse = new int[order.Length];
            for (int i = 0; i < order.Length; i++)
            {
                inverse[order[i]] = i;
            }

            return packed.Narrow(0, offset, shape.NumElements).Reshape(sizes).Permute(inverse);
        }

        public Tensor Flat(Tensor tensor, int lead)
        {
            int[] all = [.. Enumerable.Range(0, lead), .. order.Select(d => d + lead)];
            return tensor.Permute(all).Reshape([.. tensor.Shape.AsSpan()[..lead], shape.NumElements]);
        }
    }
}
