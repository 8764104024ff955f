using Autograd.Gpu.Samples.Digits;
using Spectre.Console;

namespace Autograd.Gpu.Tests.Samples;

public sealed class DigitDisplayTests
{
    [Test]
    public void ACharacterHoldsTwoPixels() =>
        Assert.That(
            DigitArt.Draw([255, 255, 0, 0, 255, 0, 255, 95, 96, 0, 0, 0], 3, 4),
            Is.EqualTo(new[] { "█▀▄ ", "▀   " }));

    [Test]
    public void AnImageOfAnotherSizeIsRefused() =>
        Assert.That(() => DigitArt.Draw(new byte[5], 2, 3), Throws.ArgumentException.With.Message.Contains("2 x 3 = 6 pixels, found 5"));

    [Test]
    public void AGalleryWrapsAtTheWidth()
    {
        (string, string[])[] drawings = [("one", ["a ", "b "]), ("two", ["c", "d"]), ("three", ["e", "f"])];
        Assert.That(
            DigitArt.Gallery(drawings, 12),
            Is.EqualTo(new[] { "one    two", "a      c", "b      d", "three", "e", "f" }));
        Assert.That(DigitArt.Gallery(drawings, 11), Has.Exactly(9).Items);
        Assert.That(DigitArt.Gallery([], 80), Is.Empty);
    }

    [Test]
    public void ConfusionsAreCounted()
    {
        var counts = ConfusionTable.Count([0, 1, 1, 2], [0, 1, 2, 2], 3);
        Assert.That(counts, Is.EqualTo(new[,] { { 1, 0, 0 }, { 0, 1, 1 }, { 0, 0, 1 } }));
        Assert.That(() => ConfusionTable.Count([0, 1], [0]), Throws.ArgumentException.With.Message.Contains("2 labels, found 1"));
        Assert.That(() => ConfusionTable.Count([0], [10]), Throws.ArgumentException.With.Message.Contains("prediction 10 at 0"));
    }

    [Test]
    public void TheTableOfAllOfMnistFitsEightyColumns()
    {
        var counts = new int[10, 10];
        for (var i = 0; i < 100; i++) counts[i / 10, i % 10] = i == 42 ? 0 : 5000 + i;
        counts[9, 9] = 0;
        var text = Rendered(counts);
        Assert.That(text.Split('\n'), Has.All.Length.LessThanOrEqualTo(80));
        Assert.That(text, Does.Contain("4 5040 5041    . 5043"));
        Assert.That(text, Does.Contain("11.1 %"));
    }

    [Test]
    public void AClassThatDoesNotOccurHasNoRecall() =>
        Assert.That(Rendered(new[,] { { 3, 1 }, { 0, 0 } }), Does.Contain("0 3 1 75.0 %").And.Contain("1 . .      -"));

    private static string Rendered(int[,] counts)
    {
        var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = 80;
        console.Write(ConfusionTable.Render(counts));
        return output.ToString().ReplaceLineEndings("\n");
    }
}
