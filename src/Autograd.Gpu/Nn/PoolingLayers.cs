namespace Autograd.Gpu.Nn;

/// <summary><see cref="Functional.MaxPool1d"/> as a layer.</summary>
public sealed class MaxPool1d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.MaxPool1d(input, kernelSize, stride, padding, dilation, ceilMode);

    /// <summary>The output and the places of its elements in the input, for an unpooling: PyTorch's <c>return_indices</c>.</summary>
    public (Tensor Output, Tensor Indices) ForwardWithIndices(Tensor input) => Functional.MaxPool1dWithIndices(input, kernelSize, stride, padding, dilation, ceilMode);
}

/// <summary><see cref="Functional.MaxPool2d"/> as a layer.</summary>
public sealed class MaxPool2d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.MaxPool2d(input, kernelSize, stride, padding, dilation, ceilMode);

    /// <summary>The output and the places of its elements in the input, for an unpooling: PyTorch's <c>return_indices</c>.</summary>
    public (Tensor Output, Tensor Indices) ForwardWithIndices(Tensor input) => Functional.MaxPool2dWithIndices(input, kernelSize, stride, padding, dilation, ceilMode);
}

/// <summary><see cref="Functional.MaxPool3d"/> as a layer.</summary>
public sealed class MaxPool3d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.MaxPool3d(input, kernelSize, stride, padding, dilation, ceilMode);

    /// <summary>The output and the places of its elements in the input, for an unpooling: PyTorch's <c>return_indices</c>.</summary>
    public (Tensor Output, Tensor Indices) ForwardWithIndices(Tensor input) => Functional.MaxPool3dWithIndices(input, kernelSize, stride, padding, dilation, ceilMode);
}

/// <summary><see cref="Functional.AvgPool1d"/> as a layer.</summary>
public sealed class AvgPool1d(Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, bool ceilMode = false, bool countIncludePad = true) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AvgPool1d(input, kernelSize, stride, padding, ceilMode, countIncludePad);
}

/// <summary><see cref="Functional.AvgPool2d"/> as a layer.</summary>
public sealed class AvgPool2d(
    Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, bool ceilMode = false, bool countIncludePad = true, long? divisorOverride = null) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AvgPool2d(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
}

/// <summary><see cref="Functional.AvgPool3d"/> as a layer.</summary>
public sealed class AvgPool3d(
    Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, bool ceilMode = false, bool countIncludePad = true, long? divisorOverride = null) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AvgPool3d(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
}

/// <summary><see cref="Functional.LpPool1d"/> as a layer.</summary>
public sealed class LpPool1d(double normType, Sizes kernelSize, Sizes? stride = null, bool ceilMode = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.LpPool1d(input, normType, kernelSize, stride, ceilMode);
}

/// <summary><see cref="Functional.LpPool2d"/> as a layer.</summary>
public sealed class LpPool2d(double normType, Sizes kernelSize, Sizes? stride = null, bool ceilMode = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.LpPool2d(input, normType, kernelSize, stride, ceilMode);
}

/// <summary><see cref="Functional.LpPool3d"/> as a layer.</summary>
public sealed class LpPool3d(double normType, Sizes kernelSize, Sizes? stride = null, bool ceilMode = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.LpPool3d(input, normType, kernelSize, stride, ceilMode);
}

/// <summary><see cref="Functional.AdaptiveAvgPool1d"/> as a layer.</summary>
public sealed class AdaptiveAvgPool1d(Sizes outputSize) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AdaptiveAvgPool1d(input, outputSize);
}

/// <summary><see cref="Functional.AdaptiveAvgPool2d"/> as a layer.</summary>
public sealed class AdaptiveAvgPool2d(Sizes outputSize) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AdaptiveAvgPool2d(input, outputSize);
}

/// <summary><see cref="Functional.AdaptiveAvgPool3d"/> as a layer.</summary>
public sealed class AdaptiveAvgPool3d(Sizes outputSize) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AdaptiveAvgPool3d(input, outputSize);
}

/// <summary><see cref="Functional.AdaptiveMaxPool1d"/> as a layer.</summary>
public sealed class AdaptiveMaxPool1d(Sizes outputSize) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AdaptiveMaxPool1d(input, outputSize);

    /// <summary>The output and the places of its elements in the input, for an unpooling: PyTorch's <c>return_indices</c>.</summary>
    public (Tensor Output, Tensor Indices) ForwardWithIndices(Tensor input) => Functional.AdaptiveMaxPool1dWithIndices(input, outputSize);
}

/// <summary><see cref="Functional.AdaptiveMaxPool2d"/> as a layer.</summary>
public sealed class AdaptiveMaxPool2d(Sizes outputSize) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AdaptiveMaxPool2d(input, outputSize);

    /// <summary>The output and the places of its elements in the input, for an unpooling: PyTorch's <c>return_indices</c>.</summary>
    public (Tensor Output, Tensor Indices) ForwardWithIndices(Tensor input) => Functional.AdaptiveMaxPool2dWithIndices(input, outputSize);
}

/// <summary><see cref="Functional.AdaptiveMaxPool3d"/> as a layer.</summary>
public sealed class AdaptiveMaxPool3d(Sizes outputSize) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.AdaptiveMaxPool3d(input, outputSize);

    /// <summary>The output and the places of its elements in the input, for an unpooling: PyTorch's <c>return_indices</c>.</summary>
    public (Tensor Output, Tensor Indices) ForwardWithIndices(Tensor input) => Functional.AdaptiveMaxPool3dWithIndices(input, outputSize);
}
