using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>How an image of another size gets its values.</summary>
public enum InterpolationMode
{
    /// <summary>The element at floor(o in / out), as older versions of OpenCV take it.</summary>
    Nearest,

    /// <summary>The element whose centre is nearest, as in scikit-image and PIL.</summary>
    NearestExact,

    /// <summary>Linear between two elements; 3-d inputs.</summary>
    Linear,

    /// <summary>Linear in height and width; 4-d inputs.</summary>
    Bilinear,

    /// <summary>Linear in depth, height and width; 5-d inputs.</summary>
    Trilinear,

    /// <summary>Cubic convolution (Keys, a = -0.75) in height and width; 4-d inputs.</summary>
    Bicubic,

    /// <summary>Means over windows: adaptive average pooling.</summary>
    Area,
}

public static partial class Functional
{
    /// <summary>The input [N, C, ...] with other sizes of its last one to three dimensions.</summary>
    /// <param name="input">The images, of a floating-point type.</param>
    /// <param name="size">The new sizes; this or <paramref name="scaleFactor"/>.</param>
    /// <param name="scaleFactor">By what the sizes are multiplied (rounded down). Coordinates follow the factor that was given, not the sizes that come out.</param>
    /// <param name="mode">How values are found.</param>
    /// <param name="alignCorners">For linear and cubic modes: whether corner elements keep their values, instead of corner pixels their outer edges; by default false.</param>
    /// <param name="recomputeScaleFactor">Whether coordinates follow the sizes that come out.</param>
    /// <param name="antialias">
    /// For <see cref="InterpolationMode.Bilinear"/> and <see cref="InterpolationMode.Bicubic"/>: whether the kernel grows with the factor by which a dimension shrinks, as in PIL,
    /// so that no element of the input is left out. The cubic kernel is then the one with a = -0.5.
    /// </param>
    /// <exception cref="ShapeException">The input has not the mode's number of dimensions, or sizes are missing, of another number or not positive.</exception>
    /// <exception cref="ArgumentException">Both or neither of size and factor are given, or <paramref name="alignCorners"/> for a mode that has no such choice.</exception>
    /// <exception cref="DTypeException">The input is not floating-point.</exception>
    public static Tensor Interpolate(
        Tensor input,
        Sizes? size = null,
        Scales? scaleFactor = null,
        InterpolationMode mode = InterpolationMode.Nearest,
        bool? alignCorners = null,
        bool recomputeScaleFactor = false,
        bool antialias = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckFloating("Interpolate", input);
        int rank = input.Rank - 2;
        Defined.Check("Interpolate", mode);
        CheckMode(input, mode, alignCorners, antialias);
        var (sizes, scales) = NewSizes(input, size, scaleFactor);
        if (sizes.Any(n => n <= 0) || input.Shape.Skip(1).Any(n => n == 0))
        {
            throw new ShapeException($"Interpolate: Input and output sizes should be greater than 0, but got input {input.Shape} and output size {Shape.Describe(sizes)}.");
        }

        if (mode == InterpolationMode.Area)
        {
            return AdaptiveAvgPool($"AdaptiveAvgPool{rank}D", rank, input, sizes);
        }

        var bands = Interpolation.Bands(AdaptiveSizes.Of(input.Shape, sizes), mode, alignCorners ?? false, antialias, recomputeScaleFactor ? null : scales);
        string name = $"Upsample{mode}{rank}D{(antialias ? "Aa" : "")}";
        return Structural.Apply(new BandProduct(name, bands), input);
    }

    private static (long[] Sizes, double[]? Scales) NewSizes(Tensor input, Sizes? size, Scales? scaleFactor)
    {
        int rank = input.Rank - 2;
        var before = input.Shape.AsSpan()[2..];
        if (size is not null && scaleFactor is not null)
        {
            throw new ArgumentException("Interpolate: only one of size or scale_factor should be defined.");
        }

        if (size is { } given)
        {
            return given.Count() is 1 || given.Count() == rank ? (given.For("Interpolate", "size", rank), null)
                : throw new ShapeException(
                    $"Interpolate: Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {Shape.Describe(before)} "
                    + $"and output size of {given}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.");
        }

        if (scaleFactor is not { } factors)
        {
            throw new ArgumentException("Interpolate: either size or scale_factor should be defined.");
        }

        var scales = factors.For(rank) ?? throw new ShapeException(
            $"Interpolate: Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of {Shape.Describe(before)} "
            + $"and scale_factor of shape {factors}.");
        var sizes = new long[rank];
        for (int d = 0; d < rank; d++)
        {
            sizes[d] = (long)Math.Floor(before[d] * scales[d]);
        }

        return (sizes, scales);
    }

    private static void CheckMode(Tensor input, InterpolationMode mode, bool? alignCorners, bool antialias)
    {
        if (antialias && (mode is not (InterpolationMode.Bilinear or InterpolationMode.Bicubic) || input.Rank != 4))
        {
            throw new ArgumentException(
                $"Interpolate: Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input, but got {mode} and shape {input.Shape}.", nameof(antialias));
        }

        int needed = mode switch
        {
            InterpolationMode.Linear => 3,
            InterpolationMode.Bilinear or InterpolationMode.Bicubic => 4,
            InterpolationMode.Trilinear => 5,
            _ => 0,
        };
        if (needed == 0 && alignCorners is not null)
        {
            throw new ArgumentException(
                $"Interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear, but the mode is {mode}.");
        }

        if (needed == 0 ? input.Rank is < 3 or > 5 : input.Rank != needed)
        {
            throw new ShapeException(needed == 0
                ? $"Interpolate: Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.Rank}D, shape {input.Shape}) for the mode {mode}."
                : $"Interpolate: Got {input.Rank}D input, but {mode} mode needs {needed}D input. The shape is {input.Shape}.");
        }
    }
}

/// <summary><see cref="Functional.Interpolate"/> as a layer.</summary>
public sealed class Upsample(
    Sizes? size = null,
    Scales? scaleFactor = null,
    InterpolationMode mode = InterpolationMode.Nearest,
    bool? alignCorners = null,
    bool recomputeScaleFactor = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor input) => Functional.Interpolate(input, size, scaleFactor, mode, alignCorners, recomputeScaleFactor);
}
