using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autograd.Gpu.Tape;

/// <summary>
/// The backward pass. Counts for each node how many gradients it waits for, then runs the nodes that wait for none, latest first; each hands the
/// gradients of its inputs on. No recursion: a graph may be as deep as memory holds.
/// </summary>
internal sealed class Engine
{
    /// <summary>Inputs of a node for which no array is made.</summary>
    private const int MaxInline = 4;

    [ThreadStatic]
    private static Engine? s_spare;

    private readonly Dictionary<Node, Pending> _pending = new(ReferenceEqualityComparer.Instance);
    private readonly PriorityQueue<Node, ulong> _ready = new();
    private readonly List<Node> _order = [];
    private readonly List<Pending> _spareStates = [];
    private readonly Dictionary<Edge, int> _captures = [];
    private Tensor?[] _captured = [];
    private bool _capturesOnly;
    private bool _keepGraph;
    private int _usedStates;

    /// <summary>
    /// Runs the tape from <paramref name="roots"/> back. Without <paramref name="captures"/> gradients accumulate in the leaves; with them only
    /// what leads to these edges is computed, and the gradients that arrive at them are returned, null where nothing arrived.
    /// </summary>
    public static Tensor?[] Run(
        IReadOnlyList<Edge> roots, IReadOnlyList<Tensor> gradients, IReadOnlyList<Edge>? captures, bool keepGraph, bool createGraph)
    {
        using var mode = GradMode.Set(createGraph);

        // A backward pass inside a backward pass takes an engine of its own.
        var engine = s_spare ?? new Engine();
        s_spare = null;
        engine._keepGraph = keepGraph;
        engine._capturesOnly = captures is not null;
        engine._captured = captures is null ? [] : new Tensor?[captures.Count];
        try
        {
            return engine.Run(roots, gradients, captures);
        }
        finally
        {
            engine.Clear();
            s_spare = engine;
        }
    }

    private Tensor?[] Run(IReadOnlyList<Edge> roots, IReadOnlyList<Tensor> gradients, IReadOnlyList<Edge>? captures)
    {
        for (int i = 0; i < captures?.Count; i++)
        {
            _captures.TryAdd(captures[i], i);
        }

        CountDependencies(roots);
        for (int i = 0; i < roots.Count; i++)
        {
            Add(roots[i], gradients[i]);
        }

        for (int i = 0; i < roots.Count; i++)
        {
            // A root that another root leads to becomes ready when that one has run.
            if (_pending[roots[i].Function!] is { Dependencies: 0, IsQueued: false } pending)
            {
                Enqueue(roots[i].Function!, pending);
            }
        }

        RunReadyNodes();
        for (int i = 0; i < captures?.Count; i++)
        {
            _captured[i] = _captured[_captures[captures[i]]];
        }

        return _captured;
    }

    private void Clear()
    {
        _pending.Clear();
        _ready.Clear();
        _order.Clear();
        _captures.Clear();
        _captured = [];
        for (int i = 0; i < _usedStates; i++)
        {
            _spareStates[i].Clear();
        }

        // A very deep graph is not kept in memory for the sake of the next, small one.
        if (_usedStates > 10_000)
        {
            _spareStates.Clear();
            _spareStates.TrimExcess();
            _pending.TrimExcess();
            _order.TrimExcess();
            _ready.TrimExcess();
        }

        _usedStates = 0;
    }

    private Pending NewPending()
    {
        if (_usedStates == _spareStates.Count)
        {
            _spareStates.Add(new Pending());
        }

        return _spareStates[_usedStates++];
    }

    private void CountDependencies(IReadOnlyList<Edge> roots)
    {
        for (int i = 0; i < roots.Count; i++)
        {
            Discover(roots[i].Function!);
        }

        // The list is the queue of the walk as well.
        for (int i = 0; i < _order.Count; i++)
        {
            foreach (var edge in _order[i].Edges)
            {
                if (edge.Function is { } next)
                {
                    Discover(next).Dependencies++;
                }
            }
        }

        MarkNeeded();
    }

    private Pending Discover(Node node)
    {
        ref var pending = ref CollectionsMarshal.GetValueRefOrAddDefault(_pending, node, out bool exists);
        if (!exists)
        {
            pending = NewPending();
            _order.Add(node);
        }

        return pending!;
    }

    /// <summary>With captures, only nodes from which one of them can be reached run.</summary>
    private void MarkNeeded()
    {
        if (!_capturesOnly)
        {
            return;
        }

        // A node was recorded after all that its edges lead to: ascending order sees those first. Accumulators have no edges.
        _order.Sort(static (a, b) => a.SequenceNumber.CompareTo(b.SequenceNumber));
        foreach (var node in _order)
        {
            _pending[node].IsNeeded = Array.Exists(node.Edges, Leads);
        }
    }

    /// <summary>Whether the gradient that goes along this edge is of use.</summary>
    private bool Leads(Edge edge) => edge.Function is { } next
        && (!_capturesOnly || _captures.ContainsKey(edge) || _pending[next].IsNeeded);

    private void RunReadyNodes()
    {
        Span<bool> few = stackalloc bool[MaxInline];
        while (_ready.TryDequeue(out var node, out _))
        {
            var pending = _pending[node];
            Capture(node, pending);
            var edges = node.Edges;
            var needs = edges.Length <= MaxInline ? few[..edges.Length] : new bool[edges.Length];
            for (int i = 0; i < edges.Length; i++)
            {
                needs[i] = Leads(edges[i]);
            }

            var inline = default(Inline);
            Span<Tensor?> results = edges.Length <= MaxInline ? inline[..edges.Length] : new Tensor?[edges.Length];
            if (pending.HasGradient && (!_capturesOnly || pending.IsNeeded))
            {
                node.Backward(pending.Gradients(node.OutputCount), results, needs);
                if (!_keepGraph)
                {
                    node.ReleaseSaved();
                }
            }

            pending.Drop();
            for (int i = 0; i < edges.Length; i++)
            {
                if (edges[i].Function is not { } next)
                {
                    continue;
                }

                if (needs[i] && results[i] is { } gradient)
                {
                    Add(edges[i], gradient);
                }

                var waiting = _pending[next];
                if (--waiting.Dependencies == 0)
                {
                    Enqueue(next, waiting);
                }
            }
        }
    }

    private void Enqueue(Node node, Pending pending)
    {
        pending.IsQueued = true;
        _ready.Enqueue(node, ulong.MaxValue - node.SequenceNumber);
    }

    /// <summary>Hands a gradient to where it goes: the first is moved in, later ones are added.</summary>
    private void Add(Edge edge, Tensor gradient)
    {
        ref var slot = ref _pending[edge.Function!].Slot(edge);
        gradient = Fit(edge, gradient);
        slot = slot is null ? gradient : slot + gradient;
    }

    /// <summary>
    /// Note [Un-broadcasting]. An operation may return a gradient of its output's shape and dtype for an input that was broadcast or cast.
    /// This is the one place that sums it to the input's shape and casts it back.
    /// </summary>
    private static Tensor Fit(Edge edge, Tensor gradient)
    {
        var (shape, dtype) = edge.Function!.OutputOf(edge.OutputNumber);
        if (gradient.Shape != shape)
        {
            gradient = gradient.SumToSize(shape);
        }

        return gradient.DType == dtype ? gradient : gradient.To(dtype);
    }

    private void Capture(Node node, Pending pending)
    {
        if (!_capturesOnly || !pending.HasGradient)
        {
            return;
        }

        var gradients = pending.Gradients(node.OutputCount);
        for (int output = 0; output < gradients.Length; output++)
        {
            if (_captures.TryGetValue(new Edge(node, output), out int index))
            {
                _captured[index] = gradients[output];
            }
        }
    }

    [InlineArray(MaxInline)]
    private struct Inline
    {
        private Tensor? _first;
    }

    /// <summary>What is known of a node while its gradients come in.</summary>
    private sealed class Pending
    {
        private Tensor? _single;
        private Tensor?[]? _several;

        public int Dependencies { get; set; }

        public bool IsQueued { get; set; }

        public bool IsNeeded { get; set; }

        public bool HasGradient { get; private set; }

        public ReadOnlySpan<Tensor?> Gradients(int outputs) => outputs == 1 ? new ReadOnlySpan<Tensor?>(ref _single) : _several;

        /// <summary>Where the gradient of an output is collected.</summary>
        public ref Tensor? Slot(Edge edge)
        {
            HasGradient = true;
            int outputs = edge.Function!.OutputCount;
            return ref outputs == 1 ? ref _single : ref (_several ??= new Tensor?[outputs])[edge.OutputNumber];
        }

        public void Drop()
        {
            _single = null;
            _several = null;
        }

        public void Clear()
        {
            Drop();
            Dependencies = 0;
            IsQueued = IsNeeded = HasGradient = false;
        }
    }
}
