using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Where anomaly mode puts the trace of the forward call, in the <see cref="Exception.Data"/> of an exception that the derivative of a node threw.
    /// </summary>
    public const string ForwardTraceKey = "Autograd.ForwardTrace";

    /// <summary>Whether anomaly mode is on.</summary>
    public static bool IsAnomalyEnabled => Anomaly.IsEnabled;

    /// <summary>
    /// Until the result is disposed, the errors of backward passes name the call (file and line, if the program has debug symbols) that recorded the failing
    /// operation, and, if a saved tensor was written in place, the call that wrote it; and a gradient that is nan is an error.
    /// </summary>
    /// <param name="checkNan">Whether to look for nan in what each node returns. The error is "Function 'SqrtBackward0' returned nan values in its 0th output."</param>
    /// <remarks>
    /// For debugging: each recorded operation and each write keeps a stack trace, and each gradient is computed at once. Applies to all threads, as in PyTorch.
    /// A gradient can be nan although the value is not: 0 times infinity in the branch that <c>Where</c> did not take. Make its argument harmless before it is used.
    /// </remarks>
    public static IDisposable DetectAnomaly(bool checkNan = true) => SetDetectAnomaly(true, checkNan);

    /// <summary>Switches anomaly mode on or off; see <see cref="DetectAnomaly"/>. Disposing the result restores what was before; it need not be disposed.</summary>
    public static IDisposable SetDetectAnomaly(bool mode, bool checkNan = true) => new AnomalyScope(mode, checkNan);

    private sealed class AnomalyScope : IDisposable
    {
        private readonly bool _wasEnabled = Anomaly.IsEnabled;
        private readonly bool _checkedNan = Anomaly.ChecksNan;
        private bool _isDisposed;

        public AnomalyScope(bool isEnabled, bool checksNan) => Anomaly.Set(isEnabled, checksNan);

        public void Dispose()
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                Anomaly.Set(_wasEnabled, _checkedNan);
            }
        }
    }
}
