using Autograd.Gpu.Devices;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The windows of a pooling over the last one to three dimensions of a tensor, in each dimension independently; always written as depth, height
/// and width, of which the first may be 1. What stands before these dimensions are planes.
/// </summary>
internal sealed class PoolWindows
{
    /// <summary>The poolings that are kept for sure, and the numbers of their tables together.</summary>
    internal const int Most = 64;
    private const long MostElements = 1 << 20;

    private static readonly PlanCache<PoolParameters, PoolWindows> s_windows = new(Most, MostElements);
    private static readonly PlanCache<AdaptiveSizes, PoolWindows> s_adaptive = new(Most, MostElements);

    private readonly int[][] _first;
    private readonly int[][] _count;
    private int[]? _table;
    private int[]? _inverseTable;

    private PoolWindows(int rank, int[] input, int[] output, int[] steps, int[][] first, int[][] count) =>
        (Rank, Input, Output, Steps, _first, _count) = (rank, input, output, steps, first, count);

    /// <summary>How many dimensions are pooled.</summary>
    public int Rank { get; }

    /// <summary>Depth, height and width.</summary>
    public int[] Input { get; }

    /// <summary>The same of the result.</summary>
    public int[] Output { get; }

    /// <summary>How far positions of a window are from one another.</summary>
    public int[] Steps { get; }

    private long Elements => 2 * (Input.Sum(n => (long)n) + Output.Sum(n => (long)n));

    /// <summary>Windows of a kernel that moves in strides over the padded input; what falls on the padding does not count.</summary>
    public static PoolWindows Of(string name, in PoolParameters pool, Shape input) =>
        s_windows.Get(pool, (name, input), static (p, s) => Make(s.name, p, s.input), static w => w.Elements);

    /// <summary>Windows from floor(o * in / out) up to ceil((o + 1) * in / out), which share the input out.</summary>
    public static PoolWindows Adaptive(in AdaptiveSizes sizes) => s_adaptive.Get(sizes, 0, static (s, _) => Make(s), static w => w.Elements);

    private static PoolWindows Make(string name, PoolParameters pool, Shape input)
    {
        var windows = Empty(pool.Rank, pool.OutputSizes(name, input), d => pool[d].Input);
        for (int d = 0; d < pool.Rank; d++)
        {
            var axis = pool[d];
            int at = 3 - pool.Rank + d, step = windows.Steps[at] = (int)axis.Dilation;
            for (int o = 0; o < windows.Output[at]; o++)
            {
                long start = o * axis.Stride - axis.Padding, skipped = start < 0 ? (-start + step - 1) / step : 0;
                long first = start + skipped * step, last = start + (axis.Kernel - 1) * step;
                last = Math.Min(last, first + (windows.Input[at] - 1 - first) / step * step);
                windows._first[at][o] = (int)first;
                windows._count[at][o] = first < windows.Input[at] && last >= first ? (int)((last - first) / step) + 1
                    : throw new ShapeException($"{name}: window {o} of {axis.Describe()} lies in the padding of input {input} altogether. Use less padding or dilation.");
            }
        }

        return windows;
    }

    private static PoolWindows Make(AdaptiveSizes sizes)
    {
        var windows = Empty(sizes.Rank, [.. Enumerable.Range(0, sizes.Rank).Select(d => sizes[d].To)], d => sizes[d].From);
        for (int d = 3 - sizes.Rank; d < 3; d++)
        {
            long from = windows.Input[d], to = windows.Output[d];
            for (long o = 0; o < to; o++)
            {
                long first = o * from / to;
                windows._first[d][o] = (int)first;
                windows._count[d][o] = (int)(((o + 1) * from + to - 1) / to - first);
            }
        }

        return windows;
    }

    /// <summary>The result's shape for an input's.</summary>
    public Shape ResultOf(Shape input) => Replaced(input, Output);

    /// <summary>The input's shape for a result's.</summary>
    public Shape InputOf(Shape result) => Replaced(result, Input);

    /// <summary>The number of planes of a tensor.</summary>
    public long PlanesOf(Shape shape)
    {
        long planes = 1;
        foreach (long size in shape.AsSpan()[..^Rank])
        {
            planes *= size;
        }

        return planes;
    }

    /// <summary>A tensor with the pooled dimensions as one.</summary>
    public Tensor Flat(Tensor x) => Rank == 1 ? x : x.Flatten(-Rank);

    /// <summary>First position and length of each window: depths, heights, widths.</summary>
    public BufferExpression Table(Device device) => DeviceTables.Of(device, _table ??= MakeTable());

    /// <summary>For each position the first window that reaches as far, and how many may: depths, heights, widths.</summary>
    public BufferExpression InverseTable(Device device) => DeviceTables.Of(device, _inverseTable ??= MakeInverseTable());

    private int[] MakeTable()
    {
        var table = new List<int>();
        for (int d = 0; d < 3; d++)
        {
            for (int o = 0; o < Output[d]; o++)
            {
                table.Add(_first[d][o]);
                table.Add(_count[d][o]);
            }
        }

        return [.. table];
    }

    private int[] MakeInverseTable()
    {
        var table = new List<int>();
        for (int d = 0; d < 3; d++)
        {
            int first = 0, end = 0;
            for (int i = 0; i < Input[d]; i++)
            {
                while (first < Output[d] && _first[d][first] + (_count[d][first] - 1) * Steps[d] < i)
                {
                    first++;
                }

                while (end < Output[d] && _first[d][end] <= i)
                {
                    end++;
                }

                table.Add(first);
                table.Add(Math.Max(0, end - first));
            }
        }

        return [.. table];
    }

    private static PoolWindows Empty(int rank, long[] output, Func<int, long> input)
    {
        int[] from = [1, 1, 1], to = [1, 1, 1];
        for (int d = 0; d < rank; d++)
        {
            (from[3 - rank + d], to[3 - rank + d]) = (checked((int)input(d)), checked((int)output[d]));
        }

        int[][] first = [.. to.Select(n => new int[n])], count = [.. to.Select(n => new int[n])];
        foreach (var counts in count)
        {
            Array.Fill(counts, 1);
        }

        return new PoolWindows(rank, from, to, [1, 1, 1], first, count);
    }

    private Shape Replaced(Shape shape, int[] sizes)
    {
        var replaced = shape.ToArray();
        for (int d = 0; d < Rank; d++)
        {
            replaced[^(Rank - d)] = sizes[3 - Rank + d];
        }

        return Shape.Own(replaced);
    }
}
