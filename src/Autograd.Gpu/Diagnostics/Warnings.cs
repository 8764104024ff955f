using System.Diagnostics;

namespace Autograd.Gpu.Diagnostics;

/// <summary>What works but not as well as it could, or not as it may seem: told to <see cref="Raised"/> and to <see cref="Trace.TraceWarning(string)"/>.</summary>
public static class Warnings
{
    /// <summary>Called with the text of each warning, on the thread that causes it.</summary>
    public static event Action<string>? Raised;

    private static readonly HashSet<string> s_told = [];

    /// <summary>Tells what was not told before.</summary>
    internal static void RaiseOnce(string message)
    {
        lock (s_told)
        {
            if (!s_told.Add(message))
            {
                return;
            }
        }

        Raise(message);
    }

    /// <summary>Tells it each time.</summary>
    internal static void Raise(string message)
    {
        Trace.TraceWarning(message);
        Raised?.Invoke(message);
    }
}
