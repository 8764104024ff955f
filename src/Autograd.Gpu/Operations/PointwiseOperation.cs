using System.Runtime.CompilerServices;
using Autograd.Gpu.Diagnostics;
using Autograd.Gpu.Lazy;
using Autograd.Gpu.Tape;
using Autograd.Gpu.Transforms;

namespace Autograd.Gpu.Operations;

/// <summary>
/// A pointwise operation, declared once: name, the static <c>Invoke</c> methods (see <see cref="PointwiseFunction"/>), what the derivative reads,
/// and the gradient with respect to each input as a formula of tensors. Kernels on every device, the backward pass of every order and the
/// tests follow from it; a new operation is a new class with a public method beside it.
/// </summary>
internal abstract class PointwiseOperation(string name, int arity) : PointwiseFunction(name, arity), IOperation
{
    /// <inheritdoc/>
    public virtual Saves Saves => Saves.None;

    /// <inheritdoc/>
    public virtual bool IsProgram => false;

    /// <inheritdoc/>
    public bool IsFormula => !IsProgram;

    /// <inheritdoc/>
    public virtual Saves InputsFor(bool first, bool second) => Saves;

    /// <summary>PyTorch's name for the node.</summary>
    public virtual string NodeName { get; } = name + "Backward0";

    /// <summary>The name of the form that writes over its first input.</summary>
    public string InPlaceName { get; } = name + "_";

    /// <summary>The interval (open) from which the tests draw inputs where the function is smooth.</summary>
    public virtual (double Low, double High) Domain => (-3, 3);

    /// <summary>Whether there is a gradient; comparisons have none.</summary>
    public virtual bool IsDifferentiable => !IsPredicate;

    /// <summary>Why a dtype without a form of its own is not to be converted to one that has; null where it may be.</summary>
    public virtual string? Refusal(DType dtype) => null;

    /// <summary>
    /// <paramref name="gradient"/> times the partial derivative with respect to input <paramref name="input"/>; null where that is zero everywhere.
    /// </summary>
    public abstract Tensor? Gradient(int input, Tensor gradient, in SavedValues saved);

    /// <inheritdoc/>
    public void Vjp(Tensor gradient, in SavedValues saved, Span<Tensor?> inputGradients, ReadOnlySpan<bool> needs)
    {
        for (int i = 0; i < needs.Length; i++)
        {
            if (needs[i])
            {
                inputGradients[i] = Gradient(i, gradient, saved) ?? Tensor.Zeros(gradient.Shape, gradient.DType, gradient.Device);
            }
        }
    }

    /// <inheritdoc/>
    public Tensor Apply(ReadOnlySpan<Tensor> inputs) =>
        Pointwise.Apply(this, inputs[0], inputs.Length > 1 ? inputs[1] : null, inputs.Length > 2 ? inputs[2] : null);

    /// <inheritdoc/>
    public Tensor? Jvp(Tensor output, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor?> tangents)
    {
        // The Jacobian is diagonal, so a tangent is scaled by the same partial derivatives as a gradient.
        Tensor? sum = null;
        var saved = new SavedValues(inputs, output);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (tangents[i] is { } tangent && Gradient(i, tangent.To(output.DType).Expand(output.Shape), saved) is { } part)
            {
                sum = sum is null ? part : sum + part;
            }
        }

        return sum?.To(output.DType);
    }

    /// <inheritdoc/>
    public Tensor Batch(BatchInputs inputs)
    {
        // The dtype follows from the samples: a batch of 0-d tensors does not promote as a tensor with dimensions would.
        var samples = inputs.Samples;
        var dtype = Pointwise.InputType(this, samples[0], samples.Length > 1 ? samples[1] : null, samples.Length > 2 ? samples[2] : null);
        int rank = 0;
        foreach (var sample in samples)
        {
            rank = Math.Max(rank, sample.Rank);
        }

        var batches = new Tensor[samples.Length];
        for (int i = 0; i < batches.Length; i++)
        {
            var batch = inputs.Aligned(i, rank);
            batches[i] = batch.IsWrappedNumber || (i == 0 && TakesCondition) ? batch : batch.To(dtype);
        }

        return Apply(batches);
    }
}

/// <summary>The one instance of an operation.</summary>
internal static class Op<T>
    where T : PointwiseOperation, new()
{
    public static readonly T Instance = new();
}

/// <summary>Applies pointwise operations: promotion, broadcasting, the pending expression, the tape.</summary>
internal static class Pointwise
{
    // The names of the arguments are those of the public method that passes them on.
    public static Tensor Apply<T>(Tensor input) where T : PointwiseOperation, new() => Apply(Op<T>.Instance, input, null, null);

    public static Tensor Apply<T>(
        Tensor a, Tensor b, [CallerArgumentExpression(nameof(a))] string? nameOfA = null, [CallerArgumentExpression(nameof(b))] string? nameOfB = null)
        where T : PointwiseOperation, new()
    {
        ArgumentNullException.ThrowIfNull(a, nameOfA);
        ArgumentNullException.ThrowIfNull(b, nameOfB);
        return Apply(Op<T>.Instance, a, b, null);
    }

    public static Tensor Apply<T>(
        Tensor a, Tensor b, Tensor c, [CallerArgumentExpression(nameof(a))] string? nameOfA = null, [CallerArgumentExpression(nameof(b))] string? nameOfB = null,
        [CallerArgumentExpression(nameof(c))] string? nameOfC = null)
        where T : PointwiseOperation, new()
    {
        ArgumentNullException.ThrowIfNull(a, nameOfA);
        ArgumentNullException.ThrowIfNull(b, nameOfB);
        ArgumentNullException.ThrowIfNull(c, nameOfC);
        return Apply(Op<T>.Instance, a, b, c);
    }

    public static Tensor Apply<T>(Tensor a, Scalar b, [CallerArgumentExpression(nameof(a))] string? nameOfA = null) where T : PointwiseOperation, new()
    {
        ArgumentNullException.ThrowIfNull(a, nameOfA);
        return Apply(Op<T>.Instance, a, Tensor.Wrap(b, a.Device, a.DType), null);
    }

    public static Tensor Apply<T>(Scalar a, Tensor b, [CallerArgumentExpression(nameof(b))] string? nameOfB = null) where T : PointwiseOperation, new()
    {
        ArgumentNullException.ThrowIfNull(b, nameOfB);
        return Apply(Op<T>.Instance, Tensor.Wrap(a, b.Device, b.DType), b, null);
    }

    public static Tensor Apply(PointwiseOperation operation, Tensor a, Tensor? b, Tensor? c)
    {
        using var profiled = Profiler.Operation(operation.Name, a, b, c);
        var device = a.Device;
        CheckDevices(operation.Name, a, b, c);
        var dtype = InputType(operation, a, b, c);
        var shape = BroadcastShape(operation.Name, a, b, c);
        if (IsWrapped(a, b, c))
        {
            return Level.Dispatch(operation, Inputs(a, b, c));
        }

        var output = Recorder.Kept(operation.Name, a, b, c)
            ?? Tensor.FromPointwise(device, operation, operation.IsPredicate ? DType.Bool : dtype, dtype, shape, a, b, c);
        return operation.IsDifferentiable ? Recorder.Record(operation, output, a, b, c) : output;
    }

    /// <summary>Applies an operation and writes the result over <paramref name="a"/>, its first input.</summary>
    public static Tensor ApplyInPlace<T>(Tensor a) where T : PointwiseOperation, new() => Overwrite<T>(a, null, null);

    /// <inheritdoc cref="ApplyInPlace{T}(Tensor)"/>
    public static Tensor ApplyInPlace<T>(Tensor a, Tensor b, [CallerArgumentExpression(nameof(b))] string? nameOfB = null) where T : PointwiseOperation, new()
    {
        ArgumentNullException.ThrowIfNull(b, nameOfB);
        return Overwrite<T>(a, b, null);
    }

    /// <inheritdoc cref="ApplyInPlace{T}(Tensor)"/>
    public static Tensor ApplyInPlace<T>(Tensor a, Tensor b, Tensor c) where T : PointwiseOperation, new() => Overwrite<T>(a, b, c);

    /// <summary>Applies an operation of as many inputs as are there and writes the result over the first.</summary>
    internal static Tensor Overwrite<T>(Tensor a, Tensor? b, Tensor? c) where T : PointwiseOperation, new()
    {
        var operation = Op<T>.Instance;
        string name = operation.InPlaceName;
        using var profiled = Profiler.Operation(name, a, b, c);
        CheckDevices(name, a, b, c);
        var dtype = InputType(operation, a, b, c);
        var shape = BroadcastShape(name, a, b, c);
        if (shape != a.Shape)
        {
            throw new ShapeException(
                $"{name}: output with shape {a.Shape} doesn't match the broadcast shape {shape}. Use the out-of-place form, whose result has that shape.");
        }

        if (dtype.Category() > a.DType.Category() || operation.IsPredicate)
        {
            throw new DTypeException(
                $"{name}: result type {(operation.IsPredicate ? DType.Bool : dtype).Name()} can't be cast to the desired output type {a.DType.Name()}. Use the out-of-place form.");
        }

        if (IsWrapped(a, b, c))
        {
            // The derivative reads the old value, which stays readable: it shares the block, and the write moves to another.
            InPlace.Assign(name, a, Level.Dispatch(operation, Inputs(a.ShareWithHistory(), b, c)).To(a.DType));
            return a;
        }

        bool records = Recorder.Wants(a, b, c);
        a.CheckInPlace(name, records);
        OperationNode? node = null;
        if (records)
        {
            // What the derivative reads of the old value stays readable: it shares the block, and the write moves to another.
            var old = (operation.Saves & Saves.Input0) != 0 ? a.ShareWithHistory() : a;
            node = new OperationNode(operation, Recorder.Edges(a, b, c), shape, a.DType);
            node.SaveInputs(old, b, c);
        }

        a.Overwrite(operation, dtype, b, c);
        if (node is not null)
        {
            a.RebaseHistory(node);
            node.SaveOutput(a);
        }

        return a;
    }

    /// <summary>
    /// The in-place form of a composition: writes <paramref name="function"/> of the old value, which stays readable for the derivative, over
    /// <paramref name="a"/>.
    /// </summary>
    public static Tensor AssignInPlace(string name, Tensor a, Func<Tensor, Tensor> function)
    {
        a.CheckInPlace(name, records: false);
        var result = function(a.ShareWithHistory());
        if (result.Shape != a.Shape)
        {
            throw new ShapeException(
                $"{name}: output with shape {a.Shape} doesn't match the broadcast shape {result.Shape}. Use the out-of-place form, whose result has that shape.");
        }

        if (result.DType.Category() > a.DType.Category())
        {
            throw new DTypeException(
                $"{name}: result type {result.DType.Name()} can't be cast to the desired output type {a.DType.Name()}. Use the out-of-place form.");
        }

        return a.Copy_(result);
    }

    private static bool IsWrapped(Tensor a, Tensor? b, Tensor? c) => a.Wrapper is not null || b?.Wrapper is not null || c?.Wrapper is not null;

    private static Tensor[] Inputs(Tensor a, Tensor? b, Tensor? c) => c is not null ? [a, b!, c] : b is not null ? [a, b] : [a];

    /// <summary>The dtype in which the operation computes: promoted, and float32 where it is not defined for integers.</summary>
    internal static DType InputType(PointwiseOperation operation, Tensor a, Tensor? b, Tensor? c)
    {
        var dtype = operation.TakesCondition ? Promotion.ResultType(b!, c!)
            : b is null ? a.DType
            : c is null ? Promotion.ResultType(a, b)
            : Promotion.ResultType(a, b, c);
        if (operation.Supports(dtype))
        {
            return dtype;
        }

        if (operation.Refusal(dtype) is { } refusal)
        {
            throw new DTypeException(refusal);
        }

        return !dtype.IsFloatingPoint() && operation.Supports(DType.Int64) && dtype == DType.Bool ? DType.Int64
            : !dtype.IsFloatingPoint() && operation.Supports(DType.Float32) ? DType.Float32
            : throw new DTypeException($"{operation.Name}: not implemented for {dtype.Name()}.");
    }

    private static Shape BroadcastShape(string operation, Tensor a, Tensor? b, Tensor? c)
    {
        var shape = a.Shape;
        if (b is not null)
        {
            shape = Shape.Broadcast(shape, b.Shape, operation);
        }

        return c is null ? shape : Shape.Broadcast(shape, c.Shape, operation);
    }

    private static void CheckDevices(string operation, Tensor a, Tensor? b, Tensor? c)
    {
        var other = b is not null && b.Device != a.Device ? b : c is not null && c.Device != a.Device ? c : null;
        if (other is not null)
        {
            throw new DeviceMismatchException(
                $"{operation}: Expected all tensors to be on the same device, but found at least two devices, {a.Device} and {other.Device}. Move one with To(device).");
        }
    }
}
