using System.Globalization;

namespace Autograd.Gpu.Diagnostics;

/// <summary>What a node of an <see cref="AutogradGraph"/> stands for.</summary>
public enum GraphNodeKind
{
    /// <summary>A tensor that the graph was asked for.</summary>
    Output,

    /// <summary>A recorded operation.</summary>
    Operation,

    /// <summary>The accumulator of a leaf: where a gradient ends.</summary>
    Leaf,

    /// <summary>All the nodes beyond <see cref="GraphOptions.MaxNodes"/>.</summary>
    Elided,
}

/// <summary>A node of an <see cref="AutogradGraph"/>.</summary>
/// <param name="Id">Its position in <see cref="AutogradGraph.Nodes"/>.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Title">The name of the tape's node, <c>MulBackward0</c>; of an output, its name.</param>
/// <param name="Name">The name that the program gave to the leaf or to the operation's result, or null.</param>
/// <param name="Values">Shape and dtype of each value that it made.</param>
/// <param name="SavedTensors">What it keeps for its derivative.</param>
/// <param name="Function">The tape's node; null for outputs and for what is not drawn.</param>
public sealed record GraphNode(
    int Id,
    GraphNodeKind Kind,
    string Title,
    string? Name,
    IReadOnlyList<(Shape Shape, DType DType)> Values,
    IReadOnlyList<SavedTensorSummary> SavedTensors,
    Node? Function)
{
    /// <summary>Values of one node that are listed; a split has many, all alike.</summary>
    private const int MaxValues = 4;

    /// <summary>The lines of its box: names, values, saved tensors, as far as <paramref name="options"/> ask for them.</summary>
    internal IEnumerable<string> Lines(GraphOptions options)
    {
        if (Name is not null)
        {
            yield return GraphText.Clean(Name);
        }

        yield return GraphText.Clean(Title);
        for (int i = 0; i < Values.Count && (options.ShowShapes || options.ShowDTypes); i++)
        {
            if (i == MaxValues)
            {
                yield return $"and {Values.Count - i} more outputs";
                break;
            }

            yield return (Values.Count > 1 ? $"output {i}: " : "") + Value(Values[i].Shape, Values[i].DType, options);
        }

        for (int i = 0; i < SavedTensors.Count && options.ShowSavedTensors; i++)
        {
            var saved = SavedTensors[i];
            yield return $"saves {GraphText.Clean(saved.Name)} {Value(saved.Shape, saved.DType, options)}".TrimEnd();
        }

        if (options.ShowMetadata && Function?.Notes is { } notes)
        {
            foreach (var (key, value) in notes)
            {
                yield return GraphText.Clean($"{key}: {Convert.ToString(value, CultureInfo.InvariantCulture)}");
            }
        }
    }

    private static string Value(Shape shape, DType dtype, GraphOptions options) => (options.ShowShapes, options.ShowDTypes) switch
    {
        (true, true) => $"{shape} {dtype.Name()}",
        (true, false) => shape.ToString(),
        (false, true) => dtype.Name(),
        _ => "",
    };
}

/// <summary>A value that flowed from one node of an <see cref="AutogradGraph"/> to another.</summary>
/// <param name="From">The node that made the value.</param>
/// <param name="To">The node that used it.</param>
/// <param name="OutputNumber">Which of the maker's values it is, where that has several.</param>
public readonly record struct GraphEdge(int From, int To, int? OutputNumber);

/// <summary>A tensor that a node keeps for its derivative, in words.</summary>
/// <param name="Name">What it was to the operation: <c>input0</c>, <c>output</c>; of a <see cref="Autograd.Gpu.Function"/> <c>saved0</c>.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="DType">Its dtype.</param>
public sealed record SavedTensorSummary(string Name, Shape Shape, DType DType)
{
    /// <summary>What a node keeps at this moment. Hooks that have packed a tensor are not asked to unpack it.</summary>
    internal static IReadOnlyList<SavedTensorSummary> Of(Node node)
    {
        List<SavedTensorSummary>? summaries = null;
        foreach (var saved in node.SavedTensors)
        {
            if (saved.Describe() is var (shape, dtype))
            {
                (summaries ??= []).Add(new SavedTensorSummary(saved.Name, shape, dtype));
            }
        }

        return summaries ?? (IReadOnlyList<SavedTensorSummary>)[];
    }
}
