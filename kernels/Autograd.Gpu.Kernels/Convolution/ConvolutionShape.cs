using System.Runtime.InteropServices;

namespace Autograd.Gpu.Kernels.Convolution;

/// <summary>One spatial dimension of a convolution: output a and tap k meet at input a * Stride + k * Dilation - Padding.</summary>
[StructLayout(LayoutKind.Sequential)]
public record struct ConvolutionAxis
{
    /// <summary>The input's size.</summary>
    public int Input;

    /// <summary>The number of taps.</summary>
    public int Kernel;

    /// <summary>The output's size.</summary>
    public int Output;

    /// <summary>From one output's place to the next.</summary>
    public int Stride;

    /// <summary>Zeros before the input; those behind it follow from the output's size.</summary>
    public int Padding;

    /// <summary>From one tap to the next.</summary>
    public int Dilation;

    /// <summary>A dimension that is not there.</summary>
    public static ConvolutionAxis Single => new() { Input = 1, Kernel = 1, Output = 1, Stride = 1, Dilation = 1 };

    /// <summary>Whether output and input are the same places.</summary>
    public readonly bool IsPointwise => Kernel == 1 && Stride == 1 && Padding == 0 && Input == Output;
}

/// <summary>
/// A convolution of contiguous tensors in three spatial dimensions: input [Batch, Groups * InputChannels, ..], weight [Groups * OutputChannels,
/// InputChannels, ..], output [Batch, Groups * OutputChannels, ..].
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public record struct ConvolutionShape
{
    /// <summary>The number of samples.</summary>
    public int Batch;

    /// <summary>The number of groups.</summary>
    public int Groups;

    /// <summary>The input's channels of one group.</summary>
    public int InputChannels;

    /// <summary>The output's channels of one group.</summary>
    public int OutputChannels;

    /// <summary>The first spatial dimension.</summary>
    public ConvolutionAxis Depth;

    /// <summary>The second spatial dimension.</summary>
    public ConvolutionAxis Height;

    /// <summary>The last spatial dimension.</summary>
    public ConvolutionAxis Width;

    /// <summary>The input's places in one channel.</summary>
    public readonly long InputPlaces => (long)Depth.Input * Height.Input * Width.Input;

    /// <summary>The output's places in one channel.</summary>
    public readonly long OutputPlaces => (long)Depth.Output * Height.Output * Width.Output;

    /// <summary>The taps of one channel.</summary>
    public readonly int Taps => Depth.Kernel * Height.Kernel * Width.Kernel;

    /// <summary>The multiplications that the definition has.</summary>
    public readonly double Products => (double)Batch * Groups * OutputChannels * InputChannels * OutputPlaces * Taps;

    /// <summary>Whether each output place takes one input place, the same.</summary>
    public readonly bool IsPointwise => Depth.IsPointwise && Height.IsPointwise && Width.IsPointwise;
}
