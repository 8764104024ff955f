namespace Autograd.Gpu.Samples;

/// <summary>Options of the form <c>--name value</c> or <c>--name=value</c>.</summary>
public sealed class CommandLine
{
    private readonly Dictionary<string, string> _values = [];

    /// <summary>Reads the arguments of a program.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="usage">The program's options in a line, for the message: <c>--device cpu|cuda</c>.</param>
    /// <param name="names">The options that there are, without their dashes.</param>
    /// <exception cref="UsageException">An argument is no option, or an option has no value or stands there twice.</exception>
    public CommandLine(IReadOnlyList<string> args, string usage, params ReadOnlySpan<string> names)
    {
        ArgumentNullException.ThrowIfNull(args);
        for (var i = 0; i < args.Count; i++)
        {
            var equals = args[i].IndexOf('=', StringComparison.Ordinal);
            var option = equals < 0 ? args[i] : args[i][..equals];
            if (!option.StartsWith("--", StringComparison.Ordinal) || !names.Contains(option[2..]))
                throw new UsageException($"'{option}' is no option of this program; expected {usage}.");
            if (equals < 0 && i + 1 == args.Count) throw new UsageException($"{option} needs a value; expected {usage}.");
            if (!_values.TryAdd(option[2..], equals < 0 ? args[++i] : args[i][(equals + 1)..]))
                throw new UsageException($"{option} stands there twice; expected {usage}.");
        }
    }

    /// <summary>The value of an option, or null where it was not given.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>The value of an option as <paramref name="parse"/> reads it, whose <see cref="ArgumentException"/> is the user's mistake.</summary>
    /// <exception cref="UsageException">The value is not to be read.</exception>
    public T Value<T>(string name, string otherwise, Func<string, T> parse)
    {
        ArgumentNullException.ThrowIfNull(parse);
        try
        {
            return parse(this[name] ?? otherwise);
        }
        catch (ArgumentException error)
        {
            throw new UsageException($"--{name}: {error.Message}");
        }
    }

    /// <summary>The value of an option that is a whole number.</summary>
    /// <exception cref="UsageException">It is none, or outside the bounds.</exception>
    public int Number(string name, int otherwise, int least, int most = int.MaxValue)
    {
        if (this[name] is not { } text) return otherwise;
        return int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new UsageException(
                $"--{name} takes a whole number from {least}{(most == int.MaxValue ? "" : $" to {most}")}, found '{text}'.");
    }
}

/// <summary>The program was called wrongly. The message is one sentence for the user; the exit code is 2.</summary>
public sealed class UsageException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was expected and what was found.</param>
    public UsageException(string message)
        : base(message)
    {
    }
}
