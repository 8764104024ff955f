using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices;

/// <summary>When the pool asks the garbage collector for the blocks that the program has dropped.</summary>
/// <remarks>
/// The collector sees a handle of some hundred bytes where a tensor holds megabytes, so by itself it runs too rarely. The pool asks for a collection
/// when the lists cannot serve a request and the blocks handed out have grown by a budget since the last one. Blocks that are released do
/// not count, so a program that releases never waits; one that drops pays for one young collection a budget. Where that brings little
/// back, the next one is a full one (a block that survived two collections is found by nothing less); where that brings little back either,
/// the program really holds the memory, and the next question is put off until it has doubled. If the collections take more than
/// <see cref="TimeShare"/> of the time, the budget grows, with large blocks further than with small ones.
/// Waiting for the finaliser thread takes longer than a young collection. So the pool watches large blocks, and asks itself which of them a
/// collection found to be dropped; it waits only where these are not enough.
/// On the host a small budget is the faster one, collections included: memory that goes round in 64 MiB is written about ten times as fast as
/// fresh pages, and twice as fast as memory that goes round in 512 MiB. On a GPU a budget is passed in a fraction of a millisecond.
/// </remarks>
internal sealed partial class BufferPool
{
    private const double TimeShare = 0.02;
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
    private readonly List<Watched> _watched = []; // guards of large blocks
    private BlockGuard? _leftByFinaliser; // linked by their Next
    private BlockGuard? _finalisedGuards; // those that were taken out of that list, under the lock
    private long _leastBudget;
    private long _budget;
    private long _collectAt;
    private long _largestRequest;
    private int _generation = 1;
    private long _lastCollection = Stopwatch.GetTimestamp();
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

    /// <summary>Takes back all that the finaliser has found.</summary>
    private void TakeFinalised()
    {
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
        EndWatch(guard);
        while (guard.TryRemoveDropped(out var piece))
        {
            Keep(piece);
            _finalised++;
            _finalisedBytes += SizeClass.Bytes(piece.SizeClass);
        }
    }

    private void StartWatch(BlockGuard guard)
    {
        guard.Watch = _watched.Count;
        _watched.Add(new Watched(GCHandle.Alloc(guard, GCHandleType.Weak), GCHandle.Alloc(guard, GCHandleType.WeakTrackResurrection)));
    }

    private void EndWatch(BlockGuard guard)
    {
        if (guard.Watch < 0)
            return;
        _watched[guard.Watch].Free();
        var last = _watched[^1];
        _watched.RemoveAt(_watched.Count - 1);
        if (guard.Watch < _watched.Count)
        {
            _watched[guard.Watch] = last;
            last.Guard.Watch = guard.Watch;
        }

        guard.Watch = -1;
    }

    /// <summary>Takes back what the last collection found to be dropped, before the finaliser thread comes to it.</summary>
    private void TakeDropped()
    {
        for (var i = _watched.Count - 1; i >= 0; i--)
        {
            if (!_watched[i].IsReachable)
                TakeDropped(_watched[i].Guard);
        }
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

            Collect(generation);
        }
        finally
        {
            _collector.Exit();
        }
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
        bool isEnough;
        using (_lock.Enter())
        {
            TakeFinalised();
            TakeDropped();
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
            var took = Stopwatch.GetElapsedTime(start, end);
            var share = took / Stopwatch.GetElapsedTime(_lastCollection, end);
            _lastCollection = end;
            _collections++;
            _collectionTime += took;
            Adapt(generation, _finalisedBytes - finalisedBefore, share);
        }
    }

    private void Adapt(int generation, long returned, double share)
    {
        if (returned >= _budget / 4)
        {
            if (share > TimeShare)
                _budget = Math.Min(2 * _budget, Math.Clamp(BlocksInBudget * _largestRequest, 2 * _leastBudget, LargestBudgetFactor * _leastBudget));
            else if (share < TimeShare / 4)
                _budget = Math.Max(_budget / 2, _leastBudget);
            _generation = 1;
            _largestRequest = 0;
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

    /// <summary>Tells the pool which thread is the finaliser's before the first block comes back on it.</summary>
    private sealed class FinaliserThreadMark
    {
        ~FinaliserThreadMark() => t_isFinaliserThread = true;
    }

    /// <summary>
    /// A guard seen from outside. One handle is empty once nobody can reach the guard's blocks, the other still leads to it until its finaliser has run.
    /// </summary>
    private readonly struct Watched(GCHandle reachable, GCHandle existing)
    {
        public bool IsReachable => reachable.Target is not null;

        public BlockGuard Guard => (BlockGuard)existing.Target!;

        public void Free()
        {
            reachable.Free();
            existing.Free();
        }
    }
}
