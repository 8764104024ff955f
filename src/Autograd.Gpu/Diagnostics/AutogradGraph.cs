using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Diagnostics;

/// <summary>What an <see cref="AutogradGraph"/> shows.</summary>
public sealed record GraphOptions
{
    /// <summary>The options that are used when none are given.</summary>
    public static GraphOptions Default { get; } = new();

    /// <summary>Nodes that are drawn at most, those nearest to the outputs first; the others are counted in one box.</summary>
    public int MaxNodes { get; init; } = 1000;

    /// <summary>Whether the shapes of values are shown.</summary>
    public bool ShowShapes { get; init; } = true;

    /// <summary>Whether the dtypes of values are shown.</summary>
    public bool ShowDTypes { get; init; } = true;

    /// <summary>Whether the tensors that a node keeps for its derivative are shown.</summary>
    public bool ShowSavedTensors { get; init; }

    /// <summary>Whether what the program noted about nodes in <see cref="Node.Metadata"/> is shown.</summary>
    public bool ShowMetadata { get; init; } = true;
}

/// <summary>
/// The recorded history of tensors, from the outputs back to the leaves, as data (<see cref="Nodes"/>, <see cref="Edges"/>) and as text: DOT
/// for Graphviz, Mermaid, SVG, and an indented tree. A node that several paths lead to appears once. The same graph gives the same text each time.
/// </summary>
/// <remarks>
/// Arrows point as the values flowed, from the leaves to the outputs; the backward pass goes against them. Nothing recurses, so a graph may be
/// as deep as memory holds. A graph can be drawn before or after its backward pass; the pass lets go of the saved tensors.
/// </remarks>
/// <example><code>File.WriteAllText("loss.svg", AutogradGraph.Of(loss, model.NamedParameters()).ToSvg());</code></example>
public sealed partial class AutogradGraph
{
    private readonly List<GraphNode> _nodes = [];
    private readonly List<GraphEdge> _edges = [];

    /// <summary>The edges into node i are <see cref="_edges"/>[<c>_inputs[i] .. _inputs[i + 1]</c>].</summary>
    private readonly List<int> _inputs = [];

    private AutogradGraph(GraphOptions options) => Options = options;

    /// <summary>What is shown.</summary>
    public GraphOptions Options { get; }

    /// <summary>Outputs first, then the others by their distance from the outputs. The position of a node is its <see cref="GraphNode.Id"/>.</summary>
    public IReadOnlyList<GraphNode> Nodes => _nodes;

    /// <summary>The edges, in the order of the nodes that they lead to and, for each, of its inputs. Inputs that require no gradient have none.</summary>
    public IReadOnlyList<GraphEdge> Edges => _edges;

    /// <summary>How many nodes the tape holds behind the outputs, drawn or not.</summary>
    public int TotalNodes { get; private set; }

    /// <summary>The graph of one output.</summary>
    /// <param name="output">A tensor that requires gradients.</param>
    /// <param name="names">Names of leaves, of other tensors of the graph, or of the output: those of <c>module.NamedParameters()</c>, say.</param>
    /// <param name="options">What is shown; <see cref="GraphOptions.Default"/> if null.</param>
    /// <exception cref="GradientException">The output has no history.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="GraphOptions.MaxNodes"/> is less than 1.</exception>
    public static AutogradGraph Of(Tensor output, IEnumerable<(string Name, Tensor Tensor)>? names = null, GraphOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        return Of([output], names, options);
    }

    /// <summary>The graph of one output, with names from a dictionary.</summary>
    /// <inheritdoc cref="Of(Tensor, IEnumerable{ValueTuple{string, Tensor}}?, GraphOptions?)"/>
    public static AutogradGraph Of(Tensor output, IReadOnlyDictionary<string, Tensor> names, GraphOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        return Of([output], names, options);
    }

    /// <summary>The graph of several outputs, with names from a dictionary.</summary>
    /// <inheritdoc cref="Of(IReadOnlyList{Tensor}, IEnumerable{ValueTuple{string, Tensor}}?, GraphOptions?)"/>
    public static AutogradGraph Of(IReadOnlyList<Tensor> outputs, IReadOnlyDictionary<string, Tensor> names, GraphOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        return Of(outputs, names.Select(pair => (pair.Key, pair.Value)), options);
    }

    /// <summary>The graph of several outputs.</summary>
    /// <param name="outputs">Tensors that require gradients.</param>
    /// <param name="names">Names of leaves, of other tensors of the graph, or of the outputs.</param>
    /// <param name="options">What is shown; <see cref="GraphOptions.Default"/> if null.</param>
    /// <exception cref="GradientException">An output has no history.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="GraphOptions.MaxNodes"/> is less than 1.</exception>
    public static AutogradGraph Of(IReadOnlyList<Tensor> outputs, IEnumerable<(string Name, Tensor Tensor)>? names = null, GraphOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        options ??= GraphOptions.Default;
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxNodes, 1, "GraphOptions.MaxNodes");
        var graph = new AutogradGraph(options);
        new Walk(graph, names ?? []).Run(outputs);
        return graph;
    }

    /// <summary>The indented tree.</summary>
    public override string ToString() => ToTree();

    /// <summary>The edges into a node, in the order of its inputs.</summary>
    internal ReadOnlySpan<GraphEdge> InputsOf(int id) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_edges)[_inputs[id].._inputs[id + 1]];

    /// <summary>Goes through the tape breadth first.</summary>
    private sealed class Walk
    {
        private readonly AutogradGraph _graph;
        private readonly Dictionary<Edge, string> _names = [];
        private readonly HashSet<Edge> _outputs = [];
        private readonly Dictionary<Node, int> _ids = new(ReferenceEqualityComparer.Instance);
        private readonly List<Node> _reached = [];
        private int _elided = -1;

        public Walk(AutogradGraph graph, IEnumerable<(string Name, Tensor Tensor)> names)
        {
            _graph = graph;
            foreach (var (name, tensor) in names)
            {
                // Inside Vmap and Jvp a tensor that is no operation's result has no place on the tape, so nothing to name.
                bool hasPlace = tensor.GradFn is not null || tensor.Wrapper is null or GradWrapper;

                // A tensor with two names, such as a weight that two layers share, shows both.
                if (hasPlace && EdgeOf(tensor) is { Function: not null } edge)
                {
                    _names[edge] = _names.TryGetValue(edge, out var other) ? $"{other}, {name}" : name;
                }
            }
        }

        public void Run(IReadOnlyList<Tensor> outputs)
        {
            for (int i = 0; i < outputs.Count; i++)
            {
                AddOutput(i, outputs);
            }

            // The lists grow while they are walked: they are the queue as well.
            int drawn = outputs.Count;
            for (int i = 0; i < outputs.Count; i++)
            {
                Connect(i, EdgeOf(outputs[i]));
            }

            for (; drawn < _graph._nodes.Count; drawn++)
            {
                _graph._inputs.Add(_graph._edges.Count);
                foreach (var edge in _graph._nodes[drawn].Function?.NextFunctions ?? [])
                {
                    Add(drawn, edge);
                }
            }

            _graph._inputs.Add(_graph._edges.Count);
            CountElided();
        }

        private static Edge EdgeOf(Tensor tensor) =>
            tensor.GradFn is { } function ? new Edge(function, tensor.OutputNumber) : tensor.GradientEdge();

        private void AddOutput(int index, IReadOnlyList<Tensor> outputs)
        {
            var edge = EdgeOf(outputs[index]);
            if (edge.Function is null)
            {
                throw new GradientException(
                    $"AutogradGraph.Of: element {index} of tensors does not require grad and does not have a grad_fn, so there is no graph to draw. "
                    + "Call RequiresGrad_() on the leaves before the computation, and make sure that it did not run under NoGrad().");
            }

            _outputs.Add(edge);
            var name = _names.GetValueOrDefault(edge) ?? (outputs.Count == 1 ? "output" : $"output {index}");
            _graph._nodes.Add(new GraphNode(_graph._nodes.Count, GraphNodeKind.Output, name, null, [(outputs[index].Shape, outputs[index].DType)], [], null));
        }

        private void Connect(int to, Edge edge)
        {
            _graph._inputs.Add(_graph._edges.Count);
            Add(to, edge);
        }

        private void Add(int to, Edge edge)
        {
            if (edge.Function is not { } function)
            {
                return;
            }

            int from = IdOf(function);
            bool isOneOfSeveral = function.OutputCount > 1 && _graph._nodes[from].Kind != GraphNodeKind.Elided;
            _graph._edges.Add(new GraphEdge(from, to, isOneOfSeveral ? edge.OutputNumber : null));
        }

        private int IdOf(Node function)
        {
            if (_ids.TryGetValue(function, out int id))
            {
                return id;
            }

            _reached.Add(function);
            if (_reached.Count <= _graph.Options.MaxNodes)
            {
                id = _graph._nodes.Count;
                _graph._nodes.Add(Describe(id, function));
            }
            else if (_elided < 0)
            {
                id = _elided = _graph._nodes.Count;
                _graph._nodes.Add(new GraphNode(id, GraphNodeKind.Elided, "", null, [], [], null));
            }
            else
            {
                id = _elided;
            }

            _ids.Add(function, id);
            return id;
        }

        private GraphNode Describe(int id, Node function)
        {
            var kind = function is Tape.AccumulateGrad ? GraphNodeKind.Leaf : GraphNodeKind.Operation;
            var values = new (Shape, DType)[function.OutputCount];
            var names = new List<string>();
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = function.OutputOf(i);

                // The result of an operation that has a box of its own has its name there.
                var edge = new Edge(function, i);
                if (_names.TryGetValue(edge, out var name) && (kind == GraphNodeKind.Leaf || !_outputs.Contains(edge)))
                {
                    names.Add(name);
                }
            }

            return new GraphNode(
                id, kind, function.Name, names.Count == 0 ? null : string.Join(", ", names), values, SavedTensorSummary.Of(function), function);
        }

        /// <summary>Walks on behind the nodes that are drawn, to say how many are not.</summary>
        private void CountElided()
        {
            for (int i = _graph.Options.MaxNodes; i < _reached.Count; i++)
            {
                foreach (var edge in _reached[i].NextFunctions)
                {
                    if (edge.Function is { } next && _ids.TryAdd(next, _elided))
                    {
                        _reached.Add(next);
                    }
                }
            }

            _graph.TotalNodes = _reached.Count;
            if (_elided >= 0)
            {
                int count = _reached.Count - _graph.Options.MaxNodes;
                _graph._nodes[_elided] = _graph._nodes[_elided] with { Title = count == 1 ? "1 more node" : $"{count} more nodes" };
            }
        }
    }
}
