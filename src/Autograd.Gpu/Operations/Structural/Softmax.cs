using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// exp(x) / sum(exp(x)) over a dimension, with the largest element taken out first. Along contiguous rows it is one kernel that keeps the row in the cache, along
/// other dimensions two fused reductions and a pointwise kernel.
/// </summary>
internal sealed class Softmax(int dim) : StructuralOperation("Softmax")
{
    public override Saves Saves => Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        if (RowKernels.Of(inputs[0].Shape, dim) is { } size)
        {
            return RowKernels.Softmax(inputs[0], null, size, isLog: false);
        }

        // An infinite largest element makes the whole row nan, as in PyTorch.
        var exponential = (inputs[0] - inputs[0].Amax([dim], keepDim: true)).Exp();
        return exponential / exponential.Sum(dim, keepDim: true);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = SoftmaxGradient.Apply(gradient, saved.Output, dim);

    // The Jacobian is symmetric.
    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? SoftmaxGradient.Apply(tangent, output, dim) : null;

    public override Tensor Batch(BatchInputs inputs) => inputs[0].Softmax(dim + 1);

    /// <summary>log(sum(exp(x))) over a dimension, which is kept, as the sum of two: the largest element and log(sum(exp(x - largest))).</summary>
    public static (Tensor Largest, Tensor LogSum) LogSumExp(Tensor x, int dim)
    {
        var largest = Largest(x, dim);
        return (largest, (x - largest).Exp().Sum(dim, keepDim: true).Log());
    }

    /// <summary>The largest element over a dimension, which is kept; 0 where that is infinite, so that it can be subtracted.</summary>
    private static Tensor Largest(Tensor x, int dim)
    {
        var largest = x.Amax([dim], keepDim: true);
        return Tensor.Where(largest.Abs() == double.PositiveInfinity, 0.0, largest);
    }
}

/// <summary>y (g - sum(g y)) over a dimension: the gradient through a softmax that gave y.</summary>
internal sealed class SoftmaxGradient : StructuralOperation
{
    private readonly int _dim;

    private SoftmaxGradient(int dim)
        : base("SoftmaxBackwardData") => _dim = dim;

    public override Saves Saves => Saves.Inputs;

    public static Tensor Apply(Tensor gradient, Tensor output, int dim) => Structural.Apply(new SoftmaxGradient(dim), gradient, output);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (gradient, y) = (inputs[0], inputs[1]);
        return RowKernels.Of(y.Shape, _dim) is { } size && gradient.DType == y.DType
            ? RowKernels.Softmax(gradient, y, size, isLog: false)
            : y * (gradient - Sum(gradient * y));
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        if (needs[0])
        {
            inputGradients[0] = Apply(gradient, saved.Input1, _dim);
        }

        if (needs[1])
        {
            inputGradients[1] = Slope(gradient, saved.Input0, saved.Input1);
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var (g, y) = (inputs[0], inputs[1]);
        var first = tangents[0] is { } tangent ? Apply(tangent, y, _dim) : null;
        var second = tangents[1] is { } slope ? slope * (g - Sum(g * y)) - y * Sum(g * slope) : null;
        return first is null ? second : second is null ? first : first + second;
    }

    public override Tensor Batch(BatchInputs inputs) => Apply(inputs.Repeated(0), inputs.Repeated(1), _dim + 1);

    private Tensor Slope(Tensor v, Tensor g, Tensor y) => v * (g - Sum(g * y)) - g * Sum(v * y);

    private Tensor Sum(Tensor x) => x.Sum(_dim, keepDim: true);
}

/// <summary>x - log(sum(exp(x))) over a dimension, by the same kernels as <see cref="Softmax"/>.</summary>
internal sealed class LogSoftmax(int dim) : StructuralOperation("LogSoftmax")
{
    public override Saves Saves => Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        if (RowKernels.Of(inputs[0].Shape, dim) is { } size)
        {
            return RowKernels.Softmax(inputs[0], null, size, isLog: true);
        }

        var shifted = inputs[0] - inputs[0].Amax([dim], keepDim: true);
        return shifted - shifted.Exp().Sum(dim, keepDim: true).Log();
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = LogSoftmaxGradient.Apply(gradient, saved.Output, dim);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? tangent - (output.Exp() * tangent).Sum(dim, keepDim: true) : null;

    public override Tensor Batch(BatchInputs inputs) => inputs[0].LogSoftmax(dim + 1);
}

/// <summary>g - exp(y) sum(g) over a dimension: the gradient through the logarithm of a softmax that gave y.</summary>
internal sealed class LogSoftmaxGradient : StructuralOperation
{
    private readonly int _dim;

    private LogSoftmaxGradient(int dim)
        : base("LogSoftmaxBackwardData") => _dim = dim;

    public override Saves Saves => Saves.Inputs;

    public static Tensor Apply(Tensor gradient, Tensor output, int dim) => Structural.Apply(new LogSoftmaxGradient(dim), gradient, output);

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var (gradient, y) = (inputs[0], inputs[1]);
        return RowKernels.Of(y.Shape, _dim) is { } size && gradient.DType == y.DType
            ? RowKernels.Softmax(gradient, y, size, isLog: true)
            : gradient - y.Exp() * Sum(gradient);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var weighted = gradient * saved.Input1.Exp();
        if (needs[0])
        {
            inputGradients[0] = gradient - Sum(weighted);
        }

        if (needs[1])
        {
            inputGradients[1] = -(weighted * Sum(saved.Input0));
        }
    }

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        var (g, y) = (inputs[0], inputs[1]);
        var first = tangents[0] is { } tangent ? Apply(tangent, y, _dim) : null;
        var second = tangents[1] is { } slope ? -(y.Exp() * slope * Sum(g)) : null;
        return first is null ? second : second is null ? first : first + second;
    }

    public override Tensor Batch(BatchInputs inputs) => Apply(inputs.Repeated(0), inputs.Repeated(1), _dim + 1);

    private Tensor Sum(Tensor x) => x.Sum(_dim, keepDim: true);
}
