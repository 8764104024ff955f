using System.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

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
        if (storage.AddHandle() && GradMode.IsInference)
        {
            storage.IsInference = true;
        }
    }

    /// <summary>A tensor inside a function transform.</summary>
    internal Tensor(Wrapper wrapper)
    {
        Wrapper = wrapper;
        Layout = wrapper.Layout;
        Versions = wrapper.Inner.Versions;
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
    public DType DType => _storage?.DType ?? Plain.DType;

    /// <summary>Where the tensor lives.</summary>
    public Device Device => _storage?.Device ?? Plain.Device;

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous => Layout.IsContiguous;

    /// <summary>How often the memory was written in place, also under <c>NoGrad</c>; views of one tensor share the count.</summary>
    /// <exception cref="GradientException">The tensor was made in inference mode.</exception>
    public int Version => !IsInference
        ? Versions.Version
        : throw new GradientException(
            $"Version: Inference tensors do not track version counter. (The tensor has shape {Shape}.) Clone() it outside of InferenceMode to get a normal tensor.");

    internal Storage Storage => _storage ?? throw NoStorage();

    /// <summary>What stands for this tensor outside of the function transform that it is inside of; null for a tensor with memory of its own.</summary>
    internal Wrapper? Wrapper { get; }

    /// <summary>The tensor with memory that this one stands for, through all transforms; inside Vmap it has more dimensions.</summary>
    internal Tensor Plain
    {
        get
        {
            var tensor = this;
            while (tensor.Wrapper is { } wrapper)
            {
                tensor = wrapper.Inner;
            }

            return tensor._storage is null ? throw tensor.NoStorage() : tensor;
        }
    }

    internal Layout Layout { get; }

    internal VersionCounter Versions { get; private init; }

    /// <summary>A number that came as a C# number and so does not widen the dtype of what it is combined with.</summary>
    internal bool IsWrappedNumber { get; private init; }

    private string DebuggerText => Wrapper is { } wrapper ? $"inside {wrapper.Level.Name}: {wrapper.Inner.DebuggerText}" : _storage is null ? "disposed" : $"{DType.Name()} {Shape} on {Device}{(Storage.IsPending ? ", pending" : "")}";

    /// <summary>
    /// Gives the memory back at once, if no view and no operation still needs it. Never needed for correctness: unreachable tensors give theirs back by themselves.
    /// </summary>
    public void Dispose() => Interlocked.Exchange(ref _storage, null)?.ReleaseHandle();

    /// <summary>Computes the value now, if it is pending, and returns this tensor.</summary>
    public Tensor Materialize()
    {
        Plain.Storage.Materialize(CutReason.Read);
        return this;
    }

    /// <summary>A 0-d tensor for a number in an expression, beside tensors of <paramref name="dtype"/>.</summary>
    internal static Tensor Wrap(Scalar value, Device device, DType? dtype = null)
    {
        var type = dtype is { } d && d.IsFloatingPoint() ? d.ComputeType() : value.IsFloatingPoint ? DType.Float64 : value.DefaultDType;
        ref object? place = ref device.Numbers[value.Hash() & (Device.NumbersKept - 1)];
        if (Volatile.Read(ref place) is not WrappedNumber known || !known.Is(value, type))
        {
            Volatile.Write(ref place, known = new WrappedNumber(value, type, device));
        }

        return known.Tensor;
    }

    internal static Tensor FromExpression(Device device, Expression expression)
    {
        var storage = Fuser.Attach(device, expression);
        return new Tensor(storage, storage.Value.Layout);
    }

    /// <summary>A tensor over memory that was just allocated for it.</summary>
    internal static Tensor FromNewBuffer(Device device, BufferExpression buffer) => new(new Storage(device, buffer), buffer.Layout);

    internal static Layout ScalarLayout { get; } = Layout.Contiguous(Shape.Scalar);

    /// <summary>Another handle on the same storage, without history.</summary>
    internal Tensor View(Layout layout) => new(Storage, layout, Versions);

    /// <summary>The result of a view operation on this tensor.</summary>
    internal Tensor AsView(Layout layout) => new(Storage, layout, Versions);

    /// <summary>Another handle on the same value, without history.</summary>
    internal Tensor WithoutHistory() => Wrapper is { } wrapper ? wrapper.Rewrap(wrapper.Inner) : View(Layout);

    /// <summary>A tensor of its own with the same value, not recorded; nothing is copied until one of the two is written in place.</summary>
    internal Tensor ShareValue()
    {
        if (Wrapper is { } wrapper)
        {
            return wrapper.Rewrap(wrapper.Inner.ShareValue());
        }

        if (Layout.IsWhole(Storage.Count))
        {
            return new Tensor(Storage.Share(), Layout);
        }

        using (Device.Gate.Enter())
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

    /// <summary>This tensor for reading its elements.</summary>
    /// <exception cref="GradientException">The tensor is inside Vmap, where it has a value for each sample.</exception>
    private Tensor Readable(string operation)
    {
        var tensor = this;
        while (tensor.Wrapper is { } wrapper)
        {
            tensor = wrapper is not BatchWrapper
                ? wrapper.Inner
                : throw new GradientException(
                    $"{operation}: it looks like you're reading the elements of a tensor of shape {Shape} inside Vmap, where it stands for a batch and has no value of its own. "
                    + "Use tensor operations (Tensor.Where instead of if), or read the result after Vmap.");
        }

        return tensor;
    }

    private InvalidOperationException NoStorage() => Wrapper is null
        ? new ObjectDisposedException(nameof(Tensor), "This tensor was disposed; its memory may hold something else by now.")
        : new InvalidOperationException(
            $"This operation works on memory and cannot be applied to a tensor of shape {Shape} inside the function transform {Wrapper.Level.Name}. Use other tensor operations there.");

    /// <summary>The buffer as it lies, for kernels that read strides.</summary>
    internal BufferExpression StridedBuffer() => Storage.Materialize(CutReason.Operand).WithLayout(Layout);

    /// <summary>A number as a tensor, kept since the same numbers come back at each step.</summary>
    private sealed class WrappedNumber
    {
        private readonly Scalar _value;
        private readonly ConstantExpression _constant;

        public WrappedNumber(Scalar value, DType type, Device device)
        {
            _value = value;
            _constant = new ConstantExpression(value, type, ScalarLayout);
            Tensor = new Tensor(new Storage(device, _constant), ScalarLayout) { IsWrappedNumber = true };
        }

        public Tensor Tensor { get; }

        /// <summary>Whether this stands for the number and still does: whoever was handed the tensor may have computed, written or disposed it.</summary>
        public bool Is(in Scalar value, DType type) =>
            _constant.DType == type && _value.IsIdenticalTo(value) && Tensor._storage?.Value == _constant;
    }
}
