using System.Runtime.InteropServices;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;
using Autograd.Gpu.Tape;

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
        Storage.Materialize(CutReason.Read);
        (DType == dtype ? this : CastTo(dtype)).CopyTo(value);
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

        if (!Storage.IsPending || Layout.IsWhole(Storage.Count))
        {
            Storage.Materialize(CutReason.Read);
        }

        var buffer = ContiguousBuffer();
        buffer.Block.CopyTo(MemoryMarshal.AsBytes(destination), buffer.Layout.Offset * DType.Size());
    }

    /// <summary>This tensor with another dtype; itself if it has that already. Differentiable between floating-point dtypes.</summary>
    public Tensor To(DType dtype) => dtype == DType ? this : Recorder.Record(ToDType.Instance, CastTo(dtype), this);

    /// <summary>This tensor on another device; itself if it is there already. Differentiable.</summary>
    public Tensor To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device == Device)
        {
            return this;
        }

        var source = ContiguousBuffer();
        var block = device.Allocate(NumElements * DType.Size());
        block.CopyFrom(source.Block, source.Layout.Offset * DType.Size(), 0, NumElements * DType.Size());
        var copy = FromNewBuffer(device, new BufferExpression(block, DType, Layout.Contiguous(Shape)));
        return Recorder.Record(new ToDevice(Device), copy, this);
    }

    /// <summary>A copy with memory of its own (taken when one of the two is first written); differentiable.</summary>
    public Tensor Clone() => Recorder.Record(Operations.Clone.Instance, ShareValue(), this);

    /// <summary>This tensor with its elements in row-major order: itself if they are, else a copy; differentiable.</summary>
    public Tensor Contiguous() => IsContiguous ? this : Clone();

    /// <summary>Writes the elements of <paramref name="source"/>, broadcast and cast, over this tensor and returns it.</summary>
    /// <exception cref="ShapeException">The source does not broadcast to this shape.</exception>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Copy_(Tensor source)
    {
        if (Shape.Broadcast(Shape, source.Shape, "Copy_") != Shape)
        {
            throw new ShapeException($"Copy_: output with shape {Shape} doesn't match the broadcast shape {Shape.Broadcast(Shape, source.Shape, "Copy_")}.");
        }

        var local = source.To(Device);
        bool records = Recorder.Wants(this, local);
        CheckInPlace("Copy_", records);
        Edge[] edges = records ? [local.GradientEdge()] : [];
        Overwrite(local);
        if (records)
        {
            ReplaceHistory(new OperationNode(Operations.Clone.Instance, edges, Shape, DType));
        }

        return this;
    }

    /// <summary>Writes one number over all elements and returns this tensor.</summary>
    /// <exception cref="GradientException">This is a leaf that requires gradients, outside of NoGrad.</exception>
    public Tensor Fill_(Scalar value)
    {
        bool records = Recorder.Wants(this);
        CheckInPlace("Fill_", records);
        Overwrite(Wrap(value, Device));
        if (records)
        {
            ReplaceHistory(new OperationNode(Operations.Clone.Instance, [default], Shape, DType));
        }

        return this;
    }

    /// <summary>Writes zero over all elements and returns this tensor.</summary>
    public Tensor Zero_() => Fill_(0);
}
