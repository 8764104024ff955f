using System.Runtime.CompilerServices;
using Autograd.Gpu.Diagnostics;

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

    /// <summary>The pass that keeps what it knows in <see cref="Node.Pass"/>. Others at the same time, on other threads or inside of it, have a table.</summary>
    private static Engine? s_inNodes;

    private readonly Dictionary<Node, Pending> _table = new(new NodeComparer());
    private readonly ReadyNodes _ready = new();
    private readonly List<Pending> _order = [];
    private readonly List<Pending> _spareStates = [];
    private readonly Dictionary<Edge, int> _asked = [];
    private Dictionary<object, object>? _hookStates;
    private Tensor?[] _captured = [];
    private bool _asksForSome;
    private bool _captures;
    private bool _keepGraph;
    private bool _isInNodes;
    private bool _ownsGradients;
    private int _usedStates;

    /// <summary>
    /// Runs the tape back. Gradients accumulate in the leaves, or, if <see cref="BackwardRequest.Captures"/> says so, those of the inputs are returned, null
    /// where nothing arrived.
    /// </summary>
    public static Tensor?[] Run(BackwardRequest request) => FreshStack.IsNeeded ? RunOnFreshStack(request) : RunHere(request);

    private static Tensor?[] RunOnFreshStack(BackwardRequest request) => FreshStack.Run(() => RunHere(request));

    private static Tensor?[] RunHere(BackwardRequest request)
    {
        using var mode = GradMode.Set(request.CreateGraph);

        // A backward pass inside a backward pass takes an engine of its own.
        var engine = s_spare ?? new Engine();
        s_spare = null;
        engine._keepGraph = request.KeepGraph;
        engine._asksForSome = request.Inputs is not null;
        engine._captures = request.Captures;
        engine._isInNodes = Volatile.Read(ref s_inNodes) is null && Interlocked.CompareExchange(ref s_inNodes, engine, null) is null;
        engine._ownsGradients = !request.CreateGraph && !Anomaly.IsEnabled;
        FreshStack.Enter();
        try
        {
            return engine.Run(request.Roots, request.Gradients, request.Inputs);
        }
        finally
        {
            FreshStack.Leave();
            engine.Clear();
            s_spare = engine;
        }
    }

    /// <summary>Whether this pass comes to <paramref name="node"/>.</summary>
    public bool Reaches(Node node) => Find(node) is { } pending && IsWanted(pending);

    /// <summary>What a hook remembers until this pass ends.</summary>
    public T State<T>(object hook)
        where T : class, new()
    {
        _hookStates ??= new Dictionary<object, object>(ReferenceEqualityComparer.Instance);
        if (!_hookStates.TryGetValue(hook, out var state))
        {
            _hookStates.Add(hook, state = new T());
        }

        return (T)state;
    }

    private Tensor?[] Run(IReadOnlyList<Edge> roots, IReadOnlyList<Tensor> gradients, IReadOnlyList<Edge>? inputs)
    {
        CountDependencies(roots);
        if (inputs is not null)
        {
            MarkNeeded(inputs);
        }

        for (int i = 0; i < roots.Count; i++)
        {
            Add(Find(roots[i].Function!)!, roots[i], gradients[i], null, i);
        }

        for (int i = 0; i < roots.Count; i++)
        {
            // A root that another root leads to becomes ready when that one has run.
            if (Find(roots[i].Function!) is { Dependencies: 0, IsQueued: false } pending)
            {
                Enqueue(pending);
            }
        }

        RunReadyNodes();
        for (int i = 0; i < _captured.Length; i++)
        {
            _captured[i] = _captured[_asked[inputs![i]]];
        }

        return _captured;
    }

    private void Clear()
    {
        foreach (var pending in _order)
        {
            if (_isInNodes)
            {
                pending.Node.Pass = null;
            }

            pending.Clear();
        }

        if (_isInNodes)
        {
            Volatile.Write(ref s_inNodes, null);
        }

        // A very deep graph is not kept in memory for the sake of the next, small one.
        bool trims = _usedStates > 10_000;
        _order.Clear();
        _ready.Clear(trims);
        _table.Clear();
        _asked.Clear();
        _captured = [];
        _hookStates = null;
        _usedStates = 0;
        if (trims)
        {
            _spareStates.Clear();
            _spareStates.TrimExcess();
            _table.TrimExcess();
            _order.TrimExcess();
        }
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
            foreach (var edge in _order[i].Node.Edges)
            {
                if (edge.Function is { } next)
                {
                    Discover(next).Dependencies++;
                }
            }
        }
    }

    /// <summary>What is known of a node; null if this pass does not come to it.</summary>
    private Pending? Find(Node node) =>
        _isInNodes ? node.Pass : _table.GetValueOrDefault(node);

    private Pending Discover(Node node)
    {
        if (Find(node) is { } known)
        {
            return known;
        }

        if (_usedStates == _spareStates.Count)
        {
            _spareStates.Add(new Pending());
        }

        var pending = _spareStates[_usedStates++];
        pending.Begin(node);
        _order.Add(pending);
        if (_isInNodes)
        {
            node.Pass = pending;
        }
        else
        {
            _table.Add(node, pending);
        }

        return pending;
    }

    /// <summary>Where only some gradients are asked for, only nodes from which one of them can be reached run.</summary>
    private void MarkNeeded(IReadOnlyList<Edge> inputs)
    {
        for (int i = 0; i < inputs.Count; i++)
        {
            _asked.TryAdd(inputs[i], i);
            if (Find(inputs[i].Function!) is { } pending)
            {
                pending.IsAsked = true;
            }
        }

        if (_captures)
        {
            _captured = new Tensor?[inputs.Count];
        }

        // A node was recorded after all that its edges lead to: ascending order sees those first. Accumulators have no edges.
        _order.Sort(static (a, b) => a.Order.CompareTo(b.Order));
        foreach (var pending in _order)
        {
            pending.IsNeeded = Array.Exists(pending.Node.Edges, Leads);
        }
    }

    /// <summary>Whether the gradient that goes along this edge is of use.</summary>
    private bool Leads(Edge edge) => edge.Function is { } next
        && (!_asksForSome || _asked.ContainsKey(edge) || Find(next)!.IsNeeded);

    /// <summary>Whether gradients go to this node at all.</summary>
    private bool IsWanted(Pending pending) => !_asksForSome || pending.IsNeeded || pending.IsAsked;

    private void RunReadyNodes()
    {
        Span<bool> few = stackalloc bool[MaxInline];
        while (_ready.Take() is { } pending)
        {
            var node = pending.Node;
            var edges = node.Edges;
            var needs = edges.Length <= MaxInline ? few[..edges.Length] : new bool[edges.Length];

            // A node that is itself what is asked for, and an accumulator, leads nowhere.
            bool leads = false;
            for (int i = 0; i < edges.Length; i++)
            {
                leads |= needs[i] = Leads(edges[i]);
            }

            var inline = default(Inline);
            Span<Tensor?> results = edges.Length <= MaxInline ? inline[..edges.Length] : new Tensor?[edges.Length];
            ulong owned = 0;
            if (IsWanted(pending))
            {
                var gradients = pending.Gradients(node.OutputCount);
                node.Hooks?.RunOnTensors(node, gradients, this);
                if (_captures && pending.IsAsked)
                {
                    Capture(node, gradients);
                }

                if (_ownsGradients && edges.Length == 0 && !_captures && OwnedGradients.TryHandOver(node, pending.Owned, gradients))
                {
                    // It is the leaf's now.
                }
                else if (pending.HasGradient && (leads || !_captures))
                {
                    RunNode(node, gradients, results, needs, computes: leads || edges.Length == 0);
                    owned = _ownsGradients ? OwnedGradients.Settle(node, pending.Owned, gradients, results) : 0;
                }
                else if (_ownsGradients)
                {
                    OwnedGradients.Drop(node, pending.Owned, gradients);
                }
            }

            pending.Drop();
            for (int i = 0; i < edges.Length; i++)
            {
                if (edges[i].Function is not { } next)
                {
                    continue;
                }

                var waiting = Find(next)!;
                if (needs[i] && results[i] is { } gradient)
                {
                    Add(waiting, edges[i], gradient, node, i, OwnedGradients.Has(owned, i));
                }

                if (--waiting.Dependencies == 0)
                {
                    Enqueue(waiting);
                }
            }
        }
    }

    /// <summary>Runs a node and its hooks. One whose inputs need no gradient has nothing to compute; its hooks run all the same.</summary>
    private void RunNode(Node node, Span<Tensor?> gradients, Span<Tensor?> results, ReadOnlySpan<bool> needs, bool computes)
    {
        var hooks = node.Hooks;
        hooks?.RunBefore(node, gradients);
        if (computes)
        {
            using var profiled = Profiler.Backward(node);
            if (Anomaly.IsEnabled)
            {
                Anomaly.Backward(node, gradients, results, needs);
            }
            else
            {
                node.Backward(gradients, results, needs);
            }
        }

        if (hooks is { After.IsEmpty: false })
        {
            for (int i = 0; i < results.Length; i++)
            {
                results[i] = needs[i] && results[i] is { } result ? Fit(node.Edges[i], result, node, i) : null;
            }

            hooks.RunAfter(node, results, gradients);
        }

        if (computes && !_keepGraph)
        {
            node.ReleaseSaved();
        }
    }

    private void Enqueue(Pending pending)
    {
        pending.IsQueued = true;
        _ready.Add(pending);
    }

    /// <summary>Hands a gradient to where it goes: the first is moved in, later ones are added.</summary>
    private void Add(Pending pending, Edge edge, Tensor gradient, Node? from, int index, bool isOwned = false)
    {
        ref var slot = ref pending.Slot(edge);
        var fitted = Fit(edge, gradient, from, index);
        if (isOwned && !ReferenceEquals(fitted, gradient))
        {
            gradient.Dispose();
        }

        ulong bit = OwnedGradients.Bit(edge.OutputNumber);
        if (slot is null)
        {
            slot = fitted;
            pending.Owned |= isOwned ? bit : 0;
            return;
        }

        var sum = slot + fitted;
        if (isOwned)
        {
            fitted.Dispose();
        }

        if ((pending.Owned & bit) != 0)
        {
            slot.Dispose();
        }

        slot = sum;
        pending.Owned |= _ownsGradients ? bit : 0;
    }

    /// <summary>
    /// Note [Un-broadcasting]. An operation may return a gradient of its output's shape and dtype for an input that was broadcast or cast.
    /// This is the one place that sums it to the input's shape and casts it back.
    /// </summary>
    private static Tensor Fit(Edge edge, Tensor gradient, Node? from, int index)
    {
        var (shape, dtype) = edge.Function!.OutputOf(edge.OutputNumber);
        if (gradient.Shape != shape)
        {
            if (!shape.IsExpandableTo(gradient.Shape))
            {
                throw new ShapeException(
                    $"Function {from?.Name ?? "Backward"} returned an invalid gradient at index {index} - got {gradient.Shape} but expected shape compatible with {shape}. "
                    + "A gradient has the shape of the input that it belongs to, or one that this shape expands to.");
            }

            gradient = gradient.SumToSize(shape);
        }

        return gradient.DType == dtype ? gradient : gradient.To(dtype);
    }

    private void Capture(Node node, ReadOnlySpan<Tensor?> gradients)
    {
        for (int output = 0; output < gradients.Length; output++)
        {
            if (gradients[output] is { } gradient && _asked.TryGetValue(new Edge(node, output), out int index))
            {
                // One tensor may be the gradient of several, or the one that the caller gave: what is written to one must not show in the others.
                _captured[index] = GradMode.IsEnabled ? gradient : gradient.Clone();
            }
        }
    }

    private sealed class NodeComparer : IEqualityComparer<Node>
    {
        public bool Equals(Node? x, Node? y) => ReferenceEquals(x, y);

        public int GetHashCode(Node node) => node.Hash;
    }

    [InlineArray(MaxInline)]
    private struct Inline
    {
        private Tensor? _first;
    }
}
