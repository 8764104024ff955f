using Autograd.Gpu.Lazy;
using Autograd.Gpu.Nn;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The windows of a pooling over the last one to three dimensions of a tensor, in each dimension independently; always written as depth, height
/// and width, of which the first may be 1. What stands before these dimensions are planes.
/// </summary>
internal sealed class PoolWindows
{
    private readonly int[][] _first;
    private readonly int[][] _count;

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

    /// <summary>Windows of a kernel that moves in strides over the padded input; what falls on the padding does not count.</summary>
    public static PoolWindows Of(PoolParameters pool, Shape input)
    {
        var windows = Empty(pool.Rank, input, pool.OutputSizes(input));
        for (int d = 0; d < pool.Rank; d++)
        {
            int at = 3 - pool.Rank + d, step = windows.Steps[at] = (int)pool.Dilation[d];
            for (int o = 0; o < windows.Output[at]; o++)
            {
                long start = o * pool.Stride[d] - pool.Padding[d], skipped = start < 0 ? (-start + step - 1) / step : 0;
                long first = start + skipped * step, last = start + (pool.Kernel[d] - 1) * step;
                last = Math.Min(last, first + (windows.Input[at] - 1 - first) / step * step);
                windows._first[at][o] = (int)first;
                windows._count[at][o] = first < windows.Input[at] && last >= first ? (int)((last - first) / step) + 1
                    : throw new ShapeException($"{pool.Name}: window {o} of {pool.Describe(d)} lies in the padding of input {input} altogether. Use less padding or dilation.");
            }
        }

        return windows;
    }

    /// <summary>Windows from floor(o * in / out) up to ceil((o + 1) * in / out), which share the input out.</summary>
    public static PoolWindows Adaptive(int rank, Shape input, long[] output)
    {
        var windows = Empty(rank, input, output);
        for (int d = 3 - rank; d < 3; d++)
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
    public BufferExpression Table(Device device)
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

        return DeviceTables.Of(device, table.ToArray());
    }

    /// <summary>For each position the first window that reaches as far, and how many may: depths, heights, widths.</summary>
    public BufferExpression InverseTable(Device device)
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

        return DeviceTables.Of(device, table.ToArray());
    }

    private static PoolWindows Empty(int rank, Shape input, long[] output)
    {
        int[] from = [1, 1, 1], to = [1, 1, 1];
        for (int d = 0; d < rank; d++)
        {
            (from[3 - rank + d], to[3 - rank + d]) = (checked((int)input[d - rank]), checked((int)output[d]));
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

/// <summary>A pooling's kernel, strides, padding and dilation, with the checks that all poolings share.</summary>
internal sealed class PoolParameters
{
    private readonly bool _ceilMode;

    public PoolParameters(string name, int rank, Sizes kernel, Sizes? stride, Sizes? padding, Sizes? dilation, bool ceilMode)
    {
        (Name, Rank, _ceilMode) = (name, rank, ceilMode);
        Kernel = kernel.For(name, "kernel_size", rank);
        Stride = stride?.For(name, "stride", rank) ?? Kernel;
        Padding = padding?.For(name, "padding", rank) ?? new long[rank];
        Dilation = dilation?.For(name, "dilation", rank) ?? [.. Kernel.Select(_ => 1L)];
        CheckPositive("kernel size", Kernel);
        CheckPositive("stride", Stride);
        CheckPositive("dilation", Dilation);
        for (int d = 0; d < rank; d++)
        {
            if (Padding[d] < 0)
            {
                throw new ShapeException($"{name}: pad must be non-negative, but got pad: {Padding[d]}.");
            }

            if (Padding[d] > ((Kernel[d] - 1) * Dilation[d] + 1) / 2)
            {
                throw new ShapeException(
                    $"{name}: pad should be at most half of effective kernel size, but got pad={Padding[d]}, kernel_size={Kernel[d]} and dilation={Dilation[d]}.");
            }
        }
    }

    public string Name { get; }

    public int Rank { get; }

    public long[] Kernel { get; }

    public long[] Stride { get; }

    public long[] Padding { get; }

    public long[] Dilation { get; }

    public string Describe(int d) => $"kernel {Kernel[d]}, stride {Stride[d]}, padding {Padding[d]}, dilation {Dilation[d]}";

    /// <summary>
    /// floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, or with ceiling instead of floor but without a last window that would begin in the
    /// padding on the right.
    /// </summary>
    /// <exception cref="ShapeException">Nothing is left.</exception>
    public long[] OutputSizes(Shape input)
    {
        var sizes = new long[Rank];
        for (int d = 0; d < Rank; d++)
        {
            long size = input[d - Rank], span = size + 2 * Padding[d] - Dilation[d] * (Kernel[d] - 1) - 1 + (_ceilMode ? Stride[d] - 1 : 0);
            sizes[d] = (span >= 0 ? span / Stride[d] : -1) + 1;
            if (_ceilMode && (sizes[d] - 1) * Stride[d] >= size + Padding[d])
            {
                sizes[d]--;
            }
        }

        if (sizes.Any(n => n < 1))
        {
            long planes = input[-Rank - 1];
            throw new ShapeException(
                $"{Name}: Given input size: ({planes}x{string.Join('x', input.Skip(input.Rank - Rank))}). "
                + $"Calculated output size: ({planes}x{string.Join('x', sizes)}). Output size is too small");
        }

        return sizes;
    }

    /// <summary>Refuses what has no channels in front of the pooled dimensions, and what has nothing to pool; an empty batch is fine.</summary>
    public static Tensor Check(string name, int rank, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank != rank + 1 && input.Rank != rank + 2)
        {
            throw new ShapeException(
                $"{name}: Expected {rank + 1}D or {rank + 2}D (batch mode) tensor for input, but got: {input.Shape}. Its last {rank} dimension(s) are pooled, channels stand before them.");
        }

        for (int d = input.Rank - rank - 1; d < input.Rank; d++)
        {
            if (input.Shape[d] == 0)
            {
                throw new ShapeException($"{name}: Expected input to have non-zero size for non-batch dimensions, but got {input.Shape} with dimension {d} being empty.");
            }
        }

        return input.DType != DType.Bool ? input : throw new DTypeException($"{name}: not implemented for bool. Convert with To(DType.Float32).");
    }

    private void CheckPositive(string what, long[] values)
    {
        if (values.Any(v => v <= 0))
        {
            throw new ShapeException($"{Name}: {what} should be greater than zero, but got {Shape.Describe(values)}.");
        }
    }
}
