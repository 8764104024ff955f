using Autograd.Gpu.Devices;

namespace Autograd.Gpu.Operations;

/// <summary>
/// The steps of a packed sequence in the order in which one direction of a layer takes them: step t has the next sizes[t] rows, and sizes do not grow.
/// </summary>
internal sealed class SequenceSteps
{
    private static readonly PlanCache<(long Time, long Batch, bool Reverse), SequenceSteps> s_even = new(64, 1 << 18);

    private readonly bool _reverse;
    private long[]? _backStarts;
    private long[]? _backCounts;

    public SequenceSteps(ReadOnlySpan<long> sizes, bool reverse)
    {
        _reverse = reverse;
        (Starts, Counts, Places) = (new long[sizes.Length], new long[sizes.Length], new int[sizes.Length]);
        for (int t = 0; t < sizes.Length; t++)
        {
            int step = reverse ? sizes.Length - 1 - t : t;
            (Starts[step], Counts[step], Places[step]) = (Rows, sizes[t], t);
            Rows += sizes[t];
            Most = Math.Max(Most, sizes[t]);
        }
    }

    /// <summary>How many steps there are.</summary>
    public int Length => Starts.Length;

    /// <summary>The rows of all steps.</summary>
    public long Rows { get; }

    /// <summary>The rows of the largest step.</summary>
    public long Most { get; }

    /// <summary>The first row of each step.</summary>
    public long[] Starts { get; }

    /// <summary>The number of rows of each step.</summary>
    public long[] Counts { get; }

    /// <summary>Where in time each step is.</summary>
    public int[] Places { get; }

    /// <summary>Those of sequences that are all as long; kept.</summary>
    public static SequenceSteps Even(long time, long batch, bool reverse) =>
        s_even.Get((time, batch, reverse), 0, static (k, _) => Make(k.Time, k.Batch, k.Reverse), static s => 5L * s.Length);

    /// <summary>The same sequence in the other direction.</summary>
    public SequenceSteps Reversed()
    {
        if (Length > 0 && Counts[0] == Counts[^1])
        {
            return Even(Length, Counts[0], !_reverse);
        }

        var sizes = new long[Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            sizes[Places[i]] = Counts[i];
        }

        return new SequenceSteps(sizes, !_reverse);
    }

    /// <summary>First rows and numbers of rows of the steps, forward or back, for kernels that go through all of them.</summary>
    public (long[] Starts, long[] Counts) All(bool back)
    {
        if (!back)
        {
            return (Starts, Counts);
        }

        _backStarts ??= Turned(Starts);
        _backCounts ??= Turned(Counts);
        return (_backStarts, _backCounts);
    }

    private static SequenceSteps Make(long time, long batch, bool reverse)
    {
        var sizes = new long[time];
        Array.Fill(sizes, batch);
        return new SequenceSteps(sizes, reverse);
    }

    private static long[] Turned(long[] values)
    {
        var turned = values.AsSpan().ToArray();
        Array.Reverse(turned);
        return turned;
    }
}
