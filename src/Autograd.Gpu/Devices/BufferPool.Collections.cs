using System.Diagnostics;

namespace Autograd.Gpu.Devices;

/// <summary>When the pool asks the garbage collector for the blocks that the program has dropped.</summary>
/// <remarks>
/// The collector sees a handle of some hundred bytes where a tensor holds megabytes, so by itself it runs too rarely. The pool asks for a collection
/// when the lists cannot serve a request and the blocks handed out have grown by a budget since the last one. Blocks that are released do
/// not count, so a program that releases never waits; one that drops pays for one collection a budget.
/// A block that survived two collections is found by a full one alone. With few managed objects that takes hardly longer than a young one, with many it takes seconds.
/// So the pool asks for full collections as often as they fit into <see cref="FullShare"/> of the time, and for young ones otherwise. Where a young one brings little
/// back, the next one is full; where that brings little back either,
/// the program really holds the memory, and the next question is put off until it has doubled. If <see cref="Window"/> collections in a row take more than a share of the
/// time, the budget grows, with large blocks further than with small ones.
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
    private long _collectAt;
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
                _collectAt = _active + value;
            }
        }
    }

    private bool IsCollectionDue => _active >= _collectAt && !IsFinaliserThread;

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
        _finalised++;
        _finalisedBytes += SizeClass.Bytes(piece.SizeClass);
    }

    private void InitializeCollections(long memory)
    {
        _leastBudget = _budget = Math.Min(_device.HasHostMemory ? HostBudget : CudaBudget, Math.Max(memory / 16, SlabBytes));
        _collectAt = _budget;
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
        long finalisedBefore;
        using (_lock.Enter())
        {
            TakeFinalised();
            finalisedBefore = _finalisedBytes;
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
            isEnough = _finalisedBytes - finalisedBefore >= _budget / 4;
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
            _windowSpent += end - start;
            Adapt(generation, _finalisedBytes - finalisedBefore, end);
        }
    }

    private void Adapt(int generation, long returned, long now)
    {
        if (++_windowCollections == Window)
        {
            FitBudget((double)_windowSpent / (now - _windowStart));
            (_windowStart, _windowSpent, _windowCollections) = (now, 0, 0);
        }

        if (returned >= _budget / 4)
        {
            _generation = 1;
            _collectAt = _active + _budget;
        }
        else if (generation < GC.MaxGeneration)
        {
            _generation = GC.MaxGeneration;
            _collectAt = _active + _budget;
        }
        else
        {
            _generation = 1;
            _collectAt = _active + Math.Max(_budget, _active);
        }
    }

    /// <summary>A larger or smaller budget, where the collections' share of the time asks for it. One collection says little: it may have waited for its turn on a core.</summary>
    private void FitBudget(double share)
    {
        var limit = _device.HasHostMemory ? HostTimeShare : CudaTimeShare;
        if (share > limit)
            _budget = Math.Min(2 * _budget, Math.Clamp(BlocksInBudget * _largestRequest, 2 * _leastBudget, LargestBudgetFactor * _leastBudget));
        else if (share < limit / 4)
            _budget = Math.Max(_budget / 2, _leastBudget);
        _largestRequest = 0;
    }

    /// <summary>Tells the pool which thread is the finaliser's before the first block comes back on it.</summary>
    private sealed class FinaliserThreadMark
    {
        ~FinaliserThreadMark() => t_isFinaliserThread = true;
    }
}
