using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Operations;

/// <summary>Tensors that a derivative made on its way and that nobody else has seen.</summary>
internal static class Temporary
{
    /// <summary>
    /// Gives up a handle on memory, unless it is the very tensor that is <paramref name="kept"/>, or the tape may have saved it. The memory goes back when
    /// no other tensor and no pending value reads it: now, and not with a garbage collection.
    /// </summary>
    public static void Drop(Tensor tensor, Tensor? kept = null)
    {
        if (!ReferenceEquals(tensor, kept) && !GradMode.IsEnabled && tensor.Wrapper is null)
        {
            tensor.Dispose();
        }
    }
}
