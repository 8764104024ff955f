using System.Collections.Concurrent;
using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels.Rows;
using ILGPU;
using ILGPU.Runtime;

namespace Autograd.Gpu.Devices.Kernels;

/// <summary>Launches kernels that take a thread number, or nothing, and one structure. Each is compiled once for an accelerator and lives as long as it does.</summary>
internal static class KernelLauncher
{
    /// <summary>Threads of one launch: kernels count them in 32 bits, and the last group reaches beyond the end.</summary>
    private const long MaxThreads = (1L << 31) - 1024;

    private const int MaxRowGroups = 1 << 20;
    private const int MaxRowGroupSize = GroupRow.MaxGroupSize;
    private const int MaxHostGroupSize = 8;

    private static readonly ConditionalWeakTable<Accelerator, ConcurrentDictionary<MethodInfo, Delegate>> s_loaded = [];

    /// <summary>Called with every kernel of <c>kernels/</c> before it is first compiled for an accelerator, by this class and the other launchers. For tests.</summary>
    public static event Action<MethodInfo>? Loading;

    /// <summary>Says that a kernel is about to be compiled.</summary>
    public static void ReportLoading(Delegate kernel) => Loading?.Invoke(kernel.Method);

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

    /// <summary>Enqueues an explicitly grouped kernel that works on rows: one group for each, or a group for several where there are very many.</summary>
    /// <exception cref="KernelCompilationException">The device's compiler refused the kernel.</exception>
    public static void LaunchRows<TArguments>(Device device, string name, Action<TArguments> kernel, long rows, long length, TArguments arguments)
        where TArguments : struct
    {
        var loaded = s_loaded.GetValue(device.Accelerator, static _ => []);
        if (!loaded.TryGetValue(kernel.Method, out var launcher))
        {
            launcher = loaded.GetOrAdd(kernel.Method, LoadRows(device, name, kernel));
        }

        // On the host each thread of a group is a thread of the process.
        int most = Math.Min(device.Accelerator.MaxNumThreadsPerGroup, device.HasHostMemory ? MaxHostGroupSize : MaxRowGroupSize);
        int least = device.HasHostMemory ? 1 : device.Accelerator.WarpSize;
        int wanted = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(length / 4, least, MaxRowGroupSize));
        var config = new KernelConfig((int)Math.Min(rows, MaxRowGroups), Math.Min(wanted, 1 << BitOperations.Log2((uint)most)));
        ((Action<AcceleratorStream, KernelConfig, TArguments>)launcher)(device.Stream, config, arguments);
    }

    private static Action<AcceleratorStream, KernelConfig, TArguments> LoadRows<TArguments>(Device device, string name, Action<TArguments> kernel)
        where TArguments : struct
    {
        ReportLoading(kernel);
        try
        {
            return device.Accelerator.LoadKernel(kernel);
        }
        catch (Exception e) when (e is not (AutogradException or OutOfMemoryException))
        {
            throw new KernelCompilationException(device, name, e);
        }
    }

    private static Action<AcceleratorStream, Index1D, TArguments> Load<TArguments>(Device device, string name, Action<Index1D, TArguments> kernel)
        where TArguments : struct
    {
        ReportLoading(kernel);
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
