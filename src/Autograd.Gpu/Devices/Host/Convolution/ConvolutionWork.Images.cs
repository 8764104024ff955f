using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// Small images, many of them: a vector holds the same place of several images. Each place then has the taps that see the source there and no others, a good part of which the padding takes from
/// the places at the borders of a small image, and no vector crosses the end of a row.
/// </summary>
internal unsafe partial struct ConvolutionWork<T, TVector, TOps>
{
    private readonly void RunImages(long item, T* scratch)
    {
        var plan = Plan;
        var shape = plan.Shape;
        int block = (int)(item % plan.RowBlocks);
        item /= plan.RowBlocks;
        int group = (int)(item % shape.Groups), lanes = TOps.Lanes;
        long firstImage = item / shape.Groups * lanes, images = Math.Min(lanes, shape.Batch - firstImage);
        int panels = plan.PanelStarts.Length - 1, firstPanel = block * panels / plan.RowBlocks, endPanel = (block + 1) * panels / plan.RowBlocks;
        int firstChannel = plan.PanelStarts[firstPanel], channels = plan.PanelStarts[endPanel] - firstChannel;
        nint sourceChannel = (nint)(plan.IsTransposed ? shape.OutputPlaces : shape.InputPlaces), sourceImage = shape.Groups * plan.SourceChannels * sourceChannel;
        nint targetChannel = (nint)(plan.IsTransposed ? shape.InputPlaces : shape.OutputPlaces), targetImage = shape.Groups * plan.TargetChannels * targetChannel;
        var source = Source + (nint)firstImage * sourceImage + (nint)group * plan.SourceChannels * sourceChannel;
        var sums = PackBuffer.Left<T>(channels * targetChannel * lanes);
        if (images < lanes)
        {
            NativeMemory.Clear(scratch, (nuint)(plan.SliceChannels * sourceChannel * lanes * sizeof(T)));
        }

        for (int c = 0; c == 0 || c < plan.SourceChannels; c += Math.Max(1, plan.SliceChannels))
        {
            int depth = Math.Min(plan.SliceChannels, plan.SourceChannels - c);
            HostTranspose.Block(source + c * sourceChannel, sourceImage, scratch, lanes, images, depth * sourceChannel, HostMatMul.Width);
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                int row = plan.PanelStarts[panel], rows = plan.PanelStarts[panel + 1] - row;
                int* offsets = Offsets;
                foreach (var set in plan.Sets)
                {
                    var weights = Weights + plan.Weights(set, group, c) + row * plan.WeightRow;
                    MultiplyImages(set, rows, depth, weights, offsets, scratch, sums + (row - firstChannel) * targetChannel * lanes, targetChannel * lanes, c > 0);
                    offsets += 2 * plan.SliceChannels * set.Taps.Length;
                }
            }
        }

        HostTranspose.Block(sums, lanes, Target + (nint)firstImage * targetImage + ((nint)group * plan.TargetChannels + firstChannel) * targetChannel, targetImage, channels * targetChannel, images, HostMatMul.Width);
    }

    /// <summary>The sums of a set's places, for the rows of one panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void MultiplyImages(TapSet set, int rows, int channels, T* weights, int* offsets, T* band, T* sums, nint targetChannel, bool accumulate)
    {
        var plan = Plan;
        var shape = plan.Shape;
        nint sourceRow = plan.Band.Pitch, targetRow = (plan.IsTransposed ? shape.Width.Input : shape.Width.Output) * TOps.Lanes;
        nint targetPlane = (plan.IsTransposed ? shape.Height.Input : shape.Height.Output) * targetRow;
        nint k = (nint)channels * set.Taps.Length, weightRow = plan.WeightRow;
        int* weightOffsets = offsets + plan.SliceChannels * set.Taps.Length;
        int lines = set.Height.End - set.Height.Start, length = set.Width.End - set.Width.Start;
        nint sourceLine = sourceRow, sourceStep = TOps.Lanes, targetLine = targetRow, targetStep = TOps.Lanes;

        // The places of a tile lie along the longer side.
        if (lines > length)
        {
            (lines, sourceLine, targetLine, length, sourceStep, targetStep) = (length, sourceStep, targetStep, lines, sourceLine, targetLine);
        }

        for (int d = set.Depth.Start; d < set.Depth.End; d++)
        {
            var source = band + d * (nint)plan.Band.Plane + set.Height.Start * sourceRow + set.Width.Start * TOps.Lanes;
            var target = sums + (d + set.Depth.TargetStart) * targetPlane + (set.Height.Start + set.Height.TargetStart) * targetRow + (set.Width.Start + set.Width.TargetStart) * TOps.Lanes;
            for (int line = 0; line < lines; line++, source += sourceLine, target += targetLine)
            {
                for (int at = 0, vectors; at < length; at += vectors)
                {
                    vectors = plan.NextVectors(length - at);
                    Tile(
                        rows, vectors, k, weights, weightOffsets, weightRow, source + at * sourceStep, offsets, sourceStep, target + at * targetStep, targetChannel, targetStep, accumulate);
                }
            }
        }
    }
}
