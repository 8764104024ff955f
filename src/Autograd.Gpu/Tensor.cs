using System.Diagnostics;
using Autograd.Gpu.Lazy;

namespace Autograd.Gpu;

/// <summary>
/// A multi-dimensional array of numbers on a device, with the history of how it was computed. Operations on tensors that require gradients are
/// recorded; <see cref="Backward"/> replays them in reverse.
/// </summary>
/// <remarks>
/// Values are computed when they are read: a chain of pointwise operations runs as one kernel. Memory comes from the device's pool and goes back
/// when the tensor is no longer reachable; <see cref="Dispose"/> gives it back at once and is never needed. A tensor must not be
/// written by one thread while another reads it.
/// </remarks>
[DebuggerDisplay("{DebuggerText,nq}")]
public sealed partial class Tensor : IDisposable
{
    private Storage? _storage;

    /// <summary>Takes over a storage, or shares one (a view).</summary>
    internal Tensor(Storage storage, Layout layout, VersionCounter? versions = null)
    {
        _storage = storage;
        Layout = layout;
        Versions = versions ?? storage;
        storage.AddHandle();
    }

    /// <summary>The sizes.</summary>
    public Shape Shape => Layout.Shape;

    /// <summary>The distance in elements between neighbours along each dimension.</summary>
    public ReadOnlySpan<long> Strides => Layout.Strides;

    /// <summary>Where in its storage the first element lies.</summary>
    public long StorageOffset => Layout.Offset;

    /// <summary>Number of dimensions.</summary>
    public int Rank => Layout.Rank;

    /// <summary>Number of elements.</summary>
    public long NumElements => Layout.Count;

    /// <summary>The type of the elements.</summary>
    public DType DType => Storage.DType;

    /// <summary>Where the tensor lives.</summary>
    public Device Device => Storage.Device;

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous => Layout.IsContiguous;

    /// <summary>How often the memory was written in place; views of one tensor share the count.</summary>
    public int Version => Versions.Version;

    internal Storage Storage => _storage ?? throw new ObjectDisposedException(nameof(Tensor), "This tensor was disposed; its memory may hold something else by now.");

    internal Layout Layout { get; }

    internal VersionCounter Versions { get; private init; }

    /// <summary>Whether another tensor with a history of its own, or none, shows the same memory.</summary>
    internal bool IsView { get; private init; }

    /// <summary>A number that came as a C# number and so does not widen the dtype of what it is combined with.</summary>
    internal bool IsWrappedNumber { get; private init; }

    private string DebuggerText => _storage is null ? "disposed" : $"{DType.Name()} {Shape} on {Device}{(Storage.IsPending ? ", pending" : "")}";

    /// <summary>
    /// Gives the memory back at once, if no view and no operation still needs it. Never needed for correctness: unreachable tensors give theirs back by themselves.
    /// </summary>
    public void Dispose() => Interlocked.Exchange(ref _storage, null)?.ReleaseHandle();

    /// <summary>Computes the value now, if it is pending, and returns this tensor.</summary>
    public Tensor Materialize()
    {
        Storage.Materialize(CutReason.Read);
        return this;
    }

    /// <summary>A 0-d tensor for a number in an expression, beside tensors of <paramref name="dtype"/>.</summary>
    internal static Tensor Wrap(Scalar value, Device device, DType? dtype = null)
    {
        var type = dtype is { } d && d.IsFloatingPoint() ? d.ComputeType() : value.IsFloatingPoint ? DType.Float64 : value.DefaultDType;
        var constant = new ConstantExpression(value, type, ScalarLayout);
        return new Tensor(new Storage(device, constant), ScalarLayout) { IsWrappedNumber = true };
    }

    internal static Tensor FromExpression(Device device, Expression expression)
    {
        var storage = Fuser.Attach(device, expression);
        return new Tensor(storage, storage.Value.Layout);
    }

    /// <summary>A tensor over memory that was just allocated for it.</summary>
    internal static Tensor FromNewBuffer(Device device, BufferExpression buffer) => new(new Storage(device, buffer), buffer.Layout);

    internal static Layout ScalarLayout { get; } = Layout.Contiguous(Shape.Scalar);

    /// <summary>A view of the same storage.</summary>
    internal Tensor View(Layout layout) => new(Storage, layout, Versions);

    /// <summary>A tensor of its own with the same value, not recorded; nothing is copied until one of the two is written in place.</summary>
    internal Tensor ShareValue()
    {
        if (Layout.IsWhole(Storage.Count))
        {
            return new Tensor(Storage.Share(), Layout);
        }

        lock (Device.Gate)
        {
            return FromNewBuffer(Device, Fuser.Copy(Device, Storage.Read(Layout), CutReason.View));
        }
    }

    /// <summary>The contiguous buffer of this tensor's elements, for kernels that do not fuse; strided tensors are copied.</summary>
    internal BufferExpression ContiguousBuffer()
    {
        var buffer = Storage.Materialize(CutReason.Operand);
        return Layout.IsContiguous
            ? buffer.WithLayout(Layout)
            : ShareValue().Storage.Materialize(CutReason.Operand);
    }

    /// <summary>The buffer as it lies, for kernels that read strides.</summary>
    internal BufferExpression StridedBuffer() => Storage.Materialize(CutReason.Operand).WithLayout(Layout);
}
