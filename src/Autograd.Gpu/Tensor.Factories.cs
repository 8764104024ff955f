using System.Runtime.InteropServices;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Operations;

namespace Autograd.Gpu;

public sealed partial class Tensor
{
    /// <summary>A tensor of zeros.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="dtype">The type of the elements; by default float32.</param>
    /// <param name="device">Where it lives; by default <see cref="Device.Default"/>.</param>
    /// <param name="requiresGrad">Whether operations on it are recorded.</param>
    /// <exception cref="DTypeException"><paramref name="requiresGrad"/>, but the dtype is not floating-point.</exception>
    /// <exception cref="ShapeException">A size is negative, or there are more than 2^60 elements.</exception>
    public static Tensor Zeros(Shape shape, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false) =>
        Full(shape, 0.0, dtype, device, requiresGrad);

    /// <summary>A tensor of ones; parameters as <see cref="Zeros"/>.</summary>
    public static Tensor Ones(Shape shape, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false) =>
        Full(shape, 1.0, dtype, device, requiresGrad);

    /// <summary>A tensor of one number; by default float32, int64 or bool as the number is. Other parameters as <see cref="Zeros"/>.</summary>
    public static Tensor Full(Shape shape, Scalar value, DType? dtype = null, Device? device = null, bool requiresGrad = false)
    {
        Defined.Check("Full", dtype);
        var constant = new ConstantExpression(value, dtype ?? value.DefaultDType, Layout.Contiguous(shape));
        return FromExpression(device ?? Device.Default, constant).WithRequiresGrad(requiresGrad);
    }

    /// <summary>A 0-d tensor of one number; by default float32, int64 or bool as the number is.</summary>
    public static Tensor Of(Scalar value, DType? dtype = null, Device? device = null, bool requiresGrad = false) =>
        Full(Shape.Scalar, value, dtype, device, requiresGrad);

    /// <summary>Zeros of another tensor's shape, dtype and device.</summary>
    public static Tensor ZerosLike(Tensor other) => Zeros(NotNull(other).Shape, other.DType, other.Device);

    /// <summary>Ones of another tensor's shape, dtype and device.</summary>
    public static Tensor OnesLike(Tensor other) => Ones(NotNull(other).Shape, other.DType, other.Device);

    /// <summary>One number in another tensor's shape, by default with its dtype and on its device.</summary>
    public static Tensor FullLike(Tensor other, Scalar value, DType? dtype = null, Device? device = null) =>
        Full(NotNull(other).Shape, value, dtype ?? other.DType, device ?? other.Device);

    /// <summary>A tensor whose elements are whatever was in its memory; parameters as <see cref="Zeros"/>.</summary>
    /// <exception cref="DTypeException"><paramref name="requiresGrad"/>, but the dtype is not floating-point.</exception>
    public static Tensor Empty(Shape shape, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false)
    {
        Defined.Check("Empty", dtype);
        if (dtype == DType.Bool)
        {
            // Other bytes than 0 and 1 are no elements.
            return Zeros(shape, dtype, device, requiresGrad);
        }

        device ??= Device.Default;
        var block = device.Allocate(shape.NumElements * dtype.Size());
        return FromNewBuffer(device, new BufferExpression(block, dtype, Layout.Contiguous(shape))).WithRequiresGrad(requiresGrad);
    }

    /// <summary>The same of another tensor's shape, by default with its dtype and on its device.</summary>
    public static Tensor EmptyLike(Tensor other, DType? dtype = null, Device? device = null) => Empty(NotNull(other).Shape, dtype ?? other.DType, device ?? other.Device);

    /// <summary>A 1-d tensor of these numbers.</summary>
    public static Tensor FromArray<T>(T[] values, Device? device = null, bool requiresGrad = false) where T : unmanaged =>
        FromSpan<T>(values, [values.Length], device, requiresGrad);

    /// <summary>A tensor of these numbers in row-major order.</summary>
    /// <exception cref="ShapeException">There are more or fewer numbers than the shape has elements.</exception>
    public static Tensor FromArray<T>(T[] values, Shape shape, Device? device = null, bool requiresGrad = false) where T : unmanaged =>
        FromSpan<T>(values, shape, device, requiresGrad);

    /// <summary>A 2-d tensor of these numbers.</summary>
    public static Tensor FromArray<T>(T[,] values, Device? device = null, bool requiresGrad = false) where T : unmanaged =>
        FromSpan(MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(values).AsElement<T>(), values.Length),
            [values.GetLength(0), values.GetLength(1)], device, requiresGrad);

    /// <summary>A tensor of these numbers in row-major order. The dtype follows the .NET type: bool, byte, int, long, Half, float, double.</summary>
    /// <exception cref="ShapeException">There are more or fewer numbers than the shape has elements.</exception>
    /// <exception cref="DTypeException">No dtype corresponds to <typeparamref name="T"/>.</exception>
    public static Tensor FromSpan<T>(ReadOnlySpan<T> values, Shape shape, Device? device = null, bool requiresGrad = false) where T : unmanaged
    {
        var dtype = DTypeExtensions.Of<T>();
        if (shape.NumElements != values.Length)
        {
            throw new ShapeException($"FromArray: the shape {shape} has {shape.NumElements} elements, but {values.Length} numbers were given.");
        }

        device ??= Device.Default;
        var block = device.Allocate((long)values.Length * dtype.Size());
        block.CopyFrom(MemoryMarshal.AsBytes(values));
        return FromNewBuffer(device, new BufferExpression(block, dtype, Layout.Contiguous(shape))).WithRequiresGrad(requiresGrad);
    }

    /// <summary>The numbers from <paramref name="start"/> up to, and without, <paramref name="end"/>; int64 if all three are whole numbers, else float32.</summary>
    /// <exception cref="ArgumentException">The step is zero or leads away from the end, a bound is not finite, or there are too many numbers.</exception>
    /// <exception cref="DTypeException"><paramref name="requiresGrad"/>, but the dtype is not floating-point.</exception>
    public static Tensor Arange(Scalar start, Scalar end, Scalar? step = null, DType? dtype = null, Device? device = null, bool requiresGrad = false)
    {
        var by = step ?? 1;
        bool isWhole = !start.IsFloatingPoint && !end.IsFloatingPoint && !by.IsFloatingPoint;
        long count = isWhole ? CountOf(start.ToInt64(), end.ToInt64(), by.ToInt64()) : CountOf(start.ToDouble(), end.ToDouble(), by.ToDouble());
        var type = dtype ?? (isWhole ? DType.Int64 : DType.Float32);
        var index = IndexSequence([count], [1], device ?? Device.Default);
        using var mode = Tape.GradMode.Set(false);
        var values = isWhole
            ? index * by.ToInt64() + start.ToInt64()
            : index.To(DType.Float64) * by.ToDouble() + start.ToDouble();
        return values.To(type).WithRequiresGrad(requiresGrad);
    }

    /// <summary>The whole numbers from 0 up to, and without, <paramref name="end"/>.</summary>
    public static Tensor Arange(Scalar end, DType? dtype = null, Device? device = null, bool requiresGrad = false) =>
        Arange(0, end, 1, dtype, device, requiresGrad);

    /// <summary><paramref name="steps"/> numbers at equal distances from <paramref name="start"/> to <paramref name="end"/>, both included.</summary>
    /// <exception cref="ArgumentException">The number of steps is negative.</exception>
    /// <exception cref="DTypeException"><paramref name="requiresGrad"/>, but the dtype is not floating-point.</exception>
    public static Tensor Linspace(double start, double end, long steps, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false)
    {
        if (steps < 0)
        {
            throw new ArgumentException($"Linspace: number of steps must be non-negative, but got {steps}.", nameof(steps));
        }

        using var mode = Tape.GradMode.Set(false);
        var index = IndexSequence([steps], [1], device ?? Device.Default).To(DType.Float64);
        double step = steps > 1 ? (end - start) / (steps - 1) : 0;

        // From both ends towards the middle, so that the last number is the end exactly.
        var values = Where(index < steps / 2.0, index * step + start, (index - (steps - 1.0)) * step + (steps > 1 ? end : start));
        return values.To(dtype).WithRequiresGrad(requiresGrad);
    }

    /// <summary><paramref name="steps"/> numbers from base^start to base^end whose logarithms are at equal distances.</summary>
    /// <exception cref="ArgumentException">The number of steps is negative.</exception>
    /// <exception cref="DTypeException"><paramref name="requiresGrad"/>, but the dtype is not floating-point.</exception>
    public static Tensor Logspace(double start, double end, long steps, double @base = 10, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false)
    {
        if (steps < 0)
        {
            throw new ArgumentException($"Logspace: number of steps must be non-negative, but got {steps}.", nameof(steps));
        }

        using var mode = Tape.GradMode.Set(false);
        return Pow(@base, Linspace(start, end, steps, DType.Float64, device)).To(dtype).WithRequiresGrad(requiresGrad);
    }

    /// <summary>A matrix with ones on the diagonal and zeros elsewhere.</summary>
    /// <exception cref="ShapeException">A size is negative.</exception>
    /// <exception cref="DTypeException"><paramref name="requiresGrad"/>, but the dtype is not floating-point.</exception>
    public static Tensor Eye(long rows, long? columns = null, DType dtype = DType.Float32, Device? device = null, bool requiresGrad = false)
    {
        if (rows < 0 || columns < 0)
        {
            throw new ShapeException($"Eye: n and m must be greater or equal to 0, but got {rows} and {columns ?? rows}.");
        }

        using var mode = Tape.GradMode.Set(false);
        Shape shape = [rows, columns ?? rows];
        device ??= Device.Default;
        return (IndexSequence(shape, [1, 0], device) == IndexSequence(shape, [0, 1], device)).To(dtype).WithRequiresGrad(requiresGrad);
    }

    /// <summary>For each element of this int64 tensor a row of <paramref name="classes"/> elements: 1 at the place that it names, elsewhere 0, as int64.</summary>
    /// <exception cref="DTypeException">The dtype is not int64.</exception>
    public Tensor OneHot(long classes)
    {
        if (DType != DType.Int64)
        {
            throw new DTypeException($"OneHot: one_hot is only applicable to index tensor of type int64, but got {DType.Name()}.");
        }

        ClassIndices.Check("OneHot", this, classes);
        return (Unsqueeze(-1) == IndexSequence([classes], [1], Device)).To(DType.Int64);
    }

    /// <summary>The position of each element along the dimensions that have a stride, without memory.</summary>
    internal static Tensor IndexSequence(Shape shape, long[] strides, Device device, DType dtype = DType.Int64)
    {
        var index = new IndexExpression(dtype, Layout.Strided(shape, strides, 0));
        var layout = Layout.Contiguous(shape);
        if (index.Layout.IsContiguous)
        {
            return new Tensor(new Storage(device, index), layout);
        }

        // A storage's value has row-major order; a broadcast sequence is taken in as the input of a pending copy.
        using (device.Gate.Enter())
        {
            return FromExpression(device, Fuser.Apply(device, CastFunction.Instance, dtype, layout, index));
        }
    }

    /// <summary>How many numbers there are from one up to another, exactly.</summary>
    private static long CountOf(long start, long end, long step)
    {
        var span = (Int128)end - start;
        if (step == 0 || Int128.Sign(span) * Math.Sign(step) < 0)
        {
            throw WrongStep(start, end, step);
        }

        var count = span / step + (span % step == 0 ? 0 : 1);
        return count <= long.MaxValue ? (long)count : throw TooMany(start, end, step);
    }

    private static long CountOf(double start, double end, double step)
    {
        double span = end - start;
        if (!double.IsFinite(span) || !double.IsFinite(step))
        {
            throw new ArgumentException($"Arange: unsupported range: {start} -> {end} by {step}. Give numbers that are finite.");
        }

        if (step == 0 || span / step < 0)
        {
            throw WrongStep(start, end, step);
        }

        double count = Math.Ceiling(span / step);
        return count < long.MaxValue ? (long)count : throw TooMany(start, end, step);
    }

    private static ArgumentException WrongStep<T>(T start, T end, T step) =>
        new($"Arange: upper bound and larger bound inconsistent with step sign: start {start}, end {end}, step {step}.");

    private static ArgumentException TooMany<T>(T start, T end, T step) =>
        new($"Arange: invalid size, possible overflow? There are more than 2^63 numbers from {start} to {end} by {step}.");

    private Tensor WithRequiresGrad(bool requiresGrad) => requiresGrad ? RequiresGrad_() : this;
}

internal static class ArrayData
{
    /// <summary>The first element of a multi-dimensional array.</summary>
    public static ref T AsElement<T>(this ref byte data) => ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref data);
}
