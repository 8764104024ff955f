using System.Globalization;
using Spectre.Console;

namespace Autograd.Gpu.Samples.Digits;

/// <summary>Which digit was taken for which.</summary>
internal static class ConfusionTable
{
    /// <summary>Counts: row the true class, column the predicted one.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a class is outside 0 to <paramref name="classes"/> - 1.</exception>
    public static int[,] Count(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> predictions, int classes = 10)
    {
        if (labels.Length != predictions.Length)
        {
            throw new ArgumentException(
                $"[confusion] expected a prediction for each of {labels.Length} labels, found {predictions.Length}.", nameof(predictions));
        }

        var counts = new int[classes, classes];
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= classes || predictions[i] >= classes)
            {
                throw new ArgumentException(
                    $"[confusion] expected classes below {classes}, found label {labels[i]} and prediction {predictions[i]} at {i}.");
            }

            counts[labels[i], predictions[i]]++;
        }

        return counts;
    }

    /// <summary>A table of the counts with each true digit's recall; zeros are dots, so that the mistakes stand out.</summary>
    /// <param name="counts">Square, as <see cref="Count"/> gives them.</param>
    public static Table Render(int[,] counts)
    {
        var classes = counts.GetLength(0);
        var table = new Table().Border(TableBorder.Simple).Title("true digit (rows) read as (columns)");
        table.AddColumn(new TableColumn("").RightAligned().Padding(0, 1));
        for (var predicted = 0; predicted < classes; predicted++)
            table.AddColumn(new TableColumn($"[bold]{predicted}[/]").RightAligned().Padding(0, 1));
        table.AddColumn(new TableColumn("recall").RightAligned().Padding(0, 0));

        for (var label = 0; label < classes; label++)
        {
            var cells = new List<Markup> { new($"[bold]{label}[/]") };
            var total = 0;
            for (var predicted = 0; predicted < classes; predicted++)
            {
                var count = counts[label, predicted];
                total += count;
                var style = count == 0 ? "grey" : label == predicted ? "green" : "red";
                cells.Add(new Markup($"[{style}]{(count == 0 ? "." : count.ToString(CultureInfo.InvariantCulture))}[/]"));
            }

            var recall = total == 0 ? "-" : (100.0 * counts[label, label] / total).ToString("F1", CultureInfo.InvariantCulture) + " %";
            cells.Add(new Markup(recall));
            table.AddRow(cells);
        }

        return table;
    }
}
