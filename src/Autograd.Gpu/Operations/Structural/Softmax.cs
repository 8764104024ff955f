using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>exp(x) / sum(exp(x)) over a dimension, with the largest element taken out first.</summary>
internal sealed class Softmax(int dim) : StructuralOperation("Softmax")
{
    public override Saves Saves => Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        // An infinite largest element makes the whole row nan, as in PyTorch.
        var exponential = (inputs[0] - inputs[0].Amax([dim], keepDim: true)).Exp();
        return exponential / exponential.Sum(dim, keepDim: true);
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = Project(gradient, saved.Output);

    // The Jacobian is symmetric.
    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? Project(tangent, output) : null;

    public override Tensor Batch(Transforms.BatchInputs inputs) => inputs[0].Softmax(dim + 1);

    /// <summary>log(sum(exp(x))) over a dimension, which is kept, as the sum of two: the largest element and log(sum(exp(x - largest))).</summary>
    public static (Tensor Largest, Tensor LogSum) LogSumExp(Tensor x, int dim)
    {
        var largest = Largest(x, dim);
        return (largest, (x - largest).Exp().Sum(dim, keepDim: true).Log());
    }

    private Tensor Project(Tensor vector, Tensor y) => y * (vector - (vector * y).Sum(dim, keepDim: true));

    /// <summary>The largest element over a dimension, which is kept; 0 where that is infinite, so that it can be subtracted.</summary>
    private static Tensor Largest(Tensor x, int dim)
    {
        var largest = x.Amax([dim], keepDim: true);
        return Tensor.Where(largest.Abs() == double.PositiveInfinity, 0.0, largest);
    }
}

/// <summary>x - log(sum(exp(x))) over a dimension.</summary>
internal sealed class LogSoftmax(int dim) : StructuralOperation("LogSoftmax")
{
    public override Saves Saves => Saves.Output;

    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        using var mode = GradMode.Set(false);
        var shifted = inputs[0] - inputs[0].Amax([dim], keepDim: true);
        return shifted - shifted.Exp().Sum(dim, keepDim: true).Log();
    }

    public override void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = gradient - saved.Output.Exp() * gradient.Sum(dim, keepDim: true);

    public override Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents) =>
        tangents[0] is { } tangent ? tangent - (output.Exp() * tangent).Sum(dim, keepDim: true) : null;

    public override Tensor Batch(Transforms.BatchInputs inputs) => inputs[0].LogSoftmax(dim + 1);
}
