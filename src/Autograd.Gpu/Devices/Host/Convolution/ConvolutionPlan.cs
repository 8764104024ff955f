using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The target places that share their taps: all of them, or those of one residue where the stride tells places apart.</summary>
internal sealed record TapSet(int Depth, int Height, int Width, int[] Taps, int First)
{
    /// <summary>Every tap, sorted by residues.</summary>
    public static TapSet[] All(in ConvolutionShape shape, AxisWalk depths, AxisWalk heights, AxisWalk widths)
    {
        var sets = new List<TapSet>();
        int first = 0;
        for (int d = 0; d < depths.Residues; d++)
        {
            for (int h = 0; h < heights.Residues; h++)
            {
                for (int w = 0; w < widths.Residues; w++)
                {
                    var taps = new List<int>();
                    for (int tap = 0; tap < shape.Taps; tap++)
                    {
                        int width = tap % widths.Taps, height = tap / widths.Taps % heights.Taps, depth = tap / widths.Taps / heights.Taps;
                        if (depths.ResidueOf[depth] == d && heights.ResidueOf[height] == h && widths.ResidueOf[width] == w)
                        {
                            taps.Add(tap);
                        }
                    }

                    sets.Add(new TapSet(d, h, w, [.. taps], first));
                    first += taps.Count;
                }
            }
        }

        return [.. sets];
    }
}

/// <summary>
/// How a convolution, or its transpose, is cut: channels of the source into slices whose band stays in the second-level cache, rows of the grid into bands,
/// channels of the target into panels of as many rows as a register tile has.
/// </summary>
internal sealed class ConvolutionPlan
{
    // A slice is so much of packed weights a row: fewer slices are fewer sums that go to memory and back. The band shares the second-level cache with them.
    private const int SliceBytes = 4608;
    private const int BandBytes = 256 * 1024;

    /// <summary>Gathered columns take a tile's width times as much as a row of weights.</summary>
    private const int GatheredSliceBytes = 2048;

    /// <summary>Columns that make a band worth its copies.</summary>
    private const int LeastColumns = 64;

    /// <summary>Columns that make it worth bringing a block of weights in: small images are taken several at a time.</summary>
    private const int PassColumns = 512;

    /// <summary>The images that make it worth gathering columns: with fewer, the panels are cut up for the threads, and each part would gather for itself.</summary>
    private const int LeastGatheredImages = 4;

    /// <summary>The channels that make it worth gathering columns.</summary>
    private const int LeastGathered = 64;

    /// <summary>The panels whose weights stay in the second-level cache.</summary>
    public const int PassPanels = 8;

    public ConvolutionPlan(in ConvolutionShape shape, bool isTransposed, int elementSize, int tallest, int threads)
    {
        Shape = shape;
        IsTransposed = isTransposed;
        Func<ConvolutionAxis, AxisWalk> walk = isTransposed ? static a => AxisWalk.Backward(a) : static a => AxisWalk.Forward(a);
        (Depth, Height, Width) = (walk(shape.Depth), walk(shape.Height), walk(shape.Width));
        (SourceChannels, TargetChannels) = isTransposed ? (shape.OutputChannels, shape.InputChannels) : (shape.InputChannels, shape.OutputChannels);
        Sets = TapSet.All(shape, Depth, Height, Width);
        int mostTaps = Math.Max(1, Sets.Max(s => s.Taps.Length));
        SliceChannels = Even(SourceChannels, Math.Clamp(SliceBytes / elementSize / mostTaps, 1, Math.Max(SourceChannels, 1)));
        int rows = Height.End - Height.Start, band = rows;
        int bandColumns = Width.End - Width.Start;
        long columns = Math.Max(1, bandColumns + Width.MaxOffset);
        bool IsTooLarge() => SourceBand.ChannelElements(Depth, Height, Width, band, bandColumns) * SliceChannels * elementSize > BandBytes;
        while (band > 1 && band * columns > LeastColumns && IsTooLarge())
        {
            band = (band + 1) / 2;
        }

        // Long rows are cut as well, if their parts stay long beside what the taps reach.
        while (band == 1 && bandColumns > Math.Max(4 * LeastColumns, 4 * Width.MaxOffset) && IsTooLarge())
        {
            bandColumns = (bandColumns + 1) / 2;
        }

        // More bands and fewer images where there would be too little for the threads to share; they change no result.
        long depths = Math.Max(1, Depth.End - Depth.Start), outer = depths * shape.Groups;
        Gathers = band == rows && bandColumns == Width.End - Width.Start && IsWorthGathering(elementSize);
        if (Gathers)
        {
            SliceChannels = Even(SourceChannels, Math.Clamp(GatheredSliceBytes / elementSize / mostTaps, 1, Math.Max(SourceChannels, 1)));
        }

        long channelBytes = SourceBand.ChannelElements(Depth, Height, Width, band, bandColumns) * SliceChannels * elementSize;
        int images = band < rows || bandColumns < Width.End - Width.Start ? 1 : (int)Math.Clamp(Math.Min(PassColumns / Math.Max(1, rows * columns), (Gathers ? 2 : 1) * BandBytes / Math.Max(1, channelBytes)), 1, Math.Max(1, shape.Batch));
        while (images > 1 && outer * ((shape.Batch + images - 1) / images) < 2 * threads)
        {
            images = (images + 1) / 2;
        }

        Images = Math.Max(1, Even(shape.Batch, images));
        outer *= (shape.Batch + Images - 1) / Images;
        while (band > 1 && Images == 1 && band * columns > 2 * LeastColumns && outer * ((rows + band - 1) / band) < 2 * threads)
        {
            band = (band + 1) / 2;
        }

        while (band == 1 && Images == 1 && bandColumns > Math.Max(4 * LeastColumns, 4 * Width.MaxOffset)
            && outer * rows * ((Width.End - Width.Start + bandColumns - 1) / bandColumns) < 2 * threads)
        {
            bandColumns = (bandColumns + 1) / 2;
        }

        BandRows = Math.Max(1, Even(rows, band));
        Bands = (rows + BandRows - 1) / BandRows;
        BandColumns = Math.Max(1, Even(Width.End - Width.Start, bandColumns));
        ColumnBands = (Width.End - Width.Start + BandColumns - 1) / BandColumns;
        outer *= ColumnBands;
        IsLow = TargetChannels <= LowConvolutionTile.MostRows;
        LowVectors = TargetChannels switch { 1 => tallest > 8 ? 8 : 6, 2 => tallest > 8 ? 8 : 4, 3 => tallest > 8 ? 8 : 3, _ => tallest > 8 ? 6 : 2 };
        PanelStarts = IsLow ? [.. TargetChannels > 0 ? [0] : Array.Empty<int>(), TargetChannels] : Panels(TargetChannels, tallest);
        RowBlocks = (int)Math.Clamp((2 * threads + outer * Bands - 1) / Math.Max(1, outer * Bands), 1, Math.Max(1, PanelStarts.Length - 1));
        Band = new SourceBand(Depth, Height, Width, BandRows, Math.Min(BandColumns, Width.End - Width.Start), Images);
        Items = outer * Bands * RowBlocks;
    }

    public ConvolutionShape Shape { get; }

    /// <summary>Whether the target is the convolution's input.</summary>
    public bool IsTransposed { get; }

    public AxisWalk Depth { get; }

    public AxisWalk Height { get; }

    public AxisWalk Width { get; }

    /// <summary>The channels of one group that are summed over.</summary>
    public int SourceChannels { get; }

    /// <summary>The channels of one group that are computed.</summary>
    public int TargetChannels { get; }

    public TapSet[] Sets { get; }

    /// <summary>The channels that are summed over at a time.</summary>
    public int SliceChannels { get; }

    /// <summary>The images that are taken at a time.</summary>
    public int Images { get; }

    public int BandRows { get; }

    public int Bands { get; }

    public int BandColumns { get; }

    public int ColumnBands { get; }

    /// <summary>The parts that the panels of a band are cut into.</summary>
    public int RowBlocks { get; }

    /// <summary>Whether a tile's columns are gathered, since whole rows of the band would leave too many of them unused.</summary>
    public bool Gathers { get; }

    /// <summary>Whether the target's channels are so few that tiles are low and wide.</summary>
    public bool IsLow { get; }

    /// <summary>The vectors of a low tile: as many as the processor's registers hold.</summary>
    public int LowVectors { get; }

    /// <summary>The first row of each panel, and behind the last one.</summary>
    public int[] PanelStarts { get; }

    public SourceBand Band { get; }

    /// <summary>Pieces of work that do not depend on one another.</summary>
    public long Items { get; }

    /// <summary>Where the packed weights of a slice begin: [set, group, slice][panel][channel, tap][row].</summary>
    public nint Weights(TapSet set, int group, int firstChannel) =>
        (nint)TargetChannels * SourceChannels * ((nint)Shape.Groups * set.First + (nint)group * set.Taps.Length)
        + (nint)TargetChannels * firstChannel * set.Taps.Length;

    /// <summary>Gathering costs about a copy for each tap, which many target channels share; it saves the columns between rows and behind an image's last one.</summary>
    private bool IsWorthGathering(int elementSize)
    {
        int rows = Height.End - Height.Start, columns = Width.End - Width.Start, lanes = 64 / elementSize;
        int run = Math.Max(0, rows - 1) * (columns + Width.MaxOffset) + columns;
        double whole = (run + lanes - 1) / lanes * lanes;
        return TargetChannels >= LeastGathered && Shape.Batch >= LeastGatheredImages && whole * 9 > (double)rows * columns * 10;
    }

    /// <summary>Rows in tiles: of twelve where the processor has the registers, and never so that a thin one is left where two of eight would do.</summary>
    private static int[] Panels(int rows, int tallest)
    {
        var starts = new List<int>();
        int at = 0;
        while (at < rows)
        {
            starts.Add(at);
            int left = rows - at;
            at += left >= tallest && !(left == 16 && tallest == 12) ? tallest : left >= 8 && tallest > 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        }

        return [.. starts, rows];
    }

    private static int Even(int extent, int most)
    {
        int parts = (extent + most - 1) / Math.Max(1, most);
        return parts == 0 ? 0 : (extent + parts - 1) / parts;
    }
}
