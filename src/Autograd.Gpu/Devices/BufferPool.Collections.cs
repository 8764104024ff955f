using System.Diagnostics;

namespace Autograd.Gpu.Devices;

/// <summary>When the pool asks the garbage collector for the blocks that the program has dropped.</summary>
/// <remarks>
/// The collector sees a handle of some hundred bytes where a tensor holds megabytes, so by itself it runs too rarely. The pool asks for a collection
/// when the lists cannot serve a request and the blocks handed out have grown by a budget since the last one. Blocks that are released do
/// not count, so a program that releases never waits; one that drops pays for one collection a budget. What anybody's collection gives back starts the count anew: memory that a program
/// held before says nothing about what it drops now, and blocks that do not come back are fresh pages each time.
/// A block that survived two collections is found by a full one alone. With few managed objects that takes hardly longer than a young one, with many it takes seconds.
/// So the pool asks for full collections as often as they fit into <see cref="FullShare"/> of the time, and for young ones otherwise. Where a young one brings little
/// back, the next one is full; where that brings little back either,
/// the program really holds the memory, and the next question is put off until it has doubled, or half of it has come back through the collector after all. If <see cref="Window"/> collections in a row take more than a share of the
/// time, the budget grows, with large blocks further than with small ones. A budget that has grown is no reason to wait once the program goes slower: as soon as a collection
/// takes little of the time since the last one, the least budget is enough.
/// Waiting for the finaliser thread takes longer than a young collection. So the pool watches blocks that have a guard to themselves, and asks which of them a
/// collection found to be dropped; it waits only where these are not enough.
/// On the host a small budget is the faster one, collections included, until these take a fifth of the time: memory that goes round in 64 MiB is written about ten times as fast as
/// fresh pages, and twice as fast as memory that goes round in 512 MiB. On a GPU a budget is passed in a fraction of a millisecond.
/// </remarks>
internal sealed partial class BufferPool
{
    private const double HostTimeShare = 0.2;
    private const double CudaTimeShare = 0.02;
    private const double FullShare = 0.005;

    /// <summary>A share of the time that is little: so much of the share at which the budget grows.</summary>
    private const double LittleShare = 0.25;
    private const int Window = 8;

    /// <summary>What a full collection goes through in a second, until one was measured.</summary>
    private const double HeapBytesInSecond = 1e9;

    private const long HostBudget = 32 << 20;
    private const long CudaBudget = 256 << 20;
    private const int LargestBudgetFactor = 8;

    /// <summary>A budget holds this many of the largest blocks that were asked for; more would only add fresh pages to those that go round.</summary>
    private const int BlocksInBudget = 128;

    // A finaliser of the program may wait for a lock that the allocating thread holds; without an end to the wait that would be a deadlock.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static bool t_isFinaliserThread;

    private readonly Lock _collector = new();
    private readonly BlockWatch _watch = new();
    private readonly List<Piece> _dropped = []; // empty outside of TakeDropped
    private BlockGuard? _leftByFinaliser; // linked by their Next
    private BlockGuard? _finalisedGuards; // those that were taken out of that list, under the lock
    private long _leastBudget;
    private long _budget;
    private long _leftActive; // when the last collection, the pool's or anybody's, had given back what it found
    private long _heldActive; // when the last full collection found that the program holds the memory, or 0
    private long _finalisedWhenHeld;
    private long _lastCollection = Stopwatch.GetTimestamp();
    private long _lastTook;
    private long _largestRequest;
    private int _generation = 1;
    private long _windowStart = Stopwatch.GetTimestamp();
    private long _windowSpent;
    private int _windowCollections;
    private long _lastFull = Stopwatch.GetTimestamp();
    private long _fullTook = -1;
    private long _finalised;
    private long _finalisedBytes;
    private long _collections;
    private TimeSpan _collectionTime;

    private static bool IsFinaliserThread => t_isFinaliserThread;

    /// <summary>The growth of the active bytes that lets the pool ask for a collection.</summary>
    public long CollectionBudget
    {
        get
        {
            using (_lock.Enter())
                return _budget;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            using (_lock.Enter())
            {
                TakeFinalised();
                _leastBudget = _budget = value;
                (_leftActive, _heldActive) = (_active, 0);
            }
        }
    }

    private double TimeShare => _device.HasHostMemory ? HostTimeShare : CudaTimeShare;

    /// <summary>What the program was found to hold: the question waits until that has doubled, or until the collector has found half as much to be dropped after all.</summary>
    private long Held => _finalisedBytes - _finalisedWhenHeld < _heldActive / 2 ? _heldActive : 0;

    private bool IsCollectionDue
    {
        get
        {
            long grown = _active - _leftActive;
            if (grown < _leastBudget || _active < 2 * Held || IsFinaliserThread)
                return false;
            return grown >= _budget || _lastTook <= TimeShare * LittleShare * (Stopwatch.GetTimestamp() - _lastCollection);
        }
    }

    /// <summary>
    /// Puts the guard of dropped blocks where the next one who looks for memory finds it. The finaliser thread takes no lock: it would take the bias from the thread that
    /// computes, and that thread's turn.
    /// </summary>
    public void ReturnFromFinaliser(BlockGuard guard)
    {
        t_isFinaliserThread = true;
        var next = Volatile.Read(ref _leftByFinaliser);
        while (true)
        {
            guard.Next = next;
            var found = Interlocked.CompareExchange(ref _leftByFinaliser, guard, next);
            if (found == next)
                return;
            next = found;
        }
    }

    /// <summary>Takes back all that was found to be dropped.</summary>
    private void TakeFinalised()
    {
        TakeDropped();
        while (TryTakeFinalised())
        {
        }
    }

    /// <summary>Takes back the memory of one guard that the finaliser has found: one at a time, so that no request pays for all of a collection.</summary>
    private bool TryTakeFinalised()
    {
        if (_finalisedGuards is null && Volatile.Read(ref _leftByFinaliser) is not null)
            _finalisedGuards = Interlocked.Exchange(ref _leftByFinaliser, null);
        if (_finalisedGuards is not { } guard)
            return false;
        _finalisedGuards = guard.Next;
        guard.Next = null;
        TakeDropped(guard);
        return true;
    }

    private void TakeDropped(BlockGuard guard)
    {
        while (guard.TryRemoveDropped(out var piece))
            KeepDropped(piece);
    }

    /// <summary>Takes back what a collection since the last look, the pool's or anybody's, found to be dropped. Returns whether that was anything.</summary>
    private bool TakeDropped()
    {
        if (!_watch.IsDue)
            return false;
        _watch.Look(_dropped);
        foreach (var piece in _dropped)
            KeepDropped(piece);
        var any = _dropped.Count > 0;
        _dropped.Clear();
        return any;
    }

    private void KeepDropped(in Piece piece)
    {
        Keep(piece);
        _leftActive = Math.Min(_leftActive, _active);
        _finalised++;
        _finalisedBytes += SizeClass.Bytes(piece.SizeClass);
    }

    private void InitializeCollections(long memory)
    {
        _leastBudget = _budget = Math.Min(_device.HasHostMemory ? HostBudget : CudaBudget, Math.Max(memory / 16, SlabBytes));
        _ = new FinaliserThreadMark();
    }

    /// <summary>Collects, unless another thread is at it already.</summary>
    private void CollectWithinBudget()
    {
        if (!_collector.TryEnter())
            return;
        try
        {
            int generation;
            using (_lock.Enter())
            {
                if (!IsCollectionDue)
                    return;
                generation = _generation;
            }

            Collect(IsFullAffordable() ? GC.MaxGeneration : generation);
        }
        finally
        {
            _collector.Exit();
        }
    }

    /// <summary>Whether a full collection now keeps all of them within their share of the time. Called by the collecting thread.</summary>
    private bool IsFullAffordable()
    {
        double took = _fullTook >= 0 ? _fullTook / (double)Stopwatch.Frequency : GC.GetTotalMemory(false) / HeapBytesInSecond;
        return took <= FullShare * Stopwatch.GetElapsedTime(_lastFull).TotalSeconds;
    }

    private void CollectEverything()
    {
        lock (_collector)
            Collect(GC.MaxGeneration);
    }

    private void Collect(int generation)
    {
        long finalisedBefore, enough;
        using (_lock.Enter())
        {
            TakeFinalised();
            finalisedBefore = _finalisedBytes;
            enough = Math.Clamp(_active - _leftActive, _leastBudget, _budget) / 4;
        }

        var start = Stopwatch.GetTimestamp();
        GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
        if (generation == GC.MaxGeneration)
        {
            _lastFull = Stopwatch.GetTimestamp();
            _fullTook = _lastFull - start;
        }

        bool isEnough;
        using (_lock.Enter())
        {
            TakeFinalised();
            isEnough = _finalisedBytes - finalisedBefore >= enough;
        }

        if (!isEnough)
        {
            var waiter = new Thread(GC.WaitForPendingFinalizers) { IsBackground = true, Name = "Autograd.Gpu finaliser wait" };
            waiter.Start();
            waiter.Join(LongestWait);
        }

        var end = Stopwatch.GetTimestamp();

        using (_lock.Enter())
        {
            TakeFinalised();
            _collections++;
            _collectionTime += Stopwatch.GetElapsedTime(start, end);
            (_lastCollection, _lastTook) = (end, end - start);
            _windowSpent += end - start;
            Adapt(generation, _finalisedBytes - finalisedBefore >= enough, end);
        }
    }

    private void Adapt(int generation, bool isEnough, long now)
    {
        if (++_windowCollections == Window)
        {
            FitBudget((double)_windowSpent / (now - _windowStart));
            (_windowStart, _windowSpent, _windowCollections) = (now, 0, 0);
        }

        _leftActive = _active;
        bool isHeld = !isEnough && generation == GC.MaxGeneration;
        (_heldActive, _finalisedWhenHeld) = (isHeld ? _active : 0, _finalisedBytes);
        _generation = isEnough || isHeld ? 1 : GC.MaxGeneration;
    }

    /// <summary>A larger or smaller budget, where the collections' share of the time asks for it. One collection says little: it may have waited for its turn on a core.</summary>
    private void FitBudget(double share)
    {
        var limit = TimeShare;
        if (share > limit)
            _budget = Math.Min(2 * _budget, Math.Clamp(BlocksInBudget * _largestRequest, 2 * _leastBudget, LargestBudgetFactor * _leastBudget));
        else if (share < LittleShare * limit)
            _budget = Math.Max(_budget / 2, _leastBudget);
        _largestRequest = 0;
    }

    /// <summary>Tells the pool which thread is the finaliser's before the first block comes back on it.</summary>
    private sealed class FinaliserThreadMark
    {
        ~FinaliserThreadMark() => t_isFinaliserThread = true;
    }
}
