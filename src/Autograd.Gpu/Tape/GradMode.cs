namespace Autograd.Gpu.Tape;

/// <summary>Whether operations are recorded, and whether tensors are made for inference alone.</summary>
/// <remarks>
/// Note [Modes]. The modes of a thread are a list of scopes, the innermost first. A scope that is disposed is only marked; the thread that it belongs to
/// takes it off the list when it next asks. So a scope may be disposed out of order, twice, or on another thread (which happens when
/// its block contains an <c>await</c>): it ends where it was opened, and no other thread's modes change.
/// </remarks>
internal static class GradMode
{
    [ThreadStatic]
    private static ModeScope? s_top;

    /// <summary>Whether a thread has ever entered inference mode: until then nobody has to ask.</summary>
    private static bool s_inferenceWasUsed;

    /// <summary>Whether operations are recorded; setting it replaces the innermost scope until that is left.</summary>
    public static bool IsEnabled
    {
        get
        {
            var top = s_top;
            return top is null || (top.IsDisposed ? Top is not { Records: false } : top.Records);
        }
        set => s_top = ModeScope.Fixed(value, IsInference);
    }

    /// <summary>Whether tensors made now are inference tensors.</summary>
    public static bool IsInference => s_inferenceWasUsed && Top is { IsInference: true };

    /// <summary>The innermost scope that is not disposed.</summary>
    private static ModeScope? Top
    {
        get
        {
            while (s_top is { IsDisposed: true } disposed)
            {
                s_top = disposed.Outer;
            }

            return s_top;
        }
    }

    /// <summary>Recording on or off until the result is disposed, for the library's own use: on this thread and properly nested.</summary>
    public static Scope Set(bool enabled) => new(ModeScope.Fixed(enabled, IsInference));

    /// <summary>Recording on, in inference mode too.</summary>
    public static Scope Record() => new(ModeScope.Fixed(true, false));

    /// <summary>A scope for the program.</summary>
    public static IDisposable Open(bool isGradEnabled, bool isInference)
    {
        s_inferenceWasUsed |= isInference;
        return s_top = new ModeScope(isGradEnabled, isInference, Top);
    }

    /// <summary>The modes of this thread, for <see cref="Restore"/> on another one.</summary>
    public static (bool IsGradEnabled, bool IsInference) Capture() => (Top is not { IsGradEnabled: false }, IsInference);

    /// <summary>Gives this thread the modes that another one had.</summary>
    public static void Restore((bool IsGradEnabled, bool IsInference) modes) => s_top = ModeScope.Fixed(modes.IsGradEnabled, modes.IsInference);

    /// <summary>Takes scopes that have ended off this thread's list.</summary>
    public static void Settle() => _ = Top;

    /// <summary>Restores the modes that it found.</summary>
    public readonly struct Scope : IDisposable
    {
        private readonly ModeScope? _previous;

        public Scope(ModeScope scope)
        {
            _previous = s_top;
            s_top = scope;
        }

        public void Dispose() => s_top = _previous;
    }
}

/// <summary>What is in force between its making and its disposal. See Note [Modes].</summary>
internal sealed class ModeScope(bool isGradEnabled, bool isInference, ModeScope? outer) : IDisposable
{
    private static readonly ModeScope[] s_fixed = [new(false, false, null), new(true, false, null), new(false, true, null), new(true, true, null)];

    private volatile bool _isDisposed;

    public bool IsGradEnabled { get; } = isGradEnabled;

    public bool IsInference { get; } = isInference;

    /// <summary>Whether operations are recorded: never in inference mode, which <c>EnableGrad</c> does not end.</summary>
    public bool Records { get; } = isGradEnabled && !isInference;

    public ModeScope? Outer { get; } = outer;

    public bool IsDisposed => _isDisposed;

    /// <summary>A scope that nobody disposes.</summary>
    public static ModeScope Fixed(bool isGradEnabled, bool isInference) => s_fixed[(isGradEnabled ? 1 : 0) + (isInference ? 2 : 0)];

    public void Dispose()
    {
        _isDisposed = true;
        GradMode.Settle();
    }
}
