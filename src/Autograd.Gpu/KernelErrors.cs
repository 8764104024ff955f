using System.Globalization;

namespace Autograd.Gpu;

/// <summary>A device's compiler refused a generated kernel. This is a fault of the library or of the driver; the message says which operations the kernel was for.</summary>
public sealed class KernelCompilationException : AutogradException
{
    internal KernelCompilationException(Device device, string operations, Exception innerException)
        : base(
            $"[kernel] {device} ({device.Name}) cannot compile the kernel for '{operations}': {innerException.Message.TrimEnd('.')}. " +
            "Execution.IsLazy = false runs each operation in a kernel of its own, which tells the one that fails; Device.Cpu needs no kernel compiler.",
            innerException)
    {
        Device = device;
        Operations = operations;
    }

    /// <summary>The device whose compiler failed.</summary>
    public Device Device { get; }

    /// <summary>The operations that the kernel computes, in order.</summary>
    public string Operations { get; }
}

/// <summary>One kernel would have to work on more elements than a launch can have.</summary>
public sealed class LaunchLimitException : AutogradException
{
    internal LaunchLimitException(Device device, string operations, long elements, long limit)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"[launch] '{operations}' on {device} is over {elements} elements; a kernel takes at most {limit}. Work on slices (Narrow, Chunk) of the tensors, or on Device.Cpu."))
    {
        Elements = elements;
        Limit = limit;
    }

    /// <summary>The elements that were asked for.</summary>
    public long Elements { get; }

    /// <summary>The most that a launch can have.</summary>
    public long Limit { get; }
}
