using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>The target places that share their taps: all of them, or those that the stride or the source's borders tell apart.</summary>
/// <param name="Depth">The grid places.</param>
/// <param name="Height">Likewise.</param>
/// <param name="Width">Likewise.</param>
/// <param name="Taps">The taps, in order.</param>
/// <param name="First">The number of taps of the sets before.</param>
internal sealed record TapSet(AxisPart Depth, AxisPart Height, AxisPart Width, int[] Taps, int First)
{
    /// <summary>Every set of places that share their taps in all dimensions.</summary>
    public static TapSet[] All(AxisWalk depths, AxisWalk heights, AxisWalk widths)
    {
        var sets = new List<TapSet>();
        int first = 0;
        foreach (var depth in depths.Parts)
        {
            foreach (var height in heights.Parts)
            {
                foreach (var width in widths.Parts)
                {
                    int[] taps = [.. from d in depth.Taps from h in height.Taps from w in width.Taps select (d * heights.Taps + h) * widths.Taps + w];
                    sets.Add(new TapSet(depth, height, width, taps, first));
                    first += taps.Length;
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
    // A slice is so much of the weights a row: fewer slices are fewer sums that go to memory and back. The band shares the second-level cache with them.
    private const int SliceBytes = 4608;
    private const int BandBytes = 256 * 1024;

    /// <summary>Columns that are gathered, or shifted, take more room than a band: shorter slices leave more columns to each row of weights.</summary>
    private const int ShortSliceBytes = 2304;

    /// <summary>The gathered columns of a slice, and the sums of gathered columns.</summary>
    private const int GatheredBytes = 512 * 1024;

    private const int SumBytes = 1024 * 1024;

    /// <summary>Columns that make a band worth its copies.</summary>
    private const int LeastColumns = 64;

    /// <summary>Columns that make it worth bringing a block of weights in: small images are taken several at a time.</summary>
    private const int PassColumns = 512;

    /// <summary>The images that make it worth gathering columns: with fewer, the panels are cut up for the threads, and each part would gather for itself.</summary>
    private const int LeastGatheredImages = 4;

    /// <summary>The sums of vectors of images, beside which a band has to fit.</summary>
    private const int ImageSumBytes = 512 * 1024;

    /// <summary>The channels on both sides that make it worth turning images.</summary>
    private const int LeastTurned = 16;

    /// <summary>The sets of places that see different taps, at most: each has tables of distances.</summary>
    private const int MostSets = 128;

    /// <summary>The channels that make it worth gathering columns, or a copy of the band for each tap of a row.</summary>
    private const int LeastGathered = 64;

    public ConvolutionPlan(in ConvolutionShape shape, bool isTransposed, int elementSize, int lanes, bool hasManyRegisters, int threads)
    {
        Shape = shape;
        IsTransposed = isTransposed;
        Func<ConvolutionAxis, AxisWalk> walk = isTransposed ? static a => AxisWalk.Backward(a) : static a => AxisWalk.Forward(a);
        (Depth, Height, Width) = (walk(shape.Depth), walk(shape.Height), walk(shape.Width));
        (SourceChannels, TargetChannels) = isTransposed ? (shape.OutputChannels, shape.InputChannels) : (shape.InputChannels, shape.OutputChannels);
        Sets = TapSet.All(Depth, Height, Width);
        int rows = Height.End - Height.Start, columns = Width.End - Width.Start;
        long depths = Math.Max(1, Depth.End - Depth.Start), outer = depths * shape.Groups;
        IsLow = TargetChannels <= LowConvolutionTile.MostRows;
        LowVectors = TargetChannels switch { 1 => hasManyRegisters ? 8 : 6, 2 => hasManyRegisters ? 8 : 4, 3 => hasManyRegisters ? 8 : 3, _ => hasManyRegisters ? 6 : 2 };
        (TileRows, TileVectors) = hasManyRegisters ? (8, 3) : (6, 2);
        PanelStarts = IsLow ? [.. TargetChannels > 0 ? [0] : Array.Empty<int>(), TargetChannels] : Panels(TargetChannels, TileRows);
        TakesImages = LeavesPaddingOut(lanes, elementSize);
        Gathers = !TakesImages && IsWorthGathering(rows, columns, lanes);
        IsShifted = TakesImages ? false : Gathers ? Width.Taps > 1 && Width.TargetStep == 1 : IsWorthShifting(rows, columns, lanes);
        IsSolid = IsShifted && Height.TargetStep == 1;
        int mostTaps = Math.Max(1, Sets.Max(s => s.Taps.Length));
        SliceChannels = Slice(Gathers || TakesImages ? ShortSliceBytes : SliceBytes);
        if (TakesImages)
        {
            // The sums of a part of the channels stay in the second-level cache beside the sources of a slice.
            SliceChannels = Math.Min(SliceChannels, Even(SourceChannels, (int)Math.Max(1, BandBytes / SourceBytes(lanes, elementSize))));
            outer = (shape.Batch + lanes - 1L) / lanes * shape.Groups;
            long sums = (isTransposed ? shape.InputPlaces : shape.OutputPlaces) * TargetChannels * lanes * elementSize;
            RowBlocks = (int)Math.Clamp(Math.Max((2 * threads + outer - 1) / outer, (sums + ImageSumBytes - 1) / ImageSumBytes), 1, PanelStarts.Length - 1);
        }
        else if (Gathers)
        {
            (BandRows, Bands, BandColumns, ColumnBands, RowBlocks) = (Math.Max(1, rows), 1, Math.Max(1, columns), 1, 1);
            long vectors = ((long)shape.Batch * rows * columns + lanes - 1) / lanes, sliceBytes = (long)SliceChannels * mostTaps * lanes * elementSize;
            long parts = Math.Max(vectors * sliceBytes / GatheredBytes, vectors * TargetChannels * lanes * elementSize / SumBytes);
            parts = Math.Max(parts, (2 * threads + outer - 1) / outer);
            GatheredParts = (int)Math.Clamp(parts, 1, Math.Max(1, vectors));

            // The images that a part of the columns may have its share of: parts begin with whole vectors.
            int least = Sets.Select(PlacesOf).Where(p => p > 0).DefaultIfEmpty(1).Min();
            Images = Math.Min(shape.Batch, shape.Batch / GatheredParts + 2 * lanes / least + 4);
            outer *= GatheredParts;
        }
        else
        {
            if (IsShifted && BytesOf(rows, columns) > BandBytes)
            {
                SliceChannels = Slice(ShortSliceBytes);
            }

            Cut(rows, columns, ref outer, threads);
        }

        Band = TakesImages ? new SourceBand(Depth, Height, Width, lanes) : new SourceBand(Depth, Height, Width, BandRows, Math.Min(BandColumns, columns), Images, IsShifted);
        Items = TakesImages ? outer * RowBlocks : outer * Bands * RowBlocks;
        SliceRows = SliceChannels * mostTaps;
        SetTaps = Sets.Sum(s => s.Taps.Length);

        int PlacesOf(TapSet set) => (set.Height.End - set.Height.Start) * (set.Width.End - set.Width.Start);

        int Slice(int bytes) => Even(SourceChannels, Math.Clamp(bytes / elementSize / mostTaps, 1, Math.Max(SourceChannels, 1)));

        long BytesOf(int bandRows, int bandColumns) => SourceBand.ChannelElements(Depth, Height, Width, bandRows, bandColumns, IsShifted) * SliceChannels * elementSize;

        void Cut(int rows, int columns, ref long outer, int threads)
        {
            int band = rows, bandColumns = columns;
            long pitch = Math.Max(1, columns + Width.MaxOffset);
            while (band > 1 && band * pitch > LeastColumns && BytesOf(band, bandColumns) > BandBytes)
            {
                band = (band + 1) / 2;
            }

            // Long rows are cut as well, if their parts stay long beside what the taps reach.
            while (band == 1 && bandColumns > Math.Max(4 * LeastColumns, 4 * Width.MaxOffset) && BytesOf(band, bandColumns) > BandBytes)
            {
                bandColumns = (bandColumns + 1) / 2;
            }

            // More bands and fewer images where there would be too little for the threads to share; they change no result.
            long most = Math.Min(PassColumns / Math.Max(1, rows * pitch), BandBytes / Math.Max(1, BytesOf(band, bandColumns)));
            int images = band < rows || bandColumns < columns ? 1 : (int)Math.Clamp(most, 1, Math.Max(1, Shape.Batch));
            while (images > 1 && outer * ((Shape.Batch + images - 1) / images) < 2 * threads)
            {
                images = (images + 1) / 2;
            }

            Images = Math.Max(1, Even(Shape.Batch, images));
            outer *= (Shape.Batch + Images - 1) / Images;
            while (!IsShifted && band > 1 && Images == 1 && band * pitch > 2 * LeastColumns && outer * ((rows + band - 1) / band) < 2 * threads)
            {
                band = (band + 1) / 2;
            }

            while (band == 1 && Images == 1 && bandColumns > Math.Max(4 * LeastColumns, 4 * Width.MaxOffset)
                && outer * rows * ((columns + bandColumns - 1) / bandColumns) < 2 * threads)
            {
                bandColumns = (bandColumns + 1) / 2;
            }

            BandRows = Math.Max(1, Even(rows, band));
            Bands = (rows + BandRows - 1) / BandRows;
            BandColumns = Math.Max(1, Even(columns, bandColumns));
            ColumnBands = (columns + BandColumns - 1) / BandColumns;
            outer *= ColumnBands;
            RowBlocks = (int)Math.Clamp((2 * threads + outer * Bands - 1) / Math.Max(1, outer * Bands), 1, Math.Max(1, PanelStarts.Length - 1));
        }
    }

    public ConvolutionShape Shape { get; }

    /// <summary>Whether the target is the convolution's input.</summary>
    public bool IsTransposed { get; }

    public AxisWalk Depth { get; private set; }

    public AxisWalk Height { get; private set; }

    public AxisWalk Width { get; private set; }

    /// <summary>The channels of one group that are summed over.</summary>
    public int SourceChannels { get; }

    /// <summary>The channels of one group that are computed.</summary>
    public int TargetChannels { get; }

    public TapSet[] Sets { get; private set; }

    /// <summary>The channels that are summed over at a time.</summary>
    public int SliceChannels { get; }

    /// <summary>The channels and taps of a slice, at most.</summary>
    public int SliceRows { get; }

    /// <summary>The taps of all sets.</summary>
    public int SetTaps { get; }

    /// <summary>The images that are taken at a time.</summary>
    public int Images { get; private set; }

    public int BandRows { get; private set; }

    public int Bands { get; private set; }

    public int BandColumns { get; private set; }

    public int ColumnBands { get; private set; }

    /// <summary>The parts that the panels of a band are cut into.</summary>
    public int RowBlocks { get; private set; }

    /// <summary>Whether a tile's columns are gathered, since whole rows of the band would leave too many of them unused.</summary>
    public bool Gathers { get; }

    /// <summary>Whether a vector holds one place of several images; no set then has taps that meet the padding.</summary>
    public bool TakesImages { get; }

    /// <summary>The parts that all images' columns are cut into where they are gathered.</summary>
    public int GatheredParts { get; } = 1;

    /// <summary>Whether each tap of a row has its own copy of the band, so that the grid's rows follow one another without gaps.</summary>
    public bool IsShifted { get; }

    /// <summary>Whether the rows of a band lie in the target as they do in the band, one behind the other.</summary>
    public bool IsSolid { get; }

    /// <summary>The rows of a register tile, and its vectors.</summary>
    public int TileRows { get; }

    public int TileVectors { get; }

    /// <summary>Whether the target's channels are so few that tiles are low and wide.</summary>
    public bool IsLow { get; }

    /// <summary>The vectors of a low tile: as many as the processor's registers hold.</summary>
    public int LowVectors { get; }

    /// <summary>The first row of each panel, and behind the last one.</summary>
    public int[] PanelStarts { get; }

    public SourceBand Band { get; }

    /// <summary>Pieces of work that do not depend on one another.</summary>
    public long Items { get; }

    /// <summary>Whether the weights are sorted by sets of taps first: of those that lie in a line of memory a set reads but a few.</summary>
    public bool SortsWeights => IsTransposed && Depth.TargetStep * Height.TargetStep * Width.TargetStep > 1;

    /// <summary>From one row of the weights, which is one of the target's channels, to the next.</summary>
    public nint WeightRow => SortsWeights ? 1 : IsTransposed ? Shape.Taps : (nint)Shape.InputChannels * Shape.Taps;

    /// <summary>Where the weights of a set, a group and a slice begin; sorted ones are [set, group, channel, tap, row].</summary>
    public nint Weights(TapSet set, int group, int firstChannel) => SortsWeights
        ? ((nint)set.First * Shape.Groups * SourceChannels + ((nint)group * SourceChannels + firstChannel) * set.Taps.Length) * TargetChannels
        : (nint)group * Shape.OutputChannels * Shape.InputChannels * Shape.Taps + firstChannel * WeightChannel;

    /// <summary>Where the weight of a channel and of a set's tap stands from there on.</summary>
    public nint WeightOffset(TapSet set, int channel, int tap) => SortsWeights
        ? ((nint)channel * set.Taps.Length + tap) * TargetChannels
        : channel * WeightChannel + set.Taps[tap];

    /// <summary>From one channel that is summed over to the next, in weights that are not sorted.</summary>
    private nint WeightChannel => (nint)Shape.Taps * (IsTransposed ? Shape.InputChannels : 1);

    /// <summary>How many vectors the next tile of a run has, with so many left: a tile of one has too few sums for the processor.</summary>
    public int NextVectors(int left) => left > TileVectors + 1 || left == TileVectors ? TileVectors : Math.Min(left, 2);

    /// <summary>Gathering costs about a copy for each tap, which many target channels share; it saves the columns between rows and behind an image's last one.</summary>
    private bool IsWorthGathering(int rows, int columns, int lanes)
    {
        int run = Width.TargetStep == 1 ? rows * columns : Math.Max(0, rows - 1) * (columns + Width.MaxOffset) + columns;
        double whole = (run + lanes - 1) / lanes * lanes;
        return TargetChannels >= LeastGathered && Shape.Batch >= LeastGatheredImages && whole * 9 > (double)rows * columns * 10;
    }

    /// <summary>
    /// Tells places apart by the taps that see the source there, if vectors of images are worth it: at the borders of a small image these are much fewer, but what the batch does not fill of the
    /// last vector is lost, and sources and sums have to be turned.
    /// </summary>
    private bool LeavesPaddingOut(int lanes, int elementSize)
    {
        if (Depth.SourceStep * Height.SourceStep * Width.SourceStep * Depth.TargetStep * Height.TargetStep * Width.TargetStep > 1
            || TargetChannels < LeastTurned || SourceChannels < LeastTurned || SourceBytes(lanes, elementSize) * LeastTurned > BandBytes)
        {
            return false;
        }

        AxisWalk depth = Depth.WithoutPadding(), height = Height.WithoutPadding(), width = Width.WithoutPadding();

        // Those with the most taps first: their tiles do the most with weights that still come from memory.
        TapSet[] sets = [.. TapSet.All(depth, height, width).OrderByDescending(Products)];
        long filled = (Shape.Batch + lanes - 1L) / lanes * lanes;
        if (sets.Length is 0 or > MostSets || filled * sets.Sum(Products) * 16 > Shape.Batch * Sets.Sum(Products) * 15)
        {
            return false;
        }

        (Depth, Height, Width, Sets) = (depth, height, width, sets);
        return true;

        static long Products(TapSet set) => (long)(set.Depth.End - set.Depth.Start) * (set.Height.End - set.Height.Start) * (set.Width.End - set.Width.Start) * set.Taps.Length;
    }

    /// <summary>A channel of a vector of images.</summary>
    private long SourceBytes(int lanes, int elementSize) => (IsTransposed ? Shape.OutputPlaces : Shape.InputPlaces) * lanes * elementSize;

    /// <summary>A copy for each tap of a row costs more copies; it saves the columns between rows.</summary>
    private bool IsWorthShifting(int rows, int columns, int lanes)
    {
        int pitch = SourceBand.WholePitch(Width);
        long whole = Math.Min(((long)Math.Max(0, rows - 1) * pitch + columns + lanes - 1) / lanes, (long)rows * ((columns + lanes - 1) / lanes));
        long solid = ((long)rows * columns + lanes - 1) / lanes;
        return TargetChannels >= LeastGathered && Width.Taps > 1 && Width.TargetStep == 1 && whole * 16 > solid * 17;
    }

    /// <summary>Rows in tiles, the tallest ones first.</summary>
    private static int[] Panels(int rows, int tallest)
    {
        var starts = new List<int>();
        for (int at = 0; at < rows;)
        {
            starts.Add(at);
            int left = rows - at;
            at += left >= tallest ? tallest : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        }

        return [.. starts, rows];
    }

    private static int Even(int extent, int most)
    {
        int parts = (extent + most - 1) / Math.Max(1, most);
        return parts == 0 ? 0 : (extent + parts - 1) / parts;
    }
}
