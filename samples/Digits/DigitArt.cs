using System.Text;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>Draws grey images with block characters: a character holds two pixels, one above the other.</summary>
internal static class DigitArt
{
    private const int Gap = 2;

    /// <summary>Draws an image as lines of text, <paramref name="columns"/> characters wide and half as many lines as rows.</summary>
    /// <param name="pixels">Row-major bytes, 0 background, 255 ink.</param>
    /// <param name="rows">Height; an odd last row stands in the upper half of its line.</param>
    /// <param name="columns">Width.</param>
    /// <param name="threshold">The darkest byte that is drawn.</param>
    /// <exception cref="ArgumentException">The number of pixels is not rows x columns.</exception>
    public static string[] Draw(ReadOnlySpan<byte> pixels, int rows, int columns, byte threshold = 96)
    {
        if (pixels.Length != rows * columns)
            throw new ArgumentException($"[draw] expected {rows} x {columns} = {rows * columns} pixels, found {pixels.Length}.");

        var lines = new string[(rows + 1) / 2];
        var line = new StringBuilder(columns);
        for (var i = 0; i < lines.Length; i++)
        {
            line.Clear();
            for (var column = 0; column < columns; column++)
            {
                var upper = pixels[(2 * i * columns) + column] >= threshold;
                var lower = (2 * i) + 1 < rows && pixels[(((2 * i) + 1) * columns) + column] >= threshold;
                line.Append((upper, lower) switch
                {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    _ => ' ',
                });
            }

            lines[i] = line.ToString();
        }

        return lines;
    }

    /// <summary>Sets drawings side by side, as many as fit the width, each with its caption above it.</summary>
    /// <param name="drawings">Each of the same number of lines, as <see cref="Draw"/> gives them.</param>
    /// <param name="width">Characters in a line; at least one drawing stands in it in any case.</param>
    /// <returns>Lines without blanks at their ends.</returns>
    public static IEnumerable<string> Gallery(IReadOnlyList<(string Caption, string[] Lines)> drawings, int width)
    {
        if (drawings.Count == 0) yield break;
        var cell = drawings.Max(drawing => Math.Max(drawing.Caption.Length, drawing.Lines.Max(line => line.Length)));
        var perRow = Math.Max(1, (width + Gap) / (cell + Gap));
        foreach (var row in drawings.Chunk(perRow))
        {
            yield return Join(row.Select(drawing => drawing.Caption));
            for (var i = 0; i < row[0].Lines.Length; i++) yield return Join(row.Select(drawing => drawing.Lines[i]));
        }

        string Join(IEnumerable<string> parts) =>
            string.Join(new string(' ', Gap), parts.Select(part => part.PadRight(cell))).TrimEnd();
    }
}
