using Autograd.Gpu.Operations;

namespace Autograd.Gpu.Nn;

/// <summary>What stands beside a padded tensor.</summary>
public enum PadMode
{
    /// <summary>A number.</summary>
    Constant,

    /// <summary>The tensor mirrored at its first and last element, which are not repeated.</summary>
    Reflect,

    /// <summary>The first and last element.</summary>
    Replicate,

    /// <summary>The tensor again, from its other end.</summary>
    Circular,
}

public static partial class Functional
{
    /// <summary>The input with more elements, or where a pad is negative less, at both ends of its last dimensions.</summary>
    /// <param name="input">Any tensor.</param>
    /// <param name="pad">Before and behind the last dimension, then before and behind the one before it, and so on.</param>
    /// <param name="mode">What the new elements are.</param>
    /// <param name="value">The number of <see cref="PadMode.Constant"/>; by default 0.</param>
    /// <exception cref="ShapeException">
    /// There are more pads than dimensions, their number is odd, nothing would be left, or a tensor is too small to be mirrored or repeated that far.
    /// </exception>
    /// <exception cref="ArgumentException">Another mode than <see cref="PadMode.Constant"/> is given a value.</exception>
    public static Tensor Pad(Tensor input, ReadOnlySpan<long> pad, PadMode mode = PadMode.Constant, Scalar? value = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        Defined.Check("Pad", mode);
        if (pad.Length % 2 != 0)
        {
            throw new ShapeException($"Pad: Padding length must be divisible by 2, but got {Shape.Describe(pad)}.");
        }

        if (pad.Length > 2 * input.Rank)
        {
            throw new ShapeException(
                $"Pad: Padding length should be less than or equal to two times the input dimension but got padding length {pad.Length} and input of dimension {input.Rank} (shape {input.Shape}).");
        }

        if (mode != PadMode.Constant && value is not null)
        {
            throw new ArgumentException($"Pad: Padding mode \"{mode}\" doesn't take in value argument.", nameof(value));
        }

        for (int i = 0; i < pad.Length; i += 2)
        {
            CheckPad(input.Shape, input.Rank - 1 - i / 2, pad[i], pad[i + 1], mode);
        }

        if (mode == PadMode.Constant)
        {
            return Structural.Apply(new Padded(pad.ToArray(), value ?? 0), input);
        }

        for (int i = 0; i < pad.Length; i += 2)
        {
            int dim = input.Rank - 1 - i / 2;
            if (pad[i] != 0 || pad[i + 1] != 0)
            {
                input = input.IndexSelect(dim, Tensor.FromArray(PaddedPlaces(input.Shape[dim], pad[i], pad[i + 1], mode), input.Device));
            }
        }

        return input;
    }

    private static long[] PaddedPlaces(long size, long before, long behind, PadMode mode)
    {
        var places = new long[size + before + behind];
        for (int o = 0; o < places.Length; o++)
        {
            long i = o - before;
            places[o] = mode switch
            {
                PadMode.Reflect => i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i,
                PadMode.Replicate => Math.Clamp(i, 0, size - 1),
                _ => (i + size) % size,
            };
        }

        return places;
    }

    private static void CheckPad(Shape shape, int dim, long before, long behind, PadMode mode)
    {
        long size = shape[dim], left = size + before + behind;
        if (left < 0 || size + Math.Min(before, 0) + Math.Min(behind, 0) < 0)
        {
            throw new ShapeException(
                $"Pad: The input size {size}, plus negative padding {before} and {behind} resulted in a negative output size, which is invalid. Check dimension {dim} of your input {shape}.");
        }

        if (mode == PadMode.Reflect && (before >= size || behind >= size))
        {
            throw new ShapeException(
                $"Pad: Padding size should be less than the corresponding input dimension, but got: padding ({before}, {behind}) at dimension {dim} of input {shape}.");
        }

        if (mode == PadMode.Circular && (before > size || behind > size))
        {
            throw new ShapeException(
                $"Pad: Padding value causes wrapping around more than once: padding ({before}, {behind}) at dimension {dim} of input {shape}. Pad it twice, or use Repeat.");
        }

        if (mode == PadMode.Replicate && size == 0 && left > 0)
        {
            throw new ShapeException($"Pad: Expected dimension {dim} of input {shape} to have non-zero size: it has no element to repeat.");
        }
    }
}
