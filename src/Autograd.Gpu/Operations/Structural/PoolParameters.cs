using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Operations;

/// <summary>One dimension of a pooling.</summary>
internal readonly record struct PoolAxis(long Input, long Kernel, long Stride, long Padding, long Dilation)
{
    public string Describe() => $"kernel {Kernel}, stride {Stride}, padding {Padding}, dilation {Dilation}";
}

/// <summary>One dimension's sizes before and after a pooling that shares the input out.</summary>
internal readonly record struct AdaptiveAxis(long From, long To);

/// <summary>The sizes of one to three dimensions before and after a pooling that shares the input out: all that its windows depend on.</summary>
internal readonly record struct AdaptiveSizes(int Rank, AdaptiveAxis First, AdaptiveAxis Second, AdaptiveAxis Third)
{
    public static AdaptiveSizes Of(Shape input, ReadOnlySpan<long> output)
    {
        int rank = output.Length;
        return new(rank, Axis(0, output), Axis(1, output), Axis(2, output));

        AdaptiveAxis Axis(int d, ReadOnlySpan<long> output) => d < rank ? new(input[d - rank], output[d]) : default;
    }

    public AdaptiveAxis this[int d] => d == 0 ? First : d == 1 ? Second : Third;
}

/// <summary>
/// A pooling's kernel, strides, padding and dilation over an input, with the checks that all poolings share. Two are equal where windows lie at the same places.
/// </summary>
internal readonly record struct PoolParameters
{
    private readonly PoolAxis _first, _second, _third;
    private readonly bool _ceilMode;

    public PoolParameters(string name, int rank, Shape input, Sizes kernel, Sizes? stride, Sizes? padding, Sizes? dilation, bool ceilMode)
    {
        (Rank, _ceilMode) = (rank, ceilMode);
        Span<long> kernels = stackalloc long[rank], strides = stackalloc long[rank], pads = stackalloc long[rank], steps = stackalloc long[rank];
        kernel.For(name, "kernel_size", kernels);
        (stride ?? kernel).For(name, "stride", strides);
        (padding ?? 0).For(name, "padding", pads);
        (dilation ?? 1).For(name, "dilation", steps);
        CheckPositive(name, "kernel size", kernels);
        CheckPositive(name, "stride", strides);
        CheckPositive(name, "dilation", steps);
        for (int d = 0; d < rank; d++)
        {
            if (pads[d] < 0)
            {
                throw new ShapeException($"{name}: pad must be non-negative, but got pad: {pads[d]}.");
            }

            if (pads[d] > ((kernels[d] - 1) * steps[d] + 1) / 2)
            {
                throw new ShapeException(
                    $"{name}: pad should be at most half of effective kernel size, but got pad={pads[d]}, kernel_size={kernels[d]} and dilation={steps[d]}.");
            }

            var axis = new PoolAxis(input[d - rank], kernels[d], strides[d], pads[d], steps[d]);
            switch (d)
            {
                case 0:
                    _first = axis;
                    break;
                case 1:
                    _second = axis;
                    break;
                default:
                    _third = axis;
                    break;
            }
        }
    }

    public int Rank { get; }

    /// <summary>One of the pooled dimensions.</summary>
    public PoolAxis this[int d] => d == 0 ? _first : d == 1 ? _second : _third;

    /// <summary>
    /// floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, or with ceiling instead of floor but without a last window that would begin in the
    /// padding on the right.
    /// </summary>
    /// <exception cref="ShapeException">Nothing is left.</exception>
    public long[] OutputSizes(string name, Shape input)
    {
        var sizes = new long[Rank];
        for (int d = 0; d < Rank; d++)
        {
            var axis = this[d];
            long span = axis.Input + 2 * axis.Padding - axis.Dilation * (axis.Kernel - 1) - 1 + (_ceilMode ? axis.Stride - 1 : 0);
            sizes[d] = (span >= 0 ? span / axis.Stride : -1) + 1;
            if (_ceilMode && (sizes[d] - 1) * axis.Stride >= axis.Input + axis.Padding)
            {
                sizes[d]--;
            }
        }

        if (sizes.Any(n => n < 1))
        {
            long planes = input[-Rank - 1];
            throw new ShapeException(
                $"{name}: Given input size: ({planes}x{string.Join('x', input.Skip(input.Rank - Rank))}). "
                + $"Calculated output size: ({planes}x{string.Join('x', sizes)}). Output size is too small");
        }

        return sizes;
    }

    /// <summary>Refuses what has no channels in front of the pooled dimensions, and what has nothing to pool; an empty batch is fine.</summary>
    public static Tensor Check(string name, int rank, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank != rank + 1 && input.Rank != rank + 2)
        {
            throw new ShapeException(
                $"{name}: Expected {rank + 1}D or {rank + 2}D (batch mode) tensor for input, but got: {input.Shape}. Its last {rank} dimension(s) are pooled, channels stand before them.");
        }

        for (int d = input.Rank - rank - 1; d < input.Rank; d++)
        {
            if (input.Shape[d] == 0)
            {
                throw new ShapeException($"{name}: Expected input to have non-zero size for non-batch dimensions, but got {input.Shape} with dimension {d} being empty.");
            }
        }

        return input.DType != DType.Bool ? input : throw new DTypeException($"{name}: not implemented for bool. Convert with To(DType.Float32).");
    }

    private static void CheckPositive(string name, string what, ReadOnlySpan<long> values)
    {
        foreach (long value in values)
        {
            if (value <= 0)
            {
                throw new ShapeException($"{name}: {what} should be greater than zero, but got {Shape.Describe(values)}.");
            }
        }
    }
}
