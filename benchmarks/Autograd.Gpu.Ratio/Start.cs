using System.Diagnostics;
using System.Globalization;
using TorchSharp;

namespace AutogradRatio;

/// <summary>
/// The costs that a process pays once: from its start to the first gradient of the tutorial graph, in fresh processes of each side, and the first
/// use of new fused kernels, all in one process.
/// </summary>
internal static partial class Start
{
    private const string ChildOption = "--start-child";

    /// <summary>Runs the child's part if this process was started for it; asked before anything else, so that nothing else is loaded.</summary>
    public static bool IsChild(string[] args) => args.Length == 3 && args[0] == ChildOption;

    public static int Child(string[] args)
    {
        double result = args[1] switch
        {
            "empty" => 0,
            "ours" => OurFirstGradient(),
            "libtorch" => PeerFirstGradient(),
            "kernels" => OurFirstUses(),
            _ when args[1].StartsWith(FunctionsSide, StringComparison.Ordinal) => OurFirstFunctions(args[1][FunctionsSide.Length..]),
            _ => throw new ArgumentException($"'{args[1]}' is no side."),
        };
        long now = DateTime.UtcNow.Ticks;
        double started = new TimeSpan(now - long.Parse(args[2], CultureInfo.InvariantCulture)).TotalMilliseconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{started} {result}"));
        return 0;
    }

    public static int Run(Options options)
    {
        var sides = new[] { "empty", "ours", "libtorch" }.Where(side => side switch
        {
            "ours" => options.Only != Only.Peer,
            "libtorch" => options.Only != Only.Ours,
            _ => true,
        }).ToArray();
        var times = sides.ToDictionary(side => side, _ => new List<double>());
        foreach (var side in sides)
            Launch(side, options); // The files come into the system's cache.
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var side in sides)
                times[side].Add(First(Launch(side, options)[^1])[0]);
        }

        Console.WriteLine($"{options.Rounds} fresh processes a side, in turn; milliseconds from before the process is made.");
        Console.WriteLine();
        Console.WriteLine("| start of a process | median | quartiles |");
        Console.WriteLine("| --- | ---: | ---: |");
        foreach (var (side, name) in new[] { ("empty", "to an empty Main"), ("ours", "to the first gradient, ours"), ("libtorch", "to the first gradient, libtorch") })
        {
            if (times.TryGetValue(side, out var samples))
                Console.WriteLine($"| {name} | {Row([.. samples])} |");
        }

        if (options.Only == Only.Peer)
            return 0;
        var lines = Launch("kernels", options)[..^1];
        Console.WriteLine();
        Console.WriteLine("| first use of a new fused kernel | kernels | median | quartiles | largest |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (var group in lines.Select(line => line.Split('\t')).GroupBy(fields => fields[0]))
        {
            var samples = group.Select(fields => double.Parse(fields[2], CultureInfo.InvariantCulture)).ToArray();
            var worst = group.MaxBy(fields => double.Parse(fields[2], CultureInfo.InvariantCulture))!;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {group.Key} | {group.Count()} | {Row(samples)} | {samples.Max():F2} ({worst[1]}) |"));
        }

        RunFunctions(options);
        return 0;
    }

    private static string Row(double[] samples) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Samples.Quantile(samples, 0.5):F2} | {Samples.Quantile(samples, 0.25):F2}..{Samples.Quantile(samples, 0.75):F2}");

    private static double[] First(string line) => [.. line.Split(' ').Select(field => double.Parse(field, CultureInfo.InvariantCulture))];

    private static string[] Launch(string side, Options options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(Start).Assembly.Location);
        start.ArgumentList.Add(ChildOption);
        start.ArgumentList.Add(side);
        start.Environment["AUTOGRAD_NUM_THREADS"] = options.Threads.ToString(CultureInfo.InvariantCulture);
        start.Environment["OMP_NUM_THREADS"] = options.Threads.ToString(CultureInfo.InvariantCulture);
        start.ArgumentList.Add(DateTime.UtcNow.Ticks.ToString(CultureInfo.InvariantCulture));
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException($"The process for '{side}' ended with {process.ExitCode}: {output}");
    }

    private static double PeerFirstGradient()
    {
        using var x = torch.ones([2, 2], requires_grad: true);
        var y = x + 2;
        var z = y * y * 3;
        z.mean().backward();
        return x.grad!.data<float>()[0];
    }
}
