namespace Autograd.Gpu.Tape;

/// <summary>The nodes that wait for nothing, the latest first: a binary heap.</summary>
internal sealed class ReadyNodes
{
    private Pending[] _heap = new Pending[16];
    private int _count;

    public void Add(Pending pending)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, 2 * _count);
        }

        var heap = _heap;
        int place = _count++;
        while (place > 0 && heap[(place - 1) / 2] is var parent && parent.Order < pending.Order)
        {
            heap[place] = parent;
            place = (place - 1) / 2;
        }

        heap[place] = pending;
    }

    public Pending? Take()
    {
        if (_count == 0)
        {
            return null;
        }

        var heap = _heap;
        var first = heap[0];
        var last = heap[--_count];
        int place = 0;
        for (int child = 1; child < _count; child = 2 * place + 1)
        {
            if (child + 1 < _count && heap[child + 1].Order > heap[child].Order)
            {
                child++;
            }

            if (heap[child].Order <= last.Order)
            {
                break;
            }

            heap[place] = heap[child];
            place = child;
        }

        heap[place] = last;
        heap[_count] = null!;
        return first;
    }

    /// <summary>Forgets all nodes, and the memory that it took to remember many.</summary>
    public void Clear(bool trims)
    {
        Array.Clear(_heap, 0, _count);
        _count = 0;
        if (trims)
        {
            _heap = new Pending[16];
        }
    }
}
