using ILGPU;

namespace Autograd.Gpu.Kernels.Indexing;

/// <summary>
/// A gather: result[o, c, i] = source[o, index[o, c, i], i]. The result is contiguous, the others have strides, in elements; each view starts at
/// element 0 of its operand.
/// </summary>
/// <typeparam name="T">A type of the elements' size.</typeparam>
public struct GatherArguments<T> where T : unmanaged
{
    /// <summary>[Outer, Size, Inner].</summary>
    public ArrayView<T> Source;

    /// <summary>[Outer, Count, Inner].</summary>
    public ArrayView<long> Index;

    /// <summary>[Outer, Count, Inner], contiguous.</summary>
    public ArrayView<T> Result;

    /// <summary>Indices along a line.</summary>
    public long Count;

    /// <summary>Elements of a line of the source.</summary>
    public long Size;

    /// <summary>Lines side by side.</summary>
    public long Inner;

    /// <summary>From one slab of the source to the next.</summary>
    public long SourceOuter;

    /// <summary>Along a line of the source.</summary>
    public long SourceLine;

    /// <summary>From one line of the source to its neighbour.</summary>
    public long SourceInner;

    /// <summary>From one slab of the index to the next.</summary>
    public long IndexOuter;

    /// <summary>Along a line of the index.</summary>
    public long IndexLine;

    /// <summary>From one line of the index to its neighbour.</summary>
    public long IndexInner;

    /// <summary>Whether negative indices count from the end of the line.</summary>
    public int Wraps;

    /// <summary>What an index outside of the line yields.</summary>
    public T Missing;
}

/// <summary>
/// A scatter: result[o, index[o, c, i], i] becomes a combination of what is there and source[o, c, i]. The result is contiguous, the others have strides.
/// </summary>
/// <typeparam name="T">The type of the elements; for a combination that only replaces, any type of their size.</typeparam>
public struct ScatterArguments<T> where T : unmanaged
{
    /// <summary>[Outer, Count, Inner].</summary>
    public ArrayView<T> Source;

    /// <summary>[Outer, Count, Inner].</summary>
    public ArrayView<long> Index;

    /// <summary>[Outer, Size, Inner], contiguous, holding what is to be combined with.</summary>
    public ArrayView<T> Result;

    /// <summary>For the kernel that works by target: for each line of the index, its places in the order of what stands there.</summary>
    public ArrayView<long> Order;

    /// <summary>Indices along a line.</summary>
    public long Count;

    /// <summary>Elements of a line of the result.</summary>
    public long Size;

    /// <summary>Lines side by side.</summary>
    public long Inner;

    /// <summary>From one slab of the source to the next.</summary>
    public long SourceOuter;

    /// <summary>Along a line of the source.</summary>
    public long SourceLine;

    /// <summary>From one line of the source to its neighbour.</summary>
    public long SourceInner;

    /// <summary>From one slab of the index to the next.</summary>
    public long IndexOuter;

    /// <summary>Along a line of the index.</summary>
    public long IndexLine;

    /// <summary>From one line of the index to its neighbour.</summary>
    public long IndexInner;

    /// <summary>Whether negative indices count from the end of the line.</summary>
    public int Wraps;
}
