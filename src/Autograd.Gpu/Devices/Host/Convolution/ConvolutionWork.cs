using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// The products of a convolution or of its transpose: each piece copies a band of the source into scratch memory, a slice of channels at a time, and
/// multiplies the weights, as they lie, with it in place. Runs of grid places are columns of the tiles, those between two rows' ends included and not stored.
/// </summary>
internal unsafe partial struct ConvolutionWork<T, TVector, TOps> : IHostWork
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TVector : struct
    where TOps : struct, IHostVector<T, TVector>
{
    private const int MostRows = 8;

    private const int MostVectors = 3;

    public ConvolutionPlan Plan;
    public T* Source;
    public T* Target;
    public T* Weights;

    /// <summary>For each set of taps the distances of the channels and taps of a slice: in the band, and then in the weights.</summary>
    public int* Offsets;

    /// <summary>The distances of gathered columns, one row of a tile after the other: for tiles of one vector, two and three.</summary>
    public int* GatheredOffsets;
    public long ItemsPerChunk;

    private static int Wide => MostVectors * TOps.Lanes;

    public readonly void Run(int chunk)
    {
        var plan = Plan;
        long first = chunk * ItemsPerChunk, end = Math.Min(plan.Items, first + ItemsPerChunk);
        var scratch = PackBuffer.Right<T>((nint)plan.SliceChannels * plan.Band.Channel + plan.Band.Pitch + 2 * Wide);
        for (long item = first; item < end; item++)
        {
            if (plan.TakesImages)
            {
                RunImages(item, scratch);
            }
            else if (plan.Gathers)
            {
                RunGatheredItem(item, scratch);
            }
            else
            {
                RunItem(item, scratch);
            }
        }
    }

    private readonly void RunItem(long item, T* scratch)
    {
        var plan = Plan;
        int block = (int)(item % plan.RowBlocks);
        item /= plan.RowBlocks;
        int bandRow = plan.Height.Start + (int)(item % plan.Bands) * plan.BandRows;
        item /= plan.Bands;
        int bandColumn = plan.Width.Start + (int)(item % plan.ColumnBands) * plan.BandColumns;
        item /= plan.ColumnBands;
        int depths = plan.Depth.End - plan.Depth.Start;
        int depth = plan.Depth.Start + (int)(item % depths);
        item /= depths;
        int group = (int)(item % plan.Shape.Groups);
        int firstImage = (int)(item / plan.Shape.Groups) * plan.Images, images = Math.Min(plan.Images, plan.Shape.Batch - firstImage);
        int bandRows = Math.Min(plan.BandRows, plan.Height.End - bandRow);
        nint sourceChannel = (nint)plan.Depth.Source * plan.Height.Source * plan.Width.Source;
        nint sourceImage = plan.Shape.Groups * plan.SourceChannels * sourceChannel;
        var source = Source + firstImage * sourceImage + (nint)group * plan.SourceChannels * sourceChannel;
        int panels = plan.PanelStarts.Length - 1;
        int firstPanel = block * panels / plan.RowBlocks, endPanel = (block + 1) * panels / plan.RowBlocks;

        // Without channels to sum over there is one slice of none, which stores zeros.
        for (int c = 0; c == 0 || c < plan.SourceChannels; c += Math.Max(1, plan.SliceChannels))
        {
            int channels = Math.Min(plan.SliceChannels, plan.SourceChannels - c);
            plan.Band.Copy(source + c * sourceChannel, channels, images, sourceImage, depth, bandRow, bandRows, bandColumn, scratch, clears: c == 0);
            int* offsets = Offsets;
            foreach (var set in plan.Sets)
            {
                var weights = Weights + plan.Weights(set, group, c);
                for (int panel = firstPanel; panel < endPanel; panel++)
                {
                    for (int i = 0; i < images; i++)
                    {
                        var output = new Output(plan, set, Target, (long)(firstImage + i) * plan.Shape.Groups + group, depth);
                        RunSet(set, output, depth, bandRow, bandRows, bandColumn, weights, channels, c > 0, offsets, scratch + (nint)i * plan.Band.Image, panel);
                    }
                }

                offsets += 2 * plan.SliceChannels * set.Taps.Length;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunSet(
        TapSet set, in Output output, int depth, int bandRow, int bandRows, int bandColumn, T* weights, int channels, bool accumulate, int* offsets, T* scratch, int panel)
    {
        var plan = Plan;
        int rowStart = Math.Max(set.Height.Start, bandRow), rowEnd = Math.Min(set.Height.End, bandRow + bandRows);
        int columnStart = Math.Max(set.Width.Start, bandColumn), columnEnd = Math.Min(set.Width.End, bandColumn + plan.BandColumns);
        if (depth < set.Depth.Start || depth >= set.Depth.End || rowStart >= rowEnd || columnStart >= columnEnd)
        {
            return;
        }

        int pitch = plan.Band.Pitch, columns = columnEnd - columnStart;
        nint k = (nint)channels * set.Taps.Length;
        int* weightOffsets = offsets + plan.SliceChannels * set.Taps.Length;
        bool isSolid = plan.IsSolid && columns == pitch;

        // Whole rows one by one where that wastes no more columns than the gaps between them.
        bool byRow = !isSolid && (columns + TOps.Lanes - 1) / TOps.Lanes * TOps.Lanes <= pitch;
        int runs = byRow ? rowEnd - rowStart : 1;
        int runLength = byRow ? columns : (rowEnd - 1 - rowStart) * pitch + columns;
        if (plan.IsLow)
        {
            RunLow(output, k, weights, offsets, weightOffsets, scratch, (rowStart, bandRow), (columnStart, columns, bandColumn), runs, runLength, accumulate);
            return;
        }

        T* tile = stackalloc T[MostRows * Wide];
        int i = plan.PanelStarts[panel], rows = plan.PanelStarts[panel + 1] - i;
        nint weightRow = plan.WeightRow;
        var a = weights + i * weightRow;
        for (int run = 0; run < runs; run++)
        {
            int row = rowStart + run;
            var first = scratch + (row - bandRow) * pitch + columnStart - bandColumn;
            for (int at = 0, vectors; at < runLength; at += vectors * TOps.Lanes)
            {
                int left = runLength - at;
                vectors = plan.NextVectors((left + TOps.Lanes - 1) / TOps.Lanes);
                int count = Math.Min(vectors * TOps.Lanes, left), column = at % pitch;

                // A tile of whole vectors whose places lie one behind the other in the target as well goes there by itself.
                int gridRow = row + at / pitch;
                bool isRun = isSolid || (plan.Width.TargetStep == 1 && column + count <= columns);
                T* direct = isRun ? output.Place(gridRow, columnStart + column) + i * output.Channel : null;
                if (isRun && count == vectors * TOps.Lanes)
                {
                    Tile(rows, vectors, k, a, weightOffsets, weightRow, first + at, offsets, direct, output.Channel, accumulate);
                    continue;
                }

                Tile(rows, vectors, k, a, weightOffsets, weightRow, first + at, offsets, tile, Wide, false);
                if (isRun)
                {
                    output.StoreLines(tile, Wide, rows, direct, count, accumulate);
                }
                else
                {
                    output.Store(tile, Wide, rows, i, gridRow, column, count, columnStart, columns, pitch, accumulate);
                }
            }
        }
    }

    /// <summary>The runs of a target with few channels: tiles of all its rows and many vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunLow(
        in Output output, nint k, T* weights, int* offsets, int* weightOffsets, T* scratch, (int Start, int Band) row, (int Start, int Count, int Band) column, int runs, int runLength, bool accumulate)
    {
        int rows = Plan.TargetChannels, pitch = Plan.Band.Pitch, mostVectors = Plan.LowVectors;
        int tileRow = 8 * TOps.Lanes;
        nint weightRow = Plan.WeightRow;
        T* tile = stackalloc T[LowConvolutionTile.MostRows * tileRow];
        for (int run = 0; run < runs; run++)
        {
            int first = (row.Start + run - row.Band) * pitch + column.Start - column.Band;
            for (int at = 0; at < runLength;)
            {
                int vectors = (runLength - at + TOps.Lanes - 1) / TOps.Lanes;
                vectors = vectors >= mostVectors ? mostVectors : vectors >= 4 ? Math.Min(4, mostVectors) : vectors;
                var from = scratch + first + at;
                switch (rows)
                {
                    case 1:
                        LowTile<One>(vectors, k, weights, weightOffsets, weightRow, from, offsets, tile, tileRow);
                        break;
                    case 2:
                        LowTile<Two>(vectors, k, weights, weightOffsets, weightRow, from, offsets, tile, tileRow);
                        break;
                    case 3:
                        LowTile<Three>(vectors, k, weights, weightOffsets, weightRow, from, offsets, tile, tileRow);
                        break;
                    default:
                        LowTile<Four>(vectors, k, weights, weightOffsets, weightRow, from, offsets, tile, tileRow);
                        break;
                }

                int count = Math.Min(vectors * TOps.Lanes, runLength - at);
                output.Store(tile, tileRow, rows, 0, row.Start + run + at / pitch, at % pitch, count, column.Start, column.Count, pitch, accumulate);
                at += count;
            }
        }
    }

    private static void LowTile<TRows>(int vectors, nint k, T* a, int* aOffsets, nint aRow, T* b, int* bOffsets, T* c, nint cRow)
        where TRows : struct, IConstant
    {
        switch (vectors)
        {
            case 8:
                LowConvolutionTile.Multiply<T, TVector, TOps, TRows, Eight>(k, a, aOffsets, aRow, b, bOffsets, c, cRow);
                break;
            case 6:
                LowConvolutionTile.Multiply<T, TVector, TOps, TRows, Six>(k, a, aOffsets, aRow, b, bOffsets, c, cRow);
                break;
            case 4:
                LowConvolutionTile.Multiply<T, TVector, TOps, TRows, Four>(k, a, aOffsets, aRow, b, bOffsets, c, cRow);
                break;
            case 3:
                LowConvolutionTile.Multiply<T, TVector, TOps, TRows, Three>(k, a, aOffsets, aRow, b, bOffsets, c, cRow);
                break;
            case 2:
                LowConvolutionTile.Multiply<T, TVector, TOps, TRows, Two>(k, a, aOffsets, aRow, b, bOffsets, c, cRow);
                break;
            default:
                LowConvolutionTile.Multiply<T, TVector, TOps, TRows, One>(k, a, aOffsets, aRow, b, bOffsets, c, cRow);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile(int rows, int vectors, nint k, T* a, int* aOffsets, nint aRow, T* b, int* bOffsets, T* c, nint cRow, bool accumulate) =>
        Tile(rows, vectors, k, a, aOffsets, aRow, b, bOffsets, TOps.Lanes, c, cRow, TOps.Lanes, accumulate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile(int rows, int vectors, nint k, T* a, int* aOffsets, nint aRow, T* b, int* bOffsets, nint bStep, T* c, nint cRow, nint cStep, bool accumulate)
    {
        if (vectors == 3)
            Tile<Three>(rows, k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
        else if (vectors == 2)
            Tile<Two>(rows, k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
        else
            Tile<One>(rows, k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
    }

    private static void Tile<TVectors>(int rows, nint k, T* a, int* aOffsets, nint aRow, T* b, int* bOffsets, nint bStep, T* c, nint cRow, nint cStep, bool accumulate)
        where TVectors : struct, IConstant
    {
        switch (rows)
        {
            case 8:
                ConvolutionTile.Multiply<T, TVector, TOps, Eight, TVectors>(k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
                break;
            case 6:
                ConvolutionTile.Multiply<T, TVector, TOps, Six, TVectors>(k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
                break;
            case 4:
                ConvolutionTile.Multiply<T, TVector, TOps, Four, TVectors>(k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
                break;
            case 2:
                ConvolutionTile.Multiply<T, TVector, TOps, Two, TVectors>(k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
                break;
            default:
                ConvolutionTile.Multiply<T, TVector, TOps, One, TVectors>(k, a, aOffsets, aRow, b, bOffsets, bStep, c, cRow, cStep, accumulate);
                break;
        }
    }

    /// <summary>Where the places of one image, group, depth and residue lie in the target.</summary>
    private readonly struct Output
    {
        private readonly T* _plane;
        private readonly int _rowStep, _rowStart, _columnStep, _columnStart, _width;

        public Output(ConvolutionPlan plan, TapSet set, T* target, long image, int depth)
        {
            var shape = plan.Shape;
            int depths = plan.IsTransposed ? shape.Depth.Input : shape.Depth.Output, heights = plan.IsTransposed ? shape.Height.Input : shape.Height.Output;
            _width = plan.IsTransposed ? shape.Width.Input : shape.Width.Output;
            Channel = (nint)depths * heights * _width;
            int at = plan.Depth.TargetStep * depth + set.Depth.TargetStart;
            _plane = target + (nint)image * plan.TargetChannels * Channel + (nint)at * heights * _width;
            (_rowStep, _rowStart) = (plan.Height.TargetStep, set.Height.TargetStart);
            (_columnStep, _columnStart) = (plan.Width.TargetStep, set.Width.TargetStart);
        }

        /// <summary>From one channel to the next.</summary>
        public nint Channel { get; }

        public T* Place(int row, int column) => _plane + (nint)(_rowStep * row + _rowStart) * _width + _columnStep * column + _columnStart;

        /// <summary>Stores the columns of a tile that are places: <paramref name="column"/> counts from <paramref name="columnStart"/> and <paramref name="row"/> on.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Store(T* tile, int pitchOfTile, int rows, int channel, int row, int column, int count, int columnStart, int columns, int pitch, bool accumulate)
        {
            for (int done = 0; done < count;)
            {
                int places = Math.Min(columns - column, count - done);
                if (places > 0)
                {
                    StoreLines(tile + done, pitchOfTile, rows, Place(row, columnStart + column) + channel * Channel, places, accumulate);
                }

                done += pitch - column;
                column = 0;
                row++;
            }
        }

        /// <summary>Stores columns that lie in one row of the target.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void StoreLines(T* from, int pitchOfTile, int rows, T* to, int places, bool accumulate)
        {
            for (int i = 0; i < rows; i++, from += pitchOfTile, to += Channel)
            {
                StoreLine(from, to, places, accumulate);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void StoreLine(T* from, T* to, int count, bool accumulate)
        {
            if (_columnStep == 1 && !accumulate)
            {
                SourceBand.Copy(from, to, count);
                return;
            }

            if (_columnStep == 1)
            {
                int i = 0;
                for (; i + TOps.Lanes <= count; i += TOps.Lanes)
                {
                    TOps.Store(TOps.Add(TOps.Load(to + i), TOps.Load(from + i)), to + i);
                }

                for (; i + Vector128<T>.Count <= count; i += Vector128<T>.Count)
                {
                    Vector128.Store(Vector128.Load(to + i) + Vector128.Load(from + i), to + i);
                }

                for (; i < count; i++)
                {
                    to[i] += from[i];
                }

                return;
            }

            for (int i = 0; i < count; i++)
            {
                var at = to + (nint)i * _columnStep;
                *at = accumulate ? *at + from[i] : from[i];
            }
        }
    }
}
