using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Operations;

/// <summary>All that a convolution needs to know besides its tensors; what the tensors' shapes do not say of a third, this does.</summary>
/// <param name="Rank">The number of spatial dimensions, 1 to 3.</param>
/// <param name="Depth">The first of three.</param>
/// <param name="Height">The last but one.</param>
/// <param name="Width">The last.</param>
/// <param name="Groups">The number of groups.</param>
/// <param name="WeightChannels">The weight's second size: the input's channels of one group.</param>
internal sealed record ConvolutionGeometry(int Rank, ConvolutionAxis Depth, ConvolutionAxis Height, ConvolutionAxis Width, long Groups, long WeightChannels)
{
    public static ConvolutionGeometry Of(ReadOnlySpan<ConvolutionAxis> axes, long groups, long weightChannels) => new(
        axes.Length,
        axes.Length > 2 ? axes[^3] : ConvolutionAxis.Single,
        axes.Length > 1 ? axes[^2] : ConvolutionAxis.Single,
        axes[^1],
        groups,
        weightChannels);

    /// <summary>The shape [first, second, a size for each spatial dimension].</summary>
    public Shape Shape(long first, long second, Func<ConvolutionAxis, int> size)
    {
        var sizes = new long[2 + Rank];
        (sizes[0], sizes[1], sizes[^1]) = (first, second, size(Width));
        if (Rank > 1)
        {
            sizes[^2] = size(Height);
        }

        if (Rank > 2)
        {
            sizes[^3] = size(Depth);
        }

        return Gpu.Shape.Own(sizes);
    }

    /// <summary>The sizes for the kernels.</summary>
    public ConvolutionShape Sizes(long batch, long outputChannels) => new()
    {
        Batch = checked((int)batch),
        Groups = checked((int)Groups),
        InputChannels = checked((int)WeightChannels),
        OutputChannels = Groups == 0 ? 0 : checked((int)(outputChannels / Groups)),
        Depth = Depth,
        Height = Height,
        Width = Width,
    };
}
