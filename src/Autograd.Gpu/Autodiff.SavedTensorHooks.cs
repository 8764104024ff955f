using Autograd.Gpu.Tape;

namespace Autograd.Gpu;

public static partial class Autodiff
{
    /// <summary>
    /// Until the result is disposed, each tensor that an operation on this thread saves for the backward pass goes through <paramref name="pack"/>, and what
    /// that returns is kept in its place; the backward pass gets the tensor back from <paramref name="unpack"/>. Of nested scopes the innermost counts.
    /// </summary>
    /// <remarks>
    /// <paramref name="pack"/> is given a handle without history and must not write it; <paramref name="unpack"/> returns the same values with the same shape, dtype
    /// and device. History is kept beside the packed form, so that derivatives of every order work. In-place writes to a tensor that was packed are not noticed.
    /// </remarks>
    /// <exception cref="GradientException">Hooks are disabled.</exception>
    public static IDisposable SavedTensorHooks<TPacked>(Func<Tensor, TPacked> pack, Func<TPacked, Tensor> unpack)
    {
        ArgumentNullException.ThrowIfNull(pack);
        ArgumentNullException.ThrowIfNull(unpack);
        return Tape.SavedTensorHooks.Push(new UserHook<TPacked>(pack, unpack));
    }

    /// <summary>
    /// Until the result is disposed, what operations on this thread save lies in the host's memory and comes back to its device when the backward pass needs it.
    /// </summary>
    /// <exception cref="GradientException">Hooks are disabled.</exception>
    public static IDisposable SaveOnCpu() => Tape.SavedTensorHooks.Push(new SaveOnCpuHook());

    /// <summary>Until the result is disposed, to open a scope of saved tensor hooks on this thread is an error with this message.</summary>
    /// <exception cref="GradientException">A scope is open already; the message is the same.</exception>
    public static IDisposable DisableSavedTensorHooks(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Tape.SavedTensorHooks.Disable(message);
    }

    /// <summary>
    /// Until the result is disposed, tensors that were saved may be written in place: the graph keeps the old value, which is copied when the first write comes, and
    /// only then. Unlike PyTorch's, graphs recorded in the scope can be run back after it.
    /// </summary>
    /// <exception cref="GradientException">Hooks are disabled.</exception>
    public static IDisposable AllowMutationOnSavedTensors() => Tape.SavedTensorHooks.Push(new SharingHook());

    /// <summary>
    /// Counts a write that the tape cannot see, by code outside of the library for instance: a backward pass that needs the old value of a tensor, or of what shares
    /// its memory, is then an error.
    /// </summary>
    /// <exception cref="GradientException">A tensor was made in inference mode.</exception>
    public static void IncrementVersion(params ReadOnlySpan<Tensor> tensors)
    {
        foreach (var tensor in tensors)
        {
            ArgumentNullException.ThrowIfNull(tensor, nameof(tensors));
            if (tensor.IsInference)
            {
                throw new GradientException(
                    $"IncrementVersion: Inference tensors do not track version counter. (The tensor has shape {tensor.Shape}.) Clone() it outside of InferenceMode to get a normal tensor.");
            }

            tensor.Versions.Bump();
        }
    }
}
