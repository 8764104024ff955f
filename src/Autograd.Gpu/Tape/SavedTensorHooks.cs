namespace Autograd.Gpu.Tape;

/// <summary>What is done with a tensor when it is saved for the backward pass, and to get it back.</summary>
internal abstract class SavedTensorHook
{
    /// <summary>What is kept in place of <paramref name="tensor"/>, a handle without history.</summary>
    public abstract object? Pack(Tensor tensor);

    /// <summary>A tensor with the values that were packed.</summary>
    public abstract Tensor Unpack(object? packed);

    /// <summary>Nobody will ask for it any more.</summary>
    public virtual void Release(object? packed)
    {
    }
}

/// <summary>The hooks in force on this thread, the innermost last. Saving asks for them; while no scope is open anywhere that is one look at a field.</summary>
internal static class SavedTensorHooks
{
    private static int s_scopes;
    private static bool s_wereUsed;

    [ThreadStatic]
    private static Scope? s_top;

    [ThreadStatic]
    private static string? s_disabled;

    /// <summary>Whether any node of the process may hold a packed tensor.</summary>
    public static bool WereUsed => s_wereUsed;

    public static SavedTensorHook? Current => Volatile.Read(ref s_scopes) == 0 ? null : s_top?.Hook;

    /// <summary>What is in force on this thread, for a backward pass that continues on another one.</summary>
    public static (object? Top, string? Disabled) State
    {
        get => (s_top, s_disabled);
        set => (s_top, s_disabled) = ((Scope?)value.Top, value.Disabled);
    }

    /// <summary>Puts a hook in force until the result is disposed.</summary>
    /// <exception cref="GradientException">Hooks are disabled; the message is what the program said then.</exception>
    public static IDisposable Push(SavedTensorHook hook)
    {
        CheckEnabled();
        return new Scope(hook);
    }

    /// <summary>Refuses hooks with this message until the result is disposed.</summary>
    public static IDisposable Disable(string message)
    {
        if (s_top is not null)
        {
            throw new GradientException(message);
        }

        return new DisabledScope(message);
    }

    public static void CheckEnabled()
    {
        if (s_disabled is { } message)
        {
            throw new GradientException(message);
        }
    }

    /// <summary>Puts no hook in force until the result is disposed, for what is saved again afterwards.</summary>
    public static Suspension Suspend()
    {
        var suspended = new Suspension(s_top);
        s_top = null;
        return suspended;
    }

    /// <summary>Some node will hold a packed tensor.</summary>
    public static void NoteUse() => s_wereUsed = true;

    /// <summary>What was in force before <see cref="Suspend"/>.</summary>
    public readonly ref struct Suspension(object? top)
    {
        public void Dispose()
        {
            if (top is not null)
            {
                s_top = (Scope)top;
            }
        }
    }

    private sealed class Scope : IDisposable
    {
        private readonly Scope? _previous = s_top;
        private bool _isDisposed;

        public Scope(SavedTensorHook hook)
        {
            Hook = hook;
            s_top = this;
            Interlocked.Increment(ref s_scopes);
        }

        public SavedTensorHook Hook { get; }

        public void Dispose()
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                s_top = _previous;
                Interlocked.Decrement(ref s_scopes);
            }
        }
    }

    private sealed class DisabledScope : IDisposable
    {
        private readonly string? _previous = s_disabled;
        private bool _isDisposed;

        public DisabledScope(string message) => s_disabled = message;

        public void Dispose()
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                s_disabled = _previous;
            }
        }
    }
}
