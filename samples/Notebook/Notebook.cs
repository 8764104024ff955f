using System.Reflection;
using System.Runtime.CompilerServices;

namespace Autograd.Gpu.Samples;

/// <summary>
/// Turns straight-line code into a console notebook. <c>notebook.Cell("prose");</c> prints the prose and then the statements that
/// follow it, as they stand in the file, up to the next <c>Cell</c> or <c>End</c>; those statements then run and print their
/// output themselves. Cells are not lambdas, so that one cell's variables are there in the next, as in a notebook.
/// </summary>
/// <remarks>
/// The source comes from an embedded resource named like the file (see <c>samples/Directory.Build.targets</c>). Output that is
/// redirected is plain text; on a terminal the prose and prompts are coloured unless <c>NO_COLOR</c> is set.
/// </remarks>
public sealed class Notebook
{
    private const ConsoleColor ProseColor = ConsoleColor.Cyan;
    private const ConsoleColor PromptColor = ConsoleColor.Green;

    private readonly Assembly _assembly;
    private readonly TextWriter _output;
    private readonly bool _coloured;
    private readonly Dictionary<string, string> _sources = [];
    private int _cells;

    /// <summary>Creates a notebook that prints to the console.</summary>
    /// <param name="assembly">The assembly in which the source is embedded: <c>typeof(Program).Assembly</c>.</param>
    public Notebook(Assembly assembly)
        : this(assembly, Console.Out)
    {
        _coloured = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
    }

    /// <summary>Creates a notebook that prints plain text to a writer.</summary>
    /// <param name="assembly">The assembly in which the source is embedded.</param>
    /// <param name="output">Takes prose and sources; the cells write where they like.</param>
    public Notebook(Assembly assembly, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        ArgumentNullException.ThrowIfNull(output);
        _assembly = assembly;
        _output = output;
    }

    /// <summary>Begins a cell: prints <paramref name="prose"/> and the source of the statements that follow.</summary>
    /// <param name="prose">What the cell shows, in a sentence or a few lines.</param>
    /// <param name="proseText">Given by the compiler.</param>
    /// <param name="file">Given by the compiler.</param>
    /// <param name="line">Given by the compiler.</param>
    /// <exception cref="NotebookException">The file is not embedded, or the call is not a statement on lines of its own.</exception>
    public void Cell(
        string prose,
        [CallerArgumentExpression(nameof(prose))] string proseText = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        var source = CellSource.Extract(Source(file), line, proseText);
        End(prose);
        _cells++;
        var prompt = $"In [{_cells}]: ";
        var continuation = "...: ".PadLeft(prompt.Length);
        for (var i = 0; i < source.Length; i++)
        {
            if (source[i].Length == 0)
            {
                Write(continuation.TrimEnd() + Environment.NewLine, PromptColor);
                continue;
            }

            Write(i == 0 ? prompt : continuation, PromptColor);
            Write(source[i] + Environment.NewLine, null);
        }
    }

    /// <summary>Ends the cell above: what follows runs without being shown, up to the next cell.</summary>
    /// <param name="prose">Closing words; empty for none.</param>
    public void End(string prose = "")
    {
        ArgumentNullException.ThrowIfNull(prose);
        if (prose.Length == 0) return;
        Write((_cells > 0 ? Environment.NewLine : "") + prose.ReplaceLineEndings() + Environment.NewLine, ProseColor);
    }

    private string Source(string file)
    {
        // The path was right where the sample was compiled, on Windows perhaps; here only its last part means something.
        var name = file[(file.LastIndexOfAny(['/', '\\']) + 1)..];
        if (_sources.TryGetValue(name, out var source)) return source;
        using var stream = _assembly.GetManifestResourceStream(name) ?? throw new NotebookException(
            $"[notebook] expected {name} to be embedded in {_assembly.GetName().Name}, which holds "
            + $"[{string.Join(", ", _assembly.GetManifestResourceNames())}]: add <EmbeddedResource Include=\"{name}\" "
            + $"LogicalName=\"{name}\" /> to its project.");
        using var reader = new StreamReader(stream);
        return _sources[name] = reader.ReadToEnd();
    }

    private void Write(string text, ConsoleColor? color)
    {
        if (!_coloured || color is null)
        {
            _output.Write(text);
            return;
        }

        Console.ForegroundColor = color.Value;
        _output.Write(text);
        Console.ResetColor();
    }
}
