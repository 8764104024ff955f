namespace Autograd.Gpu.Tape;

/// <summary>One hook on the gradients of several tensors; see <see cref="Autodiff.RegisterMultiGradHook"/>.</summary>
internal sealed class MultiGradHook : IDisposable
{
    private readonly Action<IReadOnlyList<Tensor?>> _hook;
    private readonly MultiGradHookMode _mode;
    private readonly HookList<TensorHook>.Registration[] _registrations;

    /// <summary>Weak, since the user's handle leads here and must not keep graphs alive.</summary>
    private readonly WeakReference<Node>[] _nodes;

    public MultiGradHook(ReadOnlySpan<Edge> tensors, Action<IReadOnlyList<Tensor?>> hook, MultiGradHookMode mode)
    {
        _hook = hook;
        _mode = mode;
        _nodes = new WeakReference<Node>[tensors.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            _nodes[i] = new WeakReference<Node>(tensors[i].Function!);
        }

        _registrations = new HookList<TensorHook>.Registration[tensors.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            _registrations[i] = tensors[i].Function!.MakeHooks().OnTensors.Add(new Part(this, i, tensors[i].OutputNumber));
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Arrived(int index, Tensor? gradient, Engine pass)
    {
        var state = pass.State<Arrivals>(this);
        if (state.Gradients is not { } gradients)
        {
            state.Gradients = gradients = new Tensor?[_nodes.Length];
            state.Missing = _nodes.Count(n => n.TryGetTarget(out var node) && pass.Reaches(node));
        }

        gradients[index] = gradient;
        state.HasAny |= gradient is not null;
        state.Missing--;
        if (state.HasAny && !state.HasRun && (_mode == MultiGradHookMode.Any || state.Missing == 0))
        {
            state.HasRun = true;
            _hook(gradients);
        }
    }

    private sealed class Part(MultiGradHook owner, int index, int outputNumber) : TensorHook(outputNumber)
    {
        public override Tensor? Run(Tensor? gradient, Engine pass)
        {
            owner.Arrived(index, gradient, pass);
            return null;
        }
    }

    /// <summary>What has arrived in one pass.</summary>
    private sealed class Arrivals
    {
        public Tensor?[]? Gradients { get; set; }

        public int Missing { get; set; }

        public bool HasAny { get; set; }

        public bool HasRun { get; set; }
    }
}
