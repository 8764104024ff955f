using TorchSharp;
using static TorchSharp.torch;

namespace AutogradRatio.Workloads;

/// <summary>Each reduction of 1M elements over each choice of dimensions.</summary>
internal static partial class Reductions
{
    private const string Group = "reductions";
    private const int Million = 1 << 20;

    /// <summary>The shape of the elements and the dimension that goes; none where all do.</summary>
    private static readonly (string Name, long[] Shape, int? Dim)[] Places =
    [
        ("", [1024, 1024], null),
        (" by rows", [1024, 1024], 1),
        (" by columns", [1024, 1024], 0),
        (" over a middle dimension", [64, 128, 128], 1),
    ];

    // Sums: an int would choose the overload that takes an element type.
    private static readonly (string Name, Func<torch.Tensor, int?, torch.Tensor> Run)[] PeerKinds =
    [
        ("sum", (x, dim) => dim is { } d ? x.sum((long)d) : x.sum()),
        ("mean", (x, dim) => dim is { } d ? x.mean([d]) : x.mean()),
        ("amax", (x, dim) => dim is { } d ? x.amax([d]) : x.amax([0, 1])),
        ("argmax", (x, dim) => dim is { } d ? x.argmax(d) : x.argmax()),
        ("var", (x, dim) => dim is { } d ? x.var(d) : x.var()),
    ];

    public static void Add(Table table)
    {
        foreach (var (kind, run) in PeerKinds)
        {
            foreach (var (place, shape, dim) in Places)
            {
                // An index that is off by one is wrong.
                table.Add(new Workload(Group, Name(kind, place))
                {
                    Peer = () => PeerReduction(shape, dim, run),
                    Bytes = 4.0 * Million,
                    Tolerance = kind == "argmax" ? 1e-7 : 1e-4,
                });
            }
        }

        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static string Name(string kind, string place) => $"{kind} of 1M{place}";

    private static float[] Elements() => Data.Uniform(1, Million, 0, 1);

    private static Step PeerReduction(long[] shape, int? dim, Func<torch.Tensor, int?, torch.Tensor> run)
    {
        var x = Peer.Of(Elements(), shape);
        return probe =>
        {
            using var result = run(x, dim);
            if (probe is not null)
            {
                using var single = result.to(ScalarType.Float32);
                probe.Take(single);
            }
        };
    }
}
