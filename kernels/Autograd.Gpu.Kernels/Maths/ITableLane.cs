namespace Autograd.Gpu.Kernels;

/// <summary>What <see cref="TableMath{L, F, I, M}"/> needs of a host's lane beside the arithmetic. Not for devices, where a table is no constant.</summary>
/// <typeparam name="F">The values.</typeparam>
/// <typeparam name="I">Integers of the same width.</typeparam>
internal interface ITableLane<F, I>
{
    /// <summary>Element <paramref name="index"/>, of which the low four bits count, of a row of sixteen numbers.</summary>
    static abstract F Lookup(ReadOnlySpan<float> table, int row, I index);

    /// <summary>The same with the low five bits in a row of thirty-two numbers.</summary>
    static abstract F LookupFine(ReadOnlySpan<float> table, int row, I index);

    /// <summary>Whether a lane is not below the bound, or NaN.</summary>
    static abstract bool AnyNotBelow(F a, float bound);

    /// <summary>As <see cref="AnyNotBelow"/>, or true without looking: for what gives the same bits either way.</summary>
    static abstract bool MayReach(F a, float bound);

    /// <summary>The larger of a number and 0, -0 for -0; NaN stays NaN.</summary>
    static abstract F AtLeast0(F a);
}
