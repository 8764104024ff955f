using System.Collections.Concurrent;
using System.Reflection;
using Autograd.Gpu.Devices.Kernels;
using Autograd.Gpu.Kernels;
using Autograd.Gpu.Lazy.Ilgpu;

namespace Autograd.Gpu.Tests.Support;

/// <summary>Collects every kernel that the suite has the ILGPU executors generate, and compiles all of them to PTX at the end.</summary>
internal static class EveryKernel
{
    private static readonly ConcurrentDictionary<MethodInfo, string> Kernels = new();
    private static readonly ConcurrentDictionary<MethodInfo, bool> ByHand = new();

    public static int Count => Kernels.Count;

    /// <summary>The kernels written by hand that a device ran, with their type arguments.</summary>
    public static IEnumerable<MethodInfo> Launched => ByHand.Keys;

    public static void StartCollecting()
    {
        KernelEntry.Generated += entry =>
        {
            // One test has a function that no GPU can run, to see the exception.
            if (entry.Operations != "Unsupported")
            {
                Kernels.TryAdd(entry.Method, entry.Operations);
            }
        };
        KernelLauncher.Loading += kernel => ByHand.TryAdd(kernel, true);
    }

    /// <summary>The kernels that did not compile, with what the compiler said.</summary>
    public static IReadOnlyCollection<string> CompileAll(int smMajor, int smMinor)
    {
        var failures = new ConcurrentBag<string>();
        // The context on which the kernels ran: most of the time goes into reading a kernel's IL, and there that is done.
        var context = Device.CpuKernels.Accelerator.Context;
        DeviceMath.Register(context);
        Parallel.ForEach(Kernels, kernel =>
        {
            try
            {
                string ptx = PtxCompiler.Compile(context, kernel.Key, smMajor, smMinor);
                if (!ptx.Contains(".entry", StringComparison.Ordinal))
                {
                    failures.Add($"{kernel.Value}: the PTX holds no entry");
                }

                if (ptx.Contains(".approx", StringComparison.Ordinal))
                {
                    failures.Add($"{kernel.Value}: the PTX holds an approximation");
                }
            }
            catch (Exception e)
            {
                failures.Add($"{kernel.Value}: {e.Message}");
            }
        });
        return failures;
    }

    /// <summary>
    /// For one kernel in <paramref name="step"/>: how it reads and writes memory, compiled on the context on which the kernels ran and on a context of its own.
    /// </summary>
    public static IEnumerable<(string Operations, string[] Shared, string[] Fresh)> Samples(int step, int smMajor, int smMinor)
    {
        var context = Device.CpuKernels.Accelerator.Context;
        DeviceMath.Register(context);
        foreach (var (method, operations) in Kernels.OrderBy(k => k.Value, StringComparer.Ordinal).Where((_, i) => i % step == 0))
        {
            yield return (
                operations,
                Instructions(PtxCompiler.Compile(context, method, smMajor, smMinor)),
                Instructions(PtxCompiler.Compile(method, smMajor, smMinor)));
        }
    }

    // ILGPU's order of values, and with it the number of moves and selections, is not the same each time; what a kernel reads and writes is.
    private static string[] Instructions(string ptx) =>
    [
        .. ptx.Split('\n').Select(line => line.Trim().Split(' ', '\t')[0])
            .Where(word => word.Contains(".global", StringComparison.Ordinal) || word.Contains(".shared", StringComparison.Ordinal) || word.StartsWith("ld.param", StringComparison.Ordinal))
            .Distinct().Order(StringComparer.Ordinal),
    ];
}
