using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

public static partial class Functional
{
    /// <summary>The mean of each window over the last dimension; see <see cref="AvgPool2d"/>.</summary>
    public static Tensor AvgPool1d(
        Tensor input, Sizes kernelSize, Sizes? stride = null, Sizes? padding = null, bool ceilMode = false, bool countIncludePad = true) =>
        AvgPool("AvgPool1D", 1, input, kernelSize, stride, padding, ceilMode, countIncludePad, null);

    /// <summary>The mean of each window over the last two dimensions of [N, C, H, W] or [C, H, W].</summary>
    /// <param name="input">The planes, of a floating-point type.</param>
    /// <param name="kernelSize">The size of a window.</param>
    /// <param name="stride">The distance between windows; by default their size.</param>
    /// <param name="padding">Zeros beside the input on each side; at most half of a window.</param>
    /// <param name="ceilMode">Whether windows that reach beyond the end count, if they begin before it or in the padding on the left.</param>
    /// <param name="countIncludePad">Whether the zeros of the padding count in the mean. What <paramref name="ceilMode"/> adds beyond it never does.</param>
    /// <param name="divisorOverride">What each sum is divided by, if not by the number of elements.</param>
    /// <exception cref="ShapeException">The input has another number of dimensions, a parameter is out of range, or no window fits.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor AvgPool2d(
        Tensor input,
        Sizes kernelSize,
        Sizes? stride = null,
        Sizes? padding = null,
        bool ceilMode = false,
        bool countIncludePad = true,
        long? divisorOverride = null) =>
        AvgPool("AvgPool2D", 2, input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);

    /// <summary>The mean of each window over the last three dimensions; see <see cref="AvgPool2d"/>.</summary>
    public static Tensor AvgPool3d(
        Tensor input,
        Sizes kernelSize,
        Sizes? stride = null,
        Sizes? padding = null,
        bool ceilMode = false,
        bool countIncludePad = true,
        long? divisorOverride = null) =>
        AvgPool("AvgPool3D", 3, input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);

    /// <summary>Means of windows that share the last dimension out; see <see cref="AdaptiveAvgPool2d"/>.</summary>
    public static Tensor AdaptiveAvgPool1d(Tensor input, Sizes outputSize) => AdaptiveAvgPool("AdaptiveAvgPool1D", 1, input, outputSize);

    /// <summary>
    /// As many means as are asked for over the last two dimensions of [N, C, H, W] or [C, H, W]: window o covers floor(o in / out) up to, and without,
    /// ceil((o + 1) in / out).
    /// </summary>
    /// <param name="input">The planes, of a floating-point type.</param>
    /// <param name="outputSize">How many in each dimension; -1 keeps the input's size.</param>
    /// <exception cref="ShapeException">The input has another number of dimensions, or a size is negative.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor AdaptiveAvgPool2d(Tensor input, Sizes outputSize) => AdaptiveAvgPool("AdaptiveAvgPool2D", 2, input, outputSize);

    /// <summary>Means of windows that share the last three dimensions out; see <see cref="AdaptiveAvgPool2d"/>.</summary>
    public static Tensor AdaptiveAvgPool3d(Tensor input, Sizes outputSize) => AdaptiveAvgPool("AdaptiveAvgPool3D", 3, input, outputSize);

    /// <summary>(sum x^p)^(1/p) of each window over the last dimension; see <see cref="LpPool2d"/>.</summary>
    public static Tensor LpPool1d(Tensor input, double normType, Sizes kernelSize, Sizes? stride = null, bool ceilMode = false) =>
        LpPool("LpPool1D", 1, input, normType, kernelSize, stride, ceilMode);

    /// <summary>
    /// (sum x^p)^(1/p) of each window over the last two dimensions. As in PyTorch powers are of x, not of its magnitude: with an odd p a sum may be negative and its
    /// root nan. The gradient is nan where a sum is 0 and p is not 1.
    /// </summary>
    /// <param name="input">The planes, of a floating-point type.</param>
    /// <param name="normType">The exponent p.</param>
    /// <param name="kernelSize">The size of a window.</param>
    /// <param name="stride">The distance between windows; by default their size.</param>
    /// <param name="ceilMode">Whether a last window that reaches beyond the end counts; its sum is scaled up to a whole window's.</param>
    /// <exception cref="ShapeException">The input has another number of dimensions, a parameter is out of range, or no window fits.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor LpPool2d(Tensor input, double normType, Sizes kernelSize, Sizes? stride = null, bool ceilMode = false) =>
        LpPool("LpPool2D", 2, input, normType, kernelSize, stride, ceilMode);

    /// <summary>(sum x^p)^(1/p) of each window over the last three dimensions; see <see cref="LpPool2d"/>.</summary>
    public static Tensor LpPool3d(Tensor input, double normType, Sizes kernelSize, Sizes? stride = null, bool ceilMode = false) =>
        LpPool("LpPool3D", 3, input, normType, kernelSize, stride, ceilMode);

    private static Tensor AvgPool(
        string name, int rank, Tensor input, Sizes kernel, Sizes? stride, Sizes? padding, bool ceilMode, bool countIncludePad, long? divisor)
    {
        CheckFloating(name, PoolParameters.Check(name, rank, input));
        if (divisor == 0)
        {
            throw new ArgumentException($"{name}: divisor must be not zero.");
        }

        return AveragePooling.Apply(name, new PoolParameters(name, rank, input.Shape, kernel, stride, padding, null, ceilMode), input, countIncludePad, divisor);
    }

    private static Tensor AdaptiveAvgPool(string name, int rank, Tensor input, Sizes outputSize)
    {
        CheckFloating(name, PoolParameters.Check(name, rank, input));
        Span<long> sizes = stackalloc long[rank];
        NewSizes(name, input, outputSize, sizes);

        // One mean of all is a reduction, which many threads share.
        ReadOnlySpan<int> last = [-3, -2, -1];
        return !sizes.ContainsAnyExcept(1)
            ? input.Mean(last[^rank..], keepDim: true)
            : AveragePooling.Adaptive(name, sizes, input);
    }

    private static Tensor LpPool(string name, int rank, Tensor input, double p, Sizes kernel, Sizes? stride, bool ceilMode)
    {
        CheckFloating(name, PoolParameters.Check(name, rank, input));
        var pool = new PoolParameters(name, rank, input.Shape, kernel, stride, null, null, ceilMode);
        double window = 1;
        for (int d = 0; d < rank; d++)
        {
            window *= pool[d].Kernel;
        }

        return (AveragePooling.Apply(name, pool, input.Pow(p), countIncludePad: true, null) * window).Pow(1 / p);
    }

    private static void NewSizes(string name, Tensor input, Sizes outputSize, Span<long> sizes)
    {
        outputSize.For(name, "output_size", sizes);
        for (int d = 0; d < sizes.Length; d++)
        {
            sizes[d] = sizes[d] == -1 ? input.Shape[d - sizes.Length] : sizes[d];
            if (sizes[d] < 0)
            {
                throw new ShapeException($"{name}: elements of output_size must be greater than or equal to 0, but got {outputSize}. Use -1 to keep the input's size.");
            }
        }
    }

    private static Tensor CheckFloating(string operation, Tensor input) => input.DType.IsFloatingPoint()
        ? input
        : throw new DTypeException($"{operation}: not implemented for {input.DType.Name()}: expected a floating point dtype. Convert with To(DType.Float32).");
}
