using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Autograd.Gpu.Tests;

/// <summary>
/// Writes the random program of a seed. Each line runs at once, unfused on the host, so that the writer knows shapes and numbers: it keeps the numbers
/// small, and gives functions with steps and kinks only arguments away from them, where rounding does not decide.
/// </summary>
internal sealed partial class ProgramWriter
{
    private const int MostElements = 40;
    private const double Largest = 4;

    private static readonly Shape[] s_leafShapes = [[], [3], [2, 3], [3, 2], [2, 1, 3], [1], [4, 3], [2, 2, 2], [0, 3], [3, 3]];

    private readonly int _seed;
    private readonly Random _random;
    private readonly DType _dtype;
    private readonly double _margin;
    private readonly List<ProgramStep> _steps = [];
    private readonly List<Value> _values = [];
    private readonly HashSet<int> _frozen = [];

    private ProgramWriter(int seed)
    {
        _seed = seed;
        _random = new Random(seed);
        _dtype = seed % 4 == 3 ? DType.Float32 : DType.Float64;
        _margin = _dtype == DType.Float32 ? 0.02 : 1e-5;
    }

    /// <summary>What an operation means for those who write its arguments and its result.</summary>
    private enum Kind
    {
        /// <summary>The tape keeps nothing.</summary>
        Linear,

        /// <summary>The tape may keep arguments and result: they are not written any more.</summary>
        Computed,
    }

    public static RandomProgram Write(int seed)
    {
        using var mode = Laziness.Set(false);
        var writer = new ProgramWriter(seed);
        writer.WriteLines();
        return new RandomProgram(seed, writer._dtype, writer._steps);
    }

    private void WriteLines()
    {
        int leaves = 2 + _random.Next(3);
        for (int i = 0; i < leaves; i++)
        {
            AddLeaf(i == 0 ? [2, 3] : s_leafShapes[_random.Next(s_leafShapes.Length)]);
        }

        var operations = Operations();
        int length = 5 + _random.Next(36);
        for (int attempts = 0; _steps.Count - leaves < length && attempts < 60 * length; attempts++)
        {
            operations[_random.Next(operations.Length)]();
        }
    }

    private void AddLeaf(Shape shape)
    {
        var numbers = Numbers.Uniform(_random.Next(), shape.NumElements, -2, 2);
        if (_dtype == DType.Float32)
        {
            numbers = Array.ConvertAll(numbers, v => (double)(float)v);
        }

        string text = $"var v{_steps.Count} = Numbers.Of([{string.Join(", ", numbers.Select(v => v.ToString("R")))}], {shape}, DType.{_dtype}, device).RequiresGrad_();";
        _values.Add(new Value(_steps.Count, Numbers.Of(numbers, shape, _dtype, Device.Cpu).RequiresGrad_(), _steps.Count));
        _frozen.Add(_steps.Count);
        _steps.Add(new ProgramStep(text, [], _ => throw new InvalidOperationException("a leaf")) { Leaf = (numbers, shape, _dtype) });
    }

    private bool One(Value a, Kind kind, Func<Tensor, Tensor> apply, object? parameters = null, [CallerArgumentExpression(nameof(apply))] string text = "", [CallerArgumentExpression(nameof(parameters))] string names = "") =>
        Add(Fill(text, names, parameters, a), kind, x => apply(x[0]), a);

    private bool Two(Value a, Value b, Kind kind, Func<Tensor, Tensor, Tensor> apply, object? parameters = null, [CallerArgumentExpression(nameof(apply))] string text = "", [CallerArgumentExpression(nameof(parameters))] string names = "") =>
        Add(Fill(text, names, parameters, a, b), kind, x => apply(x[0], x[1]), a, b);

    private bool Three(Value a, Value b, Value c, Kind kind, Func<Tensor, Tensor, Tensor, Tensor> apply, object? parameters = null, [CallerArgumentExpression(nameof(apply))] string text = "", [CallerArgumentExpression(nameof(parameters))] string names = "") =>
        Add(Fill(text, names, parameters, a, b, c), kind, x => apply(x[0], x[1], x[2]), a, b, c);

    /// <summary>A line that writes over part or all of its first argument.</summary>
    private bool Write(Value target, Value? other, Kind kind, Action<Tensor, Tensor> apply, object? parameters = null, [CallerArgumentExpression(nameof(apply))] string text = "", [CallerArgumentExpression(nameof(parameters))] string names = "")
    {
        Value[] inputs = other is null ? [target] : [target, other];
        Tensor Apply(Tensor[] x)
        {
            apply(x[0], x[^1]);
            return x[0];
        }

        string line = $"{Fill(text, names, parameters, target, other ?? target)};";
        Run(line, Apply, inputs);
        _steps.Add(new ProgramStep(line, Array.ConvertAll(inputs, v => v.Index), Apply) { IsWrite = true });
        if (kind == Kind.Computed)
        {
            _frozen.UnionWith(inputs.Select(v => v.Family));
        }

        if (target.Size() > Largest)
        {
            _steps.Add(new ProgramStep($"{target}.Mul_(0.125);", [target.Index], x => x[0].Mul_(0.125)) { IsWrite = true });
            target.Tensor.Mul_(0.125);
        }

        return true;
    }

    private bool Add(string text, Kind kind, Func<Tensor[], Tensor> apply, params Value[] inputs)
    {
        var result = Run(text, apply, inputs);
        if (result.NumElements > MostElements || result.Rank > 4 || (result.DType.IsFloatingPoint() && result.DType != _dtype))
        {
            return false;
        }

        // An operation that need not copy does not; what shares memory with a value that may not be written may not be written.
        var relative = _values.FirstOrDefault(v => ReferenceEquals(v.Tensor.Storage, result.Storage));
        var value = new Value(_steps.Count, result, relative?.Family ?? _steps.Count) { MayBeWritten = relative is null || inputs.All(v => v.MayBeWritten) };
        double size = 0;
        Run(text, _ =>
        {
            size = value.Size();
            return result;
        }, inputs);
        if (!double.IsFinite(size) || size > 1e4)
        {
            return false;
        }

        _steps.Add(new ProgramStep($"var {value} = {text};", Array.ConvertAll(inputs, v => v.Index), apply));
        if (kind == Kind.Computed)
        {
            _frozen.UnionWith(inputs.Select(v => v.Family));
            _frozen.Add(value.Family);
        }

        if (size > Largest && result.DType.IsFloatingPoint())
        {
            double factor = Math.ScaleB(1, -1 - Math.ILogB(size));
            return One(value, Kind.Linear, x => x * factor, factor);
        }

        _values.Add(value);
        return true;
    }

    private Tensor Run(string line, Func<Tensor[], Tensor> apply, Value[] inputs)
    {
        try
        {
            return apply(Array.ConvertAll(inputs, v => v.Tensor));
        }
        catch (Exception e)
        {
            throw new AssertionException($"Program {_seed} cannot be written: {line} throws {e.GetType().Name}: {e.Message}\n{string.Join('\n', _steps.Select(s => s.Text))}");
        }
    }

    /// <summary>The body of a lambda with the arguments' names and the parameters' values in it.</summary>
    private static string Fill(string lambda, string names, object? parameters, params Value[] arguments)
    {
        var match = Regex.Match(lambda, @"^(?:static )?\(?([\w, ]*)\)? => (.*)$", RegexOptions.Singleline);
        if (!match.Success)
        {
            return lambda;
        }

        string body = match.Groups[2].Value;
        var places = new Dictionary<string, string>();
        foreach (var (name, argument) in match.Groups[1].Value.Split(", ").Zip(arguments))
        {
            places.TryAdd(name, argument.ToString());
        }

        object?[] values = parameters is ITuple tuple ? [.. Enumerable.Range(0, tuple.Length).Select(i => tuple[i])] : [parameters];
        foreach (var (name, value) in names.Trim('(', ')').Split(", ").Zip(values))
        {
            places.TryAdd(name, value is System.Collections.IEnumerable list and not string ? $"[{string.Join(", ", list.Cast<object>())}]" : value?.ToString() ?? "null");
        }

        return Regex.Replace(body, @"(?<![\w.])[a-z]\w*(?!\w*:)", m => places.GetValueOrDefault(m.Value, m.Value));
    }

    /// <summary>A line's result, as the unfused run on the host has it.</summary>
    private sealed record Value(int Index, Tensor Tensor, int Family)
    {
        /// <summary>Whether no two elements share memory, and the view knows its history.</summary>
        public bool MayBeWritten { get; set; } = true;

        public Shape Shape => Tensor.Shape;

        public int Rank => Tensor.Rank;

        public long Count => Tensor.NumElements;

        public double[] Numbers => Tensor.Doubles();

        public double Size() => Tensor.DType.IsFloatingPoint() ? Numbers.Select(v => double.IsNaN(v) ? double.PositiveInfinity : Math.Abs(v)).DefaultIfEmpty(0).Max() : 0;

        public override string ToString() => $"v{Index}";
    }
}
