using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Autograd.Gpu.Diagnostics;

public sealed partial class Profiler
{
    /// <summary>
    /// Writes a timeline that chrome://tracing and ui.perfetto.dev load: the Trace Event Format, with a row for each thread of the host and one
    /// for each device, and arrows from the launch of a kernel to its run.
    /// </summary>
    /// <param name="path">The file to write, usually <c>*.json</c>; one that is there is overwritten.</param>
    public void ExportChromeTrace(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = File.Create(path);
        ExportChromeTrace(file);
    }

    /// <summary>Writes the timeline of <see cref="ExportChromeTrace(string)"/> to a stream.</summary>
    public void ExportChromeTrace(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var json = new Utf8JsonWriter(stream);
        new ChromeTrace(json, _origin).Write(Events, Threads);
    }
}

/// <summary>Writes events in the Trace Event Format: complete events ("X") in microseconds, flows ("s" to "f"), detached ranges ("b" to "e").</summary>
internal sealed class ChromeTrace(Utf8JsonWriter json, long origin)
{
    private const int HostProcess = 0;

    /// <summary>A long trace is not held in memory as a whole.</summary>
    private const int FlushBytes = 1 << 16;

    private readonly List<Device> _devices = [];

    public void Write(IReadOnlyList<ProfilerEvent> events, IReadOnlyList<(int Id, string? Name)> threads)
    {
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        WriteName("process_name", HostProcess, 0, "host");
        foreach (var (id, name) in threads.DistinctBy(t => t.Id))
        {
            var shown = string.IsNullOrEmpty(name) ? string.Create(CultureInfo.InvariantCulture, $"thread {id}") : name;
            WriteName("thread_name", HostProcess, id, shown);
        }

        int flow = 0;

        // What contains another comes first where both begin at once.
        foreach (var e in events.OrderBy(e => e.StartTicks).ThenBy(e => e.Depth))
        {
            if (json.BytesPending > FlushBytes)
            {
                json.Flush();
            }

            if (e.IsDetached)
            {
                WriteDetached(e, ++flow);
                continue;
            }

            WriteComplete(e, e.Name, Category(e), HostProcess, e.ThreadId, e.StartTicks, e.EndTicks);
            if (e.CompileTicks > 0)
            {
                long end = Math.Min(e.CompileStartTicks + e.CompileTicks, e.EndTicks);
                WriteComplete(e, "compile", "compile", HostProcess, e.ThreadId, e.CompileStartTicks, end);
            }

            if (e.Device is { } device)
            {
                int process = ProcessOf(device);
                WriteComplete(e, e.Name, "device kernel", process, 0, e.DeviceStartTicks, e.DeviceEndTicks);
                WriteFlow("s", ++flow, HostProcess, e.ThreadId, e.StartTicks);
                WriteFlow("f", flow, process, 0, e.DeviceStartTicks);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Category(ProfilerEvent e) => e.Kind switch
    {
        ProfilerEventKind.Operation => "operation",
        ProfilerEventKind.Backward => "backward",
        ProfilerEventKind.Kernel => "kernel launch",
        _ => "range",
    };

    /// <summary>Each device is a process of the timeline, named when it first appears.</summary>
    private int ProcessOf(Device device)
    {
        int index = _devices.IndexOf(device);
        if (index < 0)
        {
            index = _devices.Count;
            _devices.Add(device);
            WriteName("process_name", index + 1, 0, $"device {device} ({device.Name})");
            WriteName("thread_name", index + 1, 0, "kernels");
        }

        return index + 1;
    }

    private void WriteName(string what, int process, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", what);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", process);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteHead(string name, string category, string phase, int process, int thread, long ticks)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("cat", category);
        json.WriteString("ph", phase);
        json.WriteNumber("pid", process);
        json.WriteNumber("tid", thread);
        json.WriteNumber("ts", Microseconds(ticks));
    }

    private void WriteComplete(ProfilerEvent e, string name, string category, int process, int thread, long start, long end)
    {
        WriteHead(name, category, "X", process, thread, start);
        json.WriteNumber("dur", Microseconds(end) - Microseconds(start));
        json.WriteStartObject("args");
        if (e.Shapes.Count > 0)
        {
            json.WriteString("shapes", string.Join(", ", e.Shapes));
        }

        if (e.Device is { } device)
        {
            json.WriteString("device", device.ToString());
            json.WriteString("reason", e.Reason);
            json.WriteNumber("bytes", e.Bytes);
            json.WriteStartArray("operations");
            foreach (var operation in e.Name.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(part => part != "->"))
            {
                json.WriteStringValue(operation);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>A range that ended out of turn stands on a line of its own, for slices of a thread must nest.</summary>
    private void WriteDetached(ProfilerEvent e, int id)
    {
        foreach (var (phase, ticks) in new[] { ("b", e.StartTicks), ("e", e.EndTicks) })
        {
            WriteHead(e.Name, Category(e), phase, HostProcess, e.ThreadId, ticks);
            json.WriteNumber("id", id);
            json.WriteEndObject();
        }
    }

    private void WriteFlow(string phase, int id, int process, int thread, long ticks)
    {
        WriteHead("launch", "launch", phase, process, thread, ticks);
        json.WriteNumber("id", id);
        if (phase == "f")
        {
            json.WriteString("bp", "e");
        }

        json.WriteEndObject();
    }

    /// <summary>Whole nanoseconds as microseconds. Rounding down keeps what nests nested.</summary>
    private decimal Microseconds(long ticks)
    {
        long elapsed = ticks - origin;
        long nanoseconds = (long)((Int128)elapsed * 1_000_000_000 / Stopwatch.Frequency);
        return nanoseconds / 1000m;
    }
}
