using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Small images and many channels: rows are too short for whole vectors of them, so that a tile's columns are gathered from the band, those of several images beside one another. Each gathered
/// element serves every target channel.
/// </summary>
internal unsafe partial struct ConvolutionWork<T, TVector, TOps>
{
    private const int GatheredBytes = 512 * 1024;

    /// <summary>The tiles that are gathered at a time, at most.</summary>
    private const int MostGathered = 256;

    /// <summary>Some columns of a tile: where they stand in the band, or in the target.</summary>
    private struct ColumnRun
    {
        public nint From;
        public int Column;
        public int Count;
    }

    private readonly void RunGathered(
        TapSet set, (int First, int Count, int Group) images, int depth, (int First, int Count) band, T* weights, int channels, bool accumulate, int* offsets, T* scratch, int firstPanel, int endPanel)
    {
        var plan = Plan;
        var (depthStart, depthEnd) = plan.Depth.Range(set.Depth);
        var (rowStart, rowEnd) = plan.Height.Range(set.Height);
        var (columnStart, columnEnd) = plan.Width.Range(set.Width);
        rowStart = Math.Max(rowStart, band.First);
        rowEnd = Math.Min(rowEnd, band.First + band.Count);
        int rows = rowEnd - rowStart, columns = columnEnd - columnStart;
        if (depth < depthStart || depth >= depthEnd || rows <= 0 || columns <= 0)
        {
            return;
        }

        // As many columns as stay in the second-level cache; each panel of weights is then brought in once for all of them.
        nint k = (nint)channels * set.Taps.Length;
        int total = images.Count * rows * columns;
        int most = (int)Math.Clamp(GatheredBytes / (Math.Max(1, k) * Wide * sizeof(T)), 1, (total + Wide - 1) / Wide);
        var packed = PackBuffer.Left<T>(most * k * Wide + Wide);
        var targets = PackBuffer.Scratch<ColumnRun>((nint)most * Wide);
        int* ends = stackalloc int[MostGathered];
        most = Math.Min(most, MostGathered);
        ColumnRun* sources = stackalloc ColumnRun[Wide];
        T* tile = stackalloc T[MostRows * Wide];
        for (int start = 0; start < total; start += most * Wide)
        {
            int end = Math.Min(total, start + most * Wide), targetRuns = 0, tiles = (end - start + Wide - 1) / Wide;
            for (int t = 0; t < tiles; t++)
            {
                int first = start + t * Wide, count = Math.Min(Wide, end - first), sourceRuns = 0, firstTarget = targetRuns;
                for (int done = 0; done < count;)
                {
                    int at = first + done, column = at % columns, row = at / columns % rows, image = at / columns / rows;
                    int length = Math.Min(columns - column, count - done);
                    nint from = (nint)image * plan.Band.Image + (nint)(rowStart + row - band.First) * plan.Band.Pitch + columnStart - plan.Width.Start + column;
                    sources[sourceRuns++] = new ColumnRun { From = from, Column = done, Count = length };
                    var output = new Output(plan, set, Target, (long)(images.First + image) * plan.Shape.Groups + images.Group, depth);
                    nint to = (nint)(output.Place(rowStart + row, columnStart + column) - Target);
                    if (targetRuns > firstTarget && plan.Width.TargetStep == 1 && targets[targetRuns - 1].From + targets[targetRuns - 1].Count == to)
                    {
                        targets[targetRuns - 1].Count += length;
                    }
                    else
                    {
                        targets[targetRuns++] = new ColumnRun { From = to, Column = done, Count = length };
                    }

                    done += length;
                }

                ends[t] = targetRuns;
                Gather(k, offsets, scratch, sources, sourceRuns, packed + t * k * Wide);
            }

            var place = new Output(plan, set, Target, 0, depth);
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                int i = plan.PanelStarts[panel], height = plan.PanelStarts[panel + 1] - i;
                for (int t = 0, run = 0; t < tiles; t++)
                {
                    Tile(height, Math.Min(Wide, end - start - t * Wide), k, weights + i * k, packed + t * k * Wide, GatheredOffsets, tile, Wide, false);
                    for (; run < ends[t]; run++)
                    {
                        place.StoreLines(tile + targets[run].Column, Wide, height, Target + targets[run].From + i * place.Channel, targets[run].Count, accumulate);
                    }
                }
            }
        }
    }

    /// <summary>Whole vectors are copied: what they have too many of lies where the next run's columns follow, or behind the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(nint k, int* offsets, T* scratch, ColumnRun* runs, int count, T* packed)
    {
        for (nint p = 0; p < k; p++, packed += Wide)
        {
            T* line = scratch + offsets[p];
            for (int run = 0; run < count; run++)
            {
                T* from = line + runs[run].From, to = packed + runs[run].Column;
                for (int i = 0; i < runs[run].Count; i += Vector<T>.Count)
                {
                    Vector.Store(Vector.Load(from + i), to + i);
                }
            }
        }
    }
}
