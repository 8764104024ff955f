using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How a convolution of groups with one input channel each is cut: a group's band of an image is copied at a time, and lies in the first-level cache where it is not too large.
/// The gradient of the weight walks as the convolution itself does.
/// </summary>
internal sealed class DepthwisePlan
{
    private const int BandBytes = 64 * 1024;

    /// <summary>The most output channels of a group that this way is for; with more the general one fills its tiles.</summary>
    public const int MostOutputs = 4;

    private DepthwisePlan(in ConvolutionShape shape, bool isTransposed, int elementSize)
    {
        Shape = shape;
        IsTransposed = isTransposed;
        Func<ConvolutionAxis, AxisWalk> walk = isTransposed ? static a => AxisWalk.Backward(a) : static a => AxisWalk.Forward(a);
        (Depth, Height, Width) = (walk(shape.Depth), walk(shape.Height), walk(shape.Width));
        Sets = TapSet.All(Depth, Height, Width);
        (SourceChannels, TargetChannels) = isTransposed ? (shape.OutputChannels, 1) : (1, shape.OutputChannels);
        int rows = Height.End - Height.Start, columns = Width.End - Width.Start, band = rows;
        while (band > 8 && SourceBand.ChannelElements(Depth, Height, Width, band, columns) * SourceChannels * elementSize > BandBytes)
        {
            band = (band + 1) / 2;
        }

        BandRows = Math.Max(1, band);
        Bands = (rows + BandRows - 1) / BandRows;
        Band = new SourceBand(Depth, Height, Width, BandRows, columns, 1);
        Depths = Math.Max(0, Depth.End - Depth.Start);
        Units = (long)Depths * Bands;

        // Where each band has its zeros in the same places, they are written once.
        KeepsZeros = Units == 1;
        NarrowestRow = int.MaxValue;
        foreach (var part in Width.Parts)
        {
            NarrowestRow = part.End > part.Start ? Math.Min(NarrowestRow, part.End - part.Start) : NarrowestRow;
        }

        // A stride in depth gives the transpose sets without taps.
        IsDense3x3 = shape.Depth is { Kernel: 1, Stride: 1 } && IsDense3(shape.Height) && IsDense3(shape.Width) && SourceChannels == 1;
        if (IsDense3x3)
        {
            // The nine taps of the special loop are in the order in which they look.
            foreach (var set in Sets)
            {
                Array.Sort(set.Taps, (a, b) => Band.TapOffsets[a].CompareTo(Band.TapOffsets[b]));
            }
        }

        IsSame3x3 = IsDense3x3 && shape.Depth.IsPointwise && shape.Depth.Output == 1 && IsSame(shape.Height) && IsSame(shape.Width);
        static bool IsSame(ConvolutionAxis axis) => axis.Padding == 1 && axis.Input == axis.Output;
        static bool IsDense3(ConvolutionAxis axis) => axis is { Kernel: 3, Stride: 1, Dilation: 1 };
    }

    public ConvolutionShape Shape { get; }

    public bool IsTransposed { get; }

    public AxisWalk Depth { get; }

    public AxisWalk Height { get; }

    public AxisWalk Width { get; }

    public TapSet[] Sets { get; }

    /// <summary>The channels of one group that are summed over.</summary>
    public int SourceChannels { get; }

    /// <summary>The channels of one group that are computed.</summary>
    public int TargetChannels { get; }

    public int BandRows { get; }

    public int Bands { get; }

    public int Depths { get; }

    public SourceBand Band { get; }

    /// <summary>The bands of one group of one image.</summary>
    public long Units { get; }

    public bool KeepsZeros { get; }

    /// <summary>The least number of columns that a row of any residue has.</summary>
    public int NarrowestRow { get; }

    /// <summary>Three taps beside one another in both dimensions.</summary>
    public bool IsDense3x3 { get; }

    /// <summary>Three taps beside one another in both dimensions, and planes that keep their size: they need no copy.</summary>
    public bool IsSame3x3 { get; }

    /// <summary>The first place in the grid's depth of a unit, and the first row of its band.</summary>
    public (int Depth, int Row, int Rows) Unit(long unit)
    {
        int row = Height.Start + (int)(unit % Bands) * BandRows;
        return (Depth.Start + (int)(unit / Bands), row, Math.Min(BandRows, Height.End - row));
    }

    /// <summary>Whether groups have one input channel each and few output channels; rows may still be too short for a plan.</summary>
    public static bool Fits(in ConvolutionShape shape) =>
        shape.InputChannels == 1 && shape.Groups >= 2 && shape.OutputChannels is >= 1 and <= MostOutputs && shape.Products != 0;

    /// <summary>A plan, or null where the shape is none of these.</summary>
    public static DepthwisePlan? TryMake(in ConvolutionShape shape, bool isTransposed, int elementSize)
    {
        if (!Fits(shape))
        {
            return null;
        }

        var plan = new DepthwisePlan(shape, isTransposed, elementSize);

        // Rows are whole vectors, of which the last overlaps the one before it: at least of 16 bytes.
        return plan.NarrowestRow * elementSize >= 16 && plan.NarrowestRow < int.MaxValue ? plan : null;
    }
}
