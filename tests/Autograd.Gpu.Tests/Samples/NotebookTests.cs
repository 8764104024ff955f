using System.Reflection;
using Autograd.Gpu.Samples;

namespace Autograd.Gpu.Tests.Samples;

public sealed class NotebookTests
{
    [Test]
    public void CellsPrintTheirSourceAsItStandsInTheFileAndThenTheirOutput()
    {
        var output = new StringWriter();
        NotebookFixture.Run(new Notebook(Assembly.GetExecutingAssembly(), output), output);
        Assert.That(
            output.ToString().ReplaceLineEndings("\n"),
            Is.EqualTo(
                """"
                hidden
                The first cell.
                In [1]: var braces = "{ } \" notebook.Cell(";
                   ...: // A comment; with { one brace.
                   ...: if (braces.Length > 3)
                   ...: {
                   ...:     output.WriteLine(braces);
                   ...: }
                { } " notebook.Cell(

                The second, with "quotes"); and two lines of prose.
                In [2]: output.WriteLine(braces.Length);
                20

                That was all.
                hidden too

                A "third" one.
                In [3]: output.WriteLine("""
                   ...:     raw { text
                   ...:       indented
                   ...:     """);
                   ...:
                   ...: output.WriteLine('{');
                raw { text
                  indented
                {
                hidden as well

                """".ReplaceLineEndings("\n")));
    }

    [Test]
    public void AMarkerThatIsNotAStatementOfItsOwnIsRefused()
    {
        var notebook = new Notebook(Assembly.GetExecutingAssembly(), TextWriter.Null);
        Assert.That(
            () => NotebookFixture.NotAlone(notebook),
            Throws.TypeOf<NotebookException>().With.Message.Contains("\"Not a statement of its own.\""));
    }

    [Test]
    public void AFileThatIsNotEmbeddedIsNamed()
    {
        var notebook = new Notebook(Assembly.GetExecutingAssembly(), TextWriter.Null);
        Assert.That(
            () => notebook.Cell("No source of this file is embedded."),
            Throws.TypeOf<NotebookException>().With.Message.Contains("NotebookTests.cs").And.Message.Contains("EmbeddedResource"));
    }

    [Test]
    public void TheLastCellGoesToTheEndOfTheFileAndWindowsLineEndsAreRead() =>
        Assert.That(
            CellSource.Extract("n.Cell(\r\n    \"a\");\r\n\r\n  x();\r\n\r\n    y();\t\r\n\r\n", 1, "\"a\""),
            Is.EqualTo(new[] { "x();", "", "  y();" }));

    [Test]
    public void AnotherObjectsCellIsNoMarker() =>
        Assert.That(
            CellSource.Extract("a.Cell(\"1\");\nb.Cell(\"x\");\na.End();\nz();", 1, "\"1\""),
            Is.EqualTo(new[] { "b.Cell(\"x\");" }));

    [Test]
    public void ACellMayBeEmpty() => Assert.That(CellSource.Extract("a.Cell(\"1\");\n\na.End();", 1, "\"1\""), Is.Empty);

    [TestCase(0)]
    [TestCase(2)]
    [TestCase(9)]
    public void ALineWithoutTheMarkerIsAnError(int line) =>
        Assert.That(() => CellSource.Extract("a.Cell(\"1\");\nb();", line, "\"1\""), Throws.TypeOf<NotebookException>());

    [Test]
    public void AFileThatChangedSinceItWasCompiledIsAnError() =>
        Assert.That(() => CellSource.Extract("a.Cell(\"2\");\nb(\"1\");", 1, "\"1\""), Throws.TypeOf<NotebookException>());
}
