using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

namespace Autograd.Gpu.Transforms;

/// <summary>Writes over a wrapped tensor: the operation is applied out of place, then each transform's part of the result replaces its part of the old value.</summary>
internal static class InPlace
{
    /// <summary>Makes <paramref name="value"/>, a result of the target's shape, the value of <paramref name="target"/>.</summary>
    public static void Assign(string operation, Tensor target, Tensor value)
    {
        if (target.Wrapper is not { } wrapper)
        {
            if (value.Wrapper is { } inside)
            {
                throw Captured(operation, target, inside.Level);
            }

            target.Copy_(value);
            return;
        }

        if (value.Wrapper?.Level is { } level && level.Number > wrapper.Level.Number)
        {
            throw Captured(operation, target, level);
        }

        bool wraps = wrapper.Level.Wraps(value);
        switch (wrapper)
        {
            case GradWrapper:
                AssignRecorded(operation, target, value, (GradLevel)wrapper.Level);
                break;
            case DualWrapper dual:
                Assign(operation, dual.Inner, wrapper.Level.Unwrap(value));
                Assign(operation, dual.Tangent, wraps ? ((DualWrapper)value.Wrapper!).Tangent : Tensor.ZerosLike(dual.Tangent));
                break;
            default:
                var batch = wrapper.Level.Unwrap(value);
                Assign(operation, wrapper.Inner, wraps ? batch : batch.Expand(wrapper.Inner.Shape));
                break;
        }
    }

    /// <summary>Writes over a tensor of a differentiation: to the value outside first, then to the history.</summary>
    private static void AssignRecorded(string operation, Tensor target, Tensor value, GradLevel level)
    {
        bool records = GradMode.IsEnabled && (level.Wraps(value) || target.RequiresGrad);
        target.CheckInPlace(operation, records);
        var edge = level.EdgeOf(value);
        using (level.OutsideMode())
        {
            Assign(operation, target.Wrapper!.Inner, level.Unwrap(value));
        }

        if (records)
        {
            // The old value has no part in the new one but through the value itself.
            target.RebaseHistory(new OperationNode(CopyInto.Instance, [default, edge], target.Shape, target.DType));
        }
    }

    private static GradientException Captured(string operation, Tensor target, Level level) => level is BatchLevel
        ? new($"{operation}: vmap: inplace arithmetic is not possible because the tensor being written (shape {target.Shape}) is shared by all samples, while what is written "
            + "differs between them. Use the out-of-place form.")
        : new($"{operation}: the function given to {level.Name} attempted an in-place operation that would mutate a captured Tensor of shape {target.Shape}. "
            + "This is not supported. Pass it as an argument or use the out-of-place form.");
}
