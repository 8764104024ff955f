namespace Autograd.Gpu.Samples.BeyondBackward;

/// <summary>x log(1 + e^x), with the derivative log(1 + e^x) + x / (1 + e^-x).</summary>
internal sealed class SoftplusGate : UnaryFunction
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor x)
    {
        SaveForBackward(x);
        return x * Softplus(x);
    }

    /// <inheritdoc/>
    protected override Tensor? Backward(Tensor gradient)
    {
        var x = Saved(0);
        return gradient * (Softplus(x) + x * x.Sigmoid());
    }

    /// <summary>log(1 + e^x) as max(x, 0) + log(1 + e^-|x|), which does not overflow.</summary>
    private static Tensor Softplus(Tensor x) => x.Relu() + (1 + (-x.Abs()).Exp()).Log();
}
