namespace Autograd.Gpu.Tape;

/// <summary>Whether operations are recorded. A property of the thread, as in PyTorch: it does not flow through <c>await</c>.</summary>
internal static class GradMode
{
    [ThreadStatic]
    private static bool s_disabled;

    public static bool IsEnabled
    {
        get => !s_disabled;
        set => s_disabled = !value;
    }

    public static Scope Set(bool enabled) => new(enabled);

    /// <summary>Restores the mode that it found.</summary>
    public readonly struct Scope : IDisposable
    {
        private readonly bool _previous;

        public Scope(bool enabled)
        {
            _previous = IsEnabled;
            IsEnabled = enabled;
        }

        public void Dispose() => IsEnabled = _previous;
    }
}
