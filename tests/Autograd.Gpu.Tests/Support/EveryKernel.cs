using System.Collections.Concurrent;
using System.Reflection;
using Autograd.Gpu.Lazy.Ilgpu;

namespace Autograd.Gpu.Tests.Support;

/// <summary>Collects every kernel that the suite has the ILGPU executors generate, and compiles all of them to PTX at the end.</summary>
internal static class EveryKernel
{
    private static readonly ConcurrentDictionary<MethodInfo, string> Kernels = new();

    public static int Count => Kernels.Count;

    public static void StartCollecting() => KernelEntry.Generated += entry =>
    {
        // One test has a function that no GPU can run, to see the exception.
        if (entry.Operations != "Unsupported")
        {
            Kernels.TryAdd(entry.Method, entry.Operations);
        }
    };

    /// <summary>The kernels that did not compile, with what the compiler said.</summary>
    public static IReadOnlyCollection<string> CompileAll(int smMajor, int smMinor)
    {
        var failures = new ConcurrentBag<string>();
        Parallel.ForEach(Kernels, kernel =>
        {
            try
            {
                string ptx = PtxCompiler.Compile(kernel.Key, smMajor, smMinor);
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
}
