using System.Globalization;
using System.Text;

namespace Autograd.Gpu.Diagnostics;

public sealed partial class AutogradGraph
{
    /// <summary>Levels of a tree that are indented; deeper ones show their number instead, so that a deep graph's text stays linear in its size.</summary>
    private const int MaxIndent = 32;

    /// <summary>The graph in the DOT language: <c>dot -Tsvg graph.dot -o graph.svg</c> draws it with Graphviz.</summary>
    public string ToDot()
    {
        var text = new StringBuilder("digraph autograd {\n");
        text.Append("  rankdir=TB;\n");
        text.Append("  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\", fontsize=11, color=\"#57606a\", fillcolor=\"#eceff1\"];\n");
        text.Append("  edge [color=\"#57606a\", fontname=\"monospace\", fontsize=9];\n");
        foreach (var node in _nodes)
        {
            var label = string.Join("\\n", node.Lines(Options).Select(GraphText.Dot));
            text.Append(CultureInfo.InvariantCulture, $"  n{node.Id} [label=\"{label}\"{DotStyle(node.Kind)}];\n");
        }

        foreach (var edge in _edges)
        {
            var label = edge.OutputNumber is { } number ? $" [label=\"{number}\"]" : "";
            text.Append(CultureInfo.InvariantCulture, $"  n{edge.From} -> n{edge.To}{label};\n");
        }

        return text.Append("}\n").ToString();
    }

    /// <summary>
    /// The graph as a Mermaid flowchart, which GitHub draws in a Markdown file inside <c>```mermaid</c>. Mermaid itself refuses more than 50,000 characters or
    /// 500 edges unless it is configured otherwise: lower <see cref="GraphOptions.MaxNodes"/> for such graphs, or draw them as DOT or SVG.
    /// </summary>
    public string ToMermaid()
    {
        var text = new StringBuilder("flowchart TD\n");
        foreach (var node in _nodes)
        {
            var (open, close, style) = node.Kind switch
            {
                GraphNodeKind.Output => ("([\"", "\"])", "output"),
                GraphNodeKind.Leaf => ("[\"", "\"]", "leaf"),
                GraphNodeKind.Elided => ("[\"", "\"]", "elided"),
                _ => ("(\"", "\")", "operation"),
            };
            var label = string.Join("<br/>", node.Lines(Options).Select(GraphText.Mermaid));
            text.Append(CultureInfo.InvariantCulture, $"  n{node.Id}{open}{label}{close}:::{style}\n");
        }

        foreach (var edge in _edges)
        {
            var label = edge.OutputNumber is { } number ? $"|{number}|" : "";
            text.Append(CultureInfo.InvariantCulture, $"  n{edge.From} -->{label} n{edge.To}\n");
        }

        foreach (var (style, kind) in new[]
        {
            ("operation", GraphNodeKind.Operation), ("leaf", GraphNodeKind.Leaf), ("output", GraphNodeKind.Output), ("elided", GraphNodeKind.Elided),
        })
        {
            text.Append(CultureInfo.InvariantCulture, $"  classDef {style} fill:{Fill(kind)},stroke:#57606a,color:#1f2328\n");
        }

        return text.ToString();
    }

    /// <summary>
    /// The graph as an indented tree, outputs first, each node above its inputs. A node that several others read is numbered where it first
    /// stands, and is not repeated: <c>MulBackward0 #1 (seen above)</c>. From the 32nd level on the level's number stands for the indentation.
    /// </summary>
    public string ToTree()
    {
        var readers = new int[_nodes.Count];
        foreach (var edge in _edges)
        {
            readers[edge.From]++;
        }

        var text = new StringBuilder();
        var numbers = new Dictionary<int, int>();
        var seen = new bool[_nodes.Count];

        // What is still to be written, the next at the end: node, level, whether it is the last input of its reader, and the value's number.
        var stack = new Stack<(int Node, int Level, bool IsLast, int? Output)>();
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            if (_nodes[i].Kind == GraphNodeKind.Output)
            {
                stack.Push((i, 0, true, null));
            }
        }

        // Whether the line of a level goes on below.
        var open = new bool[MaxIndent + 1];
        while (stack.TryPop(out var item))
        {
            Indent(text, open, item.Level, item.IsLast);
            var node = _nodes[item.Node];
            if (item.Output is { } output)
            {
                text.Append(CultureInfo.InvariantCulture, $"output {output} of ");
            }

            text.Append(Headline(node));
            bool wasSeen = seen[item.Node];
            if (readers[item.Node] > 1 && node.Kind == GraphNodeKind.Operation)
            {
                numbers.TryAdd(item.Node, numbers.Count + 1);
                text.Append(CultureInfo.InvariantCulture, $" #{numbers[item.Node]}");
            }

            if (wasSeen && node.Kind != GraphNodeKind.Elided)
            {
                text.Append(" (seen above)\n");
                continue;
            }

            seen[item.Node] = true;
            foreach (var line in node.Lines(Options).Skip(node.Name is null ? 1 : 2))
            {
                text.Append(line.StartsWith('[') || !line.Contains(' ') ? " " : ", ").Append(line);
            }

            text.Append('\n');
            var inputs = InputsOf(item.Node);
            for (int i = inputs.Length - 1; i >= 0; i--)
            {
                stack.Push((inputs[i].From, item.Level + 1, i == inputs.Length - 1, inputs[i].OutputNumber));
            }
        }

        return text.ToString();
    }

    internal static string Fill(GraphNodeKind kind) => kind switch
    {
        GraphNodeKind.Output => "#c8e6c9",
        GraphNodeKind.Leaf => "#bbdefb",
        GraphNodeKind.Elided => "#ffffff",
        _ => "#eceff1",
    };

    private static string DotStyle(GraphNodeKind kind) => kind switch
    {
        GraphNodeKind.Output or GraphNodeKind.Leaf => $", style=filled, fillcolor=\"{Fill(kind)}\"",
        GraphNodeKind.Elided => $", style=dashed, fillcolor=\"{Fill(kind)}\"",
        _ => "",
    };

    private static string Headline(GraphNode node)
    {
        var title = GraphText.Clean(node.Title);
        return node.Name is null ? title : $"{GraphText.Clean(node.Name)} = {title}";
    }

    private static void Indent(StringBuilder text, bool[] open, int level, bool isLast)
    {
        if (level == 0)
        {
            return;
        }

        if (level >= MaxIndent)
        {
            text.Append(' ', 3 * (MaxIndent - 1)).Append(CultureInfo.InvariantCulture, $"({level}) ");
            return;
        }

        for (int i = 1; i < level; i++)
        {
            text.Append(open[i] ? "│  " : "   ");
        }

        text.Append(isLast ? "└─ " : "├─ ");
        open[level] = !isLast;
    }
}
