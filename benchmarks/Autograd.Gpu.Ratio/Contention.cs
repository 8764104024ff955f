using System.Globalization;

namespace AutogradRatio;

/// <summary>
/// How long this process's threads have waited for a core that something else held. Beside an idle machine's few microseconds, a sample
/// during which they waited says more of the neighbour than of the workload: libtorch's static split waits for its slowest thread.
/// </summary>
internal static class Contention
{
    /// <summary>Whether the system tells (Linux with scheduler statistics).</summary>
    public static bool Known { get; } = File.Exists("/proc/self/schedstat");

    /// <summary>Seconds since the start, all threads together; 0 where the system does not tell.</summary>
    public static double Waited()
    {
        if (!Known)
            return 0;
        long nanoseconds = 0;
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                // Time on a core, time waiting for one, times scheduled.
                nanoseconds += long.Parse(File.ReadAllText(thread + "/schedstat").Split(' ')[1], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // The thread ended between the listing and the reading, so it holds no core either.
            }
        }

        return nanoseconds / 1e9;
    }
}
