using ScottPlot;

namespace Autograd.Gpu.Samples.CharGpt;

/// <summary>The losses of a training, drawn as a picture and in characters.</summary>
internal static class LossChart
{
    /// <summary>Writes a PNG of both losses over the steps.</summary>
    public static void Save(string path, IReadOnlyList<TrainingState> states)
    {
        using var plot = new Plot();
        var train = plot.Add.Scatter(states.Select(s => (double)s.Step).ToArray(), states.Select(s => s.Loss).ToArray());
        train.LegendText = "training";
        train.MarkerSize = 0;
        train.LineWidth = 2;
        var checks = states.Where(s => s.IsCheck).ToArray();
        var validation = plot.Add.Scatter(checks.Select(s => (double)s.Step).ToArray(), checks.Select(s => s.ValidationLoss).ToArray());
        validation.LegendText = "validation";
        validation.LineWidth = 2;
        validation.MarkerSize = 6;
        plot.XLabel("step");
        plot.YLabel("nats a character");
        plot.ShowLegend(Alignment.UpperRight);
        plot.SavePng(path, 900, 540);
    }

    /// <summary>The training loss over the steps in braille, two dots across and four down for each character.</summary>
    /// <param name="values">What to draw, from left to right.</param>
    /// <param name="width">Characters across, those of the scale not counted.</param>
    /// <param name="height">Lines.</param>
    public static string[] Draw(IReadOnlyList<double> values, int width, int height)
    {
        if (values.Count == 0) return [];
        var (low, high) = (values.Min(), values.Max());
        var range = high > low ? high - low : 1;
        var (columns, rows) = (2 * width, 4 * height);
        var dots = new int[height, width];
        var previous = -1;
        for (var x = 0; x < columns; x++)
        {
            var place = x * (values.Count - 1) / (double)Math.Max(1, columns - 1);
            var (left, right) = (values[(int)place], values[Math.Min((int)place + 1, values.Count - 1)]);
            var value = left + ((right - left) * (place - (int)place));
            var y = (int)Math.Round((high - value) / range * (rows - 1));

            // A steep piece is a line, not dots far apart.
            var from = previous < 0 ? y : previous + Math.Sign(y - previous);
            for (var at = Math.Min(from, y); at <= Math.Max(from, y); at++) dots[at / 4, x / 2] |= Dot(x % 2, at % 4);
            previous = y;
        }

        var lines = new string[height];
        for (var line = 0; line < height; line++)
        {
            var label = line == 0 ? $"{high,6:F2}" : line == height - 1 ? $"{low,6:F2}" : new string(' ', 6);
            lines[line] = $"{label} ┤{string.Concat(Enumerable.Range(0, width).Select(x => (char)(0x2800 + dots[line, x])))}".TrimEnd('\u2800');
        }

        return lines;
    }

    // The order of Unicode's braille patterns: 1 2 3 down on the left, 4 5 6 on the right, 7 and 8 below.
    private static int Dot(int column, int row) => row == 3 ? 0x40 << column : 1 << (row + (3 * column));
}
