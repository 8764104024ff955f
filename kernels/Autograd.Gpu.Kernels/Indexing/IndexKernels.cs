using ILGPU;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>
/// Gather and scatter. No atomics: what falls on one element is combined in the order of the index, so that results are the same on every device
/// and at every run.
/// </summary>
public static class IndexKernels
{
    /// <summary>One thread for each element of the result.</summary>
    public static void Gather<T>(Index1D thread, GatherArguments<T> x) where T : unmanaged
    {
        long e = thread.X;
        long row = e / x.Inner, i = e - row * x.Inner;
        long o = row / x.Count, c = row - o * x.Count;
        long at = x.Index[o * x.IndexOuter + c * x.IndexLine + i * x.IndexInner];
        if (at < 0 && x.Wraps != 0)
        {
            at += x.Size;
        }

        x.Result[e] = at >= 0 && at < x.Size
            ? x.Source[o * x.SourceOuter + at * x.SourceLine + i * x.SourceInner]
            : x.Missing;
    }

    /// <summary>One thread for each line of the result, which takes the line's indices one after the other. For many lines, or short ones.</summary>
    public static void ScatterByLine<T, TCombination>(Index1D thread, ScatterArguments<T> x)
        where T : unmanaged
        where TCombination : struct, ICombination<T>
    {
        long line = thread.X;
        long o = line / x.Inner, i = line - o * x.Inner;
        long index = o * x.IndexOuter + i * x.IndexInner, source = o * x.SourceOuter + i * x.SourceInner;
        long target = o * x.Size * x.Inner + i;
        for (long c = 0; c < x.Count; c++)
        {
            long at = x.Index[index + c * x.IndexLine];
            if (at < 0 && x.Wraps != 0)
            {
                at += x.Size;
            }

            if (at >= 0 && at < x.Size)
            {
                long to = target + at * x.Inner;
                x.Result[to] = TCombination.Combine(x.Result[to], x.Source[source + c * x.SourceLine]);
            }
        }
    }

    /// <summary>
    /// One thread for each element of the result, which finds its indices in the sorted order: those that name it lie side by side there, and in the
    /// order of the index. For few long lines.
    /// </summary>
    /// <remarks>Indices were wrapped before they were sorted. <c>Order</c> has the index's lines one after the other, those it shares once.</remarks>
    public static void ScatterByTarget<T, TCombination>(Index1D thread, ScatterArguments<T> x)
        where T : unmanaged
        where TCombination : struct, ICombination<T>
    {
        long e = thread.X;
        long row = e / x.Inner, i = e - row * x.Inner;
        long o = row / x.Size, target = row - o * x.Size;
        long index = o * x.IndexOuter + i * x.IndexInner, source = o * x.SourceOuter + i * x.SourceInner;
        long low = 0, high = x.Count;
        while (low < high)
        {
            long middle = (low + high) / 2;
            if (x.Index[index + x.Order[index + middle * x.IndexLine] * x.IndexLine] < target)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        var value = x.Result[e];
        while (low < x.Count)
        {
            long c = x.Order[index + low * x.IndexLine];
            if (x.Index[index + c * x.IndexLine] != target)
            {
                break;
            }

            value = TCombination.Combine(value, x.Source[source + c * x.SourceLine]);
            low++;
        }

        x.Result[e] = value;
    }
}
