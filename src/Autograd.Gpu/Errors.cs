using System.Globalization;

namespace Autograd.Gpu;

/// <summary>The base of the exceptions that this library defines.</summary>
public class AutogradException : Exception
{
    /// <summary>Makes an exception with a message that names the operation, the actual values and the remedy.</summary>
    public AutogradException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with such a message and the exception that led to it.</summary>
    public AutogradException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A device was asked for that this machine or this process cannot give; the message says what was probed and what failed.</summary>
public sealed class DeviceNotAvailableException : AutogradException
{
    internal DeviceNotAvailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// A device had no memory for an allocation, although a full garbage collection had run and the pool's cache had been given back.
/// The pool is intact: the program goes on once it holds less memory or asks for less.
/// </summary>
public sealed class OutOfDeviceMemoryException : AutogradException
{
    internal OutOfDeviceMemoryException(Device device, long requestedBytes, long activeBytes, long cachedBytes, long limitBytes, Exception? innerException)
        : base(Describe(device, requestedBytes, activeBytes, cachedBytes, limitBytes, innerException), innerException)
    {
        Device = device;
        RequestedBytes = requestedBytes;
        ActiveBytes = activeBytes;
        CachedBytes = cachedBytes;
        LimitBytes = limitBytes;
    }

    /// <summary>The device that had no memory left.</summary>
    public Device Device { get; }

    /// <summary>The bytes asked for.</summary>
    public long RequestedBytes { get; }

    /// <summary>The bytes that tensors held when the allocation failed.</summary>
    public long ActiveBytes { get; }

    /// <summary>The bytes that the pool held for reuse when the allocation failed, in pieces too small to serve it.</summary>
    public long CachedBytes { get; }

    /// <summary>The value of <see cref="Device.MemoryLimit"/>.</summary>
    public long LimitBytes { get; }

    private static string Describe(Device device, long requested, long active, long cached, long limit, Exception? cause)
    {
        var refused = cause is null ? "" : $" The system refused the memory: {cause.Message.TrimEnd('.')}.";
        return $"[allocate] {device} is out of memory: asked for {Mebibytes(requested)}; {Mebibytes(active)} are held by tensors, " +
            $"{Mebibytes(cached)} are cached in pieces too small, the limit is {Mebibytes(limit)}.{refused} " +
            "A full garbage collection and a flush of the cache did not help. " +
            "Use a smaller batch, drop or dispose tensors that are not needed (losses kept with their graph are a common cause: keep their Item), " +
            "use Checkpoint, or raise Device.MemoryLimit where it was set.";
    }

    private static string Mebibytes(long bytes) =>
        bytes == long.MaxValue ? "not set"
        : bytes < 1 << 20 ? $"{bytes} bytes"
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):0.0} MiB ({bytes} bytes)");
}

/// <summary>Shapes that do not fit an operation, or a dimension that a tensor does not have.</summary>
public sealed class ShapeException : AutogradException
{
    internal ShapeException(string message)
        : base(message)
    {
    }
}

/// <summary>A dtype that an operation does not take, or that an in-place operation cannot store.</summary>
public sealed class DTypeException : AutogradException
{
    internal DTypeException(string message)
        : base(message)
    {
    }
}

/// <summary>Tensors on different devices in one operation.</summary>
public sealed class DeviceMismatchException : AutogradException
{
    internal DeviceMismatchException(string message)
        : base(message)
    {
    }
}

/// <summary>A use of the tape that has no meaning: a second backward pass, a root without history, a write that would falsify a gradient.</summary>
public sealed class GradientException : AutogradException
{
    internal GradientException(string message)
        : base(message)
    {
    }
}

/// <summary>Gradients that the tape computes and numerical ones disagree.</summary>
public sealed class GradCheckException : AutogradException
{
    internal GradCheckException(string message, int output, int input, double[,]? analytical = null, double[,]? numerical = null)
        : base(message)
    {
        Output = output;
        Input = input;
        Analytical = analytical;
        Numerical = numerical;
    }

    /// <summary>Which of the function's outputs, from 0.</summary>
    public int Output { get; }

    /// <summary>Which of the function's inputs, from 0.</summary>
    public int Input { get; }

    /// <summary>The Jacobian that the tape computes, [output elements, input elements]; null where no Jacobians were compared.</summary>
    public double[,]? Analytical { get; }

    /// <summary>The numerical Jacobian, [output elements, input elements]; null where no Jacobians were compared.</summary>
    public double[,]? Numerical { get; }
}
