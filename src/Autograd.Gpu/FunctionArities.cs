namespace Autograd.Gpu;

/// <summary>A <see cref="Function"/> of one tensor.</summary>
public abstract class UnaryFunction : Function
{
    /// <summary>Computes the output and records the operation if <paramref name="x"/> requires a gradient.</summary>
    /// <exception cref="GradientException">An input was written in place and not returned, or is a leaf that requires a gradient.</exception>
    public Tensor Apply(Tensor x) => Run([x])[0];

    /// <summary>The output.</summary>
    protected abstract Tensor Forward(Tensor x);

    /// <summary>The gradient with respect to the input, for that with respect to the output; null where there is none.</summary>
    protected abstract Tensor? Backward(Tensor gradient);

    /// <summary>The tangent of the output, for that of the input: the Jacobian-vector product. Called after <c>Forward</c>.</summary>
    protected virtual Tensor? Jvp(Tensor tangent) => throw JvpMissing();

    internal sealed override Tensor[] CallForward(ReadOnlySpan<Tensor> inputs) => [Forward(inputs[0])];

    internal sealed override Tensor?[] CallBackward(ReadOnlySpan<Tensor?> gradients) => [Backward(gradients[0]!)];

    internal sealed override Tensor?[] CallJvp(ReadOnlySpan<Tensor?> tangents) => [Jvp(tangents[0]!)];
}

/// <summary>A <see cref="Function"/> of two tensors.</summary>
public abstract class BinaryFunction : Function
{
    /// <summary>Computes the output and records the operation if an input requires a gradient.</summary>
    /// <exception cref="GradientException">An input was written in place and not returned, or is a leaf that requires a gradient.</exception>
    public Tensor Apply(Tensor a, Tensor b) => Run([a, b])[0];

    /// <summary>The output.</summary>
    protected abstract Tensor Forward(Tensor a, Tensor b);

    /// <summary>The gradients with respect to the inputs, for that with respect to the output; null where there is none.</summary>
    protected abstract (Tensor? A, Tensor? B) Backward(Tensor gradient);

    /// <summary>The tangent of the output, for those of the inputs (null for zero). Called after <c>Forward</c>.</summary>
    protected virtual Tensor? Jvp(Tensor? a, Tensor? b) => throw JvpMissing();

    internal sealed override Tensor[] CallForward(ReadOnlySpan<Tensor> inputs) => [Forward(inputs[0], inputs[1])];

    internal sealed override Tensor?[] CallBackward(ReadOnlySpan<Tensor?> gradients)
    {
        var (a, b) = Backward(gradients[0]!);
        return [a, b];
    }

    internal sealed override Tensor?[] CallJvp(ReadOnlySpan<Tensor?> tangents) => [Jvp(tangents[0], tangents[1])];
}

/// <summary>A <see cref="Function"/> of three tensors.</summary>
public abstract class TernaryFunction : Function
{
    /// <summary>Computes the output and records the operation if an input requires a gradient.</summary>
    /// <exception cref="GradientException">An input was written in place and not returned, or is a leaf that requires a gradient.</exception>
    public Tensor Apply(Tensor a, Tensor b, Tensor c) => Run([a, b, c])[0];

    /// <summary>The output.</summary>
    protected abstract Tensor Forward(Tensor a, Tensor b, Tensor c);

    /// <summary>The gradients with respect to the inputs, for that with respect to the output; null where there is none.</summary>
    protected abstract (Tensor? A, Tensor? B, Tensor? C) Backward(Tensor gradient);

    /// <summary>The tangent of the output, for those of the inputs (null for zero). Called after <c>Forward</c>.</summary>
    protected virtual Tensor? Jvp(Tensor? a, Tensor? b, Tensor? c) => throw JvpMissing();

    internal sealed override Tensor[] CallForward(ReadOnlySpan<Tensor> inputs) => [Forward(inputs[0], inputs[1], inputs[2])];

    internal sealed override Tensor?[] CallBackward(ReadOnlySpan<Tensor?> gradients)
    {
        var (a, b, c) = Backward(gradients[0]!);
        return [a, b, c];
    }

    internal sealed override Tensor?[] CallJvp(ReadOnlySpan<Tensor?> tangents) => [Jvp(tangents[0], tangents[1], tangents[2])];
}

/// <summary>A <see cref="Function"/> of any number of tensors, with any number of outputs; an optional input is one that is left out.</summary>
public abstract class NaryFunction : Function
{
    /// <summary>Computes the outputs and records the operation if an input requires a gradient.</summary>
    /// <exception cref="GradientException">An input was written in place and not returned, or is a leaf that requires a gradient.</exception>
    public Tensor[] Apply(params ReadOnlySpan<Tensor> inputs) => Run(inputs);

    /// <summary>The outputs.</summary>
    protected abstract Tensor[] Forward(ReadOnlySpan<Tensor> inputs);

    /// <summary>
    /// For each input its gradient, or null. There is a gradient for each output: where none came, zeros, or null after
    /// <see cref="Function.SetMaterializeGrads"/> with false.
    /// </summary>
    protected abstract Tensor?[] Backward(ReadOnlySpan<Tensor?> gradients);

    /// <summary>For each output its tangent, for those of the inputs; null stands for zero. Called after <c>Forward</c>.</summary>
    protected virtual Tensor?[] Jvp(ReadOnlySpan<Tensor?> tangents) => throw JvpMissing();

    internal sealed override Tensor[] CallForward(ReadOnlySpan<Tensor> inputs) => Forward(inputs);

    internal sealed override Tensor?[] CallBackward(ReadOnlySpan<Tensor?> gradients) => Backward(gradients);

    internal sealed override Tensor?[] CallJvp(ReadOnlySpan<Tensor?> tangents) => Jvp(tangents);
}
