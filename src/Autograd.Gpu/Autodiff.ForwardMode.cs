using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

// Dual numbers by hand: what torch.autograd.forward_ad holds. Jvp is the same as a function transform, and nests.
public static partial class Autodiff
{
    /// <summary>
    /// Until the result is disposed, tensors on this thread can carry a tangent: <see cref="MakeDual"/> attaches one, operations carry it along,
    /// <see cref="UnpackDual"/> reads it. Afterwards the duals are their primals again.
    /// </summary>
    /// <exception cref="GradientException">A level is open already on this thread.</exception>
    public static IDisposable DualLevel() => Transforms.DualLevel.Scope is null
        ? new DualLevel(isScope: true)
        : throw new GradientException(
            "DualLevel: Nested forward mode AD is not supported at the moment: a dual level is open already on this thread. Use Autodiff.Jvp, which nests.");

    /// <summary>
    /// <paramref name="primal"/> with a tangent, on the open <see cref="DualLevel"/>. If the primal requires gradients, the primals of what is computed from it are
    /// recorded, and so are the tangents. A backward pass from a dual while the level is open gives gradients that are duals: the tangent of a gradient is
    /// the Hessian times the tangent (forward over reverse). One from its tangent gives the same, in reverse over forward.
    /// </summary>
    /// <param name="primal">The value, of a floating-point dtype.</param>
    /// <param name="tangent">Its tangent: same shape, dtype and device.</param>
    /// <exception cref="GradientException">No level is open, or the tensor has a tangent already.</exception>
    /// <exception cref="ShapeException">The tangent has not the primal's shape.</exception>
    /// <exception cref="DTypeException">The dtypes differ or are not floating-point.</exception>
    /// <exception cref="DeviceMismatchException">The devices differ.</exception>
    public static Tensor MakeDual(Tensor primal, Tensor tangent)
    {
        ArgumentNullException.ThrowIfNull(primal);
        ArgumentNullException.ThrowIfNull(tangent);
        var level = Transforms.DualLevel.Scope ?? throw new GradientException(
            "MakeDual: Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first: using var level = Autodiff.DualLevel().");
        var (value, direction) = (Level.WithoutClosed(primal), Level.WithoutClosed(tangent));
        if (level.Wraps(value) || level.Wraps(direction))
        {
            throw new GradientException(
                $"MakeDual: Making a dual Tensor based on a Tensor that already has a forward gradient at the same level is not supported (shape {primal.Shape}). Unpack it first with UnpackDual.");
        }

        CheckOutside("MakeDual", level, value);
        CheckOutside("MakeDual", level, direction);
        return ForwardPass.Dual("MakeDual", level, value, direction);
    }

    /// <summary>The value and the tangent of a tensor; the tangent is null where there is none, and always outside of a <see cref="DualLevel"/>.</summary>
    public static (Tensor Primal, Tensor? Tangent) UnpackDual(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var value = Level.WithoutClosed(tensor);
        if (Transforms.DualLevel.Scope is not { } level)
        {
            return (value, null);
        }

        CheckOutside("UnpackDual", level, value);
        return (level.Unwrap(value), level.TangentOf(value));
    }

    /// <summary>Refuses tensors of a transform that runs inside the dual level: their dual numbers, if any, lie below that transform's wrapping.</summary>
    private static void CheckOutside(string operation, DualLevel level, Tensor tensor)
    {
        if (tensor.Wrapper?.Level is { } inner && inner.Number > level.Number)
        {
            throw new GradientException(
                $"{operation}: the tensor of shape {tensor.Shape} belongs to {inner.Name}, which runs inside the dual level. Use Autodiff.Jvp there, or open the level inside.");
        }
    }
}
