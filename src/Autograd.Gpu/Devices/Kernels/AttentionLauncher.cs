using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;
using Autograd.Gpu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace Autograd.Gpu.Devices.Kernels;

/// <summary>Launches <see cref="AttentionKernels"/>. Kernels are compiled once for an accelerator and live as long as it does.</summary>
internal static class AttentionLauncher
{
    // More groups than this bring nothing: each takes several tiles.
    private const int MaxGroups = 1 << 20;

    private static readonly ConditionalWeakTable<Accelerator, ConcurrentDictionary<(Type, int), Delegate>> s_loaded = [];

    /// <summary>Enqueues the forward kernel, which writes the result and the logarithms of the sums.</summary>
    public static void Forward<T, TMath>(Device device, string name, in AttentionArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T> =>
        Launch(device, name, 0, x.Queries, x.ValueWidth, x, AttentionKernels.Forward<T, Side16, TMath>, AttentionKernels.Forward<T, Side4, TMath>);

    /// <summary>Enqueues the kernel of the gradient of q.</summary>
    public static void QueryGradient<T, TMath>(Device device, string name, in AttentionArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T> => Launch(
            device, name, 1, x.Queries, x.Width, x,
            AttentionKernels.Gradient<T, Side16, TMath, QueryGradient>, AttentionKernels.Gradient<T, Side4, TMath, QueryGradient>);

    /// <summary>Enqueues the kernel of the gradient of k.</summary>
    public static void KeyGradient<T, TMath>(Device device, string name, in AttentionArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T> => Launch(
            device, name, 2, x.Keys, x.Width, x,
            AttentionKernels.Gradient<T, Side16, TMath, KeyGradient>, AttentionKernels.Gradient<T, Side4, TMath, KeyGradient>);

    /// <summary>Enqueues the kernel of the gradient of v.</summary>
    public static void ValueGradient<T, TMath>(Device device, string name, in AttentionArguments<T> x)
        where T : unmanaged, INumber<T>
        where TMath : struct, IAttentionMath<T> => Launch(
            device, name, 3, x.Keys, x.ValueWidth, x,
            AttentionKernels.Gradient<T, Side16, TMath, ValueGradient>, AttentionKernels.Gradient<T, Side4, TMath, ValueGradient>);

    private static void Launch<T>(
        Device device, string name, int number, int rows, int columns, in AttentionArguments<T> x,
        Action<AttentionArguments<T>> wide, Action<AttentionArguments<T>> narrow)
        where T : unmanaged
    {
        int side = device.Accelerator.MaxNumThreadsPerGroup >= Side16.Value * Side16.Value ? Side16.Value : Side4.Value;
        long items = AttentionKernels.Items(x.Count, rows, columns, side);
        if (items == 0)
        {
            return;
        }

        var kernels = s_loaded.GetValue(device.Accelerator, static _ => []);
        if (!kernels.TryGetValue((typeof(T), number), out var launcher))
        {
            launcher = kernels.GetOrAdd((typeof(T), number), Load(device, name, side == Side16.Value ? wide : narrow));
        }

        var config = new KernelConfig(new Index3D((int)Math.Min(items, MaxGroups), 1, 1), new Index3D(side, side, 1));
        ((Action<AcceleratorStream, KernelConfig, AttentionArguments<T>>)launcher)(device.Stream, config, x);
    }

    private static Action<AcceleratorStream, KernelConfig, AttentionArguments<T>> Load<T>(Device device, string name, Action<AttentionArguments<T>> kernel)
        where T : unmanaged
    {
        KernelLauncher.ReportLoading(kernel);
        try
        {
            return device.Accelerator.LoadKernel(kernel).Invoke;
        }
        catch (Exception e) when (e is not (AutogradException or OutOfMemoryException))
        {
            throw new KernelCompilationException(device, name, e);
        }
    }
}
