using System.Runtime.InteropServices;

namespace Autograd.Gpu.Devices;

/// <summary>
/// The pool's eyes on blocks that have a guard to themselves: after a garbage collection it tells which of them nobody can reach any more. Used under the pool's lock.
/// </summary>
/// <remarks>
/// The handles are weak and follow resurrection, so one is empty only when no finaliser of the program can bring its block back either.
/// They are used again and again: a new one costs more than a new target. What has reached the oldest generation stands in front and is looked at after full collections alone.
/// </remarks>
internal sealed class BlockWatch
{
    private const int FewEntries = 64;

    private Entry[] _entries = new Entry[FewEntries];
    private int _count;
    private int _old;
    private int _most;
    private int _seen;
    private int _seenFull;
    private int _seenFullBefore;

    /// <summary>Whether there was a garbage collection since the last look.</summary>
    public bool IsDue => GC.CollectionCount(0) != _seen;

    public void Add(BlockGuard guard, in Piece piece)
    {
        if (_count == _entries.Length)
            Array.Resize(ref _entries, 2 * _count);
        ref var entry = ref _entries[_count];
        if (entry.Guard.IsAllocated)
            entry.Guard.Target = guard;
        else
            entry.Guard = GCHandle.Alloc(guard, GCHandleType.WeakTrackResurrection);
        entry.Piece = piece;
        guard.Watch = _count++;
        _most = Math.Max(_most, _count);
    }

    public void Remove(BlockGuard guard)
    {
        RemoveAt(guard.Watch);
        guard.Watch = -1;
    }

    /// <summary>Adds to <paramref name="dropped"/> what the last collections found to be out of reach, and watches it no more.</summary>
    public void Look(List<Piece> dropped)
    {
        _seen = GC.CollectionCount(0);
        int full = GC.CollectionCount(GC.MaxGeneration);
        // A concurrent collection is counted when it begins, so the next one's turn looks for what it has found.
        int first = full == _seenFullBefore ? _old : 0;
        (_seenFullBefore, _seenFull) = (_seenFull, full);

        for (int i = _count - 1; i >= first; i--)
        {
            if (_entries[i].Guard.Target is null)
            {
                dropped.Add(_entries[i].Piece);
                RemoveAt(i);
            }
        }

        for (int i = _old; i < _count; i++)
        {
            if (_entries[i].Guard.Target is { } guard && GC.GetGeneration(guard) == GC.MaxGeneration)
                Swap(i, _old++);
        }

        Shrink();
    }

    private void RemoveAt(int i)
    {
        if (i < _old)
        {
            Swap(i, --_old);
            i = _old;
        }

        Swap(i, --_count);
        _entries[_count].Guard.Target = null;
        _entries[_count].Piece = default;
    }

    private void Swap(int i, int j)
    {
        if (i == j)
            return;
        (_entries[i], _entries[j]) = (_entries[j], _entries[i]);
        Place(i);
        Place(j);
    }

    private void Place(int i)
    {
        if (_entries[i].Guard.Target is BlockGuard guard)
            guard.Watch = i;
    }

    /// <summary>Gives handles back that a wave of blocks has left, but not between two waves of a program that goes on: its entries are many objects' worth of memory.</summary>
    private void Shrink()
    {
        int most = _most;
        _most = _count;
        if (_entries.Length <= FewEntries || most > _entries.Length / 8)
            return;
        int length = _entries.Length / 2;
        for (int i = length; i < _entries.Length && _entries[i].Guard.IsAllocated; i++)
            _entries[i].Guard.Free();
        Array.Resize(ref _entries, length);
    }

    private struct Entry
    {
        public GCHandle Guard;
        public Piece Piece;
    }
}
