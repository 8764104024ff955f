using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Autograd.Gpu.Tape;

/// <summary>
/// Backward passes inside one another, in hooks and in the backward of custom functions, each take a piece of the stack. After
/// <see cref="MaxDepth"/> of them, or when the stack runs low, the next pass runs on a thread of its own while its caller waits, as in PyTorch.
/// </summary>
internal static class FreshStack
{
    private const int MaxDepth = 60;
    private const int StackBytes = 1 << 20;

    [ThreadStatic]
    private static int s_depth;

    /// <summary>Whether one more pass must not begin on this thread.</summary>
    public static bool IsNeeded => s_depth >= MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack();

    public static void Enter() => s_depth++;

    public static void Leave() => s_depth--;

    /// <summary>Runs <paramref name="pass"/> on a new thread with this thread's modes; its exception is thrown here as it is.</summary>
    public static T Run<T>(Func<T> pass)
    {
        var modes = ThreadModes.Capture();
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    modes.Apply();
                    result = pass();
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e);
                }
            },
            StackBytes)
        {
            IsBackground = true,
            Name = "Autograd.Gpu nested backward",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
