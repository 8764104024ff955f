using System.Globalization;

namespace AutogradRatio;

/// <summary>The table, as Markdown on the console and as CSV.</summary>
internal sealed class Report(Options options)
{
    private readonly List<Result> results = [];

    public string Header() =>
        $"Peer: libtorch {Peer.Version}. {options.Rounds} rounds, {options.Threads} threads a side; times are medians, the ratio is peer / ours.\n\n"
        + Line("workload", "ours", "peer", "ratio", "quartiles", "managed/iter", "bound", "ours of it", "peer of it", "goal", "disturbed") + "\n"
        + "| " + new string('-', 56) + " | " + string.Join(" | ", Enumerable.Repeat("-----------:", 10)) + " |";

    public string Add(Result result)
    {
        results.Add(result);
        if (result.Failure is not null)
            return Line(result.Row.ToString(), "failed", "failed", "", "", "", "", "", "", "", "");
        var ratios = result.Ratios;
        return Line(
            result.Row.ToString(),
            Time(result.Ours?.Median),
            Time(result.Peer?.Median),
            ratios is null ? "" : $"{Samples.Quantile(ratios, 0.5):F2}",
            ratios is null ? "" : $"{Samples.Quantile(ratios, 0.25):F2}..{Samples.Quantile(ratios, 0.75):F2}",
            result.Ours is null ? "" : $"{result.Ours.ManagedBytes:F0} B",
            Time(result.Bound),
            Share(result, result.Ours),
            Share(result, result.Peer),
            Goals.Of(result.Row) is { } goal ? $"{goal:0.0}{(IsShort(result) ? " short" : "")}" : "",
            Disturbed(result));
    }

    /// <summary>How many rows have goals, and which of them are short.</summary>
    public string Summary()
    {
        var judged = results.FindAll(result => result.Ratios is not null && Goals.Of(result.Row) is not null);
        var shortOf = judged.FindAll(IsShort);
        return $"{judged.Count - shortOf.Count} of {judged.Count} rows with a goal reach it, by their ratio or by {Goals.ShareOfBound:P0} of the bound."
            + string.Concat(shortOf.Select(result => $"\n  short: {result.Row}, {Samples.Quantile(result.Ratios!, 0.5):F2} of {Goals.Of(result.Row):0.0}"
                + (result.Bounds is null ? "" : $", {Share(result, result.Ours)} of the bound")));
    }

    /// <summary>Writes what failed, in full; true if something did.</summary>
    public bool WriteFailures(TextWriter output)
    {
        var failed = results.FindAll(result => result.Failure is not null);
        foreach (var result in failed)
            output.WriteLine($"{result.Row}: {result.Failure}");
        return failed.Count > 0;
    }

    /// <summary>Seconds, ratios and bytes, one line a workload; a field is empty where its side did not run.</summary>
    public void WriteCsv(string path)
    {
        using var file = new StreamWriter(path);
        file.WriteLine("group,name,ours_s,ours_min_s,peer_s,peer_min_s,ratio,ratio_q1,ratio_q3,ratio_min,ratio_max,ours_managed_bytes,peer_managed_bytes,bound_s,ours_of_bound,peer_of_bound,goal");
        foreach (var result in results)
        {
            var ratios = result.Ratios;
            double?[] numbers =
            [
                result.Ours?.Median, result.Ours?.Seconds.Min(), result.Peer?.Median, result.Peer?.Seconds.Min(),
                .. new[] { 0.5, 0.25, 0.75, 0, 1 }.Select(q => ratios is null ? (double?)null : Samples.Quantile(ratios, q)),
                result.Ours?.ManagedBytes, result.Peer?.ManagedBytes, result.Bound, result.ShareOfBound(result.Ours), result.ShareOfBound(result.Peer), Goals.Of(result.Row),
            ];
            var fields = numbers.Select(number => number?.ToString("G6", CultureInfo.InvariantCulture) ?? "");
            file.WriteLine($"{Quoted(result.Row.Group)},{Quoted(result.Row.Name)},{string.Join(',', fields)}");
        }
    }

    private bool IsShort(Result result) =>
        result.Ratios is { } ratios && Goals.Of(result.Row) is { } goal
        && Goals.IsShort(goal, Samples.Quantile(ratios, 0.5), result.ShareOfBound(result.Ours));

    private static string Quoted(string text) => text.Contains(',') ? $"\"{text}\"" : text;

    private static string Line(string name, params string[] cells) => $"| {name,-56} | {string.Join(" | ", cells.Select(cell => $"{cell,12}"))} |";

    private static string Share(Result result, Samples? side) => result.ShareOfBound(side) is { } share ? $"{share:P0}" : "";

    /// <summary>Samples during which this process waited for cores, of all.</summary>
    private static string Disturbed(Result result)
    {
        if (!Contention.Known)
            return "not known";
        Samples?[] sides = [result.Ours, result.Peer];
        return $"{sides.Sum(side => side?.Disturbed ?? 0)} of {sides.Sum(side => side?.Seconds.Length ?? 0)}";
    }

    private static string Time(double? seconds) => seconds switch
    {
        null => "",
        < 1e-3 => $"{seconds * 1e6:G3} µs",
        < 1e-1 => $"{seconds * 1e3:F2} ms",
        _ => $"{seconds * 1e3:F0} ms",
    };
}
