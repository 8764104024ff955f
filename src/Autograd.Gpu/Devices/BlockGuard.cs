using System.Numerics;

namespace Autograd.Gpu.Devices;

/// <summary>The backstop for blocks that were dropped: when none of its blocks is in reach, the memory of those that were not released goes back.</summary>
/// <remarks>
/// Note [Guards].
/// An object with a finaliser costs about half a microsecond: a slow allocation, a promotion when it dies, a turn on the finaliser thread, which takes a core from the threads that
/// compute. So blocks have none. Each refers to a guard. A block above <see cref="LargestShared"/> has a guard to itself, which the pool watches through a weak handle
/// (<see cref="BlockWatch"/>). Up to <see cref="Shared"/> small blocks share a guard, a <see cref="SharedBlockGuard"/>, and this one has a finaliser: there are many of them, and looking at each after
/// each collection would cost the program that holds them more. A guard knows the memory of its blocks, not the blocks, or
/// these would be promoted with it. The price: a small block that lives on keeps the memory of dropped ones beside it, at most
/// <see cref="Shared"/> - 1 of its own size class and 32 KiB; what is released goes back at once all the same.
/// The pool refers weakly to the guards that it fills, so that nothing keeps a guard but its blocks.
/// </remarks>
internal class BlockGuard(BufferPool pool, int sizeClass, int capacity)
{
    /// <summary>Blocks that share a guard at most.</summary>
    public const int Shared = 64;

    /// <summary>The bytes of the blocks that share a guard at most.</summary>
    private const long SharedBytes = 32 << 10;

    /// <summary>The bytes of the largest blocks that share a guard.</summary>
    public const long LargestShared = 4 << 10;

    // A guard of one block, as every larger block has, needs no array.
    private readonly Place[]? _more = capacity > 1 ? new Place[capacity] : null;
    private Place _first;
    private ulong _held;
    private bool _isClosed = capacity == 1;

    /// <summary>How many blocks of a size class share a guard.</summary>
    public static int CapacityFor(int sizeClass) => (int)Math.Clamp(SharedBytes / Devices.SizeClass.Bytes(sizeClass), 1, Shared);

    public BufferPool Pool { get; } = pool;

    public int SizeClass { get; } = sizeClass;

    /// <summary>Where the pool watches this guard, or -1 if it does not. Guarded by the pool's lock.</summary>
    public int Watch { get; set; } = -1;

    /// <summary>The next in the list that the finaliser leaves.</summary>
    public BlockGuard? Next { get; set; }

    /// <summary>
    /// Whether the blocks were found to be dropped. Their memory may be somebody else's, so one that was brought back to life must not be used.
    /// </summary>
    public bool IsGone { get; private set; }

    /// <summary>Whether no further block has room at present. Called under the pool's lock, as all that follows.</summary>
    public bool IsFull => BitOperations.TrailingZeroCount(~_held) >= (_more?.Length ?? 1);

    public Segment Segment(int slot) => At(slot).Segment;

    public long Offset(int slot) => At(slot).Offset;

    /// <summary>Takes a piece under guard; returns its slot.</summary>
    public int Add(in Piece piece)
    {
        int slot = BitOperations.TrailingZeroCount(~_held);
        At(slot) = new Place(piece.Segment, (int)piece.Offset);
        _held |= 1UL << slot;
        return slot;
    }

    /// <summary>Closes a full guard: no further block will come, so the finaliser is needed no longer than for those that are there.</summary>
    public void Close() => _isClosed = true;

    /// <summary>Gives a piece out of guard. A block does so once; false if it had been found to be dropped.</summary>
    public bool TryRemove(int slot, out Piece piece)
    {
        piece = new Piece(At(slot).Segment, At(slot).Offset, SizeClass);
        if (IsGone)
            return false;
        _held &= ~(1UL << slot);
        if (_isClosed && _held == 0)
            GC.SuppressFinalize(this);
        return true;
    }

    /// <summary>Gives out a piece of blocks that were dropped, while there is one.</summary>
    public bool TryRemoveDropped(out Piece piece)
    {
        IsGone = true;
        int slot = BitOperations.TrailingZeroCount(_held);
        piece = _held == 0 ? default : new Piece(At(slot).Segment, At(slot).Offset, SizeClass);
        _held &= _held - 1;
        return piece.Segment is not null;
    }

    private ref Place At(int slot) => ref _more is null ? ref _first : ref _more[slot];

    private readonly record struct Place(Segment Segment, int Offset);
}

/// <summary>The guard of several blocks, which has the finaliser.</summary>
internal sealed class SharedBlockGuard(BufferPool pool, int sizeClass, int capacity) : BlockGuard(pool, sizeClass, capacity)
{
    ~SharedBlockGuard() => Pool.ReturnFromFinaliser(this);
}
