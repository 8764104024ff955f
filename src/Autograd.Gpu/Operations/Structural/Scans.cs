using Autograd.Gpu.Lazy;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>Runs scans.</summary>
internal static class Scan
{
    /// <summary>A running reduction along a dimension, of a contiguous tensor with at least one dimension; not recorded.</summary>
    public static Tensor Run(ScanKind kind, Tensor first, Tensor? second, int dim, bool reverse)
    {
        var device = first.Device;
        using (device.Gate.Enter())
        {
            var (outer, length, inner) = Lines.Of(first.Shape, dim);
            var dtype = kind is ScanKind.ArgMax or ScanKind.ArgMin ? DType.Int64 : first.DType;
            var left = first.ContiguousBuffer();
            var right = second?.ContiguousBuffer();
            var result = new BufferExpression(device.Allocate(first.NumElements * dtype.Size()), dtype, Layout.Contiguous(first.Shape));
            if (first.NumElements > 0)
            {
                Executor.Of(device).Run(new ScanCall(kind, left, right, result, outer, length, inner, reverse), first.Shape);
            }

            return Tensor.FromNewBuffer(device, result);
        }
    }

    /// <summary>The tensor one place further along a dimension: each element stands where its neighbour stood, a number where nothing comes.</summary>
    public static Tensor Shift(Tensor x, int dim, bool forward, Scalar fill)
    {
        if (x.NumElements == 0)
        {
            return x;
        }

        var edge = Tensor.Full(x.WithSize(dim, 1), fill, x.DType, x.Device);
        return forward
            ? Tensor.Cat([edge, x.Sliced(dim, 0, 1, x.Shape[dim] - 1)], dim)
            : Tensor.Cat([x.Sliced(dim, 1, 1, x.Shape[dim] - 1), edge], dim);
    }
}

/// <summary>Running sums along a dimension, from its end on if <paramref name="reverse"/>: the transpose of those from its start.</summary>
internal sealed class CumulativeSum(int dim, bool reverse) : LinearOperation("Cumsum")
{
    protected override Tensor Forward(Tensor input) => input.DType == input.DType.ComputeType()
        ? Scan.Run(ScanKind.Sum, input, null, dim, reverse)
        : Scan.Run(ScanKind.Sum, input.CastTo(input.DType.ComputeType()), null, dim, reverse).CastTo(input.DType);

    protected override Tensor Vjp(Tensor gradient) => Structural.Apply(new CumulativeSum(dim, !reverse), gradient);

    protected override Tensor Batch(Tensor batch, Tensor sample) => Structural.Apply(new CumulativeSum(dim + 1, reverse), batch);
}

/// <summary>
/// Running products along a dimension. The derivative never divides, so that it is right where elements are zero: the gradient of x[k] is the product of all
/// before it times h[k] = g[k] + x[k + 1] h[k + 1], a recurrence that runs back.
/// </summary>
internal sealed class CumulativeProduct(int dim, bool reverse) : StructuralOperation("Cumprod")
{
    public override Saves Saves => Saves.Input0;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var dtype = inputs[0].DType;
        return Scan.Run(ScanKind.Product, inputs[0].CastIfNeeded(dtype.ComputeType()), null, dim, reverse).CastIfNeeded(dtype);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var x = saved.Input0;
        var next = Scan.Shift(x, dim, forward: reverse, 1);
        inputGradients[0] = Before(x) * Structural.Apply(new Recurrence(dim, !reverse), next, gradient);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => tangents[0] is { } tangent
        ? Structural.Apply(new Recurrence(dim, reverse), inputs[0], tangent * Before(inputs[0]))
        : null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new CumulativeProduct(dim + 1, reverse), inputs[0]);

    /// <summary>The product of the elements before each.</summary>
    private Tensor Before(Tensor x) => Structural.Apply(this, Scan.Shift(x, dim, forward: !reverse, 1));
}

/// <summary>
/// h[k] = a[k] h[k - 1] + b[k] along a dimension, from h = 0 on: its derivatives are recurrences again, so that what is made of it can be differentiated
/// to any order.
/// </summary>
internal sealed class Recurrence(int dim, bool reverse) : StructuralOperation("Recurrence")
{
    public override Saves Saves => Saves.Input0 | Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var dtype = inputs[0].DType;
        var (a, b) = (inputs[0].CastIfNeeded(dtype.ComputeType()), inputs[1].CastIfNeeded(dtype.ComputeType()));
        return Scan.Run(ScanKind.Recurrence, a, b, dim, reverse).CastIfNeeded(dtype);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var next = Scan.Shift(saved.Input0, dim, forward: reverse, 0);
        var term = Structural.Apply(new Recurrence(dim, !reverse), next, gradient);
        inputGradients[1] = term;
        if (needs[0])
        {
            inputGradients[0] = term * Scan.Shift(saved.Output, dim, forward: !reverse, 0);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var term = tangents[1];
        if (tangents[0] is { } factor)
        {
            var part = factor * Scan.Shift(output, dim, forward: !reverse, 0);
            term = term is null ? part : term + part;
        }

        return term is null ? null : Structural.Apply(this, inputs[0], term);
    }

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new Recurrence(dim + 1, reverse), inputs.Repeated(0), inputs.Repeated(1));
}

/// <summary>The position of the largest or smallest element so far along a dimension.</summary>
internal sealed class CumulativeArg(bool isMax, int dim) : StructuralOperation(isMax ? "Cummax" : "Cummin")
{
    public override bool IsDifferentiable => false;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var dtype = Scatter.ComputeType(inputs[0].DType);
        return Scan.Run(isMax ? ScanKind.ArgMax : ScanKind.ArgMin, inputs[0].CastIfNeeded(dtype), null, dim, reverse: false);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        throw new InvalidOperationException($"{Name}: indices are not differentiable.");

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => null;

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new CumulativeArg(isMax, dim + 1), inputs[0]);
}

/// <summary>The logarithm of running sums of exponentials along a dimension.</summary>
internal sealed class CumulativeLogSumExp(int dim, bool reverse) : StructuralOperation("Logcumsumexp")
{
    public override Saves Saves => Saves.Input0 | Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        var dtype = inputs[0].DType;
        return Scan.Run(ScanKind.LogSumExp, inputs[0].CastIfNeeded(dtype.ComputeType()), null, dim, reverse).CastIfNeeded(dtype);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        // The sum over i >= k of g[i] exp(x[k] - y[i]), with the exponentials' range in the logarithm: positive and negative gradients apart.
        var (x, y) = (saved.Input0, saved.Output);
        inputGradients[0] = Part(gradient, x, y) - Part(-gradient, x, y);
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        if (tangents[0] is not { } tangent)
        {
            return null;
        }

        // The sum over k <= i of t[k] exp(x[k] - y[i]).
        return Weighted(tangent, inputs[0], output) - Weighted(-tangent, inputs[0], output);
    }

    public override Tensor Batch(BatchInputs inputs) => Structural.Apply(new CumulativeLogSumExp(dim + 1, reverse), inputs[0]);

    private Tensor Part(Tensor gradient, Tensor x, Tensor y) =>
        (Structural.Apply(new CumulativeLogSumExp(dim, !reverse), Log(gradient) - y) + x).Exp();

    private Tensor Weighted(Tensor tangent, Tensor x, Tensor y) => (Structural.Apply(this, Log(tangent) + x) - y).Exp();

    /// <summary>The logarithm where there is one, elsewhere a number whose exponential is 0 and that is no infinity.</summary>
    private static Tensor Log(Tensor x)
    {
        double lowest = x.DType == DType.Float64 ? -1e300 : -1e37;
        return Tensor.Where(x > 0, Tensor.Where(x > 0, x, 1.0).Log(), lowest);
    }
}
