using Autograd.Gpu.Samples;

namespace Autograd.Gpu.Tests.Samples;

/// <summary>Embedded into the tests, so that NotebookTests can compare what it prints with how it stands here.</summary>
internal static class NotebookFixture
{
    public static void Run(Notebook notebook, TextWriter output)
    {
        output.WriteLine("hidden");

        notebook.Cell("The first cell.");
        var braces = "{ } \" notebook.Cell(";
        // A comment; with { one brace.
        if (braces.Length > 3)
        {
            output.WriteLine(braces);
        }

        notebook.Cell(
            "The second, with \"quotes\"); and "
            + "two lines of prose."); // and a remark
        output.WriteLine(braces.Length);
        notebook.End("That was all.");

        output.WriteLine("hidden too");

        notebook.Cell("""A "third" one.""");
        output.WriteLine("""
            raw { text
              indented
            """);

        output.WriteLine('{');
        notebook.End();
        output.WriteLine("hidden as well");
    }

    public static void NotAlone(Notebook notebook) => notebook.Cell("Not a statement of its own.");
}
