using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How a weight gradient with many output channels is cut: blocks of output and of input channels, and slices of the images and bands that are summed over. The cut depends on the sizes alone,
/// so that the sums do not depend on the number of threads.
/// </summary>
internal sealed class OuterGradientPlan
{
    /// <summary>The products that are summed in order before they are added to others.</summary>
    private const int MostPlaces = 512;

    private const int BandBytes = 256 * 1024;
    private const int MostOutputs = 128;
    private const int LeastInputs = 8;
    private const int LeastItems = 16;
    private const long PartialBytes = 32 << 20;

    public OuterGradientPlan(in ConvolutionShape shape, int elementSize, int lanes)
    {
        Shape = shape;
        AllTaps = [.. Enumerable.Range(0, shape.Taps)];
        AxisWalk depth = AxisWalk.Forward(shape.Depth), height = AxisWalk.Forward(shape.Height), width = AxisWalk.Forward(shape.Width);
        int rows = shape.Height.Output, columns = shape.Width.Output;
        (BandColumns, BandRows) = (Even(columns, MostPlaces), Even(rows, Math.Max(1, MostPlaces / columns)));
        (ColumnBands, Bands) = (Parts(columns, BandColumns), Parts(rows, BandRows));
        Images = Bands > 1 || ColumnBands > 1 ? 1 : Even(shape.Batch, Math.Max(1, MostPlaces / (rows * columns)));
        ImageGroups = Parts(shape.Batch, Images);
        Units = (long)ImageGroups * Bands * ColumnBands * shape.Depth.Output;
        Band = new SourceBand(depth, height, width, BandRows, BandColumns, Images);
        PanelVectors = shape.OutputChannels > lanes ? 2 : 1;
        Panel = PanelVectors * lanes;
        OutputBlock = Even(Parts(shape.OutputChannels, Panel), Math.Max(1, MostOutputs / Panel)) * Panel;
        InputBlock = Even(shape.InputChannels, Math.Max(1, BandBytes / (Band.Channel * elementSize)));
        while (Blocks * Units < LeastItems && (OutputBlock > Panel || InputBlock > LeastInputs))
        {
            if (OutputBlock > Panel)
            {
                OutputBlock = (OutputBlock / Panel + 1) / 2 * Panel;
            }
            else
            {
                InputBlock = (InputBlock + 1) / 2;
            }
        }

        long bytes = (long)shape.Groups * shape.OutputChannels * shape.InputChannels * shape.Taps * elementSize;
        Slices = (int)Math.Clamp(Math.Min((LeastItems + Blocks - 1) / Blocks, PartialBytes / bytes), 1, Units);
    }

    public ConvolutionShape Shape { get; }

    public SourceBand Band { get; }

    /// <summary>Every tap, in order.</summary>
    public int[] AllTaps { get; }

    public int BandRows { get; }

    public int Bands { get; }

    public int BandColumns { get; }

    public int ColumnBands { get; }

    /// <summary>The images that are taken at a time.</summary>
    public int Images { get; }

    public int ImageGroups { get; }

    /// <summary>The vectors of output channels that a tile has, and the channels.</summary>
    public int PanelVectors { get; }

    public int Panel { get; }

    public int OutputBlock { get; }

    public int InputBlock { get; }

    public int OutputBlocks => Parts(Shape.OutputChannels, OutputBlock);

    public int InputBlocks => Parts(Shape.InputChannels, InputBlock);

    /// <summary>What is summed over: groups of images, bands and depths.</summary>
    public long Units { get; }

    /// <summary>The parts of the sums, each with a result of its own.</summary>
    public int Slices { get; }

    public int Chunks => checked((int)(Blocks * Slices));

    private long Blocks => (long)Shape.Groups * OutputBlocks * InputBlocks;

    /// <summary>Whether the output channels fill most of a vector; with fewer, dot products along the images are faster.</summary>
    public static bool Fits(in ConvolutionShape shape, int lanes) => shape.Products > 0 && 4 * shape.OutputChannels >= 3 * lanes;

    /// <summary>Where a unit begins: its first image, row and column of the output, and its depth.</summary>
    public (int Depth, int Column, int Row, int Image) Unit(long unit)
    {
        int depth = (int)(unit % Shape.Depth.Output);
        long part = unit / Shape.Depth.Output;
        int column = (int)(part % ColumnBands) * BandColumns;
        part /= ColumnBands;
        return (depth, column, (int)(part % Bands) * BandRows, (int)(part / Bands) * Images);
    }

    private static int Parts(int extent, int size) => (extent + size - 1) / size;

    private static int Even(int extent, int most)
    {
        int parts = Parts(extent, most);
        return (extent + parts - 1) / parts;
    }
}
