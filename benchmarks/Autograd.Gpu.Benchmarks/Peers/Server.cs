using System.Diagnostics;
using System.Globalization;

namespace Autograd.Gpu.Benchmarks.Peers;

/// <summary>
/// Times workloads on request, so that a peer in another process can be interleaved with ours: one command a line on the standard input,
/// one answer a line on the standard output.
/// </summary>
/// <remarks>
/// <c>list</c>: the names, separated by tabs. <c>check NAME</c>: runs once and answers the sum of the magnitudes of each result.
/// <c>time COUNT NAME</c>: the seconds that COUNT iterations took, the device waited for at the end. <c>drop NAME</c>: forgets the inputs.
/// An answer that begins with <c>error</c> carries the message of what failed.
/// </remarks>
internal sealed class Server(Device device)
{
    private readonly Dictionary<string, Workload> _workloads = DeviceWorkloads.All.ToDictionary(workload => workload.Name);
    private readonly Dictionary<string, Func<Tensor[]>> _ready = [];

    public void Run(TextReader input, TextWriter output)
    {
        output.WriteLine(device.ToString());
        output.Flush();
        while (input.ReadLine() is { } line)
        {
            try
            {
                output.WriteLine(Answer(line));
            }
            catch (Exception e) when (e is AutogradException or KeyNotFoundException or FormatException)
            {
                output.WriteLine($"error {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
            }

            output.Flush();
        }
    }

    private string Answer(string line)
    {
        var parts = line.Split(' ', 2);
        switch (parts[0])
        {
            case "list":
                return string.Join('\t', _workloads.Keys);
            case "check":
                var sums = Step(parts[1])().Select(result => result.Detach().Abs().Sum([], dtype: DType.Float64).Item<double>());
                return string.Join(' ', sums.Select(sum => sum.ToString("R", CultureInfo.InvariantCulture)));
            case "time":
                var rest = parts[1].Split(' ', 2);
                return Time(Step(rest[1]), int.Parse(rest[0], CultureInfo.InvariantCulture)).ToString("R", CultureInfo.InvariantCulture);
            case "drop":
                _ready.Remove(parts[1]);
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return "ok";
            default:
                return $"error the commands are list, check, time and drop, not '{parts[0]}'";
        }
    }

    private Func<Tensor[]> Step(string name)
    {
        if (!_ready.TryGetValue(name, out var step))
        {
            _ready[name] = step = _workloads[name].SetUp(device);
        }

        return step;
    }

    private double Time(Func<Tensor[]> step, int count)
    {
        device.Synchronize();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            foreach (var result in step())
            {
                result.Materialize();
            }
        }

        device.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
