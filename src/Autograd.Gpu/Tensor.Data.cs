using System.Runtime.InteropServices;
using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>The one element, converted to <typeparamref name="T"/>.</summary>
    /// <exception cref="ShapeException">The tensor does not have exactly one element.</exception>
    public T Item<T>() where T : unmanaged
    {
        if (NumElements != 1)
        {
            throw new ShapeException(
                $"Item: a Tensor with {NumElements} elements cannot be converted to Scalar (shape {Shape}). Use ToArray<T>(), or index one element.");
        }

        var dtype = DTypeExtensions.Of<T>();
        Span<T> value = stackalloc T[1];
        var source = Readable("Item");
        source.Storage.Materialize(CutReason.Read);
        (DType == dtype ? source : source.CastTo(dtype)).CopyTo(value);
        return value[0];
    }

    /// <summary>The elements in row-major order.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the .NET type of the dtype.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        var values = new T[NumElements];
        CopyTo<T>(values);
        return values;
    }

    /// <summary>Copies the elements in row-major order.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the .NET type of the dtype.</exception>
    /// <exception cref="ShapeException">The span has not as many elements as the tensor.</exception>
    public void CopyTo<T>(Span<T> destination) where T : unmanaged
    {
        if (DTypeExtensions.Of<T>() != DType)
        {
            throw new DTypeException(
                $"CopyTo: the elements are {DType.Name()} and the destination is {typeof(T).Name}. Convert the tensor first with To(DType.{DTypeExtensions.Of<T>()}).");
        }

        if (destination.Length != NumElements)
        {
            throw new ShapeException($"CopyTo: the tensor of shape {Shape} has {NumElements} elements and the destination {destination.Length}.");
        }

        var source = Readable("CopyTo");
        if (!source.Storage.IsPending || Layout.IsWhole(source.Storage.Count))
        {
            source.Storage.Materialize(CutReason.Read);
        }

        var buffer = source.ContiguousBuffer();
        buffer.Block.CopyTo(MemoryMarshal.AsBytes(destination), buffer.Layout.Offset * DType.Size());
    }

    /// <summary>This tensor with another dtype; itself if it has that already. Differentiable between floating-point dtypes.</summary>
    public Tensor To(DType dtype) => dtype == DType ? this : Structural.Apply(ToDType.Of(dtype), this);

    /// <summary>This tensor on another device; itself if it is there already. Differentiable.</summary>
    public Tensor To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device == Device ? this : Structural.Apply(new ToDevice(Device, device), this);
    }

    /// <summary>A copy with memory of its own (taken when one of the two is first written); differentiable.</summary>
    public Tensor Clone() => Structural.Apply(Operations.Clone.Instance, this);

    /// <summary>This tensor with its elements in row-major order: itself if they are, else a copy; differentiable.</summary>
    public Tensor Contiguous() => IsContiguous ? this : Clone();

    /// <summary>Writes the elements of <paramref name="source"/>, broadcast and cast, over this tensor and returns it.</summary>
    /// <exception cref="ShapeException">The source does not broadcast to this shape.</exception>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Copy_(Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        using var profiled = Profiler.Operation("Copy_", this, source);
        if (Shape.Broadcast(Shape, source.Shape, "Copy_") != Shape)
        {
            throw new ShapeException($"Copy_: output with shape {Shape} doesn't match the broadcast shape {Shape.Broadcast(Shape, source.Shape, "Copy_")}.");
        }

        var local = source.Device != Device && source.IsWrappedNumber && source.Storage.Value is ConstantExpression number
            ? Wrap(number.Value, Device)
            : source.To(Device);
        if (Wrapper is not null || local.Wrapper is not null)
        {
            InPlace.Assign("Copy_", this, local.To(DType).Expand(Shape));
            return this;
        }

        bool records = Recorder.Wants(this, local);
        CheckInPlace("Copy_", records);

        // No gradient goes to the old value.
        var node = records ? new OperationNode(CopyInto.Instance, [default, local.GradientEdge()], Shape, DType) : null;
        Overwrite(local);
        if (node is not null)
        {
            RebaseHistory(node);
        }

        return this;
    }

    /// <summary>Writes one number over all elements and returns this tensor.</summary>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Fill_(Scalar value)
    {
        using var profiled = Profiler.Operation("Fill_", this);
        if (Wrapper is not null)
        {
            InPlace.Assign("Fill_", this, Full(Shape, value, DType, Device));
            return this;
        }

        bool records = Recorder.Wants(this);
        CheckInPlace("Fill_", records);
        Overwrite(Wrap(value, Device));
        if (records)
        {
            RebaseHistory(new OperationNode(Filled.Instance, [default], Shape, DType));
        }

        return this;
    }

    /// <summary>Writes zero over all elements and returns this tensor.</summary>
    public Tensor Zero_() => Fill_(0);
}
