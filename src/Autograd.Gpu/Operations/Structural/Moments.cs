using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The product over dimensions. The derivative with respect to an element is the product of all others, taken without division: running products from
/// both ends meet at the element. It is right, to any order, where elements are zero.
/// </summary>
internal sealed class Product(ReducedDims dims) : ReductionOperation("Prod", dims)
{
    public override Saves Saves => Saves.Input0;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs) =>
        Dims.Run(Reduction.Product, inputs[0], inputs[0].DType.ComputeType()).CastIfNeeded(inputs[0].DType);

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Dims.Spread(gradient) * Others(saved.Input0);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(new Sum(Dims, output.DType), tangent * Others(inputs[0])) : null;

    protected override StructuralOperation Over(ReducedDims dims) => new Product(dims);

    private Tensor Others(Tensor x)
    {
        if (x.NumElements == 0 || Dims.Count == 1)
        {
            return Tensor.OnesLike(x);
        }

        var lines = Dims.AsLines(x);
        int dim = lines.Rank - 1;
        var before = Structural.Apply(new CumulativeProduct(dim, reverse: false), Scan.Shift(lines, dim, forward: true, 1));
        var after = Structural.Apply(new CumulativeProduct(dim, reverse: true), Scan.Shift(lines, dim, forward: false, 1));
        return Dims.FromLines(before * after);
    }
}

/// <summary>
/// The variance over dimensions, sum((x - mean)^2) / (n - correction), or its root. Two passes: the mean first, then the distances from it, whose sum tells what the mean's
/// rounding adds to their squares (Chan, Golub and LeVeque 1983, equation 1.7). Where the root is 0 its derivative counts as 0.
/// </summary>
internal sealed class Variance(ReducedDims dims, double correction, bool isRoot) : ReductionOperation(isRoot ? "Std" : "Var", dims)
{
    public override string NodeName => Name + "Backward0";

    public override Saves Saves => isRoot ? Saves.Input0 | Saves.Output : Saves.Input0;

    private double Degrees => Math.Max(0, Dims.Count - correction);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var x = inputs[0].CastIfNeeded(inputs[0].DType.ComputeType());
        var distance = Distance(x);
        var rest = Structural.Apply(new Sum(Dims, x.DType), distance);
        var squares = Structural.Apply(new Sum(Dims, x.DType), distance * distance);

        // The rest's share is no larger than the squares; beside squares that overflow it may be infinite too, and their difference no number.
        var variance = Tensor.Where(squares < double.PositiveInfinity, squares - rest * (rest / Dims.Count), squares) / Degrees;
        return (isRoot ? variance.Sqrt() : variance).CastIfNeeded(inputs[0].DType);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var scale = isRoot ? HalfInverse(saved.Output) * gradient : gradient;
        inputGradients[0] = Dims.Spread(scale) * (Distance(saved.Input0) * (2 / Degrees));
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        if (tangents[0] is not { } tangent)
        {
            return null;
        }

        var slope = Structural.Apply(new Sum(Dims, output.DType), tangent * Distance(inputs[0])) * (2 / Degrees);
        return isRoot ? slope * HalfInverse(output) : slope;
    }

    protected override StructuralOperation Over(ReducedDims dims) => new Variance(dims, correction, isRoot);

    protected override Tensor OfScalars(Tensor batch) => (batch - batch) / Degrees;

    private static Tensor HalfInverse(Tensor root)
    {
        var isZero = root == 0;
        return Tensor.Where(isZero, 0.0, 0.5 / Tensor.Where(isZero, 1.0, root));
    }

    private Tensor Distance(Tensor x) => x - x.SumKeeping(Dims) / (double)Dims.Count;
}

/// <summary>
/// (sum |x|^p)^(1/p) over dimensions, for p = 0 the number of elements that are not zero. As in PyTorch the derivative is 0 where the norm is, and with respect to
/// elements that are 0.
/// </summary>
internal sealed class PNorm(ReducedDims dims, double p) : ReductionOperation("Norm", dims)
{
    public override string NodeName => "LinalgVectorNormBackward0";

    public override Saves Saves => Saves.Input0 | Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var x = inputs[0].CastIfNeeded(inputs[0].DType.ComputeType());
        var norm = p switch
        {
            0 => Sum(x.Ne(0).To(x.DType)),
            1 => Sum(x.Abs()),
            2 => Sum(x * x).Sqrt(),
            _ => Sum(x.Abs().Pow(p)).Pow(1 / p),
        };
        return norm.CastIfNeeded(inputs[0].DType);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = p == 0 ? Tensor.ZerosLike(saved.Input0) : Slope(saved.Input0, saved.Output, gradient);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) => tangents[0] is { } tangent && p != 0
        ? Sum(tangent * Slope(inputs[0], output, Tensor.OnesLike(output)))
        : null;

    protected override StructuralOperation Over(ReducedDims dims) => new PNorm(dims, p);

    protected override Tensor OfScalars(Tensor batch) => p == 0 ? batch.Ne(0).To(batch.DType) : batch.Abs();

    private Tensor Sum(Tensor x) => Structural.Apply(new Sum(Dims, x.DType), x);

    /// <summary>The gradient times sgn(x) (|x| / norm)^(p - 1).</summary>
    private Tensor Slope(Tensor x, Tensor norm, Tensor gradient)
    {
        if (p == 1)
        {
            return Dims.Spread(gradient) * x.Sign();
        }

        var isZero = norm == 0;
        var safe = Tensor.Where(isZero, 1.0, norm);
        var scale = Tensor.Where(isZero, 0.0, p == 2 ? gradient / safe : gradient * safe.Pow(1 - p));
        if (p == 2)
        {
            return x * Dims.Spread(scale);
        }

        var missing = x == 0;
        var power = Tensor.Where(missing, 1.0, x).Abs().Pow(p - 1) * x.Sign();
        return Tensor.Where(missing, 0.0, power) * Dims.Spread(scale);
    }
}

/// <summary>log(sum(exp(x))) over dimensions, with the largest element taken out first; minus infinity of nothing, where the derivative counts as 0.</summary>
internal sealed class LogSumExp(ReducedDims dims) : ReductionOperation("Logsumexp", dims)
{
    public override string NodeName => "LogsumexpBackward0";

    public override Saves Saves => Saves.Input0 | Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var x = inputs[0].CastIfNeeded(inputs[0].DType.ComputeType());
        if (x.NumElements == 0)
        {
            return Tensor.Full(Dims.Result, double.NegativeInfinity, inputs[0].DType, x.Device);
        }

        var largest = Structural.Apply(new Extreme("Amax", "AmaxBackward0", Reduction.Max, Dims.Keeping()), x);
        largest = Tensor.Where(largest.Abs() == double.PositiveInfinity, 0.0, largest);
        var sum = Structural.Apply(new Sum(Dims, x.DType), (x - largest).Exp());
        return (sum.Log() + largest.Reshape(Dims.Result)).CastIfNeeded(inputs[0].DType);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Dims.Spread(gradient) * Shares(saved.Input0, saved.Output);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Structural.Apply(new Sum(Dims, output.DType), tangent * Shares(inputs[0], output)) : null;

    protected override StructuralOperation Over(ReducedDims dims) => new LogSumExp(dims);

    /// <summary>exp(x) / sum(exp(x)).</summary>
    private Tensor Shares(Tensor x, Tensor output) => (x - Dims.Spread(Tensor.Where(output == double.NegativeInfinity, 0.0, output))).Exp();
}
