using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace Autograd.Gpu.Devices.Kernels;

/// <summary>Launches kernels that take a thread number and one structure. Each is compiled once for an accelerator and lives as long as it does.</summary>
internal static class KernelLauncher
{
    /// <summary>Threads of one launch: kernels count them in 32 bits, and the last group reaches beyond the end.</summary>
    private const long MaxThreads = (1L << 31) - 1024;

    private static readonly ConditionalWeakTable<Accelerator, ConcurrentDictionary<MethodInfo, Delegate>> s_loaded = [];

    /// <summary>Enqueues <paramref name="threads"/> threads of a kernel.</summary>
    /// <exception cref="LaunchLimitException">There are more threads than a launch can have.</exception>
    /// <exception cref="KernelCompilationException">The device's compiler refused the kernel.</exception>
    public static void Launch<TArguments>(Device device, string name, Action<Index1D, TArguments> kernel, long threads, TArguments arguments)
        where TArguments : struct
    {
        if (threads == 0)
        {
            return;
        }

        if (threads > MaxThreads)
        {
            throw new LaunchLimitException(device, name, threads, MaxThreads);
        }

        var loaded = s_loaded.GetValue(device.Accelerator, static _ => []);
        if (!loaded.TryGetValue(kernel.Method, out var launcher))
        {
            launcher = loaded.GetOrAdd(kernel.Method, Load(device, name, kernel));
        }

        ((Action<AcceleratorStream, Index1D, TArguments>)launcher)(device.Stream, (int)threads, arguments);
    }

    private static Action<AcceleratorStream, Index1D, TArguments> Load<TArguments>(Device device, string name, Action<Index1D, TArguments> kernel)
        where TArguments : struct
    {
        try
        {
            return device.Accelerator.LoadAutoGroupedKernel(kernel);
        }
        catch (Exception e) when (e is not (AutogradException or OutOfMemoryException))
        {
            throw new KernelCompilationException(device, name, e);
        }
    }
}
