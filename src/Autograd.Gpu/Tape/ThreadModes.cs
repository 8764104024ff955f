using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Tape;

/// <summary>
/// The modes of a thread that a backward pass takes along when it continues on another one. Every thread-static mode that user code inside a pass
/// could notice belongs here.
/// </summary>
internal sealed class ThreadModes
{
    private readonly (bool IsGradEnabled, bool IsInference) _recording = GradMode.Capture();
    private readonly Level? _level = Level.Current;
    private readonly (object? Top, string? Disabled) _savedTensorHooks = SavedTensorHooks.State;
    private readonly KeptOutputs.Scope? _keptOutputs = KeptOutputs.Current;
    private readonly Node? _running = Anomaly.Running;

    private ThreadModes()
    {
    }

    /// <summary>Those of this thread.</summary>
    public static ThreadModes Capture() => new();

    /// <summary>Makes them those of this thread.</summary>
    public void Apply()
    {
        GradMode.Restore(_recording);
        Level.Current = _level;
        SavedTensorHooks.State = _savedTensorHooks;
        KeptOutputs.Current = _keptOutputs;
        Anomaly.Running = _running;
    }
}
