using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>The largest element of each window over the last dimension; see <see cref="MaxPool2d"/>.</summary>
    public static Tensor MaxPool1d(Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) =>
        MaxPool("MaxPool1D", 1, input, kernelSize, stride, padding, dilation, ceilMode, false).Output;

    /// <summary>
    /// The largest element of each window over the last two dimensions of [N, C, H, W] or [C, H, W]; nan where a window holds one. The gradient goes to the
    /// element that was chosen, of those that tie the first.
    /// </summary>
    /// <param name="input">The planes.</param>
    /// <param name="kernelSize">The size of a window.</param>
    /// <param name="stride">The distance between windows; by default their size.</param>
    /// <param name="padding">Positions beside the input on each side, which never win; at most half of a window.</param>
    /// <param name="dilation">The distance between the elements of a window.</param>
    /// <param name="ceilMode">Whether windows that reach beyond the end count, if they begin before it or in the padding on the left.</param>
    /// <exception cref="ShapeException">The input has another number of dimensions, a parameter is out of range, or no window fits.</exception>
    /// <exception cref="DTypeException">The input is of type bool.</exception>
    public static Tensor MaxPool2d(Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) =>
        MaxPool("MaxPool2D", 2, input, kernelSize, stride, padding, dilation, ceilMode, false).Output;

    /// <summary>The largest element of each window over the last three dimensions; see <see cref="MaxPool2d"/>.</summary>
    public static Tensor MaxPool3d(Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) =>
        MaxPool("MaxPool3D", 3, input, kernelSize, stride, padding, dilation, ceilMode, false).Output;

    /// <summary>As <see cref="MaxPool1d"/>, with the places of the chosen elements; see <see cref="MaxPool2dWithIndices"/>.</summary>
    public static (Tensor Output, Tensor Indices) MaxPool1dWithIndices(
        Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) =>
        WithPlaces(MaxPool("MaxPool1DWithIndices", 1, input, kernelSize, stride, padding, dilation, ceilMode, true));

    /// <summary>As <see cref="MaxPool2d"/>, with the places of the chosen elements: int64, counted in row-major order over the pooled dimensions.</summary>
    public static (Tensor Output, Tensor Indices) MaxPool2dWithIndices(
        Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) =>
        WithPlaces(MaxPool("MaxPool2DWithIndices", 2, input, kernelSize, stride, padding, dilation, ceilMode, true));

    /// <summary>As <see cref="MaxPool3d"/>, with the places of the chosen elements; see <see cref="MaxPool2dWithIndices"/>.</summary>
    public static (Tensor Output, Tensor Indices) MaxPool3dWithIndices(
        Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? dilation = null, bool ceilMode = false) =>
        WithPlaces(MaxPool("MaxPool3DWithIndices", 3, input, kernelSize, stride, padding, dilation, ceilMode, true));

    /// <summary>The largest elements of windows that share the last dimension out; see <see cref="AdaptiveMaxPool2dWithIndices"/>.</summary>
    public static Tensor AdaptiveMaxPool1d(Tensor input, Sizes outputSize) => AdaptiveMaxPool("AdaptiveMaxPool1D", 1, input, outputSize, false).Output;

    /// <summary>The largest elements of windows that share the last two dimensions out; see <see cref="AdaptiveMaxPool2dWithIndices"/>.</summary>
    public static Tensor AdaptiveMaxPool2d(Tensor input, Sizes outputSize) => AdaptiveMaxPool("AdaptiveMaxPool2D", 2, input, outputSize, false).Output;

    /// <summary>The largest elements of windows that share the last three dimensions out; see <see cref="AdaptiveMaxPool2dWithIndices"/>.</summary>
    public static Tensor AdaptiveMaxPool3d(Tensor input, Sizes outputSize) => AdaptiveMaxPool("AdaptiveMaxPool3D", 3, input, outputSize, false).Output;

    /// <summary>As <see cref="AdaptiveMaxPool1d"/>, with the places of the chosen elements; see <see cref="AdaptiveMaxPool2dWithIndices"/>.</summary>
    public static (Tensor Output, Tensor Indices) AdaptiveMaxPool1dWithIndices(Tensor input, Sizes outputSize) =>
        WithPlaces(AdaptiveMaxPool("AdaptiveMaxPool1D", 1, input, outputSize, true));

    /// <summary>
    /// The largest element of as many windows as are asked for over the last two dimensions of [N, C, H, W] or [C, H, W], and its place in row-major order over
    /// these dimensions. Windows lie as in <see cref="AdaptiveAvgPool2d"/>.
    /// </summary>
    /// <param name="input">The planes.</param>
    /// <param name="outputSize">How many in each dimension; -1 keeps the input's size.</param>
    /// <exception cref="ShapeException">The input has another number of dimensions, or a size is negative.</exception>
    /// <exception cref="DTypeException">The input is of type bool.</exception>
    public static (Tensor Output, Tensor Indices) AdaptiveMaxPool2dWithIndices(Tensor input, Sizes outputSize) =>
        WithPlaces(AdaptiveMaxPool("AdaptiveMaxPool2D", 2, input, outputSize, true));

    /// <summary>As <see cref="AdaptiveMaxPool3d"/>, with the places of the chosen elements; see <see cref="AdaptiveMaxPool2dWithIndices"/>.</summary>
    public static (Tensor Output, Tensor Indices) AdaptiveMaxPool3dWithIndices(Tensor input, Sizes outputSize) =>
        WithPlaces(AdaptiveMaxPool("AdaptiveMaxPool3D", 3, input, outputSize, true));

    /// <summary>The elements of a max pooling put back at their places in one dimension, zeros elsewhere; see <see cref="MaxUnpool2d"/>.</summary>
    public static Tensor MaxUnpool1d(Tensor input, Tensor indices, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? outputSize = null) =>
        MaxUnpool("MaxUnpool1D", 1, input, indices, kernelSize, stride, padding, outputSize);

    /// <summary>
    /// The elements of a max pooling put back at their places in the last two dimensions, zeros elsewhere. Where windows overlapped and a place occurs more than
    /// once, the last one stays, and the gradient is right only where places differ.
    /// </summary>
    /// <param name="input">The pooled planes.</param>
    /// <param name="indices">The places, as <see cref="MaxPool2dWithIndices"/> gives them.</param>
    /// <param name="kernelSize">The size of a window.</param>
    /// <param name="stride">The distance between windows; by default their size.</param>
    /// <param name="padding">The pooling's padding.</param>
    /// <param name="outputSize">The sizes of the pooled dimensions before; by default (in - 1) stride - 2 padding + kernel, from which they may differ by less than a stride.</param>
    /// <exception cref="ShapeException">Shapes do not fit one another, or (on devices with host memory) a place is out of range.</exception>
    /// <exception cref="DTypeException">The places are not int64.</exception>
    public static Tensor MaxUnpool2d(Tensor input, Tensor indices, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? outputSize = null) =>
        MaxUnpool("MaxUnpool2D", 2, input, indices, kernelSize, stride, padding, outputSize);

    /// <summary>The elements of a max pooling put back at their places in three dimensions, zeros elsewhere; see <see cref="MaxUnpool2d"/>.</summary>
    public static Tensor MaxUnpool3d(Tensor input, Tensor indices, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, Sizes? outputSize = null) =>
        MaxUnpool("MaxUnpool3D", 3, input, indices, kernelSize, stride, padding, outputSize);

    private static (Tensor Output, Tensor? Indices) AdaptiveMaxPool(string name, int rank, Tensor input, Sizes outputSize, bool wantsPlaces)
    {
        PoolParameters.Check(name, rank, input);
        Span<long> sizes = stackalloc long[rank];
        NewSizes(name, input, outputSize, sizes);
        return MaxPooling.Apply(name, PoolWindows.Adaptive(AdaptiveSizes.Of(input.Shape, sizes)), input, wantsPlaces);
    }

    private static Tensor MaxUnpool(
        string name, int rank, Tensor input, Tensor indices, Sizes kernelSize, Sizes? stride, Sizes? padding, Sizes? outputSize)
    {
        PoolParameters.Check(name, rank, input);
        ArgumentNullException.ThrowIfNull(indices);
        if (indices.DType != DType.Int64)
        {
            throw new DTypeException($"{name}: elements in indices should be type int64 but got: {indices.DType.Name()}. Take them from a max pooling.");
        }

        if (indices.Shape != input.Shape)
        {
            throw new ShapeException($"{name}: Expected shape of indices to be same as that of the input tensor ({input.Shape}) but got indices tensor with shape: {indices.Shape}.");
        }

        var (kernel, pads) = (kernelSize.For(name, "kernel_size", rank), (padding ?? 0).For(name, "padding", rank));
        var steps = (stride ?? kernelSize).For(name, "stride", rank);
        var sizes = new long[rank];
        for (int d = 0; d < rank; d++)
        {
            sizes[d] = (input.Shape[d - rank] - 1) * steps[d] - 2 * pads[d] + kernel[d];
        }

        if (outputSize is { } asked)
        {
            var given = asked.For(name, "output_size", rank);
            for (int d = 0; d < rank; d++)
            {
                if (given[d] <= sizes[d] - steps[d] || given[d] >= sizes[d] + steps[d])
                {
                    throw new ShapeException(
                        $"{name}: invalid output_size {asked} (dim {d} must be between {sizes[d] - steps[d]} and {sizes[d] + steps[d]}, both excluded).");
                }
            }

            sizes = given;
        }

        var lead = input.Shape.AsSpan()[..^rank];
        var flat = rank == 1 ? input : input.Flatten(-rank);
        var zeros = Tensor.Zeros([.. lead, sizes.Aggregate((a, b) => a * b)], input.DType, input.Device);
        return zeros.Scatter(-1, indices.Reshape(flat.Shape), flat).Reshape([.. lead, .. sizes]);
    }

    private static (Tensor Output, Tensor? Indices) MaxPool(
        string name, int rank, Tensor input, Sizes kernelSize, Sizes? stride, Sizes? padding, Sizes? dilation, bool ceilMode, bool wantsPlaces)
    {
        PoolParameters.Check(name, rank, input);
        var pool = new PoolParameters(name, rank, input.Shape, kernelSize, stride, padding, dilation, ceilMode);
        return MaxPooling.Apply(name, PoolWindows.Of(name, pool, input.Shape), input, wantsPlaces);
    }

    private static (Tensor Output, Tensor Indices) WithPlaces((Tensor Output, Tensor? Indices) result) => (result.Output, result.Indices!);
}
