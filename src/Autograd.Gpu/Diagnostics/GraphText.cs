using System.Globalization;
using System.Text;

namespace Autograd.Gpu.Diagnostics;

/// <summary>Escapes for the languages in which graphs are written.</summary>
internal static class GraphText
{
    public static string Format(double coordinate) => coordinate.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>A name on one line, without what neither a terminal nor XML can hold.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // Enumeration has already put U+FFFD in the place of lone surrogates.
            bool isForbidden = Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029 or 0xFFFE or 0xFFFF;
            clean.Append(rune.Value is '\n' or '\r' or '\t' ? " " : isForbidden ? "\uFFFD" : rune.ToString());
        }

        return clean.ToString();
    }

    /// <summary>For a quoted string of DOT, in which backslashes escape and entities are read as in HTML.</summary>
    public static string Dot(string line) => line.Replace("&", "&amp;").Replace("\\", "\\\\").Replace("\"", "\\\"");

    /// <summary>
    /// For a quoted label of Mermaid, which reads HTML and Markdown in it: what these could take for their own is written as a number.
    /// </summary>
    public static string Mermaid(string line)
    {
        var text = new StringBuilder(line.Length);
        foreach (char c in line)
        {
            if (c is '"' or '#' or '&' or '<' or '>' or '`' or '*' or '~' or '\\' or ';' or '{' or '}' or '@' or '$')
            {
                text.Append(CultureInfo.InvariantCulture, $"#{(int)c};");
            }
            else
            {
                text.Append(c);
            }
        }

        return text.ToString();
    }
}
