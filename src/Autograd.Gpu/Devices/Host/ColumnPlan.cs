using System.Numerics;

namespace Autograd.Gpu.Devices.Host;

/// <summary>
/// How contiguous [samples, channels, positions] with few positions are read: as rows, in which column c is of channel c / positions % channels. Short samples
/// make a row together, so that it fills vectors. Whole rows are cut into parts, by the shape alone, so that no sum depends on the number of threads.
/// </summary>
internal readonly struct ColumnPlan
{
    /// <summary>Channels of fewer positions than this are read as columns; with more, they fill vectors by themselves.</summary>
    public const int LeastPlane = 8;

    /// <summary>Columns that are taken at a time: sums and factors of so many stay in a first-level cache.</summary>
    public const int StripColumns = 1024;

    private const nint PartElements = 1 << 16;
    private const nint MostParts = 64;

    /// <summary>In parts of fewer rows, what they have in common to add up costs more than a third part.</summary>
    private const nint LeastPartRows = 128;

    /// <summary>A multiple of every vector's lanes.</summary>
    private const nint VectorColumns = 16;

    /// <summary>What is no multiple of a vector costs little in rows of as many columns.</summary>
    private const nint WideColumns = 256;

    private const nint LeastColumns = 64;
    private const nint LeastRows = 32;

    public ColumnPlan(nint samples, nint channels, nint positions)
    {
        nint sample = channels * positions;
        (Channels, Positions, Group) = (channels, positions, GroupOf(samples, sample));
        Width = Group * sample;
        (Rows, Rest) = (samples / Group, samples % Group * sample);
        nint parts = Math.Clamp(Rows * Width / PartElements, 1, Math.Clamp(Rows / LeastPartRows, Math.Min(Rows, 2), MostParts));
        Parts = parts == 1 ? 1 : parts - parts % 2;
        Strips = (Width + StripColumns - 1) / StripColumns;
    }

    public nint Channels { get; }

    public nint Positions { get; }

    /// <summary>Samples in a row.</summary>
    public nint Group { get; }

    /// <summary>Columns of a row.</summary>
    public nint Width { get; }

    /// <summary>Whole rows.</summary>
    public nint Rows { get; }

    /// <summary>Elements after the last whole row: samples that do not fill one.</summary>
    public nint Rest { get; }

    public nint Parts { get; }

    /// <summary>Strips of at most <see cref="StripColumns"/> columns.</summary>
    public nint Strips { get; }

    /// <summary>Whether each column is a channel.</summary>
    public bool IsPlain => Group * Positions == 1;

    /// <summary>Elements of a channel.</summary>
    public double Count => (double)(Rows * Group + Rest / (Channels * Positions)) * Positions;

    public nint FirstRow(nint part) => Rows * part / Parts;

    private static nint GroupOf(nint samples, nint sample)
    {
        if (sample >= WideColumns || (sample >= LeastColumns && sample % VectorColumns == 0))
        {
            return 1;
        }

        nint whole = VectorColumns / (nint)BigInteger.GreatestCommonDivisor(VectorColumns, sample);
        nint group = whole * ((LeastColumns + whole * sample - 1) / (whole * sample));
        return group * sample <= StripColumns && samples / group >= LeastRows ? group : 1;
    }
}
