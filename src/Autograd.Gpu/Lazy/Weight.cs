namespace Autograd.Gpu.Lazy;

/// <summary>What a graph counts against the limits of one kernel; three numbers in one, since they are added up at each operation.</summary>
internal readonly record struct Weight(int Packed)
{
    public static readonly Weight Zero;

    /// <summary>Nodes that are not leaves. Each count fits a byte, that of three graphs at their limits as well.</summary>
    public int Nodes => Packed & 0xFF;

    /// <summary>Leaves with a buffer.</summary>
    public int Operands => Packed >> 8 & 0xFF;

    /// <summary>Numbers that the leaves take: a constant one, a random stream two.</summary>
    public int Numbers => Packed >> 16;

    public bool IsWithinLimits => Nodes <= Fuser.MaxNodes && Operands <= Fuser.MaxReads && Numbers <= FusedGraph.MaxNumbers;

    public static Weight Of(int nodes, int operands, int numbers) => new(nodes | operands << 8 | numbers << 16);

    public static Weight operator +(Weight a, Weight b) => new(a.Packed + b.Packed);
}
