namespace Autograd.Gpu.Kernels.Convolution;

/// <summary>A part of an element's address: a distance, and a place in each spatial dimension, which is checked once both parts are added.</summary>
public struct PatchPart
{
    /// <summary>The distance in elements.</summary>
    public long Offset;

    /// <summary>The place in the first dimension.</summary>
    public int Depth;

    /// <summary>The place in the second dimension.</summary>
    public int Height;

    /// <summary>The place in the last dimension.</summary>
    public int Width;

    /// <summary>A distance alone.</summary>
    public static PatchPart At(long offset) => new() { Offset = offset };
}

/// <summary>One operand of a convolution seen as a matrix: lines, and depths along which products are summed.</summary>
public interface IConvolutionSide
{
    /// <summary>What a line adds to the address.</summary>
    static abstract PatchPart Line(ConvolutionShape x, int group, long line);

    /// <summary>What a depth adds to the address.</summary>
    static abstract PatchPart Along(ConvolutionShape x, int group, long depth);

    /// <summary>The address, or a negative number where the operand has nothing.</summary>
    static abstract long Address(ConvolutionShape x, PatchPart line, PatchPart depth);
}

/// <summary>The parts that the sides are made of.</summary>
internal static class Patches
{
    /// <summary>A sample and an output place, in the input.</summary>
    public static PatchPart OutputPlace(ConvolutionShape x, int group, long number)
    {
        long places = x.OutputPlaces, sample = number / places;
        int place = (int)(number - sample * places);
        int row = place / x.Width.Output, depth = row / x.Height.Output;
        return new PatchPart
        {
            Offset = (sample * x.Groups + group) * x.InputChannels * x.InputPlaces,
            Depth = depth * x.Depth.Stride - x.Depth.Padding,
            Height = (row - depth * x.Height.Output) * x.Height.Stride - x.Height.Padding,
            Width = (place - row * x.Width.Output) * x.Width.Stride - x.Width.Padding,
        };
    }

    /// <summary>A channel and a tap, as the distance that the channel means and the places that the tap means.</summary>
    public static PatchPart Tap(ConvolutionShape x, long number, long channelSize, int sign)
    {
        long channel = number / x.Taps;
        int tap = (int)(number - channel * x.Taps);
        int row = tap / x.Width.Kernel, depth = row / x.Height.Kernel;
        return new PatchPart
        {
            Offset = channel * channelSize,
            Depth = sign * depth * x.Depth.Dilation,
            Height = sign * (row - depth * x.Height.Kernel) * x.Height.Dilation,
            Width = sign * (tap - row * x.Width.Kernel) * x.Width.Dilation,
        };
    }

    /// <summary>The address in the input.</summary>
    public static long InInput(ConvolutionShape x, PatchPart a, PatchPart b)
    {
        int d = a.Depth + b.Depth, h = a.Height + b.Height, w = a.Width + b.Width;
        bool inside = d >= 0 & d < x.Depth.Input & h >= 0 & h < x.Height.Input & w >= 0 & w < x.Width.Input;
        return inside ? a.Offset + b.Offset + ((long)d * x.Height.Input + h) * x.Width.Input + w : -1;
    }
}

/// <summary>The weight: a line for each output channel, along the input channels and taps.</summary>
public readonly struct WeightByOutput : IConvolutionSide
{
    /// <inheritdoc/>
    public static PatchPart Line(ConvolutionShape x, int group, long line) =>
        PatchPart.At(((long)group * x.OutputChannels + line) * x.InputChannels * x.Taps);

    /// <inheritdoc/>
    public static PatchPart Along(ConvolutionShape x, int group, long depth) => PatchPart.At(depth);

    /// <inheritdoc/>
    public static long Address(ConvolutionShape x, PatchPart line, PatchPart depth) => line.Offset + depth.Offset;
}

/// <summary>The weight: a line for each input channel, along the output channels and taps.</summary>
public readonly struct WeightByInput : IConvolutionSide
{
    /// <inheritdoc/>
    public static PatchPart Line(ConvolutionShape x, int group, long line) => PatchPart.At(line * x.Taps);

    /// <inheritdoc/>
    public static PatchPart Along(ConvolutionShape x, int group, long depth)
    {
        long channel = depth / x.Taps;
        return PatchPart.At(((long)group * x.OutputChannels + channel) * x.InputChannels * x.Taps + (depth - channel * x.Taps));
    }

    /// <inheritdoc/>
    public static long Address(ConvolutionShape x, PatchPart line, PatchPart depth) => line.Offset + depth.Offset;
}

/// <summary>The input: a line for each sample and output place, along the input channels and taps.</summary>
public readonly struct InputByPlace : IConvolutionSide
{
    /// <inheritdoc/>
    public static PatchPart Line(ConvolutionShape x, int group, long line) => Patches.OutputPlace(x, group, line);

    /// <inheritdoc/>
    public static PatchPart Along(ConvolutionShape x, int group, long depth) => Patches.Tap(x, depth, x.InputPlaces, 1);

    /// <inheritdoc/>
    public static long Address(ConvolutionShape x, PatchPart line, PatchPart depth) => Patches.InInput(x, line, depth);
}

/// <summary>The input: a line for each channel and tap, along the samples and output places.</summary>
public readonly struct InputByTap : IConvolutionSide
{
    /// <inheritdoc/>
    public static PatchPart Line(ConvolutionShape x, int group, long line) => Patches.Tap(x, line, x.InputPlaces, 1);

    /// <inheritdoc/>
    public static PatchPart Along(ConvolutionShape x, int group, long depth) => Patches.OutputPlace(x, group, depth);

    /// <inheritdoc/>
    public static long Address(ConvolutionShape x, PatchPart line, PatchPart depth) => Patches.InInput(x, line, depth);
}

/// <summary>The output's gradient: a line for each channel, along the samples and places.</summary>
public readonly struct OutputByChannel : IConvolutionSide
{
    /// <inheritdoc/>
    public static PatchPart Line(ConvolutionShape x, int group, long line) => PatchPart.At(((long)group * x.OutputChannels + line) * x.OutputPlaces);

    /// <inheritdoc/>
    public static PatchPart Along(ConvolutionShape x, int group, long depth)
    {
        long places = x.OutputPlaces, sample = depth / places;
        return PatchPart.At(sample * x.Groups * x.OutputChannels * places + (depth - sample * places));
    }

    /// <inheritdoc/>
    public static long Address(ConvolutionShape x, PatchPart line, PatchPart depth) => line.Offset + depth.Offset;
}

/// <summary>The output's gradient: a line for each sample and input place, along the output channels and taps.</summary>
public readonly struct OutputByPlace : IConvolutionSide
{
    /// <inheritdoc/>
    public static PatchPart Line(ConvolutionShape x, int group, long line)
    {
        long places = x.InputPlaces, sample = line / places;
        int place = (int)(line - sample * places);
        int row = place / x.Width.Input, depth = row / x.Height.Input;
        return new PatchPart
        {
            Offset = (sample * x.Groups + group) * x.OutputChannels * x.OutputPlaces,
            Depth = depth + x.Depth.Padding,
            Height = row - depth * x.Height.Input + x.Height.Padding,
            Width = place - row * x.Width.Input + x.Width.Padding,
        };
    }

    /// <inheritdoc/>
    public static PatchPart Along(ConvolutionShape x, int group, long depth) => Patches.Tap(x, depth, x.OutputPlaces, -1);

    /// <inheritdoc/>
    public static long Address(ConvolutionShape x, PatchPart line, PatchPart depth)
    {
        int d = line.Depth + depth.Depth, h = line.Height + depth.Height, w = line.Width + depth.Width;
        int od = d / x.Depth.Stride, oh = h / x.Height.Stride, ow = w / x.Width.Stride;
        bool inside = d >= 0 & h >= 0 & w >= 0 & od < x.Depth.Output & oh < x.Height.Output & ow < x.Width.Output
            & od * x.Depth.Stride == d & oh * x.Height.Stride == h & ow * x.Width.Stride == w;
        return inside ? line.Offset + depth.Offset + ((long)od * x.Height.Output + oh) * x.Width.Output + ow : -1;
    }
}
