namespace Autograd.Gpu.Samples.CharGpt;

/// <summary>A text as numbers of its characters: nine tenths to learn from, the rest to judge by.</summary>
internal sealed class Corpus
{
    private readonly Dictionary<char, int> _numbers;

    private Corpus(string name, string text)
    {
        Name = name;
        Characters = [.. text.Distinct().Order()];
        _numbers = Characters.Select((character, number) => (character, number)).ToDictionary(pair => pair.character, pair => pair.number);
        var all = Array.ConvertAll(text.ToCharArray(), character => (long)_numbers[character]);
        var split = all.Length / 10 * 9;
        (Train, Validation) = (all[..split], all[split..]);
    }

    /// <summary>Where the text is from.</summary>
    public string Name { get; }

    /// <summary>The characters that occur, each at the place of its number.</summary>
    public char[] Characters { get; }

    public long[] Train { get; }

    public long[] Validation { get; }

    /// <summary>Reads a file, or this repository's sources where none is named.</summary>
    /// <param name="path">The file, or null.</param>
    /// <param name="least">Characters that the smaller part must have.</param>
    /// <exception cref="DataException">There is no such text, or it is too short.</exception>
    public static Corpus Read(string? path, int least)
    {
        try
        {
            return path is null ? OfSources(least) : Of(Path.GetFileName(path), File.ReadAllText(path), least);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path ?? "the repository"} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>A text that is there.</summary>
    /// <exception cref="DataException">It is too short.</exception>
    public static Corpus Of(string name, string text, int least)
    {
        text = text.ReplaceLineEndings("\n");
        return text.Length / 10 >= least
            ? new Corpus(name, text)
            : throw new DataException($"{name} is too short: expected at least {10 * least} characters, found {text.Length}.");
    }

    /// <summary>The numbers of a text's characters; those that do not occur in the corpus are left out.</summary>
    public long[] Encode(string text) => [.. text.Where(_numbers.ContainsKey).Select(character => (long)_numbers[character])];

    private static Corpus OfSources(int least)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Autograd.Gpu.sln"))) continue;
            var files = new[] { "src", "kernels", "samples" }
                .SelectMany(part => Directory.EnumerateFiles(Path.Combine(folder.FullName, part), "*.cs", SearchOption.AllDirectories))
                .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
                .Order(StringComparer.Ordinal)
                .ToArray();

            // In one fixed mixed order, so that the last tenth is of all parts.
            new Random(0).Shuffle(files);
            return Of("this repository's sources", string.Join("\n", files.Select(File.ReadAllText)), least);
        }

        throw new DataException("This repository's sources are not here: expected a folder above the program with Autograd.Gpu.sln in it. Name a text with --data FILE.");
    }
}
