using System.Globalization;
using System.Text;

namespace Autograd.Gpu.Tests.Maths.Straight;

/// <summary>A value of a function that is being written down: what computes it from earlier ones.</summary>
internal sealed class Traced(Trace trace, string format, params Traced[] inputs)
{
    public Trace Trace { get; } = trace;

    /// <summary>The expression, with a place for each of the inputs.</summary>
    public string Format { get; } = format;

    public Traced[] Inputs { get; } = inputs;

    /// <summary>The name of the variable that holds it, if it has one.</summary>
    public string? Name { get; set; }

    /// <summary>What must stand before it: a call that sets variables.</summary>
    public Traced? Call { get; init; }

    public int Uses { get; set; }

    public bool IsReached { get; set; }

    public bool IsCall { get; init; }
}

/// <summary>The values of one function, in the order in which they are computed, and the text that computes them.</summary>
/// <param name="isWide">Whether numbers are doubles.</param>
/// <param name="takesBranch">What the one condition of the function is to be: it is traced both ways, since a condition on all lanes has no value here.</param>
internal sealed class Trace(bool isWide, bool takesBranch)
{
    /// <summary>An expression of more characters gets a line of its own.</summary>
    private const int MostCharacters = 90;

    private readonly List<Traced> _values = [];
    private readonly Dictionary<string, Traced> _known = [];
    private readonly Dictionary<Traced, int> _numbers = [];
    private Traced? _branch;

    /// <summary>The statement that finds the table of a function that has one.</summary>
    public string? Table { get; set; }

    /// <summary>Whether the function asked for the condition.</summary>
    public bool HasBranch => _branch is not null;

    /// <summary>Notes the condition on which the function ends early; whether it does not here.</summary>
    public bool Branches(string format, params Traced[] inputs)
    {
        _branch = _branch is null
            ? Add(new Traced(this, format, inputs) { IsCall = true })
            : throw new InvalidOperationException("A function with two conditions cannot be written down.");
        return takesBranch;
    }

    public Traced Argument(string name) => Add(new Traced(this, name) { Name = name });

    public Traced Constant(double value)
    {
        string type = isWide ? "double" : "float";
        string text = double.IsNaN(value) ? $"{type}.NaN"
            : double.IsInfinity(value) ? $"{type}.{(value > 0 ? "Positive" : "Negative")}Infinity"
            : isWide ? value.ToString("R", CultureInfo.InvariantCulture) + "d"
            : ((float)value).ToString("R", CultureInfo.InvariantCulture) + "f";
        return Constant(text);
    }

    public Traced Constant(int single, long wide)
    {
        string text = isWide ? wide.ToString(CultureInfo.InvariantCulture) + "L" : single.ToString(CultureInfo.InvariantCulture);
        return Constant(isWide && wide == long.MinValue ? "long.MinValue" : !isWide && single == int.MinValue ? "int.MinValue" : text);
    }

    /// <summary>The value of an expression; the same one is computed once.</summary>
    public Traced Value(string format, params Traced[] inputs)
    {
        string key = format + string.Join(",", inputs.Select(input => _numbers[input]));
        return _known.TryGetValue(key, out var known) ? known : _known[key] = Add(new Traced(this, format, inputs));
    }

    /// <summary>A call that changes copies of its last two inputs; their new values.</summary>
    public (Traced First, Traced Second) Call(string format, params Traced[] inputs)
    {
        var call = Add(new Traced(this, format, inputs) { IsCall = true });
        return (Add(new Traced(this, "") { Call = call }), Add(new Traced(this, "") { Call = call }));
    }

    /// <summary>
    /// The lines that compute <paramref name="result"/> and return it; if <paramref name="otherwise"/> is given, that is returned instead where the condition does not hold.
    /// </summary>
    public string Body(Traced result, string? otherwise = null)
    {
        Reach(result);
        var body = new StringBuilder();
        if (Table is not null)
        {
            body.AppendLine($"        {Table};");
        }

        if (otherwise is not null)
        {
            Reach(_branch!);
        }

        int variables = 0;
        for (int i = 0; i < _values.Count; i++)
        {
            var value = _values[i];
            if (!value.IsReached || value.Call is not null || value.Name is not null || value == _branch)
            {
                continue;
            }

            if (value.IsCall)
            {
                var (first, second) = (_values[i + 1], _values[i + 2]);
                (first.Name, second.Name) = ($"v{++variables}", $"v{++variables}");
                body.AppendLine($"        var {first.Name} = {Text(value.Inputs[^2])};");
                body.AppendLine($"        var {second.Name} = {Text(value.Inputs[^1])};");
                body.AppendLine($"        {Filled(value, [.. value.Inputs[..^2].Select(Text), first.Name, second.Name])};");
            }
            else if (value != result && (value.Uses > 1 || Text(value).Length > MostCharacters))
            {
                string text = Text(value);
                value.Name = $"v{++variables}";
                body.AppendLine($"        var {value.Name} = {text};");
            }
        }

        string condition = otherwise is null ? "" : $"{Text(_branch!)} ? ";
        return body.AppendLine($"        return {condition}{Text(result)}{(otherwise is null ? "" : $" : {otherwise}")};").ToString();
    }

    private static void Reach(Traced value)
    {
        value.Uses++;
        if (value.IsReached)
        {
            return;
        }

        value.IsReached = true;
        foreach (var input in value.Call is { } call ? [call] : value.Inputs)
        {
            Reach(input);
        }
    }

    private static string Text(Traced value) => value.Name ?? Filled(value, [.. value.Inputs.Select(input => IsOperator(value) && IsOperator(input) ? $"({Text(input)})" : Text(input))]);

    /// <summary>Whether its text is an operator between others, not a name or a call.</summary>
    private static bool IsOperator(Traced value) => value.Name is null && value.Format[0] is '{' or '-' or '~';

    private static string Filled(Traced value, object[] inputs) => string.Format(CultureInfo.InvariantCulture, value.Format, inputs);

    private Traced Constant(string text) => Value($"Vector.Create({text})");

    private Traced Add(Traced value)
    {
        _numbers.Add(value, _values.Count);
        _values.Add(value);
        return value;
    }
}
