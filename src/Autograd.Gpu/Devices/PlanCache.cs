namespace Autograd.Gpu.Devices;

/// <summary>
/// What follows from sizes alone and would be made anew at each call, such as how a kernel's work is cut, found again by those sizes. A key names all that its plan depends on; plans
/// do not change once they are made, since several threads may hold one. A look-up that finds its plan allocates nothing.
/// </summary>
/// <param name="most">How many plans are kept for sure; up to twice as many are held.</param>
/// <param name="mostElements">How many elements kept plans may have together; a larger plan is not kept.</param>
internal sealed class PlanCache<TKey, TPlan>(int most, long mostElements = long.MaxValue)
    where TKey : struct, IEquatable<TKey>
{
    private readonly Lock _lock = new();

    // When the young plans are too many they become the old ones, of which those stay that are asked for again.
    private Dictionary<TKey, (TPlan Plan, long Elements)> _young = [], _old = [];
    private long _elements;

    /// <summary>The plans that are held.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _young.Count + _old.Count;
            }
        }
    }

    /// <summary>The plan for <paramref name="key"/>, from <paramref name="make"/> if there is none.</summary>
    /// <param name="key">All that the plan depends on.</param>
    /// <param name="state">What making it needs besides, for its errors.</param>
    /// <param name="make">Makes a plan; two threads may both do so. What it throws is thrown here, and nothing is kept.</param>
    /// <param name="elements">How large a plan is, if they differ.</param>
    public TPlan Get<TState>(in TKey key, TState state, Func<TKey, TState, TPlan> make, Func<TPlan, long>? elements = null)
    {
        lock (_lock)
        {
            if (_young.TryGetValue(key, out var found))
            {
                return found.Plan;
            }

            if (_old.Remove(key, out found))
            {
                Add(key, found.Plan, found.Elements);
                return found.Plan;
            }
        }

        var plan = make(key, state);
        long size = elements?.Invoke(plan) ?? 0;
        if (size <= mostElements)
        {
            lock (_lock)
            {
                Add(key, plan, size);
            }
        }

        return plan;
    }

    private void Add(in TKey key, TPlan plan, long elements)
    {
        if (_young.Count >= most || _elements + elements > mostElements)
        {
            (_old, _young) = (_young, _old);
            _young.Clear();
            _elements = 0;
        }

        if (_young.TryAdd(key, (plan, elements)))
        {
            _elements += elements;
        }
    }
}
