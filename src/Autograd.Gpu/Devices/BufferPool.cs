using System.Runtime.Intrinsics.X86;
using ILGPU.Runtime.Cuda;

namespace Autograd.Gpu.Devices;

/// <summary>
/// A device's memory. Blocks of up to <see cref="LargestSmall"/> are carved from slabs, larger ones are segments of their own; what comes
/// back is kept in a list for each size class and handed out again, to requests of at least half its size.
/// </summary>
/// <remarks>
/// Note [Stream order and pool reuse]
/// All work of a device is put on its one stream, and the device does it in that order. So memory may be handed out again while the kernels
/// that used it are still queued: whatever the next owner does comes behind them on the same stream. Nobody waits, and a freed block is
/// reusable at once. Three things keep this true: no work is put on any other stream, what leaves the device (a copy to the host or to another
/// device) waits for the stream before it returns, and memory that goes back to the system waits for the stream first. On the host devices
/// work is done when the call returns, so there the order is the program's own; a thread that hands a block to another one must have
/// finished with it, as with any object.
/// </remarks>
internal sealed partial class BufferPool
{
    public const long SlabBytes = 2 << 20;
    public const long LargestSmall = 256 << 10;

    private const long FewBytes = 512;
    private const int CacheLine = 64;

    /// <summary>Four classes up is twice the size; below 256 bytes it is more, which costs no page.</summary>
    private const int ClassesWithinTwice = 4;

    private static readonly int LargestSmallClass = SizeClass.Of(LargestSmall);
    private static readonly int FewBytesClass = SizeClass.Of(FewBytes);
    private static readonly int LargestSharedClass = SizeClass.Of(BlockGuard.LargestShared);

    private readonly Gate _lock = new(new GateState());
    private readonly Device _device;
    private readonly List<Piece>[] _free = new List<Piece>[SizeClass.Count];
    private readonly WeakReference<BlockGuard>[] _guards = new WeakReference<BlockGuard>[LargestSharedClass + 1];
    private Segment? _slab; // the one that is being carved
    private int _idleSlabs;
    private long _freeLarge;
    private long _reserved;
    private long _active;
    private long _peak;
    private long _allocations;
    private long _reuses;
    private long _flushes;
    private long _memoryLimit;
    private long _cacheLimit;

    public BufferPool(Device device, long memory)
    {
        _device = device;
        _memoryLimit = memory;
        _cacheLimit = device.HasHostMemory ? memory / 4 : memory;
        for (var i = 0; i < _free.Length; i++)
            _free[i] = [];
        for (var i = 0; i < _guards.Length; i++)
            _guards[i] = new WeakReference<BlockGuard>(null!);
        InitializeCollections(memory);
    }

    public Device Device => _device;

    /// <summary>The bytes that the pool takes from the system at most.</summary>
    public long MemoryLimit
    {
        get
        {
            using (_lock.Enter())
                return _memoryLimit;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            using (_lock.Enter())
            {
                TakeFinalised();
                _memoryLimit = value;
                if (_reserved > value)
                    Flush();
            }
        }
    }

    /// <summary>The bytes that the pool keeps for reuse at most.</summary>
    public long CacheLimit
    {
        get
        {
            using (_lock.Enter())
                return _cacheLimit;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            using (_lock.Enter())
            {
                TakeFinalised();
                _cacheLimit = value;
                TrimIfOver();
            }
        }
    }

    public MemoryStatistics Statistics
    {
        get
        {
            using (_lock.Enter())
            {
                TakeFinalised();
                return new(_active, _reserved - _active, _peak, _allocations, _reuses, _finalised, _collections, _collectionTime, _flushes);
            }
        }
    }

    /// <summary>Memory for so many bytes; its content is whatever was there.</summary>
    /// <exception cref="OutOfDeviceMemoryException">There is none, and neither a garbage collection nor a flush helped.</exception>
    public Block Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes > SizeClass.MaxBytes)
            throw Exhausted(bytes, null);
        var sizeClass = SizeClass.Of(bytes);
        bool collect;
        using (_lock.Enter())
        {
            if (TryTakeFree(sizeClass, out var piece))
                return Guarded(piece, bytes);
            if (TakeDropped() && TryTakeFree(sizeClass, out piece))
                return Guarded(piece, bytes);
            while (TryTakeFinalised())
            {
                if (TryTakeFree(sizeClass, out piece))
                    return Guarded(piece, bytes);
            }

            if (TryTakeAny(sizeClass, out piece))
                return Guarded(piece, bytes);
            collect = IsCollectionDue;
            if (!collect && TryGrow(sizeClass, out piece, out _))
                return Guarded(piece, bytes);
        }

        return TakeSlowly(sizeClass, bytes, collect);
    }

    /// <summary>Takes a released block's piece back; it may be handed out again at once, see Note [Stream order and pool reuse].</summary>
    public void Return(BlockGuard guard, int slot)
    {
        using (_lock.Enter())
        {
            // Only the finaliser of another object can come later than the guard's.
            if (!guard.TryRemove(slot, out var piece))
                return;
            if (guard.Watch >= 0)
                _watch.Remove(guard);
            Keep(piece);
            TrimIfOver();
        }
    }

    /// <summary>Gives everything that is not in use back to the system.</summary>
    public void EmptyCache()
    {
        using (_lock.Enter())
        {
            TakeFinalised();
            Flush();
        }
    }

    public void ResetPeak()
    {
        using (_lock.Enter())
        {
            TakeFinalised();
            _peak = _active;
        }
    }

    /// <summary>A handle on a piece, see Note [Guards].</summary>
    private Block Guarded(in Piece piece, long bytes)
    {
        BlockGuard? guard;
        if (piece.SizeClass > LargestSharedClass)
        {
            guard = new BlockGuard(this, piece.SizeClass, 1);
            _watch.Add(guard, piece);
        }
        else if (!_guards[piece.SizeClass].TryGetTarget(out guard) || guard.IsFull)
        {
            guard?.Close();
            guard = new SharedBlockGuard(this, piece.SizeClass, BlockGuard.CapacityFor(piece.SizeClass));
            _guards[piece.SizeClass].SetTarget(guard);
        }

        if (_device.HasHostMemory && bytes <= FewBytes)
            Prefetch(piece.Pointer, bytes);
        return new Block(guard, guard.Add(piece), bytes);
    }

    /// <summary>
    /// What comes back through the collector has left the caches. The stores of a kernel to such memory hold up all stores behind them. So a block is fetched when it is
    /// handed out, and the one that will be handed out next as well: for a kernel on a few elements the time until it writes is too short.
    /// </summary>
    private static unsafe void Prefetch(nint pointer, long bytes)
    {
        if (!Sse.IsSupported)
            return;
        for (long at = 0; at < bytes; at += CacheLine)
            Sse.Prefetch0((void*)(pointer + (nint)at));
    }

    private Block TakeSlowly(int sizeClass, long bytes, bool collect)
    {
        if (collect)
            CollectWithinBudget();
        Exception? cause;
        using (_lock.Enter())
        {
            TakeFinalised();
            if (TryTakeAny(sizeClass, out var piece) || TryGrow(sizeClass, out piece, out _))
                return Guarded(piece, bytes);
            Flush();
            if (TryGrow(sizeClass, out piece, out cause))
                return Guarded(piece, bytes);
        }

        if (!IsFinaliserThread)
        {
            CollectEverything();
            using (_lock.Enter())
            {
                TakeFinalised();
                if (TryTakeAny(sizeClass, out var piece))
                    return Guarded(piece, bytes);
                Flush();
                if (TryGrow(sizeClass, out piece, out cause))
                    return Guarded(piece, bytes);
            }
        }

        throw Exhausted(bytes, cause);
    }

    private OutOfDeviceMemoryException Exhausted(long bytes, Exception? cause)
    {
        using (_lock.Enter())
            return new OutOfDeviceMemoryException(_device, bytes, _active, _reserved - _active, _memoryLimit, cause);
    }

    private bool TryTakeAny(int sizeClass, out Piece piece) =>
        TryTakeFree(sizeClass, out piece) || TryCarve(sizeClass, out piece) || TryTakeLarger(sizeClass, out piece);

    private bool TryTakeFree(int sizeClass, out Piece piece)
    {
        var free = _free[sizeClass];
        if (free.Count == 0)
        {
            piece = default;
            return false;
        }

        piece = free[^1]; // the one used last, which may still be in the processor's cache
        free.RemoveAt(free.Count - 1);
        if (sizeClass <= FewBytesClass && free.Count > 0 && _device.HasHostMemory)
            Prefetch(free[^1].Pointer, SizeClass.Bytes(sizeClass));
        _reuses++;
        if (!piece.Segment.IsSlab)
            _freeLarge -= piece.Segment.Bytes;
        HandOut(piece);
        return true;
    }

    private bool TryTakeLarger(int sizeClass, out Piece piece)
    {
        for (var larger = sizeClass + 1; larger <= sizeClass + ClassesWithinTwice && larger < SizeClass.Count; larger++)
        {
            if (TryTakeFree(larger, out piece))
                return true;
        }

        piece = default;
        return false;
    }

    private bool TryCarve(int sizeClass, out Piece piece)
    {
        piece = default;
        if (sizeClass > LargestSmallClass || _slab is not { } slab)
            return false;
        var bytes = SizeClass.Bytes(sizeClass);
        if (slab.Carved + bytes > slab.Bytes)
            return false;
        piece = new Piece(slab, slab.Carved, sizeClass);
        slab.Carved += bytes;
        HandOut(piece);
        return true;
    }

    /// <summary>Takes new memory from the system: a slab for a small block unless the limit is too near.</summary>
    private bool TryGrow(int sizeClass, out Piece piece, out Exception? cause)
    {
        if (sizeClass <= LargestSmallClass && TryReserve(SlabBytes, isSlab: true, out var slab, out cause))
        {
            CarveRest();
            _slab = slab;
            _idleSlabs++;
            return TryCarve(sizeClass, out piece);
        }

        if (TryReserve(SizeClass.Bytes(sizeClass), isSlab: false, out var segment, out cause))
        {
            piece = new Piece(segment, 0, sizeClass);
            HandOut(piece);
            return true;
        }

        piece = default;
        return false;
    }

    /// <summary>Puts what is left of the current slab into the lists, so that it is not lost when the next slab takes its place.</summary>
    private void CarveRest()
    {
        if (_slab is not { } slab)
            return;
        for (var sizeClass = LargestSmallClass; sizeClass >= 0; sizeClass--)
        {
            var bytes = SizeClass.Bytes(sizeClass);
            while (slab.Carved + bytes <= slab.Bytes)
            {
                _free[sizeClass].Add(new Piece(slab, slab.Carved, sizeClass));
                slab.Carved += bytes;
            }
        }
    }

    private bool TryReserve(long bytes, bool isSlab, out Segment segment, out Exception? cause)
    {
        segment = null!;
        cause = null;
        if (bytes > _memoryLimit - _reserved)
            return false;
        try
        {
            segment = _device.HasHostMemory ? new HostSegment(_device, bytes, isSlab) : new AcceleratorSegment(_device.Accelerator, bytes, isSlab);
        }
        catch (OutOfMemoryException exception)
        {
            cause = exception;
            return false;
        }
        catch (CudaException exception) when (exception.Error.Contains("OUT_OF_MEMORY", StringComparison.Ordinal))
        {
            cause = exception;
            return false;
        }

        _reserved += bytes;
        return true;
    }

    private void HandOut(in Piece piece)
    {
        if (piece.Segment.Outstanding++ == 0 && piece.Segment.IsSlab)
            _idleSlabs--;
        _allocations++;
        _largestRequest = Math.Max(_largestRequest, SizeClass.Bytes(piece.SizeClass));
        _active += SizeClass.Bytes(piece.SizeClass);
        if (_active > _peak)
        {
            // What the finaliser has found is not in use any more.
            TakeFinalised();
            _peak = Math.Max(_peak, _active);
        }
    }

    private void Keep(in Piece piece)
    {
        _active -= SizeClass.Bytes(piece.SizeClass);
        if (--piece.Segment.Outstanding == 0 && piece.Segment.IsSlab)
            _idleSlabs++;
        if (!piece.Segment.IsSlab)
            _freeLarge += piece.Segment.Bytes;
        _free[piece.SizeClass].Add(piece);
    }

    /// <summary>Frees what is cached beyond the limit: large blocks first, the largest and then the oldest, then slabs without a block.</summary>
    private void TrimIfOver()
    {
        if (_reserved - _active <= _cacheLimit || (_freeLarge == 0 && _idleSlabs == 0))
            return;
        _device.Synchronize(); // see Note [Stream order and pool reuse]
        for (var sizeClass = SizeClass.Count - 1; sizeClass >= 0 && _freeLarge > 0; sizeClass--)
        {
            var surplus = _reserved - _active - _cacheLimit;
            _free[sizeClass].RemoveAll(piece =>
            {
                if (surplus <= 0 || piece.Segment.IsSlab)
                    return false;
                surplus -= piece.Segment.Bytes;
                FreeLarge(piece.Segment);
                return true;
            });
        }

        if (_reserved - _active > _cacheLimit)
            FreeIdleSlabs();
    }

    private void Flush()
    {
        _flushes++;
        _device.Synchronize(); // see Note [Stream order and pool reuse]
        foreach (var free in _free)
        {
            free.RemoveAll(piece =>
            {
                if (!piece.Segment.IsSlab)
                    FreeLarge(piece.Segment);
                return !piece.Segment.IsSlab;
            });
        }

        FreeIdleSlabs();
    }

    private void FreeLarge(Segment segment)
    {
        _freeLarge -= segment.Bytes;
        _reserved -= segment.Bytes;
        segment.Free();
    }

    private void FreeIdleSlabs()
    {
        if (_idleSlabs == 0)
            return;
        var idle = new HashSet<Segment>(ReferenceEqualityComparer.Instance);
        if (_slab is { Outstanding: 0 } slab)
        {
            idle.Add(slab);
            _slab = null;
        }

        for (var sizeClass = 0; sizeClass <= LargestSmallClass; sizeClass++)
        {
            _free[sizeClass].RemoveAll(piece =>
            {
                var free = piece.Segment is { IsSlab: true, Outstanding: 0 };
                if (free)
                    idle.Add(piece.Segment);
                return free;
            });
        }

        foreach (var segment in idle)
        {
            _reserved -= segment.Bytes;
            segment.Free();
        }

        _idleSlabs = 0;
    }
}
