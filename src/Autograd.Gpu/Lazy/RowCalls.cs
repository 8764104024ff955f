using System.Numerics;
using Autograd.Gpu.Devices.Host;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels.Rows;

namespace Autograd.Gpu.Lazy;

/// <summary>
/// Softmax along contiguous rows of float32 or float64, or its logarithm; with <paramref name="output"/>, the forward result, the gradient of the input from
/// that of the result.
/// </summary>
internal readonly unsafe struct SoftmaxCall(
    BufferExpression input, BufferExpression? output, BufferExpression result, long rows, long length, bool isLog) : IKernelCall
{
    public string Name => (isLog ? "LogSoftmax" : "Softmax") + (output is null ? "" : " gradient");

    public long Bytes => KernelBytes.Of(input) + (output is null ? 0 : KernelBytes.Of(output)) + KernelBytes.Of(result);

    public void OnHost()
    {
        if (result.DType == DType.Float32)
        {
            Host<float>();
        }
        else
        {
            Host<double>();
        }
    }

    public void OnDevice(Device device)
    {
        if (result.DType == DType.Float32)
        {
            Launch<float, SingleRows>(device);
        }
        else
        {
            Launch<double, DoubleRows>(device);
        }
    }

    private void Host<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var elements = (T*)RowMemory.Pointer(input);
        var problem = new RowProblem<T> { Rows = (nint)rows, Length = (nint)length, Result = (T*)RowMemory.Pointer(result), Flag = isLog };
        if (output is null)
        {
            problem.Input = elements;
            HostRows.Run(HostRows.Kind.Softmax, problem);
        }
        else
        {
            problem.Gradient = elements;
            problem.Output = (T*)RowMemory.Pointer(output);
            HostRows.Run(HostRows.Kind.SoftmaxGradient, problem);
        }

        GC.KeepAlive(input);
        GC.KeepAlive(output);
        GC.KeepAlive(result);
    }

    private void Launch<T, TMath>(Device device)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var arguments = new SoftmaxArguments<T>
        {
            Input = RowMemory.View<T>(input),
            Output = RowMemory.View<T>(output ?? input),
            Result = RowMemory.View<T>(result),
            Rows = rows,
            Length = length,
            IsLog = isLog ? 1 : 0,
        };
        KernelLauncher.LaunchRows(
            device, Name, output is null ? SoftmaxKernels.Forward<T, TMath> : SoftmaxKernels.Backward<T, TMath>, rows, length, arguments);
        GC.KeepAlive(input);
        GC.KeepAlive(output);
        GC.KeepAlive(result);
    }
}

/// <summary>
/// Normalises contiguous rows of float32 or float64 and notes the mean and the inverse deviation of each in <paramref name="moments"/> ([2, rows]); with a
/// gradient, that of the result, the gradient of the input from those.
/// </summary>
internal readonly unsafe struct NormCall(
    BufferExpression input, BufferExpression? gradient, BufferExpression? weight, BufferExpression? bias, BufferExpression moments, BufferExpression result,
    long rows, long length, double epsilon, bool centres) : IKernelCall
{
    public string Name => (centres ? "LayerNorm" : "RmsNorm") + (gradient is null ? "" : " gradient");

    public long Bytes => KernelBytes.Of(input) + (gradient is null ? 0 : KernelBytes.Of(gradient)) + KernelBytes.Of(moments) + KernelBytes.Of(result);

    public void OnHost()
    {
        if (result.DType == DType.Float32)
        {
            Host<float>();
        }
        else
        {
            Host<double>();
        }
    }

    public void OnDevice(Device device)
    {
        if (result.DType == DType.Float32)
        {
            Launch<float, SingleRows>(device, (float)epsilon, 1f / length);
        }
        else
        {
            Launch<double, DoubleRows>(device, epsilon, 1d / length);
        }
    }

    private void Host<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var problem = new RowProblem<T>
        {
            Rows = (nint)rows,
            Length = (nint)length,
            Input = (T*)RowMemory.Pointer(input),
            Gradient = (T*)RowMemory.Pointer(gradient),
            Weight = (T*)RowMemory.Pointer(weight),
            Bias = (T*)RowMemory.Pointer(bias),
            Moments = (T*)RowMemory.Pointer(moments),
            Result = (T*)RowMemory.Pointer(result),
            Epsilon = epsilon,
            Flag = centres,
        };
        HostRows.Run(gradient is null ? HostRows.Kind.Norm : HostRows.Kind.NormGradient, problem);
        KeepAlive();
    }

    private void Launch<T, TMath>(Device device, T eps, T inverseLength)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var arguments = new NormArguments<T>
        {
            Input = RowMemory.View<T>(input),
            Gradient = RowMemory.View<T>(gradient ?? input),
            Weight = RowMemory.View<T>(weight ?? input),
            Bias = RowMemory.View<T>(bias ?? input),
            Moments = RowMemory.View<T>(moments),
            Result = RowMemory.View<T>(result),
            Rows = rows,
            Length = length,
            InverseLength = inverseLength,
            Epsilon = eps,
            Centres = centres ? 1 : 0,
            HasWeight = weight is null ? 0 : 1,
            HasBias = bias is null ? 0 : 1,
        };
        KernelLauncher.LaunchRows(device, Name, gradient is null ? NormKernels.Forward<T, TMath> : NormKernels.Backward<T, TMath>, rows, length, arguments);
        KeepAlive();
    }

    private void KeepAlive()
    {
        GC.KeepAlive(input);
        GC.KeepAlive(gradient);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        GC.KeepAlive(moments);
        GC.KeepAlive(result);
    }
}

/// <summary>
/// Cross entropy of rows of logits, contiguous float32 or float64, and class numbers; notes two numbers of each row in <paramref name="moments"/> ([2, rows]).
/// With <paramref name="isBackward"/> the gradient of the logits from those of the losses: a vector of any stride, or one number for all.
/// </summary>
internal readonly unsafe struct CrossEntropyCall(
    BufferExpression logits, BufferExpression target, BufferExpression? gradient, BufferExpression moments, BufferExpression result,
    long rows, long classes, long ignoreIndex, bool isBackward, double factor = 0) : IKernelCall
{
    public string Name => isBackward ? "CrossEntropy gradient" : "CrossEntropy";

    public long Bytes => KernelBytes.Of(logits) + KernelBytes.Of(target) + KernelBytes.Of(moments) + KernelBytes.Of(result);

    private long GradientStride => gradient?.Layout.Stride(0) ?? 0;

    public void OnHost()
    {
        if (result.DType == DType.Float32)
        {
            Host<float>();
        }
        else
        {
            Host<double>();
        }
    }

    public void OnDevice(Device device)
    {
        if (result.DType == DType.Float32)
        {
            Launch<float, SingleRows>(device, (float)factor);
        }
        else
        {
            Launch<double, DoubleRows>(device, factor);
        }
    }

    private void Host<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var problem = new RowProblem<T>
        {
            Factor = T.CreateTruncating(factor),
            Rows = (nint)rows,
            Length = (nint)classes,
            Input = (T*)RowMemory.Pointer(logits),
            Target = (long*)RowMemory.Pointer(target),
            Gradient = (T*)RowMemory.Pointer(gradient),
            GradientStride = (nint)GradientStride,
            Moments = (T*)RowMemory.Pointer(moments),
            Result = (T*)RowMemory.Pointer(result),
            IgnoreIndex = ignoreIndex,
        };
        HostRows.Run(isBackward ? HostRows.Kind.CrossEntropyGradient : HostRows.Kind.CrossEntropy, problem);
        KeepAlive();
    }

    private void Launch<T, TMath>(Device device, T all)
        where T : unmanaged, INumber<T>
        where TMath : struct, IRowMath<T>
    {
        var arguments = new CrossEntropyArguments<T>
        {
            Factor = all,
            HasGradient = gradient is null ? 0 : 1,
            Input = RowMemory.View<T>(logits),
            Target = RowMemory.View<long>(target),
            Gradient = RowMemory.View<T>(gradient ?? logits),
            GradientStride = GradientStride,
            Moments = RowMemory.View<T>(moments),
            Result = RowMemory.View<T>(result),
            Rows = rows,
            Length = classes,
            IgnoreIndex = ignoreIndex,
        };
        KernelLauncher.LaunchRows(
            device, Name, isBackward ? CrossEntropyKernels.Backward<T, TMath> : CrossEntropyKernels.Forward<T, TMath>, rows, classes, arguments);
        KeepAlive();
    }

    private void KeepAlive()
    {
        GC.KeepAlive(logits);
        GC.KeepAlive(target);
        GC.KeepAlive(gradient);
        GC.KeepAlive(moments);
        GC.KeepAlive(result);
    }
}

/// <summary>The memory of an operand, from its element 0 on.</summary>
internal static unsafe class RowMemory
{
    public static void* Pointer(BufferExpression? buffer) => buffer is null ? null : (void*)new LineOperand(buffer, default).Pointer;

    public static ILGPU.ArrayView<T> View<T>(BufferExpression buffer) where T : unmanaged => new LineOperand(buffer, default).View.Cast<T>();
}
