using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels.Convolution;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How a weight gradient is cut: blocks of output and of input channels, and slices of the images and bands that are summed over. The cut depends on the sizes alone, so that
/// the sums do not depend on the number of threads.
/// </summary>
internal sealed class WeightGradientPlan
{
    // A line of a tile is about 6 KiB: four lines of the gradient and one of the input stay in the first-level cache, a block of either in the second.
    private const int LineBytes = 6 * 1024;
    private const int BlockBytes = 256 * 1024;
    private const int LeastItems = 16;
    private const long PartialBytes = 32 << 20;

    public WeightGradientPlan(in ConvolutionShape shape, int elementSize, int lanes)
    {
        Shape = shape;
        AllTaps = [.. Enumerable.Range(0, shape.Taps)];
        AxisWalk depth = AxisWalk.Forward(shape.Depth), height = AxisWalk.Forward(shape.Height), width = AxisWalk.Forward(shape.Width);
        int line = LineBytes / elementSize;
        ColumnBands = Parts(shape.Width.Output, Math.Max(line - width.MaxOffset, Math.Max(lanes, 4 * width.MaxOffset)));
        BandColumns = Parts(shape.Width.Output, ColumnBands);
        int pitch = BandColumns + width.MaxOffset; // at most
        BandRows = Math.Clamp(line / Math.Max(1, pitch) - height.MaxOffset, 1, Math.Max(1, shape.Height.Output));
        BandRows = (shape.Height.Output + Parts(shape.Height.Output, BandRows) - 1) / Parts(shape.Height.Output, BandRows);
        Bands = Parts(shape.Height.Output, BandRows);
        Images = Bands > 1 || ColumnBands > 1 ? 1 : Math.Clamp(line / Math.Max(1, (BandRows + height.MaxOffset) * pitch), 1, Math.Max(1, shape.Batch));
        ImageGroups = Parts(shape.Batch, Images);
        Band = new SourceBand(depth, height, width, BandRows, BandColumns, Images);
        Line = (Images * Band.Image + lanes - 1) / lanes * lanes;
        OutputBlock = Math.Clamp(BlockBytes / (Line * elementSize), 4, 1024) / 4 * 4;
        InputBlock = Math.Clamp(BlockBytes / Math.Max(1, Band.Channel * elementSize), 1, 1024);
        (OutputBlocks, InputBlocks) = (Parts(shape.OutputChannels, OutputBlock), Parts(shape.InputChannels, InputBlock));
        Units = (long)ImageGroups * Bands * ColumnBands * shape.Depth.Output;
        long blocks = (long)shape.Groups * OutputBlocks * InputBlocks, bytes = Elements * elementSize;
        Slices = (int)Math.Clamp(Math.Min((LeastItems + blocks - 1) / blocks, PartialBytes / Math.Max(1, bytes)), 1, Math.Max(1, Units));
    }

    public ConvolutionShape Shape { get; }

    public SourceBand Band { get; }

    /// <summary>Every tap, in order.</summary>
    public int[] AllTaps { get; }

    public int BandRows { get; }

    public int Bands { get; }

    public int BandColumns { get; }

    public int ColumnBands { get; }

    /// <summary>The images that are taken at a time, one behind the other in each line.</summary>
    public int Images { get; }

    public int ImageGroups { get; }

    /// <summary>The length of a line: places of a band, the zeros between them included.</summary>
    public int Line { get; }

    public int OutputBlock { get; }

    public int InputBlock { get; }

    public int OutputBlocks { get; }

    public int InputBlocks { get; }

    /// <summary>What is summed over: groups of images, bands and depths.</summary>
    public long Units { get; }

    /// <summary>The parts of the sums, each with a result of its own.</summary>
    public int Slices { get; }

    /// <summary>The elements of the weight.</summary>
    public long Elements => (long)Shape.Groups * Shape.OutputChannels * Shape.InputChannels * Shape.Taps;

    private static int Parts(int extent, int size) => (extent + size - 1) / Math.Max(1, size);
}

/// <summary>The gradient of a convolution's weight: for each tap, the dot product of the output's gradient with the input that the tap sees.</summary>
internal unsafe struct WeightGradientWork<T, TVector, TOps> : IHostWork
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
{
    public WeightGradientPlan Plan;
    public T* Input;
    public T* Gradient;

    /// <summary>A result for each slice; the first one is the weight's gradient.</summary>
    public T* Result;
    public T* Others;

    /// <summary>The distances of a block's channels and taps.</summary>
    public int* Offsets;

    /// <summary>Lines of a tile: four need 32 registers.</summary>
    public int MostRows;

    public readonly void Run(int chunk)
    {
        var plan = Plan;
        var shape = plan.Shape;
        int slice = chunk % plan.Slices;
        chunk /= plan.Slices;
        int firstInput = chunk % plan.InputBlocks * plan.InputBlock;
        chunk /= plan.InputBlocks;
        int firstOutput = chunk % plan.OutputBlocks * plan.OutputBlock;
        int group = chunk / plan.OutputBlocks;
        int inputs = Math.Min(plan.InputBlock, shape.InputChannels - firstInput), outputs = Math.Min(plan.OutputBlock, shape.OutputChannels - firstOutput);
        nint columns = (nint)shape.InputChannels * shape.Taps;
        var result = (slice == 0 ? Result : Others + (slice - 1) * (nint)plan.Elements)
            + ((nint)group * shape.OutputChannels + firstOutput) * columns + (nint)firstInput * shape.Taps;
        for (int i = 0; i < outputs; i++)
        {
            new Span<T>(result + i * columns, inputs * shape.Taps).Clear();
        }

        // What lies behind the last band is read, times zero: it must be a number.
        nint inputLine = (nint)plan.Band.Channel * plan.InputBlock, padding = plan.Band.Height.MaxOffset * plan.Band.Pitch + plan.Band.Width.MaxOffset + 2 * TOps.Lanes;
        var input = PackBuffer.Right<T>(inputLine + padding);
        new Span<T>(input + (nint)plan.Band.Channel * inputs, (int)padding).Clear();
        var gradient = PackBuffer.Left<T>((nint)plan.Line * plan.OutputBlock);
        long end = (slice + 1) * plan.Units / plan.Slices;
        for (long unit = slice * plan.Units / plan.Slices; unit < end; unit++)
        {
            int depth = (int)(unit % shape.Depth.Output);
            long part = unit / shape.Depth.Output;
            int column = (int)(part % plan.ColumnBands) * plan.BandColumns;
            part /= plan.ColumnBands;
            int row = (int)(part % plan.Bands) * plan.BandRows, image = (int)(part / plan.Bands) * plan.Images;
            int images = Math.Min(plan.Images, shape.Batch - image), rows = Math.Min(plan.BandRows, shape.Height.Output - row);
            nint inputImage = (nint)shape.Groups * shape.InputChannels * (nint)shape.InputPlaces;
            var from = Input + image * inputImage + ((nint)group * shape.InputChannels + firstInput) * (nint)shape.InputPlaces;
            plan.Band.Copy(from, inputs, images, inputImage, depth, row, rows, column, input);
            ClearMissing(input, inputs, images, rows);
            CopyGradient(image, images, group * shape.OutputChannels + firstOutput, outputs, depth, row, rows, column, gradient);
            Multiply(outputs, inputs * shape.Taps, input, gradient, result, columns);
        }
    }

    /// <summary>Zeros where a last, smaller group of images or band leaves what came before.</summary>
    private readonly void ClearMissing(T* input, int channels, int images, int rows)
    {
        var band = Plan.Band;
        if (images == band.Images && rows == band.BandRows)
        {
            return;
        }

        // Several images are whole ones.
        int filled = images < band.Images ? images * band.Image : (rows + band.Height.MaxOffset) * band.Pitch;
        for (nint plane = 0; plane < (nint)channels * band.Channel; plane += band.Plane)
        {
            new Span<T>(input + plane + filled, band.Plane - filled).Clear();
        }
    }

    private readonly void CopyGradient(int image, int images, int channel, int channels, int depth, int row, int rows, int column, T* target)
    {
        var (shape, band) = (Plan.Shape, Plan.Band);
        int width = shape.Width.Output, columns = Math.Min(Plan.BandColumns, width - column), gap = band.Pitch - columns;
        for (int c = 0; c < channels; c++)
        {
            var line = target + (nint)c * Plan.Line;
            for (int i = 0; i < images; i++)
            {
                nint place = (nint)(image + i) * shape.Groups * shape.OutputChannels + channel + c;
                var from = Gradient + ((place * shape.Depth.Output + depth) * shape.Height.Output + row) * width + column;
                var to = line + (nint)i * band.Image;
                for (int r = 0; r < rows; r++, from += width, to += band.Pitch)
                {
                    SourceBand.Copy(from, to, columns);
                    SourceBand.Clear(to + columns, gap);
                }

                SourceBand.Clear(to, band.Image - rows * band.Pitch);
            }

            SourceBand.Clear(line + (nint)images * band.Image, Plan.Line - images * band.Image);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(int rows, int columns, T* input, T* gradient, T* result, nint resultRow)
    {
        nint line = Plan.Line;
        for (int i = 0; i < rows;)
        {
            int height = rows - i >= MostRows ? MostRows : rows - i >= 2 ? 2 : 1;
            var a = gradient + i * line;
            for (int j = 0; j < columns;)
            {
                int width = columns - j >= 6 ? 6 : columns - j >= 3 ? 3 : 1;
                var c = result + i * resultRow + j;
                if (width == 6)
                    Tile<Six>(height, line, a, input, Offsets + j, c, resultRow);
                else if (width == 3)
                    Tile<Three>(height, line, a, input, Offsets + j, c, resultRow);
                else
                    Tile<One>(height, line, a, input, Offsets + j, c, resultRow);
                j += width;
            }

            i += height;
        }
    }

    private static void Tile<TColumns>(int rows, nint line, T* a, T* b, int* offsets, T* c, nint cRow)
        where TColumns : struct, IConstant
    {
        if (rows == 4)
            DotTile.Multiply<T, TVector, TOps, Four, TColumns>(line, a, line, b, offsets, c, cRow);
        else if (rows == 2)
            DotTile.Multiply<T, TVector, TOps, Two, TColumns>(line, a, line, b, offsets, c, cRow);
        else
            DotTile.Multiply<T, TVector, TOps, One, TColumns>(line, a, line, b, offsets, c, cRow);
    }
}
