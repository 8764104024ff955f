using System.Globalization;

namespace Autograd.Gpu.Printing;

/// <summary>
/// The elements of a tensor as text, right-aligned to a common width. The width comes from the non-zero finite elements
/// alone, as in PyTorch: <c>inf</c> and <c>nan</c> may be wider than their column.
/// </summary>
internal readonly record struct Cells(string[] Texts, int Width)
{
    public static Cells OfBooleans(long[] values) => Pad(Array.ConvertAll(values, value => value != 0 ? "True" : "False"));

    public static Cells OfIntegers(long[] values) =>
        Pad(Array.ConvertAll(values, value => value.ToString(CultureInfo.InvariantCulture)));

    public static Cells OfFloats(double[] values)
    {
        var regular = Array.FindAll(values, value => double.IsFinite(value) && value != 0);
        var (integral, scientific) = Mode(regular);

        string Text(double value) =>
            double.IsNaN(value) ? "nan"
            : double.IsInfinity(value) ? (value > 0 ? "inf" : "-inf")
            : scientific ? Scientific(value)
            : integral ? value.ToString("F0", CultureInfo.InvariantCulture) + "."
            : value.ToString("F4", CultureInfo.InvariantCulture);

        var width = 1;
        foreach (var value in regular) width = Math.Max(width, Text(value).Length);
        return new Cells(Array.ConvertAll(values, value => Text(value).PadLeft(width)), width);
    }

    private static (bool Integral, bool Scientific) Mode(double[] regular)
    {
        if (regular.Length == 0) return (true, false);
        var integral = true;
        var (smallest, largest) = (double.PositiveInfinity, 0.0);
        foreach (var value in regular)
        {
            integral &= value == Math.Ceiling(value);
            smallest = Math.Min(smallest, Math.Abs(value));
            largest = Math.Max(largest, Math.Abs(value));
        }

        return (integral, largest / smallest > 1000 || largest > 1e8 || (!integral && smallest < 1e-4));
    }

    /// <summary>Four decimals and an exponent of two digits or more; .NET's E format has always three.</summary>
    private static string Scientific(double value)
    {
        var text = value.ToString("E4", CultureInfo.InvariantCulture);
        var mark = text.IndexOf('E');
        var exponent = int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return string.Create(
            CultureInfo.InvariantCulture, $"{text.AsSpan(0, mark)}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    private static Cells Pad(string[] texts)
    {
        var width = texts.Max(text => text.Length);
        return new Cells(Array.ConvertAll(texts, text => text.PadLeft(width)), width);
    }
}
