using System.Diagnostics;

namespace Autograd.Gpu.Devices;

/// <summary>When the pool asks the garbage collector for the blocks that the program has dropped.</summary>
/// <remarks>
/// The collector sees a handle of some hundred bytes where a tensor holds megabytes, so by itself it runs too rarely. The pool asks for a collection
/// when the lists cannot serve a request and the blocks handed out have grown by a budget since the last one. Blocks that are released do
/// not count, so a program that releases never waits; one that drops pays for one young collection a budget. Where that brings little
/// back, the next one is a full one (a block that survived two collections is found by nothing less); where that brings little back either,
/// the program really holds the memory, and the next question is put off until it has doubled. If the collections take more than
/// <see cref="TimeShare"/> of the time, the budget grows, with large blocks further than with small ones.
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
            lock (_lock)
                return _budget;
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            lock (_lock)
            {
                _leastBudget = _budget = value;
                _collectAt = _active + value;
            }
        }
    }

    private bool IsCollectionDue => _active >= _collectAt && !IsFinaliserThread;

    /// <summary>Takes back the memory of a dropped block. Frees nothing: waiting for a GPU is not the finaliser thread's work.</summary>
    public void ReturnFromFinaliser(in Piece piece)
    {
        t_isFinaliserThread = true;
        lock (_lock)
        {
            Keep(piece);
            _finalised++;
            _finalisedBytes += SizeClass.Bytes(piece.SizeClass);
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
            lock (_lock)
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
        lock (_lock)
            finalisedBefore = _finalisedBytes;

        var start = Stopwatch.GetTimestamp();
        GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
        var waiter = new Thread(GC.WaitForPendingFinalizers) { IsBackground = true, Name = "Autograd.Gpu finaliser wait" };
        waiter.Start();
        waiter.Join(LongestWait);
        var end = Stopwatch.GetTimestamp();

        lock (_lock)
        {
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
}
