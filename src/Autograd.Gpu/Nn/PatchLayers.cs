namespace Autograd.Gpu.Nn;

/// <summary>The patches of images as columns, see <see cref="Functional.Unfold"/>.</summary>
public sealed class Unfold(Sizes kernelSize, Sizes? dilation = null, Sizes? padding = null, Sizes? stride = null) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Unfold(input, kernelSize, dilation, padding, stride);
}

/// <summary>Images summed from patches, see <see cref="Functional.Fold"/>.</summary>
public sealed class Fold(Sizes outputSize, Sizes kernelSize, Sizes? dilation = null, Sizes? padding = null, Sizes? stride = null) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Fold(input, outputSize, kernelSize, dilation, padding, stride);
}

/// <summary>Dimensions <paramref name="startDim"/> to <paramref name="endDim"/> as one; by default all but the batch.</summary>
public sealed class Flatten(int startDim = 1, int endDim = -1) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Flatten(startDim, endDim);
}

/// <summary>One dimension as several, the reverse of <see cref="Flatten"/>: see <see cref="Tensor.Unflatten"/>.</summary>
public sealed class Unflatten(int dim, params long[] sizes) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => input.Unflatten(dim, sizes);
}
