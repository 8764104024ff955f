namespace Autograd.Gpu.Operations;

/// <summary>
/// The notation of <c>einsum</c>, read: for each dimension of each operand its label, and the labels of the result. Letters are 0 to 51 (A to Z, then a to z); the
/// dimensions that ellipses stand for follow, aligned at the last.
/// </summary>
internal sealed class EinsumEquation
{
    private const int Ellipsis = -1, Letters = 52, Unseen = -1;

    private readonly string _equation;
    private readonly IReadOnlyList<Tensor> _operands;
    private readonly long[] _sizes = new long[128];
    private int _ellipsisDims;

    private EinsumEquation(string equation, IReadOnlyList<Tensor> operands)
    {
        _equation = equation;
        _operands = operands;
        Array.Fill(_sizes, Unseen);
        int arrow = equation.IndexOf("->", StringComparison.Ordinal);
        Inputs = ReadInputs(arrow < 0 ? equation.Length : arrow);
        Output = arrow < 0 ? Implicit() : ReadOutput(arrow + 2);
    }

    /// <summary>The labels of each operand's dimensions.</summary>
    public int[][] Inputs { get; }

    /// <summary>The labels of the result's dimensions.</summary>
    public int[] Output { get; }

    public static EinsumEquation Read(string equation, IReadOnlyList<Tensor> operands) => new(equation, operands);

    /// <summary>The letters for numbers of subscripts; -1 is an ellipsis.</summary>
    public static string Term(IEnumerable<int> subscripts) => string.Concat(subscripts.Select(
        s => s == Ellipsis ? "..." : s is >= 0 and < Letters ? Letter(s).ToString() : throw Error(
            $"subscript {s} in subscript list is not within the valid range [0, {Letters}), nor -1 for an ellipsis.")));

    private static ShapeException Error(string message) => new($"Einsum: einsum(): {message}");

    private static char Letter(int label) => (char)(label < 26 ? 'A' + label : 'a' + label - 26);

    private int[][] ReadInputs(int end)
    {
        var terms = new List<List<int>> { new() };
        for (int i = 0; i < end; i++)
        {
            if (_equation[i] == ',')
            {
                terms.Add([]);
            }
            else
            {
                i = ReadSubscript(i, end, terms[^1], terms.Count - 1);
            }
        }

        if (_operands.Count == 0)
        {
            throw Error("must provide at least one operand.");
        }

        if (terms.Count != _operands.Count)
        {
            throw Error(
                $"{(_operands.Count < terms.Count ? "fewer" : "more")} operands were provided than specified in the equation: {_operands.Count} for the {terms.Count} of \"{_equation}\".");
        }

        for (int k = 0; k < terms.Count; k++)
        {
            bool hasEllipsis = terms[k].Contains(Ellipsis);
            int covered = _operands[k].Rank - terms[k].Count + (hasEllipsis ? 1 : 0);
            if (!hasEllipsis && covered != 0)
            {
                throw Error(
                    $"the number of subscripts in the equation ({terms[k].Count}) does not match the number of dimensions ({_operands[k].Rank}) for operand {k} and no ellipsis "
                    + $"was given (\"{_equation}\", shape {_operands[k].Shape}).");
            }

            if (covered < 0)
            {
                throw Error(
                    $"the number of subscripts in the equation ({terms[k].Count - 1}) is more than the number of dimensions ({_operands[k].Rank}) for operand {k} "
                    + $"(\"{_equation}\", shape {_operands[k].Shape}).");
            }

            _ellipsisDims = Math.Max(_ellipsisDims, covered);
        }

        return [.. terms.Select(Labelled)];
    }

    /// <summary>The labels with the ellipsis spelled out, their sizes noted and compared.</summary>
    private int[] Labelled(List<int> term, int operand)
    {
        var shape = _operands[operand].Shape;
        int at = term.IndexOf(Ellipsis), covered = shape.Rank - term.Count + (at < 0 ? 0 : 1);
        int[] labels = at < 0 ? [.. term] : [.. term[..at], .. Enumerable.Range(Letters + _ellipsisDims - covered, covered), .. term[(at + 1)..]];
        for (int d = 0; d < labels.Length; d++)
        {
            int label = labels[d], before = Array.IndexOf(labels, label);
            if (shape[before] != shape[d])
            {
                throw Error(
                    $"subscript {Letter(label)} is repeated for operand {operand} but the sizes don't match, {shape[d]} != {shape[before]} (\"{_equation}\", shape {shape}).");
            }

            long seen = _sizes[label];
            if (shape[d] != 1 && seen is not (Unseen or 1) && shape[d] != seen)
            {
                throw Error(
                    label < Letters
                        ? $"subscript {Letter(label)} has size {shape[d]} for operand {operand} which does not broadcast with previously seen size {seen} (\"{_equation}\")."
                        : $"dimension {d} covered by the ellipsis has size {shape[d]} for operand {operand} which does not broadcast with previously seen size {seen} (\"{_equation}\").");
            }

            _sizes[label] = seen is 1 or Unseen ? shape[d] : seen;
        }

        return labels;
    }

    /// <summary>Without an arrow: what ellipses stand for, then the letters that occur once, in alphabetical order.</summary>
    private int[] Implicit()
    {
        var counts = new int[Letters];
        foreach (int[] labels in Inputs)
        {
            foreach (int label in labels)
            {
                counts[Math.Min(label, Letters - 1)] += label < Letters ? 1 : 0;
            }
        }

        return [.. Enumerable.Range(Letters, _ellipsisDims), .. Enumerable.Range(0, Letters).Where(l => counts[l] == 1)];
    }

    private int[] ReadOutput(int start)
    {
        var labels = new List<int>();
        for (int i = start; i < _equation.Length; i++)
        {
            i = ReadSubscript(i, _equation.Length, labels, null);
        }

        for (int i = 0; i < labels.Count; i++)
        {
            if (labels[i] != Ellipsis && labels.IndexOf(labels[i]) < i)
            {
                throw Error($"output subscript {Letter(labels[i])} appears more than once in the output (\"{_equation}\").");
            }

            if (labels[i] != Ellipsis && _sizes[labels[i]] == Unseen)
            {
                throw Error($"output subscript {Letter(labels[i])} does not appear in the equation for any input operand (\"{_equation}\").");
            }
        }

        return [.. labels.SelectMany(l => l == Ellipsis ? Enumerable.Range(Letters, _ellipsisDims) : [l])];
    }

    /// <summary>Reads what stands at <paramref name="at"/> for an operand or, without a number, the output, and returns where it ends.</summary>
    private int ReadSubscript(int at, int end, List<int> labels, int? operand)
    {
        char c = _equation[at];
        switch (c)
        {
            case ' ':
                return at;
            case '.' when labels.Contains(Ellipsis):
                throw Error($"found '.' for {(operand is null ? "output but" : $"operand {operand} for which")} an ellipsis was already found (\"{_equation}\").");
            case '.' when at + 2 < end && _equation[at + 1] == '.' && _equation[at + 2] == '.':
                labels.Add(Ellipsis);
                return at + 2;
            case '.':
                throw Error($"found '.' for {(operand is null ? "output" : $"operand {operand}")} that is not part of any ellipsis (\"{_equation}\").");
            case >= 'A' and <= 'Z':
                labels.Add(c - 'A');
                return at;
            case >= 'a' and <= 'z':
                labels.Add(c - 'a' + 26);
                return at;
            default:
                throw Error($"invalid subscript given at index {at} in the equation string, subscripts must be in [a-zA-Z] ('{c}' in \"{_equation}\").");
        }
    }
}
