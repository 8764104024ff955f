using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Tape;

/// <summary>
/// Anomaly mode: where each node was recorded and each tensor written, and a look at every gradient. All of it lies beside the nodes, so that they carry nothing
/// while the mode is off.
/// </summary>
internal static class Anomaly
{
    /// <summary>How many writes of one tensor are remembered, the latest.</summary>
    private const int MaxWrites = 32;

    private static readonly ConditionalWeakTable<Node, Origin> s_origins = [];
    private static readonly ConditionalWeakTable<VersionCounter, List<Write>> s_writes = [];
    private static bool s_isEnabled;

    /// <summary>The node whose derivative this thread computes.</summary>
    [ThreadStatic]
    private static Node? s_running;

    public static bool IsEnabled => s_isEnabled;

    public static bool ChecksNan { get; private set; }

    public static void Set(bool isEnabled, bool checksNan)
    {
        s_isEnabled = isEnabled;
        ChecksNan = checksNan;
        VersionCounter.Written = isEnabled ? Wrote : null;
    }

    /// <summary>The node whose derivative this thread computes, for a backward pass that continues on another one.</summary>
    public static Node? Running
    {
        get => s_running;
        set => s_running = value;
    }

    /// <summary>Remembers where a node was recorded, and by the derivative of which.</summary>
    public static void Recorded(Node node)
    {
        if (node is not AccumulateGrad)
        {
            s_origins.AddOrUpdate(node, new Origin(CallTrace.Capture(), s_running));
        }
    }

    /// <summary>Runs a node's derivative and looks at what it returns.</summary>
    public static void Backward(Node node, ReadOnlySpan<Tensor?> outputGradients, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        var outer = s_running;
        s_running = node;
        try
        {
            node.Backward(outputGradients, inputGradients, needs);
            if (ChecksNan)
            {
                CheckNan(node, inputGradients, needs);
            }
        }
        catch (Exception e) when (!e.Data.Contains(Autodiff.ForwardTraceKey))
        {
            // For what the derivative throws by itself: the type and the message stay the thrower's.
            e.Data[Autodiff.ForwardTraceKey] = Describe(node);
            throw;
        }
        finally
        {
            s_running = outer;
        }
    }

    /// <summary>The end of the message about a saved tensor that was written: where it was saved, and where it was written.</summary>
    public static string ExplainModification(Node? node, VersionCounter versions, int savedVersion)
    {
        if (!IsEnabled)
        {
            return "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with Autodiff.SetDetectAnomaly(true) "
                + "(torch.autograd.set_detect_anomaly(True) in PyTorch).";
        }

        var text = new StringBuilder("Hint: the backtrace further below shows the operation that failed to compute its gradient. Good luck!");
        if (node is not null)
        {
            text.AppendLine().Append(Describe(node));
        }

        if (s_writes.TryGetValue(versions, out var writes))
        {
            lock (writes)
            {
                if (writes.Find(w => w.Version > savedVersion) is { } write)
                {
                    text.AppendLine().Append($"The tensor was modified in place (version {write.Version}) here:").AppendLine().Append(write.Trace);
                }
            }
        }

        return text.ToString();
    }

    /// <summary>Where the forward call of a node was, and, where it was made by a backward pass, that of the node it differentiates.</summary>
    private static string Describe(Node node)
    {
        if (!s_origins.TryGetValue(node, out var origin))
        {
            return $"Error detected in {node.Name}. No forward pass information available. Enable detect anomaly during forward pass for more information.";
        }

        var text = new StringBuilder($"Error detected in {node.Name}. Traceback of forward call that caused the error:").AppendLine().Append(origin.Trace);
        for (var parent = origin.Parent; parent is not null; parent = origin.Parent)
        {
            text.AppendLine().Append($"Previous calculation was induced by {parent.Name}. ");
            if (!s_origins.TryGetValue(parent, out origin))
            {
                text.Append("No forward pass information available.");
                break;
            }

            text.Append("Traceback of forward call that induced the previous calculation:").AppendLine().Append(origin.Trace);
        }

        return text.ToString();
    }

    private static void CheckNan(Node node, Span<Tensor?> gradients, ReadOnlySpan<bool> needs)
    {
        using var mode = GradMode.Set(false);
        for (int i = 0; i < gradients.Length; i++)
        {
            if (needs[i] && gradients[i] is { } gradient && gradient.DType.IsFloatingPoint() && gradient.NumElements > 0
                && gradient.Ne(gradient).Sum().Item<long>() > 0)
            {
                throw new GradientException(
                    $"{node.Name}: Function '{node.Name}' returned nan values in its {i}th output. (A gradient of shape {gradient.Shape}, {gradient.DType.Name()}.) "
                    + "Keep its inputs where the derivative is finite; in both branches of Tensor.Where, for the one that is not taken counts 0 times its derivative."
                    + $"{Environment.NewLine}{Describe(node)}");
            }
        }
    }

    private static void Wrote(VersionCounter versions, int version)
    {
        var writes = s_writes.GetOrCreateValue(versions);
        lock (writes)
        {
            if (writes.Count == MaxWrites)
            {
                writes.RemoveAt(0);
            }

            writes.Add(new Write(version, CallTrace.Capture()));
        }
    }

    private sealed record Origin(string Trace, Node? Parent);

    private sealed record Write(int Version, string Trace);

    /// <summary>The program's own part of a stack.</summary>
    private static class CallTrace
    {
        private static readonly Assembly[] s_library = [typeof(Tensor).Assembly, typeof(Kernels.DeviceMath).Assembly];

        public static string Capture()
        {
            var frames = new StackTrace(fNeedFileInfo: true).GetFrames();

            // From the first frame below the library on; a library frame deeper down is a user's function that the library calls.
            int first = Array.FindIndex(frames, f => !IsLibrary(f));
            return first < 0 ? "   (no frame outside of the library)" : Format(frames.AsSpan(first));
        }

        private static string Format(ReadOnlySpan<StackFrame> frames)
        {
            var text = new StringBuilder();
            foreach (var frame in frames)
            {
                if (frame.GetMethod() is not { } method || IsLibrary(frame))
                {
                    continue;
                }

                text.Append(text.Length == 0 ? "" : Environment.NewLine).Append("   at ");
                text.Append(method.DeclaringType is { } type ? $"{type.FullName}.{method.Name}" : method.Name);
                if (frame.GetFileName() is { } file)
                {
                    text.Append($" in {file}:line {frame.GetFileLineNumber()}");
                }
            }

            return text.ToString();
        }

        private static bool IsLibrary(StackFrame frame) =>
            frame.GetMethod() is { } method && Array.IndexOf(s_library, method.Module.Assembly) >= 0;
    }
}
