namespace Autograd.Gpu.Nn;

/// <summary>Pads the last dimensions of its input; what all padding layers are.</summary>
/// <param name="rank">How many dimensions are padded.</param>
/// <param name="padding">One number for all sides, or two for each dimension, the last dimension first.</param>
/// <param name="mode">What stands beside the input.</param>
/// <param name="value">The number, if it is one.</param>
public abstract class PaddingLayer(int rank, Sizes padding, PadMode mode, Scalar? value = null) : Module
{
    private readonly long[] _pads = padding.For("Pad", "padding", 2 * rank);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Rank == rank + 1 || input.Rank == rank + 2 || mode == PadMode.Constant
            ? Functional.Pad(input, _pads, mode, value)
            : throw new ShapeException($"Pad: Expected {rank + 1}D or {rank + 2}D (batch mode) tensor for input, but got: {input.Shape}.");
    }
}

/// <summary>Puts a number beside the last dimension.</summary>
public sealed class ConstantPad1d(Sizes padding, Scalar value) : PaddingLayer(1, padding, PadMode.Constant, value);

/// <summary>Puts a number around the last two dimensions.</summary>
public sealed class ConstantPad2d(Sizes padding, Scalar value) : PaddingLayer(2, padding, PadMode.Constant, value);

/// <summary>Puts a number around the last three dimensions.</summary>
public sealed class ConstantPad3d(Sizes padding, Scalar value) : PaddingLayer(3, padding, PadMode.Constant, value);

/// <summary>Puts zeros beside the last dimension.</summary>
public sealed class ZeroPad1d(Sizes padding) : PaddingLayer(1, padding, PadMode.Constant);

/// <summary>Puts zeros around the last two dimensions.</summary>
public sealed class ZeroPad2d(Sizes padding) : PaddingLayer(2, padding, PadMode.Constant);

/// <summary>Puts zeros around the last three dimensions.</summary>
public sealed class ZeroPad3d(Sizes padding) : PaddingLayer(3, padding, PadMode.Constant);

/// <summary>Mirrors the last dimension at its ends.</summary>
public sealed class ReflectionPad1d(Sizes padding) : PaddingLayer(1, padding, PadMode.Reflect);

/// <summary>Mirrors the last two dimensions at their ends.</summary>
public sealed class ReflectionPad2d(Sizes padding) : PaddingLayer(2, padding, PadMode.Reflect);

/// <summary>Mirrors the last three dimensions at their ends.</summary>
public sealed class ReflectionPad3d(Sizes padding) : PaddingLayer(3, padding, PadMode.Reflect);

/// <summary>Repeats the first and last element of the last dimension.</summary>
public sealed class ReplicationPad1d(Sizes padding) : PaddingLayer(1, padding, PadMode.Replicate);

/// <summary>Repeats the first and last elements of the last two dimensions.</summary>
public sealed class ReplicationPad2d(Sizes padding) : PaddingLayer(2, padding, PadMode.Replicate);

/// <summary>Repeats the first and last elements of the last three dimensions.</summary>
public sealed class ReplicationPad3d(Sizes padding) : PaddingLayer(3, padding, PadMode.Replicate);

/// <summary>Continues the last dimension from its other end.</summary>
public sealed class CircularPad1d(Sizes padding) : PaddingLayer(1, padding, PadMode.Circular);

/// <summary>Continues the last two dimensions from their other ends.</summary>
public sealed class CircularPad2d(Sizes padding) : PaddingLayer(2, padding, PadMode.Circular);

/// <summary>Continues the last three dimensions from their other ends.</summary>
public sealed class CircularPad3d(Sizes padding) : PaddingLayer(3, padding, PadMode.Circular);
