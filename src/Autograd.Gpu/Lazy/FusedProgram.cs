namespace Autograd.Gpu.Lazy;

/// <summary>How an operand's elements follow one another along the loop that reads or writes them.</summary>
internal enum Access : byte
{
    /// <summary>One after the other.</summary>
    Contiguous,

    /// <summary>The same element each time.</summary>
    Scalar,

    /// <summary>At a distance, or in several dimensions.</summary>
    Strided,
}

internal enum ValueKind : byte
{
    Load,
    Constant,
    Index,
    Random,
    Apply,
}

/// <summary>One value of a straight-line program; <paramref name="Slot"/> is the operand, constant or random slot of a leaf.</summary>
internal readonly record struct ValueStep(
    ValueKind Kind, DType DType, int Slot, PointwiseFunction? Function, int In0, int In1, int In2, RandomKind Random);

/// <summary>
/// A place in memory (or, for an index sequence, in index space) that a program reads, writes or both: how its elements follow one another
/// over the whole and along the innermost dimension.
/// </summary>
internal readonly record struct OperandInfo(DType DType, Access Access, Access Inner, bool IsIndex);

/// <summary>A value that is stored: to which operand.</summary>
internal readonly record struct OutputStep(int Value, int Operand);

/// <summary>
/// A fused graph as straight-line code: values in the order of computation, each the input of later ones. This, and nothing of sizes or
/// numbers, is what a kernel is generated from and kept under.
/// </summary>
internal sealed record FusedProgram(ValueStep[] Values, OperandInfo[] Operands, OutputStep[] Outputs, int Rank, int Constants, int Randoms)
{
    /// <summary>The names of the operations, for traces: <c>Add Mul Tanh</c>.</summary>
    public string Describe() => string.Join(' ', Values.Where(v => v.Kind is ValueKind.Apply or ValueKind.Random)
        .Select(v => v.Kind == ValueKind.Random ? $"Random{v.Random}" : v.Function!.Name).DefaultIfEmpty(Values[^1].Kind == ValueKind.Constant ? "Fill" : "Copy"));

    /// <summary>Whether a value is loaded from operand <paramref name="operand"/>.</summary>
    public bool Reads(int operand) => Array.Exists(Values, value => value.Kind == ValueKind.Load && value.Slot == operand);

    /// <summary>
    /// Bytes of a lane that all values of the program share (bools fit any), or 0 where 4- and 8-byte values mix and the host computes element by element.
    /// </summary>
    public int CommonLaneSize()
    {
        int lane = 0;
        foreach (var value in Values)
        {
            int size = Registers.LaneSize(value.DType);
            if (size == 0 || size == lane)
            {
                continue;
            }

            if (lane != 0)
            {
                return 0;
            }

            lane = size;
        }

        return lane == 0 ? 4 : lane;
    }
}
