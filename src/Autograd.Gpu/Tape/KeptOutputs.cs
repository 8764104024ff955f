namespace Autograd.Gpu.Tape;

/// <summary>The outputs that a checkpointed function's policy keeps: call number n of an operation in the first run is call number n in the second.</summary>
internal sealed class KeptOutputs(Func<string, CheckpointPolicy> policy)
{
    private static int s_scopes;

    [ThreadStatic]
    private static Scope? s_top;

    private readonly Dictionary<(string Operation, int Call), Tensor> _outputs = [];

    /// <summary>Whether a scope is open on any thread: all that operations look at otherwise.</summary>
    public static bool AreInUse => Volatile.Read(ref s_scopes) != 0;

    /// <summary>The scope in force on this thread, for a backward pass that continues on another one.</summary>
    public static Scope? Current
    {
        get => s_top;
        set => s_top = value;
    }

    /// <summary>Keeps the outputs of this thread's operations, or gives them back, until the result is disposed; none, if <paramref name="outputs"/> is null.</summary>
    public static Scope? Enter(KeptOutputs? outputs, bool isReplay) => outputs is null && s_top is null ? null : new Scope(outputs, isReplay);

    /// <summary>
    /// In a second run, what the operation that is about to run returned in the first. Operations that can be left out ask, so that in a first run only the outputs
    /// of those are kept.
    /// </summary>
    public static Tensor? Find(string operation)
    {
        if (s_top is not { Outputs: { } outputs } scope)
        {
            return null;
        }

        int call = scope.CountCall(operation);
        if (scope.IsReplay)
        {
            return outputs._outputs.TryGetValue((operation, call), out var output) ? output.ShareStorage() : null;
        }

        scope.Asked = outputs.Wants(operation) ? (operation, call) : null;
        return null;
    }

    /// <summary>In a first run, keeps the output of the operation that asked last, if it is to be kept.</summary>
    public static void Keep(string operation, Tensor output)
    {
        if (s_top is { IsReplay: false, Asked: { } asked } scope && asked.Operation == operation)
        {
            // A pending value would keep its inputs instead.
            scope.Outputs!._outputs[asked] = output.Materialize().ShareStorage();
            scope.Asked = null;
        }
    }

    public void Clear() => _outputs.Clear();

    private bool Wants(string operation) => policy(operation) is CheckpointPolicy.MustSave or CheckpointPolicy.PreferSave;

    /// <summary>One run.</summary>
    internal sealed class Scope : IDisposable
    {
        private readonly Scope? _previous = s_top;
        private readonly Dictionary<string, int> _calls = [];

        public Scope(KeptOutputs? outputs, bool isReplay)
        {
            Outputs = outputs;
            IsReplay = isReplay;
            s_top = this;
            Interlocked.Increment(ref s_scopes);
        }

        public KeptOutputs? Outputs { get; }

        public bool IsReplay { get; }

        /// <summary>The call whose output, when it is recorded, is kept.</summary>
        public (string Operation, int Call)? Asked { get; set; }

        /// <summary>The number of this call of an operation, from 0.</summary>
        public int CountCall(string operation)
        {
            _calls.TryGetValue(operation, out int call);
            _calls[operation] = call + 1;
            return call;
        }

        public void Dispose()
        {
            s_top = _previous;
            Interlocked.Decrement(ref s_scopes);
        }
    }
}
