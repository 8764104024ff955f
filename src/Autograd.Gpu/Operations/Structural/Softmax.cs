using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>exp(x) / sum(exp(x)) over a dimension, with the largest element taken out first.</summary>
internal sealed class Softmax(int dim) : IDifferentiable
{
    public string Name => "Softmax";

    public Saves Saves => Saves.Output;

    public static Tensor Apply(Tensor x, int dim)
    {
        Tensor y;
        using (GradMode.Set(false))
        {
            var exponential = (x - Largest(x, dim)).Exp();
            y = exponential / exponential.Sum(dim, keepDim: true);
        }

        return Recorder.Record(new Softmax(dim), y, x);
    }

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var y = saved.Output;
        inputGradients[0] = y * (gradient - (gradient * y).Sum(dim, keepDim: true));
    }

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

/// <summary>x - log(sum(exp(x))) over a dimension.</summary>
internal sealed class LogSoftmax(int dim) : IDifferentiable
{
    public string Name => "LogSoftmax";

    public Saves Saves => Saves.Output;

    public static Tensor Apply(Tensor x, int dim)
    {
        Tensor y;
        using (GradMode.Set(false))
        {
            var (largest, logSum) = Softmax.LogSumExp(x, dim);
            y = x - largest - logSum;
        }

        return Recorder.Record(new LogSoftmax(dim), y, x);
    }

    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs) =>
        inputGradients[0] = gradient - saved.Output.Exp() * gradient.Sum(dim, keepDim: true);
}
