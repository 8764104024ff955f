using System.Globalization;

namespace AutogradRatio;

/// <summary>Which sides run.</summary>
internal enum Only
{
    Both,
    Ours,
    Peer,
}

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    public const string Usage = """
        Ratio of libtorch's time (through TorchSharp) to ours, interleaved in one process; above 1 ours is ahead.
          --filter TEXT     only workloads whose "group/name" contains TEXT (may be repeated)
          --rounds N        pairs of samples a workload (default 21)
          --only SIDE       ours or peer: time one side alone
          --threads N       threads on each side (default: all cores)
          --sample-ms MS    least length of a sample (default 4)
          --pause-ms MS     rest before each sample, so that the other side's workers stop spinning (default 12)
          --calibrate       the peer on both sides: each ratio must come out near 1
          --csv FILE        write the rows there as well
          --memory          peak resident size of training steps instead of times, each side in processes of its own
          --start           instead of the workloads: fresh processes to their first gradient, and first uses of fused kernels
          --list            name the workloads and stop
        """;

    public List<string> Filters { get; } = [];
    public int Rounds { get; private init; } = 21;
    public Only Only { get; private init; } = Only.Both;
    public int Threads { get; private init; } = Environment.ProcessorCount;
    public double SampleSeconds { get; private init; } = 0.004;
    public int PauseMilliseconds { get; private init; } = 12;
    public string? Csv { get; private init; }
    public bool Calibrate { get; private init; }
    public bool Memory { get; private init; }
    public bool Start { get; private init; }
    public bool List { get; private init; }
    public bool Help { get; private init; }

    public string Filter => string.Join("' or '", Filters);

    public bool Selects(Workload row) =>
        Filters.Count == 0 || Filters.Exists(text => row.ToString().Contains(text, StringComparison.OrdinalIgnoreCase));

    /// <exception cref="ArgumentException">An option is not known, or its value is missing or out of range.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options();
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            string Value() => ++i < args.Length ? args[i] : throw new ArgumentException($"{name} needs a value.");
            int Count(int least)
            {
                var text = Value();
                return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= least
                    ? count
                    : throw new ArgumentException($"{name} needs an integer of at least {least}, not '{text}'.");
            }

            switch (name)
            {
                case "--filter":
                    options.Filters.Add(Value());
                    break;
                case "--rounds":
                    options = options with { Rounds = Count(1) };
                    break;
                case "--only":
                    var side = Value();
                    options = options with
                    {
                        Only = side switch
                        {
                            "ours" => Only.Ours,
                            "peer" => Only.Peer,
                            _ => throw new ArgumentException($"--only takes ours or peer, not '{side}'."),
                        },
                    };
                    break;
                case "--threads":
                    options = options with { Threads = Count(1) };
                    break;
                case "--sample-ms":
                    options = options with { SampleSeconds = Count(1) / 1e3 };
                    break;
                case "--pause-ms":
                    options = options with { PauseMilliseconds = Count(0) };
                    break;
                case "--calibrate":
                    options = options with { Calibrate = true };
                    break;
                case "--csv":
                    options = options with { Csv = Value() };
                    break;
                case "--memory":
                    options = options with { Memory = true };
                    break;
                case "--start":
                    options = options with { Start = true };
                    break;
                case "--list":
                    options = options with { List = true };
                    break;
                case "--help" or "-h":
                    options = options with { Help = true };
                    break;
                default:
                    throw new ArgumentException($"Unknown option '{name}'.");
            }
        }

        return options;
    }
}
