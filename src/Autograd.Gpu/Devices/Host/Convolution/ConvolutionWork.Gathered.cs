using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Small images and many channels: rows are too short for whole vectors of them, so that a tile's columns are gathered from the band, those of several images beside one another. Each gathered
/// element serves every target channel.
/// </summary>
internal unsafe partial struct ConvolutionWork<T, TVector, TOps>
{
    /// <summary>Some columns of a tile: where they stand in the band, or in the target.</summary>
    private struct ColumnRun
    {
        public nint From;
        public int Column;
        public int Count;
    }

    private readonly void RunGatheredItem(long item, T* scratch)
    {
        var plan = Plan;
        int part = (int)(item % plan.GatheredParts);
        item /= plan.GatheredParts;
        int depths = plan.Depth.End - plan.Depth.Start, depth = plan.Depth.Start + (int)(item % depths), group = (int)(item / depths);
        long firstImage = plan.Shape.Batch, endImage = 0;
        nint mostColumns = 0, allColumns = 0;
        foreach (var set in plan.Sets)
        {
            var x = new Gathering(plan, set, depth, part, TOps.Lanes);
            mostColumns = Math.Max(mostColumns, x.PaddedColumns);
            allColumns += x.PaddedColumns;
            if (x.Count > 0)
            {
                firstImage = Math.Min(firstImage, x.Place(x.First).Image);
                endImage = Math.Max(endImage, x.Place(x.First + x.Count - 1).Image + 1);
            }
        }

        if (endImage <= firstImage)
        {
            return;
        }

        nint sourceChannel = (nint)plan.Depth.Source * plan.Height.Source * plan.Width.Source;
        nint sourceImage = plan.Shape.Groups * plan.SourceChannels * sourceChannel;
        var source = Source + (nint)firstImage * sourceImage + (nint)group * plan.SourceChannels * sourceChannel;
        var packed = PackBuffer.Left<T>(mostColumns * plan.SliceRows + Wide + allColumns * plan.TargetChannels);
        for (int c = 0; c == 0 || c < plan.SourceChannels; c += Math.Max(1, plan.SliceChannels))
        {
            int channels = Math.Min(plan.SliceChannels, plan.SourceChannels - c);
            plan.Band.Copy(source + c * sourceChannel, channels, (int)(endImage - firstImage), sourceImage, depth, plan.Height.Start, plan.BandRows, plan.Width.Start, scratch, clears: c == 0);
            var sums = packed + mostColumns * plan.SliceRows + Wide;
            int* offsets = Offsets;
            foreach (var set in plan.Sets)
            {
                var x = new Gathering(plan, set, depth, part, TOps.Lanes);
                MultiplyGathered(x, (int)firstImage, Weights + plan.Weights(set, group, c), channels, c > 0, offsets, scratch, packed, sums);
                offsets += 2 * plan.SliceChannels * set.Taps.Length;
                sums += x.PaddedColumns * plan.TargetChannels;
            }
        }

        var results = packed + mostColumns * plan.SliceRows + Wide;
        foreach (var set in plan.Sets)
        {
            var x = new Gathering(plan, set, depth, part, TOps.Lanes);
            StoreGathered(x, group, depth, results);
            results += x.PaddedColumns * plan.TargetChannels;
        }
    }

    /// <summary>Adds the products of a slice of channels to the sums of some columns, which lie beside one another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void MultiplyGathered(in Gathering x, int firstImage, T* weights, int channels, bool accumulate, int* offsets, T* scratch, T* packed, T* sums)
    {
        var plan = Plan;
        int lanes = TOps.Lanes, taps = x.Set.Taps.Length, total = x.Count;
        nint k = (nint)channels * taps, weightRow = plan.WeightRow;
        ColumnRun* runs = stackalloc ColumnRun[Wide];
        var to = packed;
        for (int at = 0; at < total;)
        {
            int vectors = plan.NextVectors((total - at + lanes - 1) / lanes), count = Math.Min(vectors * lanes, total - at);
            Gather(k, offsets, scratch, runs, FindSources(x, firstImage, x.First + at, count, runs), to, vectors * lanes);
            to += k * vectors * lanes;
            at += count;
        }

        for (int panel = 0; panel < plan.PanelStarts.Length - 1; panel++)
        {
            int i = plan.PanelStarts[panel], height = plan.PanelStarts[panel + 1] - i;
            var from = packed;
            for (int at = 0, vectors; at < total; at += vectors * lanes)
            {
                vectors = plan.NextVectors((total - at + lanes - 1) / lanes);
                var gathered = GatheredOffsets + (vectors - 1) * plan.SliceRows;
                Tile(height, vectors, k, weights + i * weightRow, offsets + plan.SliceChannels * taps, weightRow, from, gathered, sums + i * x.PaddedColumns + at, x.PaddedColumns, accumulate);
                from += k * vectors * lanes;
            }
        }
    }

    /// <summary>Brings the sums of some columns to their places.</summary>
    private readonly void StoreGathered(in Gathering x, int group, int depth, T* sums)
    {
        var plan = Plan;
        var runs = PackBuffer.Scratch<ColumnRun>(x.Count);
        var place = new Output(plan, x.Set, Target, 0, depth);
        nint image = plan.Shape.Groups * plan.TargetChannels * place.Channel;
        int count = 0;
        for (int done = 0, length; done < x.Count; done += length)
        {
            var (at, row, column) = x.Place(x.First + done);
            length = Math.Min(x.Columns - column, x.Count - done);
            nint to = (nint)(place.Place(x.RowStart + row, x.ColumnStart + column) - Target) + at * image;
            Append(runs, ref count, to, done, length, merges: plan.Width.TargetStep == 1);
        }

        var target = Target + (nint)group * plan.TargetChannels * place.Channel;
        for (int i = 0; i < plan.TargetChannels; i++, target += place.Channel, sums += x.PaddedColumns)
        {
            for (int run = 0; run < count; run++)
            {
                place.StoreLine(sums + runs[run].Column, target + runs[run].From, runs[run].Count, accumulate: false);
            }
        }
    }

    /// <summary>Where a tile's columns stand in the band, as runs.</summary>
    private readonly int FindSources(in Gathering x, int firstImage, long first, int count, ColumnRun* runs)
    {
        int found = 0;
        for (int done = 0, length; done < count; done += length)
        {
            var (image, row, column) = x.Place(first + done);
            length = Math.Min(x.Columns - column, count - done);
            nint from = (image - firstImage) * Plan.Band.Image + (nint)(x.RowStart + row - Plan.Height.Start) * Plan.Band.Pitch + x.ColumnStart - Plan.Width.Start + column;
            Append(runs, ref found, from, done, length, merges: true);
        }

        return found;
    }

    /// <summary>Adds a run, or makes the last one longer.</summary>
    private static void Append(ColumnRun* runs, ref int count, nint from, int column, int length, bool merges)
    {
        if (merges && count > 0 && runs[count - 1].From + runs[count - 1].Count == from)
        {
            runs[count - 1].Count += length;
        }
        else
        {
            runs[count++] = new ColumnRun { From = from, Column = column, Count = length };
        }
    }

    /// <summary>Whole vectors are copied: what they have too many of lies where the next run's columns follow, or behind the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(nint k, int* offsets, T* scratch, ColumnRun* runs, int count, T* packed, int pitch)
    {
        for (nint p = 0; p < k; p++, packed += pitch)
        {
            T* line = scratch + offsets[p];
            for (int run = 0; run < count; run++)
            {
                T* from = line + runs[run].From, to = packed + runs[run].Column;
                for (int i = 0; i < runs[run].Count; i += TOps.Lanes)
                {
                    TOps.Store(TOps.Load(from + i), to + i);
                }
            }
        }
    }

    /// <summary>The columns of a set that one part of the work takes: of all images' places, image after image.</summary>
    private readonly struct Gathering
    {
        public Gathering(ConvolutionPlan plan, TapSet set, int depth, int part, int lanes)
        {
            Set = set;
            (RowStart, ColumnStart, Columns) = (set.Height.Start, set.Width.Start, set.Width.End - set.Width.Start);
            Rows = depth >= set.Depth.Start && depth < set.Depth.End ? set.Height.End - RowStart : 0;
            long all = (long)plan.Shape.Batch * Rows * Columns, vectors = (all + lanes - 1) / lanes;
            First = Math.Min(all, vectors * part / plan.GatheredParts * lanes);
            Count = (int)(Math.Min(all, vectors * (part + 1) / plan.GatheredParts * lanes) - First);
            PaddedColumns = (Count + lanes - 1) / lanes * lanes;
        }

        public TapSet Set { get; }

        public int RowStart { get; }

        public int Rows { get; }

        public int ColumnStart { get; }

        public int Columns { get; }

        public long First { get; }

        public int Count { get; }

        /// <summary>The columns in whole vectors.</summary>
        public int PaddedColumns { get; }

        /// <summary>Which column of all images' this is; rows and columns count from the set's first ones on.</summary>
        public (nint Image, int Row, int Column) Place(long number) => ((nint)(number / Columns / Rows), (int)(number / Columns % Rows), (int)(number % Columns));
    }
}
