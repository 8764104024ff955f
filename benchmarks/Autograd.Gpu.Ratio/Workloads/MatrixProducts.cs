namespace AutogradRatio.Workloads;

/// <summary>Products of square float32 matrices, forward alone.</summary>
internal static partial class MatrixProducts
{
    private static readonly int[] Sizes = [32, 64, 128, 256, 512, 1024, 2048];

    public static void Add(Table table)
    {
        foreach (var n in Sizes)
            table.Add(new Workload("matmul", Name(n)) { Peer = () => PeerProduct(n), Flops = 2.0 * n * n * n, Bytes = 12.0 * n * n });
        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static string Name(int n) => $"matmul {n}";

    private static Step PeerProduct(int n)
    {
        var a = Peer.Of(Data.Uniform(1, n * n), n, n);
        var b = Peer.Of(Data.Uniform(2, n * n), n, n);
        return probe =>
        {
            using var c = a.mm(b);
            probe?.Take(c);
        };
    }
}
