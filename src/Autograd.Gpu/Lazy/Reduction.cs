namespace Autograd.Gpu.Lazy;

/// <summary>How a reduction combines elements.</summary>
internal enum Reduction
{
    Sum,
    Product,

    /// <summary>The largest element; nan if there is one.</summary>
    Max,

    /// <summary>The smallest element; nan if there is one.</summary>
    Min,

    /// <summary>The index of the first largest element (nan counts as largest), as int64.</summary>
    ArgMax,

    /// <summary>The index of the first smallest element (nan counts as smallest), as int64.</summary>
    ArgMin,
}

/// <summary>
/// The elements of an expression in row-major order, seen as [Outer, Reduced, Inner]: the middle is reduced.
/// </summary>
internal readonly record struct ReductionShape(long Outer, long Reduced, long Inner)
{
    public long Results => Outer * Inner;
}
