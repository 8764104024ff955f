using System.Text.RegularExpressions;

namespace Autograd.Gpu.Samples;

/// <summary>Finds a cell's text in the file that it stands in.</summary>
internal static partial class CellSource
{
    /// <summary>
    /// The statements from behind the marker <c>name.Cell(prose);</c> up to the next <c>name.Cell(</c> or <c>name.End(</c>,
    /// without the indentation that all of them share and without blank lines around them.
    /// </summary>
    /// <param name="source">The whole file.</param>
    /// <param name="line">The line, from 1, of the marker's call.</param>
    /// <param name="prose">The marker's argument as it stands in the file; it may span lines.</param>
    /// <exception cref="NotebookException">The file has no such marker there, so it is not the file that was compiled.</exception>
    public static string[] Extract(string source, int line, string prose)
    {
        var lines = SplitLines(source);
        var marker = line >= 1 && line <= lines.Length ? Marker().Match(lines[line - 1]) : Match.Empty;
        if (!marker.Success) throw NoMarker(line, prose);

        // The compiler hands the argument over verbatim: searching for it finds the call's end without parsing C#.
        var rest = string.Join('\n', lines[(line - 1)..]);
        var argument = string.Join('\n', SplitLines(prose));
        var at = rest.IndexOf(argument, marker.Length, StringComparison.Ordinal);
        if (at < 0 || !string.IsNullOrWhiteSpace(rest[marker.Length..at])) throw NoMarker(line, prose);
        var end = CallEnd().Match(rest, at + argument.Length);
        if (!end.Success) throw NoMarker(line, prose);

        var name = marker.Groups["name"].Value;
        var body = SplitLines(rest[(end.Index + end.Length)..])
            .TakeWhile(text => Marker().Match(text) is not { Success: true } next || next.Groups["name"].Value != name);
        return Dedent([.. body]);
    }

    private static string[] SplitLines(string text) => text.ReplaceLineEndings("\n").Split('\n');

    private static string[] Dedent(string[] lines)
    {
        var first = Array.FindIndex(lines, text => !string.IsNullOrWhiteSpace(text));
        if (first < 0) return [];
        var last = Array.FindLastIndex(lines, text => !string.IsNullOrWhiteSpace(text));
        var body = lines[first..(last + 1)];
        var indent = body.Where(text => !string.IsNullOrWhiteSpace(text)).Min(text => text.Length - text.TrimStart(' ').Length);
        return Array.ConvertAll(body, text => string.IsNullOrWhiteSpace(text) ? "" : text[indent..].TrimEnd());
    }

    private static NotebookException NoMarker(int line, string prose) => new(
        $"[notebook] expected a call like notebook.Cell({prose}); alone on line {line} of the embedded source and found none: "
        + "start the marker on a line of its own, end it with ');' and rebuild, so that the embedded file is the compiled one.");

    [GeneratedRegex(@"^\s*(?<name>\w+)\s*\.\s*(Cell|End)\s*\(")]
    private static partial Regex Marker();

    [GeneratedRegex(@"\G\s*\)\s*;[ \t]*(//[^\n]*)?(\n|\z)")]
    private static partial Regex CallEnd();
}
