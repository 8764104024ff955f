namespace Autograd.Gpu.Diagnostics;

/// <summary>What the rows of a <see cref="Profiler"/>'s table are sorted by, the largest first.</summary>
public enum ProfilerSort
{
    /// <summary>Host time without what operations, kernels and ranges inside took.</summary>
    SelfHostTotal,

    /// <summary>Host time.</summary>
    HostTotal,

    /// <summary>Host time of one call.</summary>
    HostAverage,

    /// <summary>Device time of the kernels.</summary>
    DeviceTotal,

    /// <summary>Number of calls.</summary>
    Calls,

    /// <summary>Bytes that the kernels moved.</summary>
    Bytes,

    /// <summary>The name, in alphabetical order.</summary>
    Name,
}

/// <summary>The sum over all events of one name: a row of a <see cref="Profiler"/>'s table.</summary>
public sealed record ProfilerRow
{
    /// <summary>What was measured.</summary>
    public required ProfilerEventKind Kind { get; init; }

    /// <summary>The operation, node or range, or the operations fused into a kernel.</summary>
    public required string Name { get; init; }

    /// <summary>Where a kernel ran.</summary>
    public Device? Device { get; init; }

    /// <summary>Why a kernel ran.</summary>
    public string? Reason { get; init; }

    /// <summary>The input shapes that these events have in common, <c>[2, 3], [3]</c>; empty where rows were not grouped by shape.</summary>
    public string Shapes { get; init; } = "";

    /// <summary>How many events these are.</summary>
    public int Calls { get; internal set; }

    /// <summary>Host time without what was measured inside: for an operation without its kernels, and without the waiting for them.</summary>
    public TimeSpan SelfHostTotal { get; internal set; }

    /// <summary>Host time. What lies inside an event of the same row counts once.</summary>
    public TimeSpan HostTotal { get; internal set; }

    /// <summary>Host time of one call.</summary>
    public TimeSpan HostAverage => HostTotal / Math.Max(Calls, 1);

    /// <summary>Time on the device: of these kernels, or of the kernels that ran inside these calls.</summary>
    public TimeSpan DeviceTotal { get; internal set; }

    /// <summary>Bytes that these kernels, or the kernels that ran inside these calls, had to read and write.</summary>
    public long Bytes { get; internal set; }

    /// <summary>How many of these kernels were compiled when they were called.</summary>
    public int Compilations { get; internal set; }

    /// <summary>How long that took; part of the host time.</summary>
    public TimeSpan CompileTotal { get; internal set; }

    /// <summary>Sums up events; the rows come in the order of first appearance.</summary>
    internal static List<ProfilerRow> Aggregate(IReadOnlyList<ProfilerEvent> events, bool groupByShape)
    {
        var rows = new Dictionary<(ProfilerEventKind, string, Device?, string?, string), ProfilerRow>();
        var rowOf = new Dictionary<ProfilerEvent, ProfilerRow>(events.Count, ReferenceEqualityComparer.Instance);
        var order = new List<ProfilerRow>();
        foreach (var e in events)
        {
            var shapes = groupByShape ? string.Join(", ", e.Shapes) : "";
            var key = (e.Kind, e.Name, e.Device, e.Reason, shapes);
            if (!rows.TryGetValue(key, out var row))
            {
                row = new ProfilerRow { Kind = e.Kind, Name = e.Name, Device = e.Device, Reason = e.Reason, Shapes = shapes };
                rows.Add(key, row);
                order.Add(row);
            }

            rowOf.Add(e, row);
        }

        var seen = new HashSet<ProfilerRow>(ReferenceEqualityComparer.Instance);
        foreach (var e in events)
        {
            var row = rowOf[e];
            row.Calls++;
            row.SelfHostTotal += e.Duration;
            row.CompileTotal += e.CompileDuration;
            row.Compilations += e.CompileTicks > 0 ? 1 : 0;
            if (e.Parent is { } parent && rowOf.TryGetValue(parent, out var around))
            {
                around.SelfHostTotal -= e.OverlapWith(parent);
            }

            // The row itself and those of what is around it, each once.
            seen.Clear();
            bool isInside = false;
            for (var outer = e; outer is not null; outer = outer.Parent)
            {
                if (!rowOf.TryGetValue(outer, out var above))
                {
                    continue;
                }

                isInside |= outer != e && above == row;
                if (e.Kind == ProfilerEventKind.Kernel && seen.Add(above))
                {
                    above.DeviceTotal += e.DeviceDuration;
                    above.Bytes += e.Bytes;
                }
            }

            row.HostTotal += isInside ? TimeSpan.Zero : e.Duration;
        }

        return order;
    }
}
