namespace Autograd.Gpu.Lazy.Host;

/// <summary>
/// How pieces of a reduction are computed from elements and combined. Columns are accumulated in lanes of the element type, and flushed
/// into partial results before these lose accuracy or range.
/// </summary>
internal unsafe interface IReducer<T, TPartial>
    where T : unmanaged
    where TPartial : unmanaged
{
    /// <summary>How many rows the accumulators of columns take between two flushes.</summary>
    static abstract int MaxRows { get; }

    /// <summary>Rows of fewer elements are cheaper to reduce side by side than in vectors.</summary>
    static abstract int ShortRow { get; }

    static abstract TPartial Identity { get; }

    static abstract TPartial Combine(TPartial a, TPartial b);

    /// <summary>Combines partial results, place by place, into <paramref name="a"/>.</summary>
    static abstract void Pairs(TPartial* a, TPartial* b, long count);

    /// <summary>
    /// Combines what comes before in the row with a run of at least one element, the first of which is number <paramref name="first"/>.
    /// </summary>
    static abstract TPartial Block(TPartial before, T* p, int count, long first);

    /// <summary>
    /// Reduces the columns of many matrices that lie one after the other and stores the results; for a few elements each.
    /// </summary>
    static abstract void Small(T* p, int matrices, int rows, int width, T* scratch, byte* result, DType dtype, long at);

    static abstract void Clear(T* acc, T* index, int width);

    /// <summary>Takes rows into the accumulators; <paramref name="row"/> of them have been taken since the last flush.</summary>
    static abstract void Columns(T* acc, T* index, T* p, nint stride, int rows, int width, int row);

    /// <summary>
    /// Combines the accumulators into partial results and clears them. Column c stands for elements (first + row) * group + c / inner of
    /// the reduced dimension.
    /// </summary>
    static abstract void Flush(T* acc, T* index, TPartial* partial, int width, in ColumnPlace place);

    /// <summary>Stores what the accumulators hold, where that is the whole column.</summary>
    static abstract void Finish(T* acc, T* index, int width, byte* result, DType dtype, long at);

    /// <summary>What goes to memory.</summary>
    static abstract void Store(TPartial value, byte* result, DType dtype, long at);

    /// <summary>The same for values that follow one another.</summary>
    static abstract void Store(TPartial* values, long count, byte* result, DType dtype, long at);
}

/// <summary>Which elements of the reduced dimension the accumulators hold.</summary>
internal readonly record struct ColumnPlace(long FirstRow, int Group, int Inner);
