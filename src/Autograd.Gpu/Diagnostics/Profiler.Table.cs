using System.Globalization;
using System.Text;

namespace Autograd.Gpu.Diagnostics;

public sealed partial class Profiler
{
    /// <summary>The sums over all events of one name, kernels also by device and reason, in no particular order.</summary>
    /// <param name="groupByShape">Whether calls with other input shapes make rows of their own.</param>
    public IReadOnlyList<ProfilerRow> Averages(bool groupByShape = false) => ProfilerRow.Aggregate(Events, groupByShape);

    /// <summary>
    /// A table of all that was recorded, in sections: ranges, operations (the time at the call) and kernels (the operations fused into them, and why they ran).
    /// </summary>
    /// <param name="sortBy">The column that rows are sorted by.</param>
    /// <param name="groupByShape">Whether calls with other input shapes make rows of their own.</param>
    /// <param name="rowLimit">Rows of each section at most; a negative number for all.</param>
    /// <param name="maxNameWidth">Characters of a name at most; the names of large kernels are cut.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxNameWidth"/> is less than 4.</exception>
    public string Table(ProfilerSort sortBy = ProfilerSort.SelfHostTotal, bool groupByShape = false, int rowLimit = 100, int maxNameWidth = 60)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNameWidth, 4);
        var rows = Averages(groupByShape);
        var hostTotal = Sum(rows.Where(r => r.Kind != ProfilerEventKind.Range), r => r.SelfHostTotal);
        var kernels = rows.Where(r => r.Kind == ProfilerEventKind.Kernel).ToArray();
        var deviceTotal = Sum(kernels, r => r.DeviceTotal);
        var columns = new List<(string Title, Func<ProfilerRow, string> Cell)>
        {
            ("Self host", r => Time(r.SelfHostTotal)),
            ("Self host %", r => Percent(r.SelfHostTotal, hostTotal)),
            ("Host total", r => Time(r.HostTotal)),
            ("Host avg", r => Time(r.HostAverage)),
            ("Device total", r => Time(r.DeviceTotal)),
            ("Calls", r => r.Calls.ToString(CultureInfo.InvariantCulture)),
            ("Bytes", r => Size(r.Bytes)),
        };
        var shapes = groupByShape ? [("Shapes", (Func<ProfilerRow, string>)(r => r.Shapes))] : Array.Empty<(string, Func<ProfilerRow, string>)>();

        var text = new StringBuilder();
        Section(text, "Ranges", [ProfilerEventKind.Range], columns.Where(c => c.Title != "Self host %").ToList(), []);
        Section(
            text, "Operations (host time at the call; what a call left pending runs in a kernel later)",
            [ProfilerEventKind.Operation, ProfilerEventKind.Backward], columns, shapes);
        Section(
            text, "Kernels (with the operations fused into them)",
            [ProfilerEventKind.Kernel],
            [
                ("Device total", r => Time(r.DeviceTotal)),
                ("Device %", r => Percent(r.DeviceTotal, deviceTotal)),
                ("Device avg", r => Time(r.DeviceTotal / Math.Max(r.Calls, 1))),
                ("Host total", r => Time(r.HostTotal)),
                ("Host avg", r => Time(r.HostAverage)),
                ("Calls", r => r.Calls.ToString(CultureInfo.InvariantCulture)),
                ("Bytes", r => Size(r.Bytes)),
                ("GB/s", r => r.DeviceTotal.Ticks > 0 ? (r.Bytes / r.DeviceTotal.TotalNanoseconds).ToString("F1", CultureInfo.InvariantCulture) : "-"),
                ("Compiled", r => r.Compilations == 0 ? "-" : $"{r.Compilations} in {Time(r.CompileTotal)}"),
            ],
            [("Reason", r => r.Reason ?? ""), ("Device", r => r.Device!.ToString()), .. shapes]);

        text.Append(CultureInfo.InvariantCulture, $"Elapsed: {Time(Elapsed)}, self host time of operations and kernels: {Time(hostTotal)}, ");
        text.Append(CultureInfo.InvariantCulture, $"device time of {kernels.Sum(r => r.Calls)} kernels: {Time(deviceTotal)}\n");
        if (DroppedEvents > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{DroppedEvents} events were not kept: ProfilerOptions.MaxEvents is {Options.MaxEvents}\n");
        }

        return text.ToString();

        void Section(
            StringBuilder to, string title, ProfilerEventKind[] kinds,
            List<(string Title, Func<ProfilerRow, string> Cell)> right, IReadOnlyList<(string Title, Func<ProfilerRow, string> Cell)> left)
        {
            var sorted = rows.Where(r => kinds.Contains(r.Kind)).ToList();
            if (sorted.Count == 0)
            {
                return;
            }

            sorted.Sort((a, b) => Compare(a, b, sortBy));
            int shown = rowLimit < 0 ? sorted.Count : Math.Min(rowLimit, sorted.Count);
            List<string[]> cells = [[.. right.Select(c => c.Title).Prepend("Name").Concat(left.Select(c => c.Title))]];
            foreach (var row in sorted.Take(shown))
            {
                cells.Add([.. right.Select(c => c.Cell(row)).Prepend(Cut(GraphText.Clean(row.Name), maxNameWidth)).Concat(left.Select(c => c.Cell(row)))]);
            }

            to.Append(title).Append('\n');
            Write(to, cells, right.Count);
            to.Append(sorted.Count > shown ? string.Create(CultureInfo.InvariantCulture, $"... {sorted.Count - shown} more rows\n\n") : "\n");
        }
    }

    /// <summary>Columns of text: the first and those after the <paramref name="rightAligned"/> numbers start at the left.</summary>
    private static void Write(StringBuilder text, List<string[]> cells, int rightAligned)
    {
        var widths = new int[cells[0].Length];
        foreach (var line in cells)
        {
            for (int i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], line[i].Length);
            }
        }

        var rule = string.Join("  ", widths.Select(w => new string('-', w)));
        text.Append(rule).Append('\n');
        for (int l = 0; l < cells.Count; l++)
        {
            var padded = cells[l].Select((cell, i) => i >= 1 && i <= rightAligned ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            text.Append(string.Join("  ", padded).TrimEnd()).Append('\n');
            if (l == 0)
            {
                text.Append(rule).Append('\n');
            }
        }

        text.Append(rule).Append('\n');
    }

    /// <summary>The larger value first; what is equal by name, reason, device and shapes, so that the order is always the same.</summary>
    private static int Compare(ProfilerRow a, ProfilerRow b, ProfilerSort sortBy)
    {
        int order = sortBy switch
        {
            ProfilerSort.SelfHostTotal => b.SelfHostTotal.CompareTo(a.SelfHostTotal),
            ProfilerSort.HostTotal => b.HostTotal.CompareTo(a.HostTotal),
            ProfilerSort.HostAverage => b.HostAverage.CompareTo(a.HostAverage),
            ProfilerSort.DeviceTotal => b.DeviceTotal.CompareTo(a.DeviceTotal),
            ProfilerSort.Calls => b.Calls.CompareTo(a.Calls),
            ProfilerSort.Bytes => b.Bytes.CompareTo(a.Bytes),
            _ => 0,
        };
        return order != 0 ? order : string.CompareOrdinal(Key(a), Key(b));

        static string Key(ProfilerRow row) => $"{row.Name}\n{row.Reason}\n{row.Device}\n{row.Shapes}";
    }

    private static TimeSpan Sum(IEnumerable<ProfilerRow> rows, Func<ProfilerRow, TimeSpan> value) =>
        rows.Aggregate(TimeSpan.Zero, (sum, row) => sum + value(row));

    private static string Time(TimeSpan time) => time.TotalMicroseconds switch
    {
        >= 1e6 or <= -1e6 => time.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture) + "s",
        >= 1e3 or <= -1e3 => time.TotalMilliseconds.ToString("F3", CultureInfo.InvariantCulture) + "ms",
        var us => us.ToString("F1", CultureInfo.InvariantCulture) + "us",
    };

    private static string Percent(TimeSpan part, TimeSpan whole) =>
        whole.Ticks > 0 ? (100.0 * part.Ticks / whole.Ticks).ToString("F1", CultureInfo.InvariantCulture) + "%" : "-";

    private static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => ((double)bytes / (1L << 30)).ToString("F2", CultureInfo.InvariantCulture) + " GiB",
        >= 1L << 20 => ((double)bytes / (1L << 20)).ToString("F2", CultureInfo.InvariantCulture) + " MiB",
        >= 1L << 10 => ((double)bytes / (1L << 10)).ToString("F2", CultureInfo.InvariantCulture) + " KiB",
        _ => bytes.ToString(CultureInfo.InvariantCulture) + " B",
    };

    private static string Cut(string name, int width) => name.Length <= width ? name : name[..(width - 3)] + "...";
}
