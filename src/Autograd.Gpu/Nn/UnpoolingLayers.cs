namespace Autograd.Gpu.Nn;

/// <summary>An unpooling: it takes the pooled planes and the places that <c>ForwardWithIndices</c> of the pooling gave.</summary>
public abstract class MaxUnpool : PairModule
{
    private protected MaxUnpool()
    {
    }

    /// <summary>The planes, with the sizes of the pooled dimensions before (see <see cref="Functional.MaxUnpool2d"/>).</summary>
    public abstract Tensor Forward(Tensor input, Tensor indices, Sizes? outputSize);

    /// <inheritdoc cref="Forward(Tensor, Tensor, Sizes?)"/>
    public Tensor Call(Tensor input, Tensor indices, Sizes? outputSize) => Forward(input, indices, outputSize);

    /// <inheritdoc/>
    public sealed override Tensor Forward(Tensor input1, Tensor input2) => Forward(input1, input2, null);
}

/// <summary><see cref="Functional.MaxUnpool1d"/> as a layer.</summary>
public sealed class MaxUnpool1d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null) : MaxUnpool
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor indices, Sizes? outputSize) => Functional.MaxUnpool1d(input, indices, kernelSize, stride, padding, outputSize);
}

/// <summary><see cref="Functional.MaxUnpool2d"/> as a layer.</summary>
public sealed class MaxUnpool2d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null) : MaxUnpool
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor indices, Sizes? outputSize) => Functional.MaxUnpool2d(input, indices, kernelSize, stride, padding, outputSize);
}

/// <summary><see cref="Functional.MaxUnpool3d"/> as a layer.</summary>
public sealed class MaxUnpool3d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null) : MaxUnpool
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, Tensor indices, Sizes? outputSize) => Functional.MaxUnpool3d(input, indices, kernelSize, stride, padding, outputSize);
}
