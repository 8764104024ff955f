using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

// Modes belong to the thread, as in PyTorch, and do not flow through await: code that continues on another thread opens its scope again there. A scope that is
// disposed on another thread ends on the thread that opened it and changes nothing on the other.
public static partial class Autodiff
{
    /// <summary>Whether operations on this thread are recorded.</summary>
    public static bool IsGradEnabled => GradMode.IsEnabled;

    /// <summary>Whether this thread is in <see cref="InferenceMode"/>.</summary>
    public static bool IsInferenceModeEnabled => GradMode.IsInference;

    /// <summary>
    /// Until the result is disposed, operations on this thread are not recorded. Like every mode it belongs to the thread and does not flow through
    /// <c>await</c>: <c>using (Autodiff.NoGrad()) { ... }</c>. In-place operations still count versions.
    /// </summary>
    public static IDisposable NoGrad() => SetGradEnabled(false);

    /// <summary>
    /// Until the result is disposed, operations on this thread are recorded, also inside <see cref="NoGrad"/>. Inside <see cref="InferenceMode"/> nothing
    /// is recorded all the same.
    /// </summary>
    public static IDisposable EnableGrad() => SetGradEnabled(true);

    /// <summary>Until the result is disposed, recording on this thread is on or off.</summary>
    public static IDisposable SetGradEnabled(bool enabled) => GradMode.Open(enabled, GradMode.IsInference);

    /// <summary>
    /// Until the result is disposed, nothing on this thread is recorded, and what is made is an inference tensor (<see cref="Tensor.IsInference"/>): it never takes part in
    /// recorded computation, and its versions are not tracked. Views of ordinary tensors, and ordinary tensors that are written in place, stay ordinary.
    /// </summary>
    /// <param name="enabled">If false, inference mode ends until the result is disposed, and operations are recorded.</param>
    /// <remarks>
    /// Outside of the mode an inference tensor can be read, but not written in place, set to require gradients, or saved for a backward
    /// pass: <see cref="Tensor.Clone"/> makes an ordinary tensor of it. Function transforms such as <c>Autodiff.Grad(f)</c> differentiate inside the mode as well,
    /// with respect to ordinary tensors.
    /// </remarks>
    public static IDisposable InferenceMode(bool enabled = true) => GradMode.Open(!enabled, enabled);
}
