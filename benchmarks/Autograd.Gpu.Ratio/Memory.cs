using System.Diagnostics;
using System.Globalization;

namespace AutogradRatio;

/// <summary>
/// The peak resident size of training steps. Each side of each row runs in a process of its own (this program again, with --memory and --only), which prints what it had
/// resident when the side's library was loaded, and at most until some hundred steps were done.
/// </summary>
internal static class Memory
{
    private const int Steps = 300;

    /// <summary>Whether the system tells a process's peak (Linux).</summary>
    public static bool Known => File.Exists("/proc/self/status");

    /// <summary>Runs one row's side in this process and prints two numbers of kilobytes.</summary>
    public static void Child(Workload row, Options options)
    {
        if (options.Only == Only.Ours)
            LoadOurs();
        else
            LoadPeer(options.Threads);
        var bare = Peak();
        var step = options.Only == Only.Ours ? row.Ours!() : row.Peer();
        for (var i = 0; i < Steps; i++)
            step(null);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bare} {Peak()}"));
    }

    /// <summary>Prints the table; the peer's bytes over ours are above 1 where ours holds less.</summary>
    public static bool Table(IEnumerable<Workload> rows, Options options)
    {
        Console.WriteLine($"Peak resident size after {Steps} steps, MB: growth over the process with its library loaded, and the whole. {options.Threads} threads a side.");
        Console.WriteLine();
        Console.WriteLine($"| {"workload",-56} | ours grows | peer grows | ours / peer | ours whole | peer whole | ours / peer |");
        Console.WriteLine($"| {new string('-', 56)} | ---------: | ---------: | ----------: | ---------: | ---------: | ----------: |");
        var isComplete = true;
        foreach (var row in rows)
        {
            var (ours, peer) = (Measured(row, "ours", options), Measured(row, "peer", options));
            if (ours is not { } a || peer is not { } b)
            {
                isComplete = false;
                continue;
            }

            var (grown, other) = (a.Peak - a.Bare, b.Peak - b.Bare);
            Console.WriteLine(
                $"| {row,-56} | {grown,10:F1} | {other,10:F1} | {grown / other,11:F2} | {a.Peak,10:F1} | {b.Peak,10:F1} | {a.Peak / b.Peak,11:F2} |");
        }

        return isComplete;
    }

    private static (double Bare, double Peak)? Measured(Workload row, string side, Options options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        // Where a host runs this program, its file is the host's first argument.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var argument in new[] { "--memory", "--only", side, "--filter", row.ToString(), "--threads", $"{options.Threads}" })
            start.ArgumentList.Add(argument);
        using var child = Process.Start(start)!;
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        var fields = output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (child.ExitCode == 0 && fields.Length == 2)
            return (Megabytes(fields[0]), Megabytes(fields[1]));
        Console.Error.WriteLine($"{row}: the process of {side} ended with {child.ExitCode}. {output}");
        return null;
    }

    private static double Megabytes(string kilobytes) => long.Parse(kilobytes, CultureInfo.InvariantCulture) / 1024.0;

    /// <summary>This process's peak resident size so far, in kilobytes.</summary>
    private static long Peak()
    {
        const string Name = "VmHWM:";
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(Name, StringComparison.Ordinal));
        return long.Parse(line[Name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    // Apart, so that neither library is loaded for the other's sake.
    private static void LoadOurs() => Autograd.Gpu.Tensor.Zeros([1]).Materialize();

    private static void LoadPeer(int threads)
    {
        Peer.Start(threads);
        Peer.Of([0], 1).Dispose();
    }
}
