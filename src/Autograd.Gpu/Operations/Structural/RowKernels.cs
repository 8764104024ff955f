using Autograd.Gpu.Lazy;

namespace Autograd.Gpu.Operations;

/// <summary>Decides which lines are rows for the kernels that take one row at a time, and calls those; nothing here is recorded.</summary>
internal static class RowKernels
{
    // A few very long rows are better cut over the cores, as fused reductions do.
    private const long FewRows = 8;
    private const long LongRow = 1 << 16;

    /// <summary>The extents of lines along a dimension as rows of contiguous memory; null if they are none, or better not taken as such.</summary>
    public static (long Rows, long Length)? Of(Shape shape, int dim)
    {
        var (outer, length, inner) = Lines.Of(shape, dim);
        return inner == 1 ? Of(outer, length) : null;
    }

    /// <summary>The same extents, if the kernels are to take them.</summary>
    public static (long Rows, long Length)? Of(long rows, long length) =>
        rows > 0 && length > 0 && (rows >= FewRows || length < LongRow) ? (rows, length) : null;

    /// <summary>Softmax or its logarithm; with an output, the gradient of its input from <paramref name="x"/>, that of the output.</summary>
    public static Tensor Softmax(Tensor x, Tensor? output, (long Rows, long Length) size, bool isLog)
    {
        var (device, dtype) = (x.Device, x.DType);
        var compute = dtype.ComputeType();
        using (device.Gate.Enter())
        {
            var input = x.CastIfNeeded(compute).ContiguousBuffer();
            var forward = output?.CastIfNeeded(compute).ContiguousBuffer();
            var result = Fuser.NewBuffer(device, compute, x.Layout.Compact);
            Executor.Of(device).Run(new SoftmaxCall(input, forward, result, size.Rows, size.Length, isLog), x.Shape);
            return Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype);
        }
    }

    /// <summary>The normalised rows, and two numbers of each row: [2, rows].</summary>
    public static (Tensor Result, BufferExpression Moments) Norm(Tensor x, Tensor? weight, Tensor? bias, (long Rows, long Length) size, double epsilon, bool centres)
    {
        var (device, dtype) = (x.Device, x.DType);
        var compute = dtype.ComputeType();
        using (device.Gate.Enter())
        {
            var moments = Fuser.NewBuffer(device, compute, Layout.Contiguous([2, size.Rows]));
            var result = Fuser.NewBuffer(device, compute, x.Layout.Compact);
            var call = new NormCall(
                x.CastIfNeeded(compute).ContiguousBuffer(), null, weight?.CastIfNeeded(compute).ContiguousBuffer(), bias?.CastIfNeeded(compute).ContiguousBuffer(),
                moments, result, size.Rows, size.Length, epsilon, centres);
            Executor.Of(device).Run(call, x.Shape);
            return (Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype), moments);
        }
    }

    /// <summary>The gradient of a normalisation's input.</summary>
    public static Tensor NormGradient(Tensor gradient, Tensor x, Tensor? weight, BufferExpression moments, (long Rows, long Length) size, bool centres)
    {
        var (device, dtype) = (x.Device, x.DType);
        var compute = dtype.ComputeType();
        using (device.Gate.Enter())
        {
            var result = Fuser.NewBuffer(device, compute, x.Layout.Compact);
            var call = new NormCall(
                x.CastIfNeeded(compute).ContiguousBuffer(), gradient.CastIfNeeded(compute).ContiguousBuffer(), weight?.CastIfNeeded(compute).ContiguousBuffer(), null,
                moments, result, size.Rows, size.Length, 0, centres);
            Executor.Of(device).Run(call, x.Shape);
            return Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype);
        }
    }

    /// <summary>The gradients of a normalisation's input, weight and bias, those that are needed, in one pass on the host.</summary>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) NormGradients(
        Tensor gradient, Tensor x, Tensor weight, BufferExpression moments, (long Rows, long Length) size, bool centres, ReadOnlySpan<bool> needs)
    {
        var (device, dtype) = (x.Device, x.DType);
        var compute = dtype.ComputeType();
        using (device.Gate.Enter())
        {
            var ofWeight = weight.Layout.Compact;
            var result = needs[0] ? Fuser.NewBuffer(device, compute, x.Layout.Compact) : null;
            var weightResult = needs[1] ? Fuser.NewBuffer(device, compute, ofWeight) : null;
            var biasResult = needs.Length > 2 && needs[2] ? Fuser.NewBuffer(device, compute, ofWeight) : null;
            var call = new NormSumsCall(
                x.CastIfNeeded(compute).ContiguousBuffer(), gradient.CastIfNeeded(compute).ContiguousBuffer(), weight.CastIfNeeded(compute).ContiguousBuffer(),
                moments, result, weightResult, biasResult, size.Rows, size.Length, centres);
            Executor.Of(device).Run(call, x.Shape);
            return (Own(device, result)?.CastIfNeeded(dtype), Own(device, weightResult), Own(device, biasResult));
        }

        static Tensor? Own(Device device, BufferExpression? buffer) => buffer is null ? null : Tensor.FromNewBuffer(device, buffer);
    }

    /// <summary>The cross entropy of rows of logits, and two numbers of each row: [2, rows].</summary>
    public static (Tensor Losses, BufferExpression Moments) CrossEntropy(Tensor logits, Tensor target, long ignoreIndex)
    {
        var (device, dtype) = (logits.Device, logits.DType);
        var compute = dtype.ComputeType();
        long rows = logits.Shape[0], classes = logits.Shape[1];
        using (device.Gate.Enter())
        {
            var moments = Fuser.NewBuffer(device, compute, Layout.Contiguous([2, rows]));
            var losses = Fuser.NewBuffer(device, compute, target.Layout.Compact);
            var call = new CrossEntropyCall(
                logits.CastIfNeeded(compute).ContiguousBuffer(), target.ContiguousBuffer(), null, moments, losses, rows, classes, ignoreIndex, isBackward: false);
            Executor.Of(device).Run(call, logits.Shape);
            return (Tensor.FromNewBuffer(device, losses).CastIfNeeded(dtype), moments);
        }
    }

    /// <summary>The gradient of the logits from those of the losses.</summary>
    public static Tensor CrossEntropyGradient(Tensor gradient, Tensor logits, Tensor target, BufferExpression moments, long ignoreIndex)
    {
        var (device, dtype) = (logits.Device, logits.DType);
        var compute = dtype.ComputeType();
        using (device.Gate.Enter())
        {
            var result = Fuser.NewBuffer(device, compute, logits.Layout.Compact);

            // Below a mean or a sum all losses have one gradient, often a number that needs no memory.
            var known = gradient.Storage.Value as ConstantExpression;
            var call = new CrossEntropyCall(
                logits.CastIfNeeded(compute).ContiguousBuffer(), target.ContiguousBuffer(), known is null ? gradient.CastIfNeeded(compute).StridedBuffer() : null,
                moments, result, logits.Shape[0], logits.Shape[1], ignoreIndex, isBackward: true, known?.Value.ToDouble() ?? 0);
            Executor.Of(device).Run(call, logits.Shape);
            return Tensor.FromNewBuffer(device, result).CastIfNeeded(dtype);
        }
    }

    /// <summary>Whether nothing can follow a derivative of these that needs to know how it was computed: then a kernel may do it.</summary>
    public static bool IsLast(Tensor gradient, Tensor x, Tensor? other = null)
    {
        bool records = Tape.GradMode.IsEnabled && (gradient.RequiresGrad || x.RequiresGrad || (other?.RequiresGrad ?? false));
        return !records && gradient.Wrapper is null && x.Wrapper is null && other?.Wrapper is null;
    }
}
