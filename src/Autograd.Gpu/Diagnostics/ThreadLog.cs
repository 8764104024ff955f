using System.Diagnostics;

namespace Autograd.Gpu.Diagnostics;

/// <summary>The events of one thread in one session of a profiler.</summary>
internal sealed class ThreadLog(long session)
{
    private readonly Lock _lock = new();
    private List<ProfilerEvent> _events = [];
    private bool _isClosed;

    /// <summary>The number of the session. The session itself would be kept in memory by each thread that it has seen.</summary>
    public long Session { get; } = session;

    public int ThreadId { get; } = Environment.CurrentManagedThreadId;

    public string? ThreadName { get; } = Thread.CurrentThread.Name;

    /// <summary>The innermost event that goes on.</summary>
    public ProfilerEvent? Top { get; private set; }

    public ProfilerEvent? Begin(ProfilerEventKind kind, string name, IReadOnlyList<Shape> shapes, long origin)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return null;
            }

            var e = new ProfilerEvent(kind, name, shapes, ThreadId, Top, origin, Stopwatch.GetTimestamp());
            _events.Add(e);
            return Top = e;
        }
    }

    /// <summary>Adds an event that is over.</summary>
    public void Add(ProfilerEvent e)
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                _events.Add(e);
            }
        }
    }

    public void End(ProfilerEvent e)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            if (_isClosed || e.EndTicks != 0)
            {
                return;
            }

            e.EndTicks = now;
            e.IsDetached = e != Top || Environment.CurrentManagedThreadId != ThreadId;
            while (Top is { EndTicks: not 0 } over)
            {
                Top = over.Parent;
            }
        }
    }

    public List<ProfilerEvent> Ended()
    {
        lock (_lock)
        {
            return _events.FindAll(e => e.EndTicks != 0);
        }
    }

    /// <summary>Ends what goes on, not before what it contains, and hands all events over.</summary>
    public List<ProfilerEvent> Close(long end)
    {
        lock (_lock)
        {
            _isClosed = true;
            var events = _events;
            foreach (var e in events)
            {
                end = Math.Max(end, Math.Max(e.StartTicks, e.EndTicks));
            }

            foreach (var e in events)
            {
                e.EndTicks = e.EndTicks == 0 ? end : e.EndTicks;
            }

            _events = [];
            Top = null;
            return events;
        }
    }
}
