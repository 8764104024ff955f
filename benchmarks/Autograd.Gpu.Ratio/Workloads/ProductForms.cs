using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AutogradRatio.Workloads;

/// <summary>Matrix products that are not square: flat ones, vectors, stacks, transposed operands, with an activation behind, in float64. Forward alone.</summary>
internal static partial class ProductForms
{
    private const int Rows = 128;
    private const int Inner = 784;
    private const int Columns = 512;
    private const int Long = 4096;
    private const int Stack = 64;

    private static readonly int[] Transposed = [512, 1024];
    private static readonly int[] Doubles = [64, 256, 1024];

    /// <summary>Rows, inner size and columns of the linear layers with an activation: the first layer of a small network, the wide layer of a transformer's block.</summary>
    private static readonly (int M, int K, int N)[] Layers = [(Rows, Inner, Columns), (1024, 256, 1024)];

    public static void Add(Table table)
    {
        table.Add(Product("matmul 128x784x512", Rows, Inner, Columns, () => PeerProduct((Rows, Inner), (Inner, Columns))));
        table.Add(Product("vector times matrix 4096", 1, Long, Long, () => PeerProduct(null, (Long, Long))));
        table.Add(Product("matrix times vector 4096", Long, Long, 1, () => PeerProduct((Long, Long), null)));
        table.Add(new Workload("matmul", "matmul 64 x (64x64)")
        {
            Peer = PeerStack,
            Flops = 2.0 * Stack * Stack * Stack * Stack,
            Bytes = 12.0 * Stack * Stack * Stack,
        });
        foreach (var n in Transposed)
        {
            table.Add(Product(Left(n), n, n, n, () => PeerTransposed(n, left: true)));
            table.Add(Product(Right(n), n, n, n, () => PeerTransposed(n, left: false)));
        }

        foreach (var (m, k, n) in Layers)
        {
            table.Add(Product(Plain(m, k, n), m, k, n, () => PeerLayer(m, k, n, y => y)));
            table.Add(Product(Relu(m, k, n), m, k, n, () => PeerLayer(m, k, n, y => y.relu_())));
            table.Add(Product(Gelu(m, k, n), m, k, n, () => PeerLayer(m, k, n, y => y.gelu())));
        }

        foreach (var n in Doubles)
        {
            // The peak is that of float32, twice that of float64.
            table.Add(new Workload("matmul", Double(n)) { Peer = () => PeerDouble(n), Flops = 4.0 * n * n * n, Bytes = 24.0 * n * n, Tolerance = 1e-6 });
        }

        AddOurs(table);
    }

    static partial void AddOurs(Table table);

    private static string Left(int n) => $"matmul A^T B {n}";

    private static string Right(int n) => $"matmul A B^T {n}";

    private static string Plain(int m, int k, int n) => $"linear {m}x{k}x{n}";

    private static string Relu(int m, int k, int n) => $"linear + relu {m}x{k}x{n}";

    private static string Gelu(int m, int k, int n) => $"linear + gelu {m}x{k}x{n}";

    private static string Double(int n) => $"matmul {n} float64";

    private static Workload Product(string name, int m, int k, int n, Func<Step> peer) => new("matmul", name)
    {
        Peer = peer,
        Flops = 2.0 * m * n * k,
        Bytes = 4 * ((double)m * k + (double)k * n + (double)m * n),
    };

    /// <summary>The product of two matrices, one of which may be missing: then it is a vector.</summary>
    private static Step PeerProduct((int M, int N)? left, (int M, int N)? right)
    {
        var a = left is { } x ? Peer.Of(Data.Uniform(1, x.M * x.N), x.M, x.N) : Peer.Of(Data.Uniform(1, right!.Value.M), right.Value.M);
        var b = right is { } y ? Peer.Of(Data.Uniform(2, y.M * y.N), y.M, y.N) : Peer.Of(Data.Uniform(2, left!.Value.N), left.Value.N);
        return probe =>
        {
            using var c = a.matmul(b);
            probe?.Take(c);
        };
    }

    private static Step PeerStack()
    {
        var a = Peer.Of(Data.Uniform(1, Stack * Stack * Stack), Stack, Stack, Stack);
        var b = Peer.Of(Data.Uniform(2, Stack * Stack * Stack), Stack, Stack, Stack);
        return probe =>
        {
            using var c = a.bmm(b);
            probe?.Take(c);
        };
    }

    private static Step PeerTransposed(int n, bool left)
    {
        var a = Peer.Of(Data.Uniform(1, n * n), n, n);
        var b = Peer.Of(Data.Uniform(2, n * n), n, n);
        var (x, y) = left ? (a.t(), b) : (a, b.t());
        return probe =>
        {
            using var c = x.mm(y);
            probe?.Take(c);
        };
    }

    private static Step PeerLayer(int m, int k, int n, Func<Tensor, Tensor> activation)
    {
        var x = Peer.Of(Data.Uniform(1, m * k), m, k);
        var weight = Peer.Of(Data.Weights(2, n, k), n, k);
        var bias = Peer.Of(Data.Uniform(3, n), n);
        return probe =>
        {
            using var product = F.linear(x, weight, bias);
            using var y = activation(product);
            probe?.Take(y);
        };
    }

    private static Step PeerDouble(int n)
    {
        var a = Peer.Of(Data.Uniform(1, n * n), n, n).to(ScalarType.Float64);
        var b = Peer.Of(Data.Uniform(2, n * n), n, n).to(ScalarType.Float64);
        return probe =>
        {
            using var c = a.mm(b);
            using var narrow = probe is null ? null : c.to(ScalarType.Float32);
            probe?.Take(narrow!);
        };
    }
}
