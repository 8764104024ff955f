using System.Numerics;
using ILGPU;

namespace Autograd.Gpu.Kernels.Pooling;

/// <summary>
/// Planes of [depth, height, width] and smaller ones, whose elements stand for windows of them. <see cref="Windows"/> has for each depth of the smaller
/// planes, then for each height and each width, the first position of its window and the number of positions.
/// </summary>
/// <typeparam name="T">The elements.</typeparam>
public struct MaxPoolArguments<T> where T : unmanaged
{
    /// <summary>The larger planes.</summary>
    public ArrayView<T> Input;

    /// <summary>The smaller planes.</summary>
    public ArrayView<T> Output;

    /// <summary>For each element of the smaller planes its place in the larger.</summary>
    public ArrayView<long> Places;

    /// <summary>Where windows begin, and their lengths; for the gradient, where the windows that reach a position begin and end.</summary>
    public ArrayView<int> Windows;

    /// <summary>Depth of the larger planes.</summary>
    public int InDepth;

    /// <summary>Height of the larger planes.</summary>
    public int InHeight;

    /// <summary>Width of the larger planes.</summary>
    public int InWidth;

    /// <summary>Depth of the smaller planes.</summary>
    public int OutDepth;

    /// <summary>Height of the smaller planes.</summary>
    public int OutHeight;

    /// <summary>Width of the smaller planes.</summary>
    public int OutWidth;

    /// <summary>Distance of a window's positions in depth.</summary>
    public int StepDepth;

    /// <summary>Distance of a window's positions in height.</summary>
    public int StepHeight;

    /// <summary>Distance of a window's positions in width.</summary>
    public int StepWidth;

    /// <summary>1 if values are wanted.</summary>
    public int WantsValues;

    /// <summary>1 if places are wanted.</summary>
    public int WantsPlaces;
}

/// <summary>Max pooling, and its gradient without atomics: each element of the larger planes looks for the windows that chose it.</summary>
public static class MaxPoolKernels
{
    /// <summary>One thread for each window: the largest element and its place in the plane. The first of those that tie; nan counts as largest.</summary>
    public static void Max<T>(Index1D thread, MaxPoolArguments<T> x) where T : unmanaged, INumber<T>
    {
        long e = thread.X;
        long row = e / x.OutWidth, slab = row / x.OutHeight, plane = slab / x.OutDepth;
        int ow = (int)(e - row * x.OutWidth), oh = (int)(row - slab * x.OutHeight), od = (int)(slab - plane * x.OutDepth);
        int heights = 2 * x.OutDepth, widths = heights + 2 * x.OutHeight;
        int depth = x.Windows[2 * od], depthCount = x.Windows[2 * od + 1];
        int height = x.Windows[heights + 2 * oh], heightCount = x.Windows[heights + 2 * oh + 1];
        int width = x.Windows[widths + 2 * ow], widthCount = x.Windows[widths + 2 * ow + 1];
        long start = plane * x.InDepth * x.InHeight * x.InWidth;
        long place = ((long)depth * x.InHeight + height) * x.InWidth + width;
        var best = x.Input[start + place];
        for (int i = 0; i < depthCount; i++)
        {
            for (int j = 0; j < heightCount; j++)
            {
                long at = ((long)(depth + i * x.StepDepth) * x.InHeight + height + j * x.StepHeight) * x.InWidth + width;
                for (int k = 0; k < widthCount; k++, at += x.StepWidth)
                {
                    var value = x.Input[start + at];
                    if (value > best || T.IsNaN(value))
                    {
                        best = value;
                        place = at;
                    }
                }
            }
        }

        if (x.WantsValues != 0)
        {
            x.Output[e] = best;
        }

        if (x.WantsPlaces != 0)
        {
            x.Places[e] = place;
        }
    }

    /// <summary>
    /// One thread for each element of the larger planes: the sum of the smaller planes' elements whose place it is, in their order. The windows are those of
    /// the larger planes' positions: which of the smaller planes' may name them.
    /// </summary>
    public static void Spread<T>(Index1D thread, MaxPoolArguments<T> x) where T : unmanaged, INumber<T>
    {
        long e = thread.X;
        long row = e / x.InWidth, slab = row / x.InHeight, plane = slab / x.InDepth;
        int iw = (int)(e - row * x.InWidth), ih = (int)(row - slab * x.InHeight), id = (int)(slab - plane * x.InDepth);
        int heights = 2 * x.InDepth, widths = heights + 2 * x.InHeight;
        int depth = x.Windows[2 * id], depthCount = x.Windows[2 * id + 1];
        int height = x.Windows[heights + 2 * ih], heightCount = x.Windows[heights + 2 * ih + 1];
        int width = x.Windows[widths + 2 * iw], widthCount = x.Windows[widths + 2 * iw + 1];
        long start = plane * x.OutDepth * x.OutHeight * x.OutWidth;
        long place = ((long)id * x.InHeight + ih) * x.InWidth + iw;
        var sum = T.Zero;
        for (int i = 0; i < depthCount; i++)
        {
            for (int j = 0; j < heightCount; j++)
            {
                long at = start + ((long)(depth + i) * x.OutHeight + height + j) * x.OutWidth + width;
                for (int k = 0; k < widthCount; k++, at++)
                {
                    if (x.Places[at] == place)
                    {
                        sum += x.Output[at];
                    }
                }
            }
        }

        x.Input[e] = sum;
    }
}
